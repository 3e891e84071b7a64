"""What the probe does, apart from how its pins do it: the same code on the second Pico and in the bench's stand-in.

``hardware`` counts, watches and drives:

    begin()                             forget edges and changes that were not told
    ticks() -> int                      the counter, 0.5 us, wraps at 2^32
    lines() -> int                      the levels now
    pulsed() -> int                     lines that were high at any time since the last call
    drive(mask, levels) -> int          set lines, return when (the fall of SAFE, where that came of it)
    next_line() -> (ticks, lines)|None  the next change of a watched line, in their order
    mark()                              what has come so far is what ``edges`` tells
    edges(channel, octets) -> (before, from_ticks, count)  fill ``octets`` with words of edges not told yet
    lost() -> int                       bit mask of channels whose edges outran the ring since the start
    analogue(pressure, density, supply), power(on), reset(low), flow(octets)
    capabilities, name
"""

import struct

from hil.boards.serial.probe import wire
from protocol.framing import MAX_FRAME, FrameDecoder, encode_frame

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

REPORT_TICKS = 8000
"""4 ms between two reports."""

SILENCE_TICKS = 6000000
"""A bench that says nothing for 3 s is gone: the lines return to a tripped rig."""

CHANNELS = 3
_LINE_BATCH = 64


class Session:
    """Obeys the bench and reports to it. ``write(buffer, length)`` sends octets; call ``receive`` and ``turn``."""

    def __init__(self, hardware: "Any", write: "Callable[[bytearray, int], None]") -> None:
        self._hardware = hardware
        self._write = write
        self._decoder = FrameDecoder()
        self._source = bytearray(MAX_FRAME)
        self._view = memoryview(self._source)
        self._frame = bytearray(MAX_FRAME)
        self._octets = bytearray(4 * wire.MAX_WORDS)
        self._words = memoryview(self._octets)
        self._reported = 0
        self._heard = 0
        self.open = False

    def receive(self, chunk: "bytes | bytearray", length: int) -> None:
        """Take octets from the bench."""
        at = 0
        decoder = self._decoder
        while at < length:
            at = decoder.feed(chunk, at, length)
            if decoder.length:
                message = wire.unpack(bytes(decoder.buffer[: decoder.length]))
                if message is not None:
                    self._obey(message)

    def turn(self) -> bool:
        """Report when it is time to. True when it reported."""
        if not self.open:
            return False
        now = self._hardware.ticks()
        if _since(now, self._heard) > SILENCE_TICKS:
            self._end()
            return False
        if _since(now, self._reported) < REPORT_TICKS:
            return False
        self._reported = now
        self._report()
        return True

    def _obey(self, message: "tuple[Any, ...]") -> None:
        number = message[0]
        hardware = self._hardware
        if number == wire.HELLO:
            self._welcome()
            return
        if not self.open:
            return
        self._heard = hardware.ticks()
        if number == wire.PING:
            self._send(wire.pack(wire.PONG, message[1], self._heard))
        elif number == wire.DRIVE:
            mask = message[1] & wire.DRIVEN
            # What changed before comes before.
            self._tell_lines()
            when = hardware.drive(mask, message[2])
            self._send(wire.pack(wire.LINE, when, hardware.lines()))
        elif number == wire.ANALOGUE:
            hardware.analogue(message[1], message[2], message[3])
        elif number == wire.POWER:
            hardware.power(message[1] != 0)
        elif number == wire.RESET:
            hardware.reset(message[1] != 0)
        elif number == wire.FLOW:
            hardware.flow(message[1])

    def _welcome(self) -> None:
        hardware = self._hardware
        hardware.begin()
        self._heard = self._reported = hardware.ticks()
        self.open = True
        name = (hardware.name.encode() + bytes(12))[:12]
        self._send(wire.pack(wire.WELCOME, wire.VERSION, hardware.capabilities, self._heard, hardware.lines(), name))

    def _end(self) -> None:
        self.open = False
        self._hardware.drive(wire.DRIVEN, 0)
        self._hardware.reset(False)

    def _report(self) -> None:
        hardware = self._hardware
        # The time is taken first: what comes while edges are told belongs to the next report.
        horizon = hardware.ticks()
        hardware.mark()
        for channel in range(CHANNELS):
            self._tell_edges(channel)
        self._tell_lines()
        self._send(wire.pack(wire.HORIZON, horizon, hardware.lines(), hardware.pulsed(), hardware.lost()))

    def _tell_edges(self, channel: int) -> None:
        source = self._source
        while True:
            before, from_ticks, count = self._hardware.edges(channel, self._octets)
            if not count:
                return
            struct.pack_into(wire.EDGES_HEAD, source, 0, wire.EDGES, channel, before, from_ticks)
            length = wire.EDGES_HEAD_SIZE + 4 * count
            source[wire.EDGES_HEAD_SIZE : length] = self._words[: 4 * count]
            self._write(self._frame, encode_frame(self._view, length, self._frame))

    def _tell_lines(self) -> None:
        for _ in range(_LINE_BATCH):
            change = self._hardware.next_line()
            if change is None:
                return
            self._send(wire.pack(wire.LINE, change[0], change[1]))

    def _send(self, payload: bytes) -> None:
        length = len(payload)
        self._source[:length] = payload
        self._write(self._frame, encode_frame(self._view, length, self._frame))


def _since(now: int, then: int) -> int:
    return (now - then) & wire.TICKS_MASK
