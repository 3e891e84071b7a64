import pytest
from hypothesis import given
from hypothesis import strategies as st

from device.suspension import (
    DENSE_PERMILLE,
    MAX_UNSTIRRED_MS,
    RESUSPEND_MAX_MS,
    RESUSPEND_MIN_MS,
    RETRY_MS,
    STIR_EVERY_MS,
    STIR_MS,
    THIN_PERMILLE,
    Suspension,
)
from hil.plant.parameters import PlantParameters
from hil.plant.sensors import Sensors
from protocol import codes

pytestmark = pytest.mark.req("DOSE-11")
TICK_MS = 50


class Vessel:
    """A suspension, the rule, and a clock."""

    def __init__(self, now_ms=0):
        self.rule = Suspension()
        self.now_ms = now_ms
        self.stirred_ms = 0
        self.seen = []

    def run(self, duration_ms, permille=980, believed=True, allowed=True):
        for _ in range(0, duration_ms, TICK_MS):
            self.now_ms = (self.now_ms + TICK_MS) & 0x3FFFFFFF
            self.rule.tick(self.now_ms, permille, believed, allowed)
            self.stirred_ms += TICK_MS * self.rule.stir
            self.seen.append((self.rule.ready, self.rule.stir))
        return self.rule


@pytest.fixture
def vessel():
    return Vessel()


@pytest.fixture
def ready(vessel):
    assert vessel.run(RESUSPEND_MIN_MS + 2 * TICK_MS).ready
    return vessel


def test_of_agent_that_was_found_at_start_nobody_knows_how_long_it_stood(vessel):
    assert vessel.rule.judge() == codes.REASON_DENSITY
    vessel.run(TICK_MS, permille=1000)
    assert vessel.rule.stir
    assert not vessel.rule.ready


def test_it_is_ready_when_it_was_stirred_for_a_while_and_reads_dense(vessel):
    vessel.run(RESUSPEND_MIN_MS)
    assert not vessel.rule.ready
    vessel.run(2 * TICK_MS)
    assert vessel.rule.judge() == codes.REASON_NONE


def test_once_ready_it_is_stirred_on_for_a_while_so_that_it_can_stand(ready):
    ready.run(STIR_MS - 2 * TICK_MS)
    assert ready.rule.stir
    ready.run(3 * TICK_MS)
    assert not ready.rule.stir


def test_it_is_stirred_until_it_reads_dense(vessel):
    vessel.run(RESUSPEND_MAX_MS - 2 * TICK_MS, permille=DENSE_PERMILLE - 1)
    assert not vessel.rule.ready
    assert vessel.rule.stir
    assert vessel.run(TICK_MS, permille=DENSE_PERMILLE).ready


def test_what_does_not_become_dense_in_time_has_failed_and_is_tried_again_later(vessel):
    vessel.run(RESUSPEND_MAX_MS + 2 * TICK_MS, permille=DENSE_PERMILLE - 1)
    assert vessel.rule.failed
    assert vessel.rule.alarms(False)
    assert not vessel.rule.stir
    vessel.run(RETRY_MS - 2 * TICK_MS)
    assert not vessel.rule.stir
    vessel.run(RESUSPEND_MIN_MS + 4 * TICK_MS)
    assert vessel.rule.ready
    assert not vessel.rule.failed


@pytest.mark.req("FLOW-8")
def test_a_reading_that_is_not_to_be_believed_never_makes_it_ready(vessel):
    vessel.run(RESUSPEND_MAX_MS + 2 * TICK_MS, permille=1000, believed=False)
    assert vessel.rule.failed
    assert not any(was_ready for was_ready, _ in vessel.seen)


@pytest.mark.req("FLOW-8")
def test_a_sensor_that_fails_later_takes_the_readiness_away(ready):
    assert not ready.run(TICK_MS, believed=False).ready


def test_what_is_ready_is_stirred_in_every_minute_and_stays_ready(ready):
    before_ms = ready.stirred_ms
    ready.seen.clear()
    ready.run(600_000)
    assert all(was_ready for was_ready, _ in ready.seen)
    expected_ms = 600_000 * STIR_MS // STIR_EVERY_MS
    assert abs(ready.stirred_ms - before_ms - expected_ms) <= STIR_MS


def test_what_reads_thin_is_no_longer_ready_and_is_stirred_at_once(ready):
    ready.run(TICK_MS, permille=THIN_PERMILLE - 1)
    assert not ready.rule.ready
    assert ready.rule.thin
    ready.run(TICK_MS, permille=THIN_PERMILLE - 1)
    assert ready.rule.stir


def test_reading_thin_is_an_alarm_only_where_agent_flows(ready):
    ready.run(TICK_MS, permille=THIN_PERMILLE - 1)
    assert not ready.rule.alarms(False)
    assert ready.rule.alarms(True)


def test_the_threshold_itself_is_thick_enough(ready):
    assert ready.run(TICK_MS, permille=THIN_PERMILLE).ready


@pytest.mark.parametrize("stirring", [False, True])
def test_where_the_stirrer_may_not_run_it_stands_and_is_no_longer_ready_after_a_while(ready, stirring):
    while ready.rule.stir is not stirring:
        ready.run(TICK_MS)
    ready.run(TICK_MS, allowed=False)
    assert not ready.rule.stir
    ready.run(MAX_UNSTIRRED_MS, allowed=False)
    assert not ready.rule.ready
    assert not ready.rule.stir
    ready.run(RESUSPEND_MIN_MS + 4 * TICK_MS)
    assert ready.rule.ready


def test_stirring_that_is_interrupted_begins_anew(vessel):
    vessel.run(RESUSPEND_MIN_MS - TICK_MS)
    vessel.run(TICK_MS, allowed=False)
    vessel.run(RESUSPEND_MIN_MS)
    assert not vessel.rule.ready
    vessel.run(2 * TICK_MS)
    assert vessel.rule.ready


def test_another_cartridge_is_stirred_first(ready):
    ready.rule.exchanged()
    assert ready.rule.judge() == codes.REASON_DENSITY
    ready.run(RESUSPEND_MIN_MS)
    assert not ready.rule.ready


def test_the_wrap_of_the_clock_is_no_event():
    vessel = Vessel((1 << 30) - 200_000)
    vessel.run(RESUSPEND_MIN_MS + 2 * TICK_MS)
    vessel.seen.clear()
    vessel.run(400_000)
    assert all(was_ready for was_ready, _ in vessel.seen)


@given(st.lists(st.tuples(st.integers(1, 120_000), st.integers(0, 1000), st.booleans(), st.booleans()), max_size=6))
def test_ready_agent_was_stirred_lately_reads_dense_enough_and_the_sensor_is_believed(phases):
    rule = Suspension()
    now_ms = 0
    stirred_ms = None
    for duration_ms, permille, believed, allowed in phases:
        for _ in range(0, duration_ms, 250):
            now_ms += 250
            rule.tick(now_ms, permille, believed, allowed)
            if rule.stir:
                stirred_ms = now_ms
            assert allowed or not rule.stir
            if rule.ready:
                assert believed
                assert permille >= THIN_PERMILLE
                assert stirred_ms is not None
                assert now_ms - stirred_ms <= MAX_UNSTIRRED_MS + 500


@pytest.mark.parametrize("density", [0.0, 0.3, 0.7, 1.0])
def test_with_the_plant_s_suspension_it_becomes_and_stays_ready_and_never_thin(density):
    plant = Sensors(PlantParameters(), line=None, seed=1)
    plant.refill(density, 0)
    rule = Suspension()
    ready_ms = None
    for now_ms in range(0, 900_000, TICK_MS):
        rule.tick(now_ms, round(1000 * plant.density(now_ms * 1_000_000)), True, True)
        plant.stir(now_ms * 1_000_000, rule.stir)
        if rule.ready and ready_ms is None:
            ready_ms = now_ms
        assert ready_ms is None or rule.ready
    assert ready_ms is not None
    assert ready_ms <= 15_000
