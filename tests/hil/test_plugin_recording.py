"""What the pytest plugin leaves behind, and its fixtures, seen from a run of its own."""

import json
import shutil
from importlib import import_module

import pytest

from hil import pytest_plugin, recording_file
from hil.boards.base import BoardError
from hil.pytest_recording import recording_name
from hil.toolchain.image_sources import BuildError
from hil.toolchain.micropython import MicroPythonMissingError

pytest_plugins = ["pytester"]

# A module that is first imported within pytester's run is forgotten after it, and its classes are others the next time.
for name in ("hil.faults.inject", "hil.patient", "host.rig"):
    import_module(name)

INI = "[pytest]\nmarkers =\n    rp2040: the emulated Pico\n    req(*ids): requirements\n"


@pytest.fixture
def run(pytester):
    """Run a test file in a pytest of its own."""

    def run_it(text, *options):
        pytester.makeini(INI)
        pytester.makepyfile(test_it="import asyncio\nimport pytest\n" + text)
        return pytester.runpytest_inprocess("-p", "no:cacheprovider", *options)

    return run_it


def recordings(folder):
    return [recording_file.read(path) for path in sorted(folder.glob(f"*{recording_file.SUFFIX}"))]


def test_a_failed_test_leaves_a_recording_and_says_how_to_replay_it(run, pytester):
    done = run("""
async def test_good(bench, rig):
    await rig.dose(300, 5000)
async def test_bad(bench, rig):
    await asyncio.sleep(2)
    await rig.dose(300, 5000)
    assert False, "to be seen"
""")
    done.assert_outcomes(passed=1, failed=1)
    (recording,) = recordings(pytester.path / "build" / "recordings")
    assert recording.header.node == "test_it.py::test_bad[twin]"
    assert recording.header.outcome == "failed"
    assert "to be seen" in recording.header.problem
    assert recording.edge_count() > 0
    done.stdout.fnmatch_lines(
        ["*bench recording*", "recording: build/recordings/*", "replay it: rig hil replay build/*"]
    )


def test_a_failure_in_set_up_and_one_in_tear_down_leave_recordings_too(run, pytester):
    run("""
@pytest.fixture
def broken(bench):
    raise ValueError("in set-up")
def test_before(bench, broken):
    pass
@pytest.fixture
def breaks(bench):
    yield
    raise ValueError("in tear-down")
def test_after(bench, breaks):
    bench.run_for(0.1)
""")
    problems = [recording.header.problem for recording in recordings(pytester.path / "build" / "recordings")]
    assert len(problems) == 2
    assert any("in set-up" in problem for problem in problems)
    assert any("in tear-down" in problem for problem in problems)


def test_record_keeps_every_run(run, pytester):
    run(
        "def test_a(bench):\n    pass\ndef test_b(bench):\n    assert False\ndef test_c():\n    assert False\n",
        "--record",
        "kept",
    )
    outcomes = {it.header.node: it.header.outcome for it in recordings(pytester.path / "kept")}
    assert outcomes == {"test_it.py::test_a[twin]": "passed", "test_it.py::test_b[twin]": "failed"}
    assert not (pytester.path / "build").exists()


def test_a_place_that_cannot_be_written_does_not_hide_the_failure(run, pytester):
    (pytester.path / "kept").write_text("a file")
    done = run("def test_b(bench):\n    assert False\n", "--record", "kept")
    done.assert_outcomes(failed=1)
    done.stdout.fnmatch_lines(["could not be written: *"])


def test_the_folder_of_failures_does_not_grow_without_end(run, pytester, monkeypatch):
    monkeypatch.setattr("hil.pytest_recording.MOST_KEPT", 2)
    run("@pytest.mark.parametrize('n', range(4))\ndef test_b(bench, n):\n    assert False\n")
    kept = recordings(pytester.path / "build" / "recordings")
    assert sorted(it.header.node for it in kept) == ["test_it.py::test_b[twin-2]", "test_it.py::test_b[twin-3]"]


def test_a_report_that_cannot_be_written_is_told(run):
    done = run("def test_c():\n    pass\n", "--bench-report=none/report.jsonl")
    done.stderr.fnmatch_lines(["*--bench-report none/report.jsonl: No such file*"])


def test_a_test_without_a_bench_leaves_nothing(run, pytester):
    done = run("def test_c():\n    assert False\n")
    done.assert_outcomes(failed=1)
    assert not (pytester.path / "build").exists()


def test_the_report_has_one_line_a_bench_test(run, pytester):
    run(
        """
@pytest.mark.req("STOP-1")
@pytest.mark.parametrize("n", ["a-b", "twin"])
def test_a(bench, n):
    bench.run_until_ns(1_500_000_000)
@pytest.mark.only("vm")
def test_b(bench):
    pass
def test_c():
    pass
""",
        "--bench-report=report.jsonl",
        "--seed=3",
    )
    lines = [json.loads(line) for line in (pytester.path / "report.jsonl").read_text().splitlines()]
    assert [line["scenario"] for line in lines] == [
        "test_it.py::test_a[a-b]",
        "test_it.py::test_a[twin]",
        "test_it.py::test_b",
    ]
    assert [line["result"] for line in lines] == ["passed", "passed", "not run"]
    assert (lines[0]["simulated_ms"], lines[0]["seed"], lines[0]["requirements"]) == (1500, 3, ["STOP-1"])
    assert lines[2]["why"] == "makes sense only on vm"


def test_a_test_may_choose_its_targets_itself(run):
    done = run("@pytest.mark.parametrize('target', ['a', 'b'])\ndef test_it(target):\n    assert target in 'ab'\n")
    done.assert_outcomes(passed=2)


def test_names_of_recordings_are_readable_and_differ():
    one = recording_name("a/test_x.py::test_y[twin-1]", "twin", 1)
    assert one.startswith("test-x-py-test-y-twin-1-")
    assert one != recording_name("a/test_x.py::test_y[twin-1]", "twin", 2)
    assert len(recording_name("x" * 5000, "twin", 1)) < 200


def test_a_patient_and_faults_come_with_the_bench(run):
    done = run("""
@pytest.mark.patient("lucy")
async def test_it(bench, patient, faults):
    from hil.faults.vocabulary import EmergencyStop
    before = patient.burden_ul
    faults.plan([EmergencyStop(at_us=400_000, for_us=100_000)])
    await asyncio.sleep(0.25)
    assert not bench.plant.safe(bench.now_ns)
    assert before > 5
    assert False, "seen"
""")
    done.stdout.fnmatch_lines(["*AssertionError: seen*"])


def test_faults_stand_in_the_recording_in_place_of_what_they_do(run, pytester):
    run("""
async def test_it(bench, faults):
    from hil.faults.vocabulary import EmergencyStop
    faults.plan([EmergencyStop(at_us=400_000, for_us=100_000)])
    await asyncio.sleep(0.3)
    assert False
""")
    (recording,) = recordings(pytester.path / "build" / "recordings")
    acts = [(act.now_ns, act.name, act.plain) for act in recording.acts]
    assert acts == [(400_000_000, "faults.begin", False), (500_000_000, "faults.end", False)]


def test_a_part_that_is_missing_is_named(monkeypatch):
    with pytest.raises(pytest.UsageError, match=r"the fixture patient needs hil\.nobody\.there, which is not here"):
        pytest_plugin._part("hil.nobody", "there", "patient")


def test_a_seed_that_is_no_number_is_told(run, monkeypatch):
    monkeypatch.setenv("NANORIG_SEED", "x1")
    done = run("def test_c():\n    pass\n")
    done.stderr.fnmatch_lines(["*NANORIG_SEED=x1 is not a whole number*"])


def test_only_missing_tools_are_a_reason_not_to_run():
    error = BoardError("no image")
    error.__cause__ = MicroPythonMissingError("missing: micropython")
    assert pytest_plugin.missing_tools(error) == "missing: micropython"
    assert pytest_plugin.missing_tools(BuildError("missing: gcc", 3)) == "missing: gcc"
    assert pytest_plugin.missing_tools(BuildError("does not compile")) == ""
    assert pytest_plugin.missing_tools(BoardError("the firmware crashed")) == ""


def test_a_run_with_a_recording_is_the_run_without_one(run, pytester):
    text = """
async def test_a(bench, rig):
    await rig.dose(300, 5000)
    print("digest", bench.recorder.digest())
"""
    digests = []
    for options in ([], ["--record", "kept"]):
        done = run(text, "-s", *options)
        digests += [line for line in done.outlines if "digest" in line]
        shutil.rmtree(pytester.path / "kept", ignore_errors=True)
    assert len(digests) == 2
    assert digests[0] == digests[1]
