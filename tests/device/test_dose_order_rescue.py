"""A rescue at the edge of each check, and a paused dose that is to go on; the test sets the rules behind them."""

import pytest

from device.alarm_table import SCOPE_AGENT, SCOPE_ALWAYS, SCOPE_FLOWING, SCOPE_PATIENT
from device.interlocks import DOOR, JOURNAL, LINK_LOST, MONITOR_HOLD, PERMIT_GONE
from device.limits import steps_of
from protocol import codes
from tests.device.order_bench import COUNTER, DAY, LAST, LOT, NONE, NOW_MS, RESCUE, SESSION, Rig, order

OK = (codes.REASON_NONE, 0)
FLOWING = SCOPE_ALWAYS | SCOPE_FLOWING
TO_PATIENT = FLOWING | SCOPE_PATIENT
COUNTER_AGENT = codes.CHANNEL_COUNTER_AGENT
# 2000 nL at the upper end: a bore 1 % too wide, two for rounding, a grain of friction.
MOST_NL = 2_000 + 20 + 2 + 150


@pytest.fixture
def rig():
    return Rig()


@pytest.fixture
def paused():
    """A rig at which a dose of flush to the patient is paused."""
    paused = Rig()
    paused.flows()
    return paused


@pytest.mark.req("RESCUE-2")
def test_a_rescue_looks_at_the_machine_and_its_cartridge_in_this_order(rig):
    rig.flows(kind=codes.KIND_RESCUE)
    rig.journal.last_dose_id = b"dose-two"
    treatment = rig.kept.treatment
    treatment.judge_order.answer = codes.REASON_TREATMENT
    rig.service = True
    rig.latches.stop_cause = codes.CAUSE_DOOR
    rig.interlocks.forbids.answer = DOOR
    treatment.is_open.answer = False
    rig.cartridges.answer = codes.REASON_RESERVOIR
    treatment.rescue_max_nl = 120_000
    asked = {**RESCUE, "profile": codes.PROFILE_RAMP, "rate": 49, "end": 20_001}
    assert rig.judge(**asked) == (codes.REASON_BUSY, 0)
    rig.dose.open.answer = False
    assert rig.judge(**asked) == (codes.REASON_LAST_DOSE, 0)
    rig.journal.last_dose_id = LAST
    assert rig.judge(**asked) == (codes.REASON_TREATMENT, 0)
    treatment.judge_order.answer = codes.REASON_NONE
    assert rig.judge(**asked) == (codes.REASON_SERVICE, 0)
    rig.service = False
    assert rig.judge(**asked) == (codes.REASON_STOPPED, 0)
    rig.latches.stop_cause = codes.CAUSE_NONE
    assert rig.judge(**asked) == (codes.REASON_INTERLOCK, 0)
    rig.interlocks.forbids.answer = 0
    assert rig.judge(**asked) == (codes.REASON_NO_TREATMENT, 0)
    treatment.is_open.answer = True
    assert rig.judge(**asked) == (codes.REASON_RESERVOIR, 0)
    rig.cartridges.answer = codes.REASON_NONE
    assert rig.judge(**asked) == (codes.REASON_RESCUE_HIGH, 0)
    treatment.rescue_max_nl = 0
    assert rig.judge(**asked) == (codes.REASON_RATE_HIGH, 20_000)
    assert rig.judge(**(asked | {"end": 20_000})) == (codes.REASON_RATE_LOW, 50)


@pytest.mark.req("RESCUE-4", "DOSE-4", "FLOW-6")
def test_a_rescue_that_its_cartridge_cannot_give_is_told_what_it_can_beyond_clearing_the_line(rig):
    rig.kept.contents.behind_valve_nl = 5_000
    rig.cartridges.answer = codes.REASON_RESERVOIR
    rig.judge(**RESCUE)
    _, _, _, need_nl = rig.cartridges.asked[-1]
    clear_nl = need_nl - MOST_NL
    assert clear_nl > 5_000
    # A dose of 1000 nL is 1162 nL at its upper end.
    rig.cartridges.nearest = clear_nl + 1_162
    assert rig.judge(**RESCUE) == (codes.REASON_RESERVOIR, 1_000)
    rig.cartridges.nearest = clear_nl + 1_161
    assert rig.judge(**RESCUE) == (codes.REASON_RESERVOIR, 999)
    rig.cartridges.nearest = clear_nl
    assert rig.judge(**RESCUE) == (codes.REASON_RESERVOIR, 0)


@pytest.mark.req("RESCUE-2", "DOSE-7")
@pytest.mark.parametrize("kind", [1, 2, 3, 4, 5, 6])
def test_a_rescue_waits_for_no_open_dose_but_another_rescue(rig, kind):
    rig.flows(kind=kind)
    assert rig.judge(**RESCUE)[0] == (codes.REASON_BUSY if kind == codes.KIND_RESCUE else codes.REASON_NONE)


def test_a_rescue_that_has_ended_keeps_none_from_beginning(rig):
    rig.dose.kind = codes.KIND_RESCUE
    assert rig.judge(**RESCUE) == OK


@pytest.mark.req("RESCUE-1")
def test_nothing_that_speaks_of_the_agent_is_in_the_way_of_a_rescue(rig):
    rig.kept.treatment.judge_agent.answer = codes.REASON_SCREENING
    rig.suspension.answer = codes.REASON_DENSITY
    rig.selftest.answer = 1
    rig.kept.account.intervals.answer = codes.REASON_INTERVAL
    rig.kept.ceilings.answer = codes.REASON_WINDOW_HIGH
    rig.pressure.settled_pa = 60_000
    rig.journal.pending.answer = True
    assert rig.judge(**RESCUE) == OK


@pytest.mark.req("RESCUE-1")
@pytest.mark.parametrize(
    ("machine_cause", "stop_cause", "reason"),
    [
        (codes.CAUSE_NONE, codes.CAUSE_MONITOR, codes.REASON_NONE),
        (codes.CAUSE_NONE, codes.CAUSE_OPERATOR, codes.REASON_STOPPED),
        (codes.CAUSE_DOOR, codes.CAUSE_MONITOR, codes.REASON_STOPPED),
        (codes.CAUSE_DOOR, codes.CAUSE_NONE, codes.REASON_STOPPED),
    ],
)
def test_the_machines_own_stop_counts_before_another_that_keeps_the_agent_only(rig, machine_cause, stop_cause, reason):
    rig.latches.machine_cause, rig.latches.stop_cause = machine_cause, stop_cause
    assert rig.judge(**RESCUE) == (reason, 0)


def test_a_rescue_belongs_to_the_open_treatment_whatever_else_the_treatment_says(rig):
    judge_order = rig.kept.treatment.judge_order
    judge_order.answer = codes.REASON_SCREENING
    assert rig.judge(**RESCUE, treatment=b"treatm-2") == OK
    assert judge_order.asked == [(codes.KIND_RESCUE, b"treatm-2")]


@pytest.mark.req("RESCUE-1")
def test_no_agent_in_the_line_makes_the_conditions_of_agent_count_for_a_rescue(rig):
    rig.kept.contents.leaving.answer = 900
    assert rig.judge(**RESCUE) == OK
    assert rig.interlocks.forbids.asked == [(TO_PATIENT,)]


@pytest.mark.req("RESCUE-4", "DOSE-4")
def test_a_rescue_says_the_nearest_volume_that_all_rescues_of_the_treatment_leave(rig):
    # 119,000 nL gone, so 1000 left: 840 nL are 1000 at the upper end.
    rig.kept.treatment.rescue_max_nl = 119_000
    assert rig.judge(**RESCUE) == (codes.REASON_RESCUE_HIGH, 840)
    assert rig.judge(**RESCUE, volume=840) == OK
    assert rig.judge(**RESCUE, volume=841) == (codes.REASON_RESCUE_HIGH, 840)


@pytest.mark.req("DOSE-10", "DOSE-13")
def test_the_cartridge_has_to_hold_the_rescue_and_what_clears_the_line_before_it(rig):
    rig.kept.contents.behind_valve_nl = 5_000
    assert rig.judge(**RESCUE) == OK
    # 5000 behind the valve, 70 of play, 150 of friction, 10 of rounding; the bore 1.125 % too wide, rounded up to 1.13.
    clear_nl = 5_230 + 59 + 2
    assert rig.cartridges.asked == [(COUNTER_AGENT, LOT, DAY, MOST_NL + clear_nl)]
    assert rig.kept.account.play.asked == [(COUNTER_AGENT,)]
    assert rig.judge(**COUNTER) == OK
    assert rig.cartridges.asked[1] == (COUNTER_AGENT, LOT, DAY, MOST_NL)


@pytest.mark.req("DOSE-13")
@pytest.mark.parametrize(
    ("is_open", "moves_agent", "behind_nl", "clear_nl"),
    [
        (False, False, 0, 0),
        (True, False, 0, 0),
        (False, True, 0, 0),
        (False, True, 5_000, 5_230 + 59 + 2),
        (True, False, 5_000, 5_230 + 59 + 2),
        # The line behind the valve holds 11,000 less 3000 nL.
        (True, True, 0, 8_230 + 92 + 2),
        (True, True, 5_000, 8_230 + 92 + 2),
    ],
)
def test_the_line_is_cleared_as_far_as_agent_may_stand_and_all_of_it_while_agent_flows(
    rig, is_open, moves_agent, behind_nl, clear_nl
):
    rig.dose.open.answer = is_open
    rig.dose.moves_agent = moves_agent
    rig.kept.contents.behind_valve_nl = behind_nl
    assert rig.rules.clearing_nl(COUNTER_AGENT) == clear_nl


def test_the_line_is_cleared_with_the_play_and_the_bore_of_the_channel_that_does_it(rig):
    rig.kept.contents.behind_valve_nl = 10_000
    rig.kept.account.play.answer = 0
    rig.calibration.bore_error_ppm.answer = 2_000
    clear_nl = rig.rules.clearing_nl(COUNTER_AGENT)
    # 10,160 nL and 0.225 % of it, rounded up to 0.23: 23.4.
    assert clear_nl == 10_160 + 23 + 2
    assert isinstance(steps_of(clear_nl), int)
    assert rig.kept.account.play.asked == rig.calibration.bore_error_ppm.asked == [(COUNTER_AGENT,)]


@pytest.mark.req("RESCUE-3")
def test_a_rescue_without_a_host_needs_no_session_no_boot_and_no_expiry(rig):
    assert rig.judge_alone() == codes.REASON_NONE
    assert rig.judge(**RESCUE, session=b"", boot=NONE, expires=0)[0] == codes.REASON_BOOT


@pytest.mark.req("RESCUE-3")
def test_a_rescue_without_a_host_has_to_make_sense_and_to_pass_what_every_rescue_has_to(rig):
    assert rig.judge_alone(channel=codes.CHANNEL_FLUSH) == codes.REASON_CHANNEL
    rig.service = True
    assert rig.judge_alone() == codes.REASON_SERVICE


def test_what_a_rescue_without_a_host_pushes_to_the_patient_is_known_like_that_of_any_other(rig):
    rig.kept.contents.leaving.answer = 321
    alone = order(**RESCUE)
    assert rig.rules.judge_alone(alone) == codes.REASON_NONE
    assert rig.kept.contents.leaving.asked == [(COUNTER_AGENT, MOST_NL)]
    assert (alone.agent_nl, alone.by_permit) == (321, True)


@pytest.mark.req("RESCUE-3")
def test_every_rescue_is_known_to_want_a_permit_or_a_person(rig):
    ordered = order(**RESCUE)
    assert rig.rules.judge(ordered, SESSION, NOW_MS) == codes.REASON_NONE
    assert ordered.by_permit is True


def test_a_paused_dose_with_nothing_in_its_way_goes_on(paused):
    assert paused.rules.judge_resume() == codes.REASON_NONE


@pytest.mark.parametrize(
    ("to_patient", "moves_agent", "situation"),
    [
        (False, False, FLOWING),
        (True, False, TO_PATIENT),
        (True, True, TO_PATIENT | SCOPE_AGENT),
    ],
)
def test_the_conditions_are_asked_for_what_would_go_on_again(paused, to_patient, moves_agent, situation):
    paused.dose.to_patient = to_patient
    paused.dose.moves_agent = moves_agent
    assert paused.rules.judge_resume() == codes.REASON_NONE
    assert paused.interlocks.forbids.asked == [(situation,)]


@pytest.mark.parametrize(
    ("kind", "machine_cause", "stop_cause", "reason"),
    [
        (codes.KIND_DOSE, codes.CAUSE_NONE, codes.CAUSE_MONITOR, codes.REASON_STOPPED),
        (codes.KIND_DOSE, codes.CAUSE_DOOR, codes.CAUSE_NONE, codes.REASON_NONE),
        (codes.KIND_RESCUE, codes.CAUSE_NONE, codes.CAUSE_MONITOR, codes.REASON_NONE),
        (codes.KIND_RESCUE, codes.CAUSE_DOOR, codes.CAUSE_MONITOR, codes.REASON_STOPPED),
    ],
)
def test_a_stop_keeps_a_paused_dose_and_only_the_machines_own_a_paused_rescue(
    paused, kind, machine_cause, stop_cause, reason
):
    paused.dose.kind = kind
    paused.latches.machine_cause, paused.latches.stop_cause = machine_cause, stop_cause
    assert paused.rules.judge_resume() == reason


@pytest.mark.req("PERMIT-3")
@pytest.mark.parametrize(
    ("standing", "reason"),
    [
        (LINK_LOST | PERMIT_GONE, codes.REASON_NONE),
        (LINK_LOST | DOOR, codes.REASON_INTERLOCK),
        (PERMIT_GONE | MONITOR_HOLD, codes.REASON_HOLD),
        (JOURNAL, codes.REASON_JOURNAL),
    ],
)
def test_a_lost_host_and_a_missing_permit_do_not_keep_a_dose_paused_and_all_else_does(paused, standing, reason):
    paused.interlocks.forbids.answer = standing
    assert paused.rules.judge_resume() == reason
    assert len(paused.cartridges.asked) == (reason == codes.REASON_NONE)


def test_a_stop_is_told_before_a_condition(paused):
    paused.latches.stop_cause = codes.CAUSE_DOOR
    paused.interlocks.forbids.answer = DOOR
    assert paused.rules.judge_resume() == codes.REASON_STOPPED


@pytest.mark.req("DOSE-10")
def test_what_goes_on_to_the_patient_needs_its_cartridge_with_a_least_dose_in_it(paused):
    paused.dose.channel, paused.dose.lot = codes.CHANNEL_AGENT, b"lot-0002"
    paused.cartridges.answer = codes.REASON_CARTRIDGE
    assert paused.rules.judge_resume() == codes.REASON_CARTRIDGE
    assert paused.cartridges.asked == [(codes.CHANNEL_AGENT, b"lot-0002", DAY, 100)]


def test_what_goes_on_to_the_waste_asks_for_no_cartridge(paused):
    paused.dose.to_patient = False
    paused.cartridges.answer = codes.REASON_CARTRIDGE
    assert paused.rules.judge_resume() == codes.REASON_NONE
    assert paused.cartridges.asked == []
