"""The probe's main program under the real MicroPython VM, its port a pseudo-terminal, its pins made up."""

import os
import shutil
import subprocess
import time
import tty
from pathlib import Path

import pytest

import hil
from hil.boards.serial.port import Port
from hil.boards.serial.probe import wire
from hil.boards.serial.probe_link import ProbeLink
from hil.pytest_plugin import missing_tools
from hil.toolchain.micropython import find_or_fetch

ROOT = Path(hil.__file__).parents[1]
PROBE = "hil/boards/serial/probe"


@pytest.fixture(scope="module")
def micropython():
    try:
        return find_or_fetch()
    except Exception as error:
        if missing := missing_tools(error):
            pytest.skip(missing)
        raise


@pytest.fixture
def folder(tmp_path):
    """What lies on a probe, with other pins."""
    for name in (f"{PROBE}/wire.py", f"{PROBE}/session.py", f"{PROBE}/main.py"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, tmp_path / name)
    for name in ("__init__.py", "framing.py", "compat.py"):
        (tmp_path / "protocol").mkdir(exist_ok=True)
        shutil.copy(ROOT / "protocol" / name, tmp_path / "protocol" / name)
    shutil.copy(Path(__file__).parent / "probe_on_vm" / "pins.py", tmp_path / PROBE / "pins.py")
    return tmp_path


@pytest.fixture
def probe(micropython, folder):
    master, slave = os.openpty()
    tty.setraw(slave)
    process = subprocess.Popen(
        [*micropython.command, f"{PROBE}/main.py"],
        cwd=folder,
        stdin=master,
        stdout=master,
        stderr=subprocess.PIPE,
        env={**os.environ, "MICROPYPATH": f"{folder}:.frozen"},
    )
    os.close(master)
    link = None
    try:
        link = ProbeLink(Port(os.ttyname(slave), "probe", "--probe-url"))
        yield link
    finally:
        if link is not None:
            link.close()
        os.close(slave)
        process.kill()
        process.communicate()


def collected(probe, seconds):
    messages = []
    end_s = time.monotonic() + seconds
    while time.monotonic() < end_s:
        messages += probe.take(0.01)
    return messages


def test_it_welcomes_reports_and_keeps_time(probe):
    assert (probe.name, probe.capabilities) == ("vm", ("edges", "safe", "inputs"))
    messages = collected(probe, 1.0)
    horizons = [probe.clock.ns(message[1]) for message in messages if message[0] == wire.HORIZON]
    assert len(horizons) > 20
    assert horizons == sorted(horizons)
    assert abs(probe.clock.at(time.monotonic_ns()) - horizons[-1]) < 100_000_000
    assert probe.bad_frames == 0


def test_it_tells_edges_in_words(probe):
    told = [message for message in collected(probe, 0.2) if message[0] == wire.EDGES]
    assert [message[2] for message in told] == [0, 5, 10, 15]
    assert {message[4] for message in told} == {(5 << 22 | 100,)}


def test_it_drives_what_it_is_told_and_says_when(probe):
    probe.send(wire.DRIVE, wire.DRIVEN, wire.ESTOP | wire.DOOR)
    line = next(message for message in collected(probe, 0.2) if message[0] == wire.LINE)
    assert line[2] == wire.ESTOP | wire.DOOR | wire.SAFE


def test_an_octet_3_is_data_once_a_session_has_begun(probe):
    probe.port.write(b"\x03\x03\x00")
    probe.send(wire.DRIVE, wire.DRIVEN, wire.ESTOP)
    assert any(message[0] == wire.LINE for message in collected(probe, 0.2))
