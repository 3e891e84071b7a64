"""Frames for tests: built, taken apart, and read from the golden vectors."""

import json
from itertools import pairwise
from pathlib import Path

from protocol.framing import MAX_FRAME, FrameDecoder, encode_frame

VECTORS = Path(__file__).parents[2] / "protocol" / "vectors"


def vectors(name: str) -> list[dict]:
    return json.loads((VECTORS / f"{name}.json").read_text("utf-8"))


def frame_of(payload: bytes) -> bytes:
    target = bytearray(MAX_FRAME)
    return bytes(target[: encode_frame(memoryview(bytearray(payload + bytes(4))), len(payload), target)])


def decode(stream: bytes, cuts: list[int] | None = None) -> tuple[list[bytes], FrameDecoder]:
    """Feed a stream, cut at the given places, and return the payloads and the decoder."""
    decoder = FrameDecoder()
    payloads = []
    edges = [0, *sorted(cut % (len(stream) + 1) for cut in cuts or []), len(stream)]
    for begin, end in pairwise(edges):
        chunk = stream[begin:end]
        at = 0
        while at < len(chunk):
            after = decoder.feed(chunk, at, len(chunk))
            assert at < after <= len(chunk)
            at = after
            if decoder.length:
                payloads.append(bytes(decoder.buffer[: decoder.length]))
    return payloads, decoder
