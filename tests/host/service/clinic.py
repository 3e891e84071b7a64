"""A service over fake devices on in-memory lines, its ledgers on the disk."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

from host.link.reconnector import BackOff
from host.service.config import Config, HttpPart, RigPart, ServicePart
from host.service.hub import Watcher
from host.service.service import Service
from host.service.supervisor import RigSupervisor
from tests.host.fake_device import FakeDevice
from tests.host.line import Line
from tests.host.loops import now_ms

QUICK = BackOff(first_s=0.05, longest_s=0.2)


class Clinic:
    """The service, and what stands at the other ends of its lines."""

    def __init__(self, service: Service, lines: dict[str, Line], watcher: Watcher) -> None:
        self.service = service
        self.lines = lines
        self.watcher = watcher

    @property
    def rig(self) -> RigSupervisor:
        return self.service.rig("chair-1")

    @property
    def line(self) -> Line:
        return self.lines["chair-1"]

    @property
    def device(self) -> FakeDevice:
        return self.line.device

    async def until(self, condition: Callable[[], object]) -> None:
        while not condition():
            await asyncio.sleep(0.01)

    async def heard(self, kind: str, rig: str = "chair-1") -> dict[str, Any]:
        """Return the next event of a kind; what comes before it is gone."""
        while True:
            event = await self.watcher.next()
            assert event is not None
            if (event.kind, event.rig) == (kind, rig):
                return event.data

    async def connected(self) -> None:
        await self.until(lambda: all(rig.view()["state"] == "ready" for rig in self.service.rigs.values()))


def config(folder: Path, *names: str, heads: Path | None = None) -> Config:
    parts = tuple(RigPart(name, f"tcp://{name}:1") for name in names)
    return Config(ServicePart(str(folder), str(heads) if heads is not None else None), HttpPart(), parts)


@asynccontextmanager
async def clinic(
    folder: Path,
    *names: str,
    devices: dict[str, FakeDevice] | None = None,
    connect: bool = True,
    heads: Path | None = None,
) -> AsyncIterator[Clinic]:
    names = names or ("chair-1",)
    async with AsyncExitStack() as stack:
        lines = {
            name: await stack.enter_async_context(Line((devices or {}).get(name) or FakeDevice(now_ms)))
            for name in names
        }
        by_port = {f"tcp://{name}:1": line for name, line in lines.items()}
        service = Service(config(folder, *names, heads=heads), opener=lambda port: by_port[port].open, back_off=QUICK)
        running = asyncio.create_task(service.run(), name="service")
        try:
            with service.hub.watch() as watcher:
                here = Clinic(service, lines, watcher)
                if connect:
                    await here.connected()
                yield here
        finally:
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)
