"""Checks a ledger file without any of the code that writes one: ``python -m host.ledger_verify FILE [HEADFILE]``.

Follows only what host/README.md says of the format. Finds a row that was changed, removed from the middle, inserted or
moved. Rows missing at the END, and a ledger that was written anew as a whole, are found only with what was kept
elsewhere: signed heads, the number of rows, or the last hash. Needs the standard library, and for the signatures the
package cryptography. Checks a copy that it makes, so that a ledger in use is neither disturbed nor in the way.
"""

import errno
import json
import os
import re
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any

FORMAT_LINE = "nanorig ledger 1"
HEAD_LINE = "nanorig head 1"
APPLICATION_ID = 0x6E616E6F
VERSIONS = (1, 2)
ZERO_HASH = "0" * 64
KEY_ID_DIGITS = 16
# A damaged file is damaged; the first places tell where.
MAX_FINDINGS = 20
# A copy is taken again when the log was begun anew meanwhile; a writer does that once in about a thousand rows.
MAX_COPIES = 10
WAL_START_OCTETS = 32
_COPY_SCRIPT = """
import sys
try:
    with open(sys.argv[1], "rb") as source, open(sys.argv[2], "wb") as copy:
        while octets := source.read(1 << 20):
            copy.write(octets)
except OSError as error:
    sys.exit(error.errno)
"""
MAX_HEAD_OCTETS = 1024
MAX_DISTANCE = 20  # numbers that a row is looked for under, on each side of its own
PLAIN_TEXT = re.compile(r"[ !#-\[\]-~]*")  # what stands in a text as it is
HASH_DIGITS = re.compile("[0-9a-fA-F]{64}")
TRIGGERS = {"rows_are_never_changed", "rows_are_never_removed", "rows_are_appended"}
ONCE_A_DOSE = {"intent", "outcome", "resolution"}
SET_BACK = "host clock, set back"
_ESCAPES = {'"': '\\"', "\\": "\\\\", "\b": "\\b", "\f": "\\f", "\n": "\\n", "\r": "\\r", "\t": "\\t"}


@dataclass
class Verdict:
    """What was found. ``head`` is the hash of the last row: keep it elsewhere to detect truncation later."""

    path: str
    rows: int = 0
    head: str = ZERO_HASH
    findings: list[str] = field(default_factory=list)
    end_checked: bool = False  # whether the end was compared with something known from elsewhere
    heads: int = 0  # signed heads that fit
    heads_skipped: int = 0  # lines of the head file that are of another ledger, or were cut short
    witnessed_rows: int = 0  # rows that the newest head which fits binds

    @property
    def verified(self) -> bool:
        """Return whether nothing was found."""
        return not self.findings

    def find(self, text: str) -> None:
        """Note a finding, as far as there is room."""
        if len(self.findings) < MAX_FINDINGS:
            self.findings.append(text)


@dataclass(frozen=True)
class _Head:
    """A line of the head file: what was signed, by whom, and where it stands."""

    rows: int
    fields: dict[str, Any]
    key_id: str
    signature: str
    line: int


@dataclass
class _Told:
    """What the rows before the present one told."""

    doses: dict[str, dict[str, str]] = field(default_factory=dict)  # by dose: kind -> outcome
    utc: str = ""
    version: int = 1
    ledger: str = ""
    keys: dict[str, tuple[int, bytes]] = field(default_factory=dict)  # by id: the row that names it, and the key
    hashes: dict[int, str] = field(default_factory=dict)  # of the rows that a head binds


def verify(
    path: Path, *, expect_head: str | None = None, expect_rows: int | None = None, head_file: Path | None = None
) -> Verdict:
    """Check the file, reading only. Raises ``OSError`` and ``sqlite3.Error`` when it cannot be read at all."""
    verdict = Verdict(str(path))
    # Before the rows: each head read here binds rows that are in the ledger by now.
    heads = _read_heads(head_file, verdict) if head_file is not None else []
    told = _Told(hashes=dict.fromkeys((head.rows for head in heads), ""))
    try:
        with opened_copy(path) as database:
            if _is_ledger(database, verdict):
                _check_readable_chain(database, told, verdict)
                _check_frame(database, verdict)
    except sqlite3.DatabaseError as error:
        if not getattr(error, "sqlite_errorname", "").startswith("SQLITE_CORRUPT"):
            raise
        verdict.find(f"file: damaged, also outside its rows ({error})")
    _check_end(verdict, expect_head, expect_rows)
    if head_file is not None:
        _check_heads(heads, told, head_file, verdict)
    return verdict


def read_rows(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield number and fields of every row, unchecked."""
    with opened_copy(path) as database:
        for sequence, body in database.execute("SELECT sequence, body FROM entry ORDER BY sequence"):
            yield sequence, json.loads(body)


@contextmanager
def opened_copy(path: Path) -> Iterator[sqlite3.Connection]:
    """Give a connection to a copy of the ledger as it is on the disk now, also of one that another process holds."""
    with tempfile.TemporaryDirectory(prefix="ledger-") as folder:
        copy = Path(folder) / "copy.sqlite3"
        _copy(path, copy)
        with closing(sqlite3.connect(copy, timeout=0, isolation_level=None)) as database:
            database.execute("SELECT count(*) FROM sqlite_master").fetchone()
            database.execute("PRAGMA query_only=ON")
            yield database


def _copy(path: Path, copy: Path) -> None:
    """Copy the file, then its write-ahead log: what moved from the log to the file meanwhile is in both.

    That holds as long as the log was not begun anew, which its first octets tell.
    """
    log = path.with_name(path.name + "-wal")
    for _ in range(MAX_COPIES):
        before = _stamp(path, log)
        _copy_apart(path, copy)
        log_copy = copy.with_name(copy.name + "-wal")
        log_copy.unlink(missing_ok=True)
        if before[0]:
            try:
                shutil.copyfile(log, log_copy)
            except FileNotFoundError:  # the ledger was closed just now
                continue
        if _stamp(path, log) == before:
            return
    raise OSError(errno.EBUSY, "the ledger changes too fast to be copied", str(path))


def _copy_apart(path: Path, copy: Path) -> None:
    """Copy a file in a process apart: closing it in this one would end the locks of a ledger that is open here."""
    command = [sys.executable, "-I", "-S", "-c", _COPY_SCRIPT, str(path.absolute()), str(copy)]
    number = subprocess.run(command, check=False, stdin=subprocess.DEVNULL).returncode
    if number:
        number = number if number > 0 else errno.EINTR
        raise OSError(number, os.strerror(number), str(path))


def _stamp(path: Path, log: Path) -> tuple[bytes, int]:
    """Return the start of the log; without one also when the file itself was written."""
    try:
        with log.open("rb") as file:
            start = file.read(WAL_START_OCTETS)
    except FileNotFoundError:
        start = b""
    return start, 0 if start else path.stat().st_mtime_ns


def _is_ledger(database: sqlite3.Connection, verdict: Verdict) -> bool:
    identity = database.execute("PRAGMA application_id").fetchone()[0]
    version = database.execute("PRAGMA user_version").fetchone()[0]
    if identity != APPLICATION_ID or version not in VERSIONS:
        verdict.find(f"file: not a ledger of format 1 or 2 (application id {identity:#x}, format {version})")
        return False
    return True


def _check_frame(database: sqlite3.Connection, verdict: Verdict) -> None:
    for (text,) in database.execute("PRAGMA integrity_check(5)"):
        if text != "ok":
            verdict.find(f"file: {text}")
    triggers = {name for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'")}
    for name in sorted(TRIGGERS - triggers):
        verdict.find(f"file: the trigger {name} that keeps the ledger append-only is missing")


def _check_readable_chain(database: sqlite3.Connection, told: _Told, verdict: Verdict) -> None:
    try:
        _check_chain(database, told, verdict)
    except sqlite3.DatabaseError as error:
        verdict.find(f"file: damaged after row {verdict.rows} ({error})")


def _check_chain(database: sqlite3.Connection, told: _Told, verdict: Verdict) -> None:
    for sequence, body, previous, digest in database.execute(
        "SELECT sequence, body, previous, hash FROM entry ORDER BY sequence"
    ):
        verdict.rows += 1
        if sequence != verdict.rows:
            verdict.find(f"row {sequence}: number {verdict.rows} is missing before it")
            verdict.rows = sequence
        if previous != verdict.head:
            verdict.find(f"row {sequence}: it does not follow the row before it (changed, removed, inserted or moved)")
        if not isinstance(body, str) or _hash(sequence, previous, body) != digest:
            verdict.find(
                f"row {sequence}: its contents do not fit its hash ({_what_it_was(sequence, previous, body, digest)})"
            )
        _check_fields(sequence, body, told, verdict)
        verdict.head = digest if isinstance(digest, str) else ""
        if sequence in told.hashes:
            told.hashes[sequence] = verdict.head
    if not verdict.rows:
        verdict.find("file: there is not even a first row")


def _hash(sequence: int, previous: Any, body: str) -> str:
    return sha256(f"{FORMAT_LINE}\n{sequence}\n{previous}\n{body}".encode("utf-8", "replace")).hexdigest()


def _what_it_was(sequence: int, previous: Any, body: Any, digest: Any) -> str:
    """Tell a row that has only another number from one with other contents."""
    for distance in range(1, MAX_DISTANCE + 1):
        for number in (sequence - distance, sequence + distance):
            if isinstance(body, str) and _hash(number, previous, body) == digest:
                return f"moved: it was row {number}"
    return "changed"


def _check_fields(sequence: int, body: Any, told: _Told, verdict: Verdict) -> None:
    place = f"row {sequence}"
    fields = _fields(body)
    if fields is None:
        verdict.find(f"{place}: its contents are not in canonical form")
        return
    _check_dose(fields, told.doses, place, verdict)
    utc = fields.get("utc")
    if isinstance(utc, str):
        if utc < told.utc and fields.get("utc_source") != SET_BACK and told.version > 1:
            verdict.find(f"{place}: its time is before that of the row before it, and it does not say so")
        told.utc = utc
    if fields.get("kind") == "note":
        _note(sequence, fields, told)


def _note(sequence: int, fields: dict[str, Any], told: _Told) -> None:
    """Take the ledger's id, its format and the keys of its heads from the notes that tell them."""
    if sequence == 1 and isinstance(fields.get("ledger"), str):
        told.ledger = fields["ledger"]
    if isinstance(fields.get("format"), int):
        told.version = fields["format"]
    if isinstance(fields.get("head_key"), str):
        try:
            key = bytes.fromhex(fields["head_key"])
        except ValueError:
            return  # signs nothing
        told.keys.setdefault(sha256(key).hexdigest()[:KEY_ID_DIGITS], (sequence, key))


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
        if PLAIN_TEXT.fullmatch(value):
            return f'"{value}"'
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


def _read_heads(path: Path, verdict: Verdict) -> list[_Head]:
    with path.open("rb") as file:
        found = [_head(line, number) for number, line in enumerate(file, 1)]
    verdict.heads_skipped = found.count(None)
    return [head for head in found if head is not None]


def _head(line: bytes, number: int) -> _Head | None:
    try:
        whole = json.loads(line) if len(line) <= MAX_HEAD_OCTETS else {}
        fields = dict(whole["head"])
        usable = type(fields["rows"]) is int and {"hash", "ledger"} <= fields.keys()
        return _Head(fields["rows"], fields, str(whole["key_id"]), str(whole["signature"]), number) if usable else None
    except (ValueError, TypeError, KeyError, RecursionError):
        return None


def _check_heads(heads: list[_Head], told: _Told, path: Path, verdict: Verdict) -> None:
    """Compare every head of this ledger: the first that does not fit tells where it was cut off or written anew."""
    for head in sorted(heads, key=lambda each: (each.rows, each.line)):
        place = f"end: {path.name} line {head.line}, a head of {head.rows} rows"
        if head.fields["ledger"] != told.ledger:
            verdict.heads_skipped += 1
        elif not _genuine(head, told):
            verdict.find(
                f"{place}, is not signed by a key that the ledger named before (the head or a row was changed)"
            )
        elif head.rows > verdict.rows:
            verdict.find(f"{place}: rows {verdict.rows + 1} to {head.rows} are missing at the end of the ledger")
        elif head.fields["hash"] != told.hashes[head.rows]:
            first = verdict.witnessed_rows + 1
            verdict.find(f"{place}: one of the rows {first} to {head.rows} was written anew after that head was signed")
        else:
            verdict.heads += 1
            verdict.witnessed_rows = head.rows
    verdict.end_checked = verdict.end_checked or verdict.heads > 0
    if not verdict.heads and verdict.verified:
        verdict.find(f"end: {path.name} has no signed head of this ledger")


def _genuine(head: _Head, told: _Told) -> bool:
    from cryptography.exceptions import InvalidSignature  # noqa: PLC0415  needed for heads only
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey  # noqa: PLC0415

    row, key = told.keys.get(head.key_id, (0, b""))
    if not key or head.rows < row:
        return False
    try:
        text = f"{HEAD_LINE}\n{_canonical(head.fields)}".encode()
        Ed25519PublicKey.from_public_bytes(key).verify(bytes.fromhex(head.signature), text)
    except (InvalidSignature, ValueError, TypeError):
        return False
    return True


def main() -> int:
    """Check the file named on the command line; 0 verified, 7 not, 2 unreadable."""
    if len(sys.argv) not in {2, 3}:
        print("usage: python -m host.ledger_verify FILE [HEADFILE or HASH]", file=sys.stderr)
        return 2
    try:
        verdict = _verify_named(*sys.argv[1:])
    except (OSError, sqlite3.Error, ImportError) as error:
        print(f"{sys.argv[1]}: {error}", file=sys.stderr)
        return 2
    for finding in verdict.findings:
        print(finding)
    print(f"{verdict.rows} rows, head {verdict.head}: {'verified' if verdict.verified else 'NOT VERIFIED'}")
    if not verdict.end_checked:
        print("rows cut off at the end cannot be found without a head file")
    return 0 if verdict.verified else 7


def _verify_named(file: str, known: str = "") -> Verdict:
    if HASH_DIGITS.fullmatch(known):
        return verify(Path(file), expect_head=known)
    return verify(Path(file), head_file=Path(known) if known else None)


if __name__ == "__main__":
    sys.exit(main())
