"""The occlusion limit of the line pressure: what a clinic may set, what is kept, and what holds when nothing is."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from device.pressure_limit import PressureLimit
from protocol import codes

pytestmark = pytest.mark.req("FLOW-3")

DEFAULT_PA = 69_000
LEAST_PA = 14_000
MOST_PA = 138_000


@pytest.fixture
def limit():
    return PressureLimit()


def test_until_it_is_set_the_limit_is_69_kpa_and_nothing_was_refused(limit):
    assert (limit.pa, limit.nearest) == (DEFAULT_PA, 0)


@pytest.mark.parametrize("pa", [LEAST_PA, LEAST_PA + 1, DEFAULT_PA, MOST_PA - 1, MOST_PA])
def test_14_to_138_kpa_may_be_set(limit, pa):
    assert limit.judge(pa) == codes.REASON_NONE
    assert limit.pa == DEFAULT_PA
    assert limit.set(pa) == codes.REASON_NONE
    assert (limit.pa, limit.nearest) == (pa, 0)


@pytest.mark.parametrize(
    ("pa", "nearest"),
    [(0, LEAST_PA), (LEAST_PA - 1, LEAST_PA), (MOST_PA + 1, MOST_PA), (1 << 30, MOST_PA), ((1 << 32) - 1, MOST_PA)],
)
def test_anything_else_is_refused_with_the_nearest_and_changes_nothing(limit, pa, nearest):
    limit.set(20_000)
    assert limit.judge(pa) == codes.REASON_PRESSURE_LIMIT
    assert limit.set(pa) == codes.REASON_PRESSURE_LIMIT
    assert (limit.pa, limit.nearest) == (20_000, nearest)


def test_the_nearest_is_forgotten_with_the_next_that_is_allowed(limit):
    limit.judge(MOST_PA + 1)
    limit.judge(MOST_PA)
    assert limit.nearest == 0


@given(st.integers(LEAST_PA, MOST_PA))
def test_what_is_kept_comes_back(pa):
    limit, after = PressureLimit(), PressureLimit()
    limit.set(pa)
    after.unpack(limit.pack())
    assert after.pa == pa


@pytest.mark.parametrize(
    "payload",
    [
        None,
        b"",
        MOST_PA.to_bytes(3, "little"),
        MOST_PA.to_bytes(8, "little"),
        (MOST_PA + 1).to_bytes(4, "little"),
        (LEAST_PA - 1).to_bytes(4, "little"),
        b"\xff" * 4,
    ],
)
def test_what_cannot_be_read_or_may_not_be_set_is_the_default(limit, payload):
    limit.set(MOST_PA)
    limit.unpack(payload)
    assert limit.pa == DEFAULT_PA


def test_a_limit_is_four_octets_in_the_journal_the_lowest_first(limit):
    limit.set(MOST_PA)
    assert limit.pack() == bytes((0x10, 0x1B, 0x02, 0x00))
