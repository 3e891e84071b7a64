import pytest
from hypothesis import given
from hypothesis import strategies as st

from device.repeats import MOST, WITHIN_MS, Repeats
from protocol import codes

pytestmark = pytest.mark.req("FLOW-9")
AIR, LEAK = codes.ALARM_AIR, codes.ALARM_LEAK


def test_the_third_stop_within_ten_minutes_is_once_too_often():
    repeats = Repeats()
    assert [repeats.stopped(AIR, moment) for moment in (0, 1_000, WITHIN_MS)] == [False, False, True]


def test_a_stop_longer_ago_than_ten_minutes_no_longer_counts():
    repeats = Repeats()
    assert [repeats.stopped(AIR, moment) for moment in (0, 1_000, WITHIN_MS + 1)] == [False, False, False]
    assert repeats.stopped(AIR, WITHIN_MS + 2) is True


def test_different_alarms_are_counted_apart():
    repeats = Repeats()
    assert not any(repeats.stopped(alarm, 0) for alarm in (AIR, LEAK, AIR, LEAK))
    assert repeats.stopped(AIR, 0)


@pytest.mark.parametrize("alarm", [0, codes.ALARM_EMERGENCY_STOP, codes.ALARM_DOOR, codes.ALARM_LINK_LOST])
def test_what_people_do_and_what_comes_from_outside_never_counts(alarm):
    repeats = Repeats()
    assert not any(repeats.stopped(alarm, 0) for _ in range(10))


@given(st.lists(st.integers(0, 400_000), max_size=20))
def test_it_is_once_too_often_exactly_when_the_last_three_lie_within_ten_minutes(gaps):
    repeats = Repeats()
    moments = []
    now_ms = (1 << 30) - 1_000_000
    for gap_ms in gaps:
        now_ms += gap_ms
        moments.append(now_ms)
        recent = [moment for moment in moments if now_ms - moment <= WITHIN_MS]
        assert repeats.stopped(AIR, now_ms & 0x3FFFFFFF) is (len(recent) >= MOST)
