"""The response to a burden above its threshold, against closed forms."""

from math import exp

import pytest

from hil.patient.burden import Burden
from hil.patient.patient import follow
from hil.patient.response import Response

RESPONSE_S = 90.0


def response_after(duration_s, residual, clearance=0.0, threshold=0.0, exponent=1.0, sensitivity=0.02):
    burden = Burden(residual, clearance, 0.0, 0.0, 60.0)
    response = Response(sensitivity, threshold, exponent, RESPONSE_S)
    for piece in burden.advance(duration_s, 0.0, 0.0):
        follow(piece, (response,))
    return response.level


def test_a_steady_burden_drives_it_to_its_end():
    assert response_after(90.0, 24.0, threshold=20.0, exponent=1.5) == pytest.approx(
        0.02 * 8.0 * (1 - exp(-1)), rel=1e-8
    )


@pytest.mark.parametrize("duration_s", [10.0, 600.0, 3600.0])
def test_a_burden_that_is_cleared_gives_two_exponentials(duration_s):
    lost, rate = 0.3 / 60, 1 / RESPONSE_S
    expected = 0.02 * 30.0 * rate * (exp(-lost * duration_s) - exp(-rate * duration_s)) / (rate - lost)
    assert response_after(duration_s, 30.0, clearance=0.3) == pytest.approx(expected, rel=1e-7)


def test_the_square_of_the_excess_gives_its_own_exponentials():
    lost, rate, duration_s = 2 * 0.3 / 60, 1 / RESPONSE_S, 600.0
    expected = 0.02 * 900.0 * rate * (exp(-lost * duration_s) - exp(-rate * duration_s)) / (rate - lost)
    assert response_after(duration_s, 30.0, clearance=0.3, exponent=2.0) == pytest.approx(expected, rel=1e-7)


def test_it_ends_with_the_excess_and_fades_from_there():
    lost, rate = 0.3 / 60, 1 / RESPONSE_S
    crossing_s = 138.62943611198907  # 30 exp(-lost t) = 15
    driven = 0.02 * rate * (
        30.0 * (exp(-lost * crossing_s) - exp(-rate * crossing_s)) / (rate - lost)
    ) - 0.02 * 15.0 * (1 - exp(-rate * crossing_s))
    expected = driven * exp(-rate * (400.0 - crossing_s))
    assert response_after(400.0, 30.0, clearance=0.3, threshold=15.0) == pytest.approx(expected, rel=1e-7)


def test_below_the_threshold_it_only_fades():
    response = Response(0.02, 20.0, 1.5, RESPONSE_S)
    response.level = 1.0
    for piece in Burden(19.0, 0.0, 0.0, 0.0, 60.0).advance(180.0, 0.0, 0.0):
        follow(piece, (response,))
    assert response.level == pytest.approx(exp(-2), rel=1e-12)
