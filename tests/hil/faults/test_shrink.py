"""A failing schedule is made small without ever being run in vain."""

from dataclasses import replace

from hil.faults.acts import Dose, Stop
from hil.faults.generate import generate
from hil.faults.schedule import Schedule
from hil.faults.shrink import Shrinker, size_of
from hil.faults.vocabulary import EmergencyStop, LinkDrop, Occlusion


def shrunk(schedule, fails, most_runs=500):
    shrinker = Shrinker(fails, most_runs)
    return shrinker.shrink(schedule), shrinker


def big():
    return next(
        schedule
        for number in range(200)
        if len((schedule := generate("twin", 3, number)).faults) >= 4 and len(schedule.acts) >= 6 and schedule.rig
    )


def test_only_what_makes_it_fail_is_left():
    schedule = replace(big(), faults=(*big().faults, EmergencyStop(2_000_000, 800_000)))

    def fails(candidate):
        return any(isinstance(fault, EmergencyStop) for fault in candidate.faults)

    small, _ = shrunk(schedule, fails)
    assert [fault.KIND for fault in small.faults] == ["emergency_stop"]
    assert (small.acts, small.rig) == ((), {})
    assert small.length_us < schedule.length_us


def test_two_faults_that_matter_only_together_both_stay():
    faults = (
        *tuple(LinkDrop(at_us, 1000, "both", 500) for at_us in range(10)),
        Occlusion(11, 1000, 80, 0),
        EmergencyStop(12, 1000),
    )
    schedule = Schedule("twin", 1, "client", 10_000_000, (Stop(5),), faults)

    def fails(candidate):
        return {"occlusion", "emergency_stop"} <= {fault.KIND for fault in candidate.faults}

    small, _ = shrunk(schedule, fails)
    assert sorted(fault.KIND for fault in small.faults) == ["emergency_stop", "occlusion"]


def test_numbers_become_simple_where_they_do_not_matter_and_stay_where_they_do():
    schedule = Schedule("twin", 1, "client", 1_000_000, (Dose(0, 77_777, 4321),), (LinkDrop(0, 900_000, "both", 345),))

    def fails(candidate):
        return bool(candidate.acts and candidate.faults) and candidate.acts[0].volume_nl > 10_000

    small, _ = shrunk(schedule, fails)
    assert small.acts[0].rate_nl_s == 1000
    assert small.acts[0].volume_nl > 10_000
    assert small.faults[0] == LinkDrop(0, 1000, "to_device", 1000)


def test_what_comes_out_fails_and_the_number_of_runs_is_bounded():
    schedule = big()
    small, shrinker = shrunk(schedule, lambda candidate: len(candidate.acts) >= 3, most_runs=40)
    assert shrinker.runs <= 40
    assert len(small.acts) >= 3
    assert size_of(small) <= size_of(schedule)


def test_a_schedule_that_cannot_be_made_smaller_comes_back_as_it_was():
    schedule = Schedule("twin", 1, "client", 1_000_000)
    assert shrunk(schedule, lambda _: False)[0] == schedule
