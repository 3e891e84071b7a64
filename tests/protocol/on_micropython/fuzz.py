"""Feeds random streams and flipped bits to the decoder; prints what was counted."""

import random

from protocol.framing import MAX_FRAME, FrameDecoder, encode_frame

SEED = globals().get("SEED", 1)
ROUNDS = globals().get("ROUNDS", 400)

random.seed(SEED)
decoder = FrameDecoder()
found: list[bytes] = []


def feed(stream):
    at = 0
    while at < len(stream):
        end = min(len(stream), at + 1 + random.getrandbits(6))
        at = decoder.feed(stream, at, end)
        if decoder.length:
            found.append(bytes(decoder.buffer[: decoder.length]))


source = memoryview(bytearray(130))
frame = bytearray(MAX_FRAME)
for _ in range(ROUNDS):
    length = 1 + random.getrandbits(7) % 122
    for at in range(length):
        source[at] = random.getrandbits(8) if random.getrandbits(2) else 0
    payload = bytes(source[:length])
    size = encode_frame(source, length, frame)
    del found[:]
    feed(bytes([random.getrandbits(8) for _ in range(random.getrandbits(8))]) + b"\x00")
    assert found == [], "noise was taken"
    feed(bytes(frame[:size]))
    assert found == [payload], "a payload did not come back"
    for _ in range(8):
        flipped = bytearray(frame[:size])
        bit = random.getrandbits(10) % (size * 8)
        flipped[bit // 8] ^= 1 << bit % 8
        del found[:]
        feed(bytes(flipped) + b"\x00")
        assert found == [], "a flipped bit was taken"
print("bad crc", decoder.bad_crc, "bad frames", decoder.bad_frames)
