"""A rig with which nothing is wrong doses at every rate and rests, hour after hour: whatever is alarmed is false."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Iterator
from functools import partial
from random import Random

from hil.bench import Bench
from hil.hosts import prepared
from hil.latency.forks import Emit, Row, in_copies
from hil.occlusion.light import FLUSH, LightRig
from hil.plant.parameters import NS_PER_S
from protocol import codes

RATES_NL_S = (50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000, 20_000)
VOLUMES_NL = (200, 1_000, 5_000, 12_000, 25_000, 50_000, 100_000)
LONGEST_DOSE_S = 400
REST_S = (5.0, 60.0)
SETTLE_S = (0.5, 3.0, 10.0)
RESERVE_NL = 20_000
AT_ONCE = 2

RIG_HOURS, MOST_RIGS = 0.5, 1_000
FIRMWARE_VOLUME_NL = 10_000
FIRMWARE_DOSE_S = 40
INTERVAL_S = 10.5
"""Between two doses; a shorter one is refused."""


def watch(hours: float, seed: int) -> Iterator[Row]:
    """Let the supervision alone watch the rig for so many hours; yield how it went, in two halves."""
    halves = [partial(_light, hours / AT_ONCE, f"{seed} half {number}") for number in range(AT_ONCE)]
    yield from in_copies(halves, AT_ONCE)


def watch_firmware(target: str, hours: float, seed: int) -> Iterator[Row]:
    """Let the whole firmware dose and rest for so many hours; yield how it went, rig by rig, each with its own seed.

    A rig is given up when its treatment's total is given, so the next one takes its place.
    """
    rigs = math.ceil(hours / RIG_HOURS)
    jobs = [partial(_rig, target, hours / rigs, seed * MOST_RIGS + number) for number in range(rigs)]
    yield from in_copies(jobs, AT_ONCE)


def _rig(target: str, hours: float, seed: int, emit: Emit) -> None:
    with Bench(target, seed) as bench:
        emit(bench.run(_firmware(bench, hours * 3600)))


def _light(hours: float, name: str, emit: Emit) -> None:
    random = Random(name)
    rig = LightRig(random.randrange(1 << 30))
    alarms: list[str] = []
    doses = 0
    while rig.now_s < hours * 3600:
        rate_nl_s = random.choice(RATES_NL_S)
        volume_nl = min(random.choice(VOLUMES_NL), rate_nl_s * LONGEST_DOSE_S)
        if rig.plant.syringes[FLUSH].remaining_nl < volume_nl + RESERVE_NL:
            rig.plant.exchange_syringe(FLUSH)
        _note(alarms, rig.dose(volume_nl, rate_nl_s, random.choice(SETTLE_S)), f"{volume_nl} nL at {rate_nl_s} nL/s")
        _note(alarms, rig.run(random.uniform(*REST_S)), "at rest")
        doses += 1
    emit({"simulated_s": round(rig.now_s, 2), "doses": doses, "alarms": alarms})


def _note(alarms: list[str], cause: int, doing: str) -> None:
    if cause != codes.CAUSE_NONE:
        alarms.append(f"{next(name for name, number in codes.CAUSES if number == cause)}, {doing}")


async def _firmware(bench: Bench, duration_s: float) -> Row:
    random = Random(bench.seed)
    rig = await bench.connect()
    alarms: list[str] = []
    doses = 0
    try:
        await prepared(rig, bench.issuer(), partial(_press, bench))
        ends_ns = bench.now_ns + round(duration_s * NS_PER_S)
        while bench.now_ns < ends_ns and not alarms:
            rate_nl_s = random.choice(RATES_NL_S)
            outcome = await rig.dose(min(FIRMWARE_VOLUME_NL, rate_nl_s * FIRMWARE_DOSE_S), rate_nl_s)
            if outcome.reason == "total_high":
                break
            doses += 1
            if outcome.outcome != "delivered":
                alarms.append(f"{outcome.outcome} {outcome.reason} {outcome.cause}, at {rate_nl_s} nL/s")
            await asyncio.sleep(INTERVAL_S)
            status = await rig.status()
            if status.stop_cause != codes.CAUSE_NONE and not alarms:
                _note(alarms, status.stop_cause, "at rest")
        return {"simulated_s": round(bench.now_s, 2), "doses": doses, "alarms": alarms}
    finally:
        await rig.close()


async def _press(bench: Bench) -> None:
    bench.press_footswitch()
