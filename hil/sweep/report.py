"""What all cuts say together."""

from __future__ import annotations

import shlex
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from hil.latency.forks import Row
from hil.sweep.cuts import KINDS

MOST_FAILURES = 50
"""So many are told in full; all are counted."""


@dataclass(slots=True)
class OfOrder:
    """All cuts of one order's history. ``places`` are those that it has, by kind."""

    cuts: int = 0
    failures: int = 0
    places: dict[str, int] = field(default_factory=dict)
    widest_interval_steps: int = 0
    largest_grant_steps: int = 0
    lost_latch_ms: float = 0.0
    taken_back: int = 0

    def as_dict(self) -> dict[str, Any]:
        """Return plain values."""
        return {name: getattr(self, name) for name in self.__slots__}


class Report:
    """Collects the rows of one sweep; ``end`` compares what only all of them together can tell."""

    def __init__(self, target: str, seed: int, sample: int | None) -> None:
        self.target = target
        self.seed = seed
        self.sample = sample
        self.orders: dict[str, OfOrder] = {}
        self.failed: list[dict[str, Any]] = []
        self.wall_s = 0.0
        self.firmware = ""
        self._widths: list[Row] = []

    @property
    def cuts(self) -> int:
        """How often the power was cut, and the restart judged."""
        return sum(order.cuts for order in self.orders.values())

    @property
    def failures(self) -> int:
        """After how many of these cuts something was wrong."""
        return sum(order.failures for order in self.orders.values())

    @property
    def widest_interval_steps(self) -> int:
        """The widest interval that a recovered order was told with."""
        return max((order.widest_interval_steps for order in self.orders.values()), default=0)

    @property
    def largest_grant_steps(self) -> int:
        """The most steps that were ever granted and not known to have left the pin."""
        return max((order.largest_grant_steps for order in self.orders.values()), default=0)

    def take(self, rows: Iterable[Row]) -> None:
        """Take the rows of a sweep."""
        for row in rows:
            order = self.orders.setdefault(row["order"], OfOrder())
            if row["row"] == "places":
                order.places = {kind: max(row["places"][kind], order.places.get(kind, 0)) for kind in KINDS}
                order.largest_grant_steps = max(order.largest_grant_steps, row["largest_grant_steps"])
            elif row["row"] == "broken":
                self._fail(order, {"cut": None, "index": None, **row}, row["failures"])
            else:
                self._take_cut(order, row)
        self._compare_widths()

    def _take_cut(self, order: OfOrder, row: Row) -> None:
        order.cuts += 1
        order.widest_interval_steps = max(order.widest_interval_steps, row["interval_steps"])
        order.taken_back += row["taken_back"]
        order.lost_latch_ms = max(order.lost_latch_ms, row["lost_latch_ms"])
        self._widths.append(row)
        if row["failures"]:
            self._fail(order, row, row["failures"])

    def _compare_widths(self) -> None:
        """An interval is no wider than the grants of its own order were at the worst moment."""
        for row in self._widths:
            order = self.orders[row["order"]]
            if row["interval_steps"] > order.largest_grant_steps and not row["failures"]:
                text = f"{row['interval_steps']} steps are wider than all grants, {order.largest_grant_steps} steps"
                self._fail(order, row, [text])

    def _fail(self, order: OfOrder, row: Row, failures: list[str]) -> None:
        order.failures += 1
        if len(self.failed) < MOST_FAILURES:
            place = {"order": row["order"], "cut": row["cut"], "index": row["index"], "seed": self.seed}
            self.failed.append({**place, "failures": failures, "again": self._again(row)})

    def _again(self, row: Row) -> str:
        again = f"rig hil sweep power --target {self.target} --seed {self.seed} --order {shlex.quote(row['order'])}"
        return again if row["cut"] is None else f"{again} --cut {row['cut']} --index {row['index']}"

    def as_dict(self) -> dict[str, Any]:
        """Return plain values."""
        return {
            "target": self.target,
            "seed": self.seed,
            "sample": self.sample,
            "cuts": self.cuts,
            "failures": self.failures,
            "widest_interval_steps": self.widest_interval_steps,
            "largest_grant_steps": self.largest_grant_steps,
            "lost_latch_ms": max((order.lost_latch_ms for order in self.orders.values()), default=0.0),
            "taken_back": sum(order.taken_back for order in self.orders.values()),
            "orders": {name: order.as_dict() for name, order in sorted(self.orders.items())},
            "failed": self.failed,
            "firmware": self.firmware,
            "wall_s": round(self.wall_s, 1),
        }


def table(report: Report) -> str:
    """Return the report for people."""
    how = "everywhere" if report.sample is None else f"at {report.sample} places drawn"
    told = f"{report.target}, seed {report.seed}: the power cut {how}, {report.cuts} cuts, {report.failures} failures"
    widest, largest = report.widest_interval_steps, report.largest_grant_steps
    lines = [
        f"{told}; widest interval {widest} steps, largest grant {largest} steps ({report.wall_s:.0f} s)",
        f"{'order':<24}{'octets':>8}{'ticks':>8}{'cuts':>8}{'failed':>8}{'widest':>8}{'grant':>8}",
    ]
    for name, order in sorted(report.orders.items()):
        octets, ticks = (order.places.get(kind, 0) for kind in KINDS)
        lines.append(
            f"{name:<24}{octets:>8}{ticks:>8}{order.cuts:>8}{order.failures:>8}"
            f"{order.widest_interval_steps:>8}{order.largest_grant_steps:>8}"
        )
    for failed in report.failed:
        where = "" if failed["cut"] is None else f", {failed['cut']} {failed['index']}"
        lines.append(f"\n{failed['order']}{where}:")
        lines += [f"  {text}" for text in failed["failures"]]
        lines.append(f"  again: {failed['again']}")
    return "\n".join(lines)
