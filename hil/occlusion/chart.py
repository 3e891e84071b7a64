"""The excess stored volume of every occlusion, drawn as SVG: columns on a scale of powers of ten."""

from __future__ import annotations

from math import log10
from pathlib import Path

from hil.occlusion.report import BOUND_NL, MEANING, Report
from hil.occlusion.trials import COMPLIANCES_NL_KPA, RATES_NL_S, WAYS
from hil.svg import Svg
from host.errors import UsageError

WIDTH, HEIGHT = 900, 420
LEFT, RIGHT, TOP, BOTTOM = 70, 30, 70, 80
LOWEST_NL, HIGHEST_NL = 100, 100_000
COLOURS = dict(zip(COMPLIANCES_NL_KPA, ("#90caf9", "#1565c0", "#0d2f5e"), strict=True))
BOUND = "#c62828"
COLUMN, GAP = 22.0, 14.0


def save(report: Report, path: Path) -> None:
    """Write the picture. Raises UsageError when it cannot."""
    try:
        path.write_text(draw(report), encoding="utf-8")
    except OSError as error:
        raise UsageError(f"{path} cannot be written: {error.strerror}.", "Name another place.") from None


def draw(report: Report) -> str:
    """Return the picture as SVG."""
    svg = Svg(WIDTH, HEIGHT, f"Occlusions, {report.target}, seed {report.seed}")
    svg.text(20, 26, "What the line has stored in excess when its occlusion is found", 15, bold=True)
    svg.text(20, 46, f"{len(report.rows)} occlusions on {report.target}, seed {report.seed}", 12, colour="#555")
    base = HEIGHT - BOTTOM
    for power in range(round(log10(LOWEST_NL)), round(log10(HIGHEST_NL)) + 1):
        y = _y(10**power)
        svg.line((LEFT, y), (WIDTH - RIGHT, y), "#e4e4e4")
        svg.text(LEFT - 8, y + 4, f"{10**power / 1000:g}", 11, anchor="end")
    svg.text(22, (TOP + base) / 2, "uL", 12, anchor="middle", upright=True)
    for number, way in enumerate(WAYS):
        _group(svg, report, way, LEFT + number * (WIDTH - LEFT - RIGHT) / len(WAYS))
    bound_y = _y(BOUND_NL)
    svg.line((LEFT, bound_y), (LEFT + (WIDTH - LEFT - RIGHT) / len(WAYS), bound_y), BOUND)
    svg.text(LEFT + 4, bound_y - 5, f"bound {BOUND_NL / 1000:g} uL", 11, colour=BOUND)
    for number, (compliance, colour) in enumerate(COLOURS.items()):
        svg.rect(LEFT + number * 160, HEIGHT - 24, 10, 10, colour)
        svg.text(LEFT + number * 160 + 15, HEIGHT - 15, f"{compliance / 1000:g} uL/kPa", 11)
    return svg.written()


def _group(svg: Svg, report: Report, way: str, left: float) -> None:
    base = HEIGHT - BOTTOM
    width = len(COMPLIANCES_NL_KPA) * COLUMN
    for number, rate_nl_s in enumerate(RATES_NL_S):
        x = left + GAP + number * (width + GAP)
        for column, compliance in enumerate(COMPLIANCES_NL_KPA):
            row = report.row(way, compliance, rate_nl_s)
            if row is not None:
                y = _y(row["excess_nl"])
                svg.rect(x + column * COLUMN, y, COLUMN - 2, base - y, COLOURS[compliance])
        svg.text(x + width / 2, base + 16, f"{rate_nl_s / 1000:g} uL/s", 11, anchor="middle")
    middle = left + GAP + (len(RATES_NL_S) * (width + GAP) - GAP) / 2
    svg.text(middle, base + 38, MEANING[way], 12, anchor="middle")


def _y(volume_nl: float) -> float:
    share = log10(min(HIGHEST_NL, max(LOWEST_NL, volume_nl)) / LOWEST_NL) / log10(HIGHEST_NL / LOWEST_NL)
    return HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * share
