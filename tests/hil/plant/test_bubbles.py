"""Air that travels with the flow: when the sensors see it, and what it does to the scale."""

from math import log

import pytest

from hil.boards.mcu import Mcu
from hil.plant import SimulatedRig
from hil.plant.contents import AIR
from hil.recorder import Recorder
from protocol import codes
from tests.hil.plant.test_contents import EXACT, MS, SENSORS_NL, STEP_NL, STEP_NS, TO_TIP_NL, Line, S, assert_balanced

FLUSH = codes.CHANNEL_FLUSH
AIR_FLAG = 1


def bubble_seen(rig):
    return not rig.inputs(rig.now_ns) & codes.INPUT_BUBBLE_CLEAR


def changes(rig):
    seen = []
    rig.on_inputs.append(lambda now_ns, inputs: seen.append((now_ns, not inputs & codes.INPUT_BUBBLE_CLEAR)))
    return seen


def flags(rig):
    answer = rig.i2c_read(0, 0x08, 9, rig.now_ns)
    assert answer is not None
    return answer[7]


def test_a_bubble_comes_to_the_detector_when_the_volume_before_it_has_passed():
    line = Line(patient=False)
    line.rig.insert_air(200.0, 1000.0)
    line.push(FLUSH, 1000 - 2 * STEP_NL)
    assert not bubble_seen(line.rig)
    line.push(FLUSH, 4 * STEP_NL)
    assert bubble_seen(line.rig)
    line.push(FLUSH, 200)
    assert not bubble_seen(line.rig)
    assert line.rig.contents.waste[AIR] == pytest.approx(200.0)


def test_the_instant_is_that_of_the_closed_form():
    line = Line()
    line.rig.stick_valve()  # else the air that comes would release it
    line.rig.insert_air(100.0, 300.0)
    seen = changes(line.rig)
    start_ns = line.rig.now_ns
    line.rig.line.inject(1000.0)  # relaxes with 0.4 s: 300 nL have passed after -0.4 ln(1 - 0.3)
    line.rig.contents.displaced(FLUSH, 1000.0)
    line.rig._look_at_air()
    line.rig.advance(start_ns + 10 * S)
    assert [present for _, present in seen] == [True, False]
    for (when_ns, _), volume_nl in zip(seen, (300.0, 400.0), strict=True):
        assert when_ns - start_ns == pytest.approx(-0.4e9 * log(1 - volume_nl / 1000.0), abs=2)


def test_looking_more_often_does_not_change_the_instant():
    instants = []
    for look_ns in (10 * S, 1_234_567):
        line = Line(patient=False)
        line.rig.insert_air(200.0, 1000.0)
        seen = changes(line.rig)
        start_ns = line.rig.now_ns
        for step in range(300):
            edge_ns = start_ns + (step + 1) * STEP_NS
            for now_ns in range(line.rig.now_ns, edge_ns, look_ns):
                line.rig.advance(now_ns)
            line.rig.step_edges(FLUSH, edge_ns, STEP_NS, 1)
        instants.append(seen)
    assert len(instants[0]) == 2
    for one, other in zip(*instants, strict=True):
        assert one[1] == other[1]
        assert one[0] == pytest.approx(other[0], abs=2)


def test_the_flow_sensor_sees_the_bubble_two_microlitres_earlier():
    line = Line(patient=False)
    line.rig.i2c_write(0, 0x08, b"\x36\x08", line.rig.now_ns)
    line.rig.insert_air(500.0, SENSORS_NL + 1000.0)
    line.rig.advance(line.rig.now_ns + S)
    assert not flags(line.rig) & AIR_FLAG
    line.push(FLUSH, 1200)
    assert flags(line.rig) & AIR_FLAG
    assert not bubble_seen(line.rig)
    line.push(FLUSH, 2000)
    assert not flags(line.rig) & AIR_FLAG
    assert bubble_seen(line.rig)


def test_a_bubble_that_stands_still_is_seen_only_where_it_stands():
    line = Line()
    line.rig.insert_air(500.0, 0.0)
    assert bubble_seen(line.rig)
    assert not line.rig.safe(line.rig.now_ns)
    line.valve(False)
    assert bubble_seen(line.rig)
    assert line.rig.safe(line.rig.now_ns)


def test_air_at_the_tip_weighs_nothing():
    line = Line()
    line.rig.insert_air(500.0, 0.0)
    line.rig.spoil("bubble", "stuck", 1.0)
    given = line.push(FLUSH, TO_TIP_NL)
    assert line.rig.to_patient_nl()[AIR] == pytest.approx(500.0, abs=1e-3)
    assert line.rig.tip_nl == pytest.approx(given, abs=1e-3)
    assert line.rig.line.weight_nl == pytest.approx(given - 500.0, abs=0.1)
    assert line.rig.weigh_nl(line.rig.now_ns) == pytest.approx(given - 500.0, abs=10)
    assert_balanced(line.rig)


def test_a_dry_line_can_be_primed_to_the_waste():
    line = Line(patient=False)
    line.rig.dry_line()
    assert bubble_seen(line.rig)
    assert line.rig.safe(line.rig.now_ns)
    line.push(FLUSH, 8100)
    assert not bubble_seen(line.rig)
    line.valve(True)
    line.push(FLUSH, 3100)
    assert line.rig.to_patient_nl()[AIR] == pytest.approx(3000.0, abs=1e-3)
    assert line.rig.to_patient_nl()[FLUSH] == pytest.approx(100.0, abs=2 * STEP_NL)
    assert_balanced(line.rig)


@pytest.mark.parametrize("period_us", [280, 1000, 5608])
def test_no_edge_leaves_the_pin_after_the_bubble_has_come_to_the_detector(period_us):
    rig, recorder = SimulatedRig(EXACT), Recorder()
    mcu = Mcu(rig, recorder)
    mcu.power_on()
    mcu.set_direction(True)
    mcu.set_valve(True)
    mcu.heartbeat.feed()
    mcu.advance(12 * MS)
    rig.insert_air(100.0, 40.0)
    seen = changes(rig)
    mcu.steps[FLUSH].arm()
    for _ in range(4):
        mcu.steps[FLUSH].put(1023, period_us)
    for _ in range(200):
        mcu.heartbeat.feed()
        mcu.advance(mcu.now_ns + 10 * MS)
    assert seen
    assert seen[0][1]
    last_ns = recorder.last_edge_ns(FLUSH)
    assert last_ns is not None
    assert 0 < last_ns <= seen[0][0] + 1000
    assert mcu.steps[FLUSH].dead()
