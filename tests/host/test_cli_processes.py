"""The ``rig`` command as people have it: a process, a port, signals, a pulled cable."""

import json
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from host.ledger_verify import read_rows, verify
from protocol import codes
from tests.host.conftest import PortDevice

pytestmark = pytest.mark.usefixtures("ledger_file")

Make = Callable[[str], PortDevice]
RIG = [sys.executable, "-m", "host"]
LONG_DOSE = ["dose", "--ul", "50", "--ul-s", "1"]
END_S = 30


@pytest.fixture
def start() -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Start commands; what still runs at the end of the test is killed and fails it."""
    running: list[subprocess.Popen[str]] = []

    def run(*arguments: str) -> subprocess.Popen[str]:
        running.append(subprocess.Popen([*RIG, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True))
        return running[-1]

    yield run
    late = [process for process in running if process.poll() is None]
    for process in late:
        process.kill()
    for process in running:
        process.communicate()
    assert not late


Start = Callable[..., "subprocess.Popen[str]"]


def flowing(device: PortDevice) -> None:
    """Wait until steps leave the pin."""
    end_s = time.monotonic() + END_S
    while time.monotonic() < end_s:
        if any(dose["emitted_steps"] > 20 for dose in device.facts()["doses"]):
            return
        select.select([], [], [], 0.02)
    raise AssertionError("nothing flows")


@pytest.mark.req("STOP-1", "STOP-10", "LEDGER-3")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_stops_and_waits_for_the_truth(
    port_device: Make, start: Start, ledger_file: Path, number: signal.Signals
) -> None:
    device = port_device("good")
    process = start(*LONG_DOSE, "--json", "-p", device.port)
    flowing(device)
    process.send_signal(number)
    out, err = process.communicate(timeout=END_S)
    answer = json.loads(out)
    facts = device.facts()
    assert process.returncode == 7
    assert "Stopping" in err
    assert answer["dose"]["outcome"] == "partial"
    assert answer["dose"]["emitted_steps"] == facts["doses"][0]["emitted_steps"]
    assert answer["stops"][0]["cause"] == "operator"
    assert facts["state"] == codes.DEVICE_STOPPED
    assert {fields["kind"] for _, fields in read_rows(ledger_file)} == {"note", "compared", "intent", "outcome", "stop"}
    assert verify(ledger_file).verified


@pytest.mark.req("STOP-1", "STOP-10")
def test_rig_stop_stops_a_dose_of_another_process(port_device: Make, start: Start, ledger_file: Path) -> None:
    device = port_device("good")
    dose = start(*LONG_DOSE, "--json", "-p", device.port)
    flowing(device)
    stop = start("stop", "--json", "-p", device.port)
    out, err = stop.communicate(timeout=END_S)
    assert stop.returncode == 0, err
    answer = json.loads(out)
    assert answer["stop"]["cause"] == "operator"
    assert answer["recorded"] is ("not in the ledger" not in err)
    out, _ = dose.communicate(timeout=END_S)
    assert dose.returncode == 7
    assert json.loads(out)["dose"]["outcome"] == "partial"
    assert device.facts()["state"] == codes.DEVICE_STOPPED
    assert [fields["outcome"] for _, fields in read_rows(ledger_file) if fields["kind"] == "outcome"] == ["partial"]


def test_a_second_dose_on_a_held_port_is_told_who_holds_it(port_device: Make, start: Start, tmp_path: Path) -> None:
    device = port_device("good")
    first = start(*LONG_DOSE, "-p", device.port)
    flowing(device)
    second = start("dose", "--ul", "1", "--ul-s", "1", "--json", "-p", device.port, "--ledger", str(tmp_path / "other"))
    out, _ = second.communicate(timeout=END_S)
    assert second.returncode == 4
    error = json.loads(out)["error"]
    assert error["code"] == "port_busy"
    assert f"process {first.pid}" in error["what"]
    first.send_signal(signal.SIGINT)
    first.communicate(timeout=END_S)
    assert first.returncode == 7


@pytest.mark.req("LEDGER-3", "LINK-4")
def test_unplugging_in_mid_dose_ends_unknown(port_device: Make, start: Start, ledger_file: Path) -> None:
    device = port_device("good")
    process = start(*LONG_DOSE, "--json", "-p", device.port)
    flowing(device)
    device.tell("unplug")
    out, _ = process.communicate(timeout=END_S)
    assert process.returncode == 6
    answer = json.loads(out)
    assert answer["dose"]["outcome"] == "unknown"
    assert answer["dose"]["to_patient_nl"][1] >= 50_000
    assert "Do not repeat" in answer["error"]["todo"]
    assert [fields.get("outcome") for _, fields in read_rows(ledger_file)] == [None, None, None, "unknown"]
    assert verify(ledger_file).verified


@pytest.mark.req("LEDGER-3")
def test_a_restart_of_the_rig_in_mid_dose_ends_unknown(port_device: Make, start: Start) -> None:
    device = port_device("good")
    process = start(*LONG_DOSE, "--json", "-p", device.port)
    flowing(device)
    device.tell("boot")
    out, _ = process.communicate(timeout=END_S)
    assert process.returncode == 6
    assert json.loads(out)["dose"]["outcome"] == "unknown"


@pytest.mark.req("LEDGER-3", "LEDGER-5", "LINK-5")
def test_kill_9_in_mid_dose_leaves_an_open_intent_that_the_next_command_settles(
    port_device: Make, start: Start, ledger_file: Path
) -> None:
    device = port_device("good")
    process = start(*LONG_DOSE, "-p", device.port)
    flowing(device)
    process.kill()
    process.communicate(timeout=END_S)
    assert [fields["kind"] for _, fields in read_rows(ledger_file)] == ["note", "compared", "intent"]
    stop = start("stop", "-p", device.port)
    stop.communicate(timeout=END_S)
    status = start("status", "-p", device.port)
    status.communicate(timeout=END_S)
    assert (stop.returncode, status.returncode) == (0, 0)
    rows = [(fields["kind"], fields.get("outcome")) for _, fields in read_rows(ledger_file)]
    assert rows[:2] == [("note", None), ("compared", None)]
    assert rows[2:] == [("intent", None), ("stop", None), ("outcome", "partial"), ("compared", None)]
    assert device.facts()["executed"] == 1
    assert verify(ledger_file).verified


def test_ctrl_c_before_the_order_sends_nothing(port_device: Make, start: Start, ledger_file: Path) -> None:
    device = port_device("silent")
    process = start("dose", "--ul", "1", "--ul-s", "1", "--json", "-p", device.port)
    end_s = time.monotonic() + END_S
    while not ledger_file.exists() and time.monotonic() < end_s:
        select.select([], [], [], 0.01)
    process.send_signal(signal.SIGINT)
    out, _ = process.communicate(timeout=END_S)
    assert process.returncode in {4, 7}
    assert json.loads(out)["error"]["code"] in {"interrupted", "silent"}


@pytest.mark.req("LEDGER-3")
@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_read_only_ledger_refuses_the_dose(port_device: Make, start: Start, ledger_file: Path) -> None:
    device = port_device("good")
    start("dose", "--ul", "1", "--ul-s", "5", "-p", device.port).communicate(timeout=END_S)
    ledger_file.chmod(0o400)
    process = start("dose", "--ul", "1", "--ul-s", "5", "--json", "-p", device.port)
    out, _ = process.communicate(timeout=END_S)
    assert process.returncode == 3
    assert json.loads(out)["error"]["code"] in {"ledger_read_only", "ledger_permission"}
    assert device.facts()["executed"] == 1
