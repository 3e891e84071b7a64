"""Whole copies of a database: written beside the target, synced to the disk, then put in place by one rename."""

import os
import sqlite3
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Final

FILE_MODE: Final = 0o600
_BESIDE: Final = ("-journal", "-wal", "-shm")


def copy_database(source: sqlite3.Connection, target: Path, check: Callable[[Path], None] = lambda _: None) -> None:
    """Copy all of an open database to ``target``, readable by the owner only; one that is there is replaced at once.

    ``check`` looks at the copy before it is put in place, and raises to keep it out. Raises ``sqlite3.Error``,
    ``OSError``; ``target`` is then as it was.
    """
    with replacing(target) as part:
        with closing(sqlite3.connect(part, isolation_level=None)) as copy:
            source.backup(copy)
            # A copy is one file: it must not need a write-ahead log beside it.
            copy.execute("PRAGMA journal_mode=DELETE")
        check(part)


@contextmanager
def replacing(target: Path) -> Iterator[Path]:
    """Give the path of a new empty file beside ``target``; at the end it takes the target's place, whole or not at all.

    Raises ``OSError``; after an error nothing of it is left.
    """
    descriptor, name = tempfile.mkstemp(prefix=f"{target.name}.", suffix=".part", dir=target.parent)  # mode 0600
    os.close(descriptor)
    part = Path(name)
    try:
        yield part
        sync(part)
        part.replace(target)
        sync(target.parent)
    except BaseException:
        for left in (part, *(part.with_name(part.name + end) for end in _BESIDE)):
            with suppress(FileNotFoundError):
                left.unlink()
        raise


def sync(path: Path) -> None:
    """Return when the file's contents, or the folder's names, are on the disk."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
