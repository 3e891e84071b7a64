"""Keeps the telemetry of rigs for months, and never keeps anybody waiting: what it cannot keep is dropped and counted.

Nothing here is needed for a dose. A full disk or a damaged file is told in ``report`` and in the log.
"""

import asyncio
import logging
import sqlite3
import threading
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Final

from host.errors import RigError, UsageError
from host.telemetry_database import FOLD_ROWS, Retention, fold_old, open_telemetry, read, store
from host.telemetry_stretch import RAW_MS, Stretch, folded

_LOG = logging.getLogger(__name__)

MAX_QUEUED: Final = 20_000
MAX_BATCH: Final = 2_000
MAX_POINTS: Final = 20_000
BATCH_S: Final = 0.5
FOLD_S: Final = 60.0
RETRY_S: Final = 30.0
CLOSE_S: Final = 5.0
DAMAGED_SUFFIX: Final = ".damaged"
MS_IN_NS: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class TelemetryReport:
    """How the store is: samples written, waiting, and dropped, since it was opened; and what is wrong now."""

    written: int
    queued: int
    dropped: int
    error: str


class TelemetryStore:
    """A database of its own, with a writer thread of its own."""

    def __init__(
        self,
        path: Path,
        retention: Retention | None = None,
        *,
        clock_ns: Callable[[], int] = time.time_ns,
        max_queued: int = MAX_QUEUED,
        retry_s: float = RETRY_S,
    ) -> None:
        self.path = path
        self._retention = retention or Retention()
        self._clock_ns = clock_ns
        self._max_queued = max_queued
        self._retry_s = retry_s
        self._queue: deque[Stretch] = deque()
        self._changed = threading.Condition()
        self._closing = False
        self._written = self._dropped = 0
        self._error = ""
        self._database: sqlite3.Connection | None = None
        self._fold_at_s = self._retry_at_s = 0.0
        self._readers = ThreadPoolExecutor(1, thread_name_prefix="telemetry-reader")
        self._writer = threading.Thread(target=self._run, name="telemetry", daemon=True)
        self._writer.start()

    def add(self, sample: Stretch) -> None:
        """Take a sample; returns at once. When too many wait, the oldest is dropped and counted."""
        with self._changed:
            if len(self._queue) >= self._max_queued:
                self._queue.popleft()
                self._dropped += 1
            self._queue.append(sample)
            if len(self._queue) in {1, MAX_BATCH}:
                self._changed.notify_all()

    def report(self) -> TelemetryReport:
        """Return how the store is; returns at once."""
        with self._changed:
            return TelemetryReport(self._written, len(self._queue), self._dropped, self._error)

    async def query(self, rig: str, from_ms: int, to_ms: int, resolution_ms: int = RAW_MS) -> list[Stretch]:
        """Return what a rig told in [from, to), UTC in ms since 1970, in stretches of ``resolution_ms``, oldest first.

        0 asks for raw samples. Where only longer stretches are kept, these come: each tells its ``width_ms``. Raises
        ``RigError`` for more than ``MAX_POINTS``, and when the database cannot be read.
        """
        if self._closing:
            raise RigError("telemetry_failed", f"The telemetry in {self.path} is closed.", "Open it again.")
        if resolution_ms < 0 or to_ms < from_ms:
            raise UsageError("A range ends after it begins, and a resolution is 0 ms or more.", "Ask again.")
        if resolution_ms and (to_ms - from_ms) // resolution_ms > MAX_POINTS:
            raise _too_many(to_ms - from_ms)
        job = asyncio.get_running_loop().run_in_executor(self._readers, self._query, rig, from_ms, to_ms, resolution_ms)
        return await asyncio.shield(job)

    async def close(self) -> None:
        """Write what waits, for no longer than ``CLOSE_S``; idempotent."""
        with self._changed:
            self._closing = True
            self._changed.notify_all()
        await asyncio.to_thread(self._writer.join, CLOSE_S)
        self._readers.shutdown(wait=False)

    def _query(self, rig: str, from_ms: int, to_ms: int, resolution_ms: int) -> list[Stretch]:
        try:
            with closing(sqlite3.connect(f"{self.path.absolute().as_uri()}?mode=ro", uri=True)) as database:
                rows = read(database, rig, from_ms, to_ms)
                found = folded(rows if resolution_ms else islice(rows, MAX_POINTS + 1), resolution_ms)
        except (sqlite3.Error, OSError) as error:
            raise RigError(
                "telemetry_failed",
                f"The telemetry in {self.path} cannot be read: {error}. Doses and the ledger do not depend on it.",
                "Check the disk.",
            ) from error
        if len(found) > MAX_POINTS:
            raise _too_many(to_ms - from_ms)
        return found

    def _run(self) -> None:
        while (batch := self._next_batch()) is not None:
            try:
                self._write(batch)
                self._fold()
            except (sqlite3.Error, OSError, OverflowError, RigError) as error:
                self._give_up_for_now(batch, error)
        self._let_go()

    def _next_batch(self) -> list[Stretch] | None:
        """Wait for samples, and then for some more; empty when it is time to fold, None at the end."""
        with self._changed:
            self._changed.wait_for(lambda: self._closing or self._queue, FOLD_S)
            self._changed.wait_for(lambda: self._closing or len(self._queue) >= MAX_BATCH, BATCH_S)
            self._changed.wait_for(lambda: self._closing, max(0.0, self._retry_at_s - time.monotonic()))
            if self._closing and (not self._queue or self._error):
                self._dropped += len(self._queue)
                return None
            return [self._queue.popleft() for _ in range(min(MAX_BATCH, len(self._queue)))]

    def _write(self, batch: list[Stretch]) -> None:
        if self._database is None:
            self._database = open_telemetry(self.path, self._retention)
        if batch:
            store(self._database, batch)
            batch_size = len(batch)
            batch.clear()  # it is in the database now, whatever comes
            with self._changed:
                self._written += batch_size
                self._error = ""

    def _fold(self) -> None:
        assert self._database is not None
        if time.monotonic() >= self._fold_at_s:
            taken = fold_old(self._database, self._retention, self._clock_ns() // MS_IN_NS)
            # As long as a whole step is there to fold, the next comes with the next batch.
            self._fold_at_s = 0.0 if taken >= FOLD_ROWS else time.monotonic() + FOLD_S

    def _give_up_for_now(self, batch: list[Stretch], error: Exception) -> None:
        """Take the samples back, unless they are what is wrong, and try again in a while."""
        self._let_go()
        damaged = getattr(error, "sqlite_errorname", "").startswith("SQLITE_CORRUPT")
        if damaged:
            self._set_aside()
        with self._changed:
            if isinstance(error, OverflowError):
                self._dropped += len(batch)
            else:
                self._queue.extendleft(reversed(batch))
            while len(self._queue) > self._max_queued:
                self._queue.popleft()
                self._dropped += 1
            if str(error) != self._error:
                _LOG.error("telemetry is not kept in %s for now, doses go on: %s", self.path, error)
            self._error = str(error)
            self._retry_at_s = time.monotonic() + (0.0 if damaged else self._retry_s)

    def _set_aside(self) -> None:
        """Keep a damaged file under another name; the next batch begins a new one."""
        aside = self.path.with_name(self.path.name + DAMAGED_SUFFIX)
        with suppress(OSError):
            self.path.replace(aside)
            for end in ("-wal", "-shm"):
                self.path.with_name(self.path.name + end).unlink(missing_ok=True)
            _LOG.error("the damaged telemetry is kept as %s", aside)

    def _let_go(self) -> None:
        database, self._database = self._database, None
        if database is not None:
            with suppress(sqlite3.Error):
                database.close()


def _too_many(range_ms: int) -> RigError:
    return UsageError(
        f"That would be more than {MAX_POINTS} points.",
        f"Ask for a shorter range, or for a resolution of {range_ms // MAX_POINTS + 1} ms or more.",
    )
