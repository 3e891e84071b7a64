"""What all weighed doses say together, beside what commercial devices promise and the goal of a fifth of that."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean, stdev
from typing import Any

from hil.accuracy.rigs import DEFAULT, DRAWN
from hil.latency.forks import Row

COMMERCIAL_PCT = {1_000: (5.0, 4.0), 10_000: (1.0, 0.5), 50_000: (1.0, 0.4)}
"""Bias and coefficient of variation of ten doses that a commercial liquid handler promises."""

GOAL_SHARE = 0.2
SYRINGE_PUMP_PCT = 2.0
"""What syringe pumps promise of their mean flow; ISO 8655 allows a pipette of 1 mL 0.8 % and 0.3 % of that volume."""

ISO_8655_PCT = (0.8, 0.3)
SCALE_NL = 9.0
"""Three deviations of the difference of two readings of the scale."""

MEANING = {DEFAULT: "grain 20 nL, the reference rig's", DRAWN: "grain drawn evenly from 0 to 100 nL"}


@dataclass(frozen=True, slots=True)
class Report:
    """All rigs of one run, and the long flow of the first."""

    target: str
    seed: int
    rows: Sequence[Row]
    flow: Row | None = None
    wall_s: float = 0.0
    firmware: str = ""

    @property
    def held(self) -> bool:
        """Whether every bound held."""
        return not self.problems()

    def grains(self) -> list[str]:
        """Return which populations of rigs there are."""
        return [grain for grain in MEANING if any(row["grain"] == grain for row in self.rows)]

    def volumes_nl(self) -> list[int]:
        """Return which volumes were given."""
        return sorted({dose["asked_nl"] for row in self.rows for dose in row["doses"]})

    def rigs(self, grain: str, volume_nl: int) -> list[Row]:
        """Return bias and variation of each rig, %."""
        return [_rig(row, volume_nl) for row in self._ordered() if row["grain"] == grain]

    def figures(self, grain: str, volume_nl: int) -> Row:
        """Return what all rigs of a grain say of one volume."""
        rigs = self.rigs(grain, volume_nl)
        bias, variation = COMMERCIAL_PCT.get(volume_nl, (SYRINGE_PUMP_PCT, SYRINGE_PUMP_PCT))
        worst_bias = max(rigs, key=lambda rig: abs(rig["bias_pct"]))
        worst_cv = max(rigs, key=lambda rig: rig["cv_pct"])
        return {
            "volume_nl": volume_nl,
            "rigs": len(rigs),
            "bias_pct_mean": round(fmean(rig["bias_pct"] for rig in rigs), 3),
            "bias_pct_mean_size": round(fmean(abs(rig["bias_pct"]) for rig in rigs), 3),
            "bias_pct_worst": worst_bias["bias_pct"],
            "bias_worst_seed": worst_bias["seed"],
            "cv_pct_mean": round(fmean(rig["cv_pct"] for rig in rigs), 3),
            "cv_pct_worst": worst_cv["cv_pct"],
            "cv_worst_seed": worst_cv["seed"],
            "commercial_pct": [bias, variation],
            "goal_pct": [round(bias * GOAL_SHARE, 3), round(variation * GOAL_SHARE, 3)],
            "within_commercial": _within(rigs, bias, variation),
            "within_goal": _within(rigs, bias * GOAL_SHARE, variation * GOAL_SHARE),
            "told_width_pct": round(fmean(rig["told_width_pct"] for rig in rigs), 2),
            "outside_told": sum(rig["outside_told"] for rig in rigs),
            "doses": sum(rig["doses"] for rig in rigs),
        }

    def problems(self) -> list[str]:
        """Return every bound that did not hold, for people."""
        found = []
        for grain in self.grains():
            for volume_nl in self.volumes_nl():
                figures = self.figures(grain, volume_nl)
                name = f"{volume_nl / 1000:g} uL, {MEANING[grain]}"
                if figures["outside_told"]:
                    found.append(f"{name}: {figures['outside_told']} doses weigh what the rig has not told")
                if grain == DEFAULT and figures["within_commercial"] < figures["rigs"]:
                    found.append(f"{name}: {figures['rigs'] - figures['within_commercial']} rigs beyond the limits")
                if abs(figures["bias_pct_worst"]) > SYRINGE_PUMP_PCT and volume_nl > 1_000:
                    found.append(f"{name}: bias {figures['bias_pct_worst']} % with seed {figures['bias_worst_seed']}")
        return found + [
            f"seed {row['seed']}: the calibrated step is off by {row['step_error_pct']} %"
            for row in self._ordered()
            if abs(row["step_error_pct"]) > row["told_step_error_pct"]
        ]

    def as_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return {
            "target": self.target,
            "seed": self.seed,
            "firmware": self.firmware,
            "accuracy": {
                grain: [self.figures(grain, volume_nl) for volume_nl in self.volumes_nl()] for grain in self.grains()
            },
            "syringe_pump_pct": SYRINGE_PUMP_PCT,
            "iso_8655_1_ml_pct": list(ISO_8655_PCT),
            "flow": self.flow,
            "rigs": self._ordered(),
            "wall_s": round(self.wall_s, 1),
            "held": self.held,
            "problems": self.problems(),
        }

    def _ordered(self) -> list[Row]:
        return sorted(self.rows, key=lambda row: (row["grain"], row["seed"]))


def _rig(row: Row, volume_nl: int) -> Row:
    doses = [dose for dose in row["doses"] if dose["asked_nl"] == volume_nl]
    weighed = [dose["weighed_nl"] for dose in doses]
    mean_nl = fmean(weighed)
    return {
        "seed": row["seed"],
        "doses": len(doses),
        "bias_pct": round((mean_nl / volume_nl - 1) * 100, 3),
        "cv_pct": round(stdev(weighed) / mean_nl * 100, 3) if len(doses) > 1 else 0.0,
        "told_width_pct": fmean((dose["told_nl"][1] - dose["told_nl"][0]) / volume_nl * 100 for dose in doses),
        "outside_told": sum(not _told(dose) for dose in doses),
    }


def _told(dose: Row) -> bool:
    """Whether what was weighed, within the scale's noise, and the plant's truth lie in what the rig has told."""
    least, most = dose["told_nl"]
    weighed = least - SCALE_NL <= dose["weighed_nl"] <= most + SCALE_NL
    return bool(weighed and least - 1 <= dose["true_nl"] <= most + 1)


def _within(rigs: Sequence[Row], bias_pct: float, cv_pct: float) -> int:
    return sum(abs(rig["bias_pct"]) <= bias_pct and rig["cv_pct"] <= cv_pct for rig in rigs)


def table(report: Report) -> str:
    """Return the figures for people."""
    lines = [f"{report.target}, seeds from {report.seed}, {report.wall_s:.0f} s"]
    for grain in report.grains():
        lines += ["", MEANING[grain], _HEAD]
        for volume_nl in report.volumes_nl():
            lines += _volume_lines(report.figures(grain, volume_nl))
    errors = [abs(row["step_error_pct"]) for row in report.rows]
    lines += ["", f"calibrated step off by {fmean(errors):.3f} % in the mean, {max(errors):.3f} % at worst"]
    if report.flow:
        lines += ["", *_flow_lines(report.flow)]
    lines += [
        "",
        f"syringe pumps +-{SYRINGE_PUMP_PCT:g} %; ISO 8655 at 1 mL {ISO_8655_PCT[0]:g} / {ISO_8655_PCT[1]:g} %",
    ]
    lines += [f"NOT HELD: {problem}" for problem in report.problems()] or ["every bound held"]
    return "\n".join(lines)


_HEAD = "                 mean    worst (seed)    commercial   goal   told width   rigs within limits / goal"


def _volume_lines(figures: Row) -> list[str]:
    (bias, variation), (bias_goal, cv_goal) = figures["commercial_pct"], figures["goal_pct"]
    within = f"{figures['within_commercial']} / {figures['within_goal']} of {figures['rigs']}"
    volume = f"{figures['volume_nl'] / 1000:g} uL"
    first = f"{figures['bias_pct_mean']:8.3f} {figures['bias_pct_worst']:8.3f} ({figures['bias_worst_seed']})"
    second = f"{figures['cv_pct_mean']:8.3f} {figures['cv_pct_worst']:8.3f} ({figures['cv_worst_seed']})"
    return [
        f"{volume:>6}  bias %{first:<24}{bias:>10g}{bias_goal:>7g}{figures['told_width_pct']:>12g} %   {within}",
        f"        CV   %{second:<24}{variation:>10g}{cv_goal:>7g}",
    ]


def _flow_lines(flow: Row) -> list[str]:
    gaps = ", ".join(f"{gap:g}" for gap in flow["gaps_s"])
    lines = [
        f"flow of {flow['rate_nl_s'] / 1000:g} uL/s as {len(flow['doses'])} doses with gaps of {gaps or 'none'} s",
        f"start-up: within 10 % after {flow['stabilised_s']} s; mean error "
        + ", ".join(f"{error} % at {at_s} s" for at_s, error in flow["start_up_pct"].items() if error is not None),
        f"second hour: mean error {flow['second_hour_error_pct']} %, the gaps in it",
    ]
    for name, rows in (("chain with its gaps", flow["trumpet"]), ("one dose alone", flow["trumpet_in_a_dose"])):
        windows = ", ".join(f"{row['minutes']} min {row['least_pct']:g} to {row['most_pct']:g}" for row in rows)
        lines.append(f"trumpet, {name}, %: {windows or 'too short'}")
    return lines
