"""The formats of the ledger's file: what a file is, how one is made, and the steps from each format to the next.

Step N is ``ledger_schema_N.sql``: it leads from format N-1 to N, format 0 being an empty file.
"""

import sqlite3
from pathlib import Path
from typing import Final

from host.errors import RigError
from host.ledger_copy import copy_database
from host.ledger_errors import newer, not_a_ledger

APPLICATION_ID: Final = 0x6E616E6F  # "nano"
SCHEMA_VERSION: Final = 2
EMPTY: Final = 0


def found_version(database: sqlite3.Connection, path: Path) -> int:
    """Return the format of the file, ``EMPTY`` for one without contents. Raises ``RigError`` for anything foreign."""
    tables = database.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
    identity = database.execute("PRAGMA application_id").fetchone()[0]
    version = int(database.execute("PRAGMA user_version").fetchone()[0])
    if tables == 0 and identity == 0 and version == EMPTY:
        return EMPTY
    if identity != APPLICATION_ID or version < 1:
        raise not_a_ledger(path)
    if version > SCHEMA_VERSION:
        raise newer(path, version, SCHEMA_VERSION)
    return version


def migrate(database: sqlite3.Connection, version: int) -> None:
    """Take every step after ``version``, inside the caller's transaction: all of them happen, or none."""
    for step in range(version + 1, SCHEMA_VERSION + 1):
        script = (Path(__file__).parent / f"ledger_schema_{step}.sql").read_text(encoding="ascii")
        for statement in _statements(script):
            database.execute(statement)
    database.execute(f"PRAGMA application_id={APPLICATION_ID}")
    database.execute(f"PRAGMA user_version={SCHEMA_VERSION}")


def back_up_before(database: sqlite3.Connection, path: Path, version: int) -> Path:
    """Copy a ledger of an older format to a file beside it and check the copy. Raises ``RigError``, ``OSError``.

    A ledger that does not verify is left in its format: what is wrong with it must not be covered by a migration.
    """
    from host.ledger_verify import verify  # noqa: PLC0415  only where there is something to migrate

    backup = path.with_name(f"{path.name}.format-{version}.backup")
    copy_database(database, backup)
    verdict = verify(backup)
    if not verdict.verified:
        raise RigError(
            "ledger_corrupt",
            f"The ledger {path} has format {version} and does not verify ({verdict.findings[0]}), so it was not "
            f"migrated to format {SCHEMA_VERSION}.",
            "Keep the file, do not edit it; name another ledger with --ledger, and have this one looked at.",
        )
    return backup


def _statements(script: str) -> list[str]:
    """Split a script into whole statements, so that each runs inside the one transaction."""
    statements, part = [], ""
    for line in script.splitlines(keepends=True):
        part += line
        if sqlite3.complete_statement(part):
            statements.append(part)
            part = ""
    return statements
