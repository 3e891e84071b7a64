"""A storm: schedule after schedule, each judged; what fails is made small and kept, so that it can be run again."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hil.faults.generate import generate
from hil.faults.schedule import Schedule, to_json
from hil.faults.shrink import MOST_RUNS, Shrinker
from hil.storm.run import RunResult, run_schedule
from host.errors import RigError

Runner = Callable[[Schedule], RunResult]
MOST_KEPT = 20
"""So many violations end a storm: what is wrong is known by then."""


@dataclass(frozen=True, slots=True)
class Found:
    """A schedule of the storm that failed, and what is left of it."""

    number: int
    result: RunResult
    runs: int
    """How many runs it took to make it small."""

    path: Path | None = None

    @property
    def replay(self) -> str:
        """The command that runs it again."""
        return f"rig hil storm --replay {self.path}" if self.path is not None else ""

    def as_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return {
            "number": self.number,
            "rules": sorted(self.result.rules),
            "violations": [str(violation) for violation in self.result.violations],
            "schedule": self.result.schedule.as_dict(),
            "shrink_runs": self.runs,
            "digest": self.result.digest,
            "replay": self.replay,
        }


@dataclass
class StormResult:
    """How a storm went."""

    target: str
    seed: int
    schedules: int = 0
    simulated_s: float = 0.0
    edges: int = 0
    found: list[Found] = field(default_factory=list)

    def as_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return {
            "target": self.target,
            "seed": self.seed,
            "schedules": self.schedules,
            "simulated_s": round(self.simulated_s, 3),
            "edges": self.edges,
            "violations": [found.as_dict() for found in self.found],
        }


def storm(
    target: str,
    schedules: int,
    seed: int,
    *,
    families: Sequence[str] = (),
    folder: Path | None = None,
    runner: Runner = run_schedule,
    shrink_runs: int = MOST_RUNS,
    told: Callable[[int, RunResult], None] = lambda _number, _result: None,
) -> StormResult:
    """Run so many schedules on a target and judge them.

    Args:
        target: twin, vm or rp2040.
        schedules: how many.
        seed: of every schedule.
        families: faults of these alone; of all without it.
        folder: keeps the schedules that fail.
        runner: runs one schedule.
        shrink_runs: how many runs one failing schedule may cost; 0 leaves it as it is.
        told: hears of each schedule and its result.
    """
    result = StormResult(target, seed)
    for number in range(schedules):
        run = runner(generate(target, seed, number, families))
        result.schedules += 1
        result.simulated_s += run.simulated_s
        result.edges += run.edges
        told(number, run)
        if run.violations:
            result.found.append(_made_small(number, run, folder, seed, runner, shrink_runs))
            if len(result.found) >= MOST_KEPT:
                break
    return result


def _made_small(number: int, run: RunResult, folder: Path | None, seed: int, runner: Runner, shrink_runs: int) -> Found:
    """Shrink what failed; the smaller schedule breaks the same promise that broke first."""
    rule = run.violations[0].rule
    last = run

    def fails(schedule: Schedule) -> bool:
        nonlocal last
        tried = runner(schedule)
        if rule not in tried.rules:
            return False
        last = tried
        return True

    shrinker = Shrinker(fails, shrink_runs)
    shrinker.shrink(run.schedule)
    path = None
    if folder is not None:
        path = folder / f"{run.schedule.target}-seed-{seed}-schedule-{number}.json"
        keep(path, last)
    return Found(number, last, shrinker.runs, path)


def keep(path: Path, result: RunResult) -> None:
    """Write a schedule with what it showed to a file. Raises RigError."""
    text = to_json(result.schedule, [str(violation) for violation in result.violations], result.digest)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise RigError(
            "usage", f"{path} cannot be written: {error.strerror}.", "Name another folder with --folder."
        ) from error
