"""From what SQLite and the disk say to what is wrong with the store of identities and what to do."""

import errno
import sqlite3
from pathlib import Path

from host.errors import RigError

_NOTHING = "Nothing was changed."


def translated(error: Exception, path: Path) -> RigError:
    """Return the clear error for a failure of the database or the disk; it never tells what was in a row."""
    if isinstance(error, sqlite3.Error):
        return _of_database(error, path)
    assert isinstance(error, OSError)
    if error.errno in {errno.EACCES, errno.EPERM, errno.ENOTDIR, errno.EISDIR, errno.EEXIST, errno.EROFS}:
        return failed(path, f"cannot be opened ({error.strerror})", "Check folder and permissions, or name another.")
    return failed(path, f"failed: {error.strerror}", "Check the disk.")


def failed(path: Path, what: str, todo: str) -> RigError:
    """Return the error for a store that cannot be used just now."""
    return RigError("access_store_failed", f"The store of identities {path} {what}. {_NOTHING}", todo)


def not_a_store(path: Path) -> RigError:
    """Return the error for a file that is something else."""
    return RigError(
        "access_not_a_store",
        f"{path} is not a store of identities; it was left as it is.",
        "Name another file with --store.",
    )


def missing(path: Path) -> RigError:
    """Return the error for a store that is not there."""
    return RigError(
        "access_store_missing",
        f"There is no store of identities {path}.",
        "Make the first supervisor: rig user add NAME --role supervisor",
    )


def newer(path: Path, found: int, known: int) -> RigError:
    """Return the error for a store that a newer version of this program made."""
    return RigError(
        "access_store_newer",
        f"The store {path} has format {found}, this version knows up to {known}. {_NOTHING}",
        "Install the newer version.",
    )


def exposed(path: Path, mode: int, wanted: int) -> RigError:
    """Return the error for a file or folder that others may get at."""
    return RigError(
        "access_store_exposed",
        f"Others than its owner may get at {path} (mode {mode:04o}). {_NOTHING}",
        f"Find out who did, then: chmod {wanted:04o} {path}",
    )


def corrupt(path: Path, what: str) -> RigError:
    """Return the error for contents that no version of this program wrote."""
    return RigError(
        "access_store_corrupt",
        f"The store of identities {path} is damaged: {what}. {_NOTHING}",
        "Keep the file, do not edit it; restore the last backup.",
    )


def _of_database(error: sqlite3.Error, path: Path) -> RigError:
    name = getattr(error, "sqlite_errorname", "") or ""
    if name.startswith(("SQLITE_BUSY", "SQLITE_LOCKED")):
        return RigError(
            "access_store_locked",
            f"The store of identities {path} is held by another process. {_NOTHING}",
            "Try again; if it stays so, end that process.",
        )
    if name.startswith("SQLITE_NOTADB"):
        return not_a_store(path)
    if name.startswith("SQLITE_CORRUPT"):
        return corrupt(path, "a page of the file cannot be read")
    if name.startswith("SQLITE_FULL"):
        return failed(path, "could not be written: the disk is full", "Free some space.")
    if name.startswith("SQLITE_READONLY"):
        return failed(path, "or its disk is read-only", "Make it writable, or name another with --store.")
    if isinstance(error, sqlite3.IntegrityError):
        return failed(path, "refused a row that contradicts another", "This is a defect: report it.")
    return failed(path, f"failed ({name or 'no name'})", "Check disk, folder and permissions.")
