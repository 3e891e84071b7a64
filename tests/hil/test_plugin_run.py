"""`rig hil run`: which scenarios, and what it says of them."""

import json
from dataclasses import replace

import pytest

from hil import scenario_runs
from hil.run_command import run_command, targets_of
from hil.scenario_runs import list_scenarios, run_scenarios, selection
from host.errors import RigError, UsageError
from tests.hil import rig_command
from tests.hil.in_process import call

SHORT = "a_repeated_id"


SCENARIOS = """
import pytest
def test_good(bench):
    bench.run_until_ns(2_000_000_000)
def test_bad(bench):
    assert bench.seed == 0
@pytest.mark.only("vm")
def test_other(bench):
    pass
"""


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """A folder with scenarios of its own: one that passes, one that fails, one for another target."""
    root = tmp_path_factory.mktemp("project")
    folder = root / "hil" / "scenarios"
    folder.mkdir(parents=True)
    (root / "pytest.ini").write_text("[pytest]\nmarkers =\n    rp2040: the emulated Pico\n")
    (folder / "test_s.py").write_text(SCENARIOS)
    return root


@pytest.fixture(scope="module")
def report(project):
    return run_scenarios("", ["twin"], 4, project / "kept", root=project)


def test_results_seeds_and_digests_are_reported(report):
    assert [each.result for each in report.results] == ["passed", "failed", "not run"]
    good, bad, other = report.results
    assert (good.simulated_ms, good.seed, len(good.digest)) == (2000, 4, 64)
    assert "assert 4 == 0" in bad.why
    assert other.why == "makes sense only on vm"


def test_recordings_are_kept_where_they_were_asked_for(report, project):
    good, bad, other = (each.recording for each in report.results)
    assert good.startswith(str(project / "kept"))
    assert bad.startswith(str(project / "kept"))
    assert other is None


def test_a_run_holds_when_something_passed_and_nothing_failed(report):
    good, bad, other = report.results
    assert replace(report, results=[good]).held
    assert replace(report, results=[good, other]).held
    assert not replace(report, results=[other]).held
    assert not replace(report, results=[good, bad]).held


@pytest.mark.parametrize(
    ("select", "arguments"),
    [
        ("", ["hil/scenarios"]),
        ("stop and not hang", ["hil/scenarios", "-k", "stop and not hang"]),
        ("test_stops.py", ["hil/scenarios/test_stops.py"]),
        ("hil/scenarios/test_stops.py::test_x[twin]", ["hil/scenarios/test_stops.py::test_x[twin]"]),
        ("test_stops.py::test_x", ["hil/scenarios/test_stops.py::test_x"]),
    ],
)
def test_what_a_selection_means(select, arguments):
    assert selection(select) == arguments


@pytest.mark.parametrize("select", ["none.py", "none.py::test_x", "--pdb", "a\nb", "x" * 3000, "../x.py"])
def test_a_selection_that_means_nothing(select):
    with pytest.raises(UsageError):
        selection(select)


@pytest.mark.req("SEC-5")
@pytest.mark.parametrize("select", ["nothing_is_called_so", "a and ("])
def test_a_selection_of_nothing_is_told(project, select):
    with pytest.raises(RigError) as caught:
        run_scenarios(select, ["twin"], 1, root=project)
    assert caught.value.code == "usage"
    assert "rig hil run --list" in caught.value.todo


def test_scenarios_that_cannot_be_loaded_are_told(tmp_path):
    folder = tmp_path / "hil" / "scenarios"
    folder.mkdir(parents=True)
    (folder / "test_s.py").write_text("import nowhere_to_be_found\n")
    with pytest.raises(RigError) as caught:
        run_scenarios("", ["twin"], 1, root=tmp_path)
    assert "nowhere_to_be_found" in caught.value.what


def test_the_list_names_every_scenario_once_a_target(project):
    nodes = list_scenarios("good or bad", ["twin", "vm"], root=project)
    assert len(nodes) == 4
    assert "hil/scenarios/test_s.py::test_good[vm]" in nodes


def test_targets_are_named_in_any_way():
    assert targets_of(None) == ["twin"]
    assert targets_of(["vm,twin", "vm"]) == ["vm", "twin"]


@pytest.mark.parametrize("given", [["pico"], ["twin,pico"], [","]])
def test_a_target_that_there_is_not(given):
    with pytest.raises(UsageError):
        targets_of(given)


def test_the_command_prints_one_json_object():
    done = rig_command.run("hil", "run", SHORT, "--seed", "3", "--json")
    assert done.code == 0
    said = json.loads(done.out)
    assert (said["passed"], said["failed"], said["seed"]) == (1, 0, 3)
    assert said["scenarios"][0]["requirements"] == ["DOSE-2"]


def test_the_command_shows_a_failure_with_its_recording(report, monkeypatch):
    monkeypatch.setattr(scenario_runs, "run_scenarios", lambda *_: report)
    done = call(run_command)
    assert done.code == 1
    assert f"rig hil replay {report.results[1].recording}" in done.out
    assert "assert 4 == 0" in done.out
    assert "1 passed, 1 failed, 1 not run; seed 4" in done.out


@pytest.mark.parametrize("options", [{"target": ["pico"]}, {"select": "none.py"}])
def test_the_command_refuses_what_makes_no_sense(options):
    done = call(run_command, **options)
    assert done.code == 2
    assert done.err.startswith("rig: ")
