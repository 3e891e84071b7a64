"""Host, device or both are ended at every step of an order, each time in a copy of the bench, and what comes is judged.

The steps number themselves as an order is lived through once: every event and action of the order's rules, every write
to the ledger before and after it is durable, every piece of octets before and after it leaves. A new step is swept by
itself.
"""

from __future__ import annotations

import asyncio
import gc
import json
import os
import tempfile
import traceback
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from hil.bench import Bench
from hil.latency.forks import Emit, Row, in_copies
from hil.plant.noise import stream
from hil.plant.parameters import NS_PER_S
from hil.sweep.order_histories import BY_ORDER, OrderHistory
from hil.sweep.order_host import Process, WatchedLedger, copied, watch_no_orders, watch_orders
from hil.sweep.order_judge import OrderJudge, Seen
from hil.virtual_time import cancel
from host.device_records import DeviceRecord, decode
from host.errors import RigError
from host.rig import Rig
from protocol import codes

AT_ONCE = 2
LIMIT_S = 900.0
DEAF_S = 1.0
PAUSED_S = 1.9
"""A device without a host pauses within 1.5 s, and its last grant is out soon after."""

RESET_S = 0.05
GIVEN_S = 4.0
SETTLED_S = 14.0
CONNECT_S = 20.0
AGAIN_S = 0.3
PERSON = "Bench"
ROWS_LOOKED_AT = 64


@dataclass(frozen=True, slots=True, order=True)
class Ending:
    """What is ended, and whether the answers of the device are lost for a second."""

    host: bool
    device: bool
    deaf: bool

    @property
    def name(self) -> str:
        """Its name in reports and on the command line."""
        who = "both" if self.host and self.device else "host" if self.host else "device"
        return f"{who}, answers lost" if self.deaf else who


ENDINGS = tuple(
    Ending(host, device, deaf)
    for host, device in ((True, False), (False, True), (True, True))
    for deaf in (False, True)
)
BY_ENDING = {ending.name: ending for ending in ENDINGS}
Point = tuple[int, str]
"""Number of the step, and name of the ending."""


def end(seed: int, wanted: dict[str, Collection[Point] | None]) -> Iterator[Row]:
    """Yield a row for each point, and one of the steps of each order; None wants all points of an order."""
    yield from in_copies([partial(_live, seed, name, points) for name, points in wanted.items()], AT_ONCE)


def steps(seed: int, names: Collection[str]) -> dict[str, int]:
    """Return how many steps each order has."""
    return {row["order"]: len(row["steps"]) for row in end(seed, dict.fromkeys(names, ())) if row["row"] == "steps"}


def drawn(seed: int, found: dict[str, int], sample: int) -> dict[str, Collection[Point] | None]:
    """Draw so many points from those of all orders, evenly among orders and endings."""
    random = stream(seed, "order sweep sample")
    pairs = [(name, ending.name) for name in sorted(found) for ending in ENDINGS]
    random.shuffle(pairs)
    points: dict[str, set[Point]] = {}
    for number in range(sample):
        name, ending = pairs[number % len(pairs)]
        points.setdefault(name, set()).add((random.randrange(max(found[name], 1)), ending))
    return {name: sorted(of) for name, of in points.items()}


def _live(seed: int, name: str, points: Collection[Point] | None, emit: Emit) -> None:
    with tempfile.TemporaryDirectory() as folder:
        life = _Life(seed, BY_ORDER[name], points, emit, Path(folder))
        try:
            life.live()
        except BaseException:
            if not life.is_copy:
                raise
            life.emit(life.row([f"the bench: {traceback.format_exc(limit=-4)}"], "none"))
        finally:
            if life.is_copy:
                os._exit(0)


class _Life:
    """One order on one bench; in a copy of the process, with one of the parties ended at one step."""

    def __init__(
        self, seed: int, history: OrderHistory, points: Collection[Point] | None, emit: Emit, folder: Path
    ) -> None:
        self.is_copy = False
        self.emit = emit
        self._history = history
        self._points = points
        self._folder = folder
        self._bench = Bench("twin", seed)
        self._steps: list[str] = []
        self._counts = False
        self._at: tuple[int, Ending] | None = None
        self._ended: asyncio.Future[None] = self._bench.loop.create_future()
        self._host = Process(self._bench, self._passing)
        self._hosts = 0
        self._path = folder / "ledger"
        self._ledger: WatchedLedger
        self._rig: Rig
        self._order: asyncio.Task[object]
        self._edges_before = 0
        self._edges_then = 0
        self._tip_before_nl = 0.0
        self._records_before = 0
        self._records: list[DeviceRecord | None] = []
        self._rows_before = 0

    def live(self) -> None:
        """Live through the order; in each copy, judge what comes of it."""
        bench = self._bench
        bench.loop.limit(round(LIMIT_S * NS_PER_S))
        watch_orders(self._host)
        bench.loop.run_until_complete(self._prepare())
        gc.collect()
        gc.freeze()
        row = bench.loop.run_until_complete(self._perform())
        self.emit(row)
        if not self.is_copy:
            cancel(bench.loop, asyncio.all_tasks(bench.loop))
            bench.close()

    def row(self, failures: list[str], outcome: str) -> Row:
        """Return the row of the point that was tried."""
        assert self._at is not None
        number, ending = self._at
        told = {"step": number, "at": self._steps[number], "ending": ending.name, "outcome": outcome}
        return {"row": "point", "order": self._history.name, **told, "failures": failures}

    async def _prepare(self) -> None:
        self._ledger = await WatchedLedger.of(self._host, self._path)
        self._rig = await self._connected(self._host, self._ledger)
        await self._history.prepare(self._bench, self._rig)
        self._edges_before = self._edges()
        self._tip_before_nl = self._bench.plant.tip_nl
        self._records_before = 1
        self._rows_before = (await self._ledger.head())[0]

    async def _perform(self) -> Row:
        self._counts = True
        self._order = asyncio.create_task(self._given())
        await asyncio.wait((self._order, self._ended), return_when=asyncio.FIRST_COMPLETED)
        if self._at is None:
            await self._order
            self._counts = False
            return {"row": "steps", "order": self._history.name, "steps": self._steps}
        return await self._judged(self._at[1])

    async def _given(self) -> None:
        await self._history.perform(self._bench, self._rig)

    async def _passing(self, step: str) -> None:
        """A step of the host: end there, in copies of this process."""
        if not self._counts:
            return
        number = len(self._steps)
        self._steps.append(step)
        for ending in ENDINGS:
            wanted = self._points is None or (number, ending.name) in self._points
            if wanted and self._copied():
                self._end(number, ending)
                return

    def _end(self, number: int, ending: Ending) -> None:
        """End who is to be ended, at this instant."""
        self._counts = False
        self._at = number, ending
        own = self._folder / f"{number} {ending.name}" / "ledger"
        self._ledger.move(own)
        self._path = own
        if ending.deaf:
            self._host.deaf_until_s = self._bench.now_s + DEAF_S
        if ending.host:
            self._host.kill()
            watch_no_orders()
        if ending.device:
            self._bench.board.reset()
        self._ended.set_result(None)

    def _copied(self) -> bool:
        """Go on in a copy, which tells True; here, wait for what the copy says."""
        reader, writer = os.pipe()
        process = os.fork()
        if not process:
            os.close(reader)
            self.is_copy = True
            self.emit = partial(_write, writer)
            # A loop runs in one process, as asyncio sees it; the copy of a running loop goes on in the copy.
            asyncio._set_running_loop(self._bench.loop)
            return True
        os.close(writer)
        with os.fdopen(reader, "rb") as answer:
            octets = answer.read()
        os.waitpid(process, 0)
        assert octets, "a copy of the bench has said nothing"
        self.emit(json.loads(octets))
        return False

    # In the copy.

    async def _judged(self, ending: Ending) -> Row:
        problems: list[str] = []
        try:
            await self._restarted(ending)
            if ending.host:
                self._path = copied(self._path, self._path.with_name("after the kill") / "ledger")
                await self._successor()
            else:
                await self._survivor()
            problems = await self._compared()
        except (RigError, TimeoutError, AssertionError) as error:
            problems.append(f"the order comes to no end: {error!r}")
            # Whoever held the ledger holds it still.
            self._path = copied(self._path, self._path.with_name("judged") / "ledger")
        judge = OrderJudge(self._path, self._rows_before)
        seen = Seen(self._edges() - self._edges_before, self._bench.plant.tip_nl - self._tip_before_nl)
        if ending.device or ending.host:
            seen.edges_after_end = self._edges() - self._edges_then
        return self.row(judge.judge(seen, self._records, problems), judge.outcome)

    async def _restarted(self, ending: Ending) -> None:
        """Wait until nothing may flow any more that nobody watches."""
        await asyncio.sleep(RESET_S if ending.device else PAUSED_S)
        self._edges_then = self._edges()
        await asyncio.sleep(DEAF_S)

    async def _survivor(self) -> None:
        """The host lives on: its order ends by itself, or it is stopped."""
        await asyncio.wait([self._order], timeout=GIVEN_S)
        if not self._order.done():
            await self._rig.stop()
        await asyncio.wait([self._order], timeout=SETTLED_S)
        assert self._order.done(), "the order has not ended"
        await asyncio.gather(self._order, return_exceptions=True)
        await self._close_unknown(self._rig, self._ledger)
        await self._rig.close()
        await self._ledger.close()

    async def _successor(self) -> None:
        """Another host opens what the killed one left; what it finds open is stopped."""
        process = Process(self._bench)
        ledger = await WatchedLedger.of(process, self._path)
        rig = await self._connected(process, ledger)
        await asyncio.sleep(AGAIN_S)
        if any(not unknown for _, unknown in await ledger.open_doses(rig.name, "", 8)):
            await rig.stop()
            await asyncio.sleep(GIVEN_S)
        await self._close_unknown(rig, ledger)
        await rig.close()
        await ledger.close()

    async def _close_unknown(self, rig: Rig, ledger: WatchedLedger) -> None:
        """A person closes what not even the rig knows."""
        for fields, unknown in await ledger.open_doses(rig.name, "", 8):
            assert unknown, "an order is left without an outcome"
            if (await rig.status()).device_state == codes.DEVICE_STOPPED:
                await rig.clear()
                self._press()
                await rig.confirmed("The stop was not cleared")
            await rig.close_unknown(bytes.fromhex(fields["dose_id"]), PERSON, lambda _: self._press())

    async def _compared(self) -> list[str]:
        """Connect once more: rig and ledger agree, and the device tells its records."""
        process = Process(self._bench)
        ledger = await WatchedLedger.of(process, self._path)
        rig = await self._connected(process, ledger)
        problems = [f"rig and ledger disagree: {found.what}" for found in rig.disagreements]
        if rig.not_compared:
            problems.append(f"not compared: {rig.not_compared}")
        rows = [row.fields for row in await ledger.rows(ROWS_LOOKED_AT)]
        problems += [f"dose {row['dose_id']} is taken for another host's" for row in rows if row["kind"] == "foreign"]
        self._records = await self._records_since(rig)
        await rig.close()
        await ledger.close()
        return problems

    async def _records_since(self, rig: Rig) -> list[DeviceRecord | None]:
        """Return the device's records since the order; one that cannot be read is None."""
        found: list[DeviceRecord | None] = []
        number = self._records_before + 1
        while True:
            try:
                found.append(decode((await rig.record(number)).octets, number))
            except RigError as error:
                if error.reason != "no_record":
                    raise
                return found
            number += 1

    async def _connected(self, process: Process, ledger: WatchedLedger) -> Rig:
        end_s = self._bench.now_s + CONNECT_S
        while True:
            self._hosts += 1
            octets = stream(self._bench.seed, f"order host {self._hosts}").randbytes
            rig = Rig(process.open_transport, ledger, operator="bench", random_octets=octets)
            try:
                await rig.open()
            except RigError:
                await rig.close()
                if self._bench.now_s > end_s:
                    raise
                await asyncio.sleep(AGAIN_S)
                continue
            return rig

    def _press(self) -> None:
        self._bench.press_footswitch(after_s=0.2)

    def _edges(self) -> int:
        return self._bench.edge_count(self._history.channel)


def _write(writer: int, row: Row) -> None:
    data = json.dumps(row).encode()
    while data:
        data = data[os.write(writer, data) :]
