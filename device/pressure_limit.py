"""The occlusion limit of the line pressure: 69 kPa until the clinic sets it, 14 to 138 kPa when it does.

It is a property of the rig and not of a treatment; every flow is bound by it, that of a rescue, too.
"""

import struct

from device.limits import MAX_PRESSURE_LIMIT_PA, MIN_PRESSURE_LIMIT_PA, PRESSURE_LIMIT_PA
from protocol import codes

_FORMAT = "<I"


class PressureLimit:
    """``pa`` is the highest pressure that is not an alarm; ``nearest`` the nearest allowed value of a refused one."""

    def __init__(self) -> None:
        self.pa = PRESSURE_LIMIT_PA
        self.nearest = 0

    def judge(self, pa: int) -> int:
        """Return REASON_PRESSURE_LIMIT for what no clinic may set."""
        self.nearest = min(max(pa, MIN_PRESSURE_LIMIT_PA), MAX_PRESSURE_LIMIT_PA)
        if self.nearest != pa:
            return codes.REASON_PRESSURE_LIMIT
        self.nearest = 0
        return codes.REASON_NONE

    def set(self, pa: int) -> int:
        """Set the limit when ``judge`` allows."""
        reason = self.judge(pa)
        if reason == codes.REASON_NONE:
            self.pa = pa
        return reason

    def pack(self) -> bytes:
        """Return the limit for the journal's cell."""
        return struct.pack(_FORMAT, self.pa)

    def unpack(self, payload: bytes | None) -> None:
        """Take the limit as it was kept; where none can be read, or one that nobody may set, it is the default."""
        self.pa = PRESSURE_LIMIT_PA
        if payload is not None and len(payload) == struct.calcsize(_FORMAT):
            self.set(struct.unpack(_FORMAT, payload)[0])
