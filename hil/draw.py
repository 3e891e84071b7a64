"""Draws a recording: pressure, flow, volume, step rate, valve and supply, frames, acts and stops over one time axis."""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

from hil import draw_lanes
from hil.draw_data import Series, panels
from hil.recording import Recording
from hil.svg import Svg, nice_step, text_width
from host.errors import RigError, UsageError

WIDTH = 1280
LEFT = 96
RIGHT = 280
TOP = 74
PANEL_HEIGHT = 130
GAP = 26
AXIS_HEIGHT = 46
RASTERIZER = "rsvg-convert"
RASTER_TIMEOUT_S = 60

INK = "#222"
GRID = "#e4e4e4"
FRAME = "#9a9a9a"
STOP_COLOUR = "#c62828"


@dataclass(frozen=True, slots=True)
class Panel:
    """One diagram: what its axis shows, and the curves on it."""

    label: str
    unit: str
    series: list[Series]
    least: float = 0.0
    """The axis reaches at least so high."""


@dataclass(slots=True)
class Time:
    """The common time axis: from ns on the bench's clock to pixels."""

    end_ns: int
    x0: float = LEFT
    x1: float = WIDTH - RIGHT
    marks: list[tuple[int, str]] = field(default_factory=list)
    """Stops: when, and what stopped."""

    def x(self, now_ns: float) -> float:
        """Return the place of an instant."""
        return self.x0 + (self.x1 - self.x0) * min(1.0, now_ns / max(1, self.end_ns))


def save(recording: Recording, path: Path) -> None:
    """Write the picture as .svg or .png. Raises RigError when it cannot."""
    if path.suffix not in {".svg", ".png"}:
        raise UsageError(f"{path.name} is neither .svg nor .png.", "Name the picture so.")
    picture = draw(recording)
    try:
        if path.suffix == ".svg":
            path.write_text(picture, encoding="utf-8")
            return
        _rasterize(picture, path)
    except OSError as error:
        raise UsageError(f"{path} cannot be written: {error.strerror}.", "Name another place.") from None


def draw(recording: Recording) -> str:
    """Return the picture as SVG."""
    diagrams = [Panel(*each) for each in panels(recording)]
    lanes = draw_lanes.lanes(recording)
    acts = draw_lanes.act_rows(recording, WIDTH - LEFT - RIGHT)
    height = TOP + len(diagrams) * (PANEL_HEIGHT + GAP) + draw_lanes.height(lanes, acts) + AXIS_HEIGHT
    svg = Svg(WIDTH, height, f"{recording.header.node or 'a run on the bench'}, {recording.header.target}")
    time = Time(max(1, recording.header.ended_ns), marks=draw_lanes.stop_marks(recording))
    _title(svg, recording)
    bottom = height - AXIS_HEIGHT
    _time_grid(svg, time, TOP, bottom)
    y = TOP
    for panel in diagrams:
        _panel(svg, time, panel, y)
        y += PANEL_HEIGHT + GAP
    draw_lanes.draw(svg, time, lanes, acts, y)
    _stops(svg, time, bottom)
    return svg.written()


def _title(svg: Svg, recording: Recording) -> None:
    header = recording.header
    name = header.node or "A run on the bench"
    most = int((WIDTH - 40) / (15 * 0.62))
    svg.text(20, 24, name if len(name) <= most else "..." + name[-(most - 3) :], 15, bold=True, colour=INK)
    firmware = header.firmware_reported or header.firmware_hash
    svg.text(
        20,
        43,
        f"{header.outcome} on {header.target}, seed {header.seed}, firmware {firmware}, "
        f"{header.ended_ns / 1e9:.3f} s on the bench's clock, {recording.edge_count()} step edges, "
        f"{len(recording.frames)} frames",
        12,
        colour="#555",
    )


def _time_grid(svg: Svg, time: Time, top: float, bottom: float) -> None:
    end_s = time.end_ns / 1e9
    step_s = nice_step(end_s, 12)
    number = 0
    while number * step_s <= end_s * 1.0001:
        x = time.x(number * step_s * 1e9)
        svg.line((x, top), (x, bottom), GRID)
        svg.text(x, bottom + 16, f"{number * step_s:g}", 11, anchor="middle", colour="#444")
        number += 1
    svg.text((time.x0 + time.x1) / 2, bottom + 36, "time since power-on of the bench, s", 12, anchor="middle")


def _panel(svg: Svg, time: Time, panel: Panel, top: float) -> None:
    highest = max([panel.least, *(value for series in panel.series for _, value in series.points)])
    lowest = min([0.0, *(value for series in panel.series for _, value in series.points)])
    step = nice_step(max(highest - lowest, 1e-9), 5)
    first = round(lowest // step)
    last = -int(-highest // step)
    if last <= first:
        last = first + 1
    span = (last - first) * step
    bottom = top + PANEL_HEIGHT

    def y(value: float) -> float:
        return bottom - PANEL_HEIGHT * (value - first * step) / span

    for number in range(first, last + 1):
        svg.line((time.x0, y(number * step)), (time.x1, y(number * step)), GRID)
        svg.text(time.x0 - 8, y(number * step) + 4, f"{number * step:g}", 11, anchor="end", colour="#444")
    for edge in ((time.x0, top), (time.x1, top)):
        svg.line(edge, (edge[0], bottom), FRAME)
    svg.line((time.x0, bottom), (time.x1, bottom), FRAME)
    svg.text(26, (top + bottom) / 2, panel.label, 12, anchor="middle", upright=True, bold=True)
    svg.text(44, (top + bottom) / 2, panel.unit, 12, anchor="middle", upright=True)
    for number, series in enumerate(panel.series):
        svg.curve([(time.x(at_ns), y(value)) for at_ns, value in series.points], series.colour, 1.5, series.dash)
        _legend(svg, series, time.x1 + 12, top + 12 + number * 34)


def _legend(svg: Svg, series: Series, x: float, y: float) -> None:
    svg.curve([(x, y - 4), (x + 22, y - 4)], series.colour, 2.0, series.dash)
    svg.text(x + 28, y, series.name, 11)
    svg.text(x + 28, y + 13, series.source, 10, colour="#666")


def _stops(svg: Svg, time: Time, bottom: float) -> None:
    """Draw what stopped the rig as red lines through everything, named above where there is room."""
    free_x = 0.0
    for now_ns, what in time.marks:
        x = time.x(now_ns)
        svg.line((x, TOP - 6), (x, bottom), STOP_COLOUR, 1.0)
        width = text_width(what, 11)
        start = min(x - width / 2, time.x1 - width)
        if start >= free_x:
            svg.text(start, TOP - 10, what, 11, colour=STOP_COLOUR)
            free_x = start + width + 8


def _rasterize(picture: str, path: Path) -> None:
    tool = shutil.which(RASTERIZER)
    if tool is None:
        raise UsageError(f"PNG needs {RASTERIZER}, which is not here.", "Draw an .svg, or install librsvg2-bin.")
    done = subprocess.run(
        [tool, "--zoom", "1.5", "--output", str(path)],
        input=picture.encode(),
        capture_output=True,
        check=False,
        timeout=RASTER_TIMEOUT_S,
    )
    if done.returncode:
        raise RigError(
            "internal", f"{RASTERIZER} failed: {done.stderr.decode(errors='replace').strip()}", "Draw an .svg."
        )
