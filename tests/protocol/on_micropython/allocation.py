"""Prints the octets allocated by the device's end: 100 idle turns, ping, request, repetition, a part of a frame."""

import gc

from protocol import wire_formats as messages
from tests.protocol.on_micropython.device_end import SESSION, chunk, frame, link, write_all, write_nothing

STATUS = (1, 1, 0, 0, 15, 0, 0, b"12345678", 0, 0, bytes(8), 0, 0, 0, 0, 0, 1000, 2000, 3000, 69_000, 0)


def idle():
    for _ in range(100):
        link.receive(chunk, 0, 7)
        link.next_request()
        link.transmit(write_nothing)


def measure(function, *arguments):
    gc.collect()
    before = gc.mem_alloc()  # type: ignore[attr-defined]
    function(*arguments)
    return gc.mem_alloc() - before  # type: ignore[attr-defined]


def ping(length):
    link.receive(chunk, length, 7)
    link.transmit(write_all)


def ask(length):
    link.receive(chunk, length, 7)
    if link.next_request() == messages.GET_STATUS:
        link.answer(messages.STATUS, *STATUS)
    link.transmit(write_all)


measure(idle)
idle_octets = measure(idle)
ping_octets = measure(ping, frame(messages.PING, SESSION, 0, b"\x01\x00\x00\x00"))
ask_octets = measure(ask, frame(messages.GET_STATUS, SESSION, 1, b""))
repeat_octets = measure(ask, frame(messages.GET_STATUS, SESSION, 1, b""))
part_octets = measure(link.receive, chunk, 5, 7)
print(idle_octets, ping_octets, ask_octets, repeat_octets, part_octets)
