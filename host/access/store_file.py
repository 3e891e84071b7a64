"""Opens the file of identities: made for its owner only, checked for what it is, brought to the present format."""

import os
import sqlite3
import stat
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final, TypeVar

from host.access import store_errors

Result = TypeVar("Result")

APPLICATION_ID: Final = 0x6E616E75  # "nanu"
MIGRATIONS: Final = (Path(__file__).with_name("schema_1.sql"),)
FILE_MODE: Final = 0o600
FOLDER_MODE: Final = 0o700
# How long a transaction waits for another process's, s; theirs are as short as ours.
BUSY_S: Final = 5.0
OPEN_ATTEMPTS: Final = 100
OPEN_PAUSE_S: Final = 0.05


def transaction(connection: sqlite3.Connection, work: Callable[[], Result]) -> Result:
    """Do all of it or nothing."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        result = work()
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise
    return result


def opened(path: Path, migrations: Sequence[Path], *, create: bool) -> sqlite3.Connection:
    """Return a connection in which nothing is begun by itself. Raises ``RigError``, ``OSError`` and SQLite's errors."""
    _make_file(path, create=create)
    _check_modes(path)
    connection = sqlite3.connect(path, timeout=BUSY_S, isolation_level=None, check_same_thread=False)
    try:
        _check_identity(connection, path, len(migrations))
        _use_write_ahead_log(connection)
        connection.execute("PRAGMA synchronous=FULL")
        connection.execute("PRAGMA foreign_keys=ON")
        connection.execute("PRAGMA recursive_triggers=ON")
        connection.execute("PRAGMA trusted_schema=OFF")
        transaction(connection, lambda: _migrate(connection, path, migrations))
        _check_pages(connection, path)
    except BaseException:
        connection.close()
        raise
    return connection


def opened_to_read(path: Path) -> sqlite3.Connection:
    """Return a connection that can change nothing, to a file that is open to write."""
    connection = sqlite3.connect(path, timeout=BUSY_S, isolation_level=None, check_same_thread=False)
    connection.execute("PRAGMA query_only=ON")
    connection.execute("PRAGMA trusted_schema=OFF")
    return connection


def _make_file(path: Path, *, create: bool) -> None:
    if not create:
        if not path.exists():
            raise store_errors.missing(path)
        return
    path.parent.mkdir(mode=FOLDER_MODE, parents=True, exist_ok=True)
    with suppress(FileExistsError):
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, FILE_MODE))


def _check_modes(named: Path) -> None:
    path = named.resolve()  # a link is as safe as where it leads
    mode = stat.S_IMODE(path.stat().st_mode)
    if mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise store_errors.exposed(path, mode, FILE_MODE)
    # A folder that others may write to lets them put another file in the store's place.
    mode = stat.S_IMODE(path.parent.stat().st_mode)
    if mode & (stat.S_IWGRP | stat.S_IWOTH):
        raise store_errors.exposed(path.parent, mode, FOLDER_MODE)


def _check_identity(connection: sqlite3.Connection, path: Path, known: int) -> None:
    connection.execute("BEGIN")  # all of it from one state: another process may just be making it
    try:
        tables = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
        identity = connection.execute("PRAGMA application_id").fetchone()[0]
        version = connection.execute("PRAGMA user_version").fetchone()[0]
    finally:
        connection.execute("ROLLBACK")
    if tables == 0 and identity == 0 and version == 0:
        return
    if identity != APPLICATION_ID:
        raise store_errors.not_a_store(path)
    if version > known:
        raise store_errors.newer(path, version, known)


def _check_pages(connection: sqlite3.Connection, path: Path) -> None:
    if connection.execute("PRAGMA quick_check(1)").fetchone()[0] != "ok":
        raise store_errors.corrupt(path, "its pages contradict each other")


def _use_write_ahead_log(connection: sqlite3.Connection) -> None:
    """Change to the write-ahead log; SQLite does not wait by itself when another process does so, too."""
    for attempt in range(OPEN_ATTEMPTS):
        try:
            connection.execute("PRAGMA journal_mode=WAL")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorname != "SQLITE_BUSY" or attempt == OPEN_ATTEMPTS - 1:
                raise
            time.sleep(OPEN_PAUSE_S)
        else:
            return


def _migrate(connection: sqlite3.Connection, path: Path, migrations: Sequence[Path]) -> None:
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    if version > len(migrations):
        raise store_errors.newer(path, version, len(migrations))
    for migration in migrations[version:]:
        for statement in _statements(migration.read_text(encoding="ascii")):
            connection.execute(statement)
    connection.execute(f"PRAGMA application_id={APPLICATION_ID}")
    connection.execute(f"PRAGMA user_version={len(migrations)}")


def _statements(script: str) -> list[str]:
    """Split a script into whole statements, so that each runs inside the one transaction."""
    statements, part = [], ""
    for line in script.splitlines(keepends=True):
        part += line
        if sqlite3.complete_statement(part):
            statements.append(part)
            part = ""
    return statements
