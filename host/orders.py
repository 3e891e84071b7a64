"""One order from intent to outcome: rules without clock, wire or disk. Events and the time go in, actions come out.

The invariants (LEDGER-3):
- the intent is durable before the order may leave;
- every order ends with exactly one outcome: delivered, partial, refused, not_sent or unknown;
- not_sent is said only when the order can certainly never run; whatever might have run and cannot be asked is unknown;
  of a device that restarted it is said only when its journal shows that the order never ran;
- nothing is ever sent twice by this machine: after a lost link it asks (LINK-5);
- the truth that comes after an unknown is a resolution, never an edit; a device that does not know either resolves
  nothing: that is for a named person.
"""

from collections.abc import Callable
from dataclasses import replace
from enum import StrEnum
from typing import Final

from host.order_events import (
    Action,
    Ask,
    Begin,
    Due,
    EndSeen,
    Event,
    Flowing,
    IntentDurable,
    IntentFailed,
    LinkBack,
    LinkLost,
    NoAnswer,
    Rejected,
    ResolvedBy,
    Send,
    Told,
    WriteIntent,
    WriteOutcome,
    WriteResolution,
)
from host.records import DoseReport, Order, OutcomeKind, OutcomeRecord, final_record, unknown_record, zero_record
from protocol import codes

# How long the device's word is waited for when the link is gone or the device does not answer.
RECONCILE_MS: Final = 10_000
# How soon the device is asked again when it does not answer, or says that it does not know yet.
ASK_AGAIN_MS: Final = 500
# A running dose is asked about this often: the message that tells its end is sent once and may be lost.
CHECK_MS: Final = 1_000
# A refusal for these reasons comes before the device looks for the id, so an earlier copy of the order may have run.
CHECKED_BEFORE_ID: Final = frozenset({codes.REASON_SESSION, codes.REASON_BOOT, codes.REASON_EXPIRED})

NEVER_RAN: Final = "the rig restarted, and its journal, whole from before the order on, has no record of it"


class OrderState(StrEnum):
    """Where an order stands at this host."""

    NEW = "new"
    RECORDING = "recording"  # the intent is being made durable; nothing has left
    SENT = "sent"  # may be on the wire, may be executed
    ACTIVE = "active"  # the device told that it accepted it
    ASKING = "asking"  # the device is asked what became of it
    LOST = "lost"  # no link to ask over
    UNKNOWN = "unknown"  # outcome unknown is written; the truth is still welcome
    DONE = "done"  # the outcome, or the resolution of an unknown one, is written


class OrderMachine:
    """The rules for one order. ``handle`` takes an event and the time in ms and returns what to do, in order.

    Args:
        order: what was asked for.
        reconcile_ms: how long the truth is waited for without a word of the device; None waits for ever.
    """

    def __init__(self, order: Order, *, reconcile_ms: int | None = RECONCILE_MS) -> None:
        self.order = order
        self.state = OrderState.NEW
        self.last_report: DoseReport | None = None
        self._reconcile_ms = reconcile_ms
        self._boot = order.boot
        self._linked = True
        self._never_ran = False  # by the journal of the device that is connected
        self._asked = False  # a question is open
        self._rejected: int | None = None  # a refusal that an earlier copy of the order may contradict
        self._ask_due_ms: int | None = None
        self._give_up_ms: int | None = None

    @classmethod
    def restored(cls, order: Order, *, unknown: bool) -> "OrderMachine":
        """Return the machine of an order found in the ledger: open, or with an ``unknown`` outcome. It only asks."""
        machine = cls(order, reconcile_ms=None)
        machine.state = OrderState.UNKNOWN if unknown else OrderState.LOST
        machine._linked = False
        return machine

    @property
    def settled(self) -> bool:
        """Return whether nothing is left to be written."""
        return self.state is OrderState.DONE

    def next_due_ms(self) -> int | None:
        """Return when ``handle(Due(), ...)`` is wanted, None when only an event moves the order on."""
        dues = [due for due in (self._ask_due_ms, self._give_up_ms) if due is not None]
        return min(dues) if dues else None

    def handle(self, event: Event, now_ms: int) -> list[Action]:
        """Take one event; any event is allowed in any state."""
        if self.settled:
            return []
        rule = _RULES[type(event)]
        return rule(self, event, now_ms)

    def _begin(self, _event: Event, _now_ms: int) -> list[Action]:
        if self.state is not OrderState.NEW:
            return []
        self.state = OrderState.RECORDING
        return [WriteIntent(self.order)]

    def _intent_durable(self, _event: Event, now_ms: int) -> list[Action]:
        if self.state is not OrderState.RECORDING:
            return []
        if not self._linked or self._boot != self.order.boot:
            return self._finish(
                zero_record(self.order, OutcomeKind.NOT_SENT, "the link was lost before the order left")
            )
        self.state = OrderState.SENT
        self._asked = True
        self._give_up_ms = self._deadline(now_ms)
        return [Send(self.order)]

    def _intent_failed(self, event: Event, now_ms: int) -> list[Action]:
        if self.order.kind == codes.KIND_RESCUE:
            # No disk stands between a patient and the counter-agent: the rig's own journal has the rescue.
            return self._intent_durable(event, now_ms)
        if self.state is OrderState.RECORDING:
            self.state = OrderState.DONE
        return []

    def _told(self, event: Event, now_ms: int) -> list[Action]:
        assert isinstance(event, Told)
        report = event.report
        if report.dose_id != self.order.dose_id or self.state in {OrderState.NEW, OrderState.RECORDING}:
            return []
        self._asked = False
        if report.state == codes.DOSE_NOT_KNOWN:
            return self._told_not_known(report, now_ms)
        if report.state == codes.DOSE_REFUSED and report.reason in CHECKED_BEFORE_ID:
            return self._doubt(report.reason, now_ms)
        if report.state == codes.DOSE_UNKNOWN:
            self.last_report = report
            return self._write_unknown(final_record(self.order, report))
        if report.final:
            return self._finish(final_record(self.order, report))
        self.last_report = report
        if self.state is not OrderState.UNKNOWN:
            self.state = OrderState.ACTIVE
            self._give_up_ms = None
        self._ask_due_ms = now_ms + CHECK_MS
        return []

    def _told_not_known(self, report: DoseReport, now_ms: int) -> list[Action]:
        if self._boot != self.order.boot:
            if self._never_ran and not self._seen_running():
                return self._finish(zero_record(self.order, OutcomeKind.NOT_SENT, NEVER_RAN))
            return self._finish_unknown("the rig restarted and does not know the order; it may have run before")
        if self.last_report is not None:
            # The device knew it in this boot and must never forget: nothing certain can be said.
            return self._finish_unknown("the rig accepted the order and does not know it any more")
        if not self.order.expired_at(report.uptime_ms):
            if self.state is not OrderState.UNKNOWN:
                self.state = OrderState.ASKING
            self._ask_due_ms = now_ms + ASK_AGAIN_MS
            return []
        if self._rejected is not None:
            return self._finish(zero_record(self.order, OutcomeKind.REFUSED, "", reason=self._rejected))
        return self._finish(
            zero_record(self.order, OutcomeKind.NOT_SENT, "the rig does not know the order and it has expired")
        )

    def _seen_running(self) -> bool:
        """Tell whether the device said more of it than that it was accepted, which the power may take back."""
        last = self.last_report
        return last is not None and (last.state != codes.DOSE_ACCEPTED or last.granted_steps > 0)

    def _doubt(self, reason: int, now_ms: int) -> list[Action]:
        self._rejected = reason
        return self._ask(now_ms)

    def _rejected_frame(self, event: Event, now_ms: int) -> list[Action]:
        assert isinstance(event, Rejected)
        if self.state is not OrderState.SENT:
            return []
        self._asked = False
        if event.reason in CHECKED_BEFORE_ID:
            return self._doubt(event.reason, now_ms)
        return self._finish(zero_record(self.order, OutcomeKind.REFUSED, "", reason=event.reason))

    def _no_answer(self, _event: Event, now_ms: int) -> list[Action]:
        self._asked = False
        if self.state is OrderState.SENT:
            return self._ask(now_ms)
        if self.state in {OrderState.ASKING, OrderState.ACTIVE, OrderState.UNKNOWN}:
            self._ask_due_ms = now_ms + ASK_AGAIN_MS
        if self.state is OrderState.ACTIVE and self._give_up_ms is None:
            self._give_up_ms = self._deadline(now_ms)
        return []

    def _end_seen(self, _event: Event, now_ms: int) -> list[Action]:
        return self._ask(now_ms) if self.state is OrderState.ACTIVE else []

    def _flowing(self, event: Event, _now_ms: int) -> list[Action]:
        assert isinstance(event, Flowing)
        last = self.last_report
        if last is not None and self._boot == self.order.boot and event.emitted_steps > last.emitted_steps:
            self.last_report = replace(
                last,
                emitted_steps=event.emitted_steps,
                granted_steps=event.granted_steps,
                emitted_nl=event.emitted_nl,
            )
        return []

    def _link_lost(self, _event: Event, now_ms: int) -> list[Action]:
        self._linked = False
        self._never_ran = False
        self._asked = False
        self._ask_due_ms = None
        if self.state in {OrderState.SENT, OrderState.ACTIVE, OrderState.ASKING}:
            self.state = OrderState.LOST
            self._give_up_ms = self._give_up_ms or self._deadline(now_ms)
        return []

    def _link_back(self, event: Event, now_ms: int) -> list[Action]:
        assert isinstance(event, LinkBack)
        self._linked = True
        self._asked = False
        self._boot = event.boot
        self._never_ran = event.never_ran
        if self.state in {OrderState.NEW, OrderState.RECORDING}:
            # The session that the order names is gone: it would be refused, so it is not sent.
            self._boot = b""
            return []
        return self._ask(now_ms)

    def _resolved_by(self, event: Event, _now_ms: int) -> list[Action]:
        assert isinstance(event, ResolvedBy)
        if self.state is not OrderState.UNKNOWN:
            return []
        self.state = OrderState.DONE
        last = self.last_report
        if last is not None and last.state == codes.DOSE_UNKNOWN:
            record = final_record(self.order, last)
        else:
            record = unknown_record(self.order, last, "closed without a word of the rig")
        return [WriteResolution(record, event.person)]

    def _due(self, _event: Event, now_ms: int) -> list[Action]:
        if self._give_up_ms is not None and now_ms >= self._give_up_ms:
            return self._finish_unknown("the rig could not be asked in time")
        if self._ask_due_ms is not None and now_ms >= self._ask_due_ms:
            self._ask_due_ms = None
            return self._ask(now_ms)
        return []

    def _ask(self, now_ms: int) -> list[Action]:
        if self.state not in {OrderState.ACTIVE, OrderState.UNKNOWN}:
            self.state = OrderState.ASKING
            self._give_up_ms = self._give_up_ms or self._deadline(now_ms)
        if self._asked or not self._linked:
            return []
        self._asked = True
        return [Ask(self.order.dose_id)]

    def _deadline(self, now_ms: int) -> int | None:
        return None if self._reconcile_ms is None else now_ms + self._reconcile_ms

    def _finish(self, record: OutcomeRecord) -> list[Action]:
        resolves = self.state is OrderState.UNKNOWN
        self.state = OrderState.DONE
        self._ask_due_ms = self._give_up_ms = None
        return [WriteResolution(record) if resolves else WriteOutcome(record)]

    def _finish_unknown(self, why: str) -> list[Action]:
        return self._write_unknown(unknown_record(self.order, self.last_report, why))

    def _write_unknown(self, record: OutcomeRecord) -> list[Action]:
        self._ask_due_ms = self._give_up_ms = None
        if self.state is OrderState.UNKNOWN:
            return []
        self.state = OrderState.UNKNOWN
        return [WriteOutcome(record)]


_RULES: Final[dict[type[Event], Callable[[OrderMachine, Event, int], list[Action]]]] = {
    Begin: OrderMachine._begin,
    IntentDurable: OrderMachine._intent_durable,
    IntentFailed: OrderMachine._intent_failed,
    Told: OrderMachine._told,
    Rejected: OrderMachine._rejected_frame,
    NoAnswer: OrderMachine._no_answer,
    EndSeen: OrderMachine._end_seen,
    Flowing: OrderMachine._flowing,
    LinkLost: OrderMachine._link_lost,
    LinkBack: OrderMachine._link_back,
    ResolvedBy: OrderMachine._resolved_by,
    Due: OrderMachine._due,
}
