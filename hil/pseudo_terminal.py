"""A serial port for people and programs: a pseudo-terminal under a stable name, that can be unplugged."""

import contextlib
import os
import select
import shutil
import tempfile
import termios
import tty
from pathlib import Path

from hil.line_speed import resample

LINE_BAUD = 921_600
READ_SIZE = 4096

_BAUD_OF_SPEED = {
    getattr(termios, name): int(name[1:]) for name in dir(termios) if name[0] == "B" and name[1:].isdigit()
}


class PseudoTerminal:
    """The cable between the bench's UART and a host program.

    Nobody listening loses what is sent, as on a UART: nothing waits for the next one who opens the port. A host that
    set another speed than the line's sends and receives what a UART would make of it.
    """

    def __init__(self) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="nanorig-"))
        self.path = self._folder / "port"
        self.lost = 0
        """Octets for the host that found nobody, or a full buffer."""
        self.garbled = 0
        """Octets that passed at the wrong speed."""
        self._master = -1
        self._slave_name = ""
        self._was_open = False
        self.plug()

    @property
    def plugged(self) -> bool:
        """Whether the cable is in."""
        return self._master >= 0

    def fileno(self) -> int:
        """Return the descriptor to wait on, -1 when unplugged."""
        return self._master

    def plug(self) -> None:
        """Put the cable in: a new pseudo-terminal under the old name."""
        if self.plugged:
            return
        self._master, slave = os.openpty()
        self._slave_name = os.ttyname(slave)
        tty.setraw(slave)
        os.close(slave)
        os.set_blocking(self._master, False)
        link = self._folder / "new"
        link.symlink_to(self._slave_name)
        link.replace(self.path)
        self._was_open = False

    def unplug(self) -> None:
        """Pull the cable: whoever has the port open gets an error, and the name is gone."""
        if not self.plugged:
            return
        os.close(self._master)
        self._master = -1
        self.path.unlink(missing_ok=True)

    def close(self) -> None:
        """Unplug for good."""
        self.unplug()
        shutil.rmtree(self._folder, ignore_errors=True)

    def is_open(self) -> bool:
        """Return whether a host has the port open; forgets what the last one left unread."""
        if not self.plugged:
            return False
        poll = select.poll()
        poll.register(self._master, select.POLLIN)
        events = poll.poll(0)
        is_open = not any(event & select.POLLHUP for _, event in events)
        if self._was_open and not is_open:
            self._forget()
        self._was_open = is_open
        return is_open

    def baud(self) -> int:
        """Return the speed that the host has set."""
        return _BAUD_OF_SPEED.get(termios.tcgetattr(self._master)[5], 0)

    def read(self) -> bytes:
        """Return what the host has sent and the line made of it; empty when there is nothing."""
        if not self.plugged:
            return b""
        try:
            octets = os.read(self._master, READ_SIZE)
        except OSError:
            # EAGAIN: nothing there. EIO: nobody has the port open.
            return b""
        return self._through_the_line(octets, to_host=False)

    def write(self, octets: bytes) -> None:
        """Send octets to the host, if there is one."""
        if not self.is_open():
            self.lost += len(octets)
            return
        octets = self._through_the_line(octets, to_host=True)
        written = 0
        with contextlib.suppress(OSError):
            written = os.write(self._master, octets)
        self.lost += len(octets) - written

    def _through_the_line(self, octets: bytes, *, to_host: bool) -> bytes:
        baud = self.baud()
        if baud in {0, LINE_BAUD}:
            return octets
        self.garbled += len(octets)
        return resample(octets, LINE_BAUD, baud) if to_host else resample(octets, baud, LINE_BAUD)

    def _forget(self) -> None:
        with contextlib.suppress(OSError, termios.error):
            slave = os.open(self._slave_name, os.O_RDWR | os.O_NOCTTY)
            try:
                termios.tcflush(slave, termios.TCIFLUSH)
            finally:
                os.close(slave)
