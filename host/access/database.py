"""The file of identities: SQLite with one writer thread and one reader thread; other processes may use it meanwhile.

What authenticates a stop only reads, and never waits for what is being written.
"""

import asyncio
import sqlite3
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Final, TypeVar

from host.access import store_errors
from host.access.store_file import MIGRATIONS, opened, opened_to_read, transaction
from host.errors import RigError

Result = TypeVar("Result")
Work = Callable[[sqlite3.Connection], Result]

MAX_WAITING: Final = 256


class Database:
    """An open file of identities. Made by ``open``; all methods raise ``RigError`` and have then changed nothing."""

    def __init__(self, path: Path, migrations: Sequence[Path]) -> None:
        self.path = path
        self._migrations = migrations
        self._writer = _Thread("access-writer", path)
        self._reader = _Thread("access-reader", path)

    @classmethod
    async def open(cls, path: Path, *, create: bool, migrations: Sequence[Path] = MIGRATIONS) -> "Database":
        """Open the file at ``path``; with ``create`` it is made when there is none. Raises ``RigError``."""
        database = cls(path, migrations)
        try:
            await database._writer.start(lambda: opened(path, migrations, create=create))
            await database._reader.start(lambda: opened_to_read(path))
        except BaseException:
            await database.close()
            raise
        return database

    async def write(self, work: Work[Result]) -> Result:
        """Do one whole transaction; durable on return, and not cut by the cancellation of the caller."""
        return await self._writer.do(lambda connection: transaction(connection, lambda: work(connection)))

    async def read(self, work: Work[Result], *, urgent: bool = False) -> Result:
        """Read from one state of the file, the newest of any process; ``urgent`` is never refused as one too many."""
        return await self._reader.do(lambda connection: _snapshot(connection, work), urgent=urgent)

    async def close(self) -> None:
        """Finish what is under way and give the file back; idempotent."""
        await self._reader.close()
        await self._writer.close()


class _Thread:
    """One thread with one connection, and a bounded number of jobs before it."""

    def __init__(self, name: str, path: Path) -> None:
        self._path = path
        self._executor: ThreadPoolExecutor | None = ThreadPoolExecutor(1, thread_name_prefix=name)
        self._connection: sqlite3.Connection | None = None
        self._waiting = 0

    async def start(self, connect: Callable[[], sqlite3.Connection]) -> None:
        """Connect, in the thread."""

        def work() -> None:
            self._connection = connect()

        await self._job(work)

    async def do(self, work: Work[Result], *, urgent: bool = False) -> Result:
        """Do a job with the connection. Raises ``RigError``, also when too many wait and it is not urgent."""

        def job() -> Result:
            assert self._connection is not None
            return work(self._connection)

        return await self._job(job, urgent=urgent)

    async def close(self) -> None:
        """Finish all jobs, close the connection, end the thread."""
        executor, self._executor = self._executor, None
        if executor is None:
            return
        try:
            await asyncio.shield(asyncio.get_running_loop().run_in_executor(executor, self._disconnect))
        finally:
            executor.shutdown(wait=False)

    async def _job(self, work: Callable[[], Result], *, urgent: bool = False) -> Result:
        if self._executor is None:
            raise RigError("access_store_closed", f"The store {self._path} is closed.", "Open it again.")
        if self._waiting >= MAX_WAITING and not urgent:
            raise RigError("access_busy", "Too many requests wait for the store of identities.", "Try again.")
        self._waiting += 1
        future = asyncio.get_running_loop().run_in_executor(self._executor, lambda: self._translated(work))
        future.add_done_callback(self._done)
        return await asyncio.shield(future)

    def _done(self, future: "asyncio.Future[Result]") -> None:
        self._waiting -= 1
        if not future.cancelled():
            future.exception()  # looked at, also when whoever asked has gone away

    def _translated(self, work: Callable[[], Result]) -> Result:
        try:
            return work()
        except (sqlite3.Error, OSError) as error:
            raise store_errors.translated(error, self._path) from error

    def _disconnect(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            with suppress(sqlite3.Error):  # a full disk: what was committed stays in the write-ahead log
                connection.close()


def _snapshot(connection: sqlite3.Connection, work: Work[Result]) -> Result:
    connection.execute("BEGIN")
    try:
        return work(connection)
    finally:
        connection.execute("ROLLBACK")
