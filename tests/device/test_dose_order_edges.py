"""Orders at the edge of each check, with all the rules behind them answering what the test says."""

import pytest

from device.alarm_table import SCOPE_AGENT, SCOPE_ALWAYS, SCOPE_FLOWING, SCOPE_PATIENT
from device.clock import WRAP_MASK
from device.interlocks import (
    DENSITY,
    DOOR,
    JOURNAL,
    MONITOR_HOLD,
    SELF_TEST,
    UNRESOLVED,
)
from protocol import codes
from tests.device.order_bench import (
    AGENT,
    BOOT,
    COUNTER,
    DAY,
    LAST,
    LEFT_MS,
    LOT,
    NONE,
    NOW_MS,
    RESCUE,
    SESSION,
    TREATMENT,
    WASTE,
    Rig,
    order,
)

OK = (codes.REASON_NONE, 0)
FLOWING = SCOPE_ALWAYS | SCOPE_FLOWING
SCREENING = {"kind": codes.KIND_SCREENING, **AGENT}
# 2000 nL at the upper end: a bore 1 % too wide, two for rounding, a grain of friction.
MOST_NL = 2_000 + 20 + 2 + 150


@pytest.fixture
def rig():
    return Rig()


def test_an_order_that_was_not_judged_yet_moves_no_agent_and_has_no_permit():
    assert (order().agent_nl, order().by_permit) == (0, False)


@pytest.mark.parametrize(
    ("kind", "to_patient"),
    [(0, False), (1, True), (2, True), (3, True), (4, False), (5, False), (6, False), (7, False)],
)
def test_dose_screening_and_rescue_go_to_the_patient_and_nothing_else_does(kind, to_patient):
    assert order(kind=kind).to_patient is to_patient


def test_an_orders_profile_is_made_of_its_volume_and_its_two_rates():
    assert order(profile=codes.PROFILE_RAMP, volume=2_000, rate=500, end=900).pieces == [(2_000, 500, 900)]


def test_an_order_with_nothing_in_its_way_is_good(rig):
    assert rig.rules.nearest == 0
    assert rig.judge() == OK


@pytest.mark.req("DOSE-4")
def test_who_asks_comes_before_what_is_asked_and_in_this_order(rig):
    wrong = {"dose_id": NONE, "boot": b"boot-two", "session": b"old-", "expires": WRAP_MASK + 1, "kind": 9}
    right = {"dose_id": b"dose-one", "boot": BOOT, "session": SESSION, "expires": NOW_MS + 1, "kind": codes.KIND_DOSE}
    reasons = [codes.REASON_ID, codes.REASON_BOOT, codes.REASON_SESSION, codes.REASON_EXPIRY_TOO_FAR, codes.REASON_KIND]
    for field, reason in zip(wrong, reasons, strict=True):
        assert rig.judge(**wrong) == (reason, 0)
        wrong[field] = right[field]
    assert rig.judge(**wrong) == OK


@pytest.mark.req("DOSE-4")
@pytest.mark.parametrize("now_ms", [0, 1_000, WRAP_MASK - 500, WRAP_MASK])
def test_an_order_lives_from_one_millisecond_to_a_minute_also_where_the_clock_wraps(rig, now_ms):
    def judged(left_ms):
        return rig.judge(now_ms, expires=(now_ms + left_ms) & WRAP_MASK)

    a_minute_from_now = (now_ms + 60_000) & WRAP_MASK
    assert judged(-1) == judged(0) == (codes.REASON_EXPIRED, 0)
    assert judged(1) == judged(60_000) == OK
    assert judged(60_001) == (codes.REASON_EXPIRY_TOO_FAR, a_minute_from_now)


def test_the_last_moment_of_the_clock_is_a_moment(rig):
    assert rig.judge(WRAP_MASK - LEFT_MS, expires=WRAP_MASK) == OK
    assert rig.judge(WRAP_MASK - LEFT_MS, expires=WRAP_MASK + 1) == (codes.REASON_EXPIRY_TOO_FAR, 0)


def test_what_was_nearest_to_an_earlier_order_is_forgotten(rig):
    assert rig.judge(expires=NOW_MS + 60_001)[1] == NOW_MS + 60_000
    assert rig.judge(boot=b"boot-two") == (codes.REASON_BOOT, 0)


@pytest.mark.parametrize("kind", [4, 5, 6])
def test_every_kind_that_goes_to_the_waste_is_a_kind(rig, kind):
    assert rig.judge(kind=kind, treatment=NONE) == OK


@pytest.mark.parametrize(
    ("kind", "only"),
    [(codes.KIND_SCREENING, codes.CHANNEL_AGENT), (codes.KIND_RESCUE, codes.CHANNEL_COUNTER_AGENT)],
)
@pytest.mark.parametrize("channel", [0, 1, 2])
def test_a_screening_is_of_agent_and_a_rescue_of_counter_agent(rig, kind, only, channel):
    assert rig.judge(kind=kind, channel=channel)[0] == (codes.REASON_NONE if channel == only else codes.REASON_CHANNEL)


@pytest.mark.parametrize("kind", [codes.KIND_DOSE, codes.KIND_PRIME])
def test_there_are_three_channels(rig, kind):
    assert rig.judge(kind=kind, channel=3, treatment=NONE) == (codes.REASON_CHANNEL, 0)


@pytest.mark.req("DOSE-4")
def test_a_profile_that_makes_no_sense_is_told_before_the_machine_is_looked_at(rig):
    rig.service = True
    assert rig.judge(profile=9) == (codes.REASON_PROFILE, 0)
    assert rig.judge(end=900) == (codes.REASON_SEGMENT, 0)
    pieces = (99).to_bytes(4, "little") + bytes([232, 3, 232, 3]) + bytes(16)
    assert rig.judge(profile=codes.PROFILE_SEGMENTS, segments=pieces) == (codes.REASON_SEGMENT, 100)
    assert rig.judge(rate=49, end=49) == (codes.REASON_SERVICE, 0)


@pytest.mark.req("DOSE-13")
def test_all_of_a_dose_of_agent_is_agent_and_of_another_what_it_pushes_out_of_the_line(rig):
    rig.kept.contents.leaving.answer = 777
    flush = order()
    rig.rules.judge(flush, SESSION, NOW_MS)
    assert rig.kept.contents.leaving.asked == [(codes.CHANNEL_FLUSH, MOST_NL)]
    assert flush.agent_nl == 777
    agent = order(**AGENT)
    rig.rules.judge(agent, SESSION, NOW_MS)
    assert agent.agent_nl == MOST_NL


@pytest.mark.parametrize("channel", [0, 1, 2])
def test_what_goes_to_the_waste_moves_no_agent_to_the_tip_and_wants_no_permit(rig, channel):
    waste = order(**WASTE, channel=channel)
    rig.kept.contents.agent_in_line_nl = rig.kept.contents.leaving.answer = 500
    assert rig.rules.judge(waste, SESSION, NOW_MS) == codes.REASON_NONE
    assert (waste.agent_nl, waste.by_permit) == (0, False)


@pytest.mark.req("PERMIT-1", "DOSE-13")
@pytest.mark.parametrize(
    ("changes", "agent_in_line_nl", "by_permit"),
    [
        ({}, 0, False),
        ({}, 1, True),
        (COUNTER, 0, True),
        (AGENT, 0, True),
        (SCREENING, 0, True),
        (RESCUE, 0, True),
    ],
)
def test_all_but_flush_in_a_clean_line_wants_a_permit(rig, changes, agent_in_line_nl, by_permit):
    rig.kept.contents.agent_in_line_nl = agent_in_line_nl
    asked = order(**changes)
    assert rig.rules.judge(asked, SESSION, NOW_MS) == codes.REASON_NONE
    assert asked.by_permit is by_permit


@pytest.mark.parametrize("volume_nl", [0xFFFF_FFFF, 0x3FFF_FFFF])
def test_a_volume_beyond_all_measure_is_reckoned_as_the_largest_that_can_be(rig, volume_nl):
    rig.judge(volume=volume_nl)
    largest = (codes.UNKNOWN_NL + codes.UNKNOWN_NL // 100) + 2 + 150
    assert rig.kept.contents.leaving.asked == [(codes.CHANNEL_FLUSH, largest)]
    assert rig.cartridges.asked[0][3] == 100_000 + 1_000 + 2 + 150


@pytest.mark.req("DOSE-3", "DOSE-7")
def test_the_machine_is_looked_at_in_this_order(rig):
    rig.service = True
    rig.latches.stop_cause = codes.CAUSE_DOOR
    rig.flows()
    rig.journal.pending.answer = True
    rig.journal.last_dose_id = b"dose-two"
    rig.selftest.answer = 1
    rig.interlocks.forbids.answer = DOOR
    rig.pressure.settled_pa = 701
    rig.kept.treatment.judge_order.answer = codes.REASON_NO_TREATMENT
    assert rig.judge() == (codes.REASON_SERVICE, 0)
    rig.service = False
    assert rig.judge() == (codes.REASON_STOPPED, 0)
    rig.latches.stop_cause = codes.CAUSE_NONE
    assert rig.judge() == (codes.REASON_BUSY, 0)
    rig.dose.open.answer = False
    assert rig.judge() == (codes.REASON_BUSY, 0)
    assert rig.journal.pending.asked == [(LAST,)]
    rig.journal.pending.answer = False
    assert rig.judge() == (codes.REASON_LAST_DOSE, 0)
    rig.journal.last_dose_id = LAST
    assert rig.judge() == (codes.REASON_SELF_TEST, 0)
    rig.selftest.answer = 0
    assert rig.judge() == (codes.REASON_INTERLOCK, 0)
    rig.interlocks.forbids.answer = 0
    assert rig.judge() == (codes.REASON_LINE_PRESSURE, 0)
    rig.pressure.settled_pa = 700
    assert rig.judge() == (codes.REASON_NO_TREATMENT, 0)


@pytest.mark.req("PERMIT-5")
@pytest.mark.parametrize(
    ("changes", "valve_patient", "reason"),
    [
        (WASTE, True, codes.REASON_VALVE),
        (WASTE, False, codes.REASON_BUSY),
        ({}, True, codes.REASON_BUSY),
        ({}, False, codes.REASON_BUSY),
    ],
)
def test_waste_is_refused_for_the_valve_where_it_stands_on_the_patient(rig, changes, valve_patient, reason):
    rig.flows(valve_patient=valve_patient)
    assert rig.judge(**changes) == (reason, 0)


@pytest.mark.req("ALARM-4")
@pytest.mark.parametrize("agent_nl", [0, 1])
def test_the_self_test_is_asked_whether_any_agent_moves(rig, agent_nl):
    rig.kept.contents.leaving.answer = agent_nl
    rig.judge()
    assert rig.selftest.asked == [(agent_nl > 0,)]


def test_waste_asks_no_self_test(rig):
    rig.selftest.answer = 1
    assert rig.judge(**WASTE) == OK


@pytest.mark.parametrize(
    ("changes", "leaving_nl", "situation"),
    [
        (WASTE, 0, FLOWING),
        ({}, 0, FLOWING | SCOPE_PATIENT),
        ({}, 1, FLOWING | SCOPE_PATIENT | SCOPE_AGENT),
        (AGENT, 0, FLOWING | SCOPE_PATIENT | SCOPE_AGENT),
        (RESCUE, 900, FLOWING | SCOPE_PATIENT),
    ],
    ids=["waste", "flush", "flush behind agent", "agent", "rescue behind agent"],
)
def test_the_conditions_are_asked_for_what_the_order_would_make_go_on(rig, changes, leaving_nl, situation):
    rig.kept.contents.leaving.answer = leaving_nl
    asked = order(**changes)
    assert rig.rules.judge(asked, SESSION, NOW_MS) == codes.REASON_NONE
    assert rig.interlocks.forbids.asked == [(situation,)]
    assert rig.rules.situation_of(asked) == situation


def test_of_several_conditions_the_one_with_a_reason_of_its_own_is_told_in_this_order(rig):
    told = [
        (SELF_TEST, codes.REASON_SELF_TEST),
        (JOURNAL, codes.REASON_JOURNAL),
        (MONITOR_HOLD, codes.REASON_HOLD),
        (UNRESOLVED, codes.REASON_UNRESOLVED),
        (DENSITY, codes.REASON_DENSITY),
        (DOOR, codes.REASON_INTERLOCK),
    ]
    standing = sum(condition for condition, _ in told)
    for condition, reason in told:
        rig.interlocks.forbids.answer = standing
        assert rig.judge() == (reason, 0)
        standing &= ~condition


@pytest.mark.req("FLOW-4")
def test_a_line_holds_pressure_beyond_500_pascal_and_the_error_of_the_reading(rig):
    rig.pressure.settled_error_pa.answer = 321
    rig.pressure.settled_pa = 821
    assert rig.judge() == rig.judge(**WASTE) == OK
    rig.pressure.settled_pa = 822
    assert rig.judge() == rig.judge(**WASTE) == (codes.REASON_LINE_PRESSURE, 0)


def test_the_patient_is_looked_at_in_this_order(rig):
    treatment, account, ceilings = rig.kept.treatment, rig.kept.account, rig.kept.ceilings
    asked = {**AGENT, "rate": 49, "end": 49}
    treatment.judge_order.answer = codes.REASON_TREATMENT
    treatment.judge_agent.answer = codes.REASON_SCREENING
    rig.suspension.answer = codes.REASON_DENSITY
    rig.cartridges.answer = codes.REASON_RESERVOIR
    account.intervals.answer = codes.REASON_INTERVAL
    ceilings.answer = codes.REASON_WINDOW_HIGH
    for rule in (treatment.judge_order, treatment.judge_agent, rig.suspension, rig.cartridges, account.intervals):
        assert rig.judge(**asked) == (rule.answer, 0)
        rule.answer = codes.REASON_NONE
    assert rig.judge(**asked) == (codes.REASON_WINDOW_HIGH, 0)
    ceilings.answer = codes.REASON_NONE
    assert rig.judge(**asked) == (codes.REASON_RATE_LOW, 50)


def test_the_treatment_is_asked_for_the_kind_and_the_treatment_of_the_order(rig):
    rig.judge(treatment=b"treatm-2", **SCREENING)
    assert rig.kept.treatment.judge_order.asked == [(codes.KIND_SCREENING, b"treatm-2")]


@pytest.mark.req("DOSE-12", "DOSE-13")
@pytest.mark.parametrize(
    ("changes", "leaving_nl", "question"),
    [
        ({}, 0, []),
        ({}, 1, [(codes.KIND_DOSE, codes.CHANNEL_FLUSH, 1)]),
        (COUNTER, 5, [(codes.KIND_DOSE, codes.CHANNEL_COUNTER_AGENT, 5)]),
        (SCREENING, 0, [(codes.KIND_SCREENING, codes.CHANNEL_AGENT, MOST_NL)]),
    ],
)
def test_whoever_moves_agent_is_judged_for_it(rig, changes, leaving_nl, question):
    rig.kept.contents.leaving.answer = leaving_nl
    rig.kept.treatment.judge_agent.answer = codes.REASON_SCREENING
    assert rig.judge(**changes)[0] == (codes.REASON_SCREENING if question else codes.REASON_NONE)
    assert rig.kept.treatment.judge_agent.asked == question


@pytest.mark.req("DOSE-11")
def test_only_agent_has_to_be_suspended(rig):
    rig.suspension.answer = codes.REASON_DENSITY
    rig.kept.contents.leaving.answer = 100
    assert rig.judge() == rig.judge(**COUNTER) == OK
    assert rig.judge(**AGENT) == (codes.REASON_DENSITY, 0)


@pytest.mark.req("DOSE-10")
def test_the_cartridge_has_to_hold_the_dose_at_its_upper_end(rig):
    rig.kept.contents.behind_valve_nl = 5_000
    rig.cartridges.answer = codes.REASON_RESERVOIR
    # A dose of 1000 nL is 1162 nL at its upper end.
    rig.cartridges.nearest = 1_162
    assert rig.judge() == (codes.REASON_RESERVOIR, 1_000)
    assert rig.cartridges.asked == [(codes.CHANNEL_FLUSH, LOT, DAY, MOST_NL)]
    rig.cartridges.nearest = 1_161
    assert rig.judge() == (codes.REASON_RESERVOIR, 999)


@pytest.mark.req("DOSE-9")
def test_the_interval_of_its_channel_holds_for_a_dose_and_not_for_waste(rig):
    intervals = rig.kept.account.intervals
    intervals.answer, intervals.nearest = codes.REASON_INTERVAL, 6_543
    assert rig.judge(**COUNTER) == (codes.REASON_INTERVAL, 6_543)
    assert intervals.asked == [(codes.CHANNEL_COUNTER_AGENT, NOW_MS)]
    assert rig.judge(**WASTE) == OK


@pytest.mark.req("PERMIT-5")
def test_waste_belongs_to_no_treatment_and_asks_for_none(rig):
    rig.kept.treatment.judge_order.answer = codes.REASON_NO_TREATMENT
    rig.cartridges.answer = codes.REASON_CARTRIDGE
    assert rig.judge(**WASTE) == OK
    assert rig.judge(**(WASTE | {"treatment": TREATMENT})) == (codes.REASON_TREATMENT, 0)


@pytest.mark.req("DOSE-5")
@pytest.mark.parametrize(
    ("changes", "leaving_nl", "question"),
    [
        ({}, 7, (codes.KIND_DOSE, codes.CHANNEL_FLUSH, 2_000, 1_000, 7)),
        (SCREENING, 0, (codes.KIND_SCREENING, codes.CHANNEL_AGENT, 2_000, 1_000, MOST_NL)),
        (WASTE | COUNTER, 7, (codes.KIND_PRIME, codes.CHANNEL_COUNTER_AGENT, 2_000, 1_000, 0)),
        ({"profile": codes.PROFILE_RAMP, "end": 3_000}, 0, (codes.KIND_DOSE, codes.CHANNEL_FLUSH, 2_000, 3_000, 0)),
    ],
)
def test_the_ceilings_are_asked_with_the_highest_rate_and_what_the_window_holds(rig, changes, leaving_nl, question):
    kept = rig.kept
    kept.contents.leaving.answer = leaving_nl
    kept.ceilings.answer, kept.ceilings.nearest = codes.REASON_VOLUME_HIGH, 1_234
    assert rig.judge(**changes) == (codes.REASON_VOLUME_HIGH, 1_234)
    assert kept.ceilings.asked == [(*question, kept.treatment, 4_321)]
    assert kept.account.window.asked == [(NOW_MS, 600)]


@pytest.mark.parametrize(
    ("rates", "answer"),
    [
        ((49, 1_000), (codes.REASON_RATE_LOW, 50)),
        ((1_000, 20_001), (codes.REASON_RATE_HIGH, 20_000)),
        ((50, 20_000), OK),
    ],
)
def test_every_rate_of_the_profile_is_one_that_the_pump_can_do(rig, rates, answer):
    assert rig.judge(profile=codes.PROFILE_RAMP, rate=rates[0], end=rates[1]) == answer
