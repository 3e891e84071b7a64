"""The ledger: append-only rows in SQLite, each chained to the one before by its hash. One process holds it at a time.

One connection, used by one writer thread that the ledger owns; one job is one whole transaction, shielded from the
cancellation of whoever asked for it.
"""

import asyncio
import json
import os
import sqlite3
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, TypeVar

from host import ledger_queries
from host.canonical import FIRST_PREVIOUS, canonical_json, row_hash
from host.errors import RigError
from host.ledger_errors import newer, not_a_ledger, translated

Result = TypeVar("Result")

APPLICATION_ID: Final = 0x6E616E6F  # "nano"
SCHEMA_VERSION: Final = 1
MAX_BODY_OCTETS: Final = 8192
FILE_MODE: Final = 0o600
FOLDER_MODE: Final = 0o700
SECONDS_IN_NS: Final = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Row:
    """One row as it stands in the ledger."""

    sequence: int
    fields: dict[str, Any]
    hash: str


class Ledger:
    """An open ledger. Made by ``open``; ``close`` gives the file back.

    All methods raise ``RigError`` (locked, full, read-only, corrupt, ...) and have then changed nothing.
    """

    def __init__(self, path: Path, clock_ns: Callable[[], int]) -> None:
        self.path = path
        self._clock_ns = clock_ns
        self._executor: ThreadPoolExecutor | None = ThreadPoolExecutor(1, thread_name_prefix="ledger")
        self._database: sqlite3.Connection | None = None
        self._last = (0, FIRST_PREVIOUS)  # number and hash of the newest row

    @classmethod
    async def open(cls, path: Path, *, clock_ns: Callable[[], int] = time.time_ns) -> "Ledger":
        """Open the ledger at ``path``, made when there is none; ``clock_ns`` tells UTC. Raises ``RigError``."""
        ledger = cls(path, clock_ns)
        try:
            await ledger._job(ledger._open)
        except BaseException:
            await ledger.close()
            raise
        return ledger

    async def __aenter__(self) -> "Ledger":
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def append(self, kind: str, fields: Mapping[str, Any]) -> Row:
        """Append one row of ``kind``; durable on return."""
        (row,) = await self.append_all([(kind, fields)])
        return row

    async def append_all(self, rows: Sequence[tuple[str, Mapping[str, Any]]]) -> list[Row]:
        """Append rows of (kind, fields): all of them or none; durable on return."""
        return await self._job(lambda: self._append_all(rows))

    async def read(self, query: Callable[[sqlite3.Connection], Result]) -> Result:
        """Return what ``query`` reads from the database; it must not write."""
        return await self._job(lambda: query(self._opened()))

    async def open_doses(self, rig: str, boot: str, limit: int) -> list[tuple[dict[str, Any], bool]]:
        """Return the intents of the rig or the boot without an outcome (False) or with an unresolved unknown (True).

        Oldest first, the newest ``limit`` of them.
        """
        return await self.read(lambda database: ledger_queries.open_doses(database, rig, boot, limit))

    async def head(self) -> tuple[int, str]:
        """Return the number of rows and the hash of the last one."""
        return await self._job(lambda: self._last)

    async def rows(self, limit: int) -> list[Row]:
        """Return the last ``limit`` rows, oldest first."""
        return await self._job(lambda: self._rows(limit))

    async def close(self) -> None:
        """Finish what is under way and give the file back; idempotent."""
        executor, self._executor = self._executor, None
        if executor is None:
            return
        loop = asyncio.get_running_loop()
        try:
            # The last job of the one thread: everything before it is through.
            await asyncio.shield(loop.run_in_executor(executor, self._close))
        finally:
            executor.shutdown(wait=False)

    async def _job(self, work: Callable[[], Result]) -> Result:
        if self._executor is None:
            raise RigError("ledger_closed", f"The ledger {self.path} is closed.", "Open it again.")
        # Shielded: whoever waits may go away, the transaction is finished all the same.
        return await asyncio.shield(
            asyncio.get_running_loop().run_in_executor(self._executor, lambda: self._translated(work))
        )

    def _translated(self, work: Callable[[], Result]) -> Result:
        try:
            return work()
        except (sqlite3.Error, OSError) as error:
            raise translated(error, self.path) from error

    def _open(self) -> None:
        self._make_file()
        # Autocommit: transactions are begun and ended in plain sight. No wait for a lock: who holds it, keeps it.
        database = sqlite3.connect(self.path, timeout=0, isolation_level=None, check_same_thread=False)
        try:
            # Exclusive before WAL: no shared memory file, and the lock stays until the end.
            database.execute("PRAGMA locking_mode=EXCLUSIVE")
            self._check_identity(database)
            database.execute("PRAGMA journal_mode=WAL")
            database.execute("PRAGMA synchronous=FULL")
            database.execute("PRAGMA recursive_triggers=ON")
            self._transaction(database, lambda: self._make_schema(database))
            self._last = self._read_last(database)
        except BaseException:
            database.close()
            raise
        self._database = database

    def _make_file(self) -> None:
        self.path.parent.mkdir(mode=FOLDER_MODE, parents=True, exist_ok=True)
        with suppress(FileExistsError):
            os.close(os.open(self.path, os.O_CREAT | os.O_EXCL | os.O_RDWR, FILE_MODE))

    def _check_identity(self, database: sqlite3.Connection) -> None:
        tables = database.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
        identity = database.execute("PRAGMA application_id").fetchone()[0]
        version = database.execute("PRAGMA user_version").fetchone()[0]
        if tables == 0 and identity == 0 and version == 0:
            return
        if identity != APPLICATION_ID:
            raise not_a_ledger(self.path)
        if version > SCHEMA_VERSION:
            raise newer(self.path, version, SCHEMA_VERSION)

    def _make_schema(self, database: sqlite3.Connection) -> None:
        if database.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]:
            return
        for statement in _statements((Path(__file__).parent / "ledger_schema.sql").read_text(encoding="ascii")):
            database.execute(statement)
        database.execute(f"PRAGMA application_id={APPLICATION_ID}")
        database.execute(f"PRAGMA user_version={SCHEMA_VERSION}")
        # A chain of its own from the first row on: no two ledgers share a hash.
        self._insert(database, "note", {"text": "ledger opened", "ledger": os.urandom(16).hex()}, (0, FIRST_PREVIOUS))

    def _read_last(self, database: sqlite3.Connection) -> tuple[int, str]:
        found = database.execute(
            "SELECT sequence, body, previous, hash FROM entry ORDER BY sequence DESC LIMIT 1"
        ).fetchone()
        if found is None or row_hash(found[0], found[2], found[1]) != found[3]:
            raise RigError(
                "ledger_corrupt",
                f"The last row of the ledger {self.path} does not fit its hash.",
                "Keep the file, do not edit it; see what is wrong with: rig ledger verify",
            )
        return found[0], found[3]

    def _append_all(self, rows: Sequence[tuple[str, Mapping[str, Any]]]) -> list[Row]:
        database = self._opened()
        written = self._transaction(database, lambda: self._insert_all(database, rows))
        if written:
            self._last = (written[-1].sequence, written[-1].hash)
        return written

    def _insert_all(self, database: sqlite3.Connection, rows: Sequence[tuple[str, Mapping[str, Any]]]) -> list[Row]:
        written, last = [], self._last
        for kind, fields in rows:
            row = self._insert(database, kind, fields, last)
            last = (row.sequence, row.hash)
            written.append(row)
        return written

    def _insert(self, database: sqlite3.Connection, kind: str, fields: Mapping[str, Any], last: tuple[int, str]) -> Row:
        assert not {"kind", "utc", "utc_source"} & fields.keys()
        whole = {**fields, "kind": kind, "utc": self._utc(), "utc_source": "host clock"}
        body = canonical_json(whole)
        assert len(body) <= MAX_BODY_OCTETS, "a row is bounded"
        sequence, previous = last[0] + 1, last[1]
        digest = row_hash(sequence, previous, body)
        database.execute(
            "INSERT INTO entry (sequence, body, previous, hash) VALUES (?, ?, ?, ?)", (sequence, body, previous, digest)
        )
        return Row(sequence, whole, digest)

    def _rows(self, limit: int) -> list[Row]:
        found = self._opened().execute(
            "SELECT sequence, body, hash FROM entry ORDER BY sequence DESC LIMIT ?", (limit,)
        )
        return [Row(sequence, json.loads(body), digest) for sequence, body, digest in reversed(found.fetchall())]

    def _transaction(self, database: sqlite3.Connection, work: Callable[[], Result]) -> Result:
        database.execute("BEGIN IMMEDIATE")
        try:
            result = work()
            database.execute("COMMIT")
        except BaseException:
            if database.in_transaction:
                database.execute("ROLLBACK")
            raise
        return result

    def _opened(self) -> sqlite3.Connection:
        assert self._database is not None
        return self._database

    def _close(self) -> None:
        database, self._database = self._database, None
        if database is not None:
            with suppress(sqlite3.Error):  # a full disk: what was committed stays in the write-ahead log
                database.close()

    def _utc(self) -> str:
        seconds, rest_ns = divmod(self._clock_ns(), SECONDS_IN_NS)
        moment = datetime.fromtimestamp(seconds, UTC)
        return f"{moment:%Y-%m-%dT%H:%M:%S}.{rest_ns // 1000:06d}Z"


def _statements(script: str) -> list[str]:
    """Split a script into whole statements, so that each runs inside the one transaction."""
    statements, part = [], ""
    for line in script.splitlines(keepends=True):
        part += line
        if sqlite3.complete_statement(part):
            statements.append(part)
            part = ""
    return statements
