"""Steps and volumes to the last one, in whole numbers."""

import pytest

from device import limits

STEPS_FL = (5_550_000, limits.STEP_FL, 5_670_000)
ERRORS_PPM = (0, 100, 5_000, limits.BORE_ERROR_PPM)
VOLUMES_NL = range(limits.MIN_DOSE_NL, limits.MAX_DOSE_NL + 1, 37)


@pytest.mark.req("DOSE-5")
@pytest.mark.parametrize("step_fl", STEPS_FL)
@pytest.mark.parametrize("error_ppm", ERRORS_PPM)
def test_the_steps_within_a_volume_are_as_many_as_fit_if_each_is_as_large_as_it_may_be(step_fl, error_ppm):
    largest_fl = step_fl + step_fl * error_ppm // 1_000_000 + 1
    for volume_nl in VOLUMES_NL:
        steps = limits.steps_within(volume_nl, step_fl, error_ppm)
        assert steps * largest_fl <= volume_nl * 1_000_000 < (steps + 1) * largest_fl


def test_what_is_computed_stays_whole():
    made = (
        limits.steps_of(5_000),
        limits.steps_within(5_000),
        limits.volume_of(5_001),
        limits.upper_of(5_001),
        limits.most_of(5_001),
        limits.asked_within(5_001),
    )
    assert [type(number) for number in made] == [int] * len(made)


@pytest.mark.parametrize("error_ppm", ERRORS_PPM)
def test_from_the_least_on_the_largest_volume_within_a_most_is_found(error_ppm):
    for most_nl in range(1_000):
        fitting = [volume_nl for volume_nl in range(1_000) if limits.most_of(volume_nl, error_ppm) <= most_nl]
        assert limits.asked_within(most_nl, error_ppm) == max(fitting, default=0)
