"""What a tick of the firmware costs on the emulated Pico, and which functions it goes to.

The figures are lower bounds: the emulator counts instructions and knows no flash cache misses.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hil.bench import Bench
from hil.boards.rp2040.chip import Chip
from hil.boards.rp2040.profile import FunctionTime, Profile
from hil.hosts import ready

US_PER_NS = 1e-3
SETTLING_S = 0.5
EXECUTIVE, CONTROLLER = "device_executive_Executive_", "device_controller_Controller_"
SLICES = (*(CONTROLLER + name for name in ("sense", "judge", "advance")), EXECUTIVE + "_report")
ENDS = (EXECUTIVE + "_begin_tick", EXECUTIVE + "_end_tick")
GOAL_US = 5000
"""A tick leaves half of its period of 10 ms."""


@dataclass(frozen=True, slots=True)
class Ticks:
    """The cost of ticks in a dose, collections of the heap included."""

    ticks: int
    parts: dict[str, FunctionTime]
    functions: dict[str, FunctionTime]
    mean_us: float
    worst_us: int

    @property
    def goal_met(self) -> bool:
        """Whether the worst tick leaves half of its period; one that collects the heap counts too."""
        return self.worst_us <= GOAL_US

    def as_dict(self, functions: int = 25) -> dict[str, Any]:
        """Return plain values for JSON, us."""
        return {
            "ticks": self.ticks,
            "mean_us": round(self.mean_us, 1),
            "worst_us": self.worst_us,
            "goal_us": GOAL_US,
            "goal_met": self.goal_met,
            "parts_us": {
                name.rpartition("_Controller_")[2].rpartition("_Executive_")[2]: {
                    "mean": round(part.total_ns * US_PER_NS / self.ticks, 1),
                    "worst": round(part.worst_ns * US_PER_NS, 1),
                }
                for name, part in self.parts.items()
            },
            "functions_us": {
                name: {
                    "own": round(function.own_ns * US_PER_NS / self.ticks, 1),
                    "calls": round(function.calls / self.ticks, 2),
                }
                for name, function in list(self.functions.items())[:functions]
            },
        }


def measure(seed: int = 1, seconds: float = 2.0, rate_nl_s: int = 20_000) -> Ticks:
    """Profile the ticks of a running dose of flush, in seconds of the device's time."""
    with Bench("rp2040", seed) as bench:
        return bench.run(_measure(bench, seconds, rate_nl_s))


async def _measure(bench: Bench, seconds: float, rate_nl_s: int) -> Ticks:
    rig = await bench.connect()
    await ready(rig)
    volume_nl = round(rate_nl_s * (seconds + 2 * SETTLING_S))
    dose = asyncio.ensure_future(rig.dose(volume_nl=volume_nl, rate_nl_s=rate_nl_s, channel="flush"))
    await asyncio.sleep(SETTLING_S)
    profile = _TickProfile(bench.board.chip, bench.board.image.with_suffix(".elf"))
    profile.start()
    await asyncio.sleep(seconds)
    profile.stop()
    await rig.stop()
    await dose
    await rig.close()
    return _ticks(profile)


class _TickProfile(Profile):
    """Adds up the parts of each tick too."""

    def __init__(self, chip: Chip, elf: Path) -> None:
        super().__init__(chip, elf)
        self.ticks_ns: list[int] = []

    def _leave(self, name: str, entered_ns: int, inner_ns: int, stack_pointer: int) -> None:
        if name == ENDS[0]:
            self.ticks_ns.append(0)
        if self.ticks_ns and name in (*SLICES, *ENDS):
            self.ticks_ns[-1] += self._chip.now_ns - entered_ns
        super()._leave(name, entered_ns, inner_ns, stack_pointer)


def _ticks(profile: _TickProfile) -> Ticks:
    table = dict(profile.table())
    count = table[SLICES[0]].calls
    parts = {name: table[name] for name in (*ENDS[:1], *SLICES, *ENDS[1:])}
    mean_us = sum(part.total_ns for part in parts.values()) * US_PER_NS / count
    return Ticks(count, parts, table, mean_us, round(max(profile.ticks_ns) * US_PER_NS))


def report(ticks: Ticks, functions: int) -> str:
    """Return the parts of a tick and the functions with the most time of their own, as text."""
    told = ticks.as_dict(functions)
    lines = [f"{ticks.ticks} ticks, us a tick:"]
    for name, part in told["parts_us"].items():
        lines.append(f"  {name:56} mean {part['mean']:7.0f}  worst {part['worst']:7.0f}")
    lines.append(f"  {'together':56} mean {told['mean_us']:7.0f}  worst {told['worst_us']:7.0f}")
    lines.append(f"  {'':56} goal            {GOAL_US:7.0f}{'' if ticks.goal_met else '  MISSED'}")
    if functions:
        lines.append("functions by their own time, us a tick:")
        for name, function in told["functions_us"].items():
            lines.append(f"  {name:56} own  {function['own']:7.0f}  calls {function['calls']:7.2f}")
    return "\n".join(lines)
