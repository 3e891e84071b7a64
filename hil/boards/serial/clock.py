"""The probe's clock and this machine's: the counter unrolled, and where it stands at an instant of ours."""

from __future__ import annotations

from collections import deque

from hil.boards.serial.probe import wire

WINDOW = 16
"""Pings that are remembered; the quickest of them is believed."""

_HALF = 1 << 31


class ProbeClock:
    """Bench time, ns: the probe's counter since the session began."""

    def __init__(self, origin_ticks: int) -> None:
        self._last_ticks = origin_ticks
        self._last_ns = 0
        self._samples: deque[tuple[int, int]] = deque(maxlen=WINDOW)

    def ns(self, ticks: int) -> int:
        """Return the bench's time of a count that lies within 17 minutes of the last horizon."""
        ahead = (ticks - self._last_ticks + _HALF & wire.TICKS_MASK) - _HALF
        return self._last_ns + ahead * wire.TICK_NS

    def reached(self, ticks: int) -> int:
        """Note the last horizon; return it as the bench's time."""
        self._last_ns = self.ns(ticks)
        self._last_ticks = ticks
        return self._last_ns

    def pong(self, sent_ns: int, received_ns: int, ticks: int) -> None:
        """Note one round trip: this machine's monotonic times, and the counter in between."""
        trip_ns = received_ns - sent_ns
        self._samples.append((trip_ns, self.ns(ticks) - (sent_ns + received_ns) // 2))

    @property
    def synchronised(self) -> bool:
        """Tell whether there was a round trip yet."""
        return bool(self._samples)

    @property
    def uncertainty_ns(self) -> int:
        """How far off ``at`` may be: half of the quickest round trip."""
        return min(self._samples)[0] // 2

    def at(self, monotonic_ns: int) -> int:
        """Return the bench's time at an instant of this machine's monotonic clock."""
        return monotonic_ns + min(self._samples)[1]

    def earliest(self, monotonic_ns: int) -> int:
        """Return the earliest that it may have been: what is judged from here on is judged strictly."""
        return self.at(monotonic_ns) - self.uncertainty_ns
