"""Checks a ledger file without any of the code that writes one: ``python -m host.ledger_verify FILE``.

Follows only what host/README.md says of the format, with the standard library. Finds a row that was changed, removed
from the middle, inserted or moved. Rows missing at the END leave a shorter chain that is
whole in itself: they are found only when the number of rows or the head's hash is known from elsewhere.
"""

import json
import sqlite3
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any
from urllib.parse import quote

FORMAT_LINE = "nanorig ledger 1"
APPLICATION_ID = 0x6E616E6F
VERSION = 1
ZERO_HASH = "0" * 64
# A damaged file is damaged; the first places tell where.
MAX_FINDINGS = 20
TRIGGERS = {"rows_are_never_changed", "rows_are_never_removed", "rows_are_appended"}
ONCE_A_DOSE = {"intent", "outcome", "resolution"}
_ESCAPES = {'"': '\\"', "\\": "\\\\", "\b": "\\b", "\f": "\\f", "\n": "\\n", "\r": "\\r", "\t": "\\t"}


@dataclass
class Verdict:
    """What was found. ``head`` is the hash of the last row: keep it elsewhere to detect truncation later."""

    path: str
    rows: int = 0
    head: str = ZERO_HASH
    findings: list[str] = field(default_factory=list)
    end_checked: bool = False  # whether the end was compared with something known from elsewhere

    @property
    def verified(self) -> bool:
        """Return whether nothing was found."""
        return not self.findings

    def find(self, text: str) -> None:
        """Note a finding, as far as there is room."""
        if len(self.findings) < MAX_FINDINGS:
            self.findings.append(text)


def verify(path: Path, *, expect_head: str | None = None, expect_rows: int | None = None) -> Verdict:
    """Check the file, reading only. Raises ``OSError`` and ``sqlite3.Error`` when it cannot be read at all."""
    verdict = Verdict(str(path))
    database = _open(path)
    try:
        if _is_ledger(database, verdict):
            _check_readable_chain(database, verdict)
            _check_frame(database, verdict)
    finally:
        database.close()
    _check_end(verdict, expect_head, expect_rows)
    return verdict


def read_rows(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield number and fields of every row, unchecked."""
    database = _open(path)
    try:
        for sequence, body in database.execute("SELECT sequence, body FROM entry ORDER BY sequence"):
            yield sequence, json.loads(body)
    finally:
        database.close()


def _open(path: Path) -> sqlite3.Connection:
    path.stat()  # tells a missing file better than SQLite does
    database = sqlite3.connect(f"file:{quote(str(path.absolute()))}?mode=ro", uri=True, timeout=0)
    try:
        database.execute("PRAGMA query_only=ON")
        database.execute("SELECT count(*) FROM sqlite_master").fetchone()
    except sqlite3.Error:
        database.close()
        raise
    return database


def _is_ledger(database: sqlite3.Connection, verdict: Verdict) -> bool:
    identity = database.execute("PRAGMA application_id").fetchone()[0]
    version = database.execute("PRAGMA user_version").fetchone()[0]
    if identity != APPLICATION_ID or version != VERSION:
        verdict.find(f"file: not a ledger of format {VERSION} (application id {identity:#x}, format {version})")
        return False
    return True


def _check_frame(database: sqlite3.Connection, verdict: Verdict) -> None:
    for (text,) in database.execute("PRAGMA integrity_check(5)"):
        if text != "ok":
            verdict.find(f"file: {text}")
    triggers = {name for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'")}
    for name in sorted(TRIGGERS - triggers):
        verdict.find(f"file: the trigger {name} that keeps the ledger append-only is missing")


def _check_readable_chain(database: sqlite3.Connection, verdict: Verdict) -> None:
    try:
        _check_chain(database, verdict)
    except sqlite3.DatabaseError as error:
        verdict.find(f"file: damaged after row {verdict.rows} ({error})")


def _check_chain(database: sqlite3.Connection, verdict: Verdict) -> None:
    told: dict[str, dict[str, str]] = {}  # by dose: what was told of it, kind -> outcome
    for sequence, body, previous, digest in database.execute(
        "SELECT sequence, body, previous, hash FROM entry ORDER BY sequence"
    ):
        verdict.rows += 1
        place = f"row {sequence}"
        if sequence != verdict.rows:
            verdict.find(f"{place}: number {verdict.rows} is missing before it")
            verdict.rows = sequence
        if previous != verdict.head:
            verdict.find(f"{place}: it does not follow the row before it (changed, removed, inserted or moved)")
        if not isinstance(body, str) or _hash(sequence, previous, body) != digest:
            verdict.find(f"{place}: its contents do not fit its hash (changed)")
        fields = _fields(body)
        if fields is None:
            verdict.find(f"{place}: its contents are not in canonical form")
        else:
            _check_dose(fields, told, place, verdict)
        verdict.head = digest if isinstance(digest, str) else ""
    if not verdict.rows:
        verdict.find("file: there is not even a first row")


def _hash(sequence: int, previous: Any, body: str) -> str:
    return sha256(f"{FORMAT_LINE}\n{sequence}\n{previous}\n{body}".encode()).hexdigest()


def _fields(body: Any) -> dict[str, Any] | None:
    """Return the fields when the text is exactly their canonical form."""
    try:
        fields = json.loads(body)
        return fields if isinstance(fields, dict) and _canonical(fields) == body else None
    except (ValueError, TypeError, RecursionError):
        return None


def _canonical(value: Any) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, str):
        return '"' + "".join(_escaped(character) for character in value) + '"'
    if isinstance(value, list):
        return "[" + ",".join(_canonical(item) for item in value) + "]"
    if isinstance(value, dict):
        return "{" + ",".join(f"{_canonical(key)}:{_canonical(value[key])}" for key in sorted(value)) + "}"
    raise TypeError("a ledger has no such values")


def _escaped(character: str) -> str:
    if character in _ESCAPES:
        return _ESCAPES[character]
    if " " <= character <= "~":
        return character
    units = character.encode("utf-16-be", "surrogatepass").hex()
    return "".join(f"\\u{units[at : at + 4]}" for at in range(0, len(units), 4))


def _check_dose(fields: dict[str, Any], told: dict[str, dict[str, str]], place: str, verdict: Verdict) -> None:
    kind, dose = fields.get("kind"), fields.get("dose_id")
    if kind not in ONCE_A_DOSE:
        return
    if not isinstance(dose, str):
        verdict.find(f"{place}: {kind} without a dose")
        return
    before = told.setdefault(dose, {})
    if kind in before:
        verdict.find(f"{place}: second {kind} of dose {dose}")
    if kind == "outcome" and "intent" not in before:
        verdict.find(f"{place}: outcome of dose {dose} without an intent")
    if kind == "resolution" and before.get("outcome") != "unknown":
        verdict.find(f"{place}: resolution of dose {dose} without an unknown outcome")
    before[str(kind)] = str(fields.get("outcome", ""))


def _check_end(verdict: Verdict, expect_head: str | None, expect_rows: int | None) -> None:
    verdict.end_checked = expect_head is not None or expect_rows is not None
    if expect_rows is not None and verdict.rows != expect_rows:
        verdict.find(f"end: {verdict.rows} rows, expected {expect_rows}")
    if expect_head is not None and verdict.head != expect_head.lower():
        verdict.find(
            f"end: the head is {verdict.head}, expected {expect_head} (rows were removed at the end, or added)"
        )


def main() -> int:
    """Check the file named on the command line; 0 verified, 7 not, 2 unreadable."""
    if len(sys.argv) not in {2, 3}:
        print("usage: python -m host.ledger_verify FILE [HEAD]", file=sys.stderr)
        return 2
    try:
        verdict = verify(Path(sys.argv[1]), expect_head=sys.argv[2] if len(sys.argv) == 3 else None)
    except (OSError, sqlite3.Error) as error:
        print(f"{sys.argv[1]}: {error}", file=sys.stderr)
        return 2
    for finding in verdict.findings:
        print(finding)
    print(f"{verdict.rows} rows, head {verdict.head}: {'verified' if verdict.verified else 'NOT VERIFIED'}")
    return 0 if verdict.verified else 7


if __name__ == "__main__":
    sys.exit(main())
