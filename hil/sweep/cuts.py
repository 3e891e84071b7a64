"""Where the power can be cut in one history: after each octet that the FRAM stores, and once in each tick."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection
from dataclasses import dataclass
from random import Random
from typing import TYPE_CHECKING

from hil.plant.chips import PowerLost
from hil.plant.noise import stream
from hil.plant.parameters import NS_PER_MS, NS_PER_S

if TYPE_CHECKING:
    from hil.bench import Bench

OCTET, TICK = "octet", "tick"
KINDS = (OCTET, TICK)
TICK_NS = 10 * NS_PER_MS


@dataclass(frozen=True, slots=True, order=True)
class Cut:
    """After octet ``index`` of a history was stored, or in tick ``index`` of it; both from 0 on."""

    kind: str
    index: int


class Cutter:
    """Counts the places of a history as they are passed, and cuts the power where it is told to.

    Args:
        bench: whose power is cut.
        wanted: where; None for everywhere.
        here: asked at each of these places; True cuts the power, in this process.
        in_transfers: whether the board bears a cut in the middle of a transfer of its own, at any nanosecond.
    """

    def __init__(
        self, bench: Bench, wanted: Collection[Cut] | None, here: Callable[[Cut], bool], *, in_transfers: bool
    ) -> None:
        self.passed = dict.fromkeys(KINDS, 0)
        self.cut: Cut | None = None
        self.cut_ns = 0
        self.lost: asyncio.Future[None] = bench.loop.create_future()
        self._bench = bench
        self._wanted = wanted
        self._here = here
        self._in_transfers = in_transfers
        self._random: Random = stream(bench.seed, "sweep ticks")
        self._began_ns = 0
        self._timer: asyncio.TimerHandle | None = None
        self._counts = False

    def begin(self) -> None:
        """Count from now on."""
        self._counts = True
        self._began_ns = self._bench.now_ns
        self._bench.plant.fram.on_stored = self._stored
        self._plan_tick()

    def end(self) -> None:
        """Count no longer."""
        self._counts = False
        self._bench.plant.fram.on_stored = None
        if self._timer is not None:
            self._timer.cancel()

    def _stored(self) -> None:
        if self._passes(OCTET):
            raise PowerLost("the power went away while the FRAM was written")

    def _tick(self) -> None:
        if not self._counts:
            return
        if self._passes(TICK):
            self._bench.power_off()
        else:
            self._plan_tick()

    def _plan_tick(self) -> None:
        """Choose an instant in the next tick: not the same one in each, or a part of every tick were never cut."""
        bench = self._bench
        at_ns = self._began_ns + self.passed[TICK] * TICK_NS + self._random.randrange(1, TICK_NS)
        at_ns = max(at_ns, bench.now_ns + 1)
        if self._in_transfers:
            bench.plant.at(max(at_ns, bench.plant.now_ns + 1), self._tick)
        else:
            self._timer = bench.loop.call_at(at_ns / NS_PER_S, self._tick)

    def _passes(self, kind: str) -> bool:
        cut = Cut(kind, self.passed[kind])
        self.passed[kind] += 1
        if (self._wanted is not None and cut not in self._wanted) or not self._here(cut):
            return False
        self.end()
        self.cut = cut
        self.cut_ns = self._bench.now_ns
        if not self.lost.done():
            self._bench.loop.call_soon(self.lost.set_result, None)
        return True
