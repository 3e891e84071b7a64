"""`rig hil memory`: whether the firmware's live memory stays flat over a long run with a dose every now and then."""

from __future__ import annotations

import asyncio
from dataclasses import asdict, dataclass
from typing import Any

from device.limits import MIN_INTERVAL_MS
from hil.bench import Bench
from hil.scenarios.raw_host import RawHost
from protocol import codes, typed

DOSE_NL, DOSE_NL_S = 1_000, 5_000
DOSE_EVERY_S = MIN_INTERVAL_MS / 1000 + 10.0
PART = 4
"""The least that was free in the first of so many parts of the run is held against the least in the last."""

SLACK_OCTETS = 1_024
"""What a collection that mistakes a number for an address may keep."""


@dataclass(frozen=True, slots=True)
class Memory:
    """Free octets of the device's heap, as its link statistics tell them while no dose is open."""

    target: str
    simulated_s: float
    doses: int
    reports: int
    first_part_least: int
    last_part_least: int
    least: int
    most: int

    @property
    def flat(self) -> bool:
        """Whether no more is in use at the end than at the beginning."""
        return self.first_part_least - self.last_part_least <= SLACK_OCTETS

    def as_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return asdict(self) | {"flat": self.flat}

    def __str__(self) -> str:
        change = self.last_part_least - self.first_part_least
        return (
            f"{self.target}: {self.simulated_s:.0f} s, {self.doses} doses, free {self.least} to {self.most} octets; "
            f"from first to last part {change:+d}: {'flat' if self.flat else 'GROWS'}"
        )


def measure(target: str, seconds: float, seed: int = 1) -> Memory:
    """Run a rig for so many seconds of its own time. Raises BoardError where the target cannot run."""
    with Bench(target, seed) as bench:
        return bench.run(_measure(bench, seconds), limit_s=seconds + 60.0)


async def _measure(bench: Bench, seconds: float) -> Memory:
    free: list[int] = []

    def listen(message: typed.Message) -> None:
        # Zero until the first collection after the start.
        if isinstance(message, typed.LinkStats) and message.heap_free:
            free.append(message.heap_free)

    doses = 0
    async with RawHost(bench.transport(), bench.seed) as host:
        await host.ready()
        await _dose(host)
        end_s = bench.now_s + seconds
        with host.listening(listen):
            while bench.now_s < end_s:
                await asyncio.sleep(min(DOSE_EVERY_S, end_s - bench.now_s))
                doses += await _dose(host)
                host.heard.clear()
    part = max(1, len(free) // PART)
    return Memory(bench.target, seconds, doses, len(free), min(free[:part]), min(free[-part:]), min(free), max(free))


async def _dose(host: RawHost) -> int:
    outcome = await host.ended(await host.start(DOSE_NL, DOSE_NL_S))
    assert outcome.state == codes.DOSE_DELIVERED, outcome
    return 1
