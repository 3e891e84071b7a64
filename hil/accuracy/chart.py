"""The accuracy of every rig and the trumpet of the long flow, drawn as SVG."""

from __future__ import annotations

from pathlib import Path

from hil.accuracy.report import COMMERCIAL_PCT, GOAL_SHARE, MEANING, Report
from hil.accuracy.rigs import DEFAULT
from hil.latency.forks import Row
from hil.svg import Svg
from host.errors import UsageError

WIDTH, HEIGHT = 960, 460
TOP, BOTTOM, LEFT = 90, 70, 60
PANEL = 170.0
DOT = 4.0
COLOURS = {DEFAULT: "#1565c0", "drawn": "#ef6c00"}
LIMIT, GOAL = "#c62828", "#2e7d32"
TRUMPET_LEFT = 640.0
TRUMPET_WIDTH = 280.0


def save(report: Report, path: Path) -> None:
    """Write the picture. Raises UsageError when it cannot."""
    try:
        path.write_text(draw(report), encoding="utf-8")
    except OSError as error:
        raise UsageError(f"{path} cannot be written: {error.strerror}.", "Name another place.") from None


def draw(report: Report) -> str:
    """Return the picture as SVG: a dot a rig, and the trumpet."""
    svg = Svg(WIDTH, HEIGHT, f"Accuracy, {report.target}, seeds from {report.seed}")
    svg.text(20, 26, "Bias of ten weighed doses, one dot a rig, after its own calibration", 15, bold=True)
    for number, volume_nl in enumerate(report.volumes_nl()):
        _volume(svg, report, volume_nl, LEFT + number * (PANEL + 20))
    for number, grain in enumerate(report.grains()):
        svg.rect(20 + number * 290, HEIGHT - 24, 10, 10, COLOURS[grain])
        svg.text(35 + number * 290, HEIGHT - 15, MEANING[grain], 11)
    if report.flow:
        _trumpet(svg, report.flow)
    return svg.written()


def _volume(svg: Svg, report: Report, volume_nl: int, left: float) -> None:
    limit_pct = COMMERCIAL_PCT.get(volume_nl, (2.0, 2.0))[0]
    middle, half = (TOP + HEIGHT - BOTTOM) / 2, (HEIGHT - TOP - BOTTOM) / 2

    def y(pct: float) -> float:
        share = max(-1.0, min(1.0, pct / (limit_pct * 1.1)))
        return middle - half * share

    svg.text(left + PANEL / 2, TOP - 14, f"{volume_nl / 1000:g} uL", 13, anchor="middle", bold=True)
    for bound, colour in ((0.0, "#999"), (limit_pct, LIMIT), (limit_pct * GOAL_SHARE, GOAL)):
        for sign in (1, -1) if bound else (1,):
            svg.line((left, y(sign * bound)), (left + PANEL, y(sign * bound)), colour)
            svg.text(left - 4, y(sign * bound) + 4, f"{sign * bound:g} %", 10, anchor="end", colour=colour)
    for column, grain in enumerate(report.grains()):
        rigs = report.rigs(grain, volume_nl)
        for number, rig in enumerate(rigs):
            x = left + (column + (number + 0.5) / len(rigs)) * PANEL / len(report.grains())
            svg.rect(x - DOT / 2, y(rig["bias_pct"]) - DOT / 2, DOT, DOT, COLOURS[grain])


def _trumpet(svg: Svg, flow: Row) -> None:
    rows = [*flow["trumpet"], *flow["trumpet_in_a_dose"]]
    if not rows:
        return
    most = max(max(abs(row["most_pct"]), abs(row["least_pct"])) for row in rows) * 1.1
    longest = max(row["minutes"] for row in rows)
    middle, half = (TOP + HEIGHT - BOTTOM) / 2, (HEIGHT - TOP - BOTTOM) / 2

    def point(minutes: float, pct: float) -> tuple[float, float]:
        return TRUMPET_LEFT + TRUMPET_WIDTH * minutes / longest, middle - half * pct / most

    svg.text(TRUMPET_LEFT, TOP - 30, f"Trumpet at {flow['rate_nl_s'] / 1000:g} uL/s", 13, bold=True)
    svg.text(TRUMPET_LEFT, TOP - 14, "chain of doses with its gaps; dashed: one dose alone", 11, colour="#555")
    svg.line(point(0, 0), point(longest, 0), "#999")
    for name, dash in (("trumpet", ""), ("trumpet_in_a_dose", "5,4")):
        for edge in ("most_pct", "least_pct"):
            svg.curve([point(row["minutes"], row[edge]) for row in flow[name]], COLOURS[DEFAULT], dash=dash)
    for row in flow["trumpet"]:
        x, y = point(row["minutes"], row["least_pct"])
        svg.text(x, y + 14, f"{row['least_pct']:g} %", 10, anchor="middle")
        svg.text(x, HEIGHT - BOTTOM + 16, f"{row['minutes']} min", 10, anchor="middle")
