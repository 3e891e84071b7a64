"""What the active faults of a sensor, a syringe or a patient make the bench do; none of them mends it."""

from collections.abc import Sequence
from typing import Any

from hil.faults import vocabulary as v
from hil.plant.parameters import PlantParameters

_FULL_HEAD_CONDUCTANCE = 100.0


def settle_sensor(plant: Any, sensor: str, faults: Sequence[Any]) -> None:
    """Make a sensor lie as its newest fault says."""
    if not faults:
        plant.mend(sensor)
        return
    fault = faults[-1]
    unit = _range_of(sensor, plant.parameters) / 1000
    if isinstance(fault, v.SensorSilent):
        plant.spoil(sensor, "silent")
    elif isinstance(fault, v.SensorStuck):
        plant.spoil(sensor, "stuck")
    elif isinstance(fault, v.SensorDrifting):
        plant.spoil(sensor, "drifting", fault.permille_s * unit)
    else:
        plant.spoil(sensor, "jumping", fault.permille * unit)


def settle_syringe(plant: Any, before: v.ChannelFault, faults: Sequence[v.ChannelFault]) -> None:
    """Bring a syringe into the state of its active faults, after ``before`` has begun or ended."""
    channel, active = before.channel, before in faults
    if isinstance(before, v.MotorStalled):
        plant.stall(channel, any(isinstance(fault, v.MotorStalled) for fault in faults))
    elif isinstance(before, v.SyringeLoose):
        if active:
            plant.loosen(channel, before.gap_nl, before.head_kpa, _FULL_HEAD_CONDUCTANCE)
        else:
            plant.clamp(channel)
    elif isinstance(before, v.SyringeEmpty) and active:
        plant.empty_syringe(channel)
    elif isinstance(before, v.SyringeExchanged) and active:
        plant.exchange_syringe(channel, before.fill_nl, air_nl=before.air_nl)
    else:
        plant.exchange_syringe(channel)


def settle_patient(signs: Any, before: v.PatientFault, faults: Sequence[v.PatientFault]) -> None:
    """Disturb the signs that a monitor sees, after ``before`` has begun or ended; spells end by themselves."""
    lasting_s = before.for_us / 1e6
    if isinstance(before, v.SamplesMissing):
        signs.silent = any(isinstance(fault, v.SamplesMissing) for fault in faults)
    elif isinstance(before, v.SampleClockOff):
        signs.clock_offset_ms = sum(fault.offset_ms for fault in faults if isinstance(fault, v.SampleClockOff))
    elif isinstance(before, v.SampleClockStopped):
        signs.stop_clock(any(isinstance(fault, v.SampleClockStopped) for fault in faults))
    elif before not in faults:
        return
    elif isinstance(before, v.ProbeOff):
        signs.take_probe_off(lasting_s)
    elif isinstance(before, v.MotionArtefact):
        signs.move(lasting_s)
    elif isinstance(before, v.FlatLine):
        signs.flat_line(before.sign, lasting_s)


def _range_of(sensor: str, parameters: PlantParameters) -> float:
    """Return a sensor's range in its own unit."""
    return {
        "pressure": parameters.pressure_range_kpa,
        "flow": 33_333.0,  # 2 mL/min
        "supply": parameters.supply_full_scale_v,
        "density": 1.0,
        "temperature": 100.0,
    }.get(sensor, 1.0)
