"""When to send a request again: the smoothed round trip of RFC 6298, bounded for a serial line."""

from protocol.compat import const

TIMEOUT_MIN_MS = const(20)
TIMEOUT_MAX_MS = const(1000)
# Before anything was measured: a device may be busy starting.
TIMEOUT_FIRST_MS = const(200)
# The clock's grain, G of RFC 6298.
_GRAIN_US = const(1000)


class RoundTrip:
    """Smooths measured round trips and gives the time-out that follows from them."""

    def __init__(self) -> None:
        self.smoothed_us = 0
        self._variation_us = 0

    def measured(self, elapsed_ms: int) -> None:
        """Take in one round trip of something that was sent exactly once (Karn's rule)."""
        elapsed_us = elapsed_ms * 1000
        if self.smoothed_us == 0:
            # At least one, because 0 says that nothing was measured.
            self.smoothed_us = max(1, elapsed_us)
            self._variation_us = elapsed_us // 2
            return
        self._variation_us += (abs(self.smoothed_us - elapsed_us) - self._variation_us) // 4
        self.smoothed_us = max(1, self.smoothed_us + (elapsed_us - self.smoothed_us) // 8)

    def timeout_ms(self, attempt: int) -> int:
        """Return the time-out after the ``attempt``-th sending (1 for the first); it doubles each time."""
        if self.smoothed_us == 0:
            base = TIMEOUT_FIRST_MS
        else:
            base = (self.smoothed_us + max(_GRAIN_US, 4 * self._variation_us) + 999) // 1000
        base = max(TIMEOUT_MIN_MS, base)
        return min(TIMEOUT_MAX_MS, base << min(attempt - 1, 10))
