"""The numbers of the reference rig: what the plant does when nobody says otherwise."""

import math
from dataclasses import dataclass, fields

NS_PER_MS = 1_000_000
NS_PER_S = 1_000_000_000

STEPS_PER_MM = 3200  # lead 1 mm, 200 full steps, 16 micro-steps
BORE_MM = 4.78  # inner diameter of the 1 mL syringe
NOMINAL_STEP_NL = math.pi / 4 * BORE_MM * BORE_MM * 1000 / STEPS_PER_MM  # 1 mm3 = 1000 nL

SIGNED = {"bore_error", "pressure_gain_error", "temperature_c", "temperature_drift_c_h"}
POSITIVE = {
    "channels",
    "compliance_nl_kpa",
    "resistance_kpa_s_nl",
    "waste_resistance_kpa_s_nl",
    "heartbeat_one_shot_ns",
    "pressure_range_kpa",
    "density_settling_s",
    "density_stirring_s",
    "supply_full_scale_v",
    "i2c_hz",
}


@dataclass(frozen=True, slots=True)
class PlantParameters:
    """Every adjustable number of the plant, with the reference rig's defaults.

    Volumes in nL, pressures in kPa, resistances in kPa per nL/s, compliance in nL/kPa, times in s unless the name says
    ns.
    """

    # Pump. A bore error of 0.01 makes every step 1 % larger than nominal.
    channels: int = 3
    bore_error: float = 0.0
    backlash_nl: float = 90.0
    stick_slip_nl: float = 20.0
    fill_nl: float = 1_000_000.0
    capacity_nl: float = 1_050_000.0
    end_switch_nl: float = 10_000.0  # the end switch closes this far before the plunger touches the bottom

    # Line. The way to the waste is short and wide: stored pressure is relieved within a few tens of milliseconds.
    compliance_nl_kpa: float = 200.0
    resistance_kpa_s_nl: float = 0.002
    waste_resistance_kpa_s_nl: float = 0.0002
    valve_ns: int = 10 * NS_PER_MS
    manifold_nl: float = 6000.0  # from the syringes to pressure and flow sensor
    sensors_nl: float = 2000.0  # from there to bubble sensor and valve
    patient_line_nl: float = 3000.0  # from the valve to the tip

    # Safety wiring.
    heartbeat_one_shot_ns: int = 20 * NS_PER_MS

    # Pressure sensor: 10 % to 90 % of the supply is 0 to 200 kPa.
    pressure_range_kpa: float = 200.0
    pressure_noise_kpa: float = 0.3
    pressure_lag_s: float = 0.005
    pressure_gain_error: float = 0.0

    # Flow sensor. The gain error of one rig is drawn from the seed within +- the bound.
    flow_noise_share: float = 0.01
    flow_noise_nl_s: float = 20.0
    flow_lag_s: float = 0.020
    flow_gain_error_bound: float = 0.02
    flow_first_result_ns: int = 12 * NS_PER_MS

    # Suspension density.
    density_noise: float = 0.01
    density_settling_s: float = 480.0
    density_stirring_s: float = 20.0

    # Liquid temperature.
    temperature_c: float = 22.0
    temperature_noise_c: float = 0.1
    temperature_drift_c_h: float = 0.5

    # Motor and valve supply, measured over a divider: full scale is 16.5 V.
    supply_v: float = 12.0
    supply_ripple_v: float = 0.05
    supply_full_scale_v: float = 16.5

    # Scale at the tip: a first-order response that has settled to 1 % after the settling time.
    scale_noise_nl: float = 2.0
    scale_settling_s: float = 1.0

    # Cartridge memory: how long a page is written, in which it does not answer.
    eeprom_write_ns: int = 5 * NS_PER_MS

    # I2C: the clock of both buses; the chance that a transfer is not acknowledged, and that a word of the flow sensor
    # carries a wrong CRC.
    i2c_error_rate: float = 1e-5
    i2c_hz: int = 400_000

    def __post_init__(self) -> None:
        """Raise ValueError for a number that no rig can have."""
        for field in fields(self):
            value = getattr(self, field.name)
            if value < 0 and field.name not in SIGNED:
                raise ValueError(f"{field.name} is {value}; it cannot be below 0")
            if value == 0 and field.name in POSITIVE:
                raise ValueError(f"{field.name} must be above 0")

    @property
    def step_nl(self) -> float:
        """Volume of one micro-step of this rig's syringes, nL."""
        return NOMINAL_STEP_NL * (1.0 + self.bore_error)
