"""Measures frames per second and what viper saves. Prints name and microseconds, a line each."""

import time

from protocol import framing
from protocol import wire_formats as messages
from protocol.framing import MAX_FRAME, FrameDecoder, _collect, _stuff, _unstuff, encode_frame
from protocol.link_device import DeviceLink

REPEATS = 300
BEST_OF = 5


def now_us():
    """Return microseconds of a clock that does not wrap while this runs."""
    if hasattr(time, "ticks_us"):
        return time.ticks_us()
    return time.perf_counter() * 1e6


def bytecode(function_name):
    """Return the same loop, compiled without viper."""
    with open(framing.__file__) as file:
        source = file.read()
    begin = source.index("def " + function_name)
    end = source.find("\n\n\n", begin)
    scope: dict = {}
    exec(source[begin:end].replace(": ptr8", ""), scope)
    return scope[function_name]


def measure(name, function, *arguments):
    best = 1e9
    for _ in range(BEST_OF):
        begin = now_us()
        for _ in range(REPEATS):
            function(*arguments)
        best = min(best, (now_us() - begin) / REPEATS)
    print(name, round(best, 3))


def main():
    length = messages.SIZES[messages.TELEMETRY] + 7
    source = memoryview(bytearray([n % 7 for n in range(126)]))
    target = bytearray(MAX_FRAME)
    size = encode_frame(source, length, target)
    decoder = FrameDecoder()
    measure("encode", encode_frame, source, length, target)
    measure("decode", decoder.feed, target, 0, size)
    scratch = bytearray(MAX_FRAME)
    for name, function, arguments in (
        ("stuff", _stuff, (source, length, 0, target)),
        ("unstuff", _unstuff, (scratch, size - 1)),
        ("collect", _collect, (target, 0, size, scratch, 0)),
    ):
        measure(name, function, *arguments)
        measure(name + "-bytecode", bytecode("_" + name), *arguments)
    link = DeviceLink(messages.schema_hash(), lambda: b"SES1")
    idle = bytearray(8)
    measure("idle", link.receive, idle, 0, 0)
    measure("nothing", link.next_request)


main()
