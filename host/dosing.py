"""Carries out what the order rules say: writes, sends, asks, and tells who waits."""

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Final

from host import order_events, orders
from host.dose_rows import DoseRows, Recorder
from host.errors import RigError
from host.link.messages import Message
from host.records import DoseReport, OutcomeRecord
from host.reports import Outcome
from protocol import messages, typed

_LOG = logging.getLogger(__name__)

MAX_PENDING_EVENTS: Final = 64
LONGEST_SLEEP_MS: Final = 60_000

Request = Callable[..., Awaitable[Message]]


class OrderRunner:
    """Runs one order machine in a task of its own until nothing is left to be written.

    Args:
        machine: the rules, new or restored.
        recorder: where rows go; None keeps nothing.
        request: sends a request over the present connection and returns its answer.
    """

    def __init__(self, machine: orders.OrderMachine, recorder: Recorder | None, request: Request) -> None:
        self.machine = machine
        self.order = machine.order
        self.last_report: DoseReport | None = None
        restored = machine.state is not orders.OrderState.NEW
        unknown = machine.state is orders.OrderState.UNKNOWN
        self.rows = DoseRows(recorder, machine.order, intent=restored, outcome=unknown)
        self._request = request
        self._loop = asyncio.get_running_loop()
        self._events: deque[order_events.Event] = deque()
        self._wake = asyncio.Event()
        self._requests: set[asyncio.Task[None]] = set()
        self._told = asyncio.Event()
        self._not_durable: RigError | None = None
        self.outcome: asyncio.Future[Outcome] = self._loop.create_future()
        self.changed = asyncio.Event()  # set whenever the state or the last report may have changed
        self.task = asyncio.create_task(self._run(), name=f"order {self.order.dose_id.hex()}")

    def feed(self, event: order_events.Event) -> None:
        """Queue an event. Reports may be dropped when too many wait: the device is asked again anyway."""
        if isinstance(event, order_events.Told | order_events.Flowing) and len(self._events) >= MAX_PENDING_EVENTS:
            return
        if isinstance(event, order_events.Told) and event.report.dose_id == self.order.dose_id:
            self.last_report = event.report
        self._events.append(event)
        self._wake.set()

    async def heard_of(self) -> None:
        """Wait until what the device told of the order is written down, or nothing is left to be told."""
        await self._told.wait()

    async def close(self) -> None:
        """End without a word to the ledger: an open intent is reconciled on the next connect."""
        for task in [self.task, *self._requests]:
            task.cancel()
        await asyncio.gather(self.task, *self._requests, return_exceptions=True)
        await self.rows.close()
        if not self.outcome.done():
            self.outcome.set_exception(
                RigError(
                    "closed",
                    "The client was closed while the dose was under way; the rig pauses it within 1.5 s.",
                    "Connect again: what became of it is asked for then.",
                )
            )
            self.outcome.exception()  # read here in case nobody waits

    async def _run(self) -> None:
        try:
            while not self.machine.settled:
                event = await self._next_event()
                for action in self.machine.handle(event, self._now_ms()):
                    await self._perform(action)
                if isinstance(event, order_events.Told) and event.report.dose_id == self.order.dose_id:
                    self._told.set()
                self.changed.set()
            self._told.set()
            if self._not_durable is not None and not self.outcome.done():
                self.outcome.set_exception(self._not_durable)
                self.outcome.exception()  # read here in case nobody waits any more
        except Exception as error:  # noqa: BLE001  who waits must hear of a defect too
            _LOG.exception("order %s", self.order.dose_id.hex())
            if not self.outcome.done():
                self.outcome.set_exception(
                    RigError("internal", f"The order could not be followed: {error!r}.", "Ask the rig for its status.")
                )
                self.outcome.exception()

    async def _next_event(self) -> order_events.Event:
        while not self._events:
            now_ms = self._now_ms()
            due_ms = self.machine.next_due_ms()
            if due_ms is not None and due_ms <= now_ms:
                return order_events.Due()
            self._wake.clear()
            sleep_ms = LONGEST_SLEEP_MS if due_ms is None else min(due_ms - now_ms, LONGEST_SLEEP_MS)
            timer = self._loop.call_later(sleep_ms / 1000, self._wake.set)
            try:
                await self._wake.wait()
            finally:
                timer.cancel()
        return self._events.popleft()

    async def _perform(self, action: order_events.Action) -> None:
        match action:
            case order_events.WriteIntent():
                await self._write_intent()
            case order_events.Send(order=order):
                self._spawn(messages.DOSE_ORDER, *order.values())
            case order_events.Ask(dose_id=dose_id):
                self._spawn(messages.GET_DOSE, dose_id)
            case order_events.WriteOutcome(record=record):
                await self._write_outcome(record)
            case order_events.WriteResolution(record=record, resolved_by=resolved_by):
                await self.rows.resolution(record, resolved_by)

    async def _write_intent(self) -> None:
        error = await self.rows.intent()
        # Behind what happened meanwhile: an order whose link was lost while it was written down does not leave.
        if error is None:
            self._events.append(order_events.IntentDurable())
            return
        self._not_durable = error
        # Behind it, too: whether the order leaves all the same is the machine's to say.
        self._events.append(order_events.IntentFailed())

    async def _write_outcome(self, record: OutcomeRecord) -> None:
        recorded = await self.rows.outcome(record)
        if not self.outcome.done():
            self.outcome.set_result(Outcome.from_record(record, self.order, recorded=recorded))

    def _spawn(self, number: int, *values: int | bytes) -> None:
        task = asyncio.create_task(self._ask(number, *values), name="order request")
        self._requests.add(task)
        task.add_done_callback(self._requests.discard)

    async def _ask(self, number: int, *values: int | bytes) -> None:
        try:
            answer = await self._request(number, *values)
        except RigError:
            self.feed(order_events.NoAnswer())
            return
        self.feed(_as_event(answer, number))

    def _now_ms(self) -> int:
        return int(self._loop.time() * 1000)


def _as_event(answer: Message, number: int) -> order_events.Event:
    if isinstance(answer, typed.DoseState):
        return order_events.Told(DoseReport.from_message(answer))
    if isinstance(answer, typed.Refused) and number == messages.DOSE_ORDER:
        return order_events.Rejected(answer.reason)
    return order_events.NoAnswer()
