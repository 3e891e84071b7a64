"""Ceilings of which a single one is missing, and the nearest allowed value down to the last nanolitre."""

import pytest

from device import limits
from device.ceilings import LOOSEST, UNSET, Ceilings
from protocol import codes
from tests.device.test_ceilings import AGENT, CLINIC, COUNTER, FLUSH, PLAN, judge, totals

AGENT_DOSE, AGENT_RATE, AGENT_TOTAL, WINDOW_NL, WINDOW_S, COUNTER_DOSE, COUNTER_TOTAL, FLUSH_DOSE, FLUSH_TOTAL = range(
    9
)
OK = (codes.REASON_NONE, 0)
UNSET_ = (codes.REASON_CEILING_UNSET, 0)


def with_plan(*changes, clinic=CLINIC):
    """The plan of the test with some of its ceilings changed, as the journal would bring it back."""
    row = list(PLAN)
    for index, value in changes:
        row[index] = value
    ceilings = Ceilings()
    ceilings.restore(clinic, tuple(row))
    return ceilings


def test_nothing_was_refused_before_the_first_row():
    assert Ceilings().nearest == 0


def test_a_row_that_is_taken_or_has_nothing_above_it_leaves_no_nearest_value():
    ceilings = Ceilings()
    loose = (LOOSEST[0] + 1, *LOOSEST[1:])
    ceilings.judge_clinic(loose)
    assert ceilings.nearest == LOOSEST[0]
    assert ceilings.judge_plan(PLAN) == codes.REASON_CEILING_UNSET
    assert ceilings.nearest == 0
    ceilings.judge_clinic(loose)
    assert ceilings.set_clinic(CLINIC) == codes.REASON_NONE
    assert ceilings.nearest == 0


def test_a_plan_has_no_window_where_the_clinic_has_none():
    ceilings = Ceilings()
    ceilings.set_clinic((*CLINIC[:WINDOW_S], 0, *CLINIC[WINDOW_S + 1 :]))
    assert ceilings.judge_plan(PLAN) == codes.REASON_LOOSER
    assert ceilings.nearest == 0


@pytest.mark.req("DOSE-5")
@pytest.mark.parametrize("missing", [AGENT_DOSE, AGENT_RATE, AGENT_TOTAL, WINDOW_NL, WINDOW_S])
def test_agent_needs_every_ceiling_of_its_own_and_flush_none_of_them(missing):
    ceilings = with_plan((missing, 0))
    assert judge(ceilings, channel=AGENT) == UNSET_
    assert judge(ceilings, channel=FLUSH, agent_nl=1) == UNSET_
    assert judge(ceilings, channel=FLUSH) == OK


@pytest.mark.parametrize(
    ("channel", "missing"),
    [(COUNTER, COUNTER_DOSE), (COUNTER, COUNTER_TOTAL), (FLUSH, FLUSH_DOSE), (FLUSH, FLUSH_TOTAL)],
)
def test_each_channel_needs_its_own_two_ceilings(channel, missing):
    assert judge(with_plan((missing, 0)), channel=channel) == UNSET_


@pytest.mark.parametrize(
    ("index", "reason"), [(FLUSH_DOSE, codes.REASON_VOLUME_HIGH), (FLUSH_TOTAL, codes.REASON_TOTAL_HIGH)]
)
def test_a_ceiling_of_one_nanolitre_is_set_and_allows_no_dose(index, reason):
    assert judge(with_plan((index, 1)), channel=FLUSH) == (reason, 0)


@pytest.mark.req("DOSE-13")
def test_a_single_nanolitre_of_agent_that_is_pushed_counts_as_agent():
    ceilings = with_plan()
    pushed = {"channel": FLUSH, "agent_nl": 1}
    assert judge(ceilings, rate_nl_s=PLAN[AGENT_RATE] + 1, **pushed) == (codes.REASON_RATE_HIGH, PLAN[AGENT_RATE])
    assert judge(ceilings, in_window_nl=PLAN[WINDOW_NL], **pushed) == (codes.REASON_WINDOW_HIGH, 0)
    beyond = judge(ceilings, volume_nl=PLAN[FLUSH_DOSE] + 1, **pushed)
    assert beyond == (codes.REASON_VOLUME_HIGH, PLAN[AGENT_DOSE])


@pytest.mark.parametrize("error_ppm", [0, 3_000, limits.BORE_ERROR_PPM])
def test_agent_may_be_pushed_as_far_as_one_dose_of_it_may_bring(error_ppm):
    most_nl = limits.most_of(PLAN[AGENT_DOSE], error_ppm)
    pushed = {"channel": FLUSH, "volume_nl": 30_000, "error_ppm": error_ppm}
    assert judge(with_plan(), agent_nl=most_nl, **pushed) == OK
    refused = judge(with_plan(), agent_nl=most_nl + 1, **pushed)
    assert refused == (codes.REASON_VOLUME_HIGH, PLAN[AGENT_DOSE])


@pytest.mark.req("DOSE-5")
@pytest.mark.parametrize("error_ppm", [0, 3_000, limits.BORE_ERROR_PPM])
@pytest.mark.parametrize("channel", [AGENT, COUNTER, FLUSH])
def test_what_is_left_of_a_total_is_counted_with_the_bore_as_it_is_known(channel, error_ppm):
    total_nl = {AGENT: PLAN[AGENT_TOTAL], COUNTER: PLAN[COUNTER_TOTAL], FLUSH: PLAN[FLUSH_TOTAL]}[channel]
    name = {AGENT: "agent_max_nl", COUNTER: "counter_max_nl", FLUSH: "flush_max_nl"}[channel]
    case = {"channel": channel, "totals": totals(**{name: total_nl - 9_000}), "error_ppm": error_ppm}
    nearest_nl = limits.asked_within(9_000, error_ppm)
    assert judge(with_plan(), volume_nl=nearest_nl, **case) == OK
    assert judge(with_plan(), volume_nl=nearest_nl + 1, **case) == (codes.REASON_TOTAL_HIGH, nearest_nl)


def test_the_least_dose_is_the_nearest_as_long_as_it_is_allowed():
    least_nl = limits.MIN_DOSE_NL
    assert judge(with_plan((FLUSH_DOSE, least_nl)), channel=FLUSH) == (codes.REASON_VOLUME_HIGH, least_nl)
    assert judge(with_plan((FLUSH_DOSE, least_nl - 1)), channel=FLUSH) == (codes.REASON_VOLUME_HIGH, 0)


def test_the_nearest_of_the_least_dose_is_what_the_other_ceilings_leave():
    pushed = judge(with_plan(), volume_nl=limits.MIN_DOSE_NL, channel=FLUSH, agent_nl=5_000, in_window_nl=29_000)
    assert pushed == (codes.REASON_WINDOW_HIGH, limits.asked_within(1_000))


def test_the_lowest_rate_may_be_the_highest_allowed():
    lowest_nl_s = limits.MIN_RATE_NL_S
    assert judge(with_plan((AGENT_RATE, lowest_nl_s))) == (codes.REASON_RATE_HIGH, lowest_nl_s)
    assert judge(with_plan((AGENT_RATE, lowest_nl_s - 1))) == (codes.REASON_RATE_HIGH, 0)


@pytest.mark.req("DOSE-5")
@pytest.mark.parametrize(
    ("clinic_s", "plan_s", "binds_s"),
    [
        (600, 1_200, 1_200),
        (1_200, 600, 1_200),
        (10, 20, limits.MIN_WINDOW_S),
        (0, 600, 0),
        (600, 0, 0),
        (1, 600, 600),
        (600, 1, 600),
        (600, limits.MAX_WINDOW_S, limits.MAX_WINDOW_S),
        (600, limits.MAX_WINDOW_S + 1, 0),
    ],
)
def test_of_the_windows_that_were_kept_the_longest_binds_and_one_too_long_forbids(clinic_s, plan_s, binds_s):
    ceilings = with_plan((WINDOW_S, plan_s), clinic=(*CLINIC[:WINDOW_S], clinic_s, *CLINIC[WINDOW_S + 1 :]))
    assert ceilings.window_s == binds_s


def test_without_a_plan_nothing_binds_but_zero():
    ceilings = with_plan()
    ceilings.clear_plan()
    assert ceilings.row == UNSET
