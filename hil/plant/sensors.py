"""What the sensors make of the physics: lag is in the line, here are gain, noise, range and the converters."""

from math import exp, hypot

from hil.plant.line import LiquidLine
from hil.plant.noise import stream
from hil.plant.parameters import NS_PER_S, PlantParameters
from hil.plant.sensor_faults import ANALOGUE, SensorFault

ADC_PRESSURE, ADC_DENSITY, ADC_SUPPLY = range(3)
ADC_FULL_SCALE = 65535
_PRESSURE_FLOOR = 0.1  # share of the supply at 0 kPa
_PRESSURE_SPAN = 0.8  # share of the supply from 0 kPa to full range
_SETTLED_TIME_CONSTANTS = 4.6  # exp(-4.6) is 1 %


def to_adc(share: float) -> int:
    """Return what a 12-bit converter, scaled to 16 bits, reads for this share of its reference."""
    code = int(min(1.0, max(0.0, share)) * 4095 + 0.5)
    return code << 4 | code >> 8


class Sensors:
    """Analogue inputs, flow, temperature and the scale. Noise is drawn only when a sensor is read."""

    def __init__(self, parameters: PlantParameters, line: LiquidLine, seed: int) -> None:
        self._parameters = parameters
        self._line = line
        self._pressure_gain = _PRESSURE_SPAN / parameters.pressure_range_kpa * (1.0 + parameters.pressure_gain_error)
        bound = parameters.flow_gain_error_bound
        self._flow_gain = 1.0 + stream(seed, "flow gain").uniform(-bound, bound)
        self._pressure_noise = stream(seed, "pressure")
        self._flow_noise = stream(seed, "flow")
        self._temperature_noise = stream(seed, "temperature")
        self._density_noise = stream(seed, "density")
        self._supply_noise = stream(seed, "supply")
        self._scale_noise = stream(seed, "scale")
        self._waste_scale_noise = stream(seed, "waste scale")
        self._liquid_noise = stream(seed, "liquid temperature")
        self._stuck: dict[int, int] = {}
        self.faults: dict[str, SensorFault] = {}  # by the sensor's name
        self._stirred = False
        self._density = 1.0
        self._density_ns = 0
        self.supply_up = True

    def hold_adc(self, channel: int, raw: int | None) -> None:
        """Make an analogue input read this value whatever happens; None mends it."""
        if raw is None:
            self._stuck.pop(channel, None)
        else:
            self._stuck[channel] = raw

    def adc(self, channel: int, now_ns: int) -> int:
        """Read an analogue input: 0..65535 is 0..reference."""
        if channel in self._stuck:
            return self._stuck[channel]
        if not 0 <= channel < len(ANALOGUE):
            raise ValueError(f"analogue input {channel} is not wired; there are 0, 1 and 2")
        if channel == ADC_PRESSURE:
            reading = self._line.sensed_kpa + self._pressure_noise.gauss(0.0, self._parameters.pressure_noise_kpa)
        elif channel == ADC_SUPPLY:
            reading = self._supply_v()
        else:
            reading = self.density(now_ns) * (1.0 + self._density_noise.gauss(0.0, self._parameters.density_noise))
        if self.faults:
            fault = self.faults.get(ANALOGUE[channel])
            if fault is not None:
                if fault.silent:
                    return 0  # the open input is pulled down
                reading = fault.reading(reading, now_ns)
        if channel == ADC_PRESSURE:
            return to_adc(_PRESSURE_FLOOR + reading * self._pressure_gain)
        return to_adc(reading / self._parameters.supply_full_scale_v if channel == ADC_SUPPLY else reading)

    def _supply_v(self) -> float:
        if not self.supply_up:
            return 0.0
        return self._parameters.supply_v + self._parameters.supply_ripple_v * (self._supply_noise.random() - 0.5)

    def stir(self, now_ns: int, on: bool) -> None:
        """Switch the stirrer."""
        self._settle(now_ns)
        self._stirred = on

    def refill(self, density: float, now_ns: int) -> None:
        """Put in another suspension, that stood long or was stirred just now: 0 to 1."""
        self._density = density
        self._density_ns = now_ns

    def density(self, now_ns: int) -> float:
        """Return the true density of the suspension, 1 freshly stirred."""
        self._settle(now_ns)
        return self._density

    def flow_nl_s(self, now_ns: int = 0) -> float:
        """Return one reading of the flow sensor, nL/s."""
        parameters = self._parameters
        flow = self._line.sensed_flow_nl_s * self._flow_gain
        # Two independent sources of noise make one with the root of the sum of their squares.
        flow += self._flow_noise.gauss(0.0, hypot(flow * parameters.flow_noise_share, parameters.flow_noise_nl_s))
        fault = self.faults.get("flow")
        return flow if fault is None else fault.reading(flow, now_ns)

    def liquid_c(self, now_ns: int) -> float:
        """Return one reading of the liquid's temperature by the flow sensor, degC."""
        parameters = self._parameters
        drift = parameters.temperature_drift_c_h * now_ns / (3600 * NS_PER_S)
        return parameters.temperature_c + drift + self._liquid_noise.gauss(0.0, parameters.temperature_noise_c)

    def temperature_c(self, now_ns: int) -> float:
        """Return one reading of the thermometer, degC."""
        parameters = self._parameters
        drift = parameters.temperature_drift_c_h * now_ns / (3600 * NS_PER_S)
        reading = parameters.temperature_c + drift
        reading += self._temperature_noise.gauss(0.0, parameters.temperature_noise_c)
        fault = self.faults.get("temperature")
        return reading if fault is None else fault.reading(reading, now_ns)

    def weigh_nl(self) -> float:
        """Return one reading of the scale at the tip, nL."""
        return self._line.scale_nl + self._scale_noise.gauss(0.0, self._parameters.scale_noise_nl)

    def weigh_waste_nl(self) -> float:
        """Return one reading of the technician's scale under the waste, nL: simulated, as good as that at the tip."""
        return self._line.waste_nl + self._waste_scale_noise.gauss(0.0, self._parameters.scale_noise_nl)

    def _settle(self, now_ns: int) -> None:
        duration_s = (now_ns - self._density_ns) / NS_PER_S
        self._density_ns = now_ns
        if self._stirred:
            time_constant_s = self._parameters.density_stirring_s / _SETTLED_TIME_CONSTANTS
            self._density = 1.0 - (1.0 - self._density) * exp(-duration_s / time_constant_s)
        else:
            self._density *= exp(-duration_s / self._parameters.density_settling_s)


def scale_lag_s(settling_s: float) -> float:
    """Return the time constant of a scale that has settled to 1 % after ``settling_s``."""
    return settling_s / _SETTLED_TIME_CONSTANTS
