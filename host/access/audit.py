"""Who changed what: rows that are only appended, each chained to the one before. Never a secret."""

import json
import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Final

from host.access.records import DamagedRowError, check_time
from host.canonical import FIRST_PREVIOUS, canonical_json

FORMAT: Final = "nanorig access 1"
MAX_BODY_OCTETS: Final = 8192


@dataclass(frozen=True, slots=True)
class Change:
    """One change: when (UTC, ms), by whom, what, to whom or what."""

    sequence: int
    utc_ms: int
    operator: str
    act: str
    subject: str
    detail: dict[str, Any]


def record(
    connection: sqlite3.Connection,
    utc_ms: int,
    operator: str,
    act: str,
    subject: str,
    detail: Mapping[str, Any] | None = None,
) -> None:
    """Append a change, inside the transaction that makes it."""
    body = canonical_json(
        {"utc_ms": utc_ms, "operator": operator, "act": act, "subject": subject, "detail": dict(detail or {})}
    )
    assert len(body) <= MAX_BODY_OCTETS, "a row is bounded"
    sequence, previous = last(connection)
    connection.execute(
        "INSERT INTO audit (sequence, body, previous, hash) VALUES (?, ?, ?, ?)",
        (sequence + 1, body, previous, chained(sequence + 1, previous, body)),
    )


def last(connection: sqlite3.Connection) -> tuple[int, str]:
    """Return number and hash of the newest row."""
    found = connection.execute("SELECT sequence, hash FROM audit ORDER BY sequence DESC LIMIT 1").fetchone()
    return (found[0], found[1]) if found else (0, FIRST_PREVIOUS)


def newest(connection: sqlite3.Connection, limit: int) -> list[Change]:
    """Return the newest changes, oldest first. Raises ``DamagedRowError``."""
    found = connection.execute("SELECT sequence, body FROM audit ORDER BY sequence DESC LIMIT ?", (limit,)).fetchall()
    return [_change(sequence, body) for sequence, body in reversed(found)]


def first_wrong(connection: sqlite3.Connection) -> int | None:
    """Return the number of the first row that was changed, removed or moved; None when the chain is whole.

    Rows cut off at the end, with nothing after them, are not seen.
    """
    previous = FIRST_PREVIOUS
    rows = connection.execute("SELECT sequence, body, previous, hash FROM audit ORDER BY sequence")
    for expected, (sequence, body, named, digest) in enumerate(rows, start=1):
        if sequence != expected or named != previous or chained(sequence, previous, body) != digest:
            return expected
        previous = digest
    return None


def chained(sequence: int, previous: str, body: str) -> str:
    """Return the hash that chains a row to the one before it."""
    return sha256(f"{FORMAT}\n{sequence}\n{previous}\n{body}".encode()).hexdigest()


def _change(sequence: int, body: str) -> Change:
    try:
        change = Change(sequence=sequence, **json.loads(body))
    except (TypeError, ValueError):
        raise DamagedRowError(f"row {sequence} of the audit cannot be read") from None
    check_time(f"row {sequence} of the audit", change.utc_ms)
    return change
