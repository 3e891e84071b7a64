"""Prints what the device's end costs, in microseconds: name and time, a line each. Best of five."""

import time

from protocol import wire_formats as messages
from tests.protocol.on_micropython.device_end import SESSION, chunk, frame, link, write_all

ORDER = bytes(24) + SESSION + bytes(4) + b"\x01\x02\x00" + bytes(52)
DOSE = (b"12345678", 3, 0, 0, 1, 2, 12500, 2229, 1, 2, 3, 4, 5, 6, 7, 0, 99)
TELEMETRY = (1, 1, 0, 0, 15, 0, 0, b"12345678", 0, 0, 0, 0, 0, 1, 2, 3, 1000, 12000)


def took(function, *arguments):
    begin = time.ticks_us()  # type: ignore[attr-defined]
    function(*arguments)
    return time.ticks_diff(time.ticks_us(), begin)  # type: ignore[attr-defined]


def best(name, function, *arguments):
    print(name, min([took(function, *arguments) for _ in range(5)]))


def stopped(cause):
    stops.append(cause)


def order(seq):
    length = frame(messages.DOSE_ORDER, SESSION, seq, ORDER)
    times = [took(link.receive, chunk, length, 5), took(link.next_request)]
    times.append(took(link.answer, messages.DOSE_STATE, *DOSE))
    times.append(took(link.transmit, write_all))
    return times


stops: list[int] = []
link.on_stop = stopped
best("idle-receive", link.receive, chunk, 0, 5)
best("idle-next", link.next_request)
best("idle-transmit", link.transmit, write_all)
best("stop", link.receive, chunk, frame(messages.STOP, bytes(4), 0, b"\x01"), 5)
assert len(stops) == 5
best("ping", link.receive, chunk, frame(messages.PING, SESSION, 0, b"\x01\x00\x00\x00"), 5)
link.transmit(write_all)
best("telemetry", link.datagram, messages.TELEMETRY, *TELEMETRY)
link.transmit(write_all)
order(1)
for name, microseconds in zip(("order-receive", "order-next", "order-answer", "order-transmit"), order(2)):  # noqa: B905
    print(name, microseconds)
