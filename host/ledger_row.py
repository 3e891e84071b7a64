"""What one row of the ledger is: its fields, its time, its text and its place in the chain. No file, no clock."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from host.canonical import FIRST_PREVIOUS, canonical_json, row_hash

MAX_BODY_OCTETS: Final = 8192
SECONDS_IN_NS: Final = 1_000_000_000
# Where a row's time is from. A clock that was set back is told: times of rows do not fall without a word.
HOST_CLOCK: Final = "host clock"
SET_BACK: Final = "host clock, set back"


@dataclass(frozen=True, slots=True)
class Row:
    """One row as it stands in the ledger."""

    sequence: int
    fields: dict[str, Any]
    hash: str


@dataclass(frozen=True, slots=True)
class End:
    """The end of a ledger: the number of rows, the hash of the last one and its time (empty before the first)."""

    rows: int = 0
    hash: str = FIRST_PREVIOUS
    utc: str = ""


def next_row(kind: str, fields: Mapping[str, Any], end: End, now_ns: int) -> tuple[Row, str]:
    """Return the row after ``end``, and its body. Raises ``TypeError`` for a value that has no canonical text."""
    assert not {"kind", "utc", "utc_source"} & fields.keys()
    utc = utc_text(now_ns)
    whole = {**fields, "kind": kind, "utc": utc, "utc_source": SET_BACK if utc < end.utc else HOST_CLOCK}
    body = canonical_json(whole)
    assert len(body) <= MAX_BODY_OCTETS, "a row is bounded"
    sequence = end.rows + 1
    return Row(sequence, whole, row_hash(sequence, end.hash, body)), body


def utc_text(now_ns: int) -> str:
    """Return a time in ns since 1970 as ISO 8601 with microseconds; such texts sort as the times do."""
    seconds, rest_ns = divmod(now_ns, SECONDS_IN_NS)
    moment = datetime.fromtimestamp(seconds, UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{rest_ns // 1000:06d}Z"
