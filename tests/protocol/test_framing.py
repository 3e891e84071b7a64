"""Frames: what is sent comes back, what was damaged never does, whatever the octets are."""

import itertools
import os
import random
from binascii import crc32

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.framing import CRC_SIZE, MAX_FRAME, MAX_PAYLOAD, FrameDecoder, copy_octets, encode_frame
from tests.protocol.frames import decode, frame_of, vectors

payloads = st.binary(min_size=1, max_size=MAX_PAYLOAD)
# Octets that matter to COBS stand closer together than chance would put them.
streams = st.one_of(
    st.binary(max_size=600),
    st.lists(st.sampled_from([0, 0, 1, 2, 3, 5, 6, 127, 128, 255]), max_size=600).map(bytes),
    st.lists(payloads.map(frame_of), max_size=6).map(b"".join),
)
cuts = st.lists(st.integers(0, 600), max_size=12)

GOLDEN = [bytes.fromhex(row["frame"]) for row in vectors("messages") + vectors("payloads")]


@given(payloads)
def test_every_payload_comes_back(payload):
    found, decoder = decode(frame_of(payload))
    assert found == [payload]
    assert (decoder.bad_crc, decoder.bad_frames) == (0, 0)


@given(payloads)
def test_a_frame_has_one_zero_and_that_is_its_last_octet(payload):
    frame = frame_of(payload)
    assert frame.index(0) == len(frame) - 1
    assert len(frame) == len(payload) + 6 <= MAX_FRAME


@given(st.lists(payloads, max_size=8), cuts)
def test_frames_come_back_in_order_in_any_chunking(sent, where):
    found, decoder = decode(b"\x00".join(frame_of(payload) for payload in sent), where)
    assert found == sent
    assert decoder.bad_frames == 0


@pytest.mark.req("LINK-1")
@given(streams, cuts)
def test_any_stream_gives_frames_or_counted_errors_and_never_grows(stream, where):
    found, decoder = decode(stream, where)
    frames = [part for part in stream.split(b"\x00")[:-1] if part]
    assert len(found) + decoder.bad_crc + decoder.bad_frames == len(frames)
    assert len(decoder.buffer) == MAX_FRAME
    assert decoder._fill <= MAX_FRAME


@pytest.mark.req("LINK-1")
@given(streams, cuts)
def test_chunking_makes_no_difference(stream, where):
    found, decoder = decode(stream, where)
    at_once, other = decode(stream)
    assert found == at_once
    assert (decoder.bad_crc, decoder.bad_frames) == (other.bad_crc, other.bad_frames)


@pytest.mark.req("LINK-1")
@given(streams, payloads)
def test_a_frame_behind_any_stream_and_a_delimiter_is_found(stream, payload):
    found, _ = decode(stream + b"\x00" + frame_of(payload))
    assert found[-1] == payload


@pytest.mark.req("LINK-1")
@pytest.mark.parametrize("frame", GOLDEN, ids=lambda frame: f"{len(frame)} octets")
def test_no_single_flipped_bit_is_accepted(frame):
    for bit in range((len(frame) - 1) * 8):
        flipped = bytearray(frame)
        flipped[bit // 8] ^= 1 << bit % 8
        found, decoder = decode(bytes(flipped))
        assert found == []
        assert decoder.bad_crc + decoder.bad_frames >= 1


@pytest.mark.req("LINK-1")
@pytest.mark.parametrize("frame", GOLDEN[::7], ids=lambda frame: f"{len(frame)} octets")
def test_no_flipped_bit_of_the_delimiter_lets_a_frame_through(frame):
    for bit in range(8):
        merged = frame[:-1] + bytes([1 << bit]) + GOLDEN[0]
        assert decode(merged)[0] == []


@pytest.mark.req("LINK-1")
@pytest.mark.parametrize("frame", GOLDEN[::5], ids=lambda frame: f"{len(frame)} octets")
def test_no_burst_is_accepted(frame):
    generator = random.Random(len(frame))
    size = len(frame) * 8 - 8
    for _ in range(400):
        length = generator.randint(2, min(64, size))
        burst = generator.getrandbits(length) | 1 | 1 << (length - 1)
        damaged = int.from_bytes(frame[:-1], "little") ^ burst << generator.randint(0, size - length)
        assert decode(damaged.to_bytes(len(frame) - 1, "little") + b"\x00")[0] == []


@pytest.mark.req("LINK-1")
@given(payloads, st.sets(st.integers(0, 8 * MAX_FRAME), min_size=1, max_size=24))
def test_no_flipped_bits_are_accepted(payload, bits):
    frame = bytearray(frame_of(payload))
    for bit in {bit % (len(frame) * 8) for bit in bits}:
        frame[bit // 8] ^= 1 << bit % 8
    # With the delimiter flipped there may be no frame at all; with more zeros, several.
    assert decode(bytes(frame) + b"\x00")[0] == []


@pytest.mark.req("LINK-1")
def test_the_crc_finds_every_pattern_of_four_flipped_bits_in_the_longest_frame():
    """CRC is linear: no pattern of up to four bits passes when the syndromes of all bits and pairs of bits differ."""
    size = MAX_PAYLOAD + CRC_SIZE
    base = crc32(bytes(size))
    singles = [crc32((1 << bit).to_bytes(size, "little")) ^ base for bit in range(size * 8)]
    pairs = [one ^ other for one, other in itertools.combinations(singles, 2)]
    assert len({0, *singles, *pairs}) == 1 + len(singles) + len(pairs)


def test_a_frame_too_long_by_one_octet_is_dropped_and_the_longest_is_not():
    longest = frame_of(b"\x07" * MAX_PAYLOAD)
    assert len(longest) == MAX_FRAME
    assert decode(longest)[0] == [b"\x07" * MAX_PAYLOAD]
    found, decoder = decode(b"\x01" + longest)
    assert found == []
    assert decoder.bad_frames == 1


@pytest.mark.parametrize("length", [0, -1, MAX_PAYLOAD + 1])
def test_a_payload_of_wrong_length_is_not_encoded(length):
    with pytest.raises(ValueError, match="payload length"):
        encode_frame(memoryview(bytearray(200)), length, bytearray(200))


def test_a_payload_without_room_for_its_crc_is_not_encoded():
    with pytest.raises(ValueError, match="payload length"):
        encode_frame(memoryview(bytearray(13)), 10, bytearray(MAX_FRAME))


def test_a_target_that_is_too_short_is_not_written():
    with pytest.raises(ValueError, match="payload length"):
        encode_frame(memoryview(bytearray(14)), 10, bytearray(15))


@given(streams, st.integers(-5, 700), st.integers(-5, 700))
def test_limits_outside_the_chunk_are_cut(stream, start, end):
    decoder = FrameDecoder()
    assert decoder.feed(stream, start, end) <= max(len(stream), 0)


@given(st.binary(max_size=40))
def test_octets_are_copied(data):
    target = bytearray(50)
    copy_octets(memoryview(data), len(data), memoryview(target))
    assert target == data + bytes(50 - len(data))


@pytest.mark.req("LINK-1")
def test_a_long_random_stream_is_survived():
    seed = int(os.environ.get("NANORIG_SEED", "1"))
    print(f"seed {seed}")
    generator = random.Random(seed)
    good = GOLDEN[0]
    decoder = FrameDecoder()
    found = 0
    for _ in range(300):
        noise = generator.randbytes(generator.randrange(400))
        chunk = noise + b"\x00" + good
        at = 0
        while at < len(chunk):
            at = decoder.feed(chunk, at, len(chunk))
            found += decoder.length > 0
    assert found == 300
    assert decoder.bad_frames > 0
