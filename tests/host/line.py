"""An in-memory line between the host and the fake device: perfect, one octet at a time, lossy, cut."""

import asyncio
import random
from collections import deque
from collections.abc import Callable

from host.errors import TransportError
from tests.host.fake_device import FakeDevice, run_device

Filter = Callable[[bytes], list[bytes]]


def perfect(data: bytes) -> list[bytes]:
    """Return what arrives: everything."""
    return [data]


def one_octet_at_a_time(data: bytes) -> list[bytes]:
    """Return every octet by itself."""
    return [data[at : at + 1] for at in range(len(data))]


def lossy(seed: int, loss: float) -> Filter:
    """Return a filter that drops, doubles and spoils frames, each with the probability ``loss``."""
    chance = random.Random(seed)

    def arrives(data: bytes) -> list[bytes]:
        frames = [bytearray(frame + b"\0") for frame in data.split(b"\0")[:-1]]
        arriving: list[bytes] = []
        for frame in frames:
            if chance.random() < loss:
                continue
            if chance.random() < loss:
                frame[chance.randrange(len(frame))] ^= 1 << chance.randrange(8)
            arriving += [bytes(frame)] * (2 if chance.random() < loss else 1)
        return arriving

    return arrives


class MemoryTransport:
    """The host's end of the line."""

    def __init__(self, line: "Line") -> None:
        self._line = line
        self._octets: asyncio.Queue[bytes | None] = asyncio.Queue()
        self.closed = False

    def arrive(self, data: bytes) -> None:
        """Hand octets to the reader."""
        self._octets.put_nowait(data)

    def cut(self) -> None:
        """End the line, as a pulled cable does."""
        self.closed = True
        self._octets.put_nowait(None)

    async def read(self) -> bytes:
        data = await self._octets.get()
        if data is None:
            self._octets.put_nowait(None)
            raise TransportError("unplugged", "The line was cut.", "Plug it in.")
        return data

    async def write(self, data: bytes) -> None:
        if self.closed:
            raise TransportError("unplugged", "The line was cut.", "Plug it in.")
        self._line.to_device(data)

    async def close(self) -> None:
        self.closed = True
        self._line.closed(self)


class Line:
    """One device and at most one host; ``open`` is a transport factory."""

    def __init__(self, device: FakeDevice, *, out: Filter = perfect, back: Filter = perfect) -> None:
        self.device = device
        self.out = out
        self.back = back
        self.opened = 0
        self.refuse: TransportError | None = None
        self.delay_s = 0.0005
        self._under_way_out: deque[bytes] = deque()
        self._under_way_back: deque[bytes] = deque()
        self._host: MemoryTransport | None = None
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> "Line":
        self._task = asyncio.create_task(run_device(self.device, self._from_device), name="fake device")
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._task is not None
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)

    async def open(self) -> MemoryTransport:
        """Plug in."""
        if self.refuse is not None:
            raise self.refuse
        self.opened += 1
        self._host = MemoryTransport(self)
        return self._host

    def cut(self) -> None:
        """Pull the cable."""
        if self._host is not None:
            self._host.cut()
            self._host = None

    def closed(self, transport: MemoryTransport) -> None:
        """Forget a host that went away."""
        if self._host is transport:
            self._host = None

    def to_device(self, data: bytes) -> None:
        """Carry octets to the device."""
        self._carry(self.out(data), self._under_way_out, self._at_device)

    def _carry(self, parts: list[bytes], under_way: deque[bytes], arrived: Callable[[], None]) -> None:
        # Timers of one instant fire in any order; what is carried arrives in the order in which it left.
        for part in parts:
            under_way.append(part)
            asyncio.get_running_loop().call_later(self.delay_s, arrived)

    def _at_device(self) -> None:
        self.device.receive(self._under_way_out.popleft())
        if answer := self.device.transmit():
            self._from_device(answer)

    def _from_device(self, data: bytes) -> None:
        self._carry(self.back(data), self._under_way_back, self._at_host)

    def _at_host(self) -> None:
        data = self._under_way_back.popleft()
        if self._host is not None and not self._host.closed:
            self._host.arrive(data)
