"""`rig hil storm` as a person or a script runs it."""

import pytest

from hil.faults.acts import Dose
from hil.faults.schedule import Schedule, to_json
from tests.hil import rig_command


@pytest.fixture
def schedule(tmp_path):
    path = tmp_path / "schedule.json"
    path.write_text(to_json(Schedule("twin", 3, "client", 2_000_000, (Dose(700_000, 500, 5000),))))
    return path


def test_a_storm_prints_how_many_schedules_held(tmp_path):
    done = rig_command.run("hil", "storm", "--schedules", "2", "--seed", "1", "--folder", str(tmp_path))
    assert done.code == 0, done.out + done.err
    assert "twin, seed 1: 2 schedules" in done.out
    assert "0 failed" in done.out


def test_a_storm_prints_one_json_object(tmp_path):
    done = rig_command.run("hil", "storm", "--schedules", "1", "--json", "--folder", str(tmp_path))
    assert (done.code, done.err) == (0, "")
    assert done.json["schedules"] == 1
    assert done.json["violations"] == []


def test_a_schedule_is_replayed_with_the_same_result_every_time(schedule):
    one, other = (rig_command.run("hil", "storm", "--replay", str(schedule), "--json") for _ in range(2))
    assert one.code == 0
    assert one.json == other.json
    assert one.json["edges"] > 89


@pytest.mark.req("SEC-5")
def test_a_bad_schedule_is_named_with_its_place_and_what_to_do(schedule):
    schedule.write_text(schedule.read_text().replace('"volume_nl": 500', '"volume_nl": "much"'))
    done = rig_command.run("hil", "storm", "--replay", str(schedule))
    assert done.code == 2
    assert f"rig: {schedule}.acts[0].volume_nl: a whole number is wanted, not 'much'" in done.err
    assert "to do: Allowed: 1 to 1000000." in done.err


@pytest.mark.req("SEC-5")
def test_a_target_that_there_is_not_is_refused():
    done = rig_command.run("hil", "storm", "--target", "moon", "--json")
    assert done.code == 2
    assert done.json["error"]["what"] == "There is no target 'moon'."
