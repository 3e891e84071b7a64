"""The heartbeat one-shot."""

from hypothesis import given
from hypothesis import strategies as st

from hil.plant.one_shot import NEVER_NS, OneShot

HOLD_NS = 20


def intervals(one_shot, until_ns=NEVER_NS):
    """Let everything that is known happen and return the times of the changes."""
    changes = []
    while one_shot.change_ns < min(until_ns, NEVER_NS):
        changes.append(one_shot.change_ns)
        one_shot.change()
    return changes


def test_an_edge_holds_the_output_for_a_fixed_time():
    one_shot = OneShot(HOLD_NS)
    one_shot.edges(100, 0, 1)
    assert intervals(one_shot) == [100, 120]


def test_edges_in_time_keep_the_output_up():
    one_shot = OneShot(HOLD_NS)
    one_shot.edges(100, 5, 4)
    one_shot.edges(125, 0, 1)
    assert intervals(one_shot) == [100, 145]


def test_a_late_edge_leaves_a_gap():
    one_shot = OneShot(HOLD_NS)
    one_shot.edges(100, 0, 1)
    one_shot.edges(121, 0, 1)
    assert intervals(one_shot) == [100, 120, 121, 141]


def test_a_slow_train_of_edges_leaves_a_gap_after_each():
    one_shot = OneShot(HOLD_NS)
    one_shot.edges(0, 30, 2)
    assert intervals(one_shot) == [0, 20, 30, 50]


@given(st.lists(st.integers(1, 60), min_size=1, max_size=30), st.data())
def test_the_output_is_up_exactly_where_an_edge_is_young_enough(gaps, data):
    one_shot = OneShot(HOLD_NS)
    times, now = [], 0
    changes = []
    for gap in gaps:
        now += gap
        times.append(now)
        one_shot.edges(now, 0, 1)
        if data.draw(st.booleans()):
            changes += intervals(one_shot, now)
    changes += intervals(one_shot)
    for instant in range(times[-1] + HOLD_NS + 2):
        young = any(time <= instant < time + HOLD_NS for time in times)
        up = sum(change <= instant for change in changes) % 2 == 1
        assert up == young
