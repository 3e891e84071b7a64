"""The ledger: append-only rows in SQLite, each chained to the one before by its hash. One process holds it at a time.

One connection, used by one writer thread that the ledger owns; one job is one whole transaction, shielded from the
cancellation of whoever asked for it.
"""

import asyncio
import json
import sqlite3
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from host import ledger_queries
from host.errors import RigError
from host.ledger_errors import translated
from host.ledger_opening import insert, open_database, transaction
from host.ledger_row import End, Row

if TYPE_CHECKING:
    from host.hand_over import HandOverLimits, HandOvers, WitnessReport
    from host.witness import Witness

Result = TypeVar("Result")


class Ledger:
    """An open ledger. Made by ``open``; ``close`` gives the file back.

    All methods raise ``RigError`` (locked, full, read-only, corrupt, ...) and have then changed nothing.
    """

    def __init__(self, path: Path, clock_ns: Callable[[], int]) -> None:
        self.path = path
        self._clock_ns = clock_ns
        self._executor: ThreadPoolExecutor | None = ThreadPoolExecutor(1, thread_name_prefix="ledger")
        self._database: sqlite3.Connection | None = None
        self._end = End()
        self._hand_overs: HandOvers | None = None

    @classmethod
    async def open(
        cls,
        path: Path,
        *,
        clock_ns: Callable[[], int] = time.time_ns,
        witnesses: "Sequence[Witness]" = (),
        limits: "HandOverLimits | None" = None,
    ) -> "Ledger":
        """Open the ledger at ``path``, made when there is none, migrated when it is of an older format.

        ``clock_ns`` tells UTC. Each of ``witnesses`` is handed signed heads, within ``limits``. Raises ``RigError``.
        """
        ledger = cls(path, clock_ns)
        try:
            await ledger._job(lambda: ledger._open(witnesses, limits))
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
        return await self._job(lambda: (self._end.rows, self._end.hash))

    async def rows(self, limit: int) -> list[Row]:
        """Return the last ``limit`` rows, oldest first."""
        return await self._job(lambda: self._rows(limit))

    async def commands(self, limit: int) -> list[Row]:
        """Return the last ``limit`` rows of commands and their ends, oldest first."""
        return await self.read(lambda database: ledger_queries.commands(database, limit))

    async def outcome_of(self, dose_id: str) -> dict[str, Any] | None:
        """Return the last word on a dose, its resolution or else its outcome; None when there is none."""
        return await self.read(lambda database: ledger_queries.outcome_of(database, dose_id))

    def witnessed(self) -> "list[WitnessReport]":
        """Return how far each witness is; returns at once."""
        return self._hand_overs.report() if self._hand_overs is not None else []

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

    def _open(self, witnesses: "Sequence[Witness]", limits: "HandOverLimits | None") -> None:
        opened = open_database(self.path, self._clock_ns)
        self._database, self._end = opened.database, opened.end
        if witnesses:
            from host.hand_over import HandOverLimits, HandOvers  # noqa: PLC0415  only with witnesses
            from host.witness import compare  # noqa: PLC0415

            compare(opened.database, opened.ledger, self.path, witnesses)
            self._hand_overs = HandOvers(opened.ledger, opened.key.private, witnesses, limits or HandOverLimits())
            self._hand_overs.tell(self._end)

    def _append_all(self, rows: Sequence[tuple[str, Mapping[str, Any]]]) -> list[Row]:
        database = self._opened()
        written, end = transaction(database, lambda: self._insert_all(database, rows))
        self._end = end
        if self._hand_overs is not None and written:
            self._hand_overs.tell(end)
        return written

    def _insert_all(
        self, database: sqlite3.Connection, rows: Sequence[tuple[str, Mapping[str, Any]]]
    ) -> tuple[list[Row], End]:
        written, end = [], self._end
        for kind, fields in rows:
            row, end = insert(database, kind, fields, end, self._clock_ns())
            written.append(row)
        return written, end

    def _rows(self, limit: int) -> list[Row]:
        found = self._opened().execute(
            "SELECT sequence, body, hash FROM entry ORDER BY sequence DESC LIMIT ?", (limit,)
        )
        return [Row(sequence, json.loads(body), digest) for sequence, body, digest in reversed(found.fetchall())]

    def _opened(self) -> sqlite3.Connection:
        assert self._database is not None
        return self._database

    def _close(self) -> None:
        database, self._database = self._database, None
        if database is not None:
            with suppress(sqlite3.Error):  # a full disk: what was committed stays in the write-ahead log
                database.close()
        if self._hand_overs is not None:
            self._hand_overs.close()
