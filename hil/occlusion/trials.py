"""One occlusion of the patient line: the whole firmware doses, the plant says what the line stored."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

from device.limits import MAX_DOSE_NL
from hil.bench import Bench
from hil.hosts import prepared
from hil.latency.forks import Emit, Row, in_copies
from hil.plant.parameters import NS_PER_MS, NS_PER_S, PlantParameters
from protocol import codes

SUDDEN, SLOW, START = "sudden", "slow", "start"
WAYS = (SUDDEN, SLOW, START)
COMPLIANCES_NL_KPA = (50, 200, 1000)
RATES_NL_S = (100, 1_000, 10_000)

SLOW_S = 30.0
SLOW_SHARE = 0.7
"""Of what is left of the dose, where that is shorter."""

LEAST_STEADY_S, MOST_STEADY_S = 3.0, 8.0
STEADY_TIME_CONSTANTS = 5
FIRST_STEP_LIMIT_S = 5.0
AT_ONCE = 2
LOOK_NS = NS_PER_MS


@dataclass(frozen=True, slots=True)
class Trial:
    """One rig, one rate, one way in which the patient line closes."""

    way: str
    compliance_nl_kpa: int
    rate_nl_s: int

    @property
    def steady_s(self) -> float:
        """How long the pump runs before: several time constants of the line, as long as the dose lasts."""
        time_constant_s = self.compliance_nl_kpa * PlantParameters().resistance_kpa_s_nl
        steady_s = min(MOST_STEADY_S, max(LEAST_STEADY_S, STEADY_TIME_CONSTANTS * time_constant_s))
        return min(steady_s, MAX_DOSE_NL / 2 / self.rate_nl_s)

    @property
    def closing_s(self) -> float:
        """How long the line takes to close."""
        if self.way != SLOW:
            return 0.0
        return min(SLOW_S, SLOW_SHARE * (MAX_DOSE_NL / self.rate_nl_s - self.steady_s))


def planned() -> list[Trial]:
    """Return every trial."""
    return [
        Trial(way, compliance_nl_kpa, rate_nl_s)
        for way in WAYS
        for compliance_nl_kpa in COMPLIANCES_NL_KPA
        for rate_nl_s in RATES_NL_S
    ]


def run(target: str, seed: int, trials: list[Trial], **options: Any) -> Iterator[Row]:
    """Yield one row a trial, in no certain order; the rows are the same for one seed."""
    yield from in_copies([partial(_emit, target, seed, trial, options) for trial in trials], AT_ONCE)


def _emit(target: str, seed: int, trial: Trial, options: dict[str, Any], emit: Emit) -> None:
    parameters = PlantParameters(compliance_nl_kpa=trial.compliance_nl_kpa)
    with Bench(target, seed, parameters, **options) as bench:
        emit(bench.run(_occlude(bench, trial)))


async def _occlude(bench: Bench, trial: Trial) -> Row:
    plant = bench.plant
    rig = await bench.connect()
    try:
        await prepared(rig, bench.issuer(), partial(_press, bench))
        if trial.way == START:
            plant.occlude(1.0)
        dose = asyncio.create_task(rig.dose(MAX_DOSE_NL, trial.rate_nl_s))
        await _first_step(bench)
        if trial.way != START:
            await asyncio.sleep(trial.steady_s)
        before_nl, at_ns = 0.0 if trial.way == START else plant.stored_nl, bench.now_ns
        stored_nl = _watch_most(bench, lambda: plant.stored_nl)
        if trial.way != START:
            plant.occlude(1.0, trial.closing_s)
        outcome = await dose
        await asyncio.sleep(1.0)
        last_ns = bench.recorder.last_edge_ns() or at_ns
        return {
            "way": trial.way,
            "compliance_nl_kpa": trial.compliance_nl_kpa,
            "rate_nl_s": trial.rate_nl_s,
            "cause": outcome.cause,
            "outcome": str(outcome.outcome),
            "excess_nl": round(stored_nl() - before_nl),
            "stored_nl": round(stored_nl()),
            "after_s": round((last_ns - at_ns) / NS_PER_S, 3),
            "to_patient_nl": list(outcome.to_patient_nl),
            "true_to_patient_nl": round(plant.tip_nl),
            "waste_nl": list(outcome.waste_nl),
            "true_waste_nl": round(plant.waste_nl),
        }
    finally:
        await rig.close()


async def _press(bench: Bench) -> None:
    bench.press_footswitch()


async def _first_step(bench: Bench) -> None:
    deadline_ns = bench.now_ns + round(FIRST_STEP_LIMIT_S * NS_PER_S)
    while not bench.edge_count(codes.CHANNEL_FLUSH) and bench.now_ns < deadline_ns:  # noqa: ASYNC110
        await asyncio.sleep(0.01)


def _watch_most(bench: Bench, look: Callable[[], float]) -> Callable[[], float]:
    """Look every millisecond from now on; the largest value seen is returned by what is returned."""
    most = [look()]

    def see(_now_ns: int) -> None:
        most[0] = max(most[0], look())

    bench.plant.every(LOOK_NS, see)
    return lambda: most[0]
