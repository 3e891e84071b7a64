"""Presence of a person: the foot switch must be released and then pressed within 10 s of the command."""

from device.clock import ticks_diff
from protocol.compat import const

ACT_NONE = const(0)
ACT_CLEAR = const(1)
ACT_RESUME = const(2)
WINDOW_MS = const(10_000)


class Person:
    """Waits for one act at a time; a new command replaces the one that waits."""

    def __init__(self) -> None:
        self.awaited = ACT_NONE
        self._since_ms = 0
        self._released = False

    def ask(self, act: int, now_ms: int) -> None:
        """Wait for a person to confirm ``act`` (an ACT_ number)."""
        self.awaited = act
        self._since_ms = now_ms
        self._released = False

    def forget(self) -> None:
        """Wait no longer."""
        self.awaited = ACT_NONE

    def tick(self, pressed: bool, now_ms: int) -> int:
        """Return the act that was confirmed just now, else ACT_NONE."""
        if self.awaited == ACT_NONE:
            return ACT_NONE
        if ticks_diff(now_ms, self._since_ms) > WINDOW_MS:
            self.awaited = ACT_NONE
        elif not pressed:
            self._released = True
        elif self._released:
            act = self.awaited
            self.awaited = ACT_NONE
            return act
        return ACT_NONE
