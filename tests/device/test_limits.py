import pytest
from hypothesis import given
from hypothesis import strategies as st

from device import limits

steps_fl = st.integers(5_550_000, 5_670_000)
errors_ppm = st.integers(0, 10_000)


@given(st.integers(limits.MIN_DOSE_NL, limits.MAX_DOSE_NL), steps_fl)
def test_the_steps_of_a_volume_are_never_more_than_the_volume_and_less_by_under_one_step(volume_nl, step_fl):
    exact_fl = limits.steps_of(volume_nl, step_fl) * step_fl
    assert volume_nl * 1_000_000 - step_fl < exact_fl <= volume_nl * 1_000_000


@given(st.integers(0, 189_000), steps_fl)
def test_the_volume_of_steps_is_exact_and_rounded_down(steps, step_fl):
    assert limits.volume_of(steps, step_fl) == steps * step_fl // 1_000_000


@given(st.integers(0, 189_000))
def test_without_a_calibration_a_step_is_the_nominal_one(steps):
    volume_nl = steps * limits.STEP_PL // 1000
    assert limits.volume_of(steps) == volume_nl
    assert limits.steps_of(volume_nl) == volume_nl * 1000 // limits.STEP_PL
    assert limits.upper_of(volume_nl) == volume_nl + volume_nl // 100 + 2


@pytest.mark.req("DOSE-5")
@given(st.integers(0, limits.MAX_DOSE_NL), steps_fl, errors_ppm)
def test_no_step_within_its_error_makes_a_volume_more_than_its_upper_end(asked_nl, step_fl, error_ppm):
    steps = limits.steps_of(asked_nl, step_fl)
    upper_nl = limits.upper_of(limits.volume_of(steps, step_fl), error_ppm)
    assert steps * step_fl * (1_000_000 + error_ppm) <= upper_nl * 10**12
    assert upper_nl + limits.FRICTION_NL <= limits.most_of(asked_nl, error_ppm)


@given(st.integers(0, limits.MAX_DOSE_NL), steps_fl, errors_ppm)
def test_steps_within_a_volume_stay_within_it_at_the_upper_end_of_their_error(volume_nl, step_fl, error_ppm):
    steps = limits.steps_within(volume_nl, step_fl, error_ppm)
    widest_fl = step_fl * (1_000_000 + error_ppm)
    assert steps * widest_fl <= volume_nl * 10**12 < (steps + 1) * (widest_fl + 2_000_000)


@given(st.integers(-1_000, limits.MAX_TOTAL_NL), errors_ppm)
def test_asked_within_is_the_largest_volume_whose_most_fits(most_nl, error_ppm):
    volume_nl = limits.asked_within(most_nl, error_ppm)
    assert volume_nl == 0 or limits.most_of(volume_nl, error_ppm) <= most_nl
    assert limits.most_of(volume_nl + 1, error_ppm) > most_nl


@given(st.integers(0, limits.MAX_TOTAL_NL), errors_ppm)
def test_a_larger_volume_never_counts_less(volume_nl, error_ppm):
    assert limits.most_of(volume_nl, error_ppm) < limits.most_of(volume_nl + 1, error_ppm)


def test_no_product_of_a_tick_leaves_the_small_integers_of_a_microcontroller():
    widest_fl = limits.STEP_FL * 101 // 100
    assert 189_000 * (widest_fl // 1000) + 189_000 * 999 // 1000 < 1 << 30
    assert limits.MAX_TOTAL_NL * (limits.BORE_ERROR_PPM // 100) < 1 << 30
    assert limits.STEP_PL * 1000 < 1 << 30
