"""Serial ports on real pseudo terminals."""

import asyncio
import contextlib
import os
import pty
import tty
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from host.errors import RigError, TransportError
from host.link import serial_port
from host.link.serial_port import open_serial
from tests.host.loops import real


@dataclass
class Terminal:
    """The other end of the port."""

    master: int
    slave: int
    path: str

    def unplug(self) -> None:
        os.close(self.slave)
        os.close(self.master)
        self.master = self.slave = -1


@pytest.fixture
def terminal() -> Iterator[Terminal]:
    master, slave = pty.openpty()
    tty.setraw(slave)
    terminal = Terminal(master, slave, os.ttyname(slave))
    yield terminal
    for descriptor in (terminal.master, terminal.slave):
        with contextlib.suppress(OSError):
            os.close(descriptor)


@real
async def test_octets_go_both_ways(terminal: Terminal) -> None:
    transport = await open_serial(terminal.path)
    every = bytes(range(256))
    await transport.write(every)
    assert os.read(terminal.master, 1000) == every
    reading = asyncio.create_task(transport.read())
    await asyncio.sleep(0)
    os.write(terminal.master, every)
    assert await reading == every
    await transport.close()
    await transport.close()


@real
async def test_more_octets_than_the_port_takes_at_once_wait_for_room(terminal: Terminal) -> None:
    transport = await open_serial(terminal.path)
    data = os.urandom(200_000)
    writing = asyncio.create_task(transport.write(data))
    seen = bytearray()
    while len(seen) < len(data):
        seen += await asyncio.to_thread(os.read, terminal.master, 4096)
    await writing
    assert bytes(seen) == data
    await transport.close()


@real
async def test_a_port_that_takes_nothing_is_an_error(terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(serial_port, "WRITE_TIMEOUT_S", 0.05)
    transport = await open_serial(terminal.path)
    with pytest.raises(TransportError) as caught:
        await transport.write(bytes(500_000))
    assert caught.value.code == "write_stalled"
    await transport.close()


@real
async def test_unplugging_ends_a_waiting_reader(terminal: Terminal) -> None:
    transport = await open_serial(terminal.path)
    reading = asyncio.create_task(transport.read())
    await asyncio.sleep(0)
    terminal.unplug()
    with pytest.raises(TransportError) as caught:
        await reading
    assert caught.value.code == "unplugged"
    with pytest.raises(TransportError):
        await transport.write(b"x")
    await transport.close()


@real
async def test_closing_ends_a_waiting_reader(terminal: Terminal) -> None:
    transport = await open_serial(terminal.path)
    reading = asyncio.create_task(transport.read())
    await asyncio.sleep(0.01)
    await transport.close()
    with pytest.raises(TransportError) as caught:
        await reading
    assert caught.value.code == "closed"


@real
async def test_a_held_port_is_busy_and_its_holder_undisturbed(terminal: Terminal) -> None:
    first = await open_serial(terminal.path)
    with pytest.raises(RigError) as caught:
        await open_serial(terminal.path)
    assert caught.value.code == "port_busy"
    assert "rig stop" in caught.value.todo
    await first.write(b"still here")
    assert os.read(terminal.master, 100) == b"still here"
    await first.close()
    again = await open_serial(terminal.path)
    await again.close()


@pytest.mark.req("STOP-1")
@real
async def test_a_port_given_back_is_free_though_a_process_just_started_still_has_its_descriptor(
    terminal: Terminal,
) -> None:
    transport = await open_serial(terminal.path)
    inherited = os.dup(transport._descriptor)
    try:
        await transport.close()
        await (await open_serial(terminal.path)).close()
    finally:
        os.close(inherited)


@real
async def test_a_held_port_opens_without_the_lock(terminal: Terminal) -> None:
    first = await open_serial(terminal.path)
    second = await open_serial(terminal.path, exclusive=False)
    await second.write(b"stop")
    assert os.read(terminal.master, 100) == b"stop"
    await second.close()
    await first.write(b"goes on")
    assert os.read(terminal.master, 100) == b"goes on"
    await first.close()


@pytest.mark.req("SEC-5")
@real
async def test_an_unknown_port_is_told_with_those_that_are_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(serial_port, "serial_ports", lambda: ["/dev/ttyACM7"])
    with pytest.raises(RigError) as caught:
        await open_serial("/dev/there-is-no-such-port")
    assert caught.value.code == "port_unknown"
    assert "/dev/ttyACM7" in caught.value.todo


@real
async def test_a_file_is_not_a_port(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"untouched")
    with pytest.raises(RigError) as caught:
        await open_serial(str(tmp_path / "file"))
    assert caught.value.code == "port_not_serial"
    assert (tmp_path / "file").read_bytes() == b"untouched"
    with pytest.raises(RigError) as caught:
        await open_serial(str(tmp_path))
    assert caught.value.code in {"port_not_serial", "port_failed"}


@pytest.mark.parametrize(
    ("number", "code"), [(13, "port_permission"), (2, "port_unknown"), (16, "port_busy"), (5, "port_failed")]
)
def test_what_the_system_says_becomes_what_is_wrong(number: int, code: str) -> None:
    assert serial_port._not_opened("/dev/null", OSError(number, os.strerror(number))).code == code


@real
async def test_a_port_that_cannot_do_the_baud_is_told(terminal: Terminal) -> None:
    with pytest.raises(RigError) as caught:
        await open_serial(terminal.path, -1)
    assert caught.value.code == "port_failed"
