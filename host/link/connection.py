"""One link session over one transport: handshake, keep-alive, requests and their answers, datagrams. Used once."""

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from host.errors import RigError
from host.link import diagnosis
from host.link.messages import Message, decode
from host.link.transport import Transport
from protocol import link_events, messages, typed
from protocol.link_host import HostLink


class ConnectionState(StrEnum):
    """Where a connection stands; it never goes back."""

    NEW = "new"
    HANDSHAKE = "handshake"
    READY = "ready"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True)
class LinkTimings:
    """Every wait of a connection, in milliseconds."""

    handshake_ms: int = 3000  # the handshake is done within this time, or the reason is told
    ping_ms: int = 250  # the device pauses a dose when it hears nothing valid for 1500
    silence_ms: int = 2000  # a device that says nothing valid for this long is lost
    housekeeping_ms: int = 1000  # longest sleep of the sending task


DEFAULT_TIMINGS = LinkTimings()


class Connection:
    """A single-use link session. The first fatal error ends it and reaches every waiter.

    Args:
        transport: the open byte stream; owned, closed by ``close``.
        host_nonce: 4 random octets for the handshake.
        on_message: called with every datagram and unsolicited message, in order; must not raise and not block.
        timings: every wait.
    """

    def __init__(
        self,
        transport: Transport,
        *,
        host_nonce: bytes,
        on_message: Callable[[Message], None],
        timings: LinkTimings = DEFAULT_TIMINGS,
    ) -> None:
        self._transport = transport
        self._on_message = on_message
        self._timings = timings
        self._loop = asyncio.get_running_loop()
        self._schema = messages.schema_hash()
        self.link = HostLink(self._schema, host_nonce)
        self.state = ConnectionState.NEW
        self.error: RigError | None = None
        self.octets_in = 0
        self._sample = b""  # the first octets heard, to tell what kind of garbage they are
        self._waiters: dict[int, asyncio.Future[Message]] = {}
        self._freed = asyncio.Event()  # set when a request left the window
        self._welcome: asyncio.Future[typed.Welcome] = self._loop.create_future()
        self._ended = asyncio.Event()
        self._wake = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []
        now_ms = self._now_ms()
        self._heard_ms = now_ms
        self._ping_due_ms = now_ms

    async def open(self) -> typed.Welcome:
        """Shake hands; return what the device says of itself. Raises ``RigError`` that tells what is wrong."""
        assert self.state is ConnectionState.NEW, "a connection is used once"
        self.state = ConnectionState.HANDSHAKE
        self.link.hello(self._now_ms())
        self._tasks = [
            asyncio.create_task(self._guard(self._receive()), name="link receive"),
            asyncio.create_task(self._guard(self._send()), name="link send"),
        ]
        try:
            async with asyncio.timeout(self._timings.handshake_ms / 1000):
                return await self._welcome
        except TimeoutError:
            error = self._no_handshake()
            self._fail(error)
            raise error from None

    async def request(self, number: int, *values: int | bytes) -> Message:
        """Send one request and return its answer, which may be ``typed.Refused``.

        Raises ``RigError``: no answer in time (it may have been executed all the same), or the end of the connection.
        """
        await self._window_open()
        waiter: asyncio.Future[Message] = self._loop.create_future()
        # The link only queues here: the waiter is known before the first octet leaves.
        sequence = self.link.request(number, *values, now_ms=self._now_ms())
        self._waiters[sequence] = waiter
        self._wake.set()
        try:
            return await waiter
        finally:
            self._waiters.pop(sequence, None)

    async def write_stop(self, cause: int) -> None:
        """Send one stop frame ahead of all that is queued; needs no session. Raises ``RigError``."""
        if self.state is ConnectionState.CLOSED:
            raise self.error or _not_ready()
        await self._transport.write(self.link.stop(cause))

    def end_for_renewal(self) -> None:
        """End this session because it is old; the next connection takes over."""
        self._fail(diagnosis.renewal())

    async def wait_ended(self) -> RigError | None:
        """Wait for the end; return the fatal error, None after ``close``."""
        await self._ended.wait()
        return self.error

    async def close(self) -> None:
        """End the connection and give the transport back; idempotent."""
        self._end(None)
        tasks, self._tasks = self._tasks, []
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._transport.close()

    @property
    def heard_age_s(self) -> float:
        """Return how long nothing valid was heard, in seconds."""
        return max(0, self._now_ms() - self._heard_ms) / 1000

    async def _window_open(self) -> None:
        # Bounded: each request in the window is answered or given up within the link's time.
        while self.state is ConnectionState.READY and self.link.window_free == 0:
            self._freed.clear()
            await self._freed.wait()
        if self.state is not ConnectionState.READY:
            raise self.error or _not_ready()

    def _now_ms(self) -> int:
        return int(self._loop.time() * 1000)

    async def _guard(self, work: Coroutine[Any, Any, None]) -> None:
        try:
            await work
        except RigError as error:
            self._fail(error)
        except Exception as error:  # noqa: BLE001  a defect must reach the waiters too, not leave them waiting
            self._fail(RigError("internal", f"The link failed: {error!r}.", "This is a defect: report it."))

    async def _receive(self) -> None:
        while True:
            data = await self._transport.read()
            now_ms = self._now_ms()
            if len(self._sample) < diagnosis.SAMPLE_OCTETS:
                self._sample = (self._sample + data)[: diagnosis.SAMPLE_OCTETS]
            self.octets_in += len(data)
            valid = self.link.frames_in
            for event in self.link.receive(data, now_ms):
                self._dispatch(event)
            if self.link.frames_in != valid:
                self._heard_ms = now_ms
            self._wake.set()

    async def _send(self) -> None:
        while True:
            now_ms = self._now_ms()
            self._wake.clear()
            if self.state is ConnectionState.READY:
                self._watch(now_ms)
            data = self.link.poll(now_ms)
            self._collect(now_ms)
            if data:
                await self._transport.write(data)
            else:
                await self._sleep(now_ms)

    def _watch(self, now_ms: int) -> None:
        if now_ms - self._heard_ms > self._timings.silence_ms:
            raise diagnosis.silent_link(now_ms - self._heard_ms)
        if now_ms >= self._ping_due_ms:
            self.link.ping(now_ms)
            self._ping_due_ms = now_ms + self._timings.ping_ms

    async def _sleep(self, now_ms: int) -> None:
        due_ms = now_ms + self._timings.housekeeping_ms
        link_due_ms = self.link.next_due_ms(now_ms)
        if link_due_ms is not None:
            due_ms = min(due_ms, link_due_ms)
        if self.state is ConnectionState.READY:
            due_ms = min(due_ms, self._ping_due_ms)
        timer = self._loop.call_later(max(due_ms - now_ms, 1) / 1000, self._wake.set)
        try:
            await self._wake.wait()
        finally:
            timer.cancel()

    def _collect(self, now_ms: int) -> None:
        """Take the events that time alone brings about: requests given up."""
        for event in self.link.receive(b"", now_ms):
            self._dispatch(event)

    def _dispatch(self, event: link_events.Event) -> None:
        match event:
            case link_events.Welcome():
                self._welcomed(typed.Welcome.from_values(event.values))
            case link_events.Answer():
                self._answered(event.seq, decode(event.number, event.values))
            case link_events.Refused(number=messages.HELLO) | link_events.GaveUp(number=messages.HELLO):
                raise self._no_handshake()
            case link_events.Refused():
                self._answered(event.seq, typed.Refused(event.number, event.reason, event.schema))
            case link_events.GaveUp():
                self._gave_up(event.seq)
            case link_events.Datagram():
                self._on_message(decode(event.number, event.values))
            case link_events.SchemaMismatch():
                raise diagnosis.other_schema(self._schema, event.schema)
            case link_events.SessionLost():
                raise diagnosis.session_lost()

    def _welcomed(self, welcome: typed.Welcome) -> None:
        if welcome.schema != self._schema:
            raise diagnosis.other_schema(self._schema, welcome.schema)
        if self.state is ConnectionState.HANDSHAKE:
            self.state = ConnectionState.READY
            self._heard_ms = self._now_ms()
            self._welcome.set_result(welcome)

    def _answered(self, sequence: int, message: Message) -> None:
        waiter = self._waiters.pop(sequence, None)
        if waiter is None:
            self._on_message(message)
        elif not waiter.done():
            waiter.set_result(message)
        self._freed.set()

    def _gave_up(self, sequence: int) -> None:
        waiter = self._waiters.pop(sequence, None)
        if waiter is not None and not waiter.done():
            waiter.set_exception(diagnosis.no_answer())
        self._freed.set()

    def _no_handshake(self) -> RigError:
        return diagnosis.no_handshake(self.octets_in, self.link.frames_in, self._sample)

    def _fail(self, error: RigError) -> None:
        self._end(error)
        for task in self._tasks:
            if task is not asyncio.current_task():
                task.cancel()

    def _end(self, error: RigError | None) -> None:
        if self.state is ConnectionState.CLOSED:
            return
        self.state = ConnectionState.CLOSED
        self.error = error
        reached = error or RigError("closed", "The connection was closed.", "Connect again.")
        if not self._welcome.done():
            self._welcome.set_exception(reached)
        for waiter in self._waiters.values():
            if not waiter.done():
                waiter.set_exception(reached)
        # Told here in case nobody waits: an error without a reader is kept in `error`, not shouted by the loop.
        if self._welcome.done() and not self._welcome.cancelled():
            self._welcome.exception()
        self._waiters.clear()
        self._freed.set()
        self._ended.set()


def _not_ready() -> RigError:
    return RigError("not_connected", "There is no link session with the rig.", "Wait for the connection.")
