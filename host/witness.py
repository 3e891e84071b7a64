"""Who keeps the heads of a ledger elsewhere, and what a ledger that is opened is compared with."""

import logging
import sqlite3
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from host.errors import RigError
from host.ledger_heads import SignedHead, genuine

_LOG = logging.getLogger(__name__)


class Witness(Protocol):
    """Keeps heads where whoever holds the ledger cannot change them unseen. Its methods may block."""

    @property
    def name(self) -> str:
        """Return what a person calls it."""
        ...

    def keep(self, signed: SignedHead) -> None:
        """Keep a head for good; it is kept on return. Raises ``RigError`` or ``OSError``."""
        ...

    def newest(self, ledger: str) -> SignedHead | None:
        """Return the newest head of this ledger, None when there is none. Raises ``RigError`` or ``OSError``."""
        ...


def compare(database: sqlite3.Connection, ledger: str, path: Path, witnesses: Sequence[Witness]) -> None:
    """Raise ``RigError`` when a witness keeps a head that the ledger does not reach or does not fit.

    A witness that cannot be asked is told of and does not count: it must not keep a rig from recording.
    """
    for witness in witnesses:
        try:
            newest = witness.newest(ledger)
        except (RigError, OSError) as error:
            _LOG.warning("%s could not be asked for the newest head of the ledger: %s", witness.name, error)
            continue
        if newest is not None and _signed_by_this_ledger(database, newest, witness):
            _check_fits(database, newest, path, witness)


def _signed_by_this_ledger(database: sqlite3.Connection, newest: SignedHead, witness: Witness) -> bool:
    keys = database.execute("SELECT head_key FROM entry WHERE head_key IS NOT NULL").fetchall()
    if any(genuine(newest, key) for (key,) in keys):
        return True
    _LOG.error("the newest head of %s is not signed by this ledger; see: rig ledger verify --head", witness.name)
    return False


def _check_fits(database: sqlite3.Connection, newest: SignedHead, path: Path, witness: Witness) -> None:
    head = newest.head
    found = database.execute("SELECT hash FROM entry WHERE sequence = ?", (head.rows,)).fetchone()
    if found is not None and found[0] == head.hash:
        return
    what = "is not the row that was signed" if found is not None else "is missing"
    raise RigError(
        "ledger_corrupt",
        f"Row {head.rows} of the ledger {path} {what}; {witness.name} keeps its head of {head.utc}.",
        "Doses may be missing. Keep both files and see: rig ledger verify --head; name another ledger with --ledger.",
    )
