"""The pump to the word: how many steps each grant holds, and how long each of them waits."""

import pytest

from device.pump import Pump
from tests.device.fakes import FakeBoard, FakeGenerator, FakeJournal

# A step of a nanolitre: so many nL/s are so many steps a second, each a million microseconds over the rate apart.
STEP_FL = 1_000_000
# What may be outstanding after a tick.
GRANT_US = 39_000
REFUSALS = 8
UNBOUND = 1 << 29


class Recorder(FakeGenerator):
    """Keeps the words it was given: (steps, period in us)."""

    def __init__(self, board: FakeBoard) -> None:
        super().__init__(board)
        self.words: list[tuple[int, int]] = []

    def put(self, steps: int, period_us: int) -> None:
        super().put(steps, period_us)
        self.words.append((steps, period_us))


class Rig:
    """A pump, a generator and a journal; nothing is loaded yet."""

    def __init__(self) -> None:
        self.board = FakeBoard()
        self.generator = Recorder(self.board)
        self.journal = FakeJournal()
        self.pump = Pump(self.generator, self.journal)
        self.budget_us = UNBOUND
        self.step_limit = UNBOUND
        self.rate_limit_nl_s = UNBOUND

    def load(self, steps: int, rate_nl_s: int, end_nl_s: int = 0, step_fl: int = STEP_FL) -> None:
        pieces = [(steps * step_fl // 1_000_000 + 1, rate_nl_s, end_nl_s or rate_nl_s)]
        self.pump.load(self.generator, pieces, steps, step_fl)

    def start(self, steps: int, rate_nl_s: int, end_nl_s: int = 0, step_fl: int = STEP_FL) -> None:
        self.load(steps, rate_nl_s, end_nl_s, step_fl)
        self.pump.start(self.board.ticks_us())

    def tick(self, after_us: int = 0) -> bool:
        self.board.us += after_us
        return self.pump.tick(self.board.ticks_us(), self.budget_us, self.step_limit, self.rate_limit_nl_s)

    def words(self, after_us: int = 0) -> list[tuple[int, int]]:
        """The words of one tick."""
        before = len(self.generator.words)
        self.tick(after_us)
        return self.generator.words[before:]


@pytest.fixture
def rig():
    return Rig()


# Before and between runs.


def test_a_new_pump_stands_still_with_nothing_to_do(rig):
    pump = rig.pump
    assert (pump.asked_steps, pump.granted_steps, pump.emitted_steps, pump.rate_nl_s) == (0, 0, 0, 0)
    assert not pump.running
    assert not pump.journal_lost()


def test_before_the_first_run_there_is_nothing_to_mark(rig):
    assert rig.pump.mark()
    assert rig.journal.marks == []


@pytest.mark.req("LEDGER-1")
def test_a_run_is_marked_with_no_step_before_it_starts(rig):
    rig.load(100, 1_000)
    assert rig.pump.mark()
    assert rig.journal.marks == [(0, 0)]


def test_a_run_that_was_not_started_does_not_move(rig):
    rig.load(100, 1_000)
    assert not rig.pump.running
    assert rig.words() == []


def test_a_tick_at_rest_finds_nothing_wrong_with_the_journal(rig):
    assert rig.tick()
    rig.load(100, 1_000)
    rig.journal.broken = True
    assert [rig.tick() for _ in range(REFUSALS + 1)] == [True] * (REFUSALS + 1)


@pytest.mark.req("LEDGER-1")
def test_the_eighth_refused_mark_in_a_row_is_a_journal_lost(rig):
    rig.start(100, 1_000)
    rig.journal.broken = True
    assert [rig.tick() for _ in range(REFUSALS)] == [True] * (REFUSALS - 1) + [False]
    assert rig.pump.journal_lost()


@pytest.mark.req("LEDGER-1")
def test_a_new_run_has_all_its_refused_marks_before_it(rig):
    rig.start(100, 1_000)
    rig.journal.broken = True
    for _ in range(REFUSALS):
        rig.tick()
    rig.pump.halt()
    rig.start(100, 1_000)
    assert [rig.tick() for _ in range(REFUSALS)] == [True] * (REFUSALS - 1) + [False]


@pytest.mark.req("DOSE-8")
def test_a_generator_that_tells_of_more_words_than_it_got_is_not_believed_to_have_emitted_more(rig):
    rig.start(100, 1_000)
    for _ in range(8):
        rig.tick(10_000)
    rig.generator.completed = lambda: 8
    rig.tick(GRANT_US)
    assert rig.pump.emitted_steps == rig.pump.granted_steps == 100


# How much is granted at once.


@pytest.mark.req("STOP-5")
def test_the_first_tick_grants_39_ms_in_one_word(rig):
    rig.start(10_000, 1_000)
    assert rig.words() == [(39, 1_000)]


@pytest.mark.req("STOP-5")
def test_each_further_tick_grants_what_has_passed_since(rig):
    rig.start(10_000, 1_000)
    rig.words()
    assert [rig.words(10_000) for _ in range(3)] == [[(10, 1_000)]] * 3


def test_no_word_is_longer_than_1023_steps_and_the_rest_follows_in_the_same_tick(rig):
    # Of 25 us each: 1560 steps in 39 ms.
    rig.start(10_000, 20_000, step_fl=500_000)
    assert rig.words() == [(1_023, 25), (537, 25)]


def test_the_last_word_holds_the_steps_that_are_left(rig):
    rig.start(45, 1_000)
    assert [rig.words(), rig.words(10_000), rig.words(10_000)] == [[(39, 1_000)], [(6, 1_000)], []]


# A step that is due sooner than a period, or too late.


def test_a_step_waits_for_what_is_left_of_its_period(rig):
    rig.start(10_000, 1_000)
    # It is due at 1000 us; the others follow in their own period.
    assert rig.words(400) == [(1, 600), (38, 1_000)]


def test_a_step_may_follow_after_20_us(rig):
    rig.start(10_000, 1_000)
    assert rig.words(980) == [(1, 20), (38, 1_000)]


@pytest.mark.parametrize("late_us", [981, 1_000, 50_000])
def test_a_step_that_would_have_to_follow_sooner_waits_a_whole_period_from_now(rig, late_us):
    rig.start(10_000, 1_000)
    assert rig.words(late_us) == [(39, 1_000)]


@pytest.mark.req("PERMIT-1")
@pytest.mark.parametrize(("budget_us", "words"), [(599, []), (600, [(1, 600)])])
def test_a_step_that_is_due_when_the_permit_ends_is_the_last_one(rig, budget_us, words):
    rig.start(10_000, 1_000)
    rig.budget_us = budget_us
    assert rig.words(400) == words


@pytest.mark.req("PERMIT-1")
@pytest.mark.parametrize(("budget_us", "words"), [(4_999, [(4, 1_000)]), (5_000, [(5, 1_000)])])
def test_whole_steps_are_granted_up_to_the_end_of_the_permit(rig, budget_us, words):
    rig.start(10_000, 1_000)
    rig.budget_us = budget_us
    assert rig.words() == words


# What whole microseconds leave of a period.


def test_a_word_that_ran_ahead_by_the_smallest_part_is_followed_by_a_longer_period(rig):
    # 20,000.02 us: the first step comes 0.02 us early.
    rig.start(10_000, 50, step_fl=1_000_001)
    assert rig.words() == [(1, 20_000)]
    assert rig.words(10_000) == [(1, 20_001)]


def test_a_run_that_goes_on_makes_up_for_nothing_of_before(rig):
    # 3333.3 us: 11 steps are 3.7 us early, which the next word makes up for.
    rig.start(10_000, 300)
    assert rig.words() == [(11, 3_333)]
    rig.pump.halt()
    rig.pump.start(rig.board.ticks_us())
    assert rig.words() == [(11, 3_333)]


# A tick that may wait.


@pytest.mark.parametrize(("after_us", "words"), [(15_000, []), (15_001, [(15, 1_000)])])
def test_a_tick_that_may_wait_gives_nothing_while_the_next_step_is_due_in_25_ms_or_later(rig, after_us, words):
    rig.start(10_000, 1_000)
    rig.words()
    rig.pump.may_wait = True
    # Step 40 is due at 40,000 us.
    assert rig.words(after_us) == words
    assert len(rig.journal.marks) == 1 + len(words)


@pytest.mark.parametrize(("after_us", "words"), [(15_000, []), (15_001, [(1, 20_000)])])
def test_so_it_is_when_a_step_takes_longer_than_a_tick(rig, after_us, words):
    rig.start(10_000, 50)
    rig.words()
    rig.pump.may_wait = True
    # The second step is due at 40,000 us, after a word that ends at 20,000.
    assert rig.words(after_us) == words


def test_the_tick_after_one_that_has_waited_grants_what_has_passed_in_both(rig):
    rig.start(10_000, 1_000)
    rig.words()
    rig.pump.may_wait = True
    assert rig.words(10_000) == []
    rig.pump.may_wait = False
    assert rig.words(10_000) == [(20, 1_000)]


@pytest.mark.req("LEDGER-1")
def test_a_tick_that_may_wait_counts_what_is_done(rig):
    rig.start(10_000, 20_000, step_fl=500_000)
    rig.words()
    rig.pump.may_wait = True
    # The first of the words, 1023 steps of 25 us.
    assert rig.words(26_000) != []
    assert rig.pump.emitted_steps == 1_023


@pytest.mark.req("LEDGER-1")
def test_a_tick_that_waits_finds_nothing_wrong_with_the_journal_and_refuses_nothing(rig):
    rig.start(10_000, 1_000)
    rig.words()
    rig.journal.broken = True
    rig.pump.may_wait = True
    assert all(rig.tick(1_000) for _ in range(REFUSALS + 1))
    rig.pump.may_wait = False
    assert [rig.tick() for _ in range(REFUSALS)] == [True] * (REFUSALS - 1) + [False]


# The rate of a permit.


@pytest.mark.req("PERMIT-1")
def test_a_permit_slows_a_run_down_and_lets_it_go_on_at_its_own_rate_afterwards(rig):
    rig.start(10_000, 1_000)
    rig.words()
    rig.rate_limit_nl_s = 500
    # Due at 39,000 us: at 20 ms there is room for 20 ms of the slower steps.
    assert rig.words(20_000) == [(10, 2_000)]
    assert rig.pump.rate_nl_s == 500
    rig.rate_limit_nl_s = 2_000
    assert rig.words(20_000) == [(20, 1_000)]
    assert rig.pump.rate_nl_s == 1_000


@pytest.mark.req("PERMIT-1")
def test_a_run_at_the_rate_of_a_permit_keeps_count_of_the_parts_of_a_microsecond(rig):
    rig.start(10_000, 1_000)
    rig.rate_limit_nl_s = 300
    assert rig.words() == [(11, 3_333)]
    # 11 steps of 3333.3 us were 3.7 us early. They end at 36,663 us, so that 12,337 us are free at 10 ms: 3 steps.
    assert rig.words(10_000) == [(3, 3_334)]


# A rate that changes: from 1000 to 2000 nL/s in 3000 steps its square grows by 1000 a step.


def test_the_first_word_of_a_ramp_takes_the_rate_in_its_middle(rig):
    # 19.5 ms are 19 steps of 1000 us: there the rate is the root of 1,019,000, which is 1009 nL/s, or 991 us a step.
    rig.start(3_000, 1_000, 2_000)
    assert rig.words() == [(39, 991)]


def test_a_further_word_of_a_ramp_takes_the_rate_in_the_middle_of_a_tick(rig):
    rig.start(3_000, 1_000, 2_000)
    rig.words()
    # 4.875 ms are 4 steps: at step 43 the rate is 1021 nL/s, or 979 us a step.
    assert rig.words(10_000) == [(10, 979)]


def test_each_word_of_a_tick_takes_a_rate_of_its_own(rig):
    rig.start(3_000, 1_000, 2_000)
    rig.words()
    # The first word ends at 38,649 us, which leaves 9787 us: 9 steps of 979 us, and one of 975 us. That is what a step
    # takes at step 52, 4 beyond the 48th: 1025 nL/s.
    assert rig.words(9_436) == [(9, 979), (1, 975)]


def test_a_word_of_a_ramp_after_a_tick_that_has_waited_takes_the_rate_in_the_middle_of_two(rig):
    rig.start(3_000, 1_000, 2_000)
    rig.words()
    rig.pump.may_wait = True
    assert rig.words(10_000) == []
    rig.pump.may_wait = False
    # 9.75 ms are 9 steps: at step 48 the rate is 1023 nL/s, or 977 us a step.
    assert rig.words(10_000) == [(20, 977)]
    # Then 4.875 ms are 4 steps: at step 63 it is 1031 nL/s, or 969 us a step.
    assert rig.words(10_000) == [(11, 969)]


def test_a_ramp_that_goes_on_has_not_waited(rig):
    rig.start(3_000, 1_000, 2_000)
    rig.words()
    rig.pump.may_wait = True
    assert rig.words(10_000) == []
    rig.pump.may_wait = False
    rig.pump.halt()
    rig.pump.start(rig.board.ticks_us())
    # The second word begins with the 11th step: 4 on the rate is 1007 nL/s, or 993 us a step.
    assert rig.words(400) == [(1, 586), (38, 993)]


@pytest.mark.parametrize("steps", [3, 19])
def test_a_word_whose_middle_lies_beyond_the_end_of_a_ramp_takes_the_rate_at_its_begin(rig, steps):
    rig.start(steps, 1_000, 2_000)
    assert rig.words() == [(steps, 1_000)]
