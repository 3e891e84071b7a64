"""From what SQLite and the disk say to what is wrong with the ledger and what to do."""

import errno
import sqlite3
from pathlib import Path

from host.errors import RigError

_NOTHING = "Nothing was changed and nothing was sent."


def translated(error: Exception, path: Path) -> RigError:
    """Return the clear error for a failure of the database or the disk."""
    if isinstance(error, sqlite3.Error):
        return _of_database(error, path)
    assert isinstance(error, OSError)
    return _of_disk(error, path)


def not_a_ledger(path: Path) -> RigError:
    """Return the error for a file that is something else."""
    return RigError(
        "ledger_not_a_ledger",
        f"{path} is not a ledger; it was left as it is.",
        "Name another file with --ledger or $NANORIG_LEDGER.",
    )


def newer(path: Path, found: int, known: int) -> RigError:
    """Return the error for a ledger that a newer version of this program made."""
    return RigError(
        "ledger_newer",
        f"The ledger {path} has format {found}, this version knows up to {known}. {_NOTHING}",
        "Install the newer version.",
    )


def _of_database(error: sqlite3.Error, path: Path) -> RigError:
    name = getattr(error, "sqlite_errorname", "") or ""
    text = str(error)
    if name.startswith(("SQLITE_BUSY", "SQLITE_LOCKED")) or "locked" in text:
        return RigError(
            "ledger_locked",
            f"The ledger {path} is held by another process. {_NOTHING}",
            "End that process (another rig command?) or name another ledger with --ledger.",
        )
    if name.startswith("SQLITE_FULL") or name in {"SQLITE_IOERR_WRITE", "SQLITE_IOERR_SHMSIZE", "SQLITE_IOERR_FSYNC"}:
        return _full(path, text)
    if name.startswith("SQLITE_READONLY"):
        return _read_only(path)
    if name.startswith("SQLITE_NOTADB"):
        return not_a_ledger(path)
    if name.startswith("SQLITE_CORRUPT"):
        return RigError(
            "ledger_corrupt",
            f"The ledger {path} is damaged ({text}). {_NOTHING}",
            "Keep the file, do not edit it; see what is wrong with: rig ledger verify",
        )
    if name.startswith("SQLITE_CANTOPEN"):
        return _permission(path, text)
    if isinstance(error, sqlite3.IntegrityError):
        return RigError(
            "ledger_conflict", f"The ledger {path} refused a row: {text}. {_NOTHING}", "This is a defect: report it."
        )
    return RigError("ledger_failed", f"The ledger {path} failed: {text}. {_NOTHING}", "Check the disk.")


def _of_disk(error: OSError, path: Path) -> RigError:
    if error.errno in {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}:
        return _full(path, error.strerror)
    if error.errno == errno.EROFS:
        return _read_only(path)
    if error.errno in {errno.EACCES, errno.EPERM, errno.ENOTDIR, errno.EISDIR, errno.EEXIST}:
        return _permission(path, error.strerror)
    return RigError("ledger_failed", f"The ledger {path} failed: {error}. {_NOTHING}", "Check the disk.")


def _full(path: Path, text: str | None) -> RigError:
    return RigError(
        "ledger_full",
        f"The ledger {path} could not be written: the disk is full or failed ({text}). {_NOTHING}",
        "Free some space; no dose is given that cannot be recorded.",
    )


def _read_only(path: Path) -> RigError:
    return RigError(
        "ledger_read_only",
        f"The ledger {path} or its disk is read-only. {_NOTHING}",
        "Make it writable, or name another ledger with --ledger; no dose is given that cannot be recorded.",
    )


def _permission(path: Path, text: str | None) -> RigError:
    return RigError(
        "ledger_permission",
        f"The ledger {path} cannot be opened ({text}). {_NOTHING}",
        "Check folder and permissions, or name another ledger with --ledger.",
    )
