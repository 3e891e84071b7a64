"""The curves of a recording's picture: units for people, and no more points than a picture has columns."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from hil.plant.parameters import NOMINAL_STEP_NL, NS_PER_MS, NS_PER_S
from hil.recording import Recording
from protocol import codes

COLUMNS = 900
"""Of more points, only the extremes of each column are drawn."""

PAUSE_NS = 250 * NS_PER_MS
"""Without an edge for so long the motor stands: the slowest rate has one every 112 ms."""

PLANT = "plant, true"
PIN = "bench, counted at the pin"
FIRMWARE = "firmware, telemetry"
PATIENT = "patient, true"

BLUE, ORANGE, GREEN, GREY, PURPLE = "#1565c0", "#ef6c00", "#2e7d32", "#757575", "#6a1b9a"
CHANNEL_COLOURS = (PURPLE, ORANGE, BLUE)

DASH = "4 2"

Point = tuple[int, float]


@dataclass(frozen=True, slots=True)
class Series:
    """One curve: points in ns and in the unit of its axis."""

    name: str
    source: str
    colour: str
    points: list[Point]
    dash: str = ""


Diagram = tuple[str, str, list[Series], float]


def panels(recording: Recording) -> list[Diagram]:
    """Return the diagrams from above to below: label, unit, curves, least height of the axis."""
    samples, end_ns = recording.samples, recording.header.ended_ns
    telemetry = list(recording.telemetry())
    true_kpa = ((it.now_ns, it.pressure_pa / 1000) for it in samples)
    told_kpa = ((now_ns, it.pressure_pa / 1000) for now_ns, it in telemetry)
    true_ul_s = ((it.now_ns, it.flow_nl_s / 1000) for it in samples)
    told_ul_s = _steps((now_ns, it.rate_nl_s / 1000) for now_ns, it in telemetry)
    pressures = [
        _series("line pressure", PLANT, BLUE, true_kpa, end_ns),
        _series("as measured", FIRMWARE, ORANGE, told_kpa, end_ns, DASH),
    ]
    flows = [
        _series("flow", PLANT, BLUE, true_ul_s, end_ns),
        _series("commanded", FIRMWARE, GREY, told_ul_s, end_ns, DASH),
    ]
    return [
        ("pressure", "kPa", pressures, 1.0),
        ("flow", "uL/s", flows, 0.1),
        ("volume", "uL", _volumes(recording), 0.1),
        ("step edges", "1/s", _rates(recording), 10.0),
        *_patient(recording),
    ]


def _volumes(recording: Recording) -> list[Series]:
    samples, end_ns = recording.samples, recording.header.ended_ns
    curves = [
        _series("at the tip", PLANT, BLUE, ((it.now_ns, it.tip_nl / 1000) for it in samples), end_ns),
        _series("to waste", PLANT, ORANGE, ((it.now_ns, it.waste_nl / 1000) for it in samples), end_ns),
        _series("emitted, nominal", PIN, GREY, _emitted(recording), end_ns, DASH),
    ]
    if any(it.leaked_nl for it in samples):
        curves.append(_series("leaked", PLANT, PURPLE, ((it.now_ns, it.leaked_nl / 1000) for it in samples), end_ns))
    return curves


def _patient(recording: Recording) -> list[Diagram]:
    """Return the diagrams of the patient, none where there was none."""
    seen, end_ns = recording.patient, recording.header.ended_ns
    if not seen:
        return []
    given = [
        _series("burden", PATIENT, PURPLE, ((it.now_ns, it.burden_ul) for it in seen), end_ns),
        _series("agent so far", PATIENT, BLUE, ((it.now_ns, it.agent_ul) for it in seen), end_ns, DASH),
        _series("counter-agent so far", PATIENT, ORANGE, ((it.now_ns, it.counter_ul) for it in seen), end_ns, DASH),
    ]
    reactions = [
        _series("reaction", PATIENT, PURPLE, ((it.now_ns, it.reaction) for it in seen), end_ns),
        Series("severe above", "by definition", GREY, [(0, 1.0), (end_ns, 1.0)], DASH),
    ]
    return [("burden", "uL-equivalents", given, 1.0), ("reaction", "1 = severe", reactions, 1.0)]


def _emitted(recording: Recording) -> Iterator[Point]:
    """Give the volume that the step edges stand for, whatever their channel."""
    steps = 0
    yield 0, 0.0
    for run in recording.edges:
        yield run.first_ns, steps * NOMINAL_STEP_NL / 1000
        steps += run.count
        yield run.last_ns, steps * NOMINAL_STEP_NL / 1000
    yield recording.header.ended_ns, steps * NOMINAL_STEP_NL / 1000


def _rates(recording: Recording) -> list[Series]:
    found = []
    for name, channel in codes.CHANNELS:
        points = list(_rate(recording, channel))
        if points:
            colour = CHANNEL_COLOURS[channel % len(CHANNEL_COLOURS)]
            found.append(_series(f"rate, {name.replace('_', ' ')}", PIN, colour, points, recording.header.ended_ns))
    return found or [Series("no step edge", PIN, GREY, [(0, 0.0), (recording.header.ended_ns, 0.0)])]


def _rate(recording: Recording, channel: int) -> Iterator[Point]:
    """Give one over the time between an edge and the one before it; 0 where there was none for long."""
    last_ns: int | None = None
    for run in recording.edges:
        if run.channel != channel:
            continue
        if last_ns is None or run.first_ns - last_ns > PAUSE_NS:
            yield last_ns if last_ns is not None else 0, 0.0
            yield run.first_ns, 0.0
        elif run.first_ns > last_ns:
            yield run.first_ns, NS_PER_S / (run.first_ns - last_ns)
        if run.count > 1 and run.period_ns:
            yield run.first_ns, NS_PER_S / run.period_ns
            yield run.last_ns, NS_PER_S / run.period_ns
        last_ns = run.last_ns
    if last_ns is not None:
        yield last_ns, 0.0


def _steps(points: Iterable[Point]) -> Iterator[Point]:
    """Give a value that holds until the next one."""
    last: float | None = None
    for now_ns, value in points:
        if last is not None and last != value:
            yield now_ns, last
        yield now_ns, value
        last = value


def _series(name: str, source: str, colour: str, points: Iterable[Point], end_ns: int, dash: str = "") -> Series:
    return Series(name, source, colour, _thinned(list(points), end_ns), dash)


def _thinned(points: list[Point], end_ns: int) -> list[Point]:
    """Keep first, least, greatest and last of each column, in their order."""
    if len(points) <= 2 * COLUMNS:
        return points
    kept: list[Point] = []
    column: list[Point] = []
    at = 0
    for point in points:
        here = point[0] * COLUMNS // max(1, end_ns)
        if here != at and column:
            kept += _extremes(column)
            column = []
        at = here
        column.append(point)
    return kept + _extremes(column)


def _extremes(column: list[Point]) -> list[Point]:
    numbers = range(len(column))
    least = min(numbers, key=lambda number: column[number][1])
    most = max(numbers, key=lambda number: column[number][1])
    return [column[number] for number in sorted({0, least, most, len(column) - 1})]
