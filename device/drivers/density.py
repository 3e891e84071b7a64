"""Density of the agent's suspension: an analogue turbidity sensor, 0 = clear, full scale = freshly stirred."""

from protocol.compat import const

_FULL = const(65535)
# An input that is open is pulled down; a suspension that settled for half an hour still reads more.
_FAULT_LOW = const(655)
# Particles pass by all the time: so many equal conversions in a row are a stuck sensor. Full scale clips the noise of a
# fresh suspension, and every second conversion of it.
STUCK_READS = const(64)


class DensitySensor:
    """``permille`` is the density, 1000 = freshly stirred, behind a filter over some 8 conversions.

    While ``faulty`` (out of range, stuck) it keeps the last density that was believed.
    """

    def __init__(self) -> None:
        self.permille = 0
        self.faulty = True
        self._filtered = 0
        self._raw = -1
        self._same = 0

    def take(self, raw: int) -> None:
        """Take one conversion, 0..65535 of supply."""
        if raw == self._raw:
            if self._same < STUCK_READS:
                self._same += 1
        else:
            self._raw = raw
            self._same = 1
        if raw < _FAULT_LOW or self._same >= STUCK_READS:
            self.faulty = True
            return
        permille = raw * 1000 // _FULL
        if self.faulty:
            self.faulty = False
            self._filtered = permille * 8
        self._filtered += permille - (self._filtered >> 3)
        self.permille = self._filtered >> 3
