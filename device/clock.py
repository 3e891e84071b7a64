"""Arithmetic on the device's clocks, which wrap at 2^30 (the range of MicroPython's small integers).

No intermediate result leaves the small integers, so nothing is allocated on a microcontroller.
"""

from protocol.compat import const

WRAP_MASK = const(0x3FFFFFFF)
_HALF = const(0x20000000)


def ticks_diff(later: int, earlier: int) -> int:
    """Return ``later - earlier`` on a clock that wraps at 2^30; negative when ``later`` lies before ``earlier``.

    Right as long as the two are less than 2^29 apart (6 days in milliseconds, 9 minutes in microseconds).
    """
    difference = (later - earlier) & WRAP_MASK
    if difference >= _HALF:
        return difference - WRAP_MASK - 1
    return difference


def ticks_add(moment: int, interval: int) -> int:
    """Return the moment ``interval`` after ``moment`` (before it, when negative)."""
    return (moment + interval) & WRAP_MASK
