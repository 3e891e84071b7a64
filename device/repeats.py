"""The same alarm stopped flow three times within ten minutes: whoever restarts once more does not mend it (FLOW-9)."""

from device.clock import ticks_diff
from protocol import codes
from protocol.compat import const

MOST = const(3)
WITHIN_MS = const(600_000)

# What people do at the rig, or what comes from outside of it, repeats without anything being broken.
_NEVER_COUNTED = (
    codes.ALARM_EMERGENCY_STOP,
    codes.ALARM_DOOR,
    codes.ALARM_RESERVOIR_EMPTY,
    codes.ALARM_RESERVOIR_LOW,
    codes.ALARM_CARTRIDGE,
    codes.ALARM_LINK_LOST,
    codes.ALARM_PERMIT_GONE,
    codes.ALARM_MONITOR_HOLD,
    codes.ALARM_UNRESOLVED,
    codes.ALARM_PERSON_STOP,
    codes.ALARM_REPEATED,
)


class Repeats:
    """Remembers when each alarm ended flow. ``forget_old`` has to be called at least once in six days."""

    def __init__(self) -> None:
        self._stops: list = []

    def stopped(self, alarm: int, now_ms: int) -> bool:
        """Take that an alarm ended flow; return whether it is once too often. Allocates."""
        if alarm == 0 or alarm in _NEVER_COUNTED:
            return False
        self.forget_old(now_ms)
        self._stops.append((alarm, now_ms))
        times = 0
        for stopped_by, _ in self._stops:
            if stopped_by == alarm:
                times += 1
        return times >= MOST

    def forget_old(self, now_ms: int) -> None:
        """Forget what is longer ago than ten minutes."""
        stops = self._stops
        while stops and ticks_diff(now_ms, stops[0][1]) > WITHIN_MS:
            stops.pop(0)
