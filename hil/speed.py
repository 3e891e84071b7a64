"""How many seconds of the rig one second of this machine simulates.

``python -m hil.speed --target twin --profile`` also tells which part takes the time.
"""

import argparse
import cProfile
import os
import pstats
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from hil.bench import Bench
from hil.boards.base import TARGETS
from host.rig import Rig

GOALS = {"twin": 50.0, "vm": 5.0}
"""Simulated seconds per second of wall time while dosing."""

DEFAULT_SECONDS = {"twin": 20.0, "vm": 10.0, "rp2040": 2.0}
PROFILED_SECONDS = {"twin": 5.0, "vm": 5.0, "rp2040": 0.3}
PARTS = ("rp2040py", "hil/boards/rp2040", "device", "protocol", "host", "hil/plant", "hil/boards", "hil")
PROCESS = "process"
REST = "python"
MEANING = {
    "rp2040py": "the emulated chip's registers, in Python",
    "hil/boards/rp2040": "the emulator's instruction loop",
    "device": "the firmware's rules under this Python",
    "protocol": "frames and link rules on both sides",
    "host": "the host's client",
    "hil/plant": "the plant",
    "hil/boards": "the modelled peripherals",
    "hil": "bench and recorder",
    PROCESS: "waiting for the MicroPython process",
    REST: "asyncio and the rest of the library",
}
"""What takes the time, for people."""

SETTLE_S = 0.5
RATE_NL_S = 1000
SHOWN_SHARE = 0.05


@dataclass(frozen=True, slots=True)
class Speed:
    """Simulated seconds per second of wall time."""

    target: str
    idle: float
    dosing: float
    goal: float | None
    idle_shares: dict[str, float] = field(default_factory=dict)
    """Which share of the time each part takes, the greatest first; empty when that was not measured."""

    dosing_shares: dict[str, float] = field(default_factory=dict)

    @property
    def goal_met(self) -> bool:
        """Whether dosing is as fast as wanted; True where there is no goal."""
        return self.goal is None or self.dosing >= self.goal

    def as_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return {
            **asdict(self),
            "goal_met": self.goal_met,
            "idle_bounded_by": bounded_by(self.idle_shares),
            "dosing_bounded_by": bounded_by(self.dosing_shares),
        }


def measure(target: str, simulated_s: float, seed: int, *, why: bool = False) -> Speed:
    """Run the target idle, then dosing with a connected host, each for so many seconds of its own clock.

    With ``why`` it runs again under the profiler, which makes it slower and tells which part takes the time.
    """
    with Bench(target, seed) as bench:
        bench.run_for(SETTLE_S)
        began_s = time.perf_counter()
        bench.run_for(simulated_s)
        idle = simulated_s / (time.perf_counter() - began_s)
        dosing = bench.run(_dose(bench, simulated_s))
    profiled_s = min(simulated_s, PROFILED_SECONDS.get(target, 1.0))
    idle_shares, dosing_shares = both_shares(target, profiled_s, seed) if why else ({}, {})
    return Speed(target, idle, dosing, GOALS.get(target), idle_shares, dosing_shares)


def both_shares(target: str, simulated_s: float, seed: int) -> tuple[dict[str, float], dict[str, float]]:
    """Return which share of the time each part takes, idle and in a dose, the greatest first; their sums are 1."""
    with Bench(target, seed) as bench:
        bench.run_for(SETTLE_S)
        idle = _profiled(lambda: bench.run_for(simulated_s))
        dosing = _profiled(lambda: bench.run(_dose(bench, simulated_s)))
    return idle, dosing


def shares(target: str, simulated_s: float, seed: int) -> dict[str, float]:
    """Return which share of a dose's time each part of the project takes, the greatest first; their sum is 1."""
    return both_shares(target, simulated_s, seed)[1]


def bounded_by(parts: dict[str, float]) -> str:
    """Say for people which part takes most of the time."""
    if not parts:
        return ""
    part, share = next(iter(parts.items()))
    return f"{MEANING[part]} ({share:.0%})"


def _profiled(work: Callable[[], object]) -> dict[str, float]:
    profile = cProfile.Profile()
    profile.enable()
    work()
    profile.disable()
    totals: dict[str, float] = {}
    for (file, _, name), (_, _, own_s, _, _) in pstats.Stats(profile).stats.items():  # type: ignore[attr-defined]
        part = next((part for part in PARTS if f"/{part}/" in file.replace("\\", "/")), REST)
        part = PROCESS if "_socket.socket" in name else part
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


def machine() -> dict[str, float]:
    """Return how busy this machine is: with a load above the number of processors every figure is too low."""
    return {"load_average": round(os.getloadavg()[0], 2), "processors": os.cpu_count() or 1}


def table(speeds: list[Speed]) -> str:
    """Return the figures for people."""
    lines = ["simulated seconds per second of wall time", "target      idle   dosing     goal"]
    for speed in speeds:
        goal = "-" if speed.goal is None else f"{speed.goal:.0f}" + ("" if speed.goal_met else " MISSED")
        idle, dosing = (f"{each:7.{1 if each >= 1 else 3}f}" for each in (speed.idle, speed.dosing))
        lines.append(f"{speed.target:<8} {idle}  {dosing}  {goal:>7}")
        for name, parts in (("idle", speed.idle_shares), ("dosing", speed.dosing_shares)):
            if parts:
                rest = ", ".join(f"{part} {share:.0%}" for part, share in parts.items() if share >= SHOWN_SHARE)
                lines.append(f"         {name} is bounded by {bounded_by(parts)}: {rest}")
    busy = machine()
    if busy["load_average"] > busy["processors"]:
        lines.append(
            f"this machine is busy: load {busy['load_average']:g} on {busy['processors']:g} processors, "
            "so these figures are too low"
        )
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
