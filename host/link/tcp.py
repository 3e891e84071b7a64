"""A rig behind a TCP server that passes octets through."""

import asyncio
import socket

from host.errors import TransportError

READ_OCTETS = 4096
CONNECT_TIMEOUT_S = 3.0
WRITE_TIMEOUT_S = 2.0


class TcpTransport:
    """A byte stream over an open TCP connection; made by ``open_tcp``."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, name: str) -> None:
        self._reader = reader
        self._writer = writer
        self._name = name

    async def read(self) -> bytes:
        """Return the octets that are there, at least one."""
        try:
            data = await self._reader.read(READ_OCTETS)
        except OSError as error:
            raise self._gone(str(error)) from error
        if not data:
            raise self._gone("closed by the other end")
        return data

    async def write(self, data: bytes) -> None:
        """Send all octets; raises ``TransportError`` when the other end is gone or takes nothing for 2 s."""
        if self._writer.is_closing():
            raise self._gone("closed")
        try:
            self._writer.write(data)
            async with asyncio.timeout(WRITE_TIMEOUT_S):
                await self._writer.drain()
        except OSError as error:  # a time-out is one too
            raise self._gone(str(error) or "took no octet") from error

    async def close(self) -> None:
        """Close at once, without waiting for octets that are under way; idempotent."""
        self._writer.transport.abort()
        await asyncio.sleep(0)

    def _gone(self, why: str) -> TransportError:
        return TransportError(
            "unplugged", f"The connection to {self._name} is gone ({why}).", "Check the server and the network."
        )


async def open_tcp(host: str, port: int) -> TcpTransport:
    """Connect within 3 s; octets leave without delay. Raises ``TransportError``."""
    name = f"{host}:{port}"
    try:
        async with asyncio.timeout(CONNECT_TIMEOUT_S):
            reader, writer = await asyncio.open_connection(host, port, limit=READ_OCTETS * 4)
    except OSError as error:
        raise TransportError(
            "tcp_unreachable",
            f"Nothing answers at {name} ({str(error) or 'no answer in time'}).",
            "Check host, port and that the rig's server runs.",
        ) from error
    raw = writer.get_extra_info("socket")
    if raw is not None:
        raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return TcpTransport(reader, writer, name)
