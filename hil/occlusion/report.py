"""What all occlusions say together, and whether the bound for the sudden ones holds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from hil.latency.forks import Row
from hil.occlusion.trials import COMPLIANCES_NL_KPA, RATES_NL_S, SLOW, START, SUDDEN, WAYS

BOUND_NL = 2_000
"""FLOW-3: excess stored volume when a sudden full occlusion in steady flow is found."""

FOUND_BY = ("occlusion", "pressure")
MEANING = {
    SUDDEN: "sudden, in steady flow",
    SLOW: "over 30 s or most of the dose",
    START: "from the start, all that is stored",
}


@dataclass(frozen=True, slots=True)
class Report:
    """All trials and watches of one run. Volumes in nL."""

    target: str
    seed: int
    rows: Sequence[Row]
    watches: Sequence[Row] = ()
    firmware_watches: Sequence[Row] = ()
    wall_s: float = 0.0
    firmware: str = ""

    def row(self, way: str, compliance_nl_kpa: int, rate_nl_s: int) -> Row | None:
        """Return one trial, None when it was not made."""
        wanted = (way, compliance_nl_kpa, rate_nl_s)
        return next(
            (row for row in self.rows if (row["way"], row["compliance_nl_kpa"], row["rate_nl_s"]) == wanted), None
        )

    @property
    def held(self) -> bool:
        """Whether every bound held."""
        return not self.problems()

    def problems(self) -> list[str]:
        """Return every bound that did not hold, for people."""
        found = []
        for row in self.rows:
            name = f"{row['way']} at {row['rate_nl_s']} nL/s and {row['compliance_nl_kpa']} nL/kPa"
            if row["cause"] not in FOUND_BY:
                found.append(f"{name}: not found as an occlusion but {row['cause']}")
            elif row["way"] == SUDDEN and row["excess_nl"] > BOUND_NL:
                found.append(f"{name}: {row['excess_nl']} nL stored in excess, at most {BOUND_NL} nL allowed")
            for what in ("to_patient_nl", "waste_nl"):
                least, most = row[what]
                if not least - 1 <= row[f"true_{what}"] <= most + 1:
                    found.append(f"{name}: {what} {least} to {most} reported, {row[f'true_{what}']} in truth")
        found += [
            f"false alarm: {alarm}" for watch in (*self.watches, *self.firmware_watches) for alarm in watch["alarms"]
        ]
        return found

    def as_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        sudden = [row["excess_nl"] for row in self.rows if row["way"] == SUDDEN]
        return {
            "target": self.target,
            "seed": self.seed,
            "firmware": self.firmware,
            "bound_nl": BOUND_NL,
            "sudden_excess_nl_max": max(sudden, default=None),
            "trials": sorted(
                self.rows, key=lambda row: (WAYS.index(row["way"]), row["compliance_nl_kpa"], row["rate_nl_s"])
            ),
            "false_alarms": {
                "supervision": _summed(self.watches),
                "firmware": _summed(self.firmware_watches),
            },
            "wall_s": round(self.wall_s, 1),
            "held": self.held,
            "problems": self.problems(),
        }


def _summed(watches: Sequence[Row]) -> dict[str, Any]:
    return {
        "hours": round(sum(watch["simulated_s"] for watch in watches) / 3600, 3),
        "doses": sum(watch["doses"] for watch in watches),
        "alarms": sum(len(watch["alarms"]) for watch in watches),
    }


def table(report: Report) -> str:
    """Return the figures for people."""
    lines = [f"{report.target}, seed {report.seed}, {report.wall_s:.0f} s", "", "excess stored volume when found, nL"]
    head = "".join(f"{rate / 1000:>10g}" for rate in RATES_NL_S)
    for way in WAYS:
        lines += ["", f"{MEANING[way]:<38}{head} uL/s"]
        for compliance in COMPLIANCES_NL_KPA:
            cells = [report.row(way, compliance, rate) for rate in RATES_NL_S]
            told = "".join(f"{_cell(row):>10}" for row in cells)
            lines.append(f"{f'  {compliance / 1000:g} uL/kPa':<38}{told}")
    told_figures = report.as_dict()["false_alarms"]
    lines.append("")
    for name, figures in told_figures.items():
        if figures["doses"]:
            lines.append(
                f"false alarms, {name:<12}{figures['alarms']} in {figures['hours']:g} h and {figures['doses']} doses"
            )
    lines += [f"NOT HELD: {problem}" for problem in report.problems()] or ["every bound held"]
    return "\n".join(lines)


def _cell(row: Row | None) -> str:
    if row is None:
        return "-"
    return str(row["excess_nl"]) if row["cause"] in FOUND_BY else row["cause"]
