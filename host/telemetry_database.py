"""The database of telemetry: rows in, old rows folded into fewer, rows out. Not chained, not a ledger."""

import sqlite3
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, fields
from itertools import chain
from pathlib import Path
from typing import Any, Final

from host.errors import RigError
from host.ledger_copy import FILE_MODE
from host.telemetry_stretch import MEASURES, RAW_MS, Stretch, folded, merged

APPLICATION_ID: Final = 0x6E616E74  # "nant"
SCHEMA_VERSION: Final = 1
SECOND_MS: Final = 1_000
MINUTE_MS: Final = 60_000
HOUR_MS: Final = 3_600_000
DAY_MS: Final = 24 * HOUR_MS
# Rows folded in one transaction: the next samples do not wait long for it.
FOLD_ROWS: Final = 5_000
PAGE_OCTETS: Final = 4_096

_PLAIN: Final = [each.name for each in fields(Stretch) if each.name not in {"least", "sums", "most"}]
_COLUMNS: Final = [*_PLAIN, *chain.from_iterable((f"{name}_min", f"{name}_sum", f"{name}_max") for name in MEASURES)]
_SELECT: Final = f"SELECT {', '.join(_COLUMNS)} FROM stretch"  # noqa: S608  names of this file only
_PUT: Final = f"INSERT OR REPLACE INTO stretch ({', '.join(_COLUMNS)}) VALUES ({', '.join('?' * len(_COLUMNS))})"  # noqa: S608


@dataclass(frozen=True, slots=True)
class Retention:
    """How long samples stay raw, then as stretches of 1 s, then of 1 min; and the most that the file may take."""

    raw_ms: int = 6 * HOUR_MS
    second_ms: int = 7 * DAY_MS
    minute_ms: int = 366 * DAY_MS
    max_octets: int = 4 << 30


def open_telemetry(path: Path, retention: Retention) -> sqlite3.Connection:
    """Open the database, made when there is none. Raises ``sqlite3.Error``, ``OSError``."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch(mode=FILE_MODE, exist_ok=True)
    database = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    try:
        _settle(database, retention)
    except BaseException:
        database.close()
        raise
    return database


def _settle(database: sqlite3.Connection, retention: Retention) -> None:
    new = _is_new(database)
    database.execute("PRAGMA journal_mode=WAL")
    # The last seconds may be lost with the power; the ledger is what must not be.
    database.execute("PRAGMA synchronous=NORMAL")
    database.execute(f"PRAGMA max_page_count={max(1, retention.max_octets // PAGE_OCTETS)}")
    if new:
        script = (Path(__file__).parent / "telemetry_schema.sql").read_text(encoding="ascii")
        mark = f"PRAGMA application_id={APPLICATION_ID}; PRAGMA user_version={SCHEMA_VERSION};"
        database.executescript(f"BEGIN; {script} {mark} COMMIT;")


def _is_new(database: sqlite3.Connection) -> bool:
    """Return whether the file is empty. Raises ``RigError`` for one of another kind, which stays as it is."""
    identity = database.execute("PRAGMA application_id").fetchone()[0]
    version = database.execute("PRAGMA user_version").fetchone()[0]
    tables = database.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
    if (identity, version) == (APPLICATION_ID, SCHEMA_VERSION):
        return False
    if identity or version or tables:
        raise RigError(
            "telemetry_failed",
            f"The file holds no telemetry of format {SCHEMA_VERSION}; it was left as it is.",
            "Name another file for telemetry.",
        )
    return True


def store(database: sqlite3.Connection, samples: Iterable[Stretch]) -> None:
    """Store raw samples in one transaction. Raises ``sqlite3.Error``."""
    with _Transaction(database):
        _put(database, folded(samples, RAW_MS))


def fold_old(database: sqlite3.Connection, retention: Retention, now_ms: int) -> int:
    """Fold, and at last remove, what is older than its time; returns rows taken away, ``FOLD_ROWS`` a step at most.

    A row is in exactly one stretch at any time: each step is one transaction. Raises ``sqlite3.Error``.
    """
    second = _fold(database, RAW_MS, SECOND_MS, now_ms - retention.raw_ms)
    minute = _fold(database, SECOND_MS, MINUTE_MS, now_ms - retention.second_ms)
    with _Transaction(database):
        removed = database.execute(
            "DELETE FROM stretch WHERE (rig, width_ms, start_ms) IN (SELECT rig, width_ms, start_ms FROM stretch"
            " WHERE width_ms = ? AND start_ms < ? LIMIT ?)",
            (MINUTE_MS, now_ms - retention.minute_ms, FOLD_ROWS),
        ).rowcount
    return second + minute + removed


def read(database: sqlite3.Connection, rig: str, from_ms: int, to_ms: int) -> Iterator[Stretch]:
    """Yield the stretches of a rig that begin in [from, to), each as fine as it is kept. Raises ``sqlite3.Error``."""
    # One range of the primary key for each width: no row of another rig or time is looked at.
    for width_ms in (MINUTE_MS, SECOND_MS, RAW_MS):
        found = database.execute(
            f"{_SELECT} WHERE rig = ? AND width_ms = ? AND start_ms >= ? AND start_ms < ?",
            (rig, width_ms, from_ms, to_ms),
        )
        yield from map(_stretch, found)


def rigs(database: sqlite3.Connection) -> list[str]:
    """Return the names of all rigs that are in it. Raises ``sqlite3.Error``."""
    return [name for (name,) in database.execute("SELECT DISTINCT rig FROM stretch ORDER BY rig")]


def _fold(database: sqlite3.Connection, width_ms: int, into_ms: int, before_ms: int) -> int:
    with _Transaction(database):
        # Whole stretches only, so that the fine and the coarse part of a query meet at a border.
        border_ms = before_ms // into_ms * into_ms
        old = [
            _stretch(row)
            for row in database.execute(
                f"{_SELECT} WHERE width_ms = ? AND start_ms < ? ORDER BY start_ms LIMIT ?",
                (width_ms, border_ms, FOLD_ROWS),
            )
        ]
        _put(database, folded(old, into_ms))
        keys = [(each.rig, each.width_ms, each.start_ms) for each in old]
        database.executemany("DELETE FROM stretch WHERE rig = ? AND width_ms = ? AND start_ms = ?", keys)
    return len(old)


def _put(database: sqlite3.Connection, stretches: Iterable[Stretch]) -> None:
    for each in stretches:
        found = database.execute(
            f"{_SELECT} WHERE rig = ? AND width_ms = ? AND start_ms = ?", (each.rig, each.width_ms, each.start_ms)
        ).fetchone()
        database.execute(_PUT, _row(each if found is None else merged(_stretch(found), each)))


def _row(stretch: Stretch) -> list[Any]:
    plain = [getattr(stretch, name) for name in _PLAIN]
    return [*plain, *chain.from_iterable(zip(stretch.least, stretch.sums, stretch.most, strict=True))]


def _stretch(row: tuple[Any, ...]) -> Stretch:
    plain, measures = row[: len(_PLAIN)], row[len(_PLAIN) :]
    return Stretch(
        **dict(zip(_PLAIN, plain, strict=True)), least=measures[0::3], sums=measures[1::3], most=measures[2::3]
    )


class _Transaction:
    """All of a block, or nothing of it."""

    def __init__(self, database: sqlite3.Connection) -> None:
        self._database = database

    def __enter__(self) -> None:
        self._database.execute("BEGIN IMMEDIATE")

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is None:
            self._database.execute("COMMIT")
        elif self._database.in_transaction:
            self._database.execute("ROLLBACK")
