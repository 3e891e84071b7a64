"""The command that times a rescue with nobody left to order it."""

import json

import pytest

from hil import lone_rescue
from tests.hil.in_process import call, said


@pytest.mark.req("RESCUE-3")
def test_the_time_from_the_foot_switch_to_the_tip_is_told_and_the_plant_agrees():
    done = call(lone_rescue.rescue_command, target="twin", seed=3, json_output=True)
    assert done.code == 0, done.err
    told = json.loads(done.out)
    assert told["held"] is True
    assert told["last_dose"] == "unknown"
    assert 0 < told["first_step_ms"] < told["counter_agent_at_tip_ms"] < 4000
    assert told["counter_agent_through_tip_nl"] >= told["agent_through_tip_nl"] > 0


def test_a_rescue_that_never_came_is_no_success():
    missed = lone_rescue.Rescued("twin", 1, 5000, None, None, 100.0, 0.0, "unknown", "none")
    assert not missed.held
    assert "no counter-agent came" in lone_rescue.text(missed)


def test_an_unknown_target_is_a_usage_error():
    done = call(lone_rescue.rescue_command, target="tea", seed=1, json_output=False)
    assert done.code == 2
    assert "tea" in said(done)
