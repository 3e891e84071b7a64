"""What a line may do, and what it has shown: every bound of what is learned from it.

Resistances are in 1/16 kPa per uL/s: a pressure of p Pa at a flow of f nL/s is a resistance of 16 p / f.
"""

import pytest

from device.line_model import LineModel
from protocol.codes import CAUSE_LEAK, CAUSE_STALL

# So long constant readings fill the slowest filter exactly.
LONG = 2_000
LEARN_TICKS = 60
MOST_UNKNOWN = 208
WASTE = 6


class Pressure:
    """A pressure sensor that reads what the test says, with the error that it says."""

    pa = 0
    error_pa = 0

    def settled_error_pa(self):
        return self.error_pa


class Bench:
    """A model and its sensor."""

    def __init__(self):
        self.pressure = Pressure()
        self.model = LineModel(self.pressure)

    def take(self, pa, flow_nl_s=0, ticks=1):
        self.pressure.pa = pa
        for _ in range(ticks):
            self.model.take(flow_nl_s)

    def begin(self, pa, flow_nl_s=0, to_patient=True):
        """A run that begins with steady readings."""
        self.take(pa, flow_nl_s, LONG)
        self.model.begin(to_patient)

    def learn(self, ticks=LEARN_TICKS):
        for _ in range(ticks):
            self.model.learn()

    def relax(self, from_pa, to_pa, passed_pl):
        """The pressure falls while so much passes, and the run ends."""
        self.begin(from_pa)
        self.model.relax(passed_pl)
        self.take(to_pa, 0, LONG)
        self.model.end()


@pytest.fixture
def bench():
    return Bench()


# Filters.


def quick_flow_nl_s(model):
    """The flow of the last 80 ms: a third of the first that it is too little for, less one."""
    return next(nl_s for nl_s in range(5_000) if model.name_loss(nl_s * 3 + 1) == CAUSE_STALL)


def test_before_the_first_reading_there_is_neither_pressure_nor_flow(bench):
    model = bench.model
    assert (model.slow_pa(), quick_flow_nl_s(model), model.flow_nl_s, model.low_ticks) == (0, 0, 0, 0)


def test_a_line_is_taken_for_that_to_a_patient_until_it_is_told(bench):
    assert bench.model.most_resistance == MOST_UNKNOWN


def test_the_slow_pressure_moves_by_a_sixteenth_each_tick(bench):
    bench.take(1_599)
    assert bench.model.slow_pa() == 99
    bench.take(1_599)
    # 99.9 and a sixteenth of the 1499 that are left.
    assert bench.model.slow_pa() == 193


def test_the_quick_flow_moves_by_an_eighth_and_the_slow_one_by_a_sixty_fourth(bench):
    bench.take(0, 6_400)
    assert (quick_flow_nl_s(bench.model), bench.model.flow_nl_s) == (800, 100)
    bench.take(0, 6_400)
    # An eighth of 5600 more, a sixty-fourth of 6300 more: 98.4.
    assert (quick_flow_nl_s(bench.model), bench.model.flow_nl_s) == (1_500, 198)


def test_with_a_run_the_slow_flow_begins_where_the_quick_one_is(bench):
    bench.take(0, 800)
    bench.model.begin(True)
    bench.take(0, 800)
    # An eighth of 800, and a sixty-fourth of the 700 that are left: 110.9.
    assert bench.model.flow_nl_s == 110


def test_a_pressure_that_rises_is_trailed_by_the_slow_one_and_one_that_falls_by_the_quick_one(bench):
    bench.take(1_600)
    assert bench.model.trailing_pa() == 100
    bench.pressure.pa = 40
    assert bench.model.trailing_pa() == 40


def test_the_quick_pressure_leads_only_when_it_is_more_than_500_pa_above_the_slow_one(bench):
    bench.take(1_000, 0, LONG)
    leading = []
    for pa in (0, 1_500, 1_501):
        bench.pressure.pa = pa
        leading.append(bench.model.leading_pa())
    assert leading == [1_000, 1_000, 1_501]


# What the line stores: 50 to 1000 nL at each kPa, while nothing was learned.


@pytest.mark.req("FLOW-4")
@pytest.mark.parametrize(
    ("missing_nl", "stored_nl"), [(-500, 200), (200, 200), (201, 201), (4_000, 4_000), (5_000, 4_001)]
)
def test_what_is_missing_is_stored_within_what_the_pressure_allows(bench, missing_nl, stored_nl):
    # The least of it to the whole nanolitre: 200.05.
    bench.take(4_001, 0, LONG)
    assert bench.model.stored_nl(missing_nl) == stored_nl


@pytest.mark.req("FLOW-4")
@pytest.mark.parametrize(("pa", "stored_nl"), [(-1_000, 0), (0, 0), (1, 1)])
def test_a_line_without_pressure_stores_nothing(bench, pa, stored_nl):
    bench.take(pa, 0, LONG)
    assert bench.model.stored_nl(300) == stored_nl


# The resistance.


def test_a_resistance_is_learned_after_60_ticks(bench):
    bench.begin(2_000, 1_000)
    bench.learn(LEARN_TICKS - 1)
    assert bench.model.most_resistance == MOST_UNKNOWN
    bench.learn(1)
    # 32, and two and a half times as much.
    assert bench.model.most_resistance == 80


def test_the_ticks_of_one_run_are_not_those_of_the_next(bench):
    bench.begin(2_000, 1_000)
    bench.learn(LEARN_TICKS - 1)
    bench.model.begin(True)
    bench.learn(LEARN_TICKS - 1)
    assert bench.model.most_resistance == MOST_UNKNOWN


@pytest.mark.parametrize(
    ("pa", "flow_nl_s", "most"),
    [
        # At least a flow of 200 nL/s, and a kilopascal.
        (1_000, 200, 200),
        (1_000, 199, MOST_UNKNOWN),
        (999, 200, MOST_UNKNOWN),
        # 83 and 84: two and a half times as much is 207 and 210.
        (5_200, 1_000, 207),
        (5_250, 1_000, MOST_UNKNOWN),
        # 7 and 6: 17 and 15, and no patient line has less than 16.
        (4_400, 10_000, 17),
        (3_800, 10_000, 16),
    ],
)
def test_two_and_a_half_times_the_resistance_seen_is_the_most_that_may_come(bench, pa, flow_nl_s, most):
    bench.begin(pa, flow_nl_s)
    bench.learn()
    assert bench.model.most_resistance == most


def test_the_lowest_resistance_of_a_run_counts(bench):
    bench.begin(2_000, 1_000)
    bench.learn()
    bench.take(4_000, 1_000, LONG)
    bench.learn(1)
    assert bench.model.most_resistance == 80
    bench.take(1_000, 1_000, LONG)
    bench.learn(1)
    assert bench.model.most_resistance == 40


def test_another_run_may_have_another_line(bench):
    bench.begin(2_000, 1_000)
    bench.learn()
    bench.model.begin(True)
    assert bench.model.most_resistance == MOST_UNKNOWN
    bench.take(4_000, 1_000, LONG)
    bench.learn()
    assert bench.model.most_resistance == 160


def test_on_the_way_to_waste_the_resistance_is_known_and_nothing_is_learned(bench):
    bench.begin(2_000, 1_000, to_patient=False)
    bench.learn()
    assert bench.model.most_resistance == WASTE
    bench.take(0, 1_000, LONG)
    bench.learn()
    assert bench.model.low_ticks == 0


# A resistance that falls.


@pytest.mark.parametrize(("pa", "low_ticks"), [(1_000, 0), (999, 3)])
def test_less_than_half_of_the_highest_resistance_is_low(bench, pa, low_ticks):
    # Half of 32 is 16.
    bench.begin(2_000, 1_000)
    bench.learn()
    bench.take(pa, 1_000, LONG)
    bench.learn(3)
    assert bench.model.low_ticks == low_ticks


def test_the_highest_resistance_of_a_run_is_the_measure(bench):
    bench.begin(1_000, 1_000)
    bench.learn()
    bench.take(4_000, 1_000, LONG)
    bench.learn(1)
    bench.take(2_000, 1_000, LONG)
    bench.learn(1)
    assert bench.model.low_ticks == 0
    # Half of 64 is 32.
    bench.take(1_900, 1_000, LONG)
    bench.learn(1)
    assert bench.model.low_ticks == 1


def test_of_another_run_the_highest_resistance_is_forgotten(bench):
    bench.begin(4_000, 1_000)
    bench.learn()
    bench.begin(1_000, 1_000)
    bench.learn()
    assert bench.model.low_ticks == 0


@pytest.mark.parametrize(("pa", "low_ticks"), [(375, 0), (374, 1)])
def test_a_line_of_which_nothing_was_learned_is_low_below_what_a_patient_line_takes(bench, pa, low_ticks):
    # 375 Pa at 1000 nL/s are a resistance of 6.
    bench.begin(pa, 1_000)
    bench.learn()
    assert bench.model.low_ticks == low_ticks


@pytest.mark.parametrize(("error_pa", "low_ticks"), [(125, 0), (124, 1)])
def test_a_resistance_is_low_only_beyond_the_error_of_the_pressure(bench, error_pa, low_ticks):
    # 5 instead of 6 at 1000 nL/s; an eighth of that product is 125 Pa.
    bench.pressure.error_pa = error_pa
    bench.begin(320, 1_000)
    bench.learn()
    assert bench.model.low_ticks == low_ticks


def test_low_ticks_are_counted_in_a_row_and_within_a_run(bench):
    bench.begin(0, 1_000)
    bench.learn(LEARN_TICKS + 4)
    assert bench.model.low_ticks == 5
    bench.take(1_000, 1_000, LONG)
    bench.learn(1)
    assert bench.model.low_ticks == 0
    bench.begin(0, 1_000)
    bench.learn()
    bench.model.begin(True)
    assert bench.model.low_ticks == 0


# The compliance.


@pytest.mark.parametrize(
    ("passed_pl", "compliance_nl_kpa"),
    [
        # 200 nL/kPa, half as much again, and the least of all lines.
        (800_000, 350),
        # A picolitre less: 199.
        (799_999, 348),
        (4_000_000, 1_000),
        (2_532_000, 999),
        (-400_000, 50),
        (4_000, 51),
    ],
)
def test_a_line_that_relaxed_from_4_kpa_shows_its_compliance(bench, passed_pl, compliance_nl_kpa):
    bench.relax(4_000, 0, passed_pl)
    assert bench.model.compliance_nl_kpa == compliance_nl_kpa


@pytest.mark.parametrize(
    ("from_pa", "to_pa", "learned"),
    [
        (2_000, 0, True),
        (1_999, 0, False),
        (4_000, 500, True),
        (4_000, 501, False),
        (4_004, 501, True),
        (4_004, 502, False),
        (3_000, 4_000, False),
    ],
)
def test_a_line_shows_its_compliance_when_seven_eighths_of_2_kpa_or_more_have_gone(bench, from_pa, to_pa, learned):
    bench.relax(from_pa, to_pa, 0)
    assert (bench.model.compliance_nl_kpa == 50) == learned


def test_what_is_learned_of_the_compliance_bounds_what_is_stored_in_later_runs(bench):
    bench.relax(4_000, 0, 800_000)
    # 350 nL at each of 4.001 kPa, to the whole nanolitre.
    bench.begin(4_001)
    assert bench.model.stored_nl(5_000) == 1_400


def test_all_that_passes_after_the_last_step_was_stored(bench):
    bench.begin(4_000)
    for _ in range(4):
        bench.model.relax(200_000)
    bench.take(0, 0, LONG)
    bench.model.end()
    assert bench.model.compliance_nl_kpa == 350


def test_a_line_relaxes_from_the_pressure_at_the_last_step_even_when_it_was_none(bench):
    bench.begin(0)
    bench.model.relax(0)
    bench.take(4_000, 0, LONG)
    bench.model.relax(0)
    bench.take(0, 0, LONG)
    bench.model.end()
    assert bench.model.compliance_nl_kpa == 1_000


@pytest.mark.parametrize("again", ["a step", "a run"])
def test_what_passed_before_a_further_step_or_run_does_not_count(bench, again):
    bench.begin(8_000)
    bench.model.relax(8_000_000)
    bench.take(4_000, 0, LONG)
    if again == "a step":
        bench.model.learn()
    else:
        bench.model.begin(True)
    bench.model.relax(800_000)
    bench.take(0, 0, LONG)
    bench.model.end()
    assert bench.model.compliance_nl_kpa == 350


def test_a_run_that_never_relaxed_shows_no_compliance(bench):
    bench.begin(4_000)
    bench.take(0, 0, LONG)
    bench.model.end()
    assert bench.model.compliance_nl_kpa == 1_000


# Where liquid is lost.


@pytest.mark.parametrize(("expected_nl_s", "cause"), [(300, CAUSE_LEAK), (301, CAUSE_STALL)])
def test_less_than_a_third_of_the_flow_expected_is_a_stall_and_more_a_leak(bench, expected_nl_s, cause):
    bench.take(0, 100, LONG)
    assert bench.model.name_loss(expected_nl_s) == cause
