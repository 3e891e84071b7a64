"""A serial port without an event loop: octets that are there, octets to send, and errors that name the option."""

from __future__ import annotations

import os
import select
import time
from pathlib import Path
from typing import Any

from hil.boards.base import BoardError
from host.errors import RigError
from host.link.serial_port import DEFAULT_BAUD, serial_ports
from host.link.urls import split_url

READ_OCTETS = 4096
WRITE_TIMEOUT_S = 2.0


class Port:
    """One open port, held exclusively. ``who`` and ``option`` are for messages."""

    def __init__(self, url: str, who: str, option: str) -> None:
        """``url`` is a path or serial:///path. Raises BoardError."""
        self.who = who
        if not url:
            raise BoardError(f"no port of the {who} was named; give {option} serial:///dev/ttyACM0. {_ports()}")
        try:
            parts = split_url(url)
        except RigError as error:
            raise BoardError(f"{option}: {error}") from error
        if parts.scheme != "serial":
            raise BoardError(f"{option} {url}: the {who} is on a serial port, such as serial:///dev/ttyACM0")
        self.path = parts.path
        self._port = _open(self.path, who, option)
        self._descriptor: int = self._port.fileno()

    def fileno(self) -> int:
        """Return the descriptor to wait on."""
        return self._descriptor

    def read(self) -> bytes:
        """Return the octets that are there, none when there are none. Raises BoardError when the port is gone."""
        try:
            data = os.read(self._descriptor, READ_OCTETS)
        except BlockingIOError:
            return b""
        except OSError as error:
            raise self._gone(error) from error
        if not data and not Path(self.path).exists():
            raise self._gone(None)
        return data

    def write(self, data: bytes) -> None:
        """Send octets. Raises BoardError when the port is gone, or takes nothing for 2 s."""
        rest = memoryview(data)
        deadline = time.monotonic() + WRITE_TIMEOUT_S
        while rest:
            try:
                rest = rest[os.write(self._descriptor, rest) :]
            except BlockingIOError:
                if time.monotonic() > deadline:
                    raise BoardError(
                        f"the {self.who} at {self.path} takes no octets; pull its cable and put it in again"
                    ) from None
                select.select([], [self._descriptor], [], 0.1)
            except OSError as error:
                raise self._gone(error) from error

    def close(self) -> None:
        """Give the port back; idempotent."""
        self._port.close()

    def _gone(self, error: OSError | None) -> BoardError:
        why = f" ({error.strerror})" if error is not None and error.strerror else ""
        return BoardError(f"the {self.who}'s port {self.path} is gone{why}; check its cable and supply")


def _open(path: str, who: str, option: str) -> Any:
    import serial  # noqa: PLC0415

    try:
        return serial.Serial(path, DEFAULT_BAUD, timeout=0, write_timeout=0, exclusive=True)
    except (serial.SerialException, OSError, ValueError) as error:
        if not Path(path).exists():
            why = f"there is no {path}"
        elif "lock" in str(error):
            why = f"{path} is held by another program"
        elif isinstance(error, OSError) and error.errno == 13:
            why = f"you may not open {path}; add yourself to its group (usually dialout)"
        else:
            why = f"{path} is no serial port: {error}"
        raise BoardError(f"the {who} cannot be reached: {why}. Name its port with {option}. {_ports()}") from error


def _ports() -> str:
    ports = serial_ports()
    return f"Ports that are there: {', '.join(ports)}." if ports else "No serial port was found: check cable and power."
