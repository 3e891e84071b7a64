"""The lanes of a recording's picture: digital signals, frames, and what was done at the rig; and what stopped it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from hil.recorder import TO_DEVICE, TO_HOST
from hil.recording import Act, Recording, decoded, stop_times_ns
from hil.svg import Svg, text_width
from protocol import codes, typed

LANE = 20
BAR = 10
GAP = 8
ACT_SIZE = 11
ACT_GAP = 4
MOST_ACT_ROWS = 6
MOST_MARKS = 200
SOURCE_X = 166
"""Where the source of a lane stands, right of the axis."""

ON, OFF = "#2e7d32", "#e0e0e0"
BAD = "#c62828"
ACT_COLOUR = "#6a1b9a"
_QUIET = (
    typed.Telemetry,
    typed.LinkStats,
    typed.Ping,
    typed.Pong,
    typed.GetDose,
    typed.DoseState,
    typed.GetStatus,
    typed.Status,
)

Span = tuple[int, int]


class TimeAxis(Protocol):
    """From the bench's clock to pixels."""

    x0: float
    x1: float
    end_ns: int

    def x(self, now_ns: float) -> float:
        """Return the place of an instant."""
        ...


@dataclass(frozen=True, slots=True)
class Lane:
    """One lane: bars where a signal is on, or ticks."""

    name: str
    note: str
    source: str
    spans: list[Span]
    ticks: dict[str, list[int]]
    """By colour."""


def lanes(recording: Recording) -> list[Lane]:
    """Return the lanes from above to below."""
    return [
        _signal("SAFE", "high", "plant, at the pin", _bit(recording, codes.INPUT_SAFE)),
        _signal("supply", "motor and valve fed", "plant, true", _sampled(recording, "motor_powered")),
        _signal("valve", "on the patient", "plant, true", _sampled(recording, "valve_patient")),
        _signal("heartbeat", "beating", "bench, at the pin", _level(recording, "heartbeat")),
        _signal("foot switch", "pressed", "plant, at the pin", _bit(recording, codes.INPUT_FOOTSWITCH)),
        _frames(recording, TO_DEVICE, "to device"),
        _frames(recording, TO_HOST, "to host"),
    ]


def stop_marks(recording: Recording) -> list[tuple[int, str]]:
    """Return what stopped the rig: stop frames (a burst of them once) and falls of SAFE."""
    marks = []
    last_ns: int | None = None
    for now_ns in stop_times_ns(recording):
        if last_ns is None or now_ns - last_ns > 1_000_000_000:
            marks.append((now_ns, "stop frame"))
        last_ns = now_ns
    marks += [(end_ns, "SAFE falls") for _, end_ns in _bit(recording, codes.INPUT_SAFE) if end_ns < _end(recording)]
    return sorted(marks)[:MOST_MARKS]


def act_rows(recording: Recording, width: float) -> list[list[tuple[Act, str]]]:
    """Return the acts with their words in rows in which they do not overlap; the rest has no words."""
    rows: list[list[tuple[Act, str]]] = []
    free: list[float] = []
    for act in recording.acts[:MOST_MARKS]:
        words = act_words(act)
        x = width * act.now_ns / max(1, _end(recording))
        start, end = _place(x, words, width)
        row = next((number for number, until in enumerate(free) if until <= start), len(free))
        if row >= MOST_ACT_ROWS:
            rows[-1].append((act, ""))
            continue
        if row == len(free):
            free.append(0.0)
            rows.append([])
        free[row] = end + ACT_GAP
        rows[row].append((act, words))
    return rows


def act_words(act: Act) -> str:
    """Return an act as a person would say it."""
    given = [_said(value) for value in act.arguments] + [f"{name} {_said(value)}" for name, value in act.named.items()]
    name = act.name.removeprefix("plant.").replace("_", " ").replace(".", " ")
    return f"{name}({', '.join(given)})" if given else name


def height(lanes_: list[Lane], acts: list[list[tuple[Act, str]]]) -> int:
    """Return how high lanes and acts are together."""
    return len(lanes_) * LANE + GAP + max(1, len(acts)) * LANE + GAP


def draw(svg: Svg, time: TimeAxis, lanes_: list[Lane], acts: list[list[tuple[Act, str]]], top: float) -> None:
    """Draw the lanes."""
    y = top
    for lane in lanes_:
        svg.text(time.x0 - 8, y + BAR + 1, lane.name, 11, anchor="end")
        if lane.ticks:
            for colour, times in lane.ticks.items():
                columns = sorted({round(time.x(now_ns), 0) for now_ns in times})
                svg.ticks(columns, y, BAR + 2, colour, 1.0 if colour == OFF_TICK else 1.6)
        else:
            svg.rect(time.x0, y + BAR / 2 - 1, time.x1 - time.x0, 2, OFF)
            for start_ns, end_ns in lane.spans:
                x = time.x(start_ns)
                svg.rect(x, y, max(1.0, time.x(end_ns) - x), BAR, ON, 0.75)
        svg.text(time.x1 + 12, y + BAR, lane.note, 11)
        svg.text(time.x1 + SOURCE_X, y + BAR, lane.source, 10, colour="#666")
        y += LANE
    y += GAP
    svg.text(time.x0 - 8, y + BAR + 1, "acts", 11, anchor="end")
    svg.text(time.x1 + 12, y + BAR, "done at the rig", 11)
    svg.text(time.x1 + SOURCE_X, y + BAR, "bench", 10, colour="#666")
    for row in acts:
        for act, words in row:
            x = time.x(act.now_ns)
            svg.ticks([x], y - 1, BAR + 3, ACT_COLOUR, 1.6)
            if words:
                left = _place(x - time.x0, words, time.x1 - time.x0)[0] < x - time.x0
                svg.text(
                    x - ACT_GAP if left else x + ACT_GAP,
                    y + BAR,
                    words,
                    ACT_SIZE,
                    anchor="end" if left else "start",
                    colour=ACT_COLOUR,
                )
        y += LANE


def _place(x: float, words: str, width: float) -> tuple[float, float]:
    """Return from where to where an act's tick and words reach: to its right, or to its left where that is too far."""
    needed = text_width(words, ACT_SIZE) + 2 * ACT_GAP
    return (x, x + needed) if x + needed <= width else (x - needed, x)


OFF_TICK = "#9e9e9e"
LOUD_TICK = "#1565c0"


def _said(value: object) -> str:
    if isinstance(value, dict):
        return str(value.get("text", value))[:40]
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:.4g}" if isinstance(value, float) else str(value)[:40]


def _end(recording: Recording) -> int:
    return recording.header.ended_ns


def _signal(name: str, note: str, source: str, spans: list[Span]) -> Lane:
    return Lane(name, note, source, spans, {})


def _frames(recording: Recording, direction: str, name: str) -> Lane:
    ticks: dict[str, list[int]] = {OFF_TICK: [], LOUD_TICK: [], BAD: []}
    for frame in recording.frames:
        if frame.direction == direction:
            ticks[_colour(frame.data)].append(frame.now_ns)
    return Lane(name, "blue orders, red stops", "link", [], ticks)


def _colour(octets: bytes) -> str:
    found = decoded(octets)
    if not found or any(isinstance(message, typed.Stop | typed.Stopped | typed.Refused) for message in found):
        return BAD
    return OFF_TICK if all(isinstance(message, _QUIET) for message in found) else LOUD_TICK


def _bit(recording: Recording, bit: int) -> list[Span]:
    changes = [(it.now_ns, bool(it.value & bit)) for it in recording.levels if it.name == "inputs"]
    return _spans(changes, _end(recording))


def _level(recording: Recording, name: str) -> list[Span]:
    return _spans([(it.now_ns, bool(it.value)) for it in recording.levels if it.name == name], _end(recording))


def _sampled(recording: Recording, name: str) -> list[Span]:
    return _spans([(it.now_ns, bool(getattr(it, name))) for it in recording.samples], _end(recording))


def _spans(changes: list[tuple[int, bool]], end_ns: int) -> list[Span]:
    """Return from when to when a signal was on."""
    spans: list[Span] = []
    since_ns: int | None = None
    for now_ns, on in changes:
        if on and since_ns is None:
            since_ns = now_ns
        elif not on and since_ns is not None:
            spans.append((since_ns, now_ns))
            since_ns = None
    if since_ns is not None:
        spans.append((since_ns, end_ns))
    return spans
