"""Opens a ledger's file: takes hold of it, and makes, migrates or re-keys it before anything else is done with it."""

import errno
import json
import os
import sqlite3
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar

from host.canonical import row_hash
from host.errors import RigError
from host.ledger_copy import FILE_MODE
from host.ledger_row import End, Row, next_row
from host.ledger_schema import EMPTY, SCHEMA_VERSION, back_up_before, found_version, migrate

if TYPE_CHECKING:
    from host.ledger_key import LedgerKey

Result = TypeVar("Result")

FOLDER_MODE: Final = 0o700


@dataclass(frozen=True, slots=True)
class Opened:
    """A ledger's file that this process holds: the connection, the end of the rows, the ledger's id and its key."""

    database: sqlite3.Connection
    end: End
    ledger: str
    key: "LedgerKey"


def open_database(path: Path, clock_ns: Callable[[], int]) -> Opened:
    """Open the file at ``path`` exclusively, in the present format.

    Raises ``RigError``, ``sqlite3.Error``, ``OSError``.
    """
    _make_file(path)
    # Autocommit: transactions are begun and ended in plain sight. No wait for a lock: who holds it, keeps it.
    database = sqlite3.connect(path, timeout=0, isolation_level=None, check_same_thread=False)
    try:
        # Exclusive before WAL: no shared memory file, and the lock stays until the end.
        database.execute("PRAGMA locking_mode=EXCLUSIVE")
        version = found_version(database, path)
        database.execute("PRAGMA journal_mode=WAL")
        database.execute("PRAGMA synchronous=FULL")
        database.execute("PRAGMA recursive_triggers=ON")
        return _prepared(database, path, version, clock_ns)
    except BaseException:
        database.close()
        raise


def transaction(database: sqlite3.Connection, work: Callable[[], Result]) -> Result:
    """Do the work in one transaction: all of it is durable on return, or nothing of it happened."""
    database.execute("BEGIN IMMEDIATE")
    try:
        result = work()
        database.execute("COMMIT")
    except BaseException:
        if database.in_transaction:
            database.execute("ROLLBACK")
        raise
    return result


def insert(
    database: sqlite3.Connection, kind: str, fields: Mapping[str, Any], end: End, now_ns: int
) -> tuple[Row, End]:
    """Add a row after ``end``, inside the caller's transaction; returns it and the new end."""
    row, body = next_row(kind, fields, end, now_ns)
    database.execute(
        "INSERT INTO entry (sequence, body, previous, hash) VALUES (?, ?, ?, ?)",
        (row.sequence, body, end.hash, row.hash),
    )
    return row, End(row.sequence, row.hash, row.fields["utc"])


def _make_file(path: Path) -> None:
    path.parent.mkdir(mode=FOLDER_MODE, parents=True, exist_ok=True)
    try:
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, FILE_MODE))
    except FileExistsError:
        # Asked, not tried: to close a second descriptor of the file would end the locks of whoever has it open here.
        if os.statvfs(path).f_flag & os.ST_RDONLY:
            raise OSError(errno.EROFS, os.strerror(errno.EROFS), str(path)) from None
        if not os.access(path, os.R_OK | os.W_OK):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path)) from None


def _prepared(database: sqlite3.Connection, path: Path, version: int, clock_ns: Callable[[], int]) -> Opened:
    from host.ledger_key import load_or_make  # noqa: PLC0415  cryptography; only whoever opens a ledger needs it

    end = End() if version == EMPTY else _read_end(database, path)
    if EMPTY < version < SCHEMA_VERSION:
        back_up_before(database, path, version)
    key = load_or_make(path)
    end = _bring_up_to_date(database, version, end, key.public_hex, clock_ns())
    first = database.execute("SELECT body FROM entry WHERE sequence = 1").fetchone()
    return Opened(database, end, _text_field(first[0] if first else "", "ledger", path, "first"), key)


def _bring_up_to_date(database: sqlite3.Connection, version: int, end: End, public_key: str, now_ns: int) -> End:
    """Make, migrate or re-key the ledger: one transaction, and one note row that says so."""

    def work() -> End:
        if version < SCHEMA_VERSION:
            migrate(database, version)
        return insert(database, "note", {**_opening_note(version), "head_key": public_key}, end, now_ns)[1]

    if version == SCHEMA_VERSION and _newest_key(database) == public_key:
        return end
    return transaction(database, work)


def _read_end(database: sqlite3.Connection, path: Path) -> End:
    found = database.execute(
        "SELECT sequence, body, previous, hash FROM entry ORDER BY sequence DESC LIMIT 1"
    ).fetchone()
    if found is None or row_hash(found[0], found[2], found[1]) != found[3]:
        raise _corrupt(path, "The last row of the ledger {path} does not fit its hash.")
    return End(found[0], found[3], _text_field(found[1], "utc", path, "last"))


def _text_field(body: str, name: str, path: Path, which: str) -> str:
    try:
        found = json.loads(body)[name]
    except (ValueError, TypeError, KeyError):
        found = None
    if not isinstance(found, str):
        raise _corrupt(path, f"The {which} row of the ledger {{path}} has no {name}.")
    return found


def _corrupt(path: Path, what: str) -> RigError:
    todo = "Keep the file, do not edit it; see what is wrong with: rig ledger verify"
    return RigError("ledger_corrupt", what.format(path=path), todo)


def _newest_key(database: sqlite3.Connection) -> str:
    found = database.execute(
        "SELECT head_key FROM entry WHERE head_key IS NOT NULL ORDER BY sequence DESC LIMIT 1"
    ).fetchone()
    return str(found[0]) if found is not None else ""


def _opening_note(version: int) -> dict[str, Any]:
    """Return what the first row says of a new ledger, or the row that tells of a migration or of a new key."""
    if version == EMPTY:
        # A chain of its own from the first row on: no two ledgers share a hash.
        return {"text": "ledger opened", "ledger": os.urandom(16).hex(), "format": SCHEMA_VERSION}
    if version < SCHEMA_VERSION:
        text = f"ledger migrated from format {version} to {SCHEMA_VERSION}"
        return {"text": text, "format": SCHEMA_VERSION}
    return {"text": "the key that signs heads is a new one: the old one was not found or could not be read"}
