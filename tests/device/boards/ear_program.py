"""Runs in MicroPython: streams of frames, damaged frames and noise through the ear; prints what was heard."""

import random

from device.boards.pico_ear import Ear
from protocol import wire_formats as messages
from protocol.framing import MAX_FRAME, FrameDecoder, encode_frame

ROUNDS = globals().get("ROUNDS", 400)


class Uart:
    """Gives what the test puts there; no interrupts."""

    def __init__(self):
        self.ring = b""

    def any(self):
        return len(self.ring)

    def readinto(self, buffer, count):
        buffer[:count] = self.ring[:count]
        self.ring = self.ring[count:]
        return count


cuts: list[int] = []
uart = Uart()
ear = Ear(uart, lambda: cuts.append(1), lambda: False, lambda masked: None)
decoder = FrameDecoder()
source = memoryview(bytearray(130))
frame = bytearray(MAX_FRAME)
buffer = bytearray(100)
random.seed(5)
stops = 0


def frame_of(length):
    for at in range(length):
        source[at] = random.getrandbits(8) if random.getrandbits(2) else 0
    source[0] = messages.STOP if random.getrandbits(1) else random.getrandbits(8)
    size = encode_frame(source, length, frame)
    if not random.getrandbits(2):
        frame[random.getrandbits(7) % size] ^= 1 << random.getrandbits(3)
    return bytes(frame[:size])


def count_stops(chunk):
    found = 0
    at = 0
    while at < len(chunk):
        at = decoder.feed(chunk, at, len(chunk))
        found += decoder.length >= 7 and decoder.buffer[0] == messages.STOP
    return found


def through_the_ear(stream):
    out = b""
    while stream:
        count = 1 + random.getrandbits(6)
        uart.ring = stream[:count]
        stream = stream[count:]
        while True:
            count = ear.readinto(buffer)
            if not count:
                break
            out += bytes(buffer[:count])
    return out


for _ in range(ROUNDS):
    stream = bytes(random.getrandbits(3)) + frame_of(1 + random.getrandbits(7) % 122)
    stops += count_stops(stream)
    assert through_the_ear(stream) == stream
    assert len(cuts) == stops, (cuts, stops)
assert stops > ROUNDS // 5
assert ear.stop_heard()
print("heard", len(cuts))
