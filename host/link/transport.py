"""What a transport is: a byte stream to one rig, used on an asyncio loop."""

from collections.abc import Awaitable, Callable
from typing import Protocol


class Transport(Protocol):
    """A byte stream that is open from its making until ``close``; its first error is final."""

    async def write(self, data: bytes) -> None:
        """Send all octets, or raise ``TransportError``. May be called while another write still waits."""

    async def read(self) -> bytes:
        """Return at least one octet, never none. Raises ``TransportError`` when the other end is gone."""

    async def close(self) -> None:
        """Give the port back. Waiting readers and writers end with ``TransportError``. Idempotent."""


TransportFactory = Callable[[str], Awaitable[Transport]]
OpenTransport = Callable[[], Awaitable[Transport]]
