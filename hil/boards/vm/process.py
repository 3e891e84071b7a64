"""The MicroPython process: started with a bounded heap, spoken to over a socket, its end seen and explained."""

import os
import socket
import struct
import subprocess
import tempfile
from pathlib import Path

from hil.boards.base import BoardError
from hil.toolchain.micropython import MicroPython

HEAP_KIB = 768
"""Heap of the VM: objects are twice as wide as on a Pico's 32 bits, and the firmware is compiled here, not frozen."""

HANG_TIMEOUT_S = 10
"""Wall time without a call after which the VM hangs: a turn takes less than a millisecond."""

EXIT_TIMEOUT_S = 2
OUTPUT_SHOWN = 4000
"""Octets of the VM's output that an error shows, from its end."""

_HERE = Path(__file__).resolve().parent
_ROOT = _HERE.parents[2]


class VmError(BoardError):
    """The firmware's process crashed, ended or hangs. The message shows what it printed."""


class VmProcess:
    """One run of the firmware, from power on to power off."""

    def __init__(self, micropython: MicroPython, heap_kib: int = HEAP_KIB, hang_timeout_s: float = HANG_TIMEOUT_S):
        self._name = micropython.banner
        self._hang_timeout_s = hang_timeout_s
        self._output = tempfile.TemporaryFile()  # noqa: SIM115 closed by close()
        self._socket, remote = socket.socketpair()
        seconds = int(hang_timeout_s)
        limit = struct.pack("ll", seconds, int((hang_timeout_s - seconds) * 1e6))
        # A time limit in the kernel costs no system call of its own, unlike settimeout().
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, limit)
        self._received = bytearray()
        with remote:
            self._process = subprocess.Popen(
                [*micropython.command, "-X", f"heapsize={heap_kib}k", str(_HERE / "vm_board.py"), str(remote.fileno())],
                env=_environment(),
                pass_fds=[remote.fileno()],
                # Ctrl-C is for the one who holds this process, not for the firmware.
                start_new_session=True,
                stdin=subprocess.DEVNULL,
                stdout=self._output,
                stderr=self._output,
            )

    @property
    def pid(self) -> int:
        """The number of the process."""
        return self._process.pid

    def receive(self) -> bytes:
        """Wait for the next message of the VM. Raises VmError when there will be none."""
        received = self._received
        while True:
            if len(received) >= 2:
                length = 2 + (received[0] | received[1] << 8)
                if len(received) >= length:
                    message = bytes(received[2:length])
                    del received[:length]
                    return message
            try:
                chunk = self._socket.recv(65536)
            except BlockingIOError:
                raise self._error(f"hangs: no call within {self._hang_timeout_s:g} s of wall time") from None
            except ConnectionResetError:
                chunk = b""
            if not chunk:
                raise self._error(self._how_it_ended())
            received += chunk

    def send(self, data: bytes | bytearray) -> None:
        """Answer the VM's call."""
        try:
            self._socket.sendall(data)
        except (BrokenPipeError, ConnectionResetError):
            raise self._error(self._how_it_ended()) from None

    def output(self) -> str:
        """Return the end of what the VM has printed."""
        end = self._output.seek(0, os.SEEK_END)
        self._output.seek(max(0, end - OUTPUT_SHOWN))
        return self._output.read().decode(errors="replace").strip()

    def close(self) -> None:
        """End the process, whatever it does. May be called again."""
        self._socket.close()
        if self._process.poll() is None:
            self._process.kill()
            self._process.wait()
        self._output.close()

    def _how_it_ended(self) -> str:
        try:
            code = self._process.wait(EXIT_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            return "closed its socket and runs on"
        return f"was killed by signal {-code}" if code < 0 else f"exited with code {code}"

    def _error(self, what: str) -> VmError:
        output = self.output()
        printed = f" and printed:\n{output}" if output else " and printed nothing"
        return VmError(f"the firmware in {self._name} {what}{printed}")


def _environment() -> dict[str, str]:
    # The script's own folder comes first by itself; `.frozen` holds the VM's built-in library.
    return {"MICROPYPATH": f"{_ROOT}:.frozen", "PATH": os.defpath}
