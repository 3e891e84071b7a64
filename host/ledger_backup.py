"""Backups of a ledger: as it is now, also while a program holds it, and verified before they get their name."""

from pathlib import Path

from host.errors import RigError, UsageError
from host.ledger_copy import copy_database
from host.ledger_verify import Verdict, opened_copy, verify


def backup_path(ledger: Path, utc: str) -> Path:
    """Return the default place of a backup: beside the ledger, with the time (ISO 8601) without its punctuation."""
    return ledger.with_name(f"{ledger.name}.{''.join(filter(str.isalnum, utc[:19]))}Z.backup")


def back_up(ledger: Path, target: Path) -> Verdict:
    """Copy the ledger to the new file ``target`` and return what the verifier says of it.

    Raises ``RigError`` for a target that exists or a ledger that does not verify, ``OSError`` and ``sqlite3.Error``;
    there is then no ``target``.
    """
    check_target(target)
    found: list[Verdict] = []
    with opened_copy(ledger) as database:
        copy_database(database, target, lambda part: found.append(verified(part, ledger)))
    return found[0]


def verified(path: Path, ledger: Path) -> Verdict:
    """Return the verdict on ``path``, a ledger or a copy of one. Raises ``RigError`` when it does not verify."""
    verdict = verify(path)
    if not verdict.verified:
        raise RigError(
            "tampered",
            f"The ledger {ledger} is NOT verified; first finding: {verdict.findings[0]}. No copy was made.",
            "Keep the file as it is; for a copy of it as it is, copy the file and the one that ends in -wal.",
        )
    return verdict


def check_target(target: Path) -> None:
    """Raise ``RigError`` unless ``target`` is a new file in a folder that is there: no older backup is replaced."""
    if not target.parent.is_dir():
        raise UsageError(f"There is no folder {target.parent}.", "Make it, or name another place with --to.")
    if target.exists():
        raise UsageError(f"{target} exists; it was left as it is.", "Name a new file with --to.")
