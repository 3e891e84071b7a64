"""Any order of crashes, losses, restarts and late answers: exactly one outcome, and never a false one."""

from dataclasses import dataclass, replace

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from host import order_events
from host.orders import OrderMachine
from host.records import CLOCK_WRAP_MS, ORDER_LIFE_MS, DoseReport, Order, OutcomeKind, OutcomeRecord
from protocol import codes

# Bounded, so that a run is more than one catastrophe after the other.
MAX_KILLS, MAX_LOSSES, MAX_RESTARTS = 2, 3, 2
CERTAINLY_NOTHING = {OutcomeKind.REFUSED, OutcomeKind.NOT_SENT}


@dataclass
class Device:
    """The device as far as one order sees it."""

    boot: int = 1
    booted_ms: int = 0
    session: int = 1
    dose: DoseReport | None = None
    executions: int = 0
    refuses: bool = False
    journal_whole: bool = True  # nothing that stood in it was ever lost

    def shows_never_ran(self) -> bool:
        """What the comparison of the journal tells a host: whole, of a later boot, and no record of the order."""
        return self.journal_whole and self.boot > 1 and self.dose is None

    def uptime_ms(self, now_ms: int) -> int:
        return (now_ms - self.booted_ms) % CLOCK_WRAP_MS


class OrderWorld(RuleBasedStateMachine):
    """One order between a host that may crash, a link that may lose and a device that may restart."""

    @initialize(start_ms=st.sampled_from([0, CLOCK_WRAP_MS - 2000]))
    def order(self, start_ms: int) -> None:
        self.now_ms = start_ms
        self.device = Device()
        self.link_up = True
        self.session = 1  # of the host
        self.given = Order(
            dose_id=b"\x07" * 8,
            boot=b"%8d" % 1,
            session=b"%4d" % 1,
            expires_ms=(start_ms + ORDER_LIFE_MS) % CLOCK_WRAP_MS,
            channel=2,
            volume_nl=1000,
            rate_nl_s=100,
        )
        self.intent = False
        self.outcome: OutcomeRecord | None = None
        self.resolution: OutcomeRecord | None = None
        self.sends = 0
        self.kills = self.losses = 0
        self.writing = False
        self.journal_is_read = True
        self.to_device: list[tuple[str, int]] = []  # what, session
        self.to_host: list[tuple[DoseReport, int]] = []
        self.machine: OrderMachine | None = OrderMachine(self.given)
        self.feed(order_events.Begin())

    def feed(self, event: order_events.Event) -> None:
        if self.machine is None:
            return
        for action in self.machine.handle(event, self.now_ms):
            self.perform(action)

    def perform(self, action: order_events.Action) -> None:
        match action:
            case order_events.WriteIntent():
                self.writing = True
            case order_events.Send():
                assert self.intent, "sent without a durable intent"
                self.sends += 1
                self.to_device.append(("order", self.session))
            case order_events.Ask():
                assert self.link_up, "asked without a link"
                self.to_device.append(("ask", self.session))
            case order_events.WriteOutcome(record=record):
                assert self.intent
                assert self.outcome is None, "a second outcome"
                self.outcome = record
            case order_events.WriteResolution(record=record):
                assert self.outcome is not None
                assert self.outcome.outcome is OutcomeKind.UNKNOWN
                assert self.resolution is None, "a second resolution"
                self.resolution = record

    # The host.

    @precondition(lambda self: self.writing)
    @rule(worked=st.booleans())
    def intent_is_written(self, worked: bool) -> None:
        self.writing = False
        self.intent = worked
        self.feed(order_events.IntentDurable() if worked else order_events.IntentFailed())

    @precondition(lambda self: self.machine is not None and self.kills < MAX_KILLS)
    @rule(durable=st.booleans())
    def host_is_killed(self, durable: bool) -> None:
        self.kills += 1
        self.intent = self.intent or (self.writing and durable)
        self.writing = False
        self.machine = None
        self.link_up = False

    @precondition(lambda self: self.machine is None and self.intent)
    @rule()
    def host_starts_again(self) -> None:
        if self.outcome is None or (self.outcome.outcome is OutcomeKind.UNKNOWN and self.resolution is None):
            self.machine = OrderMachine.restored(self.given, unknown=self.outcome is not None)

    @precondition(lambda self: self.machine is not None)
    @rule(late_ms=st.integers(0, 12_000))
    def time_passes(self, late_ms: int) -> None:
        self.now_ms += late_ms
        self.feed(order_events.Due())

    @rule()
    def nobody_answers(self) -> None:
        if self.link_up:
            self.feed(order_events.NoAnswer())

    # The link.

    @precondition(lambda self: self.link_up and self.losses < MAX_LOSSES)
    @rule()
    def link_is_lost(self) -> None:
        self.losses += 1
        self.link_up = False
        self.feed(order_events.LinkLost())

    @precondition(lambda self: not self.link_up and self.machine is not None)
    @rule()
    def link_is_back(self) -> None:
        self.link_up = True
        self.session += 1
        self.device.session = self.session
        shown = self.journal_is_read and self.device.shows_never_ran()
        self.feed(order_events.LinkBack(b"%8d" % self.device.boot, never_ran=shown))

    @rule(read=st.booleans())
    def the_journal_can_be_read(self, read: bool) -> None:
        self.journal_is_read = read

    @precondition(lambda self: self.to_device)
    @rule(data=st.data(), again=st.booleans())
    def a_frame_reaches_the_device(self, data: st.DataObject, again: bool) -> None:
        at = data.draw(st.integers(0, len(self.to_device) - 1))
        self.at_device(*(self.to_device[at] if again else self.to_device.pop(at)))

    def at_device(self, what: str, session: int) -> None:
        if session != self.device.session:
            return  # refused by the link: no session
        if what == "order":
            self.device_gets_order()
        self.to_host.append((self.told(), session))

    @precondition(lambda self: self.to_device)
    @rule()
    def every_frame_arrives(self) -> None:
        for what, session in [self.to_device.pop(0) for _ in list(self.to_device)]:
            self.at_device(what, session)
        while self.to_host:
            self.an_answer_reaches_the_host()

    @precondition(lambda self: self.to_device)
    @rule()
    def a_frame_to_the_device_is_lost(self) -> None:
        self.to_device.pop(0)

    @precondition(lambda self: self.to_host)
    @rule()
    def an_answer_reaches_the_host(self) -> None:
        report, session = self.to_host.pop(0)
        if self.link_up and session == self.session:
            self.feed(order_events.Told(report))

    @precondition(lambda self: self.to_host)
    @rule()
    def an_answer_is_lost(self) -> None:
        self.to_host.pop(0)

    # The device.

    def device_gets_order(self) -> None:
        device = self.device
        if device.dose is not None:
            return
        left_ms = (self.given.expires_ms - device.uptime_ms(self.now_ms)) % CLOCK_WRAP_MS
        if device.boot != 1:
            self.refused(codes.REASON_BOOT)
        elif left_ms > CLOCK_WRAP_MS // 2:
            self.refused(codes.REASON_EXPIRED)
        elif device.refuses:
            self.refused(codes.REASON_BUSY)
        else:
            device.dose = DoseReport(self.given.dose_id, codes.DOSE_ACCEPTED, asked_steps=178)

    def refused(self, reason: int) -> None:
        self.to_host.append(
            (
                DoseReport(
                    self.given.dose_id,
                    codes.DOSE_REFUSED,
                    reason=reason,
                    uptime_ms=self.device.uptime_ms(self.now_ms),
                ),
                self.device.session,
            )
        )

    def told(self) -> DoseReport:
        dose = self.device.dose or DoseReport(self.given.dose_id, codes.DOSE_NOT_KNOWN)
        return replace(dose, uptime_ms=self.device.uptime_ms(self.now_ms))

    @rule(refuses=st.booleans())
    def device_is_busy(self, refuses: bool) -> None:
        self.device.refuses = refuses

    @precondition(lambda self: self.device.dose is not None and self.device.dose.state == codes.DOSE_ACCEPTED)
    @rule(told=st.booleans())
    def dose_begins_to_flow(self, told: bool) -> None:
        """Only what the journal has accepted for good flows: from now on no power cut takes it back."""
        assert self.device.dose is not None
        self.device.executions += 1
        self.device.dose = replace(self.device.dose, state=codes.DOSE_RUNNING, granted_steps=9)
        if told:
            self.to_host.append((self.told(), self.device.session))

    @precondition(lambda self: self.device.dose is not None and not self.device.dose.final)
    @rule(steps=st.integers(0, 178), told=st.booleans())
    def dose_ends(self, steps: int, told: bool) -> None:
        assert self.device.dose is not None
        if self.device.dose.state == codes.DOSE_ACCEPTED:
            self.dose_begins_to_flow(told=False)
        state = codes.DOSE_DELIVERED if steps == 178 else codes.DOSE_PARTIAL
        self.device.dose = replace(self.device.dose, state=state, emitted_steps=steps)
        if told:
            self.to_host.append((self.told(), self.device.session))

    @precondition(lambda self: self.device.boot <= MAX_RESTARTS)
    @rule(journal=st.booleans(), accepted=st.booleans())
    def device_restarts(self, journal: bool, accepted: bool) -> None:
        """Restart it; without its ``journal`` it has forgotten all. ``accepted``: its last word of that is durable."""
        device = self.device
        device.boot += 1
        device.booted_ms = self.now_ms
        device.session = -1
        if not journal:
            device.journal_whole = False
            device.dose = None
        elif device.dose is not None and device.dose.state == codes.DOSE_ACCEPTED:
            # Nothing has moved: either it ended so, or the power took the order back.
            ended = replace(device.dose, state=codes.DOSE_PARTIAL)
            device.executions += accepted
            device.dose = ended if accepted else None
        elif device.dose is not None and not device.dose.final:
            device.dose = replace(device.dose, state=codes.DOSE_UNKNOWN, granted_steps=90, patient_nl=(0, 505))
        if self.link_up:
            self.link_is_lost()

    @invariant()
    def nothing_runs_twice(self) -> None:
        assert getattr(self, "device", None) is None or self.device.executions <= 1

    @invariant()
    def the_order_is_sent_once_at_most(self) -> None:
        assert getattr(self, "sends", 0) <= 1

    @invariant()
    def nothing_is_called_harmless_that_ran(self) -> None:
        for record in (getattr(self, "outcome", None), getattr(self, "resolution", None)):
            if record is not None and record.outcome in CERTAINLY_NOTHING:
                assert self.device.executions == 0

    @invariant()
    def what_is_told_is_what_happened(self) -> None:
        for record in (getattr(self, "outcome", None), getattr(self, "resolution", None)):
            if record is not None and record.outcome in {OutcomeKind.DELIVERED, OutcomeKind.PARTIAL}:
                assert self.device.executions == 1
                assert self.device.dose is None or record.emitted_steps == self.device.dose.emitted_steps

    @invariant()
    def what_nobody_knows_is_closed_by_nobody(self) -> None:
        resolution = getattr(self, "resolution", None)
        assert resolution is None or resolution.outcome is not OutcomeKind.UNKNOWN

    def teardown(self) -> None:
        """In a world that works again every intent gets its one outcome."""
        if not hasattr(self, "device"):
            return
        if self.writing:
            self.intent_is_written(worked=True)
        if self.machine is None:
            self.host_starts_again()
        if self.device.dose is not None and not self.device.dose.final:
            self.dose_ends(178, told=False)
        if self.machine is None or not self.intent:
            return
        if self.link_up:
            self.link_is_lost()
        self.link_is_back()
        for _ in range(40):
            while self.to_device:
                self.at_device(*self.to_device.pop(0))
            while self.to_host:
                self.an_answer_reaches_the_host()
            self.time_passes(400)
        assert self.outcome is not None, "an intent without an outcome"
        last = self.resolution or self.outcome
        if last.outcome is OutcomeKind.UNKNOWN:
            assert self.device.boot != 1, "unknown although the device could be asked"
            shown = self.journal_is_read and self.device.shows_never_ran()
            assert self.machine.last_report is not None or not shown, "unknown although the journal shows the truth"


OrderWorld.TestCase.settings = settings(max_examples=300, stateful_step_count=30)
TestOrderWorld = pytest.mark.req("LEDGER-3", "LEDGER-5", "LINK-5")(OrderWorld.TestCase)
