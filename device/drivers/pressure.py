"""Line pressure: a ratiometric analogue sensor, 10 % to 90 % of supply = 0 to 200 kPa (reference rig R1)."""

from protocol.compat import const

_FULL = const(65535)
_ZERO = const(6554)
_SPAN = const(52428)
_SPAN_PA = const(200_000)
# Below 5 % and above 95 % of supply the wire is broken or shorted.
_FAULT_LOW = const(3277)
_FAULT_HIGH = const(62258)
# What a filtered reading may be off beside its noise: zero and quantisation.
_ZERO_ERROR_PA = const(100)
# The converter alone has noise of one code and more: so many equal conversions in a row, a second, are a stuck sensor.
STUCK_READS = const(100)


class PressureSensor:
    """``pa`` follows within some 30 ms (for limits), ``settled_pa`` within some 300 ms (for the end of settling).

    The noise is measured, not assumed: a reading comes with the error it may have, at four standard deviations or more.
    While ``faulty`` (out of range, stuck) both keep the last pressure that was believed.
    """

    def __init__(self) -> None:
        self.pa = 0
        self.settled_pa = 0
        self.faulty = True
        self._quick = 0
        self._slow = 0
        self._noise = 0
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
        if raw < _FAULT_LOW or raw > _FAULT_HIGH or self._same >= STUCK_READS:
            self.faulty = True
            return
        # The product stays below 2^30: (65535 - 6554) * (200000 / 16) < 7.4e8.
        pa = (raw - _ZERO) * (_SPAN_PA // 16) // (_SPAN // 16)
        if self.faulty:
            self.faulty = False
            self._quick = pa * 4
            self._slow = pa * 32
            self.settled_pa = pa
        self._quick += pa - (self._quick >> 2)
        self._slow += pa - (self._slow >> 5)
        self._noise += abs(pa - self.settled_pa) - (self._noise >> 5)
        self.pa = self._quick >> 2
        self.settled_pa = self._slow >> 5

    def error_pa(self) -> int:
        """Return how far ``pa`` may be off in steady flow."""
        # A mean deviation d is a standard deviation of 1.25 d, and 0.47 d behind the filter over 4 conversions.
        return _ZERO_ERROR_PA + (self._noise >> 4)

    def settled_error_pa(self) -> int:
        """Return how far ``settled_pa`` may be off once it is steady."""
        # The filter over 32 conversions leaves 0.16 d.
        return _ZERO_ERROR_PA + (self._noise >> 5)
