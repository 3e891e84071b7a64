"""Measures what the device's end allocates: prints octets for 100 idle turns, for a ping and for a request."""

import gc

from protocol import messages
from protocol.framing import MAX_FRAME, encode_frame
from protocol.link_device import DeviceLink

SCHEMA = messages.schema_hash()
link = DeviceLink(SCHEMA, lambda: b"SES1")
payload = memoryview(bytearray(126))
chunk = bytearray(MAX_FRAME)


def frame(number, session, seq, body):
    data = bytes([number]) + session + bytes([seq & 0xFF, seq >> 8]) + body
    payload[: len(data)] = data
    return encode_frame(payload, len(data), chunk)


def write(buffer, length):
    return length


def refuse(buffer, length):
    return 0


def idle():
    for _ in range(100):
        link.receive(chunk, 0, 7)
        link.next_request()
        link.transmit(refuse)


def measure(function, *arguments):
    gc.collect()
    before = gc.mem_alloc()  # type: ignore[attr-defined]
    function(*arguments)
    return gc.mem_alloc() - before  # type: ignore[attr-defined]


def ping(length):
    link.receive(chunk, length, 7)
    link.transmit(write)


def ask(length):
    link.receive(chunk, length, 7)
    if link.next_request() == messages.GET_STATUS:
        link.answer(messages.STATUS, 1, 1, 0, 0, 15, 0, 0, b"12345678", 0, 0, 0, 1000, 2000, 3000)
    link.transmit(write)


link.receive(chunk, frame(messages.HELLO, bytes(4), 1, b"abcd" + SCHEMA), 7)
assert link.next_request() == messages.HELLO
name = bytes(12)
link.answer(messages.WELCOME, b"abcd", b"SES1", bytes(8), SCHEMA, bytes(8), name, name, name, bytes(8), 7, 10)
link.transmit(write)
measure(idle)
idle_octets = measure(idle)
ping_octets = measure(ping, frame(messages.PING, b"SES1", 0, b"\x01\x00\x00\x00"))
ask_octets = measure(ask, frame(messages.GET_STATUS, b"SES1", 1, b""))
repeat_octets = measure(ask, frame(messages.GET_STATUS, b"SES1", 1, b""))
# A frame that is not at its end allocates nothing either.
part_octets = measure(link.receive, chunk, 5, 7)
print(idle_octets, ping_octets, ask_octets, repeat_octets, part_octets)
