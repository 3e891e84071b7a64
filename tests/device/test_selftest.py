import pytest

from device.selftest import DEADLINE_MS, HEAP_LEAST_OCTETS, RESIDUAL_PA, SelfTest
from protocol import codes
from tests.device.test_sensors import Rig

pytestmark = pytest.mark.req("ALARM-4")
ALL = codes.SELF_TEST_LIGHT_SOUND * 2 - 1
AGENT_ALONE = codes.SELF_TEST_TEMPERATURE | codes.SELF_TEST_DENSITY | codes.SELF_TEST_LIGHT_SOUND
PARTS = {
    "image": codes.SELF_TEST_IMAGE,
    "heap": codes.SELF_TEST_HEAP,
    "journal": codes.SELF_TEST_JOURNAL,
    "watchdog": codes.SELF_TEST_WATCHDOG,
}


class Start:
    """A rig that starts, with what the caller wants to fail."""

    def __init__(self, **failed):
        self.rig = Rig()
        self.test = SelfTest(0)
        self.test.image(not failed.get("image"))
        self.test.heap(HEAP_LEAST_OCTETS - 1 if failed.get("heap") else HEAP_LEAST_OCTETS)
        self.test.journal(bool(failed.get("journal")))
        self.test.watchdog(not failed.get("watchdog"))

    def run(self, ticks=300, at_rest=True):
        for _ in range(ticks):
            self.rig.tick()
            self.test.tick(self.rig.board.ticks_ms(), self.rig.sensors, at_rest)
        return self.test


def test_at_first_nothing_is_proved_and_nothing_is_dosed():
    test = SelfTest(0)
    assert test.bits == ALL
    assert test.judge(False) == codes.REASON_SELF_TEST


def test_a_healthy_rig_passes_within_three_seconds_but_for_what_a_person_has_to_see():
    test = Start().run()
    assert test.bits == codes.SELF_TEST_LIGHT_SOUND
    assert not test.alarms()


def test_light_and_sound_that_nobody_has_confirmed_keep_the_agent_and_nothing_else():
    test = Start().run()
    assert test.judge(agent=True) == codes.REASON_SELF_TEST
    assert test.judge(agent=False) == codes.REASON_NONE
    test.confirmed()
    assert test.bits == 0
    assert test.judge(agent=True) == codes.REASON_NONE


@pytest.mark.parametrize("part", PARTS)
def test_each_part_that_fails_at_start_keeps_everything_and_is_an_alarm(part):
    test = Start(**{part: True}).run()
    test.confirmed()
    assert test.bits == PARTS[part]
    assert test.judge(agent=True) == test.judge(agent=False) == codes.REASON_SELF_TEST
    assert not test.alarms()
    test.tick(DEADLINE_MS, Rig().sensors, True)
    assert test.alarms()


@pytest.mark.parametrize(
    ("spoil", "bit"),
    [
        (lambda rig: setattr(rig.board, "pressure", 0), codes.SELF_TEST_PRESSURE),
        (lambda rig: setattr(rig.board, "flow_silent", True), codes.SELF_TEST_FLOW),
        (lambda rig: setattr(rig.board, "supply", 0), codes.SELF_TEST_SUPPLY),
        (lambda rig: setattr(rig.board, "density", 0), codes.SELF_TEST_DENSITY),
        (lambda rig: rig.board.chips.buses.silence(0, 0x48), codes.SELF_TEST_TEMPERATURE),
    ],
    ids=["pressure", "flow", "supply", "density", "temperature"],
)
def test_each_sensor_that_is_not_there_fails(spoil, bit):
    start = Start()
    spoil(start.rig)
    test = start.run(DEADLINE_MS // 10 + 1)
    test.confirmed()
    assert test.bits == bit
    assert test.judge(agent=True) == codes.REASON_SELF_TEST
    assert (test.judge(agent=False) == codes.REASON_NONE) is bool(bit & AGENT_ALONE)
    assert test.alarms() is not bool(bit & AGENT_ALONE)


def test_what_comes_late_passes_and_ends_the_alarm():
    start = Start()
    start.rig.board.flow_silent = True
    assert start.run(DEADLINE_MS // 10 + 1).alarms()
    start.rig.board.flow_silent = False
    assert not start.run(100).alarms()


def test_what_has_passed_once_stays_passed_in_this_boot():
    start = Start()
    start.run()
    start.rig.board.flow_silent = True
    assert not start.run().bits & codes.SELF_TEST_FLOW


@pytest.mark.parametrize(("pa", "passes"), [(0, True), (RESIDUAL_PA, True), (RESIDUAL_PA + 1, False), (-4_000, False)])
def test_with_the_valve_released_the_line_has_no_pressure_left(pa, passes):
    start = Start()
    start.rig.sensors.pressure.take = lambda raw: None  # type: ignore[method-assign]
    start.rig.sensors.pressure.faulty = False
    start.rig.sensors.pressure.settled_pa = pa
    assert bool(start.run(10).bits & codes.SELF_TEST_PRESSURE) is not passes


def test_pressure_that_flows_is_no_proof():
    assert Start().run(at_rest=False).bits & codes.SELF_TEST_PRESSURE


def test_where_there_is_no_figure_of_the_heap_it_is_not_tested():
    test = SelfTest(0)
    test.heap(0)
    assert not test.bits & codes.SELF_TEST_HEAP
