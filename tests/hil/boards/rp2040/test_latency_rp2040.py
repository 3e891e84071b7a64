"""A sample of `rig hil latency`, of the ticks and of the steps on the emulated Pico; the full run is for the night."""

import pytest

from hil.boards.rp2040 import ticks
from hil.latency import plan, steps
from hil.latency.measure import trials
from hil.latency.report import Report

pytestmark = pytest.mark.rp2040

# Half of the period.
TICK_WORST_US = 5_000


@pytest.mark.req("STOP-2", "STOP-3", "STOP-5", "STOP-11")
def test_a_sample_of_all_trials_holds_every_bound():
    rows = list(trials("rp2040", 11, 20, 40, 6))
    report = Report("rp2040", 11, rows)
    assert report.judged() == []
    states = {row["state"] for row in report.of(plan.STOP)}
    assert states == {*plan.RESTING, plan.RUNNING, plan.TELEMETRY, plan.COLLECTING}
    assert max(report.stop_us) > 0
    assert {row["hung"] for row in report.of(plan.SAFE)} == {True, False}


def test_the_worst_tick_leaves_room_in_its_period_and_one_that_collects_the_heap_is_over_within_it():
    measured = ticks.measure(seconds=1.1)
    assert measured.ticks >= 105
    assert 0 < measured.worst_us < TICK_WORST_US
    assert measured.worst_us < measured.collecting_us < ticks.TICK_US
    assert measured.held
    assert measured.goal_met
    assert set(measured.as_dict()["parts_us"]) >= {"sense", "judge", "advance", "_report", "_end_tick"}


@pytest.mark.parametrize(
    ("worst_us", "collecting_us", "goal_met", "within_period"),
    [
        (5_000, 9_999, True, True),
        (5_001, 9_999, False, True),
        (5_000, 10_000, True, False),
        (10_000, 0, False, False),
    ],
)
def test_half_of_the_period_is_asked_of_every_tick_and_the_whole_of_one_that_collects_the_heap(
    worst_us, collecting_us, goal_met, within_period
):
    measured = ticks.Ticks(100, {}, {}, 4_000.0, worst_us, collecting_us)
    assert (measured.goal_met, measured.within_period) == (goal_met, within_period)
    assert measured.held is (goal_met and within_period)
    told = ticks.report(measured, 0)
    assert ("MISSED" in told, "EXCEEDED" in told) == (not goal_met, not within_period)


@pytest.mark.req("DOSE-8")
def test_at_twenty_thousand_steps_a_second_not_one_is_lost_or_out_of_time():
    run = steps.run_at(50, 1.2, 1)
    assert run.exact, run
    assert run.telemetry >= 10
    assert run.collections >= 1
