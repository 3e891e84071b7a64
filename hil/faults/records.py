"""Records that stand in files: frozen dataclasses whose fields know what they may hold, written to JSON and read back.

The schema is closed: an unknown kind or field, a missing one, another type or a number out of bounds is an error that
says where it stands, what is wrong and what to do.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any, ClassVar, TypeVar

from host.errors import UsageError

RecordT = TypeVar("RecordT", bound="Record")

LONGEST_US = 600_000_000
"""No schedule is longer than ten minutes."""


class ScheduleError(UsageError):
    """A schedule that makes no sense: ``place`` in it, what is wrong there, what to do."""

    def __init__(self, place: str, wrong: str, todo: str) -> None:
        super().__init__(f"{place}: {wrong}", todo)
        self.place = place


def number(low: int, high: int, simplest: int | None = None) -> Any:
    """Declare a whole number from ``low`` to ``high``; ``simplest`` is what a shrunk schedule would rather hold."""
    return field(metadata={"low": low, "high": high, "simplest": low if simplest is None else simplest})


def choice(*names: str) -> Any:
    """Declare one of some names, the simplest first."""
    return field(metadata={"names": names})


@dataclass(frozen=True)
class Record:
    """Something that begins ``at_us`` microseconds after power-on of the bench."""

    KIND: ClassVar[str] = ""

    at_us: int = number(0, LONGEST_US)

    def __init_subclass__(cls, **options: Any) -> None:
        """Name the kind after the class."""
        super().__init_subclass__(**options)
        cls.KIND = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", cls.__name__).lower()

    def as_dict(self, key: str) -> dict[str, Any]:
        """Return plain values for JSON; ``key`` is what the kind stands under."""
        return {key: self.KIND, **{item.name: getattr(self, item.name) for item in fields(self)}}


def kinds_of(base: type[RecordT]) -> dict[str, type[RecordT]]:
    """Return every kind below ``base`` that has no kind below itself, by name."""
    found: dict[str, type[RecordT]] = {}
    for kind in base.__subclasses__():
        below = kinds_of(kind)
        found.update(below or {kind.KIND: kind})
    return found


def read_record(value: Any, place: str, key: str, kinds: Mapping[str, type[RecordT]]) -> RecordT:
    """Return the record in ``value``. Raises ScheduleError."""
    entry = read_object(value, place)
    name = entry.get(key)
    if name is None:
        raise ScheduleError(place, f'the field "{key}" is missing', f"Name one of: {', '.join(sorted(kinds))}.")
    if not isinstance(name, str) or name not in kinds:
        raise ScheduleError(
            f"{place}.{key}", f"there is no {key} {name!r}", f"Name one of: {', '.join(sorted(kinds))}."
        )
    kind = kinds[name]
    declared = {item.name: item.metadata for item in fields(kind)}
    check_fields(entry, place, required=[key, *declared])
    return kind(**{name: _checked(entry[name], f"{place}.{name}", what) for name, what in declared.items()})


def read_object(value: Any, place: str) -> dict[str, Any]:
    """Return ``value`` if it is a JSON object. Raises ScheduleError."""
    if not isinstance(value, dict):
        raise ScheduleError(place, f"an object is wanted, not {_named(value)}", "Write { ... } there.")
    return value


def read_list(value: Any, place: str) -> list[Any]:
    """Return ``value`` if it is a JSON list. Raises ScheduleError."""
    if not isinstance(value, list):
        raise ScheduleError(place, f"a list is wanted, not {_named(value)}", "Write [ ... ] there.")
    return value


def check_fields(entry: Mapping[str, Any], place: str, required: Sequence[str], optional: Sequence[str] = ()) -> None:
    """Raise ScheduleError when a field is missing or unknown."""
    known = ", ".join([*required, *optional])
    for name in entry:
        if name not in required and name not in optional:
            raise ScheduleError(place, f'the field "{name}" is unknown', f"Fields here: {known}.")
    for name in required:
        if name not in entry:
            raise ScheduleError(place, f'the field "{name}" is missing', f"Fields here: {known}.")


def read_number(value: Any, place: str, low: int, high: int) -> int:
    """Return ``value`` if it is a whole number within its bounds. Raises ScheduleError."""
    if isinstance(value, bool) or not isinstance(value, int):
        raise ScheduleError(place, f"a whole number is wanted, not {_named(value)}", f"Allowed: {low} to {high}.")
    if not low <= value <= high:
        raise ScheduleError(place, f"{value} is out of bounds", f"Allowed: {low} to {high}.")
    return value


def read_choice(value: Any, place: str, names: Sequence[str]) -> str:
    """Return ``value`` if it is one of ``names``. Raises ScheduleError."""
    if value not in names:
        raise ScheduleError(place, f"{_named(value)} is not one of the names", f"Names: {', '.join(names)}.")
    return str(value)


def _checked(value: Any, place: str, declared: Mapping[str, Any]) -> Any:
    if "names" in declared:
        return read_choice(value, place, declared["names"])
    return read_number(value, place, declared["low"], declared["high"])


def _named(value: Any) -> str:
    if isinstance(value, dict):
        return "an object"
    if isinstance(value, list):
        return "a list"
    text = repr(value)
    return text if len(text) <= 40 else f"{text[:40]}..."
