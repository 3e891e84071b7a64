"""Running a recorded run again: the scenario by its name, or the octets and acts alone."""

import asyncio
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from hil import recording_file
from hil.bench import Bench
from hil.recorder import EdgeRun
from hil.recording import Act
from hil.replay import octets_again, replay
from hil.replay_command import replay_command
from hil.run_command import compare_command
from hil.scenarios.raw_host import RawHost
from hil.tape import Tape
from host.errors import RigError
from protocol import codes
from tests.hil import rig_command
from tests.hil.in_process import call, said
from tests.hil.two_doses import recorded

SCENARIO = """
import asyncio

async def test_it(bench, rig):
    await asyncio.sleep(1)
    await rig.dose(500, 5000)
    bench.plant.occlude(0.5)
    assert bench.now_s < 1
"""


@pytest.fixture(scope="module")
def failed_once(tmp_path_factory):
    folder = tmp_path_factory.mktemp("scenario")
    (folder / "test_it.py").write_text(SCENARIO)
    (folder / "pytest.ini").write_text("[pytest]\nmarkers =\n    rp2040: the emulated Pico\n")
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "--seed", "9", "test_it.py"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 1
    (path,) = (folder / "build" / "recordings").iterdir()
    assert f"rig hil replay build/recordings/{path.name}" in done.stdout
    return folder, path


@pytest.fixture
def failed(failed_once, tmp_path):
    """A folder with a scenario that fails, and its recording."""
    folder, path = failed_once
    for name in ("test_it.py", "pytest.ini"):
        shutil.copy(folder / name, tmp_path)
    return tmp_path, recording_file.read(path)


def test_a_failed_scenario_runs_again_and_does_the_same(failed):
    folder, recording = failed
    result = replay(recording, root=folder)
    assert result.by == "scenario"
    assert result.same
    assert result.difference is None
    assert (recording.header.outcome, result.again.header.outcome) == ("failed", "failed")
    assert "assert" in recording.header.problem


def test_its_octets_and_acts_alone_do_the_same(failed):
    _, recording = failed
    result = replay(recording, octets=True)
    assert (result.by, result.same) == ("octets", True)
    assert [act.name for act in result.again.acts] == ["plant.occlude"]


def test_a_scenario_that_does_something_else_now_is_found_out(failed):
    folder, recording = failed
    (folder / "test_it.py").write_text(SCENARIO.replace("500", "400"))
    result = replay(recording, root=folder)
    assert not result.same
    assert "DoseOrder to device" in result.difference.expected


def test_a_scenario_that_is_gone_is_told(failed):
    folder, recording = failed
    (folder / "test_it.py").unlink()
    with pytest.raises(RigError) as caught:
        replay(recording, root=folder)
    assert "is not here" in caught.value.what
    assert "--octets" in caught.value.todo


def test_a_scenario_of_another_name_is_told(failed):
    folder, recording = failed
    (folder / "test_it.py").write_text(SCENARIO.replace("test_it", "test_that"))
    with pytest.raises(RigError) as caught:
        replay(recording, root=folder)
    assert caught.value.code == "usage"


@pytest.mark.parametrize("board", ["twin", "vm"])
def test_octets_and_acts_bring_back_power_loss_and_stops(board):
    async def main(bench):
        async with RawHost(bench.transport(), bench.seed) as host:
            await host.ready()
            await host.start(5000, 5000)
            await asyncio.sleep(0.2)
            bench.plant.occlude(0.5)
            bench.plant.at(bench.now_ns + 123_456_789, bench.plant.press_estop)
            await asyncio.sleep(0.5)
        bench.plant.press_estop(False)
        bench.power_cycle(0.2)
        async with RawHost(bench.transport(), 2) as host:
            # The stop has outlived the power: the rig does not become ready.
            assert (await host.status()).stop_cause == codes.CAUSE_EMERGENCY_STOP
            await asyncio.sleep(0.5)

    with Bench(board, 3) as bench:
        tape = Tape(bench)
        bench.run(main(bench))
        recording = tape.recording()
    again = octets_again(recording)
    assert again.header.digest == recording.header.digest
    assert again.acts == recording.acts


def test_an_altered_edge_is_where_the_runs_differ():
    recording = recorded()
    first, *rest = recording.edges
    recording.edges = [EdgeRun(first.channel, first.first_ns + 5, first.period_ns, first.count), *rest]
    result = replay(recording)
    assert result.difference.what == f"edge 1 of channel {first.channel}"
    assert result.difference.at_ns == first.first_ns


def test_a_long_run_that_lost_its_beginning_is_compared_by_its_hash():
    recording = recorded()
    recording.header = replace(recording.header, dropped={"frame": 3})
    recording.frames = recording.frames[3:]
    assert replay(recording).difference is None


def test_another_firmware_is_told():
    recording = recorded()
    recording.header = replace(recording.header, firmware_hash="0" * 16)
    assert replay(recording).firmware_differs


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"options": {"executive": {"text": "a class"}}}, "executive: this cannot be done again"),
        ({"dropped": {"octets": 3}}, "beginning of this long run"),
        ({"parameters": {"mood": 1}}, "not one of this bench"),
    ],
)
def test_what_cannot_be_run_again_is_refused(change, said):
    recording = recorded()
    recording.header = replace(recording.header, **change)
    with pytest.raises(RigError) as caught:
        replay(recording)
    assert said in caught.value.what


@pytest.mark.parametrize("name", ["plant.__class__", "plant.no_such", "os.system", "board", "plant._update_power"])
def test_only_acts_are_done_again(name):
    recording = recorded()
    recording.acts = [Act(5, name, [], {}, plain=True)]
    with pytest.raises(RigError) as caught:
        replay(recording)
    assert "knows no act" in caught.value.what


def test_the_command_replays_draws_and_tells(failed, tmp_path):
    _, recording = failed
    file, picture = tmp_path / "run.jsonl.gz", tmp_path / "run.svg"
    recording_file.write(recording, file)
    done = rig_command.run("hil", "replay", str(file), "--octets", "--draw", str(picture), "--json")
    assert (done.code, done.json["same"], done.json["first_difference"]) == (0, True, None)
    assert picture.read_text().startswith("<svg")


def test_the_command_says_where_runs_differ(tmp_path):
    recording = recorded()
    recording.edges = recording.edges[1:]
    file = tmp_path / "run.jsonl.gz"
    recording_file.write(recording, file)
    done = call(replay_command, recording=file)
    assert done.code == 1
    assert "first difference: edge 1" in done.out


@pytest.mark.parametrize("options", [{}, {"json_output": True}, {"run": False, "draw": Path("x.svg")}])
def test_the_command_refuses_what_is_no_recording(tmp_path, options):
    file = tmp_path / "no.jsonl.gz"
    file.write_text("no")
    done = call(replay_command, recording=file, **options)
    assert done.code == 2
    assert "is no recording of the bench" in said(done)


def test_two_recordings_are_compared_by_a_command(tmp_path):
    for name, board in (("twin", "twin"), ("vm", "vm")):
        recording_file.write(recorded(board), tmp_path / f"{name}.jsonl.gz")
    twin, vm = tmp_path / "twin.jsonl.gz", tmp_path / "vm.jsonl.gz"
    done = call(compare_command, first=twin, second=vm, json_output=True)
    assert done.code == 0
    assert done.json["same_steps"]
    assert not done.json["same"]
