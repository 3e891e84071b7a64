"""Stop until it was seen: the repeated frame, the watch for the latch, and the way past a busy port."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from struct import unpack_from
from typing import Final

from host.errors import RigError
from host.link.messages import Message
from host.link.transport import Transport
from host.link.urls import open_transport
from host.records import name_of
from host.reports import StopReport
from protocol import codes, messages, typed
from protocol.framing import FrameDecoder
from protocol.link import HEADER, HEADER_SIZE
from protocol.link_host import HostLink

# A stop frame is 13 octets, 0.14 ms on the wire; its answer comes within a tick of 10 ms.
REPEAT_S: Final = 0.03
# A clock may stand still for a wait that is shorter than its resolution.
SHORTEST_WAIT_S: Final = 0.001
# After this long without a sign of the latch a person has to act; the frames before it are over a hundred.
CONFIRM_S: Final = 5.0

PRESS_THE_BUTTON: Final = "PRESS THE EMERGENCY STOP at the rig now, then look for what keeps the host from it."


class LatchWatch:
    """Looks for the latched stop in messages and makes the report. Only what comes after ``begin`` counts."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._began_s: float | None = None
        self._seen: asyncio.Future[StopReport] = loop.create_future()
        self.frames_sent = 0

    def begin(self) -> None:
        """Note that a stop frame is about to leave."""
        if self._began_s is None:
            self._began_s = self._loop.time()
        self.frames_sent += 1

    def look(self, message: Message) -> None:
        """Take a message of the device."""
        if self._began_s is None or self.frames_sent < 1 or self._seen.done():
            return
        round_trip_us = round((self._loop.time() - self._began_s) * 1e6)
        if isinstance(message, typed.Stopped):
            self._seen.set_result(
                StopReport(
                    cause=name_of("cause", message.cause),
                    was_stopped=self._was_stopped(message),
                    device_latency_us=message.latency_us,
                    round_trip_us=round_trip_us,
                    frames_sent=self.frames_sent,
                    dose_id=message.dose_id.hex() if any(message.dose_id) else None,
                    emitted_steps=message.emitted_steps if any(message.dose_id) else None,
                    seen_in="STOPPED",
                )
            )
        elif isinstance(message, typed.Telemetry | typed.Status) and message.device_state == codes.DEVICE_STOPPED:
            self._seen.set_result(
                StopReport(
                    cause=name_of("cause", message.stop_cause),
                    was_stopped=None,
                    device_latency_us=None,
                    round_trip_us=round_trip_us,
                    frames_sent=self.frames_sent,
                    dose_id=message.dose_id.hex() if any(message.dose_id) else None,
                    emitted_steps=message.emitted_steps if isinstance(message, typed.Telemetry) else None,
                    seen_in=type(message).__name__.upper(),
                )
            )

    def _was_stopped(self, message: typed.Stopped) -> bool | None:
        if not message.was_stopped:
            return False
        return True if self.frames_sent == 1 else None

    async def seen_within(self, seconds: float) -> StopReport | None:
        """Return the report once the latch was seen, None when it was not in this time."""
        await asyncio.wait([self._seen], timeout=seconds)
        return self._seen.result() if self._seen.done() else None


async def repeat_stop(
    send: Callable[[], Awaitable[None]], watch: LatchWatch, *, confirm_s: float = CONFIRM_S, repeat_s: float = REPEAT_S
) -> StopReport:
    """Send stop frames until the latch was seen. Raises ``stop_not_confirmed``, with the last reason, when it was not.

    ``send`` may raise ``RigError`` (no port at the moment): it is tried again until the time is over.
    """
    loop = asyncio.get_running_loop()
    end_s = loop.time() + confirm_s
    last: RigError | None = None
    while (left_s := end_s - loop.time()) > 0:
        watch.begin()
        try:
            async with asyncio.timeout(left_s):
                await send()
        except RigError as error:
            last = error
            watch.frames_sent -= 1
        except TimeoutError:
            break
        report = await watch.seen_within(min(repeat_s, max(left_s, SHORTEST_WAIT_S)))
        if report is not None:
            return report
    raise not_confirmed(watch.frames_sent, confirm_s, last)


def not_confirmed(frames: int, confirm_s: float, last: RigError | None) -> RigError:
    """Return the error for a stop whose latch was not seen in time; ``last`` is what kept a frame from leaving."""
    why = f" {last.what}" if last is not None else ""
    return RigError(
        "stop_not_confirmed",
        f"THE STOP WAS NOT CONFIRMED: {frames} stop frames sent in {confirm_s:g} s, no latched stop seen.{why}",
        PRESS_THE_BUTTON,
    )


async def stop_shared(
    url: str,
    cause: int = codes.CAUSE_OPERATOR,
    *,
    open_shared: Callable[[], Awaitable[Transport]] | None = None,
    confirm_s: float = CONFIRM_S,
) -> StopReport:
    """Stop the rig at ``url`` without a session and without the port's lock, so also while another program holds it.

    What the rig answers may go to the other program, so the frame is repeated until the latch was read here.
    Raises ``RigError``: the port cannot be opened, or ``stop_not_confirmed``.
    """
    try:
        transport = await (open_shared() if open_shared is not None else open_transport(url, shared=True))
    except RigError as error:
        raise not_sent(error) from error
    watch = LatchWatch(asyncio.get_running_loop())
    frame = HostLink(messages.schema_hash(), bytes(4)).stop(cause)
    listener = asyncio.create_task(_listen(transport, watch), name="stop listener")
    try:
        return await repeat_stop(lambda: transport.write(frame), watch, confirm_s=confirm_s)
    finally:
        listener.cancel()
        await asyncio.gather(listener, return_exceptions=True)
        await transport.close()


def not_sent(error: RigError) -> RigError:
    """Return the error for a stop that had no way to the rig."""
    return RigError(error.code, f"NO STOP WAS SENT: {error.what}", f"{PRESS_THE_BUTTON} {error.todo}")


async def _listen(transport: Transport, watch: LatchWatch) -> None:
    decoder = FrameDecoder()
    # The port's end shows in the next write, which tells it.
    with suppress(RigError):
        while True:
            data = await transport.read()
            start = 0
            while start < len(data):
                start = decoder.feed(data, start, len(data))
                message = _latch_message(decoder.buffer, decoder.length)
                if message is not None:
                    watch.look(message)


def _latch_message(payload: bytes | bytearray | memoryview, length: int) -> Message | None:
    """Return STOPPED or TELEMETRY of any link session: the latch holds for all of them."""
    if length < HEADER_SIZE:
        return None
    number = unpack_from(HEADER, payload, 0)[0]
    kind: type[typed.Stopped] | type[typed.Telemetry]
    if number == messages.STOPPED:
        kind = typed.Stopped
    elif number == messages.TELEMETRY:
        kind = typed.Telemetry
    else:
        return None
    values = messages.decode_body(number, payload, HEADER_SIZE, length)
    return None if values is None else kind.from_values(values)
