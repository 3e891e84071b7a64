import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from device import limits
from device.ceilings import LOOSEST, UNSET, Ceilings, unpack_row
from device.treatment import Treatment
from protocol import codes, messages

AGENT, COUNTER, FLUSH = codes.CHANNEL_AGENT, codes.CHANNEL_COUNTER_AGENT, codes.CHANNEL_FLUSH
# In wire order: agent's dose, rate, total; window in nL and s; counter-agent's dose, total; flush's dose, total.
CLINIC = (30_000, 2_000, 60_000, 40_000, 600, 50_000, 100_000, 60_000, 200_000)
PLAN = (25_000, 1_000, 50_000, 30_000, 1_200, 40_000, 80_000, 50_000, 100_000)
WINDOW_S = 4

NOTHING = st.just(0)
volumes = st.one_of(NOTHING, st.integers(1, limits.MAX_TOTAL_NL))
windows = st.one_of(NOTHING, st.integers(limits.MIN_WINDOW_S, limits.MAX_WINDOW_S))


def row_of(element):
    return st.tuples(*[windows if index == WINDOW_S else element for index in range(9)])


rows = row_of(volumes)
wild_rows = st.tuples(*[st.integers(0, 2**32 - 1)] * 4, st.integers(0, 65_535), *[st.integers(0, 2**32 - 1)] * 4)


@pytest.fixture
def ceilings():
    made = Ceilings()
    assert made.set_clinic(CLINIC) == codes.REASON_NONE
    assert made.set_plan(PLAN) == codes.REASON_NONE
    return made


def totals(**received):
    treatment = Treatment()
    for name, volume_nl in received.items():
        setattr(treatment, name, volume_nl)
    return treatment


def judge(ceilings, volume_nl=10_000, rate_nl_s=500, **changes):
    case = {"kind": codes.KIND_DOSE, "channel": AGENT, "agent_nl": 0, "totals": totals(), "in_window_nl": 0} | changes
    reason = ceilings.judge(
        case["kind"],
        case["channel"],
        volume_nl,
        rate_nl_s,
        case["agent_nl"],
        case["totals"],
        case["in_window_nl"],
        case.get("error_ppm", limits.BORE_ERROR_PPM),
    )
    return reason, ceilings.nearest


def state_of(ceilings):
    return ceilings.clinic, ceilings.plan, ceilings.row


def test_the_row_is_in_the_order_of_the_wire():
    fields = next(row[4] for row in messages.MESSAGES if row[1] == "SET_CEILINGS")
    names = [field[0] for field in fields][2:-1]
    assert names == [
        "agent_dose_nl",
        "agent_rate_nl_s",
        "agent_total_nl",
        "window_nl",
        "window_s",
        "counter_dose_nl",
        "counter_total_nl",
        "flush_dose_nl",
        "flush_total_nl",
    ]


@pytest.mark.req("DOSE-6")
@pytest.mark.parametrize("channel", [AGENT, COUNTER, FLUSH])
def test_nothing_goes_to_a_patient_until_clinic_and_plan_are_set(channel):
    ceilings = Ceilings()
    assert judge(ceilings, channel=channel) == (codes.REASON_CEILING_UNSET, 0)
    ceilings.set_clinic(CLINIC)
    assert judge(ceilings, channel=channel) == (codes.REASON_CEILING_UNSET, 0)
    ceilings.set_plan(PLAN)
    assert judge(ceilings, channel=channel) == (codes.REASON_NONE, 0)
    ceilings.clear_plan()
    assert judge(ceilings, channel=channel) == (codes.REASON_CEILING_UNSET, 0)


@pytest.mark.req("DOSE-6")
def test_a_plan_before_the_clinics_ceilings_is_refused():
    ceilings = Ceilings()
    assert ceilings.set_plan(UNSET) == codes.REASON_CEILING_UNSET
    assert state_of(ceilings) == (UNSET, UNSET, UNSET)


@pytest.mark.req("DOSE-6")
@pytest.mark.parametrize("index", range(9))
def test_a_plan_looser_than_the_clinic_in_one_value_is_refused_with_the_nearest(index):
    ceilings = Ceilings()
    ceilings.set_clinic(CLINIC)
    before = state_of(ceilings)
    looser = list(PLAN)
    looser[index] = CLINIC[index] + (-1 if index == WINDOW_S else 1)
    assert ceilings.set_plan(tuple(looser)) == codes.REASON_LOOSER
    assert ceilings.nearest == CLINIC[index]
    assert state_of(ceilings) == before
    looser[index] = ceilings.nearest
    assert ceilings.set_plan(tuple(looser)) == codes.REASON_NONE


@pytest.mark.req("DOSE-6")
@pytest.mark.parametrize("index", range(9))
def test_a_clinic_looser_than_compiled_in_is_refused_with_the_nearest(index):
    ceilings = Ceilings()
    looser = list(LOOSEST)
    looser[index] += -1 if index == WINDOW_S else 1
    assert ceilings.set_clinic(tuple(looser)) == codes.REASON_LOOSER
    assert ceilings.nearest == LOOSEST[index]
    assert state_of(ceilings) == (UNSET, UNSET, UNSET)
    assert ceilings.set_clinic(LOOSEST) == codes.REASON_NONE


def test_a_window_longer_than_what_is_kept_is_refused(ceilings):
    too_long = (*CLINIC[:WINDOW_S], limits.MAX_WINDOW_S + 1, *CLINIC[WINDOW_S + 1 :])
    assert ceilings.judge_clinic(too_long) == codes.REASON_LOOSER
    assert ceilings.nearest == limits.MAX_WINDOW_S


@pytest.mark.req("DOSE-6")
@given(rows, rows, rows)
def test_what_binds_is_never_looser_than_any_level(clinic, plan, later_clinic):
    ceilings = Ceilings()
    ceilings.restore(clinic, plan)
    ceilings.set_clinic(later_clinic)
    levels = [ceilings.clinic, ceilings.plan, LOOSEST]
    for index, value in enumerate(ceilings.row):
        if index != WINDOW_S:
            assert value == min(level[index] for level in levels)
        elif value:
            assert limits.MAX_WINDOW_S >= value == max(level[index] for level in levels)


@pytest.mark.req("DOSE-6")
@given(wild_rows, wild_rows)
def test_no_row_that_was_kept_opens_more_than_compiled_in(clinic, plan):
    ceilings = Ceilings()
    ceilings.restore(clinic, plan)
    row = ceilings.row
    assert all(row[index] <= LOOSEST[index] for index in range(9) if index != WINDOW_S)
    assert row[WINDOW_S] == 0 or limits.MIN_WINDOW_S <= row[WINDOW_S] <= limits.MAX_WINDOW_S


@pytest.mark.req("DOSE-6")
@given(wild_rows)
def test_following_the_nearest_value_ends_in_a_row_that_is_accepted(row):
    ceilings = Ceilings()
    ceilings.set_clinic(CLINIC)
    for _ in range(10):
        if ceilings.judge_plan(row) == codes.REASON_NONE:
            break
        first = next(index for index in range(9) if looser(index, row[index]))
        row = (*row[:first], ceilings.nearest, *row[first + 1 :])
    assert ceilings.set_plan(row) == codes.REASON_NONE


def looser(index, value):
    if index == WINDOW_S:
        return value != 0 and not CLINIC[index] <= value <= limits.MAX_WINDOW_S
    return value > CLINIC[index]


@pytest.mark.req("DOSE-6")
def test_a_clinic_that_tightens_while_a_treatment_is_open_binds_it_at_once(ceilings):
    assert judge(ceilings, 20_000) == (codes.REASON_NONE, 0)
    ceilings.set_clinic((15_000, *CLINIC[1:]))
    assert judge(ceilings, 20_000) == (codes.REASON_VOLUME_HIGH, 15_000)
    ceilings.set_clinic(LOOSEST)
    assert judge(ceilings, 25_001) == (codes.REASON_VOLUME_HIGH, 25_000)


@pytest.mark.req("DOSE-4", "DOSE-5")
@pytest.mark.parametrize(
    ("case", "reason", "nearest"),
    [
        ({"volume_nl": 99}, codes.REASON_VOLUME_LOW, 100),
        ({"volume_nl": 25_001}, codes.REASON_VOLUME_HIGH, 25_000),
        ({"volume_nl": 0xFFFFFFFF}, codes.REASON_VOLUME_HIGH, 25_000),
        ({"rate_nl_s": 49}, codes.REASON_RATE_LOW, 50),
        ({"rate_nl_s": 1_001}, codes.REASON_RATE_HIGH, 1_000),
        ({"totals": totals(agent_max_nl=39_749)}, codes.REASON_TOTAL_HIGH, 9_999),
        ({"totals": totals(agent_max_nl=50_000)}, codes.REASON_TOTAL_HIGH, 0),
        ({"in_window_nl": 19_749}, codes.REASON_WINDOW_HIGH, 9_999),
        ({"in_window_nl": codes.UNKNOWN_NL}, codes.REASON_WINDOW_HIGH, 0),
        ({"volume_nl": 25_001, "in_window_nl": 19_749}, codes.REASON_VOLUME_HIGH, 9_999),
        ({"volume_nl": 99, "in_window_nl": 30_000}, codes.REASON_VOLUME_LOW, 0),
        ({"channel": COUNTER, "volume_nl": 40_001}, codes.REASON_VOLUME_HIGH, 40_000),
        ({"channel": COUNTER, "totals": totals(counter_max_nl=69_749)}, codes.REASON_TOTAL_HIGH, 9_999),
        ({"channel": COUNTER, "rate_nl_s": 20_001}, codes.REASON_RATE_HIGH, 20_000),
        ({"channel": FLUSH, "volume_nl": 50_001}, codes.REASON_VOLUME_HIGH, 50_000),
        ({"channel": FLUSH, "totals": totals(flush_max_nl=89_749)}, codes.REASON_TOTAL_HIGH, 9_999),
        ({"kind": codes.KIND_SCREENING, "volume_nl": 999}, codes.REASON_VOLUME_LOW, 1_000),
        ({"kind": codes.KIND_SCREENING, "volume_nl": 2_001}, codes.REASON_VOLUME_HIGH, 2_000),
        ({"kind": codes.KIND_PRIME, "volume_nl": 100_001}, codes.REASON_VOLUME_HIGH, 100_000),
        ({"kind": codes.KIND_PURGE, "volume_nl": 99}, codes.REASON_VOLUME_LOW, 100),
        ({"kind": codes.KIND_CALIBRATE, "rate_nl_s": 20_001}, codes.REASON_RATE_HIGH, 20_000),
    ],
)
def test_an_order_beyond_a_ceiling_is_refused_with_the_nearest_allowed_value(ceilings, case, reason, nearest):
    assert judge(ceilings, **case) == (reason, nearest)


@pytest.mark.req("DOSE-5")
@pytest.mark.parametrize(
    "case",
    [
        {"volume_nl": 100},
        {"volume_nl": 25_000},
        {"rate_nl_s": 50},
        {"rate_nl_s": 1_000},
        {"totals": totals(agent_max_nl=39_748)},
        {"in_window_nl": 19_748},
        {"channel": COUNTER, "volume_nl": 40_000, "rate_nl_s": 20_000},
        {"channel": FLUSH, "volume_nl": 50_000, "rate_nl_s": 20_000, "in_window_nl": codes.UNKNOWN_NL},
        {"kind": codes.KIND_SCREENING, "volume_nl": 1_000},
        {"kind": codes.KIND_SCREENING, "volume_nl": 2_000},
    ],
)
def test_an_order_at_a_ceiling_is_allowed(ceilings, case):
    assert judge(ceilings, **case) == (codes.REASON_NONE, 0)


@pytest.mark.req("PERMIT-5")
@pytest.mark.parametrize("kind", [codes.KIND_PRIME, codes.KIND_PURGE, codes.KIND_CALIBRATE])
def test_what_goes_to_waste_needs_no_ceilings_but_the_compiled_in(kind):
    assert judge(Ceilings(), 100_000, 20_000, kind=kind, channel=AGENT) == (codes.REASON_NONE, 0)


@pytest.mark.req("DOSE-5")
def test_the_residual_burden_counts_in_the_treatments_total(ceilings):
    burdened = totals(agent_max_nl=30_000, residual_nl=9_749)
    assert judge(ceilings, totals=burdened) == (codes.REASON_TOTAL_HIGH, 9_999)


@pytest.mark.req("DOSE-13")
@pytest.mark.parametrize("channel", [COUNTER, FLUSH])
def test_what_pushes_agent_through_the_tip_is_judged_as_agent_too(ceilings, channel):
    pushing = {"channel": channel, "agent_nl": 3_000}
    assert judge(ceilings, **pushing) == (codes.REASON_NONE, 0)
    assert judge(ceilings, **pushing, rate_nl_s=1_001) == (codes.REASON_RATE_HIGH, 1_000)
    assert judge(ceilings, **pushing, totals=totals(agent_max_nl=47_000)) == (codes.REASON_NONE, 0)
    assert judge(ceilings, **pushing, totals=totals(agent_max_nl=47_001))[0] == codes.REASON_TOTAL_HIGH
    assert judge(ceilings, **pushing, in_window_nl=27_000) == (codes.REASON_NONE, 0)
    assert judge(ceilings, **pushing, in_window_nl=27_001)[0] == codes.REASON_WINDOW_HIGH
    assert judge(ceilings, 40_000, channel=channel, agent_nl=25_403)[0] == codes.REASON_VOLUME_HIGH
    ceilings.restore(CLINIC, (0, *PLAN[1:]))
    assert judge(ceilings, **pushing) == (codes.REASON_CEILING_UNSET, 0)


cases = st.fixed_dictionaries(
    {
        "kind": st.sampled_from([codes.KIND_DOSE, codes.KIND_SCREENING]),
        "volume_nl": st.integers(0, 120_000),
        "totals": st.builds(lambda most: totals(agent_max_nl=most), st.integers(0, 60_000)),
        "in_window_nl": st.integers(0, 40_000),
        "error_ppm": st.integers(0, 10_000),
    }
)
TO_VOLUME = (codes.REASON_VOLUME_LOW, codes.REASON_VOLUME_HIGH, codes.REASON_TOTAL_HIGH, codes.REASON_WINDOW_HIGH)


@pytest.mark.req("DOSE-4")
@given(cases, rows)
def test_the_nearest_volume_is_accepted_and_the_one_beyond_it_is_not(case, plan):
    ceilings = Ceilings()
    ceilings.restore(LOOSEST, plan)
    assume(plan[1] >= 500)
    reason, nearest = judge(ceilings, **case)
    if reason not in TO_VOLUME:
        return
    beyond = -1 if reason == codes.REASON_VOLUME_LOW else 1
    if nearest:
        assert judge(ceilings, **(case | {"volume_nl": nearest})) == (codes.REASON_NONE, 0)
        assert judge(ceilings, **(case | {"volume_nl": nearest + beyond}))[0] in TO_VOLUME
    else:
        lowest_nl = limits.MIN_SCREENING_NL if case["kind"] == codes.KIND_SCREENING else limits.MIN_DOSE_NL
        assert judge(ceilings, **(case | {"volume_nl": lowest_nl}))[0] in TO_VOLUME


@given(cases, st.integers(0, 100_000), st.sampled_from([COUNTER, FLUSH]))
@pytest.mark.req("DOSE-4", "DOSE-13")
def test_the_nearest_volume_is_accepted_wherever_the_agent_stands(case, stands_nl, channel):
    """Agent stands in the line so far from the tip that only the last part of the volume brings some out."""
    ceilings = Ceilings()
    ceilings.restore(LOOSEST, PLAN)
    case = case | {"kind": codes.KIND_DOSE, "channel": channel}
    most_nl = limits.most_of(case["volume_nl"], case["error_ppm"])
    case["agent_nl"] = min(most_nl, stands_nl)
    reason, nearest = judge(ceilings, **case)
    if reason in TO_VOLUME and nearest:
        agent_nl = min(limits.most_of(nearest, case["error_ppm"]), stands_nl)
        again = case | {"volume_nl": nearest, "agent_nl": agent_nl}
        assert judge(ceilings, **again) == (codes.REASON_NONE, 0)


@pytest.mark.req("DOSE-4")
@given(st.integers(0, 30_000), rows, st.sampled_from([AGENT, COUNTER, FLUSH]))
def test_the_nearest_rate_is_accepted_and_the_one_beyond_it_is_not(rate_nl_s, plan, channel):
    ceilings = Ceilings()
    ceilings.restore(LOOSEST, plan)
    case = {"volume_nl": 100, "channel": channel}
    reason, nearest = judge(ceilings, rate_nl_s=rate_nl_s, **case)
    if reason in (codes.REASON_RATE_LOW, codes.REASON_RATE_HIGH) and nearest:
        beyond = -1 if reason == codes.REASON_RATE_LOW else 1
        assert judge(ceilings, rate_nl_s=nearest, **case) == (codes.REASON_NONE, 0)
        assert judge(ceilings, rate_nl_s=nearest + beyond, **case)[0] == reason


@pytest.mark.req("DOSE-5", "DOSE-6")
@given(cases, rows, st.integers(0, 8), st.integers(1, 10_000), st.integers(0, 1_500))
def test_a_tighter_row_and_a_fuller_treatment_never_allow_what_was_refused(case, plan, index, less, rate_nl_s):
    ceilings = Ceilings()
    ceilings.restore(LOOSEST, plan)
    refused = judge(ceilings, rate_nl_s=rate_nl_s, **case)[0] != codes.REASON_NONE
    if index != WINDOW_S:
        ceilings.restore(LOOSEST, (*plan[:index], max(0, plan[index] - less), *plan[index + 1 :]))
    fuller = totals(agent_max_nl=case["totals"].agent_max_nl + less)
    tighter = case | {"totals": fuller, "in_window_nl": case["in_window_nl"] + less}
    if refused:
        assert judge(ceilings, rate_nl_s=rate_nl_s, **tighter)[0] != codes.REASON_NONE


@pytest.mark.req("DOSE-5")
@given(st.lists(st.integers(0, 60_000), max_size=20), st.integers(5_550_000, 5_670_000))
def test_no_sequence_of_doses_brings_more_than_the_treatments_ceiling_even_with_the_widest_bore(orders, step_fl):
    ceilings = Ceilings()
    ceilings.restore(LOOSEST, PLAN)
    treatment = totals()
    true_nl = 0.0
    for volume_nl in orders:
        reason, nearest = judge(ceilings, volume_nl, totals=treatment)
        asked_nl = volume_nl if reason == codes.REASON_NONE else nearest
        if asked_nl:
            steps = limits.steps_of(asked_nl, step_fl)
            true_nl += steps * step_fl * 1.01 / 1e6
            counted_nl = limits.upper_of(limits.volume_of(steps, step_fl)) + limits.FRICTION_NL
            treatment.ended(codes.KIND_DOSE, AGENT, steps, counted_nl, 0, counted_nl)
        assert true_nl <= treatment.agent_max_nl <= PLAN[2]


def test_the_clinics_row_comes_back_from_the_journal(ceilings):
    assert unpack_row(ceilings.pack_clinic()) == CLINIC
    assert unpack_row(None) == UNSET
    assert unpack_row(b"short") == UNSET


def test_judging_a_row_changes_nothing(ceilings):
    before = state_of(ceilings)
    ceilings.judge_clinic(LOOSEST)
    ceilings.judge_plan(UNSET)
    assert state_of(ceilings) == before
