"""`rig hil memory`: whether the firmware's live memory stays flat over a long run with a dose every now and then."""

from __future__ import annotations

import asyncio
from dataclasses import asdict, dataclass
from statistics import median_low
from typing import Any

from device.limits import MIN_INTERVAL_MS
from hil.bench import Bench
from hil.scenarios.raw_host import RawHost
from protocol import codes, typed

DOSE_NL, DOSE_NL_S = 1_000, 5_000
DOSE_EVERY_S = MIN_INTERVAL_MS / 1000 + 10.0
SETTLING_DOSES = 3
"""Before the run: the first doses make what is then kept for all that follow, 352 octets on the vm."""

PART = 4
"""What was usually free in the first of so many parts of the run is held against the same in the last."""

SLACK_OCTETS = 256
"""A heap block is 16 octets: over an hour of 155 doses one block kept at every eighth dose is more than this."""

DIP_OCTETS = 4_096
"""What a collection may find in use beside the usual: a request in flight, or a number mistaken for an address."""


@dataclass(frozen=True, slots=True)
class Memory:
    """Free octets of the device's heap, as its link statistics tell them.

    What leaks is missing ever after, so it lowers the median of the last part. One collection that meets a request in
    flight, or a number on the stack that looks like an address, lowers one figure, which the next collection gives
    back: that is a dip, and has a bound of its own.
    """

    target: str
    simulated_s: float
    doses: int
    reports: int
    first_part_median: int
    last_part_median: int
    least: int
    most: int

    @classmethod
    def of(cls, target: str, simulated_s: float, doses: int, free: list[int]) -> Memory:
        """Judge a series of free octets, oldest first, at least one of them."""
        part = max(1, len(free) // PART)
        first, last = median_low(free[:part]), median_low(free[-part:])
        return cls(target, simulated_s, doses, len(free), first, last, min(free), max(free))

    @property
    def dip(self) -> int:
        """Octets that the worst collection found in use beside the usual."""
        return self.first_part_median - self.least

    @property
    def flat(self) -> bool:
        """Whether no more is in use at the end than at the beginning, and never much more in between."""
        return self.first_part_median - self.last_part_median <= SLACK_OCTETS and self.dip <= DIP_OCTETS

    def as_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return asdict(self) | {"dip": self.dip, "flat": self.flat}

    def __str__(self) -> str:
        change = self.last_part_median - self.first_part_median
        return (
            f"{self.target}: {self.simulated_s:.0f} s, {self.doses} doses, free {self.least} to {self.most} octets; "
            f"usually, from first to last part {change:+d}; deepest dip {self.dip}: {'flat' if self.flat else 'GROWS'}"
        )


def measure(target: str, seconds: float, seed: int = 1) -> Memory:
    """Run a rig for so many seconds of its own time. Raises BoardError where the target cannot run."""
    with Bench(target, seed) as bench:
        return bench.run(_measure(bench, seconds), limit_s=seconds + SETTLING_DOSES * DOSE_EVERY_S + 60.0)


async def _measure(bench: Bench, seconds: float) -> Memory:
    free: list[int] = []

    def listen(message: typed.Message) -> None:
        # Zero until the first collection after the start.
        if isinstance(message, typed.LinkStats) and message.heap_free:
            free.append(message.heap_free)

    doses = 0
    async with RawHost(bench.transport(), bench.seed) as host:
        await host.ready()
        for _ in range(SETTLING_DOSES):
            await _dose(host)
            await asyncio.sleep(DOSE_EVERY_S)
        end_s = bench.now_s + seconds
        with host.listening(listen):
            while bench.now_s < end_s:
                await asyncio.sleep(min(DOSE_EVERY_S, end_s - bench.now_s))
                doses += await _dose(host)
                host.heard.clear()
    return Memory.of(bench.target, seconds, doses, free)


async def _dose(host: RawHost) -> int:
    outcome = await host.ended(await host.start(DOSE_NL, DOSE_NL_S))
    assert outcome.state == codes.DOSE_DELIVERED, outcome
    return 1
