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
SUPERVISE = "device_watch_Watch_supervise"
SLICES = (
    *(CONTROLLER + name for name in ("sense", "judge")),
    SUPERVISE,
    *(CONTROLLER + name for name in ("advance", "write", "signal")),
    EXECUTIVE + "_report",
)
ENDS = (EXECUTIVE + "_begin_tick", EXECUTIVE + "_end_tick")
GOAL_US = 5000
"""A tick that does not collect the heap leaves half of its period to the turns between its slices and to the link."""

TICK_US = 10_000
"""Every tick is over within its period, the one that collects the heap too."""

COLLECTION_US = 2000
"""What ends a tick takes longer than this only when the heap is collected."""


@dataclass(frozen=True, slots=True)
class Ticks:
    """The cost of ticks in a dose, collections of the heap included."""

    ticks: int
    parts: dict[str, FunctionTime]
    functions: dict[str, FunctionTime]
    mean_us: float
    worst_us: int
    """Of all ticks that do not collect the heap."""

    collecting_us: int
    """Of those that do, collection included."""

    @property
    def goal_met(self) -> bool:
        """Whether the worst tick that does not collect the heap leaves half of its period."""
        return self.worst_us <= GOAL_US

    @property
    def within_period(self) -> bool:
        """Whether every tick is over within its period."""
        return max(self.worst_us, self.collecting_us) < TICK_US

    @property
    def held(self) -> bool:
        """Whether both hold."""
        return self.goal_met and self.within_period

    def as_dict(self, functions: int = 25) -> dict[str, Any]:
        """Return plain values for JSON, us."""
        return {
            "ticks": self.ticks,
            "mean_us": round(self.mean_us, 1),
            "worst_us": self.worst_us,
            "worst_collecting_us": self.collecting_us,
            "goal_us": GOAL_US,
            "goal_met": self.goal_met,
            "limit_us": TICK_US,
            "within_period": self.within_period,
            "held": self.held,
            "parts_us": {
                name.rpartition("_Controller_")[2].rpartition("_Executive_")[2].rpartition("_Watch_")[2]: {
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
        self.ends_ns: list[int] = []

    def _leave(self, name: str, entered_ns: int, inner_ns: int, stack_pointer: int) -> None:
        if name == ENDS[0]:
            self.ticks_ns.append(0)
        if self.ticks_ns and name in (*SLICES, *ENDS):
            self.ticks_ns[-1] += self._chip.now_ns - entered_ns
            if name == ENDS[1]:
                self.ends_ns.append(self._chip.now_ns - entered_ns)
        super()._leave(name, entered_ns, inner_ns, stack_pointer)


def _ticks(profile: _TickProfile) -> Ticks:
    table = dict(profile.table())
    count = table[SLICES[0]].calls
    parts = {name: table[name] for name in (*ENDS[:1], *SLICES, *ENDS[1:])}
    mean_us = sum(part.total_ns for part in parts.values()) * US_PER_NS / count
    pairs = list(zip(profile.ticks_ns, profile.ends_ns, strict=False))
    plain = [tick_ns for tick_ns, end_ns in pairs if end_ns * US_PER_NS <= COLLECTION_US]
    collecting = [tick_ns for tick_ns, end_ns in pairs if end_ns * US_PER_NS > COLLECTION_US]
    worst_us = [round(max(each, default=0) * US_PER_NS) for each in (plain, collecting)]
    return Ticks(count, parts, table, mean_us, *worst_us)


def report(ticks: Ticks, functions: int) -> str:
    """Return the parts of a tick and the functions with the most time of their own, as text."""
    told = ticks.as_dict(functions)
    lines = [f"{ticks.ticks} ticks, us a tick:"]
    for name, part in told["parts_us"].items():
        lines.append(f"  {name:56} mean {part['mean']:7.0f}  worst {part['worst']:7.0f}")
    lines.append(f"  {'together':56} mean {told['mean_us']:7.0f}  worst {told['worst_us']:7.0f}")
    lines.append(f"  {'with a collection of the heap':56}              worst {told['worst_collecting_us']:7.0f}")
    lines.append(
        f"  {'limit, collection included':56}              worst {TICK_US:7.0f}"
        f"{'' if ticks.within_period else '  EXCEEDED'}"
    )
    lines.append(
        f"  {'goal, without a collection':56}              worst {GOAL_US:7.0f}{'' if ticks.goal_met else '  MISSED'}"
    )
    if functions:
        lines.append("functions by their own time, us a tick:")
        for name, function in told["functions_us"].items():
            lines.append(f"  {name:56} own  {function['own']:7.0f}  calls {function['calls']:7.2f}")
    return "\n".join(lines)
