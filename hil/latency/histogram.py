"""A histogram of the stops' latencies, by what the device was doing, as SVG."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from hil.latency.forks import Row
from hil.latency.plan import COLLECTING, RUNNING, TELEMETRY
from hil.latency.report import STOP_BOUNDS_US, Report, spread
from hil.svg import Svg, nice_step
from host.errors import UsageError

WIDTH, HEIGHT = 900, 420
LEFT, RIGHT, TOP, BOTTOM = 70, 30, 70, 60
BINS = 50
COLOURS = {"flowing": "#1565c0", "telemetry": "#2e7d32", "heap collection": "#e65100", "no flow": "#9e9e9e"}
BOUND = "#c62828"


def save(report: Report, path: Path) -> None:
    """Write the picture. Raises UsageError when it cannot."""
    if path.suffix != ".svg":
        raise UsageError(f"{path.name} is not called .svg.", "Name the picture so.")
    try:
        path.write_text(draw(report), encoding="utf-8")
    except OSError as error:
        raise UsageError(f"{path} cannot be written: {error.strerror}.", "Name another place.") from None


def draw(report: Report) -> str:
    """Return the picture as SVG."""
    stops = report.of("stop")
    svg = Svg(WIDTH, HEIGHT, f"Stop latency, {report.target}, seed {report.seed}")
    share = 0.5 if report.target == "rp2040" else 1.0
    bounds = {name: bound * share for name, bound in STOP_BOUNDS_US.items()}
    longest_us = max([bounds["max"] * 1.06, *(row["latency_us"] for row in stops)])
    counts = {kind: _counts(rows, longest_us) for kind, rows in _kinds(stops).items()}
    highest = max([1, *(sum(column) for column in zip(*counts.values(), strict=True))])
    figures = spread(report.stop_us)
    svg.text(20, 26, "Stop frame complete at the device to the last step edge", 15, bold=True)
    svg.text(
        20,
        46,
        f"{figures['n']} stops on {report.target}, seed {report.seed}: median {figures['p50']} us, "
        f"99th percentile {figures['p99']} us, largest {figures['max']} us",
        12,
        colour="#555",
    )
    _axes(svg, longest_us, highest)
    _columns(svg, counts, highest)
    for name, bound in bounds.items():
        x = _x(bound, longest_us)
        svg.line((x, TOP), (x, HEIGHT - BOTTOM), BOUND)
        svg.text(x - 4, TOP + 12, f"{name} bound {bound / 1000:g} ms", 11, anchor="end", colour=BOUND)
    for number, (kind, colour) in enumerate(COLOURS.items()):
        svg.rect(LEFT + number * 160, HEIGHT - 14, 10, 10, colour)
        svg.text(LEFT + number * 160 + 15, HEIGHT - 5, kind, 11)
    return svg.written()


def _kinds(stops: Sequence[Row]) -> dict[str, list[Row]]:
    names = {RUNNING: "flowing", TELEMETRY: "telemetry", COLLECTING: "heap collection"}
    kinds: dict[str, list[Row]] = {kind: [] for kind in COLOURS}
    for row in stops:
        kinds[names.get(row["state"], "no flow")].append(row)
    return kinds


def _counts(rows: Sequence[Row], longest_us: float) -> list[int]:
    counts = [0] * BINS
    for row in rows:
        counts[min(BINS - 1, int(row["latency_us"] / longest_us * BINS))] += 1
    return counts


def _height(count: float, highest: float) -> float:
    """Roots, so that the few slow ones can be seen beside the many fast ones."""
    return (HEIGHT - TOP - BOTTOM) * float((count / highest) ** 0.5)


def _x(value_us: float, longest_us: float) -> float:
    return LEFT + (WIDTH - LEFT - RIGHT) * value_us / longest_us


def _axes(svg: Svg, longest_us: float, highest: int) -> None:
    base = HEIGHT - BOTTOM
    step_us = nice_step(longest_us, 10)
    for number in range(int(longest_us / step_us) + 1):
        x = _x(number * step_us, longest_us)
        svg.line((x, base), (x, base + 5), "#555")
        svg.text(x, base + 18, f"{number * step_us / 1000:g}", 11, anchor="middle")
    svg.text((LEFT + WIDTH - RIGHT) / 2, base + 36, "ms", 12, anchor="middle")
    for count in sorted({round(highest * part * part / 16) for part in range(5)}):
        y = base - _height(count, highest)
        svg.line((LEFT, y), (WIDTH - RIGHT, y), "#e4e4e4")
        svg.text(LEFT - 8, y + 4, f"{count}", 11, anchor="end")
    svg.text(22, (TOP + base) / 2, "stops", 12, anchor="middle", upright=True)


def _columns(svg: Svg, counts: dict[str, list[int]], highest: int) -> None:
    width = (WIDTH - LEFT - RIGHT) / BINS
    for column in range(BINS):
        below = 0
        for kind, colour in COLOURS.items():
            count = counts[kind][column]
            if count:
                low, high = _height(below, highest), _height(below + count, highest)
                svg.rect(LEFT + column * width + 0.5, HEIGHT - BOTTOM - high, width - 1, high - low, colour)
            below += count
