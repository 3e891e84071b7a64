import pytest
from hypothesis import given
from hypothesis import strategies as st

from device.intervals import Intervals
from device.limits import MIN_INTERVAL_MS
from protocol import codes

pytestmark = pytest.mark.req("DOSE-9")
WRAP = 1 << 30


@pytest.fixture
def intervals():
    return Intervals()


def test_a_channel_that_never_dosed_need_not_wait(intervals):
    assert intervals.judge(codes.CHANNEL_AGENT, 0) == codes.REASON_NONE


def test_a_dose_too_soon_after_the_end_of_the_last_one_is_told_how_long_to_wait(intervals):
    intervals.ended(codes.CHANNEL_AGENT, 1_000)
    assert intervals.judge(codes.CHANNEL_AGENT, 1_000 + MIN_INTERVAL_MS - 1) == codes.REASON_INTERVAL
    assert intervals.nearest == 1
    assert intervals.judge(codes.CHANNEL_AGENT, 1_000 + MIN_INTERVAL_MS) == codes.REASON_NONE
    assert intervals.nearest == 0


def test_the_channels_wait_each_for_itself(intervals):
    intervals.ended(codes.CHANNEL_AGENT, 1_000)
    assert intervals.judge(codes.CHANNEL_FLUSH, 1_001) == codes.REASON_NONE


@given(st.integers(0, WRAP - 1), st.integers(0, WRAP - 1))
def test_the_interval_holds_across_the_wrap_of_the_clock(ended_ms, passed_ms):
    intervals = Intervals()
    intervals.ended(codes.CHANNEL_AGENT, ended_ms)
    reason = intervals.judge(codes.CHANNEL_AGENT, (ended_ms + passed_ms) % WRAP)
    assert (reason == codes.REASON_INTERVAL) == (passed_ms < MIN_INTERVAL_MS)


def test_a_channel_that_waited_does_not_wait_again_when_the_clock_has_gone_round(intervals):
    intervals.ended(codes.CHANNEL_AGENT, 1_000)
    intervals.judge(codes.CHANNEL_AGENT, 20_000)
    assert intervals.judge(codes.CHANNEL_AGENT, 1_001) == codes.REASON_NONE
