"""A long slow flow, weighed at the tip: how it starts up, and how far any window of its second hour is off.

No dose is longer than 100 uL, which takes 2000 s at the lowest rate; so two hours are a chain of doses, each ordered as
soon as the rig takes it. What is measured is that chain with its gaps, and besides it one dose of the chain alone.
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Sequence
from typing import Any

from device.limits import MAX_DOSE_NL, MIN_INTERVAL_MS
from hil.accuracy.rigs import CHANNEL, DrawnRig, calibrated, must, open_play
from hil.bench import Bench
from hil.latency.forks import Row
from hil.plant.parameters import NS_PER_S

RATE_NL_S = 50
EVERY_S = 30
"""Between two readings of the scale (IEC 60601-2-24, as device manuals quote it)."""

HOUR_S = 3600
WINDOWS_MIN = (2, 5, 11, 19, 31)
ORDER_AFTER_S = MIN_INTERVAL_MS / 1000 + 0.05
TOTAL_S = 2 * HOUR_S
START_UP_S = (60, 120, 300, 600)

Curve = list[tuple[float, float]]
"""Time since the first order, s, and weight, nL."""


def flow(target: str, rig: DrawnRig, total_s: float = TOTAL_S, **options: Any) -> Row:
    """Return what the scale says of one rig that flows for so long."""
    with Bench(target, rig.seed, rig.parameters, **options) as bench:
        open_play(bench)
        row: Row = bench.run(_flow(bench, total_s), limit_s=total_s + 3 * HOUR_S)
    return row


async def _flow(bench: Bench, total_s: float) -> Row:
    rig = await bench.connect()
    try:
        await calibrated(bench, rig)
        await asyncio.sleep(ORDER_AFTER_S)
        began_ns, tare_nl = bench.now_ns, bench.weigh_nl()
        curve: Curve = [(0.0, 0.0)]

        def look(now_ns: int) -> None:
            curve.append(((now_ns - began_ns) / NS_PER_S, bench.plant.sensors.weigh_nl() - tare_nl))

        bench.plant.every(EVERY_S * NS_PER_S, look)
        doses = []
        while (began_s := (bench.now_ns - began_ns) / NS_PER_S) < total_s:
            outcome = must(await rig.dose(MAX_DOSE_NL, RATE_NL_S, CHANNEL), "a dose of the chain")
            doses.append((began_s, (bench.now_ns - began_ns) / NS_PER_S, outcome.emitted_steps))
            await asyncio.sleep(ORDER_AFTER_S)
        return judged(curve, doses, total_s)
    finally:
        await rig.close()


def judged(curve: Curve, doses: Sequence[tuple[float, float, int]], total_s: float) -> Row:
    """Return the figures of one curve; ``doses`` have begin, end and steps."""
    start_s = min(HOUR_S, total_s / 2)
    whole = max(doses, key=lambda dose: dose[1] - dose[0])
    inside = [dose for dose in doses if dose[0] >= start_s] or [whole]
    began_s, ended_s, _ = inside[0]
    alone = [point for point in curve if began_s + EVERY_S <= point[0] <= began_s + MAX_DOSE_NL / RATE_NL_S]
    second = [point for point in curve if start_s <= point[0] <= total_s]
    return {
        "rate_nl_s": RATE_NL_S,
        "doses": [list(dose) for dose in doses],
        "gaps_s": [round(after[0] - before[1], 2) for before, after in itertools.pairwise(doses)],
        "start_up_pct": {str(at_s): _rate_error_pct(curve, 0.0, at_s) for at_s in START_UP_S},
        "stabilised_s": _stabilised_s(curve),
        "second_hour_error_pct": _rate_error_pct(second, second[0][0], second[-1][0]),
        "trumpet": trumpet(second),
        "trumpet_in_a_dose": trumpet(alone),
        "dose_alone_s": round(ended_s - began_s, 1),
        "curve": [[round(at_s, 2), round(weight_nl, 1)] for at_s, weight_nl in curve],
    }


def trumpet(curve: Curve) -> list[Row]:
    """Return for each window the largest and smallest mean error of the flow over it, %, where it fits in."""
    rows = []
    for minutes in WINDOWS_MIN:
        width = minutes * 60 // EVERY_S
        errors = [
            _error_pct(curve[at + width][1] - curve[at][1], curve[at + width][0] - curve[at][0])
            for at in range(len(curve) - width)
        ]
        if errors:
            rows.append({"minutes": minutes, "most_pct": round(max(errors), 3), "least_pct": round(min(errors), 3)})
    return rows


def _rate_error_pct(curve: Curve, from_s: float, to_s: float) -> float | None:
    points = [point for point in curve if from_s <= point[0] <= to_s + EVERY_S / 2]
    if len(points) < 2 or points[-1][0] <= points[0][0]:
        return None
    return round(_error_pct(points[-1][1] - points[0][1], points[-1][0] - points[0][0]), 3)


def _stabilised_s(curve: Curve) -> float | None:
    """Return when the flow of one interval between two readings came within 10 % of the rate first."""
    for (before_s, before_nl), (after_s, after_nl) in itertools.pairwise(curve):
        if after_s > before_s and abs(_error_pct(after_nl - before_nl, after_s - before_s)) <= 10:
            return round(after_s, 1)
    return None


def _error_pct(volume_nl: float, duration_s: float) -> float:
    return (volume_nl / (RATE_NL_S * duration_s) - 1) * 100
