"""A clock that never goes back."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from host.access.clock import ForwardClock
from tests.host.access.conftest import START_MS, Hands

pytestmark = pytest.mark.req("SEC-3")


def test_it_tells_utc_as_long_as_that_goes_on(hands: Hands) -> None:
    clock = hands.clock()
    hands.go_on(1_500)
    assert clock.now_ms() == START_MS + 1_500
    hands.utc_ms += 3_600_000  # set right, or the machine slept
    assert clock.now_ms() == START_MS + 3_601_500


def test_it_goes_on_by_the_monotonic_clock_when_utc_is_set_back(hands: Hands) -> None:
    clock = hands.clock()
    hands.utc_ms -= 86_400_000
    hands.go_on(2_000)
    assert clock.now_ms() == START_MS + 2_000


def test_it_is_not_before_what_was_recorded_and_goes_on_from_there(hands: Hands) -> None:
    clock = hands.clock()
    clock.not_before(START_MS + 10_000)
    hands.go_on(1_000)
    assert clock.now_ms() == START_MS + 11_000
    clock.not_before(0)
    assert clock.now_ms() == START_MS + 11_000


@given(st.lists(st.tuples(st.integers(-(10**12), 10**12), st.integers(0, 10**9)), max_size=30))
def test_it_never_goes_back_nor_slower_than_the_monotonic_clock(steps: list[tuple[int, int]]) -> None:
    hands = Hands()
    clock = ForwardClock(lambda: hands.utc_ms, lambda: hands.monotonic_ms)
    before = clock.now_ms()
    for utc_ms, passed_ms in steps:
        hands.utc_ms += utc_ms
        hands.monotonic_ms += passed_ms
        now = clock.now_ms()
        assert now >= before + passed_ms
        before = now
