# mypy: ignore-errors
"""Pins of a probe that has none: a counter that runs, edges that are made up, lines that take what they are told."""

import struct
import time

from hil.boards.serial.probe import wire

RUN = 5


class ProbePins:
    name = "vm"
    capabilities = 7

    def __init__(self):
        self._lines = 0
        self._changes = []
        self._edges = 0

    def begin(self):
        self._changes.clear()

    def ticks(self):
        return time.ticks_us() * 2 & wire.TICKS_MASK

    def lines(self):
        return self._lines

    def pulsed(self):
        return 0

    def drive(self, mask, levels):
        self._lines = self._lines & ~(mask | wire.SAFE) | levels & mask
        if wire.safe_level(self._lines):
            self._lines |= wire.SAFE
        return self.ticks()

    def next_line(self):
        return None

    def mark(self):
        pass

    def edges(self, channel, octets):
        if channel != 2 or self._edges >= 20:
            return 0, 0, 0
        before = self._edges
        self._edges += RUN
        octets[:4] = struct.pack("<I", RUN << 22 | 100)
        return before, self.ticks() - RUN * 100, 1

    def lost(self):
        return 0

    def analogue(self, pressure, density, supply):
        pass

    def power(self, on):
        pass

    def reset(self, low):
        pass

    def flow(self, octets):
        pass
