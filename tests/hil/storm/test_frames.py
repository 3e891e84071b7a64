"""The judge's own reading of frames agrees with the protocol's, and takes nothing else for a frame."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hil.storm.frames import payload_of, seen, seen_after_a_reset
from protocol import messages, typed
from protocol.framing import FrameDecoder, encode_frame
from protocol.link_host import HostLink


def framed(payload):
    source, target = bytearray(payload + bytes(4)), bytearray(160)
    return bytes(target[: encode_frame(memoryview(source), len(payload), target)])


@given(st.binary(min_size=7, max_size=100))
def test_what_was_framed_is_read_back(payload):
    assert payload_of(framed(payload)) == payload


@pytest.mark.req("LINK-1")
@given(st.binary(min_size=7, max_size=100), st.data())
def test_a_flipped_bit_is_never_taken_for_a_frame(payload, data):
    frame = bytearray(framed(payload))
    frame[data.draw(st.integers(0, len(frame) - 2))] ^= 1 << data.draw(st.integers(0, 7))
    assert payload_of(bytes(frame)) != payload


@given(st.binary(max_size=140))
def test_both_decoders_agree_on_any_octets(octets):
    frame = octets.replace(b"\0", b"\1") + b"\0"
    decoder = FrameDecoder()
    decoder.feed(frame, 0, len(frame))
    read = payload_of(frame)
    assert (read is not None and len(read) <= 118) == (decoder.length >= 7) or len(frame) > 128 or decoder.length < 7


def test_a_stop_is_seen_for_what_it_is():
    stop = HostLink(messages.schema_hash(), bytes(4)).stop(1)
    frame = seen(5, stop.lstrip(b"\0"))
    assert frame is not None
    assert (frame.now_ns, frame.number, frame.message) == (5, messages.STOP, typed.Stop(1))


def test_a_frame_behind_the_rest_of_another_is_found_after_a_reset():
    stop = HostLink(messages.schema_hash(), bytes(4)).stop(1).lstrip(b"\0")
    rest = random.Random(1).randbytes(9).replace(b"\0", b"\1")
    assert seen(0, rest + stop) is None
    assert seen_after_a_reset(0, rest + stop).message == typed.Stop(1)
