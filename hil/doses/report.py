"""What all rigs of one run of doses say together."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from hil.doses.judge import SORTS
from hil.latency.forks import Row

MOST_SAID = 50
"""So many findings are told in words; all are counted."""


@dataclass(slots=True)
class DosesReport:
    """Collects the rows of the rigs."""

    seed: int
    loss: float
    wanted: int
    doses: int = 0
    rigs: int = 0
    frames_struck: int = 0
    simulated_s: float = 0.0
    wall_s: float = 0.0
    firmware: str = ""
    wrong: Counter[str] = field(default_factory=Counter)
    outcomes: Counter[str] = field(default_factory=Counter)
    troubles: Counter[str] = field(default_factory=Counter)
    said: list[str] = field(default_factory=list)
    stops_ms: list[float] = field(default_factory=list)
    latched_ms: list[float] = field(default_factory=list)

    def take(self, rows: Iterable[Row]) -> None:
        """Take the rows of a run."""
        for row in rows:
            self.rigs += 1
            self.doses += row["doses"]
            self.frames_struck += row["frames_struck"]
            self.simulated_s += row["simulated_s"]
            self.wrong.update(row["wrong"])
            self.outcomes.update(row["outcomes"])
            self.troubles.update(row["troubles"])
            self.said += [f"rig {row['rig']}: {text}" for text in row["said"]]
            self.stops_ms += row["stops_ms"]
            self.latched_ms += row["latched_ms"]

    @property
    def held(self) -> bool:
        """Whether every dose was given and nothing was wrong with any."""
        return self.doses == self.wanted and not self.said and not any(self.wrong.values())

    def as_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return {
            "seed": self.seed,
            "loss": self.loss,
            "doses": self.doses,
            **{sort: self.wrong[sort] for sort in SORTS},
            "rigs": self.rigs,
            "outcomes": dict(sorted(self.outcomes.items())),
            "troubles": dict(sorted(self.troubles.items())),
            "frames_struck": self.frames_struck,
            "stop_last_edge_ms": spread(self.stops_ms),
            "stop_latch_seen_ms": spread(self.latched_ms),
            "findings": len(self.said),
            "said": self.said[:MOST_SAID],
            "simulated_s": round(self.simulated_s),
            "firmware": self.firmware,
            "wall_s": round(self.wall_s, 1),
            "held": self.held,
        }


def spread(values: list[float]) -> dict[str, Any]:
    """Return count, median, 99th percentile (nearest rank) and largest; None where there is no value."""
    ranked = sorted(values)

    def rank(share: float) -> float | None:
        return round(ranked[math.ceil(share * len(ranked)) - 1], 1) if ranked else None

    return {"count": len(ranked), "p50": rank(0.5), "p99": rank(0.99), "max": rank(1.0)}


def doses_table(report: DosesReport) -> str:
    """Return the report for people."""
    told = report.as_dict()
    ended = ", ".join(f"{count} {outcome}" for outcome, count in told["outcomes"].items())
    troubles = ", ".join(f"{count} {trouble}" for trouble, count in told["troubles"].items())
    judged = ", ".join(f"{told[sort]} {sort.replace('_', ' ')}" for sort in SORTS)
    whose = f"{report.doses} doses by {report.rigs} rigs, {report.simulated_s:.0f} s of theirs ({report.wall_s:.0f} s)"
    lines = [
        f"twin, seed {report.seed}, {report.loss:.0%} of the frames lost in each direction: {whose}",
        f"  ended         {ended}",
        f"  went wrong    {troubles}; {report.frames_struck} frames struck",
        f"  judged        {judged}",
    ]
    for name, values in (("last step", told["stop_last_edge_ms"]), ("latch seen", told["stop_latch_seen_ms"])):
        lines.append(
            f"  stop, {name:<11} p50 {values['p50']} ms, p99 {values['p99']} ms, max {values['max']} ms "
            f"of {values['count']}, from the call on"
        )
    lines += [f"  {text}" for text in report.said[:MOST_SAID]]
    return "\n".join(lines)
