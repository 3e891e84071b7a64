"""Motor and valve supply, measured ahead of the heartbeat switch through a divider: full scale is 16.5 V."""

from protocol.compat import const

_FULL_SCALE_MV = const(16_500)
LOW_MV = const(10_800)
HIGH_MV = const(13_200)
# The lowest conversion that is not below LOW_MV.
LOW_RAW = const(42_900)
# A code is 4 mV, less than ripple and noise: so many equal conversions, ten seconds of them, are a stuck input.
STUCK_READS = const(100)


class SupplySensor:
    """``mv`` is the supply in millivolts; ``healthy`` whether it lies within 12 V +-10 % and is to be believed.

    ``faulty`` says that the reading is stuck; a supply that is not there reads 0 and is unhealthy without that.
    """

    def __init__(self) -> None:
        self.mv = 0
        self.healthy = False
        self.faulty = False
        self._raw = -1
        self._same = 0

    def take(self, raw: int) -> None:
        """Take one conversion, 0..65535 of full scale."""
        if raw == self._raw:
            if self._same < STUCK_READS:
                self._same += 1
        else:
            self._raw = raw
            self._same = 1
        self.faulty = self._same >= STUCK_READS
        # 65535 * 16500 overflows a small integer; a quarter of each keeps the product below 2^28.
        self.mv = (raw >> 2) * (_FULL_SCALE_MV >> 2) // 4096
        self.healthy = LOW_MV <= self.mv <= HIGH_MV and not self.faulty
