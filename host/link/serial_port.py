"""A serial port with its descriptor on the event loop, by pyserial."""

import asyncio
import errno
import fcntl
import os
import select
from contextlib import suppress
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from host.errors import RigError, TransportError

if TYPE_CHECKING:
    import serial

DEFAULT_BAUD = 921_600
READ_OCTETS = 4096
# The kernel takes some 4 KiB at once; a port that takes nothing for this long has nobody behind it.
WRITE_TIMEOUT_S = 2.0
MAX_LOCKS_LOOKED_AT = 10_000

_UNPLUGGED_TODO = "Check the cable and the rig's power; the dose in progress, if any, pauses by itself within 1.5 s."


class SerialTransport:
    """A byte stream over an open port; made by ``open_serial``."""

    def __init__(self, port: "serial.Serial", loop: asyncio.AbstractEventLoop) -> None:
        self._port = port
        self._loop = loop
        self._descriptor: int = port.fileno()
        self._reader: asyncio.Future[None] | None = None
        self._writers: list[asyncio.Future[None]] = []
        self._closed = False

    async def read(self) -> bytes:
        """Return the octets that are there, at least one; one reader at a time."""
        assert self._reader is None, "one reader at a time"
        while not self._closed:
            try:
                data = os.read(self._descriptor, READ_OCTETS)
            except BlockingIOError:
                await self._readable()
                continue
            except OSError as error:
                raise self._unplugged(error) from error
            if data:
                return data
            await self._after_nothing()
        raise _closed()

    async def write(self, data: bytes) -> None:
        """Send all octets; raises ``TransportError`` when the port is gone or takes nothing for 2 s."""
        rest = memoryview(data)
        while rest:
            if self._closed:
                raise _closed()
            try:
                rest = rest[os.write(self._descriptor, rest) :]
            except BlockingIOError:
                await self._writable()
            except OSError as error:
                raise self._unplugged(error) from error

    async def close(self) -> None:
        """Give the port and its lock back; idempotent."""
        if self._closed:
            return
        self._closed = True
        self._loop.remove_reader(self._descriptor)
        self._loop.remove_writer(self._descriptor)
        self._wake_reader()
        self._wake_writers()
        # Given back by name: a process that is just being started may have the descriptor still, and with it the lock.
        with suppress(OSError):
            fcntl.flock(self._descriptor, fcntl.LOCK_UN)
        self._port.close()

    async def _after_nothing(self) -> None:
        # As pyserial sets a port up, and whenever another program opens it, silence too reads as nothing.
        poller = select.poll()
        poller.register(self._descriptor, select.POLLIN)
        seen = dict(poller.poll(0)).get(self._descriptor, 0)
        if seen & (select.POLLHUP | select.POLLERR | select.POLLNVAL):
            raise self._unplugged(None)
        if not seen:
            await self._readable()

    async def _readable(self) -> None:
        self._reader = self._loop.create_future()
        self._loop.add_reader(self._descriptor, self._wake_reader)
        try:
            await self._reader
        finally:
            self._reader = None
            if not self._closed:
                self._loop.remove_reader(self._descriptor)

    async def _writable(self) -> None:
        waiter = self._loop.create_future()
        self._writers.append(waiter)
        self._loop.add_writer(self._descriptor, self._wake_writers)
        try:
            async with asyncio.timeout(WRITE_TIMEOUT_S):
                await waiter
        except TimeoutError as error:
            raise TransportError(
                "write_stalled",
                f"The port {self._port.port} took no octet for {WRITE_TIMEOUT_S:g} s.",
                "Check that a rig is behind it; pull the cable and plug it in again.",
            ) from error
        finally:
            if waiter in self._writers:
                self._writers.remove(waiter)
            if not self._writers and not self._closed:
                self._loop.remove_writer(self._descriptor)

    def _wake_reader(self) -> None:
        if self._reader is not None and not self._reader.done():
            self._reader.set_result(None)

    def _wake_writers(self) -> None:
        waiters, self._writers = self._writers, []
        for waiter in waiters:
            if not waiter.done():
                waiter.set_result(None)

    def _unplugged(self, error: OSError | None) -> TransportError:
        why = f" ({error.strerror})" if error is not None and error.strerror else ""
        return TransportError("unplugged", f"The port {self._port.port} is gone{why}.", _UNPLUGGED_TODO)


async def open_serial(path: str, baud: int = DEFAULT_BAUD, *, exclusive: bool = True) -> SerialTransport:
    """Open the port raw, 8N1, without flow control; ``exclusive`` takes the lock that programs of this kind honour.

    Raises ``TransportError``: unknown port, no permission, held by another program, not a serial port.
    """
    import serial  # noqa: PLC0415  what `rig stop` and `rig --help` do not need they do not load

    try:
        port = serial.Serial(path, baud, timeout=0, write_timeout=0, exclusive=True if exclusive else None)
    except serial.SerialException as error:
        raise _not_opened(path, error) from error
    except (ValueError, OSError, OverflowError) as error:
        raise TransportError(
            "port_failed", f"The port {path} cannot be set up: {error}.", "Check port and baud."
        ) from error
    return SerialTransport(port, asyncio.get_running_loop())


def _not_opened(path: str, error: OSError) -> TransportError:
    number, text = error.errno, str(error)
    if "lock" in text or number in {errno.EBUSY, errno.EWOULDBLOCK}:
        return _busy(path)
    if number in {errno.ENOENT, errno.ENXIO, errno.ENODEV, errno.ENOTDIR} or not Path(path).exists():
        return TransportError("port_unknown", f"There is no port {path}.", _ports_todo())
    if number in {errno.EACCES, errno.EPERM}:
        return TransportError(
            "port_permission",
            f"You may not open {path}.",
            "Add yourself to the port's group (usually: sudo usermod -aG dialout $USER) and log in again.",
        )
    if "configure port" in text or number in {errno.ENOTTY, errno.EISDIR, errno.EINVAL}:
        return TransportError("port_not_serial", f"{path} is not a serial port.", _ports_todo())
    return TransportError("port_failed", f"The port {path} cannot be opened: {text}.", _ports_todo())


def _busy(path: str) -> TransportError:
    holder = _holder(path)
    who = f" by {holder}" if holder else " by another program"
    return TransportError(
        "port_busy",
        f"The port {path} is held{who}.",
        f"End that program first. To stop a dose all the same: rig stop --port {path}",
    )


def _holder(path: str) -> str:
    """Name the process that holds the port's lock, as far as /proc tells; empty when unknown."""
    try:
        status = Path(path).stat()
        wanted = f"{os.major(status.st_dev):02x}:{os.minor(status.st_dev):02x}:{status.st_ino}"
        with Path("/proc/locks").open(encoding="ascii") as locks:
            for line in islice(locks, MAX_LOCKS_LOOKED_AT):
                _, kind, _, _, process, place = line.split()[:6]
                if kind == "FLOCK" and place == wanted:
                    name = Path(f"/proc/{process}/comm").read_text(errors="replace").strip()
                    return f"{name} (process {process})"
    except (OSError, ValueError):
        pass
    return ""


def serial_ports() -> list[str]:
    """Return the ports where a rig may be: names by id first, which stay the same over re-plugging."""
    by_id = sorted(str(path) for path in Path("/dev/serial/by-id").glob("*"))
    known = {str(Path(path).resolve()) for path in by_id}
    plain = sorted(str(path) for path in Path("/dev").glob("ttyACM*"))
    return by_id + [path for path in plain if path not in known]


def _ports_todo() -> str:
    ports = serial_ports()
    if not ports:
        return "No serial port was found: check the cable and the rig's power, then name the port with --port."
    return f"Ports that are there: {', '.join(ports)}."


def _closed() -> RigError:
    return TransportError("closed", "The port was closed.", "Connect again.")
