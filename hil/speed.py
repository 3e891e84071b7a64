"""How many seconds of the rig one second of this machine simulates.

``python -m hil.speed --target twin --profile`` also tells which part takes the time.
"""

import argparse
import cProfile
import pstats
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from hil.bench import Bench
from hil.boards.base import TARGETS
from host.rig import Rig

GOALS = {"twin": 50.0, "vm": 5.0}
"""Simulated seconds per second of wall time while dosing."""

DEFAULT_SECONDS = {"twin": 20.0, "vm": 10.0, "rp2040": 2.0}
PARTS = ("device", "protocol", "host", "hil/plant", "hil/boards", "hil")
REST = "python"

SETTLE_S = 0.5
RATE_NL_S = 1000


@dataclass(frozen=True, slots=True)
class Speed:
    """Simulated seconds per second of wall time."""

    target: str
    idle: float
    dosing: float
    goal: float | None

    @property
    def goal_met(self) -> bool:
        """Whether dosing is as fast as wanted; True where there is no goal."""
        return self.goal is None or self.dosing >= self.goal

    def as_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return {**asdict(self), "goal_met": self.goal_met}


def measure(target: str, simulated_s: float, seed: int) -> Speed:
    """Run the target idle, then dosing with a connected host, each for so many seconds of its own clock."""
    with Bench(target, seed) as bench:
        bench.run_for(SETTLE_S)
        began_s = time.perf_counter()
        bench.run_for(simulated_s)
        idle = simulated_s / (time.perf_counter() - began_s)
        dosing = bench.run(_dose(bench, simulated_s))
    return Speed(target, idle, dosing, GOALS.get(target))


def shares(target: str, simulated_s: float, seed: int) -> dict[str, float]:
    """Return which share of a dose's time each part of the project takes, the greatest first; their sum is 1."""
    with Bench(target, seed) as bench:
        bench.run_for(SETTLE_S)
        profile = cProfile.Profile()
        profile.enable()
        bench.run(_dose(bench, simulated_s))
        profile.disable()
    totals: dict[str, float] = {}
    for (file, _, _), (_, _, own_s, _, _) in pstats.Stats(profile).stats.items():  # type: ignore[attr-defined]
        part = next((part for part in PARTS if f"/{part}/" in file.replace("\\", "/")), REST)
        totals[part] = totals.get(part, 0.0) + own_s
    whole_s = sum(totals.values())
    return {part: own_s / whole_s for part, own_s in sorted(totals.items(), key=lambda item: -item[1])}


async def _dose(bench: Bench, simulated_s: float) -> float:
    rig: Rig = await bench.connect()
    try:
        began_s, began_ns = time.perf_counter(), bench.now_ns
        await rig.dose(round(simulated_s * RATE_NL_S), RATE_NL_S)
        return (bench.now_ns - began_ns) / 1e9 / (time.perf_counter() - began_s)
    finally:
        await rig.close()


def table(speeds: list[Speed]) -> str:
    """Return the figures for people."""
    lines = ["simulated seconds per second of wall time", "target      idle   dosing     goal"]
    for speed in speeds:
        goal = "-" if speed.goal is None else f"{speed.goal:.0f}" + ("" if speed.goal_met else " MISSED")
        lines.append(f"{speed.target:<8} {speed.idle:7.1f}  {speed.dosing:7.1f}  {goal:>7}")
    return "\n".join(lines)


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m hil.speed", description="How fast the bench is.")
    parser.add_argument("--target", action="append", choices=TARGETS, help="board to measure (twin); may be repeated")
    parser.add_argument("--seconds", type=float, help="simulated seconds of each measurement")
    parser.add_argument("--seed", type=int, default=1, help="seed of everything random (%(default)s)")
    parser.add_argument("--profile", action="store_true", help="tell what takes the time of a dose")
    given = parser.parse_args(arguments)
    targets = given.target or ["twin"]
    print(table([measure(target, given.seconds or DEFAULT_SECONDS[target], given.seed) for target in targets]))
    for target in targets if given.profile else ():
        parts = shares(target, given.seconds or DEFAULT_SECONDS[target], given.seed)
        print(f"{target:<8} {', '.join(f'{part} {share:.0%}' for part, share in parts.items())}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
