"""Motor and valve supply, measured ahead of the heartbeat switch through a divider: full scale is 16.5 V."""

from protocol.compat import const

_FULL_SCALE_MV = const(16_500)
LOW_MV = const(10_800)
HIGH_MV = const(13_200)


class SupplySensor:
    """``mv`` is the supply in millivolts; ``healthy`` whether it lies within 12 V +-10 %."""

    def __init__(self) -> None:
        self.mv = 0
        self.healthy = False

    def take(self, raw: int) -> None:
        """Take one conversion, 0..65535 of full scale."""
        # 65535 * 16500 overflows a small integer; a quarter of each keeps the product below 2^28.
        self.mv = (raw >> 2) * (_FULL_SCALE_MV >> 2) // 4096
        self.healthy = LOW_MV <= self.mv <= HIGH_MV
