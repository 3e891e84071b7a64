"""A fake device behind a pseudo terminal, as a process of its own."""

import json
import select
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

START_S = 30


class PortDevice:
    """The process, its port, and what can be done to it."""

    def __init__(self, mode: str) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.host.pty_device", mode],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            bufsize=1,
        )
        self.port = self._line()

    def _line(self) -> str:
        assert self._process.stdout is not None
        ready, _, _ = select.select([self._process.stdout], [], [], START_S)
        assert ready, "the device says nothing"
        return self._process.stdout.readline().strip()

    def tell(self, command: str) -> None:
        """Send it a command."""
        assert self._process.stdin is not None
        self._process.stdin.write(command + "\n")

    def facts(self) -> dict[str, Any]:
        """Return what happened in it."""
        self.tell("facts")
        facts: dict[str, Any] = json.loads(self._line())
        return facts

    def close(self) -> None:
        """End it."""
        for stream in (self._process.stdin, self._process.stdout):
            assert stream is not None
            stream.close()
        try:
            self._process.wait(START_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
            raise


@pytest.fixture
def port_device() -> Iterator[Callable[[str], PortDevice]]:
    """Make a device in a mode of ``pty_device``; all are ended with the test."""
    devices: list[PortDevice] = []

    def make(mode: str = "good") -> PortDevice:
        devices.append(PortDevice(mode))
        return devices[-1]

    yield make
    for device in devices:
        device.close()


@pytest.fixture
def ledger_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A ledger of the test's own, which every command finds by itself."""
    path = tmp_path / "ledger.sqlite3"
    monkeypatch.setenv("NANORIG_LEDGER", str(path))
    monkeypatch.delenv("NANORIG_PORT", raising=False)
    return path
