"""The tape: what it notes, and that it changes nothing."""

import asyncio

import pytest

from hil.bench import Bench
from hil.faults import LinkFaults
from hil.patient import at_the_tip
from hil.plant import PlantParameters
from hil.recorder import TO_DEVICE
from hil.recording import stop_times_ns
from hil.scenarios.raw_host import RawHost
from hil.tape import MAX_SAMPLES, SAMPLE_NS, Tape
from protocol import codes, typed
from tests.hil.two_doses import recorded, two_doses


@pytest.mark.parametrize("board", ["twin", "vm"])
def test_a_run_with_a_tape_is_the_run_without_one(board):
    with Bench(board, 5) as bench:
        bench.run(two_doses(bench))
        without = bench.recorder.digest(), bench.weigh_nl(), bench.now_ns
    with Bench(board, 5) as bench:
        tape = Tape(bench)
        bench.run(two_doses(bench))
        assert (bench.recorder.digest(), bench.weigh_nl(), bench.now_ns) == without
        assert tape.recording().header.digest == without[0]


def test_everything_that_a_person_would_ask_for_is_in_it():
    recording = recorded(node="tests/it.py::test_it[twin]")
    header = recording.header
    assert (header.target, header.seed, header.node, header.powered) == ("twin", 5, "tests/it.py::test_it[twin]", True)
    assert len(header.firmware_hash) == 16
    assert header.firmware_reported == header.firmware_hash
    assert header.parameters["compliance_nl_kpa"] == PlantParameters().compliance_nl_kpa
    assert header.tools["python"].startswith("CPython")
    assert recording.edge_count() > 0
    assert len(stop_times_ns(recording)) == 1
    assert any(isinstance(message, typed.DoseOrder) for _, message in recording.messages(TO_DEVICE))
    assert sum(1 for _ in recording.telemetry()) > 5
    assert max(sample.pressure_pa for sample in recording.samples) > 1000
    assert {level.name for level in recording.levels} >= {"inputs", "valve", "heartbeat"}
    assert b"".join(sent.data for sent in recording.octets).count(0) >= 3


def test_the_vms_version_is_told():
    assert "MicroPython" in recorded("vm").header.tools["micropython"]


def test_acts_are_noted_at_their_time_and_once():
    async def main(bench):
        bench.plant.at(600_000_000, bench.plant.press_estop)
        bench.plant.at(350_000_000, bench.plant.press_footswitch)
        bench.plant.at(450_000_000, lambda: bench.plant.press_footswitch(False))
        await asyncio.sleep(0.8 - bench.now_s)
        bench.plant.occlude(0.5)
        bench.set_link_faults(LinkFaults(drop=1.0))
        bench.board.hang()

    with Bench("twin") as bench:
        tape = Tape(bench)
        bench.run(main(bench))
        acts = [(act.now_ns, act.name, act.arguments) for act in tape.recording().acts]
    assert acts[:4] == [
        (350_000_000, "plant.press_footswitch", []),
        (450_000_000, "plant.press_footswitch", [False]),
        (600_000_000, "plant.press_estop", []),
        (800_000_000, "plant.occlude", [0.5]),
    ]
    assert [name for _, name, _ in acts[4:]] == ["link.set_faults", "board.hang"]


def test_an_act_with_an_argument_that_no_file_holds_is_marked():
    with Bench("twin") as bench:
        tape = Tape(bench)
        bench.set_link_faults(LinkFaults(drop=1.0))
        act = tape.recording().acts[-1]
    assert not act.plain
    assert "drop=1.0" in act.arguments[0]["text"]


def test_the_heartbeat_is_noted_from_its_first_edge_to_its_one_shots_end():
    async def main(bench):
        async with RawHost(bench.transport(), 1) as host:
            await host.ready()
            await host.start(5000)
            await asyncio.sleep(0.5)
            bench.board.hang()
            await asyncio.sleep(0.4)

    with Bench("twin") as bench:
        tape = Tape(bench)
        bench.run(main(bench))
        hung_ns = bench.now_ns - 400_000_000
        beats = [level for level in tape.recording().levels if level.name == "heartbeat"]
    assert [level.value for level in beats] == [1, 0]
    assert hung_ns < beats[1].now_ns <= hung_ns + 40_000_000


def test_states_that_stay_are_kept_by_their_first_and_last_sample():
    with Bench("twin") as bench:
        tape = Tape(bench)
        bench.run_for(60)
        assert len(tape.recording().samples) < 20


def test_a_long_run_is_sampled_less_often_instead_of_without_end(monkeypatch):
    monkeypatch.setattr("hil.tape.MAX_SAMPLES", 20)
    recording = recorded()
    assert len(recording.samples) <= 22
    assert recording.header.sample_ns > SAMPLE_NS
    assert recording.samples[-1].now_ns > recording.header.ended_ns - 100_000_000
    assert MAX_SAMPLES > 20


def test_long_lists_lose_their_oldest_and_say_so(monkeypatch):
    monkeypatch.setattr("hil.tape.MAX_ITEMS", 10)
    recording = recorded()
    assert len(recording.octets) <= 11
    assert recording.header.dropped["octets"] > 0


def test_a_patient_at_the_tip_is_sampled_once_a_second():
    with Bench("twin") as bench:
        tape = Tape(bench)
        at_the_tip(bench, "lucy")
        bench.run_until_ns(4_900_000_000)
        seen = tape.recording().patient
    assert len(seen) == 5
    assert seen[0].burden_ul == pytest.approx(8, abs=0.1)


def test_safe_and_its_fall_are_in_the_levels():
    with Bench("twin") as bench:
        tape = Tape(bench)
        bench.plant.at(400_000_000, bench.plant.open_door)
        bench.run_until_ns(500_000_000)
        inputs = [(level.now_ns, level.value) for level in tape.recording().levels if level.name == "inputs"]
    assert inputs[0][1] & codes.INPUT_SAFE
    assert inputs[-1][0] == 400_000_000
    assert not inputs[-1][1] & codes.INPUT_SAFE
