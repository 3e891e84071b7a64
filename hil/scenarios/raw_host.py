"""A host that says exactly what a scenario wants said: one session, no ledger, no manners."""

import asyncio
import random
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, TypeVar

from device.limits import MIN_INTERVAL_MS
from hil.scenarios.raw_authority import FOOT_AFTER_S, NO_ID, RawAuthority
from host.link.transport import Transport
from host.profiles import NO_SEGMENTS
from host.records import PATIENT_KINDS
from protocol import codes, messages, typed
from protocol.link_events import Answer, Datagram, Event, GaveUp, Refused, SchemaMismatch, Welcome
from protocol.link_host import HostLink

ANSWER_TIMEOUT_S = 5.0
ORDER_LIFE_MS = 10_000
READY_TIMEOUT_S = 10.0
INTERVAL_SPARE_MS = 200
PING_EVERY_S = 0.25

MessageT = TypeVar("MessageT", bound=typed.Message)

_BY_NUMBER: Mapping[int, type[typed.Message]] = {kind.NUMBER: kind for kind in typed.Message.__subclasses__()}


class RefusedError(Exception):
    """The device's link refused a request. ``reason`` is a REASON_ code."""

    def __init__(self, reason: int) -> None:
        super().__init__(reason)
        self.reason = reason


class RawHost(RawAuthority):
    """One session over an open transport. Keeps everything the device has said unasked in ``heard``."""

    def __init__(self, transport: Transport, seed: int, schema: bytes | None = None) -> None:
        super().__init__(getattr(transport, "issuer", None))
        self._transport = transport
        self._seed = seed
        self._random = random.Random(seed)
        self._link = HostLink(schema or messages.schema_hash(), self._random.randbytes(4))
        self._waiting: dict[int, asyncio.Future[typed.Message]] = {}
        self._welcome: asyncio.Future[typed.Message] | None = None
        self._tasks: list[asyncio.Task[None]] = []
        self._heard_something = asyncio.Event()
        self.heard: list[typed.Message] = []
        self.last_dose_id = NO_ID
        self.pings = True
        """Whether the keep-alive is sent; without it the device takes the link for lost."""

        self._listeners: set[Callable[[typed.Message], None]] = set()

    async def __aenter__(self) -> "RawHost":
        self._welcome = asyncio.get_running_loop().create_future()
        self._link.hello(self._now_ms())
        self._tasks = [asyncio.create_task(run()) for run in (self._receive, self._send, self._ping)]
        async with asyncio.timeout(ANSWER_TIMEOUT_S):
            await self._welcome
        # What a board's journal remembers of an earlier run has other ids.
        self._random = random.Random(f"{self._seed}:{self.welcome.boot.hex()}")
        self.last_dose_id = self.welcome.last_dose_id
        if self.issuer is not None:
            self.issuer.meet(self.welcome)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Say nothing any more and let go of the port. May be called again."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._transport.close()

    @property
    def welcome(self) -> typed.Welcome:
        """What the device said of itself."""
        assert self._welcome is not None
        welcome = self._welcome.result()
        assert isinstance(welcome, typed.Welcome)
        return welcome

    def new_id(self) -> bytes:
        """Return the id of a dose that was never ordered."""
        return self._random.randbytes(8)

    def order(self, volume_nl: int, rate_nl_s: int = 1000, **fields: Any) -> typed.DoseOrder:
        """Make an order of saline that is valid now; ``fields`` replaces any of it.

        Lot and treatment are those with which the bench provisioned the rig.
        """
        channel = fields.get("channel", codes.CHANNEL_FLUSH)
        to_patient = fields.get("kind", codes.KIND_DOSE) in PATIENT_KINDS
        values: dict[str, Any] = {
            "dose_id": self.new_id(),
            "last_dose_id": self.last_dose_id,
            "boot": self.welcome.boot,
            "session": self.welcome.session,
            "expires_ms": self.device_ms() + ORDER_LIFE_MS,
            "kind": codes.KIND_DOSE,
            "channel": channel,
            "profile": codes.PROFILE_CONSTANT,
            "lot": self.lot(channel),
            "volume_nl": volume_nl,
            "rate_nl_s": rate_nl_s,
            "rate_end_nl_s": fields.get("rate_nl_s", rate_nl_s),
            "segments": NO_SEGMENTS,
            "treatment": self.treatment if to_patient else NO_ID,
        }
        values.update(fields)
        return typed.DoseOrder(**values)

    async def send_order(self, order: typed.DoseOrder) -> typed.DoseState:
        """Send an order under a sequence number of its own and return the answer."""
        state = await self.request(typed.DoseState, messages.DOSE_ORDER, *order.values())
        if state.state != codes.DOSE_REFUSED:
            self.last_dose_id = state.dose_id
        return state

    async def start(self, volume_nl: int, rate_nl_s: int = 1000, **fields: Any) -> bytes:
        """Order saline, or what ``fields`` say, see it accepted and return its id."""
        state = await self.send_order(self.order(volume_nl, rate_nl_s, **fields))
        assert state.state == codes.DOSE_ACCEPTED, state
        return state.dose_id

    async def ready(self) -> None:
        """Wait until the sensors have given their first readings; then tell the date, where there is who may."""
        await self.hear(
            typed.Telemetry,
            lambda telemetry: telemetry.device_state == codes.DEVICE_READY and telemetry.sensor_faults == 0,
            READY_TIMEOUT_S,
        )
        if self.issuer is not None:
            result = await self.relay(messages.SET_DATE, self.issuer.set_date())
            assert result.reason == codes.REASON_NONE, result

    async def unlatched(self, press_footswitch: Callable[..., None]) -> None:
        """Clear the stop that a board's journal keeps from an earlier run, and wait its interval between doses.

        A person confirms.
        """
        telemetry = await self.hear(
            typed.Telemetry,
            lambda said: said.device_state in {codes.DEVICE_READY, codes.DEVICE_STOPPED} and not said.sensor_faults,
            READY_TIMEOUT_S,
        )
        if self.last_dose_id != NO_ID:
            await asyncio.sleep(max(0, MIN_INTERVAL_MS + INTERVAL_SPARE_MS - telemetry.uptime_ms) / 1000)
        if telemetry.stop_cause == codes.CAUSE_NONE:
            return
        if (await self.clear()).reason == codes.REASON_AUTHORITY:
            await self.clear_by_clinician()
        press_footswitch(after_s=FOOT_AFTER_S)
        await self.hear(typed.Telemetry, lambda said: said.stop_cause == codes.CAUSE_NONE)

    async def rescue(self, volume_nl: int, rate_nl_s: int = 1000, **fields: Any) -> typed.DoseState:
        """Order a rescue and return the answer; without a permit a person confirms."""
        kind, channel = codes.KIND_RESCUE, codes.CHANNEL_COUNTER_AGENT
        return await self.send_order(self.order(volume_nl, rate_nl_s, kind=kind, channel=channel, **fields))

    @contextmanager
    def listening(self, listener: Callable[[typed.Message], None]) -> Iterator[None]:
        """Call the listener with everything that the device says unasked."""
        self._listeners.add(listener)
        try:
            yield
        finally:
            self._listeners.discard(listener)

    def telemetry(self) -> typed.Telemetry:
        """Return the last telemetry."""
        return next(message for message in reversed(self.heard) if isinstance(message, typed.Telemetry))

    def device_ms(self) -> int:
        """Return the device's clock as it last told it."""
        heard = (message for message in reversed(self.heard) if isinstance(message, typed.Telemetry | typed.Pong))
        last = next(heard, self.welcome)
        return last.uptime_ms

    async def get_dose(self, dose_id: bytes) -> typed.DoseState:
        """Ask what became of a dose."""
        return await self.request(typed.DoseState, messages.GET_DOSE, dose_id)

    async def in_state(self, dose_id: bytes, state: int, timeout_s: float = 60.0) -> typed.DoseState:
        """Wait until a dose has this state."""
        async with asyncio.timeout(timeout_s):
            while True:
                report = await self.get_dose(dose_id)
                if report.state == state:
                    return report
                await asyncio.sleep(0.02)

    async def pause(self, dose_id: bytes) -> typed.DoseState:
        """Ask for the dose to pause."""
        return await self.request(typed.DoseState, messages.PAUSE, dose_id)

    async def resume(self, dose_id: bytes) -> typed.DoseState:
        """Ask for the dose to go on; a person confirms."""
        return await self.request(typed.DoseState, messages.RESUME, dose_id)

    async def clear(self) -> typed.Status:
        """Ask for the stop to be cleared; a person confirms."""
        return await self.request(typed.Status, messages.CLEAR)

    async def status(self) -> typed.Status:
        """Ask for the status."""
        return await self.request(typed.Status, messages.GET_STATUS)

    async def request(self, kind: type[MessageT], number: int, *values: int | bytes) -> MessageT:
        """Send a request and return its answer; raises RefusedError and TimeoutError."""
        seq = self._link.request(number, *values, now_ms=self._now_ms())
        waiter: asyncio.Future[typed.Message] = asyncio.get_running_loop().create_future()
        self._waiting[seq] = waiter
        await self._flush()
        async with asyncio.timeout(ANSWER_TIMEOUT_S):
            answer = await waiter
        assert isinstance(answer, kind)
        return answer

    async def stop(self, cause: int = codes.CAUSE_OPERATOR) -> typed.Stopped:
        """Send one stop frame and return what the device says to it."""
        await self._transport.write(self.stop_frame(cause))
        return await self.hear(typed.Stopped)

    def stop_frame(self, cause: int = codes.CAUSE_OPERATOR) -> bytes:
        """Return the octets of one stop."""
        return self._link.stop(cause)

    def nonsense(self) -> bytes:
        """Return a frame that no device can make anything of."""
        return self._random.randbytes(100).replace(b"\0", b"\1") + b"\0"

    async def write(self, octets: bytes) -> None:
        """Send any octets."""
        await self._transport.write(octets)

    async def hear(
        self,
        kind: type[MessageT],
        wanted: Callable[[MessageT], bool] = lambda _: True,
        timeout_s: float = ANSWER_TIMEOUT_S,
    ) -> MessageT:
        """Wait for a message that comes unasked from now on."""
        start = len(self.heard)
        async with asyncio.timeout(timeout_s):
            while True:
                for message in self.heard[start:]:
                    if isinstance(message, kind) and wanted(message):
                        return message
                start = len(self.heard)
                self._heard_something.clear()
                await self._heard_something.wait()

    async def ended(self, dose_id: bytes, timeout_s: float = 120.0) -> typed.DoseState:
        """Wait until a dose has ended and return how."""
        async with asyncio.timeout(timeout_s):
            while True:
                state = await self.get_dose(dose_id)
                if not codes.DOSE_ACCEPTED <= state.state <= codes.DOSE_STOPPING:
                    return state
                await asyncio.sleep(0.1)

    def _now_ms(self) -> int:
        return int(asyncio.get_running_loop().time() * 1000)

    async def _flush(self) -> None:
        octets = self._link.poll(self._now_ms())
        if octets:
            await self._transport.write(octets)

    async def _receive(self) -> None:
        while True:
            octets = await self._transport.read()
            for event in self._link.receive(octets, self._now_ms()):
                self._take(event)
            await self._flush()

    async def _send(self) -> None:
        while True:
            for event in self._link.receive(b"", self._now_ms()):
                self._take(event)
            await self._flush()
            await asyncio.sleep(0.02)

    async def _ping(self) -> None:
        while True:
            if self.pings:
                self._link.ping(self._now_ms())
                await self._flush()
            await asyncio.sleep(PING_EVERY_S)

    def _take(self, event: Event) -> None:
        if isinstance(event, Welcome):
            assert self._welcome is not None
            self._welcome.set_result(typed.Welcome.from_values(event.values))
        elif isinstance(event, Answer):
            self._settle(event.seq, _BY_NUMBER[event.number].from_values(event.values))
        elif isinstance(event, Datagram):
            message = _BY_NUMBER[event.number].from_values(event.values)
            self.heard.append(message)
            self._heard_something.set()
            for listener in list(self._listeners):
                listener(message)
        elif isinstance(event, Refused):
            self._settle(event.seq, RefusedError(event.reason))
        elif isinstance(event, SchemaMismatch):
            assert self._welcome is not None
            self._welcome.set_exception(ConnectionError(f"the device speaks {event.schema.hex()}"))
        elif isinstance(event, GaveUp):
            self._settle(event.seq, TimeoutError())

    def _settle(self, seq: int, result: typed.Message | Exception) -> None:
        waiter = self._waiting.pop(seq, None)
        if waiter is None or waiter.done():
            return
        if isinstance(result, Exception):
            waiter.set_exception(result)
        else:
            waiter.set_result(result)
