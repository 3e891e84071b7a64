"""A clock that never goes back: what has expired stays expired, whatever is done to the machine's clock."""

import time
from collections.abc import Callable
from typing import Final

NS_PER_MS: Final = 1_000_000


def utc_ms() -> int:
    """Return UTC by the machine's clock, ms."""
    return time.time_ns() // NS_PER_MS


def monotonic_ms() -> int:
    """Return the machine's monotonic clock, ms."""
    return time.monotonic_ns() // NS_PER_MS


class ForwardClock:
    """UTC in ms that never goes back: after a step back of the machine's clock it goes on by the monotonic one.

    ``utc_ms`` and ``monotonic_ms`` tell the two clocks.
    """

    def __init__(self, utc_ms: Callable[[], int] = utc_ms, monotonic_ms: Callable[[], int] = monotonic_ms) -> None:
        self._utc_ms = utc_ms
        self._monotonic_ms = monotonic_ms
        self._reached_ms = utc_ms()
        self._reached_at_ms = monotonic_ms()

    def now_ms(self) -> int:
        """Return the time, at no call earlier than at the one before."""
        monotonic = self._monotonic_ms()
        self._reached_ms = max(self._utc_ms(), self._reached_ms + monotonic - self._reached_at_ms)
        self._reached_at_ms = monotonic
        return self._reached_ms

    def not_before(self, moment_ms: int) -> None:
        """Take note of a moment that certainly has been, from what was recorded earlier."""
        self._reached_ms = max(self.now_ms(), moment_ms)
