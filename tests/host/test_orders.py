"""The rules of one order, one event after the other."""

from dataclasses import replace

import pytest

from host import order_events, orders
from host.orders import OrderMachine, OrderState
from host.records import ORDER_LIFE_MS, DoseReport, Order, OutcomeKind
from protocol import codes

BOOT = b"boot0001"
OTHER_BOOT = b"boot0002"
ORDER = Order(
    dose_id=b"\x01" * 8, boot=BOOT, session=b"sess", expires_ms=ORDER_LIFE_MS, channel=2, volume_nl=5000, rate_nl_s=1000
)
NOT_KNOWN = DoseReport(ORDER.dose_id, codes.DOSE_NOT_KNOWN, uptime_ms=ORDER_LIFE_MS + 1)
RUNNING = DoseReport(ORDER.dose_id, codes.DOSE_RUNNING, asked_steps=891, emitted_steps=100, emitted_nl=560)
DELIVERED = DoseReport(
    ORDER.dose_id, codes.DOSE_DELIVERED, asked_steps=891, emitted_steps=891, emitted_nl=4996, patient_nl=(4900, 5000)
)
LOST = DoseReport(
    ORDER.dose_id, codes.DOSE_UNKNOWN, cause=codes.CAUSE_POWER, asked_steps=891, emitted_steps=100, granted_steps=140,
    patient_nl=(0, 950), waste_nl=(0, 950),
)  # fmt: skip
REFUSED = DoseReport(ORDER.dose_id, codes.DOSE_REFUSED, reason=codes.REASON_BUSY)


def sent() -> OrderMachine:
    machine = OrderMachine(ORDER)
    machine.handle(order_events.Begin(), 0)
    assert machine.handle(order_events.IntentDurable(), 0) == [order_events.Send(ORDER)]
    return machine


def outcome_of(actions: list[order_events.Action]) -> OutcomeKind:
    (action,) = actions
    assert isinstance(action, order_events.WriteOutcome)
    return action.record.outcome


@pytest.mark.req("LEDGER-3")
def test_the_intent_is_written_before_anything_is_sent() -> None:
    machine = OrderMachine(ORDER)
    assert machine.handle(order_events.Begin(), 0) == [order_events.WriteIntent(ORDER)]
    assert machine.handle(order_events.Due(), 10**9) == []
    assert machine.handle(order_events.IntentDurable(), 0) == [order_events.Send(ORDER)]


@pytest.mark.req("LEDGER-3")
def test_an_intent_that_cannot_be_written_is_never_sent() -> None:
    machine = OrderMachine(ORDER)
    machine.handle(order_events.Begin(), 0)
    assert machine.handle(order_events.IntentFailed(), 0) == []
    assert machine.settled
    assert machine.handle(order_events.IntentDurable(), 0) == []


@pytest.mark.req("LEDGER-3")
def test_a_rescue_leaves_although_its_intent_cannot_be_written_and_once_only() -> None:
    rescue = replace(ORDER, kind=codes.KIND_RESCUE)
    machine = OrderMachine(rescue)
    machine.handle(order_events.Begin(), 0)
    assert machine.handle(order_events.IntentFailed(), 0) == [order_events.Send(rescue)]
    for event in (order_events.IntentFailed(), order_events.IntentDurable()):
        assert machine.handle(event, 1) == []
    assert outcome_of(machine.handle(order_events.Told(DELIVERED), 2)) is OutcomeKind.DELIVERED


def test_a_rescue_whose_intent_fails_after_its_link_was_lost_does_not_leave() -> None:
    machine = OrderMachine(replace(ORDER, kind=codes.KIND_RESCUE))
    machine.handle(order_events.Begin(), 0)
    machine.handle(order_events.LinkLost(), 0)
    assert outcome_of(machine.handle(order_events.IntentFailed(), 0)) is OutcomeKind.NOT_SENT


@pytest.mark.req("LEDGER-3")
@pytest.mark.parametrize(
    ("report", "kind"),
    [
        (DELIVERED, OutcomeKind.DELIVERED),
        (replace(DELIVERED, state=codes.DOSE_PARTIAL, emitted_steps=5), OutcomeKind.PARTIAL),
        (REFUSED, OutcomeKind.REFUSED),
    ],
)
def test_the_devices_final_word_is_the_outcome(report: DoseReport, kind: OutcomeKind) -> None:
    machine = sent()
    machine.handle(order_events.Told(RUNNING), 10)
    assert outcome_of(machine.handle(order_events.Told(report), 20)) is kind
    assert machine.settled
    assert machine.handle(order_events.Told(report), 30) == []


@pytest.mark.req("DOSE-8")
def test_delivered_is_not_said_of_a_dose_whose_steps_are_not_all_out() -> None:
    short = replace(DELIVERED, emitted_steps=890)
    assert outcome_of(sent().handle(order_events.Told(short), 20)) is OutcomeKind.PARTIAL


@pytest.mark.req("LEDGER-3", "LINK-5")
def test_after_a_lost_link_it_asks_and_does_not_send_again() -> None:
    machine = sent()
    assert machine.handle(order_events.LinkLost(), 100) == []
    assert machine.handle(order_events.LinkBack(BOOT), 200) == [order_events.Ask(ORDER.dose_id)]
    assert outcome_of(machine.handle(order_events.Told(DELIVERED), 210)) is OutcomeKind.DELIVERED


@pytest.mark.req("LEDGER-3")
def test_a_link_lost_while_the_intent_is_written_means_not_sent() -> None:
    machine = OrderMachine(ORDER)
    machine.handle(order_events.Begin(), 0)
    machine.handle(order_events.LinkLost(), 1)
    assert outcome_of(machine.handle(order_events.IntentDurable(), 2)) is OutcomeKind.NOT_SENT


def test_a_new_session_while_the_intent_is_written_means_not_sent_too() -> None:
    machine = OrderMachine(ORDER)
    machine.handle(order_events.Begin(), 0)
    machine.handle(order_events.LinkLost(), 1)
    machine.handle(order_events.LinkBack(BOOT), 1)
    assert outcome_of(machine.handle(order_events.IntentDurable(), 2)) is OutcomeKind.NOT_SENT


@pytest.mark.req("LEDGER-3")
def test_the_same_boot_that_knows_nothing_of_an_expired_order_can_never_run_it() -> None:
    machine = sent()
    machine.handle(order_events.LinkLost(), 100)
    machine.handle(order_events.LinkBack(BOOT), 200)
    assert outcome_of(machine.handle(order_events.Told(NOT_KNOWN), 210)) is OutcomeKind.NOT_SENT


@pytest.mark.req("LEDGER-3")
def test_before_the_expiry_not_known_is_no_answer_yet() -> None:
    machine = sent()
    machine.handle(order_events.LinkLost(), 100)
    machine.handle(order_events.LinkBack(BOOT), 200)
    assert machine.handle(order_events.Told(replace(NOT_KNOWN, uptime_ms=ORDER_LIFE_MS)), 210) == []
    due_ms = machine.next_due_ms()
    assert due_ms is not None
    assert machine.handle(order_events.Due(), due_ms) == [order_events.Ask(ORDER.dose_id)]


@pytest.mark.req("LEDGER-3")
def test_another_boot_that_knows_nothing_of_it_leaves_it_unknown() -> None:
    machine = sent()
    machine.handle(order_events.LinkLost(), 100)
    machine.handle(order_events.LinkBack(OTHER_BOOT), 200)
    actions = machine.handle(order_events.Told(NOT_KNOWN), 210)
    assert outcome_of(actions) is OutcomeKind.UNKNOWN
    assert isinstance(actions[0], order_events.WriteOutcome)
    assert actions[0].record.to_patient_nl == (0, ORDER.volume_nl)


@pytest.mark.req("LEDGER-3")
def test_a_device_that_cannot_be_asked_in_time_leaves_it_unknown_with_what_was_seen() -> None:
    machine = sent()
    machine.handle(order_events.Told(RUNNING), 10)
    machine.handle(order_events.LinkLost(), 100)
    due_ms = machine.next_due_ms()
    assert due_ms == 100 + orders.RECONCILE_MS
    actions = machine.handle(order_events.Due(), due_ms)
    assert outcome_of(actions) is OutcomeKind.UNKNOWN
    assert isinstance(actions[0], order_events.WriteOutcome)
    assert actions[0].record.emitted_steps == RUNNING.emitted_steps
    assert actions[0].record.granted_steps == RUNNING.asked_steps


def test_what_telemetry_showed_last_is_the_least_of_an_unknown_dose() -> None:
    machine = sent()
    machine.handle(order_events.Flowing(50, 60, 280), 5)
    machine.handle(order_events.Told(RUNNING), 10)
    machine.handle(order_events.Flowing(300, 340, 1682), 20)
    machine.handle(order_events.Flowing(200, 240, 1121), 21)
    machine.handle(order_events.LinkLost(), 100)
    (action,) = machine.handle(order_events.Due(), 100 + orders.RECONCILE_MS)
    assert isinstance(action, order_events.WriteOutcome)
    assert (action.record.emitted_steps, action.record.emitted_nl) == (300, 1682)


@pytest.mark.req("LEDGER-3")
def test_the_truth_after_an_unknown_is_a_resolution() -> None:
    machine = sent()
    machine.handle(order_events.LinkLost(), 100)
    machine.handle(order_events.Due(), 100 + orders.RECONCILE_MS)
    assert machine.state is OrderState.UNKNOWN
    assert machine.handle(order_events.LinkBack(BOOT), 60_000) == [order_events.Ask(ORDER.dose_id)]
    (action,) = machine.handle(order_events.Told(DELIVERED), 60_010)
    assert isinstance(action, order_events.WriteResolution)
    assert machine.settled


def test_an_unknown_order_stays_unknown_when_the_device_knows_nothing() -> None:
    machine = OrderMachine.restored(ORDER, unknown=True)
    assert machine.handle(order_events.LinkBack(OTHER_BOOT), 0) == [order_events.Ask(ORDER.dose_id)]
    assert machine.handle(order_events.Told(NOT_KNOWN), 10) == []
    assert not machine.settled
    assert machine.next_due_ms() is None


def test_an_order_found_open_in_the_ledger_is_only_asked_about() -> None:
    machine = OrderMachine.restored(ORDER, unknown=False)
    assert machine.handle(order_events.IntentDurable(), 0) == []
    assert machine.next_due_ms() is None
    assert machine.handle(order_events.LinkBack(BOOT), 0) == [order_events.Ask(ORDER.dose_id)]
    assert outcome_of(machine.handle(order_events.Told(DELIVERED), 10)) is OutcomeKind.DELIVERED


@pytest.mark.parametrize("reason", sorted(orders.CHECKED_BEFORE_ID))
def test_a_refusal_that_came_before_the_id_was_looked_for_is_verified_by_asking(reason: int) -> None:
    machine = sent()
    assert machine.handle(order_events.Told(replace(REFUSED, reason=reason)), 10) == [order_events.Ask(ORDER.dose_id)]
    actions = machine.handle(order_events.Told(NOT_KNOWN), 20)
    assert outcome_of(actions) is OutcomeKind.REFUSED
    assert isinstance(actions[0], order_events.WriteOutcome)
    assert actions[0].record.reason == reason


def test_a_refused_frame_is_refused() -> None:
    assert outcome_of(sent().handle(order_events.Rejected(codes.REASON_MALFORMED), 10)) is OutcomeKind.REFUSED


def test_an_order_without_an_answer_is_asked_about_again_and_again() -> None:
    machine = sent()
    assert machine.handle(order_events.NoAnswer(), 3000) == [order_events.Ask(ORDER.dose_id)]
    assert machine.handle(order_events.NoAnswer(), 3100) == []
    assert machine.handle(order_events.Due(), 3100 + orders.ASK_AGAIN_MS) == [order_events.Ask(ORDER.dose_id)]


def test_a_running_dose_is_asked_about_now_and_then_and_when_telemetry_shows_its_end() -> None:
    machine = sent()
    machine.handle(order_events.Told(RUNNING), 10)
    assert machine.handle(order_events.Due(), 10 + orders.CHECK_MS) == [order_events.Ask(ORDER.dose_id)]
    machine.handle(order_events.Told(RUNNING), 1020)
    assert machine.handle(order_events.EndSeen(), 1030) == [order_events.Ask(ORDER.dose_id)]
    assert machine.handle(order_events.EndSeen(), 1031) == []


def test_reports_of_another_dose_change_nothing() -> None:
    machine = sent()
    assert machine.handle(order_events.Told(replace(DELIVERED, dose_id=b"\x02" * 8)), 10) == []
    assert machine.state is OrderState.SENT


def test_a_dose_that_the_same_boot_forgot_is_unknown() -> None:
    machine = sent()
    machine.handle(order_events.Told(RUNNING), 10)
    assert outcome_of(machine.handle(order_events.Told(NOT_KNOWN), 20)) is OutcomeKind.UNKNOWN


@pytest.mark.req("LEDGER-3", "DOSE-5")
def test_what_the_device_itself_calls_unknown_is_recorded_with_its_interval_once() -> None:
    machine = sent()
    (action,) = machine.handle(order_events.Told(LOST), 1)
    assert isinstance(action, order_events.WriteOutcome)
    record = action.record
    assert (record.outcome, record.to_patient_nl, record.granted_steps) == (OutcomeKind.UNKNOWN, (0, 950), 140)
    assert machine.handle(order_events.Told(LOST), 2) == []
    assert not machine.settled


@pytest.mark.req("LEDGER-3")
def test_a_device_that_does_not_know_either_resolves_nothing() -> None:
    machine = OrderMachine.restored(ORDER, unknown=True)
    machine.handle(order_events.LinkBack(OTHER_BOOT), 0)
    assert machine.handle(order_events.Told(LOST), 1) == []
    assert machine.next_due_ms() is None


@pytest.mark.req("LEDGER-3")
def test_a_named_person_closes_an_unknown_dose_as_it_stands() -> None:
    machine = OrderMachine.restored(ORDER, unknown=True)
    machine.handle(order_events.LinkBack(OTHER_BOOT), 0)
    machine.handle(order_events.Told(LOST), 1)
    (action,) = machine.handle(order_events.ResolvedBy("Dr. Okafor"), 2)
    assert isinstance(action, order_events.WriteResolution)
    assert (action.resolved_by, action.record.outcome) == ("Dr. Okafor", OutcomeKind.UNKNOWN)
    assert action.record.to_patient_nl == (0, 950)
    assert machine.settled


@pytest.mark.req("LEDGER-3")
def test_of_a_dose_that_nobody_told_anything_of_a_person_closes_all_that_was_asked() -> None:
    machine = OrderMachine.restored(ORDER, unknown=True)
    (action,) = machine.handle(order_events.ResolvedBy("Dr. Okafor"), 0)
    assert isinstance(action, order_events.WriteResolution)
    assert action.record.to_patient_nl == (0, ORDER.volume_nl)


@pytest.mark.parametrize("report", [RUNNING, DELIVERED])
def test_nobody_closes_a_dose_that_is_not_unknown(report: DoseReport) -> None:
    machine = sent()
    machine.handle(order_events.Told(report), 1)
    assert machine.handle(order_events.ResolvedBy("Dr. Okafor"), 2) == []


def in_another_boot(never_ran: bool, *reports: DoseReport) -> OrderMachine:
    machine = sent()
    for report in reports:
        machine.handle(order_events.Told(report), 10)
    machine.handle(order_events.LinkLost(), 100)
    machine.handle(order_events.LinkBack(OTHER_BOOT, never_ran=never_ran), 200)
    return machine


@pytest.mark.req("LEDGER-3")
def test_an_order_that_the_journal_shows_never_ran_is_not_sent_after_a_restart() -> None:
    machine = in_another_boot(True)
    actions = machine.handle(order_events.Told(NOT_KNOWN), 210)
    assert outcome_of(actions) is OutcomeKind.NOT_SENT
    assert isinstance(actions[0], order_events.WriteOutcome)
    assert actions[0].record.detail == orders.NEVER_RAN
    assert machine.settled


@pytest.mark.req("LEDGER-3")
def test_an_order_that_was_only_accepted_may_be_shown_to_have_never_run() -> None:
    accepted = replace(RUNNING, state=codes.DOSE_ACCEPTED, emitted_steps=0, emitted_nl=0)
    assert outcome_of(in_another_boot(True, accepted).handle(order_events.Told(NOT_KNOWN), 210)) is OutcomeKind.NOT_SENT


@pytest.mark.req("LEDGER-3")
def test_an_order_that_was_seen_running_stays_unknown_whatever_the_journal_shows() -> None:
    assert outcome_of(in_another_boot(True, RUNNING).handle(order_events.Told(NOT_KNOWN), 210)) is OutcomeKind.UNKNOWN


@pytest.mark.req("LEDGER-3")
def test_what_the_journal_showed_holds_for_its_link_only() -> None:
    machine = in_another_boot(True)
    machine.handle(order_events.LinkLost(), 205)
    machine.handle(order_events.LinkBack(OTHER_BOOT), 206)
    assert outcome_of(machine.handle(order_events.Told(NOT_KNOWN), 210)) is OutcomeKind.UNKNOWN


@pytest.mark.req("LEDGER-3")
def test_an_unknown_order_is_resolved_as_not_sent_when_the_journal_shows_it() -> None:
    machine = OrderMachine.restored(ORDER, unknown=True)
    machine.handle(order_events.LinkBack(OTHER_BOOT, never_ran=True), 0)
    (action,) = machine.handle(order_events.Told(NOT_KNOWN), 10)
    assert isinstance(action, order_events.WriteResolution)
    assert (action.record.outcome, action.resolved_by) == (OutcomeKind.NOT_SENT, order_events.BY_DEVICE)
