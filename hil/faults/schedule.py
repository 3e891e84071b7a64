"""A schedule: everything a run depends on, as data. The same schedule on the same target is the same run."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from hil.boards.base import TARGETS
from hil.faults.acts import ACTS, Act
from hil.faults.records import (
    LONGEST_US,
    ScheduleError,
    check_fields,
    read_choice,
    read_list,
    read_number,
    read_object,
    read_record,
)
from hil.faults.vocabulary import FAULTS, Fault
from hil.plant import PlantParameters

FORMAT = "nanorig schedule 1"
HOSTS = ("client", "raw")
"""The client proper, with its ledger, or a host without manners that repeats ids."""

LARGEST_SEED = 2**63 - 1
MOST_RECORDS = 1000
_FIELDS = ("format", "target", "seed", "host", "length_us", "rig", "acts", "faults")
_NOTES = ("violations", "digest")
_RIG: dict[str, type[int] | type[float]] = {
    item.name: int if item.type in (int, "int") else float for item in fields(PlantParameters)
}


@dataclass(frozen=True)
class Schedule:
    """Acts and faults on one rig; ``rig`` holds the plant parameters that differ from the reference rig's."""

    target: str
    seed: int
    host: str
    length_us: int
    acts: tuple[Act, ...] = ()
    faults: tuple[Fault, ...] = ()
    rig: dict[str, float] = field(default_factory=dict)

    @property
    def parameters(self) -> PlantParameters:
        """The rig's numbers."""
        return PlantParameters(**self.rig)  # type: ignore[arg-type]

    def as_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return {
            "format": FORMAT,
            "target": self.target,
            "seed": self.seed,
            "host": self.host,
            "length_us": self.length_us,
            "rig": dict(self.rig),
            "acts": [act.as_dict("act") for act in self.acts],
            "faults": [fault.as_dict("fault") for fault in self.faults],
        }


def to_json(schedule: Schedule, violations: Sequence[str] = (), digest: str = "") -> str:
    """Return the schedule as text, one act or fault a line, with what a run of it showed."""
    entries = schedule.as_dict()
    if violations:
        entries["violations"] = list(violations)
    if digest:
        entries["digest"] = digest
    lines = []
    for name, value in entries.items():
        if isinstance(value, list) and value:
            rows = ",\n".join(f"    {json.dumps(row)}" for row in value)
            lines.append(f'  "{name}": [\n{rows}\n  ]')
        else:
            lines.append(f'  "{name}": {json.dumps(value)}')
    return "{\n" + ",\n".join(lines) + "\n}\n"


def from_dict(value: Any, place: str = "schedule") -> Schedule:
    """Return the schedule in ``value``. Raises ScheduleError."""
    entry = read_object(value, place)
    check_fields(entry, place, _FIELDS, _NOTES)
    if entry["format"] != FORMAT:
        raise ScheduleError(
            f"{place}.format", f"this is not {FORMAT!r} but {entry['format']!r}", "Make the schedule with this version."
        )
    return Schedule(
        target=read_choice(entry["target"], f"{place}.target", TARGETS),
        seed=read_number(entry["seed"], f"{place}.seed", 0, LARGEST_SEED),
        host=read_choice(entry["host"], f"{place}.host", HOSTS),
        length_us=read_number(entry["length_us"], f"{place}.length_us", 1, LONGEST_US),
        acts=tuple(
            read_record(item, f"{place}.acts[{index}]", "act", ACTS)
            for index, item in enumerate(_bounded(entry["acts"], f"{place}.acts"))
        ),
        faults=tuple(
            read_record(item, f"{place}.faults[{index}]", "fault", FAULTS)
            for index, item in enumerate(_bounded(entry["faults"], f"{place}.faults"))
        ),
        rig=_read_rig(entry["rig"], f"{place}.rig"),
    )


def from_json(text: str, name: str) -> Schedule:
    """Return the schedule in ``text``; ``name`` is what errors call it. Raises ScheduleError."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ScheduleError(name, f"this is not JSON ({error})", "Give a file that the storm wrote.") from error
    return from_dict(value, name)


def load(path: Path) -> Schedule:
    """Return the schedule in a file. Raises ScheduleError that names file and place."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not text"
        raise ScheduleError(str(path), f"it cannot be read: {reason}", "Give a file that the storm wrote.") from error
    return from_json(text, str(path))


def _bounded(value: Any, place: str) -> list[Any]:
    rows = read_list(value, place)
    if len(rows) > MOST_RECORDS:
        raise ScheduleError(place, f"{len(rows)} of them are too many", f"Allowed: {MOST_RECORDS}.")
    return rows


def _read_rig(value: Any, place: str) -> dict[str, float]:
    entry = read_object(value, place)
    check_fields(entry, place, (), list(_RIG))
    for name, number in entry.items():
        wanted = _RIG[name]
        if isinstance(number, bool) or not isinstance(number, int if wanted is int else (int, float)):
            raise ScheduleError(f"{place}.{name}", f"{number!r} is no number for it", "Give a number.")
    try:
        PlantParameters(**entry)
    except ValueError as error:
        raise ScheduleError(place, str(error), "Give a number that a rig can have.") from error
    return entry
