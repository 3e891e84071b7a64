"""The file of a recording, version 1: gzip of lines, each one JSON value.

The first line is the header, an object; then come arrays, the first element of each saying what it is; the last is
``["end", lines, sha256]`` over all lines before it. The schema is closed: a line that is not described in hil/README.md
makes the file unreadable. Times are ns since power-on of the bench.
"""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import Callable, Iterator
from dataclasses import asdict, fields
from hashlib import sha256
from pathlib import Path
from typing import Any, BinaryIO, NoReturn, TypeVar

from hil.recorder import TO_DEVICE, TO_HOST, EdgeRun, RecordedFrame
from hil.recording import LEVELS, Act, Header, Level, Octets, PatientSample, Recording, Sample
from host.errors import RigError

FORMAT = "nanorig recording"
VERSION = 1
SUFFIX = ".jsonl.gz"

MAX_LINES = 100_000
"""Lines of one kind in a file; of more, the oldest are dropped and counted in the header."""

MAX_OCTETS = 8_000_000
"""Octets of all frames of one kind in a file; of more, the oldest are dropped."""

MAX_LINE = 64_000
"""Characters of a line."""

Item = TypeVar("Item", RecordedFrame, Octets)

_MOST_LINES = 7 * MAX_LINES + 2
_RUN_AGAIN = "Record the run again: rig hil run --record"


class RecordingError(RigError):
    """A file that is no recording, or none that can be trusted."""


def write(recording: Recording, path: Path) -> None:
    """Write a recording; the folder is made. Raises OSError."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(path.name + ".partial")
    with partial.open("wb") as raw, gzip.GzipFile("", "wb", 6, raw, mtime=0) as file:
        digest = sha256()
        count = 0
        for value in _values(recording):
            line = json.dumps(value, separators=(",", ":"), sort_keys=True).encode() + b"\n"
            digest.update(line)
            file.write(line)
            count += 1
        file.write(json.dumps(["end", count, digest.hexdigest()], separators=(",", ":")).encode() + b"\n")
    partial.replace(path)


def read(path: Path) -> Recording:
    """Read a recording. Raises RecordingError for a file that is none, is damaged, or comes from a newer bench."""
    try:
        with path.open("rb") as raw:
            if raw.read(2) != b"\x1f\x8b":
                _not_one(path)
            raw.seek(0)
            return _read(path, raw)
    except FileNotFoundError:
        raise RecordingError("usage", f"There is no recording {path}.", "Check the name.") from None
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        if isinstance(error, EOFError):
            _truncated(path)
        _altered(path, "its compressed data are damaged")
    except OSError as error:
        raise RecordingError("usage", f"{path} cannot be read: {error.strerror}.", "Check the file.") from None


def _values(recording: Recording) -> Iterator[Any]:
    edges, frames = recording.edges[-MAX_LINES:], _bounded(recording.frames)
    octets = _bounded(recording.octets)
    acts, levels = recording.acts[-MAX_LINES:], recording.levels[-MAX_LINES:]
    samples, patient = recording.samples[-MAX_LINES:], recording.patient[-MAX_LINES:]
    header = asdict(recording.header)
    counts = {
        "edges": len(recording.edges) - len(edges),
        "frame": len(recording.frames) - len(frames),
        "octets": len(recording.octets) - len(octets),
        "act": len(recording.acts) - len(acts),
        "level": len(recording.levels) - len(levels),
        "sample": len(recording.samples) - len(samples),
        "patient": len(recording.patient) - len(patient),
    }
    for name, count in counts.items():
        if count:
            header["dropped"][name] = header["dropped"].get(name, 0) + count
    yield {"format": FORMAT, "version": VERSION, **header}
    for run in edges:
        yield ["edges", run.channel, run.first_ns, run.period_ns, run.count]
    for frame in frames:
        yield ["frame", frame.now_ns, frame.direction, frame.data.hex()]
    for sent in octets:
        yield ["octets", sent.now_ns, sent.data.hex()]
    for act in acts:
        yield ["act", act.now_ns, act.name, act.arguments, act.named, act.plain]
    for level in levels:
        yield ["level", level.now_ns, level.name, level.value]
    for sample in samples:
        yield ["sample", *(getattr(sample, name.name) for name in fields(Sample))]
    for seen in patient:
        yield ["patient", *(getattr(seen, name.name) for name in fields(PatientSample))]


def _bounded(items: list[Item]) -> list[Item]:
    """Return the last items that are few and short enough."""
    room = MAX_OCTETS
    for at in range(len(items) - 1, max(-1, len(items) - MAX_LINES - 1), -1):
        room -= len(items[at].data)
        if room < 0:
            return items[at + 1 :]
    return items[-MAX_LINES:]


def _read(path: Path, raw: BinaryIO) -> Recording:
    with gzip.GzipFile(fileobj=raw) as file:
        line = file.readline(MAX_LINE)
        recording = Recording(_header(path, line))
        digest = sha256(line)
        number = 2
        while (value := _parse(path, number, file.readline(MAX_LINE), digest))[0] != "end":
            _add(path, number, recording, value)
            number += 1
            if number > _MOST_LINES:
                _altered(path, "it has more lines than a recording may have")
        _check_end(path, value, number - 1, digest.hexdigest())
        if file.read(1):
            _altered(path, "something stands behind its end")
    return recording


def _header(path: Path, line: bytes) -> Header:
    try:
        value = json.loads(line)
    except ValueError:
        _not_one(path)
    if not isinstance(value, dict) or value.pop("format", None) != FORMAT:
        _not_one(path)
    version = value.pop("version", None)
    if type(version) is not int or version < 1:
        _altered(path, "its version is no number")
    if version > VERSION:
        raise RecordingError(
            "usage",
            f"{path} was made by a newer bench: version {version}; this one reads up to {VERSION}.",
            "Use the bench that made it, or a newer one.",
        )
    expected = {each.name for each in fields(Header)}
    if value.keys() != expected:
        _altered(path, f"line 1: {', '.join(sorted(value.keys() ^ expected))} missing or unknown")
    for name, kind in _HEADER_TYPES.items():
        if type(value[name]) not in kind:
            _altered(path, f"line 1: {name} is of a wrong type")
    return Header(**value)


def _parse(path: Path, number: int, line: bytes, digest: Any) -> list[Any]:
    """Return the line's array; ``digest`` takes in every line but the last."""
    if not line.endswith(b"\n"):
        _truncated(path)
    try:
        value = json.loads(line)
    except ValueError:
        _altered(path, f"line {number} is no JSON")
    if not isinstance(value, list) or not value:
        _altered(path, f"line {number} is no array")
    if value[0] != "end":
        digest.update(line)
    return value


def _check_end(path: Path, value: list[Any], lines: int, digest: str) -> None:
    if value[1:] != [lines, digest]:
        _altered(path, "its hash is not that of its contents")


def _add(path: Path, number: int, recording: Recording, value: list[Any]) -> None:
    kind = value[0]
    if not isinstance(kind, str) or kind not in _LINES:
        _altered(path, f"line {number}: there is no kind {kind!r}")
    types, take = _LINES[kind]
    given = value[1:]
    if len(given) != len(types) or any(type(each) not in kinds for each, kinds in zip(given, types, strict=True)):
        _altered(path, f"line {number}: the fields of {kind!r} are others")
    try:
        take(recording, given)
    except (ValueError, TypeError) as error:
        _altered(path, f"line {number}: {error}")


def _direction(text: str) -> str:
    if text not in {TO_DEVICE, TO_HOST}:
        raise ValueError(f"there is no direction {text!r}")
    return text


def _take_edges(recording: Recording, given: list[Any]) -> None:
    recording.edges.append(EdgeRun(*given))


def _take_frame(recording: Recording, given: list[Any]) -> None:
    now_ns, direction, octets = given
    recording.frames.append(RecordedFrame(now_ns, _direction(direction), bytes.fromhex(octets)))


def _take_octets(recording: Recording, given: list[Any]) -> None:
    recording.octets.append(Octets(given[0], bytes.fromhex(given[1])))


def _take_act(recording: Recording, given: list[Any]) -> None:
    recording.acts.append(Act(*given))


def _take_level(recording: Recording, given: list[Any]) -> None:
    if given[1] not in LEVELS:
        raise ValueError(f"there is no level {given[1]!r}")
    recording.levels.append(Level(*given))


def _take_sample(recording: Recording, given: list[Any]) -> None:
    recording.samples.append(Sample(*given))


def _take_patient(recording: Recording, given: list[Any]) -> None:
    recording.patient.append(PatientSample(*given))


def _not_one(path: Path) -> NoReturn:
    raise RecordingError("usage", f"{path} is no recording of the bench.", "Name a file that a run left behind.")


def _truncated(path: Path) -> NoReturn:
    raise RecordingError("tampered", f"{path} is not whole: its end is missing.", _RUN_AGAIN)


def _altered(path: Path, why: str) -> NoReturn:
    raise RecordingError("tampered", f"{path} is not as it was written: {why}.", _RUN_AGAIN)


_INT = (int,)
_TEXT = (str,)
_NUMBER = (int, float)
_LINES: dict[str, tuple[tuple[tuple[type, ...], ...], Callable[[Recording, list[Any]], None]]] = {
    "edges": ((_INT,) * 4, _take_edges),
    "frame": ((_INT, _TEXT, _TEXT), _take_frame),
    "octets": ((_INT, _TEXT), _take_octets),
    "act": ((_INT, _TEXT, (list,), (dict,), (bool,)), _take_act),
    "level": ((_INT, _TEXT, _INT), _take_level),
    "sample": ((_INT, _INT, *(_NUMBER,) * 5, _INT, _INT), _take_sample),
    "patient": ((_INT, *(_NUMBER,) * 4), _take_patient),
}
_HEADER_TYPES: dict[str, tuple[type, ...]] = {
    "target": _TEXT,
    "seed": _INT,
    "powered": (bool,),
    "provisioned": (bool,),
    "options": (dict,),
    "parameters": (dict,),
    "parameters_sha256": _TEXT,
    "firmware_hash": _TEXT,
    "firmware_reported": (str, type(None)),
    "schema": _TEXT,
    "tools": (dict,),
    "node": (str, type(None)),
    "outcome": _TEXT,
    "problem": _TEXT,
    "ended_ns": _INT,
    "digest": _TEXT,
    "sample_ns": _INT,
    "dropped": (dict,),
}
