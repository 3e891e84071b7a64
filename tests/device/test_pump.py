import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from device.pump import Pump
from tests.device.fakes import FakeBoard

# Bounds of the requirement and of the state machine, not of the source.
GRANT_US = 40_000
MAX_WORDS = 4
RATES = st.integers(50, 20_000)
STEP_US_NL_S = 5_608_000


class Rig:
    """A pump on a fake board, ticked by the test."""

    def __init__(self, steps: int, rate_nl_s: int, start_us: int = 0) -> None:
        self.board = FakeBoard()
        self.board.us = start_us
        self.generator = self.board.steps[2]
        self.pump = Pump(self.generator)
        self.pump.load(self.generator, steps)
        self.pump.start(rate_nl_s, self.board.ticks_us())
        self.period_us = STEP_US_NL_S / rate_nl_s

    def tick_after(self, interval_us: int) -> None:
        self.board.us += interval_us
        self.pump.tick(self.board.ticks_us())

    def run_out(self, tick_us: int = 10_000) -> None:
        self.pump.tick(self.board.ticks_us())
        for _ in range(100_000):
            if self.pump.done:
                return
            self.tick_after(tick_us)
        raise AssertionError("the run never ended")


@given(st.integers(1, 600), RATES, st.integers(1_000, 12_000))
def test_exactly_the_steps_asked_for_leave_the_pin(steps, rate_nl_s, tick_us):
    rig = Rig(steps, rate_nl_s)
    rig.run_out(tick_us)
    assert len(rig.generator.edges_us) == steps == rig.pump.emitted_steps == rig.pump.granted_steps


@pytest.mark.req("STOP-5")
@given(RATES, st.lists(st.integers(1_000, 60_000), min_size=1, max_size=60), st.integers(1, 2_000))
def test_when_python_stops_at_any_moment_flow_ends_within_one_grant(rate_nl_s, intervals_us, steps):
    rig = Rig(steps, rate_nl_s)
    for interval_us in intervals_us:
        rig.tick_after(interval_us)
        assert rig.generator.outstanding_us() <= GRANT_US


@given(RATES, st.lists(st.integers(1_000, 60_000), min_size=1, max_size=60))
def test_the_steps_that_left_the_pin_lie_between_emitted_and_granted(rate_nl_s, intervals_us):
    rig = Rig(2_000, rate_nl_s)
    for interval_us in intervals_us:
        rig.tick_after(interval_us)
        rig.generator.advance()
        assert rig.pump.emitted_steps <= len(rig.generator.edges_us) <= rig.pump.granted_steps <= 2_000


@pytest.mark.req("DOSE-8")
@given(RATES, st.lists(st.integers(1_000, 60_000), max_size=40), st.integers(0, 60_000))
def test_a_halt_at_any_instant_leaves_the_exact_count_of_emitted_steps(rate_nl_s, intervals_us, last_us):
    rig = Rig(2_000, rate_nl_s)
    for interval_us in intervals_us:
        rig.tick_after(interval_us)
    rig.board.us += last_us
    rig.pump.halt()
    edges = len(rig.generator.edges_us)
    assert rig.pump.emitted_steps == rig.pump.granted_steps == edges
    rig.tick_after(1_000_000)
    assert len(rig.generator.edges_us) == edges


@given(st.integers(2, 500), RATES)
def test_steps_are_evenly_spaced_at_the_rate_asked_for(steps, rate_nl_s):
    rig = Rig(steps, rate_nl_s)
    rig.run_out()
    edges = rig.generator.edges_us
    spacings = [later - earlier for earlier, later in itertools.pairwise(edges)]
    assert all(abs(spacing - rig.period_us) <= 1 for spacing in spacings)


@given(st.integers(200, 2_000), RATES)
def test_the_rate_does_not_drift_over_a_long_run(steps, rate_nl_s):
    rig = Rig(steps, rate_nl_s)
    rig.run_out()
    edges = rig.generator.edges_us
    # One word of 40 ms may be a microsecond a step off before the next one makes up for it.
    assert abs((edges[-1] - edges[0]) - (steps - 1) * rig.period_us) <= GRANT_US / rig.period_us + 2


@given(RATES, st.integers(50_000, 5_000_000))
def test_time_lost_to_a_late_tick_is_never_made_up_by_a_burst(rate_nl_s, gap_us):
    rig = Rig(2_000, rate_nl_s)
    for interval_us in [10_000] * 10 + [gap_us] + [10_000] * 30:
        rig.tick_after(interval_us)
    rig.generator.advance()
    edges = rig.generator.edges_us
    close = [later - earlier for earlier, later in itertools.pairwise(edges) if later - earlier < rig.period_us - 1]
    assert len(close) <= 1
    assert len(edges) <= rig.board.us / rig.period_us + 1


@given(RATES, st.integers((1 << 30) - 200_000, (1 << 30) - 1))
def test_the_wrap_of_the_clock_changes_nothing(rate_nl_s, start_us):
    wrapped = Rig(60, rate_nl_s, start_us)
    plain = Rig(60, rate_nl_s)
    wrapped.run_out()
    plain.run_out()
    assert [edge - start_us for edge in wrapped.generator.edges_us] == plain.generator.edges_us


@given(RATES)
def test_no_more_words_are_outstanding_than_the_generator_can_mark_as_finished(rate_nl_s):
    rig = Rig(1_500, rate_nl_s)
    rig.run_out(3_000)
    assert rig.generator.most_outstanding_words <= MAX_WORDS


@given(RATES, st.integers(1, 40))
def test_a_paused_run_goes_on_where_it_was(rate_nl_s, ticks):
    rig = Rig(500, rate_nl_s)
    for _ in range(ticks):
        rig.tick_after(10_000)
    rig.pump.halt()
    rig.tick_after(1_000_000)
    rig.pump.start(rate_nl_s, rig.board.ticks_us())
    rig.run_out()
    assert len(rig.generator.edges_us) == 500 == rig.pump.emitted_steps


def test_a_halt_at_rest_changes_nothing():
    rig = Rig(10, 20_000)
    rig.run_out()
    rig.pump.halt()
    rig.pump.halt()
    assert rig.pump.emitted_steps == 10
    assert not rig.pump.running


def test_a_generator_that_was_cut_is_seen_only_while_running():
    rig = Rig(10, 1_000)
    rig.generator.cut = True
    assert rig.pump.dead()
    rig.pump.halt()
    assert not rig.pump.dead()
