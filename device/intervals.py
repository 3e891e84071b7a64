"""The time that must pass on each channel between the end of a dose to a patient and the start of the next one."""

from device.clock import WRAP_MASK
from device.limits import MIN_INTERVAL_MS
from protocol import codes
from protocol.compat import const

_CHANNELS = const(3)


class Intervals:
    """When the last dose of each channel ended; ``nearest`` is how long to wait yet, ms."""

    def __init__(self) -> None:
        self.nearest = 0
        self._ended_ms = [0] * _CHANNELS
        self._waits = [False] * _CHANNELS

    def ended(self, channel: int, now_ms: int) -> None:
        """Note that a dose to a patient ended now; after a boot, that there is one in the journal, of unknown age."""
        self._ended_ms[channel] = now_ms
        self._waits[channel] = True

    def judge(self, channel: int, now_ms: int) -> int:
        """Return REASON_INTERVAL while the channel must wait. Not for a RESCUE."""
        self.nearest = 0
        if not self._waits[channel]:
            return codes.REASON_NONE
        passed_ms = (now_ms - self._ended_ms[channel]) & WRAP_MASK
        if passed_ms >= MIN_INTERVAL_MS:
            self._waits[channel] = False
            return codes.REASON_NONE
        self.nearest = MIN_INTERVAL_MS - passed_ms
        return codes.REASON_INTERVAL
