"""`rig hil serve`: a rig behind a port, and words for what people do at it."""

import json
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from hil.bench import Bench
from hil.realtime import RealTimeBench
from hil.serve import NoSuchActError, act, help_text
from protocol import codes
from tests.hil.rig_command import finish, run, start


@pytest.fixture(scope="module")
def bench() -> Iterator[RealTimeBench]:
    with RealTimeBench(lambda: Bench("twin")) as running:
        yield running


def inputs(bench: RealTimeBench) -> int:
    return bench.call(lambda it: it.plant.inputs(it.now_ns))


def inputs_after(bench: Bench, duration_s: float) -> int:
    bench.run_for(duration_s)
    return bench.plant.inputs(bench.now_ns)


@pytest.mark.parametrize(
    ("on", "off", "bit"),
    [
        ("estop", "estop off", codes.INPUT_ESTOP_HEALTHY),
        ("door", "door shut", codes.INPUT_DOOR_CLOSED),
        ("air", "air off", codes.INPUT_BUBBLE_CLEAR),
    ],
)
def test_a_word_trips_an_input_and_another_heals_it(bench: RealTimeBench, on: str, off: str, bit: int) -> None:
    act(bench, on)
    act(bench, on)
    assert not inputs(bench) & bit
    act(bench, off)
    assert inputs(bench) & bit


def test_the_foot_switch_is_pressed_for_a_moment(bench: RealTimeBench) -> None:
    act(bench, "foot")
    assert bench.call(lambda it: inputs_after(it, 0.05)) & codes.INPUT_FOOTSWITCH
    assert not bench.call(lambda it: inputs_after(it, 0.5)) & codes.INPUT_FOOTSWITCH


def test_the_cable_is_pulled_and_put_in_again(bench: RealTimeBench) -> None:
    act(bench, "unplug")
    assert not bench.port.path.exists()
    act(bench, "plug")
    assert bench.port.path.exists()


def test_the_scale_and_the_pins_can_be_read(bench: RealTimeBench) -> None:
    assert act(bench, "weigh").endswith("uL")
    assert "edges: agent 0, counter_agent 0, flush 0" in act(bench, "look")


@pytest.mark.parametrize("line", ["fly", "estop maybe", "occlude 2", "occlude much", "weigh it", "power of"])
def test_a_word_that_means_nothing_changes_nothing_and_is_told(bench: RealTimeBench, line: str) -> None:
    before = inputs(bench)
    with pytest.raises(NoSuchActError):
        act(bench, line)
    assert inputs(bench) == before


def test_the_help_names_every_word(bench: RealTimeBench) -> None:
    assert act(bench, "help") == help_text()
    assert all(word in help_text() for word in ("foot", "estop", "door", "occlude", "unplug", "weigh", "quit"))


def test_it_serves_a_dose_to_the_rig_command_and_ends_on_quit(tmp_path: Path) -> None:
    server = start("hil", "serve", "--json", stdin=subprocess.PIPE)
    try:
        assert server.stdout is not None
        assert server.stdin is not None
        served = eval_json(server.stdout.readline())
        assert served["url"].startswith("serial:///")
        assert "MicroPython" in served["runs_on"]
        ledger = tmp_path / "ledger.sqlite3"
        port = ("--port", served["url"], "--json")
        assert run("status", *port).code == 0
        dose = run("dose", "--ul", "0.5", "--ul-s", "2", *port, ledger=ledger)
        assert dose.code == 0, dose.err
        server.stdin.write("look\nquit\n")
        server.stdin.flush()
        assert f"flush {dose.json['dose']['emitted_steps']}," in eval_json(server.stdout.readline())["answer"]
        assert finish(server).code == 0
    finally:
        server.kill()
    assert not Path(served["path"]).exists()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_it_and_takes_the_port_away(number: signal.Signals) -> None:
    server = start("hil", "serve", "--target", "twin", "--json")
    try:
        assert server.stdout is not None
        path = Path(eval_json(server.stdout.readline())["path"])
        assert path.exists()
        server.send_signal(number)
        assert finish(server).code == 0
        assert not path.exists()
    finally:
        server.kill()


def eval_json(line: str) -> dict[str, str]:
    answer: dict[str, str] = json.loads(line)
    return answer
