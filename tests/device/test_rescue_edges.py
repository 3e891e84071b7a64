"""The nearest rescue that is allowed, down to where none is."""

import pytest

from device import limits
from device.rescue import Rescue, clearing_nl
from protocol import codes
from tests.device.test_rescue import judge

LEAST = limits.MIN_DOSE_NL


def with_left(left_nl, **changes):
    return judge(rescued_nl=limits.MAX_RESCUE_TOTAL_NL - left_nl, **changes)


def test_a_new_judge_has_refused_nothing():
    assert Rescue().nearest == 0


@pytest.mark.req("RESCUE-2")
@pytest.mark.parametrize(("volume_nl", "reason"), [(50, codes.REASON_VOLUME_LOW), (200, codes.REASON_RESCUE_HIGH)])
def test_the_least_dose_is_the_nearest_as_long_as_it_is_left(volume_nl, reason):
    assert with_left(limits.most_of(LEAST), volume_nl=volume_nl) == (reason, LEAST)
    assert with_left(limits.most_of(LEAST) - 1, volume_nl=volume_nl) == (reason, 0)


@pytest.mark.parametrize("error_ppm", [0, 3_000, limits.BORE_ERROR_PPM])
def test_what_is_left_is_counted_with_the_bore_as_it_is_known(error_ppm):
    nearest_nl = limits.asked_within(30_000, error_ppm)
    asked = {"error_ppm": error_ppm}
    assert with_left(30_000, volume_nl=nearest_nl, **asked) == (codes.REASON_NONE, 0)
    assert with_left(30_000, volume_nl=nearest_nl + 1, **asked) == (codes.REASON_RESCUE_HIGH, nearest_nl)


@pytest.mark.req("DOSE-13")
@pytest.mark.parametrize(("error_ppm", "wider_nl"), [(0, 0), (800, 9), (1_001, 12), (10_000, 114), (20_000, 228)])
def test_the_line_is_cleared_with_an_eighth_more_than_the_error_of_the_bore(error_ppm, wider_nl):
    # 9800 nL behind the valve, 200 of play, 150 of friction and 10 of rounding: 10,160 nL. The bore is wider by its
    # error and an eighth, rounded up to hundredths of a per cent: 0, 0.09, 0.12, 1.13 and 2.25 %.
    clear_nl = clearing_nl(9_800, 200, error_ppm)
    assert (type(clear_nl), clear_nl) == (int, 10_160 + wider_nl + 2)
