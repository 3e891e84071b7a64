"""The power is cut at every place of an order's history, each time in a copy of the rig, and the restart is judged.

A bench that can be copied lives through the history once and is copied at each place; another one starts anew for each.
"""

from __future__ import annotations

import asyncio
import gc
import json
import os
import traceback
from collections.abc import Collection, Iterator
from functools import partial
from random import Random
from typing import Any

from hil.boards.base import BoardError
from hil.latency.forks import Emit, Row, in_copies
from hil.latency.scene import COPIED
from hil.plant.noise import stream
from hil.plant.parameters import NS_PER_S
from hil.scenarios.raw_host import RefusedError
from hil.sweep.cuts import KINDS, Cut, Cutter
from hil.sweep.grants import largest_grant
from hil.sweep.histories import BEFORE, BY_NAME, WRITTEN_S, History
from hil.sweep.judge import Judge, Verdict
from hil.sweep.scene import Scene
from hil.virtual_time import WaitsForeverError, cancel

AT_ONCE = 2
LIMIT_S = 600.0
Wanted = dict[str, list[Cut] | None]
"""By the name of an order: the places where the power is to be cut, None for all."""


def cut(target: str, seed: int, wanted: Wanted, **options: Any) -> Iterator[Row]:
    """Yield a row for each cut, and one at least for each history, in no certain order; ``options`` go to the board."""
    yield from in_copies(list(_jobs(target, seed, wanted, options)), AT_ONCE)


def chosen(seed: int, names: Collection[str], sample: int | None) -> Wanted:
    """Return all places of some orders, or so many of them, drawn by the seed."""
    if sample is None:
        return dict.fromkeys(names)
    return dict(drawn(seed, places(seed, names), sample))


def places(seed: int, names: Collection[str]) -> dict[str, dict[str, int]]:
    """Return how many places of each kind each history has, on the twin: on other boards nearly as many."""
    jobs = [partial(_live, "twin", seed, name, (), {}) for name in names]
    # One that comes to no end has a place, too: whoever cuts there is told so.
    return {row["order"]: row.get("places", dict.fromkeys(KINDS, 1)) for row in in_copies(jobs, AT_ONCE)}


def drawn(seed: int, found: dict[str, dict[str, int]], sample: int) -> Iterator[tuple[str, list[Cut]]]:
    """Draw so many cuts from all places of all histories, evenly among the histories and kinds."""
    random: Random = stream(seed, "sweep sample")
    drawn_cuts: dict[str, set[Cut]] = {name: set() for name in sorted(found)}
    pairs = [(name, kind) for name in drawn_cuts for kind in KINDS]
    random.shuffle(pairs)
    for number in range(sample):
        name, kind = pairs[number % len(pairs)]
        drawn_cuts[name].add(Cut(kind, random.randrange(found[name][kind])))
    for name, cuts in drawn_cuts.items():
        if cuts:
            yield name, sorted(cuts)


def _jobs(target: str, seed: int, wanted: Wanted, options: dict[str, Any]) -> Iterator[Any]:
    for name, cuts in wanted.items():
        if target in COPIED:
            yield partial(_live, target, seed, name, cuts, options)
            continue
        # A board in a process of its own is not copied with this one; the history without a cut tells the grants.
        assert cuts is not None, "without copies there is no cutting everywhere"
        yield partial(_live, target, seed, name, (), options)
        for cut in cuts:
            yield partial(_live, target, seed, name, (cut,), options)


def _live(
    target: str, seed: int, name: str, wanted: Collection[Cut] | None, options: dict[str, Any], emit: Emit
) -> None:
    """Live through a history, cutting where it is wanted."""
    life = _Life(target, seed, BY_NAME[name], wanted, options, emit)
    try:
        life.live()
    except (AssertionError, TimeoutError, RefusedError) as error:
        # What the order needs before it, or between two cuts, is refused or does not come: nothing was swept then.
        why = f"the history itself comes to no end: {error!r}"
        life.emit(life.row(Verdict([why])) if life.is_copy else {"row": "broken", "order": name, "failures": [why]})
    except BaseException:
        if not life.is_copy:
            raise
        life.emit(life.row(Verdict([f"the bench: {traceback.format_exc(limit=-3)}"])))
    finally:
        if life.is_copy:
            os._exit(0)


class _Life:
    def __init__(
        self,
        target: str,
        seed: int,
        history: History,
        wanted: Collection[Cut] | None,
        options: dict[str, Any],
        emit: Emit,
    ) -> None:
        self.is_copy = False
        self._target = target
        self._seed = seed
        self._history = history
        self._wanted = wanted
        self.emit = emit
        self._copies = target in COPIED
        self._scene = Scene(target, seed, history.window_nl, **options)
        self._cutter = Cutter(self._scene.bench, wanted, self._here, in_transfers=target != "rp2040")

    def live(self) -> None:
        bench = self._scene.bench
        bench.loop.limit(round(LIMIT_S * NS_PER_S))
        bench.loop.run_until_complete(self._prepare())
        gc.collect()
        gc.freeze()
        verdict: Verdict | None = None
        try:
            verdict = bench.loop.run_until_complete(self._perform())
        except (BoardError, WaitsForeverError) as error:
            if self._cutter.cut is None:
                raise
            verdict = Verdict([str(error).splitlines()[0]])
        if verdict is not None:
            self.emit(self.row(verdict))
        if self.is_copy:
            return
        self.emit(
            {
                "row": "places",
                "order": self._history.name,
                "places": self._cutter.passed,
                "largest_grant_steps": max(
                    largest_grant(bench.board, sent.channel, self._history.rate_nl_s) for sent in self._scene.sent
                ),
            }
        )
        cancel(bench.loop, asyncio.all_tasks(bench.loop))
        bench.close()

    def row(self, verdict: Verdict) -> Row:
        cut = self._cutter.cut
        assert cut is not None
        return {
            "row": "cut",
            "order": self._history.name,
            "cut": cut.kind,
            "index": cut.index,
            "failures": verdict.failures,
            "interval_steps": verdict.widest_steps,
            "lost_latch_ms": round(verdict.lost_latch_ms, 1),
            "taken_back": verdict.taken_back,
        }

    async def _prepare(self) -> None:
        history = self._history
        await self._scene.prepare(agent=history.agent, agent_in_line=history.agent_in_line)
        if history.name in BEFORE:
            await BEFORE[history.name](self._scene)

    async def _perform(self) -> Verdict | None:
        """Live through the history; when the power was cut, judge what comes after it."""
        cutter, scene = self._cutter, self._scene
        cutter.begin()
        task = asyncio.create_task(self._whole())
        await asyncio.wait((task, cutter.lost), return_when=asyncio.FIRST_COMPLETED)
        if cutter.cut is None:
            await task
            cutter.end()
            return None
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await scene.lose_power()
        return await Judge(scene, cutter.cut_ns).judge()

    async def _whole(self) -> None:
        await self._history.perform(self._scene)
        await asyncio.sleep(WRITTEN_S)

    def _here(self, cut: Cut) -> bool:
        """Cut here, in this very rig or in a copy of it; this one goes on then, when the copy has been judged."""
        if not self._copies:
            return True
        reader, writer = os.pipe()
        process = os.fork()
        if not process:
            os.close(reader)
            self.is_copy = True
            self.emit = partial(_write, writer)
            # A loop runs in one process, as asyncio sees it; the copy of a running loop goes on in the copy.
            asyncio._set_running_loop(self._scene.bench.loop)
            return True
        os.close(writer)
        with os.fdopen(reader, "rb") as answer:
            octets = answer.read()
        os.waitpid(process, 0)
        if not octets:
            raise BoardError(f"the copy in which the power was cut at {cut.kind} {cut.index} has said nothing")
        self.emit(json.loads(octets))
        return False


def _write(writer: int, row: Row) -> None:
    data = json.dumps(row).encode()
    while data:
        data = data[os.write(writer, data) :]
