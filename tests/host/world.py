"""A rig client over an in-memory line to a fake device, with a ledger: what the client's tests happen in."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from host.ledger import Ledger
from host.ledger_verify import read_rows
from host.rig import Rig
from tests.host.fake_device import FakeDevice
from tests.host.line import Line
from tests.host.loops import now_ms


class World:
    """A rig, its line, its device and its ledger."""

    def __init__(self, line: Line, rig: Rig, ledger: Ledger) -> None:
        self.line = line
        self.device = line.device
        self.rig = rig
        self.ledger = ledger
        self.path = ledger.path

    def rows(self, *kinds: str) -> list[dict[str, Any]]:
        return [fields for _, fields in read_rows(self.path) if fields["kind"] in kinds]

    async def until(self, condition: Callable[[], bool]) -> None:
        while not condition():
            await asyncio.sleep(0.01)

    async def flowing(self) -> None:
        await self.until(lambda: self.device.current is not None and self.device.current.emitted > 10)


@asynccontextmanager
async def world(path: Path, device: FakeDevice | None = None, **line_options: Any) -> AsyncIterator[World]:
    async with (
        Line(device or FakeDevice(now_ms), **line_options) as line,
        await Ledger.open(path / "ledger") as ledger,
        Rig(line.open, ledger, operator="tester") as rig,
    ):
        yield World(line, rig, ledger)
