"""A witness that is a file: one signed head a line, only ever added to, each on the disk before it counts as kept."""

import os
from pathlib import Path
from typing import Final

from host.ledger_copy import FILE_MODE, sync
from host.ledger_heads import MAX_LINE_OCTETS, Head, SignedHead, parse

_APPEND: Final = os.O_CREAT | os.O_APPEND | os.O_RDWR | os.O_CLOEXEC
FOLDER_MODE: Final = 0o700
# How far back the newest head of a ledger is looked for, where several ledgers share a file.
LOOKED_AT_OCTETS: Final = 65_536


class HeadFile:
    """Heads in a file, best on another disk or machine than the ledger: who can write both can change both."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @property
    def name(self) -> str:
        """Return what a person calls it."""
        return f"head file {self.path}"

    def keep(self, signed: SignedHead) -> None:
        """Add the head, unless the last line says the same of the ledger. Raises ``OSError``."""
        self.path.parent.mkdir(mode=FOLDER_MODE, parents=True, exist_ok=True)
        descriptor = os.open(self.path, _APPEND, FILE_MODE)
        try:
            tail = _tail(descriptor, MAX_LINE_OCTETS)
            if _says_the_same(tail, signed.head):
                return
            # A line that a crash cut short stays as it is, and ends here.
            text = ("" if tail.endswith(b"\n") or not tail else "\n") + signed.line() + "\n"
            _write_all(descriptor, text.encode("ascii"))
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        sync(self.path.parent)

    def newest(self, ledger: str) -> SignedHead | None:
        """Return the newest head of this ledger among the last ones kept. Raises ``OSError``."""
        try:
            descriptor = os.open(self.path, os.O_RDONLY | os.O_CLOEXEC)
        except FileNotFoundError:
            return None
        try:
            lines = _tail(descriptor, LOOKED_AT_OCTETS).split(b"\n")
        finally:
            os.close(descriptor)
        of_ledger = (signed for line in reversed(lines) if (signed := _parsed(line)) and signed.head.ledger == ledger)
        return next(of_ledger, None)


def _tail(descriptor: int, octets: int) -> bytes:
    size = os.fstat(descriptor).st_size
    return os.pread(descriptor, octets, max(0, size - octets))


def _parsed(line: bytes) -> SignedHead | None:
    """Return the head of a line; None for one that a crash cut short."""
    try:
        return parse(line.decode("ascii"))
    except ValueError:
        return None


def _says_the_same(tail: bytes, head: Head) -> bool:
    last = _parsed(tail.rstrip(b"\n").split(b"\n")[-1]) if tail.endswith(b"\n") else None
    kept = last.head if last is not None else None
    return kept is not None and (kept.ledger, kept.rows, kept.hash) == (head.ledger, head.rows, head.hash)


def _write_all(descriptor: int, octets: bytes) -> None:
    while octets:
        octets = octets[os.write(descriptor, octets) :]
