"""The heartbeat's model."""

from hypothesis import given
from hypothesis import strategies as st

from hil.boards.heartbeat import HeartbeatModel

MS = 1_000_000


def edges(heartbeat, until_ns):
    run = heartbeat.advance(until_ns)
    return [] if run is None else [run[0] + number * run[1] for number in range(run[2])]


def test_the_first_edge_comes_at_once_and_then_one_every_five_milliseconds():
    heartbeat = HeartbeatModel()
    heartbeat.advance(100 * MS)
    heartbeat.feed()
    assert edges(heartbeat, 200 * MS) == [100 * MS, 105 * MS]


def test_it_goes_on_without_a_gap_while_it_is_fed():
    heartbeat = HeartbeatModel()
    seen = []
    for tick in range(100):
        seen += edges(heartbeat, tick * 10 * MS)
        heartbeat.feed()
    assert seen == list(range(0, 986 * MS, 5 * MS))


@given(st.lists(st.integers(0, 60 * MS), min_size=1, max_size=20))
def test_it_falls_silent_within_twenty_milliseconds_of_the_last_meal(waits):
    heartbeat = HeartbeatModel()
    now_ns, last_ns = 0, 0
    for wait_ns in waits:
        now_ns += wait_ns
        heartbeat.advance(now_ns)
        heartbeat.feed()
    seen = edges(heartbeat, now_ns + 10_000 * MS)
    last_ns = seen[-1]
    assert last_ns - now_ns <= 20 * MS


def test_no_edge_comes_after_a_stop():
    heartbeat = HeartbeatModel()
    heartbeat.feed()
    edges(heartbeat, 7 * MS)
    heartbeat.stop()
    assert edges(heartbeat, 1000 * MS) == []
