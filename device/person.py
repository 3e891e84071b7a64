"""Presence of a person: the foot switch must be released and then pressed within 10 s of the command."""

from device.clock import ticks_diff
from protocol import codes
from protocol.compat import const

# What a person may be asked to confirm.
ACT_NONE = const(0)
ACT_CLEAR = const(1)
ACT_RESUME = const(2)
ACT_OPEN_TREATMENT = const(3)
ACT_CLOSE_TREATMENT = const(4)
ACT_SET_CEILINGS = const(5)
ACT_CLEAR_BY_CLINICIAN = const(6)
ACT_RESOLVE = const(7)
ACT_SET_CALIBRATION = const(8)
ACT_RESCUE = const(9)
ACT_TEST_ALARMS = const(10)
ACT_LONE_RESCUE = const(11)
ACT_SET_PRESSURE_LIMIT = const(12)
WINDOW_MS = const(10_000)


class Person:
    """Waits for one act at a time; ``values`` are those of the message that asked for it."""

    def __init__(self) -> None:
        self.awaited = ACT_NONE
        self.values = ()
        self._since_ms = 0
        self._released = False

    def ask(self, act: int, values: tuple, now_ms: int) -> int:
        """Wait for a person to confirm ``act`` (an ACT_ number); return a REASON_ code.

        The same act asked for again begins its time anew; a rescue takes the place of anything that waits, and nothing
        takes its place.
        """
        if self.awaited not in (ACT_NONE, act) and act != ACT_RESCUE:
            return codes.REASON_PERSON_BUSY
        self.awaited = act
        self.values = values
        self._since_ms = now_ms
        self._released = False
        return codes.REASON_NONE

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
