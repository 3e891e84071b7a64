"""The link between a host on the bench's loop and the board's UART, with faults on the way."""

import asyncio
from collections import deque
from typing import TYPE_CHECKING, Any

from hil.faults import FaultyDirection, LinkFaults, faulty_direction
from hil.plant.parameters import NS_PER_S
from host.errors import TransportError

if TYPE_CHECKING:
    from hil.issuer import Issuer


class BenchLink:
    """The cable: at most one transport is plugged in, and faults sit between it and the UART."""

    def __init__(self, board: Any, seed: int) -> None:
        self._board = board
        self._seed = seed
        self._transport: BenchTransport | None = None
        self._plugged = True
        self._changes = 0
        self.to_device: FaultyDirection
        self.to_host: FaultyDirection
        self.set_faults(LinkFaults(), LinkFaults())

    def set_faults(self, to_device: LinkFaults, to_host: LinkFaults) -> None:
        """Choose the faults of each direction from now on."""
        # Faults chosen anew do not strike where the ones before did.
        suffix = f" {self._changes}" if self._changes > 1 else ""
        self._changes += 1
        self.to_device = faulty_direction(to_device, self._seed, f"to device{suffix}")
        self.to_host = faulty_direction(to_host, self._seed, f"to host{suffix}")

    def open(self) -> "BenchTransport":
        """Return a new transport; the one before it is gone. Raises TransportError while the cable is out."""
        if self._transport is not None:
            self._transport.cut("the port was opened by somebody else")
        if not self._plugged:
            raise transport_error("the cable is unplugged")
        self._transport = BenchTransport(self)
        return self._transport

    def unplug(self) -> None:
        """Pull the cable: the transport ends with an error, octets in both directions are lost."""
        self._plugged = False
        if self._transport is not None:
            self._transport.cut("the cable was unplugged")
            self._transport = None

    def plug(self) -> None:
        """Put the cable in again."""
        self._plugged = True

    def deliver(self, octets: bytes) -> bool:
        """Bring octets from the UART to the transport; True when a transport takes them."""
        transport = self._transport
        if transport is None:
            return False
        for piece in self.to_host.take(octets):
            if piece.delay_ns:
                transport.loop.call_later(piece.delay_ns / NS_PER_S, transport.feed, piece.data)
            else:
                transport.feed(piece.data)
        if self.to_host.cut:
            self.unplug()
        return True

    def send(self, octets: bytes, loop: asyncio.AbstractEventLoop) -> None:
        """Bring octets from the transport to the UART."""
        for piece in self.to_device.take(octets):
            if piece.delay_ns:
                loop.call_later(piece.delay_ns / NS_PER_S, self._write, piece.data)
            else:
                self._write(piece.data)
        if self.to_device.cut:
            self.unplug()

    def release(self, transport: "BenchTransport") -> None:
        """Forget a transport that was closed."""
        if self._transport is transport:
            self._transport = None

    def _write(self, octets: bytes) -> None:
        self._board.host_write(octets)


class BenchTransport:
    """The host's end of the bench's link: an asyncio byte stream (``host.link.transport.Transport``)."""

    def __init__(self, link: BenchLink) -> None:
        self.loop = asyncio.get_running_loop()
        self.issuer: Issuer | None = None  # who may sign for the rig at the other end, None where nobody may
        self._link = link
        self._received: deque[bytes] = deque()
        self._reader: asyncio.Future[None] | None = None
        self._gone: str | None = None

    async def write(self, data: bytes) -> None:
        """Send octets. Raises TransportError when the link is gone."""
        self._check()
        self._link.send(data, self.loop)

    async def read(self) -> bytes:
        """Return at least one octet. Raises TransportError when the link is gone."""
        while not self._received:
            self._check()
            if self._reader is not None:
                raise RuntimeError("two coroutines read from one transport")
            self._reader = self.loop.create_future()
            try:
                await self._reader
            finally:
                self._reader = None
        octets = b"".join(self._received)
        self._received.clear()
        return octets

    async def close(self) -> None:
        """Let go of the link."""
        self._link.release(self)
        self.cut("the transport was closed")

    def feed(self, octets: bytes) -> None:
        """Octets have arrived."""
        if self._gone is None:
            self._received.append(octets)
            self._wake()

    def cut(self, reason: str) -> None:
        """The link is gone."""
        if self._gone is None:
            self._gone = reason
            self._wake()

    def _wake(self) -> None:
        if self._reader is not None and not self._reader.done():
            self._reader.set_result(None)

    def _check(self) -> None:
        if self._gone is not None:
            raise transport_error(self._gone)


def transport_error(reason: str) -> TransportError:
    """Return the host's own error for a link that is gone."""
    return TransportError("unplugged", f"The bench's link is gone: {reason}.", "Plug it in and connect again.")
