"""A host that can be killed at any step of an order, as by kill -9, and the steps as they are passed.

A killed host does nothing more: whatever it would do to the wire or to its ledger waits for ever. What it leaves is the
ledger's files as they stand at that instant; its successor opens a copy of them.
"""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import host.core
from hil.plant.parameters import NS_PER_S
from host import order_events
from host.dosing import OrderRunner
from host.errors import TransportError
from host.ledger import Ledger
from host.ledger_row import Row

if TYPE_CHECKING:
    from hil.bench import Bench
    from hil.bench_link import BenchTransport

Result = TypeVar("Result")

LEDGER_FILES = ("", "-wal", "-shm", ".key")
EPOCH_NS = 1_700_000_000 * NS_PER_S
"""UTC of the bench's beginning in its ledgers: one seed is one run, to the row."""

WRITE_S = 0.003
"""What a disk takes for a row: time in which the rest of the host goes on."""

Passing = Callable[[str], Awaitable[None]]


class Process:
    """One host: ``passing`` is awaited at each of its steps; after ``kill`` it does nothing more."""

    def __init__(self, bench: Bench, passing: Passing | None = None) -> None:
        self.bench = bench
        self.dead = False
        self.deaf_until_s = 0.0
        self._passing = passing

    def kill(self) -> None:
        """Let it do nothing any more."""
        self.dead = True

    async def passes(self, step: str) -> None:
        """Pass a step, or end there."""
        if self._passing is not None and not self.dead:
            await self._passing(step)
        await self.lives()

    async def lives(self) -> None:
        """Return while it lives; never, once it is dead."""
        if self.dead:
            await asyncio.get_running_loop().create_future()

    async def open_transport(self) -> Transport:
        """Open the bench's link."""
        await self.lives()
        return Transport(self, self.bench.transport())


class Transport:
    """The host's end of the bench's link, as long as the host lives."""

    def __init__(self, process: Process, inner: BenchTransport) -> None:
        self._process = process
        self._inner = inner

    @property
    def issuer(self) -> Any:
        """Who may sign for this rig."""
        return self._inner.issuer

    async def read(self) -> bytes:
        """Return what has arrived; what arrives while the host is deaf is lost."""
        while True:
            try:
                octets = await self._inner.read()
            except TransportError:
                await self._process.lives()
                raise
            await self._process.lives()
            if self._process.bench.now_s >= self._process.deaf_until_s:
                return octets

    async def write(self, data: bytes) -> None:
        """Send octets."""
        await self._process.passes("octets leave")
        await self._inner.write(data)
        await self._process.passes("octets have left")

    async def close(self) -> None:
        """Let go of the link."""
        if not self._process.dead:
            await self._inner.close()


class WatchedLedger(Ledger):
    """A ledger each of whose writes is two steps: before it, and when it is durable."""

    process: Process | None = None
    abandoned: list[Any]

    @classmethod
    async def of(cls, process: Process, path: Path) -> WatchedLedger:
        """Open the ledger of a host on the bench."""
        ledger = await cls.open(path, clock_ns=lambda: EPOCH_NS + process.bench.now_ns)
        assert isinstance(ledger, WatchedLedger)
        ledger.process = process
        return ledger

    async def append_all(self, rows: Sequence[tuple[str, Mapping[str, Any]]]) -> list[Row]:
        """Append rows, step by step."""
        kinds = ", ".join(dict.fromkeys(kind for kind, _ in rows))
        if self.process is not None:
            await self.process.passes(f"{kinds} to be written")
            await asyncio.sleep(WRITE_S)
            await self.process.lives()
        written = await super().append_all(rows)
        if self.process is not None:
            await self.process.passes(f"{kinds} written")
        return written

    async def _job(self, work: Callable[[], Result]) -> Result:
        if self.process is not None:
            await self.process.lives()
        return await super()._job(work)

    def move(self, path: Path) -> None:
        """Go on in a copy at ``path``: in a copy of the process, where the file belongs to the process before."""
        copied(self.path, path)
        # Closing it would write to the file of the other process.
        self.abandoned = [*getattr(self, "abandoned", []), self._database]
        self.path = path
        self._open((), None)


def copied(ledger: Path, to: Path) -> Path:
    """Copy the files of a ledger as they stand, as the next process finds them after a kill."""
    to.parent.mkdir(parents=True, exist_ok=True)
    for suffix in LEDGER_FILES:
        source = ledger.with_name(ledger.name + suffix)
        if source.exists():
            shutil.copyfile(source, to.with_name(to.name + suffix))
    return to


def watch_orders(process: Process) -> None:
    """Make every event and every action of the orders that begin here from now on a step of ``process``."""

    class WatchedRunner(OrderRunner):
        async def _next_event(self) -> order_events.Event:
            event = await super()._next_event()
            await process.passes(f"event {type(event).__name__}")
            return event

        async def _perform(self, action: order_events.Action) -> None:
            await process.passes(f"{type(action).__name__} to be done")
            await super()._perform(action)
            await process.passes(f"{type(action).__name__} done")

    setattr(host.core, "OrderRunner", WatchedRunner)  # noqa: B010 -- a class is replaced on purpose


def watch_no_orders() -> None:
    """Let the orders that begin from now on be those of hosts that nobody watches."""
    setattr(host.core, "OrderRunner", OrderRunner)  # noqa: B010
