"""`rig hil model` as a person or a script runs it."""

import json

import pytest

from hil.model.run import Setting, again, run_example, save
from tests.hil import rig_command


def test_a_run_prints_steps_rules_and_violations(tmp_path):
    done = rig_command.run("hil", "model", "--steps", "12", "--seed", "3", "--json", "--folder", str(tmp_path))
    assert (done.code, done.err) == (0, "")
    assert (done.json["seed"], done.json["steps"], done.json["violations"]) == (3, 12, [])
    assert sum(done.json["rules"].values()) == 12


def test_an_example_taken_again_is_the_same_to_the_edge():
    one = run_example(Setting(5), 25)
    other = again(one.setting, one.steps)
    assert (one.edges, one.simulated_s) == (other.edges, other.simulated_s)


def test_a_kept_example_is_replayed(tmp_path):
    path = tmp_path / "example.json"
    save(run_example(Setting(5), 5), path)
    done = rig_command.run("hil", "model", "--replay", str(path))
    assert (done.code, done.err) == (0, "")
    assert "5 steps, 0 violations" in done.out


@pytest.mark.req("SEC-5")
def test_a_file_that_is_no_example_is_named(tmp_path):
    path = tmp_path / "example.json"
    path.write_text(json.dumps({"setting": {"seed": 1}, "steps": [["no such rule", []]]}))
    done = rig_command.run("hil", "model", "--replay", str(path))
    assert done.code == 2
    assert "no rule is called 'no such rule'" in done.err
