"""The storm itself: as many schedules as the time allows on each board, and every promise holds."""

import json

import pytest

from hil.faults.acts import Dose, Stop
from hil.faults.schedule import Schedule, load
from hil.faults.vocabulary import DoorOpen
from hil.storm.run import RunResult
from hil.storm.storm import storm
from hil.violation import Violation

SCHEDULES = {"twin": 50, "vm": 10, "rp2040": 5}


@pytest.mark.req(
    "STOP-1", "STOP-2", "STOP-3", "STOP-5", "DOSE-2", "DOSE-8", "LINK-4", "LEDGER-3", "LEDGER-5", "PERMIT-4"
)
@pytest.mark.parametrize(
    "board",
    ["twin", "vm", pytest.param("rp2040", marks=pytest.mark.rp2040)],
)
def test_no_promise_is_broken_by_any_schedule(board, tmp_path):
    result = storm(board, SCHEDULES[board], 1, folder=tmp_path, shrink_runs=0)
    assert result.schedules == SCHEDULES[board]
    assert result.edges > 100 * result.schedules
    assert [str(violation) for found in result.found for violation in found.result.violations] == []


def breaks_with_a_door(schedule):
    """A rig on which every door that opens while a dose was ordered breaks a promise."""
    doors = [fault for fault in schedule.faults if isinstance(fault, DoorOpen)]
    doses = [act for act in schedule.acts if isinstance(act, Dose)]
    violations = [Violation("doors", 5, "a door")] if doors and doses else []
    return RunResult(schedule, violations, "digest", 1.0, 0)


def test_what_fails_is_made_small_and_kept_with_the_command_that_runs_it_again(tmp_path):
    result = storm("twin", 60, 1, folder=tmp_path, runner=breaks_with_a_door)
    assert result.found
    for found in result.found:
        kept = load(found.path)
        assert kept == found.result.schedule
        assert [fault.KIND for fault in kept.faults] == ["door_open"]
        assert [act.KIND for act in kept.acts] == ["dose"]
        assert found.replay == f"rig hil storm --replay {found.path}"
        assert json.loads(found.path.read_text())["violations"] == ["doors at 0.000000 s: a door"]


def test_a_storm_ends_when_too_much_is_wrong():
    def broken(schedule):
        return RunResult(schedule, [Violation("all", 0, "")], "", 1.0, 0)

    assert storm("twin", 100, 1, runner=broken, shrink_runs=0).schedules == 20


def test_the_smaller_schedule_breaks_the_promise_that_was_broken_first():
    def runner(schedule):
        stops = any(isinstance(act, Stop) for act in schedule.acts)
        found = [Violation("stop", 1, "")] if stops else []
        found += [Violation("length", 2, "")] if schedule.length_us > 100 else []
        return RunResult(schedule, found, "", 1.0, 0)

    result = storm("twin", 8, 1, runner=runner)
    for found in result.found:
        kept = found.result.schedule
        assert isinstance(kept, Schedule)
        assert found.result.violations[0].rule in ("stop", "length")
        assert len(kept.acts) <= 1
