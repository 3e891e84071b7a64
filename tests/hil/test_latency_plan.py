"""Which trials there are, and what copies of a process hand back."""

import os
from collections import Counter
from itertools import pairwise
from random import Random

import pytest

from device.limits import MAX_RATE_NL_S, MIN_RATE_NL_S
from hil.latency import plan
from hil.latency.forks import ChildError, in_copies, in_copy


def counted(planned):
    return sum(group.count for group in planned)


@pytest.mark.parametrize(("instants", "stops", "hangs"), [(1000, 1000, 200), (7, 30, 3), (1, 1, 1), (0, 0, 0)])
def test_there_are_as_many_trials_as_were_asked_for(instants, stops, hangs):
    planned = plan.groups(instants, stops, hangs, 1)
    kinds: Counter[str] = Counter()
    for group in planned:
        kinds[group.kind] += group.count
    assert kinds == Counter({plan.SAFE: instants, plan.STOP: stops, plan.HANG: hangs})


@pytest.mark.req("STOP-2")
def test_instants_reach_from_the_slowest_to_the_fastest_rate():
    rates = sorted(group.rate_nl_s for group in plan.groups(1000, 0, 0, 1))
    assert (rates[0], rates[-1]) == (MIN_RATE_NL_S, MAX_RATE_NL_S)
    assert max(after / before for before, after in pairwise(rates)) < 1.5


@pytest.mark.req("STOP-3")
def test_stops_come_in_every_state_and_mostly_while_steps_leave_the_pin():
    states: Counter[str] = Counter()
    for group in plan.groups(0, 1000, 0, 1):
        states[group.state] += group.count
    assert set(states) == {*plan.RESTING, plan.RUNNING, plan.TELEMETRY, plan.COLLECTING}
    assert min(states.values()) >= 50
    assert states[plan.RUNNING] + states[plan.TELEMETRY] + states[plan.COLLECTING] >= 600


def test_a_board_without_a_heap_gets_its_stops_elsewhere():
    planned = plan.groups(0, 100, 0, 1, collecting=False)
    assert counted(planned) == 100
    assert plan.COLLECTING not in {group.state for group in planned}


def test_the_same_seed_plans_the_same():
    assert plan.groups(100, 100, 10, 5) == plan.groups(100, 100, 10, 5)
    assert plan.groups(100, 100, 10, 5) != plan.groups(100, 100, 10, 6)


def test_instants_around_a_collection_lie_before_in_and_after_it():
    group = plan.Group(plan.STOP, plan.COLLECTING, MAX_RATE_NL_S, 200, "1")
    instants = plan.around_collection(10_000_000, group, Random(1))
    assert instants == sorted(instants)
    assert instants[0] < 10_000_000
    assert instants[-1] > 13_000_000


def test_a_copy_changes_nothing_here():
    kept = [1]

    def change():
        kept.append(2)
        return {"length": len(kept), "process": os.getpid()}

    row = in_copy(change)
    assert row["length"] == 2
    assert row["process"] != os.getpid()
    assert kept == [1]


def test_copies_hand_back_rows_of_any_length_from_many_at_once():
    def job(number):
        return lambda emit: [emit({"job": number, "text": "x" * 100_000}) for _ in range(3)]

    rows = list(in_copies([job(number) for number in range(5)], 2))
    assert Counter(row["job"] for row in rows) == dict.fromkeys(range(5), 3)
    assert {len(row["text"]) for row in rows} == {100_000}


def test_a_copy_that_fails_tells_why():
    def fail():
        raise ValueError("this is why")

    with pytest.raises(ChildError, match="this is why"):
        in_copy(fail)


def test_a_copy_that_dies_is_an_error_too():
    with pytest.raises(ChildError, match="status"):
        in_copy(lambda: os._exit(3))
