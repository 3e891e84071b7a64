"""The window at the edges of its buckets, of its ring and of half the clock."""

from device import limits
from device.window import Window
from protocol import codes

MAX_MS = limits.MAX_WINDOW_S * 1000
BUCKET_MS = MAX_MS // 63 + 1
HALF = 1 << 29


def begun():
    """A window whose first bucket begins at 0."""
    window = Window()
    window.in_window(0, 600)
    return window


def test_what_ended_with_its_bucket_counts_as_long_as_the_longest_window():
    window = begun()
    window.add(BUCKET_MS - 3, 7)
    assert window.in_window(BUCKET_MS - 3 + MAX_MS, limits.MAX_WINDOW_S) == 7


def test_the_last_bucket_of_the_ring_counts_like_any_other():
    window = begun()
    window.add(63 * BUCKET_MS + 10, 7)
    assert window.in_window(64 * BUCKET_MS + 10, 600) == 7


def test_a_moment_half_the_clock_ahead_is_one_that_lies_before():
    window = begun()
    window.add(0, 5)
    window.add(2 * BUCKET_MS, 3)
    assert window.in_window(2 * BUCKET_MS + HALF, limits.MAX_WINDOW_S) == 8


def test_seen_from_before_even_the_shortest_window_holds_the_bucket_before():
    window = begun()
    window.add(0, 5)
    window.add(BUCKET_MS, 3)
    assert window.in_window(10, 0) == 8


def test_the_longest_window_is_judged_and_a_longer_one_is_not_known():
    window = begun()
    window.add(0, 5)
    assert window.in_window(0, limits.MAX_WINDOW_S) == 5
    assert window.in_window(0, limits.MAX_WINDOW_S + 1) == codes.UNKNOWN_NL
