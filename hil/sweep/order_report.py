"""What all points of the order sweep say together."""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from hil.latency.forks import Row

MOST_FAILURES = 50
"""So many are told in full; all are counted."""


@dataclass(slots=True)
class OfOneOrder:
    """All points of one order; ``outcomes`` counts how they ended, ``kinds`` what steps there are."""

    points: int = 0
    failures: int = 0
    steps: int = 0
    kinds: list[str] = field(default_factory=list)
    outcomes: Counter[str] = field(default_factory=Counter)

    def as_dict(self) -> dict[str, Any]:
        """Return plain values."""
        return {**{name: getattr(self, name) for name in self.__slots__}, "outcomes": dict(self.outcomes)}


class OrderReport:
    """Collects the rows of one sweep."""

    def __init__(self, seed: int, sample: int | None) -> None:
        self.seed = seed
        self.sample = sample
        self.orders: dict[str, OfOneOrder] = {}
        self.failed: list[dict[str, Any]] = []
        self.wall_s = 0.0
        self.firmware = ""

    @property
    def points(self) -> int:
        """At how many points host, device or both were ended, and what came of it judged."""
        return sum(order.points for order in self.orders.values())

    @property
    def failures(self) -> int:
        """After how many of these something was wrong."""
        return sum(order.failures for order in self.orders.values())

    def last_step(self, name: str) -> int:
        """Return the number of an order's last step."""
        return max(self.orders[name].steps - 1, 0)

    def take(self, rows: Iterable[Row]) -> None:
        """Take the rows of a sweep."""
        for row in rows:
            order = self.orders.setdefault(row["order"], OfOneOrder())
            if row["row"] == "steps":
                order.steps = len(row["steps"])
                order.kinds = sorted(set(row["steps"]))
            else:
                self._take_point(order, row)

    def _take_point(self, order: OfOneOrder, row: Row) -> None:
        order.points += 1
        order.outcomes[row["outcome"]] += 1
        if not row["failures"]:
            return
        order.failures += 1
        if len(self.failed) < MOST_FAILURES:
            told = {name: row[name] for name in ("order", "step", "at", "ending", "failures")}
            self.failed.append({**told, "seed": self.seed, "again": self._again(row)})

    def _again(self, row: Row) -> str:
        names = f"--order {shlex.quote(row['order'])} --point {row['step']} --ending {shlex.quote(row['ending'])}"
        return f"rig hil sweep orders --seed {self.seed} {names}"

    def as_dict(self) -> dict[str, Any]:
        """Return plain values."""
        return {
            "seed": self.seed,
            "sample": self.sample,
            "points": self.points,
            "failures": self.failures,
            "orders": {name: order.as_dict() for name, order in sorted(self.orders.items())},
            "failed": self.failed,
            "firmware": self.firmware,
            "wall_s": round(self.wall_s, 1),
        }


def order_table(report: OrderReport) -> str:
    """Return the report for people."""
    how = "everywhere" if report.sample is None else f"{report.sample} points drawn"
    told = f"{report.points} points, {report.failures} failures ({report.wall_s:.0f} s)"
    lines = [
        f"twin, seed {report.seed}: ended {how}, {told}",
        f"{'order':<24}{'steps':>8}{'points':>8}{'failed':>8}  outcomes",
    ]
    for name, order in sorted(report.orders.items()):
        outcomes = ", ".join(f"{count} {outcome}" for outcome, count in sorted(order.outcomes.items()))
        lines.append(f"{name:<24}{order.steps:>8}{order.points:>8}{order.failures:>8}  {outcomes}")
    for failed in report.failed:
        lines.append(f"\n{failed['order']}, step {failed['step']} ({failed['at']}), {failed['ending']}:")
        lines += [f"  {text}" for text in failed["failures"]]
        lines.append(f"  again: {failed['again']}")
    return "\n".join(lines)
