"""What SQLite and the disk really say, in words."""

import errno
import os
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from host.ledger_errors import translated


def read_only(path: Path) -> None:
    sqlite3.connect(path).close()
    path.touch()
    database = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
    try:
        database.execute("CREATE TABLE t (x)")
    finally:
        database.close()


def locked(path: Path) -> None:
    holder = sqlite3.connect(path, isolation_level=None)
    other = sqlite3.connect(path, isolation_level=None, timeout=0)
    try:
        holder.execute("BEGIN EXCLUSIVE")
        other.execute("BEGIN EXCLUSIVE")
    finally:
        other.close()
        holder.close()


def full(path: Path) -> None:
    database = sqlite3.connect(path, isolation_level=None)
    try:
        database.execute("PRAGMA max_page_count=2")
        database.execute("CREATE TABLE t (x)")
        database.execute("INSERT INTO t VALUES (zeroblob(100000))")
    finally:
        database.close()


def not_a_database(path: Path) -> None:
    path.write_bytes(b"x" * 5000)
    database = sqlite3.connect(path)
    try:
        database.execute("SELECT * FROM sqlite_master")
    finally:
        database.close()


def no_folder(path: Path) -> None:
    sqlite3.connect(path / "no" / "such" / "folder")


@pytest.mark.req("SEC-5", "LEDGER-3")
@pytest.mark.parametrize(
    ("fail", "code"),
    [
        (read_only, "ledger_read_only"),
        (locked, "ledger_locked"),
        (full, "ledger_full"),
        (not_a_database, "ledger_not_a_ledger"),
        (no_folder, "ledger_permission"),
    ],
)
def test_what_sqlite_says_becomes_what_is_wrong(fail: Callable[[Path], None], code: str, tmp_path: Path) -> None:
    with pytest.raises(sqlite3.Error) as caught:
        fail(tmp_path / "database")
    error = translated(caught.value, tmp_path / "database")
    assert error.code == code
    assert error.todo
    assert str(tmp_path) in error.what


@pytest.mark.parametrize(
    ("number", "code"),
    [
        (errno.ENOSPC, "ledger_full"),
        (errno.EDQUOT, "ledger_full"),
        (errno.EROFS, "ledger_read_only"),
        (errno.EACCES, "ledger_permission"),
        (errno.EIO, "ledger_failed"),
    ],
)
def test_what_the_system_says_becomes_what_is_wrong(number: int, code: str) -> None:
    assert translated(OSError(number, os.strerror(number)), Path("/l")).code == code
