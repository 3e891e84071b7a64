"""Compiled-in ceilings of the rig. An order beyond one is refused with the nearest allowed value, never clipped."""

from protocol import codes
from protocol.compat import const

# One micro-step of the 1 mL syringe (bore 4.78 mm, lead 1 mm, 3200 micro-steps a mm; reference rig R1).
STEP_PL = const(5608)

MIN_DOSE_NL = const(100)
MAX_DOSE_NL = const(100_000)
# 9 to 3566 micro-steps a second (reference rig R1).
MIN_RATE_NL_S = const(50)
MAX_RATE_NL_S = const(20_000)
# Half a syringe: no boot gives more than this, whatever is asked.
MAX_TOTAL_NL = const(500_000)
# Occlusion limit of the line pressure: the default of 14..138 kPa (Open PCA Pump, ECRI).
MAX_PRESSURE_PA = const(69_000)
# An order older than this is nobody's present wish.
MAX_EXPIRY_MS = const(60_000)


def steps_of(volume_nl: int) -> int:
    """Return the micro-steps that make ``volume_nl``, rounded down: a dose is never more than was asked."""
    return volume_nl * 1000 // STEP_PL


def volume_of(steps: int) -> int:
    """Return the nominal volume in nL of ``steps`` micro-steps (at most 191,000, one full syringe), rounded down."""
    return steps * STEP_PL // 1000


def upper_of(volume_nl: int) -> int:
    """Return the most that a nominal volume can be: a bore 1 % too wide, and both roundings."""
    return volume_nl + volume_nl // 100 + 2


class Ceilings:
    """Judges volume and rate of an order against the compiled-in ceilings; ``nearest`` is the nearest allowed value."""

    def __init__(self) -> None:
        self.nearest = 0

    def judge(self, volume_nl: int, rate_nl_s: int, counted_nl: int) -> int:
        """Return a REASON_ code for the order, REASON_NONE when every ceiling allows it.

        ``counted_nl`` is what counts already since boot: everything emitted, at its upper end.
        """
        self.nearest = 0
        if volume_nl < MIN_DOSE_NL:
            return self._refuse(codes.REASON_VOLUME_LOW, MIN_DOSE_NL)
        if volume_nl > MAX_DOSE_NL:
            return self._refuse(codes.REASON_VOLUME_HIGH, MAX_DOSE_NL)
        if rate_nl_s < MIN_RATE_NL_S:
            return self._refuse(codes.REASON_RATE_LOW, MIN_RATE_NL_S)
        if rate_nl_s > MAX_RATE_NL_S:
            return self._refuse(codes.REASON_RATE_HIGH, MAX_RATE_NL_S)
        left_nl = MAX_TOTAL_NL - counted_nl
        if upper_of(volume_nl) > left_nl:
            nearest = (left_nl - 2) * 100 // 101
            if upper_of(nearest + 1) <= left_nl:
                nearest += 1
            return self._refuse(codes.REASON_TOTAL_HIGH, nearest if nearest >= MIN_DOSE_NL else 0)
        return codes.REASON_NONE

    def _refuse(self, reason: int, nearest: int) -> int:
        self.nearest = nearest
        return reason
