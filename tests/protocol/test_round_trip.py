"""The time-out follows the line: never too eager, never beyond its bounds."""

from hypothesis import given
from hypothesis import strategies as st

from protocol.round_trip import TIMEOUT_FIRST_MS, TIMEOUT_MAX_MS, TIMEOUT_MIN_MS, RoundTrip


def measured(*samples):
    trip = RoundTrip()
    for sample in samples:
        trip.measured(sample)
    return trip


def test_before_any_measurement_the_time_out_is_fixed_and_doubles():
    trip = RoundTrip()
    assert trip.smoothed_us == 0
    assert [trip.timeout_ms(attempt) for attempt in (1, 2, 3, 4)] == [TIMEOUT_FIRST_MS, 400, 800, TIMEOUT_MAX_MS]


def test_the_first_measurement_counts_in_full():
    trip = measured(100)
    assert trip.smoothed_us == 100_000
    # 100 ms + 4 * 50 ms, as RFC 6298 (2.2) has it.
    assert trip.timeout_ms(1) == 300


def test_a_steady_line_lets_the_time_out_approach_the_round_trip():
    trip = measured(*[60] * 60)
    assert trip.smoothed_us == 60_000
    assert 60 < trip.timeout_ms(1) <= 65


def test_a_line_that_slows_down_is_followed():
    trip = measured(*[5] * 20, *[200] * 40)
    assert 190_000 < trip.smoothed_us <= 200_000
    assert trip.timeout_ms(1) > 200


@given(st.lists(st.integers(0, 100_000), max_size=50), st.integers(1, 10_000))
def test_the_time_out_keeps_its_bounds(samples, attempt):
    assert TIMEOUT_MIN_MS <= measured(*samples).timeout_ms(attempt) <= TIMEOUT_MAX_MS


@given(st.lists(st.integers(0, 100_000), min_size=1, max_size=50))
def test_the_smoothed_round_trip_lies_among_the_measured(samples):
    trip = measured(*samples)
    assert max(1, min(samples) * 1000 - 10) <= trip.smoothed_us <= max(1, max(samples) * 1000)


def test_a_round_trip_of_nothing_still_counts_as_measured():
    trip = measured(0)
    assert trip.smoothed_us == 1
    assert trip.timeout_ms(1) == TIMEOUT_MIN_MS
