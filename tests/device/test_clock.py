from hypothesis import given
from hypothesis import strategies as st

from device.clock import WRAP_MASK, ticks_add, ticks_diff

MOMENTS = st.integers(0, WRAP_MASK)
INTERVALS = st.integers(-(1 << 29), (1 << 29) - 1)


@given(MOMENTS, INTERVALS)
def test_the_difference_of_two_moments_is_the_interval_between_them_across_the_wrap(moment, interval):
    assert ticks_diff(ticks_add(moment, interval), moment) == interval


@given(MOMENTS, INTERVALS)
def test_a_moment_stays_within_the_clock(moment, interval):
    assert 0 <= ticks_add(moment, interval) <= WRAP_MASK


@given(MOMENTS, MOMENTS)
def test_no_intermediate_result_leaves_the_small_integers_of_a_microcontroller(later, earlier):
    assert -(1 << 30) <= later - earlier < 1 << 30
    assert -(1 << 30) <= ticks_diff(later, earlier) < 1 << 30
