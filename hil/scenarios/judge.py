"""What the plant says: edges at the pin, liquid at the tip. A scenario is decided by it."""

import asyncio

from hil.bench import Bench
from hil.recorder import TO_DEVICE
from protocol import codes
from protocol.framing import FrameDecoder
from protocol.messages import STOP

FLUSH = codes.CHANNEL_FLUSH
NS_PER_MS = 1_000_000
SCALE_REST_S = 2.0
"""The scale follows with 1 s to 1 %: after two of them 2.5 nL are missing of 25 uL."""

SCALE_NOISE_NL = 6.0
"""Three standard deviations of the scale's noise."""


async def weigh_nl(bench: Bench) -> float:
    """Wait until the scale has come to rest and read it."""
    await asyncio.sleep(SCALE_REST_S)
    return bench.weigh_nl()


def assert_weighed(weighed_nl: float, least_nl: int, most_nl: int) -> None:
    """Fail when the scale disagrees with the reported interval by more than its noise."""
    assert least_nl - SCALE_NOISE_NL <= weighed_nl <= most_nl + SCALE_NOISE_NL


def last_edge_ns(bench: Bench) -> int:
    """Return the time of the last edge at the flush pump's step pin."""
    last_ns = bench.recorder.last_edge_ns(FLUSH)
    assert last_ns is not None, "no edge at all"
    return last_ns


def stop_frames_ns(bench: Bench) -> list[int]:
    """Return when each stop frame was complete at the device."""
    return [frame.now_ns for frame in bench.recorder.frames if frame.direction == TO_DEVICE and is_stop(frame.data)]


def safe_falls_ns(bench: Bench) -> list[int]:
    """Return a list that gets the instant of each fall of SAFE from now on.

    Around a real board the line falls some milliseconds after a test has asked for it.
    """
    falls: list[int] = []
    level = [bench.plant.safe(bench.plant.now_ns)]

    def look(now_ns: int, inputs: int) -> None:
        safe = bool(inputs & codes.INPUT_SAFE)
        if level[0] and not safe:
            falls.append(now_ns)
        level[0] = safe

    bench.plant.on_inputs.append(look)
    return falls


def is_stop(octets: bytes) -> bool:
    """Return whether these octets end in a valid stop frame."""
    decoder = FrameDecoder()
    start = 0
    while start < len(octets):
        start = decoder.feed(octets, start, len(octets))
        if decoder.length and decoder.buffer[0] == STOP:
            return True
    return False


def assert_volume_is_balanced(bench: Bench) -> None:
    """Fail when the plant has lost or made liquid, which would make it a bad judge."""
    assert abs(bench.plant.balance_error_nl) < 0.01
