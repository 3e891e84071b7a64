"""Ten doses of each volume from a calibrated rig, each weighed at the tip; the plant's truth beside them."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from device.limits import MAX_TOTAL_NL, MIN_INTERVAL_MS
from hil.accuracy.rigs import (
    CHANNEL,
    DEFAULT,
    FLUSH,
    RUN_NL,
    RUN_NL_S,
    RUNS,
    SCALE_REST_S,
    DrawnRig,
    calibrated,
    drawn,
    must,
    new_treatment,
    open_play,
)
from hil.bench import Bench
from hil.latency.forks import Emit, Row, in_copies
from host.rig import Rig

VOLUMES_NL = (1_000, 10_000, 50_000)
RATE_NL_S = 1_000
TIMES = 10
INTERVAL_S = MIN_INTERVAL_MS / 1000 + 0.2
AT_ONCE = 2
_SHARE_OF_TREATMENT = 0.9


@dataclass(frozen=True, slots=True)
class Plan:
    """What is given: volumes, how often each, at which rate; and the runs of the calibration before."""

    volumes_nl: Sequence[int] = VOLUMES_NL
    times: int = TIMES
    rate_nl_s: int = RATE_NL_S
    run_nl: int = RUN_NL
    run_nl_s: int = RUN_NL_S
    runs: int = RUNS


QUICK = Plan(volumes_nl=(1_000,), times=3, run_nl=50_000, run_nl_s=20_000, runs=1)
"""Short enough for the emulated Pico."""


def measure(target: str, rigs: Sequence[DrawnRig], plan: Plan, **options: Any) -> Iterator[Row]:
    """Yield one row a rig, in no certain order; the rows are the same for one seed."""
    jobs = [partial(_emit, target, rig, plan, options) for rig in rigs]
    yield from in_copies(jobs, AT_ONCE)


def measured(target: str, rig: DrawnRig, plan: Plan, **options: Any) -> Row:
    """Return the row of one rig, made in this process."""
    with Bench(target, rig.seed, rig.parameters, **options) as bench:
        open_play(bench)
        row: Row = bench.run(_weigh_all(bench, plan))
    head = {"seed": rig.seed, "grain": rig.grain, "bore_error_pct": round(rig.bore_error * 100, 4)}
    return head | {"backlash_nl": round(rig.backlash_nl), "grain_nl": round(rig.stick_slip_nl, 1)} | row


def planned(seed: int, seeds: int, grains: Sequence[str] = (DEFAULT,)) -> list[DrawnRig]:
    """Return so many rigs of each grain, from one seed on."""
    return [drawn(number, grain) for grain in grains for number in range(seed, seed + seeds)]


def _emit(target: str, rig: DrawnRig, plan: Plan, options: dict[str, Any], emit: Emit) -> None:
    emit(measured(target, rig, plan, **options))


async def _weigh_all(bench: Bench, plan: Plan) -> Row:
    rig = await bench.connect()
    try:
        await calibrated(bench, rig, plan.run_nl, plan.run_nl_s, plan.runs)
        calibration = await rig.get_calibration(CHANNEL)
        doses: list[Row] = []
        given_nl = treatments = 0
        for volume_nl in plan.volumes_nl:
            for _ in range(plan.times):
                if given_nl + volume_nl > MAX_TOTAL_NL * _SHARE_OF_TREATMENT:
                    treatments += 1
                    given_nl = 0
                    await new_treatment(bench, rig, treatments)
                given_nl += volume_nl
                doses.append(await _weigh(bench, rig, volume_nl, plan.rate_nl_s))
        true_step_nl = bench.plant.parameters.step_nl
        return {
            "step_error_pct": round((calibration.step_fl / 1e6 / true_step_nl - 1) * 100, 5),
            "told_step_error_pct": calibration.bore_error_ppm / 1e4,
            "flow_gain_ppm": calibration.flow_gain_ppm,
            "doses": doses,
            "emitted_steps": bench.edge_count(FLUSH),
            "simulated_s": round(bench.now_s, 1),
        }
    finally:
        await rig.close()


async def _weigh(bench: Bench, rig: Rig, volume_nl: int, rate_nl_s: int) -> Row:
    """Give one dose between two readings of the scale."""
    before_nl, before_true_nl = bench.weigh_nl(), bench.plant.tip_nl
    outcome = must(await rig.dose(volume_nl, rate_nl_s, CHANNEL), "a dose")
    await asyncio.sleep(SCALE_REST_S)
    weighed_nl, true_nl = bench.weigh_nl() - before_nl, bench.plant.tip_nl - before_true_nl
    await asyncio.sleep(INTERVAL_S - SCALE_REST_S)
    return {
        "asked_nl": volume_nl,
        "steps": outcome.emitted_steps,
        "weighed_nl": round(weighed_nl, 2),
        "true_nl": round(true_nl, 2),
        "told_nl": list(outcome.to_patient_nl),
    }
