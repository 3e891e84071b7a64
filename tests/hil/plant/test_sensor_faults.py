"""Sensors that lie: each of them, in each way, from an instant on and for so long."""

import pytest

from hil.plant import PlantParameters, SimulatedRig
from hil.plant.sensor_faults import SENSORS, SensorFault
from protocol import codes

MS = 1_000_000
S = 1000 * MS
QUIET = PlantParameters(
    pressure_noise_kpa=0.0,
    flow_noise_nl_s=0.0,
    flow_noise_share=0.0,
    flow_gain_error_bound=0.0,
    density_noise=0.0,
    supply_ripple_v=0.0,
    temperature_noise_c=0.0,
    temperature_drift_c_h=0.0,
    i2c_error_rate=0.0,
)


def kpa(rig):
    return (rig.adc(0, rig.now_ns) / 65535 - 0.1) / 0.8 * 200.0


def volts(rig):
    return rig.adc(2, rig.now_ns) / 65535 * 16.5


def flow_nl_s(rig):
    answer = rig.i2c_read(0, 0x08, 9, rig.now_ns)
    return None if answer is None else int.from_bytes(answer[:2], "big", signed=True) / 0.6


def celsius(rig):
    answer = rig.i2c_read(0, 0x48, 2, rig.now_ns)
    return None if answer is None else int.from_bytes(answer, "big", signed=True) / 128


@pytest.fixture
def rig():
    rig = SimulatedRig(QUIET)
    rig.i2c_write(0, 0x08, b"\x36\x08", 0)
    rig.advance(1 * S)
    return rig


def test_a_stuck_pressure_stays_as_it_was(rig):
    rig.line.inject(2000.0)
    rig.occlude(1.0)
    rig.open_door()  # keeps the valve where it is
    rig.advance(2 * S)
    rig.spoil("pressure", "stuck", 55.0)
    assert kpa(rig) == pytest.approx(55.0, abs=0.1)
    rig.mend("pressure")
    assert kpa(rig) == pytest.approx(0.0, abs=0.1)


def test_stuck_without_a_value_is_stuck_at_what_is_read_first(rig):
    rig.spoil("density", "stuck")
    first = rig.adc(1, rig.now_ns)
    assert rig.adc(1, 500 * S) == first
    rig.mend("density")
    assert rig.adc(1, 500 * S) < first


def test_a_drift_grows_with_the_time(rig):
    rig.spoil("pressure", "drifting", 0.5)
    rig.advance(21 * S)
    assert kpa(rig) == pytest.approx(10.0, abs=0.1)


def test_a_jump_is_there_at_once_and_stays(rig):
    rig.spoil("supply", "jumping", -3.0)
    assert volts(rig) == pytest.approx(9.0, abs=0.01)
    rig.advance(100 * S)
    assert volts(rig) == pytest.approx(9.0, abs=0.01)


@pytest.mark.parametrize(("sensor", "channel"), [("pressure", 0), ("density", 1), ("supply", 2)])
def test_a_silent_analogue_sensor_reads_zero(rig, sensor, channel):
    rig.spoil(sensor, "silent")
    assert rig.adc(channel, rig.now_ns) == 0


def test_a_silent_chip_does_not_acknowledge(rig):
    rig.spoil("flow", "silent")
    assert flow_nl_s(rig) is None
    assert celsius(rig) is not None
    rig.mend("flow")
    assert flow_nl_s(rig) is not None


def test_flow_and_temperature_drift_and_jump(rig):
    rig.spoil("flow", "jumping", 600.0)
    rig.spoil("temperature", "drifting", 1.0)
    rig.advance(11 * S)
    assert flow_nl_s(rig) == pytest.approx(600.0, abs=2)
    assert celsius(rig) == pytest.approx(22.0 + 9.124, abs=0.01)  # the last conversion is as old as that


def test_a_fault_ends_by_itself(rig):
    rig.spoil("supply", "silent", for_s=0.5)
    rig.advance(1499 * MS)
    assert volts(rig) == 0
    rig.advance(1500 * MS)
    assert volts(rig) == pytest.approx(12.0, abs=0.01)


def test_a_fault_that_ends_leaves_a_later_one_alone(rig):
    rig.spoil("supply", "silent", for_s=0.5)
    rig.spoil("supply", "jumping", 1.0)
    rig.advance(2 * S)
    assert volts(rig) == pytest.approx(13.0, abs=0.01)


def test_a_detector_that_is_stuck_hides_the_air_from_the_safety_wiring(rig):
    rig.set_valve(rig.now_ns, True)
    rig.spoil("bubble", "stuck", 1.0)
    rig.put_bubble()
    assert rig.safe(rig.now_ns)
    rig.mend("bubble")
    assert not rig.safe(rig.now_ns)


@pytest.mark.parametrize(
    ("name", "bit"),
    [
        ("estop", codes.INPUT_ESTOP_HEALTHY),
        ("door", codes.INPUT_DOOR_CLOSED),
        ("bubble", codes.INPUT_BUBBLE_CLEAR),
    ],
)
def test_a_broken_wire_reads_as_a_trip(rig, name, bit):
    rig.spoil(name, "silent")
    assert not rig.inputs(rig.now_ns) & bit


def test_every_sensor_can_be_spoilt_and_mended(rig):
    for sensor in SENSORS:
        rig.spoil(sensor, "silent")
        rig.mend(sensor)
    assert rig.safe(rig.now_ns)
    assert volts(rig) == pytest.approx(12.0, abs=0.01)


@pytest.mark.parametrize(
    ("sensor", "way", "amount", "what"),
    [
        ("nose", "stuck", None, "no sensor 'nose'"),
        ("flow", "shy", None, "cannot be 'shy'"),
        ("door", "drifting", 1.0, "digital"),
        ("flow", "drifting", None, "by how much"),
    ],
)
def test_what_cannot_be_is_refused(rig, sensor, way, amount, what):
    with pytest.raises(ValueError, match=what):
        rig.spoil(sensor, way, amount)


def test_a_reading_is_replaced_as_the_fault_says():
    assert SensorFault("stuck", 3.0, 0).reading(7.0, 10 * S) == 3.0
    assert SensorFault("jumping", 3.0, 0).reading(7.0, 10 * S) == 10.0
    assert SensorFault("drifting", 3.0, 0).reading(7.0, 10 * S) == 37.0
