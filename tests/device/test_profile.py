"""Rate profiles: the rate at every step is the one a continuous profile has when that volume is out."""

import math
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from device import profile
from device.limits import MAX_DOSE_NL, MAX_RATE_NL_S, MIN_RATE_NL_S, steps_of
from device.profile import Profile, pieces_of
from protocol import codes

NO_SEGMENTS = bytes(24)
RATES = st.integers(MIN_RATE_NL_S, MAX_RATE_NL_S)
PIECES = st.lists(st.tuples(st.integers(100, 25_000), RATES, RATES), min_size=1, max_size=4)


def segments(*pieces):
    values = [number for piece in pieces for number in piece]
    return struct.pack("<IHHIHHIHH", *values, *[0] * (9 - len(values)))


def loaded(pieces):
    rates = Profile()
    steps = steps_of(sum(piece[0] for piece in pieces))
    rates.load(pieces, steps)
    return rates, steps


def test_a_constant_profile_is_one_piece():
    assert pieces_of(codes.PROFILE_CONSTANT, 5_000, 1_000, 1_000, NO_SEGMENTS) == [(5_000, 1_000, 1_000)]


def test_the_first_piece_is_what_the_others_leave():
    further = segments((2_000, 500, 600), (1_000, 600, 50))
    assert pieces_of(codes.PROFILE_SEGMENTS, 5_000, 1_000, 500, further) == [
        (2_000, 1_000, 500), (2_000, 500, 600), (1_000, 600, 50),
    ]  # fmt: skip


@pytest.mark.req("DOSE-4")
@pytest.mark.parametrize(
    ("number", "end_nl_s", "further", "reason", "nearest"),
    [
        (codes.PROFILE_CONSTANT, 2_000, NO_SEGMENTS, codes.REASON_SEGMENT, 0),
        (codes.PROFILE_RAMP, 2_000, segments((1_000, 500, 500)), codes.REASON_SEGMENT, 0),
        (codes.PROFILE_SEGMENTS, 2_000, NO_SEGMENTS, codes.REASON_SEGMENT, 0),
        (codes.PROFILE_SEGMENTS, 2_000, segments((99, 500, 500)), codes.REASON_SEGMENT, 100),
        (codes.PROFILE_SEGMENTS, 2_000, segments((9_950, 500, 500)), codes.REASON_SEGMENT, 100),
        (codes.PROFILE_SEGMENTS, 2_000, segments((11_000, 500, 500)), codes.REASON_SEGMENT, 100),
        (codes.PROFILE_SEGMENTS, 2_000, segments((0, 0, 0), (500, 500, 500)), codes.REASON_SEGMENT, 0),
        (codes.PROFILE_SEGMENTS, 2_000, segments((500, 49, 500)), codes.REASON_RATE_LOW, 50),
        (codes.PROFILE_SEGMENTS, 2_000, segments((500, 50, 20_001)), codes.REASON_RATE_HIGH, 20_000),
        (codes.PROFILE_RAMP, 20_001, NO_SEGMENTS, codes.REASON_RATE_HIGH, 20_000),
        (codes.PROFILE_RAMP, 0, NO_SEGMENTS, codes.REASON_RATE_LOW, 50),
        (3, 1_000, NO_SEGMENTS, codes.REASON_PROFILE, 0),
        (255, 1_000, NO_SEGMENTS, codes.REASON_PROFILE, 0),
    ],
)
def test_a_profile_that_makes_no_sense_is_refused_with_its_reason(number, end_nl_s, further, reason, nearest):
    assert profile.judge(number, pieces_of(number, 10_000, 1_000, end_nl_s, further)) == (reason, nearest)


@given(PIECES)
def test_what_makes_sense_is_not_refused(pieces):
    number = codes.PROFILE_SEGMENTS if len(pieces) > 1 else codes.PROFILE_RAMP
    volume_nl = sum(piece[0] for piece in pieces)
    _, rate_nl_s, end_nl_s = pieces[0]
    taken = pieces_of(number, volume_nl, rate_nl_s, end_nl_s, segments(*pieces[1:]))
    assert taken == pieces
    assert profile.judge(number, taken) == (codes.REASON_NONE, 0)


@given(st.integers(100, MAX_DOSE_NL), RATES, RATES, st.floats(0, 1))
def test_within_a_ramp_the_square_of_the_rate_is_linear_in_the_steps(volume_nl, begin_nl_s, end_nl_s, share):
    rates, steps = loaded([(volume_nl, begin_nl_s, end_nl_s)])
    step = int(share * (steps - 1))
    exact = math.sqrt(begin_nl_s**2 + (end_nl_s**2 - begin_nl_s**2) * step / steps)
    assert abs(rates.rate_at(step) - exact) <= 1.1


@given(PIECES, st.lists(st.floats(0, 1), min_size=1, max_size=10))
def test_the_rate_is_that_of_the_piece_whatever_was_asked_before(pieces, shares):
    rates, steps = loaded(pieces)
    ends = [steps_of(sum(piece[0] for piece in pieces[: n + 1])) for n in range(len(pieces))]
    for share in shares:
        step = int(share * (steps - 1))
        found = rates.rate_at(step)
        near = [n for n in range(len(pieces)) if (ends[n - 1] if n else 0) - 1 <= step <= ends[n] + 1]
        assert any(min(pieces[n][1:]) - 1 <= found <= max(pieces[n][1:]) + 1 for n in near)


def test_the_highest_rate_is_that_of_any_piece():
    assert profile.highest_rate([(100, 50, 70), (100, 90, 60)]) == 90
