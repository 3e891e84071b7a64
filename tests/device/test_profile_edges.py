"""Profiles at the edges of their pieces, and the rate to the last nL/s."""

from math import isqrt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from device import profile
from device.limits import MAX_RATE_NL_S, MIN_DOSE_NL, MIN_RATE_NL_S
from device.profile import Profile
from protocol import codes
from tests.device.test_profile import PIECES, loaded

CONSTANT = [(5_000, 1_000, 1_000)]
RAMP = [(5_000, 1_000, 400)]
LEVEL_THEN_RAMP = [(5_000, 1_000, 1_000), (5_000, 1_000, 400)]


def exact_rates(pieces, steps):
    """The rate at every step, by the formula and without any memory."""
    volume_nl = sum(piece[0] for piece in pieces)
    before_nl = first = 0
    rates = []
    for piece_nl, begin, end in pieces:
        before_nl += piece_nl
        last = steps * before_nl // volume_nl
        rates += [
            isqrt(begin * begin + (end * end - begin * begin) * step // (last - first)) for step in range(last - first)
        ]
        first = last
    return rates


@given(PIECES)
def test_the_rate_is_exact_at_every_step(pieces):
    rates, steps = loaded(pieces)
    assert [rates.rate_at(step) for step in range(steps)] == exact_rates(pieces, steps)


@given(PIECES, st.data())
def test_the_rate_does_not_depend_on_what_was_asked_before(pieces, data):
    rates, steps = loaded(pieces)
    exact = exact_rates(pieces, steps)
    for step in data.draw(st.lists(st.integers(0, steps - 1), max_size=20)):
        assert rates.rate_at(step) == exact[step]


@pytest.mark.parametrize("pieces", [RAMP, LEVEL_THEN_RAMP])
def test_after_the_last_step_the_rate_is_the_one_of_the_end(pieces):
    rates, steps = loaded(pieces)
    assert rates.rate_at(steps) == 400


def test_the_first_rate_is_the_one_of_the_begin():
    for pieces in (CONSTANT, RAMP, LEVEL_THEN_RAMP):
        assert loaded(pieces)[0].first_rate_nl_s == 1_000


def test_only_one_level_piece_is_constant():
    assert loaded(CONSTANT)[0].constant is True
    assert loaded(RAMP)[0].constant is False
    assert loaded(LEVEL_THEN_RAMP)[0].constant is False
    assert loaded(CONSTANT * 2)[0].constant is False


def test_an_empty_profile_has_no_rate():
    assert Profile().rate_at(0) == 0


def test_a_profile_of_a_dose_that_is_over_leaves_nothing_behind():
    rates, steps = loaded(LEVEL_THEN_RAMP)
    rates.rate_at(steps - 1)
    rates.load(RAMP, steps)
    assert [rates.rate_at(step) for step in range(steps)] == exact_rates(RAMP, steps)


def test_a_piece_without_a_step_is_passed_over():
    rates = Profile()
    rates.load([(100, 1_000, 500), (25_000, 500, 500), (25_000, 500, 400)], 100)
    assert rates.rate_at(0) == 500


def test_one_piece_alone_may_be_of_any_volume():
    assert profile.judge(codes.PROFILE_CONSTANT, [(1, 1_000, 1_000)]) == (codes.REASON_NONE, 0)


def test_the_least_piece_and_the_lowest_and_highest_rates_make_sense():
    pieces = [(MIN_DOSE_NL, MIN_RATE_NL_S, MAX_RATE_NL_S), (MIN_DOSE_NL, MAX_RATE_NL_S, MIN_RATE_NL_S)]
    assert profile.judge(codes.PROFILE_SEGMENTS, pieces) == (codes.REASON_NONE, 0)
