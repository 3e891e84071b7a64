"""What goes wrong with a serial port: the `rig` command says what it is and what to do, and the ledger stays honest."""

import os
import random
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
import serial

from device.executive import Executive
from hil.bench import Bench
from hil.boards.twin import TwinDeviceBoard
from hil.pseudo_terminal import LINE_BAUD, PseudoTerminal
from hil.realtime import RealTimeBench
from host.errors import EXIT_UNKNOWN, EXIT_UNREACHABLE
from protocol import codes
from tests.hil.rig_command import Done, finish, run, start

FLUSH = codes.CHANNEL_FLUSH
STARTED_S = 3.0


def started() -> Bench:
    """A bench whose rig has read its cartridges; it took no wall time for that."""
    bench = Bench("vm")
    bench.run_for(STARTED_S)
    return bench


@pytest.fixture
def bench() -> Iterator[RealTimeBench]:
    with RealTimeBench(started) as running:
        yield running


@pytest.fixture
def ledger(tmp_path: Path) -> Path:
    return tmp_path / "ledger.sqlite3"


def dose(url: str | Path, ledger: Path, *more: str, ul: str = "2") -> Done:
    return run("dose", "--ul", ul, "--ul-s", "1", "--port", str(url), *more, ledger=ledger)


def intents(ledger: Path) -> int:
    return len(rows(ledger, "intent"))


def rows(ledger: Path, kind: str) -> list[dict[str, Any]]:
    if not ledger.exists():
        return []
    shown = run("ledger", "show", str(ledger), "--json").json
    return [row for row in shown["rows"] if row["kind"] == kind]


def assert_unreachable(done: Done, code: str, *texts: str) -> None:
    """The one JSON object names the trouble, in words too."""
    assert done.code == EXIT_UNREACHABLE, done
    error = done.json["error"]
    assert error["code"] == code
    assert error["todo"]
    for text in texts:
        assert text.lower() in (error["what"] + error["todo"]).lower()


def edges(bench: RealTimeBench) -> int:
    return bench.call(lambda it: it.edge_count(FLUSH))


def wait_for_edges(bench: RealTimeBench, count: int) -> None:
    deadline = time.monotonic() + 20
    while edges(bench) < count:
        assert time.monotonic() < deadline
        time.sleep(0.02)


@pytest.mark.req("SEC-5", "LEDGER-3")
def test_an_unknown_port_is_named_and_nothing_is_recorded(ledger: Path) -> None:
    done = dose("/dev/ttyNOTHING", ledger, "--json")
    assert_unreachable(done, "port_unknown", "/dev/ttyNOTHING")
    assert intents(ledger) == 0


@pytest.mark.req("SEC-5")
def test_the_same_error_without_json_is_a_clear_block_on_stderr(ledger: Path) -> None:
    done = dose("/dev/ttyNOTHING", ledger)
    assert done.code == EXIT_UNREACHABLE
    assert done.out == ""
    assert "/dev/ttyNOTHING" in done.err
    assert "to do:" in done.err
    assert "Traceback" not in done.err


@pytest.mark.req("SEC-5", "LEDGER-3")
def test_a_wrong_baud_is_suspected_and_nothing_is_recorded_or_moved(bench: RealTimeBench, ledger: Path) -> None:
    done = dose(f"serial://{bench.port.path}?baud=115200", ledger, "--json")
    assert done.code == EXIT_UNREACHABLE
    error = done.json["error"]
    assert error["code"] in {"garbage", "silent"}
    assert "baud" in error["todo"]
    assert bench.port.garbled > 0
    assert (intents(ledger), edges(bench)) == (0, 0)


@pytest.mark.req("SEC-5", "LEDGER-3")
def test_a_busy_port_is_told_with_the_one_who_holds_it(bench: RealTimeBench, ledger: Path) -> None:
    with serial.Serial(str(bench.port.path), LINE_BAUD, exclusive=True):
        done = dose(bench.url, ledger, "--json")
    assert_unreachable(done, "port_busy", str(os.getpid()))
    assert (intents(ledger), edges(bench)) == (0, 0)


@pytest.mark.req("STOP-1")
def test_a_stop_gets_past_the_lock_of_a_busy_port(bench: RealTimeBench, ledger: Path) -> None:
    running = start("dose", "--ul", "5", "--ul-s", "1", "--port", bench.url, "--json", ledger=ledger)
    wait_for_edges(bench, 100)
    stopped = run("stop", "--port", bench.url, "--json")
    assert stopped.code == 0, stopped
    done = finish(running)
    assert done.code == 7, done
    assert done.json["dose"]["outcome"] == "partial"
    assert done.json["dose"]["emitted_steps"] == edges(bench)


def other_schema(board: TwinDeviceBoard) -> Any:
    """Build the firmware with other messages than the host's."""
    with patch("protocol.wire_formats.schema_hash", return_value=b"another!"):
        return Executive(board)


@pytest.mark.req("LINK-2", "SEC-5", "LEDGER-3")
def test_firmware_of_another_schema_is_told_and_never_doses(ledger: Path) -> None:
    with RealTimeBench(lambda: Bench("twin", executive=other_schema)) as bench:
        done = dose(bench.url, ledger, "--json")
        assert_unreachable(done, "schema", b"another!".hex(), "flash")
        assert (intents(ledger), edges(bench)) == (0, 0)


@pytest.fixture
def noisy_port() -> Iterator[PseudoTerminal]:
    """A port on which something talks that is no rig."""
    port, ended, noise = PseudoTerminal(), threading.Event(), random.Random(8)

    def talk() -> None:
        while not ended.wait(0.01):
            port.write(noise.randbytes(50))
            port.read()

    talker = threading.Thread(target=talk)
    talker.start()
    yield port
    ended.set()
    talker.join()
    port.close()


@pytest.mark.req("LINK-1", "SEC-5", "LEDGER-3")
def test_a_line_full_of_garbage_is_told_from_a_rig(noisy_port: PseudoTerminal, ledger: Path) -> None:
    done = dose(noisy_port.path, ledger, "--json")
    assert_unreachable(done, "garbage", "baud")
    assert intents(ledger) == 0


@pytest.mark.req("SEC-5", "LEDGER-3")
def test_a_port_without_a_word_is_told_as_silent(ledger: Path) -> None:
    port = PseudoTerminal()
    try:
        assert_unreachable(dose(port.path, ledger, "--json"), "silent", "power")
    finally:
        port.close()
    assert intents(ledger) == 0


@pytest.mark.req("LINK-4", "LINK-5", "LEDGER-3", "LEDGER-5")
def test_a_cable_pulled_in_mid_dose_leaves_an_unknown_that_the_device_resolves_later(
    bench: RealTimeBench, ledger: Path
) -> None:
    running = start("dose", "--ul", "10", "--ul-s", "1", "--port", bench.url, "--json", ledger=ledger)
    wait_for_edges(bench, 200)
    bench.unplug()
    done = finish(running)
    assert done.code == EXIT_UNKNOWN, done
    assert done.json["dose"]["outcome"] == "unknown"
    assert done.json["error"]["todo"]
    assert [row["outcome"] for row in rows(ledger, "outcome")] == ["unknown"]
    bench.plug()
    assert run("stop", "--port", bench.url).code == 0
    assert run("status", "--port", bench.url, "--json", ledger=ledger).code == 0
    (resolution,) = rows(ledger, "resolution")
    assert resolution["outcome"] == "partial"
    assert resolution["emitted_steps"] == edges(bench) < 1783
    assert run("ledger", "verify", str(ledger)).code == 0


@pytest.mark.req("LINK-4", "LINK-5", "LEDGER-3")
def test_a_cable_pulled_for_a_moment_costs_nothing(bench: RealTimeBench, ledger: Path) -> None:
    running = start("dose", "--ul", "3", "--ul-s", "1", "--port", bench.url, "--json", ledger=ledger)
    wait_for_edges(bench, 100)
    bench.unplug()
    time.sleep(0.3)
    bench.plug()
    done = finish(running)
    assert done.code == 0, done
    assert done.json["dose"]["emitted_steps"] == edges(bench) == 534
    assert [row["outcome"] for row in rows(ledger, "outcome")] == ["delivered"]
