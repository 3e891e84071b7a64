"""What the trials say together: counts, percentiles, and whether each bound holds."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from hil.latency.forks import Row
from hil.latency.plan import HANG, SAFE, STOP
from hil.latency.trials import STOP_FRAME_US

STOP_BOUNDS_US = {"p99": 5000.0, "max": 10_000.0}
"""Halved on the emulated Pico, whose timing flatters."""

LEAST_FOR_P99 = 100
"""Of fewer stops the slowest is the 99th percentile, which says nothing about one."""

HOST_CALL_P99_US = 10_000.0
RESET_MS = 500.0
TIP_NL = {"safe": 300.0, "stop_frame": 300.0, "hang": 1000.0}


def spread(values: Iterable[float]) -> dict[str, Any]:
    """Return number, median, 99th percentile (nearest rank) and largest of some values, to 0.1."""
    ordered = sorted(values)
    if not ordered:
        return {"n": 0, "p50": None, "p99": None, "max": None}
    count = len(ordered)
    return {
        "n": count,
        "p50": round(ordered[(count - 1) // 2], 1),
        "p99": round(ordered[-(-count * 99 // 100) - 1], 1),
        "max": round(ordered[-1], 1),
    }


@dataclass(frozen=True, slots=True)
class Report:
    """All trials of one run. Times in us and ms as the names say, volumes in nL."""

    target: str
    seed: int
    rows: Sequence[Row]
    host_us: Sequence[float] = ()
    wall_s: float = 0.0
    firmware: str = ""
    problems: list[str] = field(default_factory=list)

    def of(self, kind: str) -> list[Row]:
        """Return the rows of one kind of trial."""
        return [row for row in self.rows if row["kind"] == kind]

    @property
    def stop_us(self) -> list[float]:
        """Every stop's latency: stop frame complete at the device to the last step edge, 0 when none followed."""
        return [row["latency_us"] for row in self.of(STOP)]

    def as_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        safe, stops, hangs = self.of(SAFE), self.of(STOP), self.of(HANG)
        states = sorted({row["state"] for row in stops})
        within = [row["latency_us"] for row in stops if row["collecting"]]
        return {
            "target": self.target,
            "seed": self.seed,
            "firmware": self.firmware,
            "safe_line": {
                "instants": len(safe),
                "late_edges": sum(row["late_edges"] for row in safe),
                "edges_after_return": sum(row["edges_after_return"] for row in safe),
                "hung": sum(row["hung"] for row in safe),
                "last_edge_us_max": max((row["last_edge_ns"] / 1000 for row in safe), default=None),
                "period_us": [each(row["period_us"] for row in safe) for each in (min, max)] if safe else [],
            },
            "stop_frame_us": {
                **spread(self.stop_us),
                "unconfirmed": sum(not row["confirmed"] for row in stops),
                "by_state": {
                    state: spread(row["latency_us"] for row in stops if row["state"] == state) for state in states
                },
                "frame_complete_during_gc": spread(within),
                "valve_released": spread(row["valve_us"] for row in stops if row["valve_us"] is not None),
            },
            "host_call_us": self._host_call(),
            "hang": {
                "n": len(hangs),
                "late_edges": sum(row["late_edges"] for row in hangs),
                "reset_ms_max": _largest(row["reset_ms"] for row in hangs),
                "no_reset": sum(row["reset_ms"] is None for row in hangs),
                "last_edge_ms_max": _largest(row["last_edge_ms"] for row in hangs),
                "unsafe_outputs": sum(row["unsafe_outputs"] for row in hangs),
            },
            "tip_nl_max": {
                "safe": _largest(row["tip_nl"] for row in safe),
                "stop_frame": _largest(row["tip_nl"] for row in stops),
                "hang": _largest(row["tip_nl"] for row in hangs),
            },
            "wall_s": round(self.wall_s, 1),
            "held": self.held,
            "problems": self.judged(),
        }

    def _host_call(self) -> dict[str, Any]:
        """Sum each call's host part, its time on the wire, and the device's part of one of the stops."""
        device = self.stop_us
        summed = (
            [host + STOP_FRAME_US + device[number % len(device)] for number, host in enumerate(self.host_us)]
            if device
            else []
        )
        return {**spread(summed), "host": spread(self.host_us), "wire": STOP_FRAME_US, "device": spread(device)}

    @property
    def held(self) -> bool:
        """Whether every bound held."""
        return not self.judged()

    def judged(self) -> list[str]:
        """Return every bound that did not hold, for people."""
        safe, stops, hangs = self.of(SAFE), self.of(STOP), self.of(HANG)
        found = list(self.problems)
        for what, count in (
            ("edges more than 10 us after SAFE fell", sum(row["late_edges"] for row in safe)),
            ("edges after SAFE returned", sum(row["edges_after_return"] for row in safe)),
            ("edges after the grant of a hung processor", sum(row["late_edges"] for row in hangs)),
            ("outputs driven through or after a reset", sum(row["unsafe_outputs"] for row in hangs)),
            ("hung processors without a reset", sum(row["reset_ms"] is None for row in hangs)),
            ("stop frames that were never confirmed", sum(not row["confirmed"] for row in stops)),
            ("trials that ended with the valve on the patient", self._never_released()),
        ):
            if count:
                found.append(f"{count} {what}")
        share = 0.5 if self.target == "rp2040" else 1.0
        bounds = {name: bound for name, bound in STOP_BOUNDS_US.items() if name == "max" or len(stops) >= LEAST_FOR_P99}
        found += _over("stop frame to last edge", spread(self.stop_us), bounds, share, "us")
        call = {key: value for key, value in self._host_call().items() if key == "p99"}
        found += _over("host call to last edge", call, {"p99": HOST_CALL_P99_US}, 1.0, "us")
        found += _over("reset", {"max": _largest(row["reset_ms"] for row in hangs)}, {"max": RESET_MS}, 1.0, "ms")
        for cause, rows in (("safe", safe), ("stop_frame", stops), ("hang", hangs)):
            worst = {"max": _largest(row["tip_nl"] for row in rows)}
            found += _over(f"liquid at the tip, {cause}", worst, {"max": TIP_NL[cause]}, 1.0, "nL")
        return found

    def _never_released(self) -> int:
        return sum(row["tip_nl"] is None and not row.get("hung", False) for row in self.rows)


def _over(what: str, found: dict[str, Any], bounds: dict[str, float], share: float, unit: str) -> list[str]:
    return [
        f"{what}: {name} {found[name]:g} {unit}, at most {bound * share:g} {unit} allowed"
        for name, bound in bounds.items()
        if found.get(name) is not None and found[name] > bound * share
    ]


def _largest(values: Iterable[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return round(max(known), 3) if known else None


def table(report: Report) -> str:
    """Return the figures for people."""
    told = report.as_dict()
    safe, stop, hang, tip = told["safe_line"], told["stop_frame_us"], told["hang"], told["tip_nl_max"]
    lines = [f"{report.target}, seed {report.seed}, {told['wall_s']:g} s", ""]
    if safe["instants"]:
        lines += [
            f"SAFE falls         {safe['instants']} instants, {safe['hung']} with the processor hung",
            f"                   step periods {safe['period_us'][0]:g} to {safe['period_us'][1]:g} us",
            f"                   {safe['late_edges']} late edges, {safe['edges_after_return']} on its return",
            f"                   the last edge {safe['last_edge_us_max']:g} us after it fell",
        ]
    if stop["n"]:
        lines += ["", f"{'us':<26} {'n':>5} {'p50':>9} {'p99':>9} {'max':>9}", _line("stop frame", stop)]
        lines += [_line("  " + state, figures) for state, figures in stop["by_state"].items()]
        lines += [_line("  complete during gc", stop["frame_complete_during_gc"])]
        lines += [_line("valve released", stop["valve_released"])]
        call = told["host_call_us"]
        lines += [_line("host call", call), _line("  host's part, real time", call["host"])]
    if hang["n"]:
        lines += [
            "",
            f"processor hangs    {hang['n']} times, reset after {_or_none(hang['reset_ms_max'])} ms at most",
            f"                   {hang['late_edges']} late edges, the last edge {hang['last_edge_ms_max']:g} ms after",
        ]
    weighed = ", ".join(f"{cause} {_or_none(worst)}" for cause, worst in tip.items())
    lines += ["", f"weighed at the tip afterwards, at most, nL: {weighed}"]
    lines += [f"NOT HELD: {problem}" for problem in told["problems"]] or ["every bound held"]
    return "\n".join(lines)


def _line(name: str, figures: dict[str, Any]) -> str:
    values = " ".join(f"{_or_none(figures[key]):>9}" for key in ("p50", "p99", "max"))
    return f"{name:<26} {figures['n']:>5} {values}"


def _or_none(value: float | None) -> str:
    return "-" if value is None else f"{value:g}"
