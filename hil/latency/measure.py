"""Runs the trials: one start-up serves a whole group, each trial in a copy of the bench as it then stands."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from random import Random
from typing import Any

from hil.latency import plan
from hil.latency.forks import Emit, Row, in_copies, in_copy
from hil.latency.plan import COLLECTING, HANG, SAFE, STOP, Group
from hil.latency.scene import COPIED, Scene
from hil.latency.trials import STOP_FRAME_US, hang_trial, safe_trial, stop_trial
from hil.plant.parameters import NS_PER_MS
from hil.toolchain.image import firmware_hash

AT_ONCE = 2
HOLD_MS = (0.1, 8.0)
STOP_FRAME_NS = round(STOP_FRAME_US * 1000)
COLLECTION_NS = 4 * NS_PER_MS


def trials(target: str, seed: int, instants: int, stops: int, hangs: int, **options: Any) -> Iterator[Row]:
    """Yield one row a trial, in no certain order; the rows are the same for one seed."""
    # The own image's symbols tell when the heap is collected.
    collecting = target == "rp2040" and "image" not in options
    planned = plan.groups(instants, stops, hangs, seed, collecting=collecting)
    fresh = partial(Scene, target, seed, **options)
    base = fresh() if target in COPIED and planned else None
    try:
        yield from in_copies([partial(_run_group, fresh, base, group) for group in planned], AT_ONCE)
    finally:
        if base is not None:
            base.close()


def _run_group(fresh: Callable[[], Scene], base: Scene | None, group: Group, emit: Emit) -> None:
    if base is None:
        _start_anew(fresh, group, emit)
        return
    random = Random(group.seed)
    if group.state == COLLECTING:
        _around_collection(base, group, random, emit)
        return
    base.wait(random.random() * 0.01)
    _enter(base, group)
    for at_ns in plan.instants(base, group, random):
        base.wait_until(at_ns)
        emit(in_copy(_trial(base, group, random)))


def _start_anew(fresh: Callable[[], Scene], group: Group, emit: Emit) -> None:
    random = Random(group.seed)
    for _ in range(group.count):
        scene = fresh()
        try:
            scene.wait(random.random() * 0.01)
            _enter(scene, group)
            scene.wait_until(next(iter(plan.instants(scene, group, random))))
            emit(_trial(scene, group, random)())
        finally:
            scene.close()


def _around_collection(scene: Scene, group: Group, random: Random, emit: Emit) -> None:
    """Find out in a copy when the heap will be collected, go there, and let the stops arrive around that."""
    scene.watch_collections()
    _enter(scene, group)
    began_ns = int(in_copy(lambda: {"began_ns": scene.next_collection_ns()})["began_ns"])
    for complete_ns in plan.around_collection(began_ns, group, random):
        scene.wait_until(complete_ns - STOP_FRAME_NS)
        within = began_ns, began_ns + COLLECTION_NS
        emit(in_copy(partial(stop_trial, scene, group.state, within)))


def _enter(scene: Scene, group: Group) -> None:
    state = plan.RUNNING if group.state in (plan.TELEMETRY, COLLECTING) else group.state
    getattr(scene, state)(group.rate_nl_s)


def _trial(scene: Scene, group: Group, random: Random) -> Callable[[], Row]:
    if group.kind == SAFE:
        hold_ms = random.uniform(*HOLD_MS)
        hung = random.random() < 0.5
        return partial(safe_trial, scene, hung=hung, hold_ms=hold_ms, period_us=group.period_us)
    if group.kind == HANG:
        return partial(hang_trial, scene, group.period_us)
    assert group.kind == STOP
    return partial(stop_trial, scene, group.state)


def firmware() -> str:
    """Return the hash of the firmware that the trials are about."""
    return firmware_hash().hex()
