import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from device.pump import Pump
from tests.device.fakes import FakeBoard, FakeJournal

# Bounds of the requirement and of the state machine, not of the source.
GRANT_US = 40_000
MAX_WORDS = 4
STEP_FL = 5_608_000
UNBOUND = 1 << 29
RATES = st.integers(50, 20_000)


class Rig:
    """A pump on a fake board, ticked by the test."""

    alternates = False
    """Whether every other tick may wait."""

    def __init__(self, steps: int, rate_nl_s: int, start_us: int = 0, end_nl_s: int = 0) -> None:
        self.board = FakeBoard()
        self.board.us = start_us
        self.generator = self.board.steps[2]
        self.journal = FakeJournal()
        self.pump = Pump(self.generator, self.journal)
        self.pump.load(
            self.generator, [(steps * STEP_FL // 1_000_000, rate_nl_s, end_nl_s or rate_nl_s)], steps, STEP_FL
        )
        self.pump.start(self.board.ticks_us())
        self.period_us = STEP_FL / rate_nl_s
        self.budget_us = UNBOUND
        self.step_limit = UNBOUND
        self.rate_limit_nl_s = UNBOUND

    def tick(self) -> bool:
        self.pump.may_wait = self.alternates and not self.pump.may_wait
        return self.pump.tick(self.board.ticks_us(), self.budget_us, self.step_limit, self.rate_limit_nl_s)

    def tick_after(self, interval_us: int) -> bool:
        self.board.us += interval_us
        return self.tick()

    def run_out(self, tick_us: int = 10_000) -> None:
        self.tick()
        for _ in range(100_000):
            if self.pump.emitted_steps == self.pump.asked_steps:
                return
            self.tick_after(tick_us)
        raise AssertionError("the run never ended")


@pytest.fixture(scope="module", autouse=True, params=[False, True], ids=["", "every-other-tick-may-wait"])
def _alternates(request):
    Rig.alternates = request.param
    yield
    Rig.alternates = False


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


@given(RATES, st.integers(0, 60), st.booleans())
def test_neither_a_tick_that_is_late_by_a_whole_one_nor_a_mark_refused_once_delays_a_step(rate_nl_s, ticks, refused):
    rig = Rig(2_000, rate_nl_s)
    for number in range(ticks + 40):
        rig.journal.broken = refused and number == ticks
        assert rig.tick_after(20_000 if number == ticks and not refused else 10_000)
    rig.generator.advance()
    spacings = [later - earlier for earlier, later in itertools.pairwise(rig.generator.edges_us)]
    assert all(abs(spacing - rig.period_us) <= 1 for spacing in spacings)


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
    rig.pump.start(rig.board.ticks_us())
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


@pytest.mark.req("LEDGER-1")
@given(RATES, RATES, st.lists(st.integers(1_000, 60_000), min_size=1, max_size=60))
def test_every_step_is_in_the_journal_before_it_is_given_and_the_journal_never_falls_behind_the_pin(
    rate_nl_s, end_nl_s, intervals_us
):
    rig = Rig(2_000, rate_nl_s, end_nl_s=end_nl_s)
    put = rig.generator.put

    def watched(steps, period_us):
        put(steps, period_us)
        granted, emitted = rig.journal.marks[-1]
        rig.generator.advance()
        assert emitted <= len(rig.generator.edges_us)
        assert len(rig.generator.edges_us) + rig.generator.outstanding_steps() <= granted

    rig.generator.put = watched  # type: ignore[method-assign]
    for interval_us in intervals_us:
        rig.tick_after(interval_us)


@pytest.mark.req("LEDGER-1")
@given(RATES, st.integers(1, 40))
def test_a_journal_that_takes_no_mark_gets_no_grant_and_is_told_lost(rate_nl_s, ticks):
    rig = Rig(2_000, rate_nl_s)
    for _ in range(ticks):
        rig.tick_after(10_000)
    rig.journal.broken = True
    granted = rig.pump.granted_steps
    taken = [rig.tick_after(10_000) for _ in range(60)]
    assert False in taken
    assert rig.pump.granted_steps == granted


@pytest.mark.req("LEDGER-1")
def test_at_rest_the_exact_count_is_marked_once():
    rig = Rig(2_000, 5_000)
    for _ in range(20):
        rig.tick_after(10_000)
    rig.pump.halt()
    marks = len(rig.journal.marks)
    assert rig.pump.mark()
    assert rig.pump.mark()
    assert rig.journal.marks[marks:] == [(rig.pump.emitted_steps, rig.pump.emitted_steps)]


@pytest.mark.req("PERMIT-1")
@given(RATES, st.integers(1, 40), st.integers(0, 2_000))
def test_no_step_leaves_after_the_time_that_a_permit_leaves(rate_nl_s, ticks, left_ms):
    rig = Rig(2_000, rate_nl_s)
    for _ in range(ticks):
        rig.tick_after(10_000)
    rig.generator.advance()
    end_us = max(rig.board.us + left_ms * 1000, rig.board.us + rig.generator.outstanding_us())
    for _ in range(300):
        rig.board.us += 10_000
        rig.budget_us = max(0, end_us - rig.board.us)
        rig.tick()
    rig.generator.advance()
    assert not rig.generator.edges_us or rig.generator.edges_us[-1] <= end_us


@pytest.mark.req("PERMIT-1")
@given(RATES, st.integers(0, 500))
def test_no_step_is_granted_beyond_the_volume_of_a_permit(rate_nl_s, step_limit):
    rig = Rig(2_000, rate_nl_s)
    rig.step_limit = step_limit
    for _ in range(200):
        rig.tick_after(10_000)
    assert rig.pump.granted_steps <= step_limit


@pytest.mark.req("PERMIT-1")
@given(RATES, RATES)
def test_no_two_steps_are_closer_than_the_rate_of_a_permit_allows(rate_nl_s, permit_nl_s):
    rig = Rig(300, rate_nl_s)
    rig.rate_limit_nl_s = permit_nl_s
    rig.run_out()
    spacings = [later - earlier for earlier, later in itertools.pairwise(rig.generator.edges_us)]
    assert min(spacings) >= STEP_FL // permit_nl_s
    assert len(rig.generator.edges_us) == 300


@given(st.integers(500, 4_000), RATES, RATES)
def test_a_ramp_takes_the_time_of_its_mean_rate(steps, rate_nl_s, end_nl_s):
    rig = Rig(steps, rate_nl_s, end_nl_s=end_nl_s)
    rig.run_out()
    edges = rig.generator.edges_us
    expected_us = steps * STEP_FL * 2 / (rate_nl_s + end_nl_s)
    assert len(edges) == steps
    assert abs(edges[-1] - edges[0] - expected_us) <= 0.02 * expected_us + 2 * STEP_FL / min(rate_nl_s, end_nl_s)


@given(st.integers(500, 4_000), RATES, RATES)
def test_no_two_steps_of_a_ramp_are_closer_than_its_highest_rate_allows(steps, rate_nl_s, end_nl_s):
    rig = Rig(steps, rate_nl_s, end_nl_s=end_nl_s)
    rig.run_out()
    spacings = [later - earlier for earlier, later in itertools.pairwise(rig.generator.edges_us)]
    assert min(spacings) >= STEP_FL // max(rate_nl_s, end_nl_s)


@pytest.mark.req("LEDGER-1")
@given(RATES, st.integers(1, 40), st.integers(1, 7))
def test_a_mark_that_fails_now_and_then_costs_time_and_no_step(rate_nl_s, ticks, failing):
    rig = Rig(500, rate_nl_s)
    for _ in range(ticks):
        rig.tick_after(10_000)
    rig.journal.broken = True
    assert all(rig.tick_after(10_000) for _ in range(failing))
    rig.journal.broken = False
    rig.run_out()
    assert len(rig.generator.edges_us) == 500
