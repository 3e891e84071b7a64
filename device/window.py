"""The sliding window: how much agent counts now. It never counts too little, and forgets late rather than early.

What a dose brought counts in full from its end on, what still flows is projected to its end by ``project``.
"""

from device.clock import WRAP_MASK
from device.limits import MAX_WINDOW_S, most_of
from protocol import codes
from protocol.compat import const

_BUCKETS = const(64)
_HALF = const(0x20000000)


class Window:
    """Volumes by when they ended, in 64 buckets over ``span_s``; all memory is taken once.

    Invariant: ``in_window`` counts everything not older than the window, and nothing older than the window and one
    bucket (a 63rd of the span).
    """

    def __init__(self, span_s: int = MAX_WINDOW_S) -> None:
        self._span_s = span_s
        # One bucket more than the span needs: while the newest fills, the oldest is in part too old.
        self._width_ms = span_s * 1000 // (_BUCKETS - 1) + 1
        self._nl = [0] * _BUCKETS
        self._newest = 0
        self._begin_ms = -1

    def add(self, now_ms: int, volume_nl: int) -> None:
        """Count what a dose that ends now brought at most."""
        self._advance(now_ms)
        self._nl[self._newest] += volume_nl

    def age_zero(self, volume_nl: int, now_ms: int) -> None:
        """Count what earlier boots kept: how long ago it was is not known, so it was just now."""
        self.add(now_ms, volume_nl)

    def in_window(self, now_ms: int, window_s: int) -> int:
        """Return what counts in the last ``window_s``, nL; UNKNOWN_NL for a window longer than the span.

        Walks the buckets: for requests, not for every tick.
        """
        if window_s > self._span_s:
            return codes.UNKNOWN_NL
        self._advance(now_ms)
        # Age of the end of the bucket before the newest one.
        age_ms = (now_ms - self._begin_ms) & WRAP_MASK
        if age_ms >= _HALF:
            age_ms = 0
        index = self._newest
        total_nl = self._nl[index]
        window_ms = window_s * 1000
        for _ in range(_BUCKETS - 1):
            if age_ms > window_ms:
                break
            index = index - 1 if index else _BUCKETS - 1
            total_nl += self._nl[index]
            age_ms += self._width_ms
        return total_nl

    def project(self, now_ms: int, window_s: int, rate_nl_s: int, most_nl: int) -> int:
        """Return what counts in the fullest window that begins or ends from now on, nL: the past, and a running flow.

        The flow counts from its beginning to its end, ``most_nl`` (UNKNOWN_NL when it has none), or for as long as a
        window at ``rate_nl_s``, its highest rate, whichever is less; without one both are 0.
        """
        return self.in_window(now_ms, window_s) + min(most_nl, most_of(rate_nl_s * window_s))

    def held_nl(self, now_ms: int) -> int:
        """Return all that a window of any length may still count: what the journal keeps for the next boot."""
        return self.in_window(now_ms, self._span_s)

    def _advance(self, now_ms: int) -> None:
        """Begin the bucket of ``now_ms``, emptying those that are too old for any window."""
        if self._begin_ms < 0:
            self._begin_ms = now_ms
        ahead_ms = (now_ms - self._begin_ms) & WRAP_MASK
        # A moment that lies before is one of long ago, or of a clock that stood: forget nothing.
        if ahead_ms >= _HALF:
            return
        steps = ahead_ms // self._width_ms
        self._begin_ms = (self._begin_ms + steps * self._width_ms) & WRAP_MASK
        for _ in range(min(steps, _BUCKETS)):
            self._newest = (self._newest + 1) % _BUCKETS
            self._nl[self._newest] = 0
