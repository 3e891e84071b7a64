"""Carries out what the order rules say: writes, sends, asks, and tells who waits."""

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Final, Protocol

from host import order_events, orders
from host.errors import RigError
from host.link.messages import Message
from host.records import DoseReport, Order, OutcomeRecord
from host.reports import Outcome
from protocol import messages, typed

_LOG = logging.getLogger(__name__)

MAX_PENDING_EVENTS: Final = 64
LONGEST_SLEEP_MS: Final = 60_000

Request = Callable[..., Awaitable[Message]]


class Recorder(Protocol):
    """Where intents, outcomes and resolutions become durable; every call raises ``RigError`` when it could not."""

    async def intent(self, order: Order) -> None:
        """Write the intent."""

    async def outcome(self, order: Order, record: OutcomeRecord) -> None:
        """Write the one outcome."""

    async def resolution(self, order: Order, record: OutcomeRecord, resolved_by: str) -> None:
        """Write the truth about an unknown outcome, or who closed it."""


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
        self._recorder = recorder
        self._request = request
        self._loop = asyncio.get_running_loop()
        self._events: deque[order_events.Event] = deque()
        self._wake = asyncio.Event()
        self._requests: set[asyncio.Task[None]] = set()
        self._told = asyncio.Event()
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
                if self._recorder is not None:
                    await self._logged(self._recorder.resolution(self.order, record, resolved_by))

    async def _write_intent(self) -> None:
        try:
            if self._recorder is not None:
                await self._recorder.intent(self.order)
        except RigError as error:
            self.outcome.set_exception(error)
            self.outcome.exception()  # read here in case nobody waits any more
            self._events.append(order_events.IntentFailed())
        else:
            # Behind what happened meanwhile: an order whose link was lost while it was written down does not leave.
            self._events.append(order_events.IntentDurable())

    async def _write_outcome(self, record: OutcomeRecord) -> None:
        recorded = True
        if self._recorder is not None:
            recorded = await self._logged(self._recorder.outcome(self.order, record))
        if not self.outcome.done():
            self.outcome.set_result(Outcome.from_record(record, self.order, recorded=recorded))

    async def _logged(self, write: Awaitable[None]) -> bool:
        try:
            await write
        except RigError as error:
            _LOG.error("dose %s: %s", self.order.dose_id.hex(), error)
            return False
        return True

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
