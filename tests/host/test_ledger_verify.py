"""The verifier against every kind of tampering, done behind the triggers' back."""

import asyncio
import json
import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from host.canonical import canonical_json, row_hash
from host.ledger import Ledger
from host.ledger_verify import _canonical, read_rows, verify

pytestmark = pytest.mark.req("LEDGER-4")

ROWS = 6
JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "ledger.sqlite3"
    asyncio.run(_fill(path))
    assert verify(path).verified
    return path


async def _fill(path: Path) -> None:
    async with await Ledger.open(path) as ledger:
        await ledger.append("intent", {"rig": "r", "dose_id": "d1", "asked_nl": 5000})
        await ledger.append("outcome", {"rig": "r", "dose_id": "d1", "outcome": "unknown"})
        await ledger.append("resolution", {"rig": "r", "dose_id": "d1", "outcome": "delivered"})
        await ledger.append("stop", {"rig": "r", "cause": "operator"})
        await ledger.append("note", {"text": "äöü \u2028 \x7f 𝄞"})


def tamper(path: Path, *statements: str) -> None:
    """Do it as someone does who knows SQLite: the triggers are gone for the time, and back afterwards."""
    database = sqlite3.connect(path, isolation_level=None)
    try:
        triggers = database.execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'").fetchall()
        for name, _ in triggers:
            database.execute(f"DROP TRIGGER {name}")
        for statement in statements:
            database.execute(statement)
        for _, sql in triggers:
            database.execute(sql)
    finally:
        database.close()


@given(st.dictionaries(st.text(), JSON_VALUES, max_size=6))
def test_writer_and_verifier_agree_on_the_canonical_text(fields: dict[str, Any]) -> None:
    text = canonical_json(fields)
    assert _canonical(fields) == text
    assert json.loads(text) == fields


@pytest.mark.parametrize("row", range(1, ROWS + 1))
@pytest.mark.parametrize(
    "change",
    [
        "body = replace(body, 'kind', 'kinD')",
        "body = body || ' '",
        "previous = iif(previous LIKE '5%', '6', '5') || substr(previous, 2)",
        "hash = iif(hash LIKE '5%', '6', '5') || substr(hash, 2)",
        "sequence = sequence + 100",
        "body = '{}'",
    ],
)
def test_a_change_in_any_column_of_any_row_is_found(path: Path, row: int, change: str) -> None:
    tamper(path, f"UPDATE entry SET {change} WHERE sequence = {row}")
    verdict = verify(path)
    assert not verdict.verified
    assert verdict.findings[0].startswith((f"row {row}:", f"row {row + 1}:", f"row {row + 100}:"))


@pytest.mark.parametrize("row", range(1, ROWS))
def test_a_row_removed_from_the_middle_is_found(path: Path, row: int) -> None:
    tamper(path, f"DELETE FROM entry WHERE sequence = {row}")
    assert verify(path).findings[0] == f"row {row + 1}: number {row} is missing before it"


@pytest.mark.parametrize("row", range(1, ROWS))
def test_a_row_removed_with_the_numbers_closed_up_is_found(path: Path, row: int) -> None:
    moved = [
        f"UPDATE entry SET sequence = {number - 1} WHERE sequence = {number}" for number in range(row + 1, ROWS + 1)
    ]
    tamper(path, f"DELETE FROM entry WHERE sequence = {row}", *moved)
    assert verify(path).findings[0].startswith(f"row {row}: it does not follow")


def test_an_inserted_row_is_found(path: Path) -> None:
    moved = [f"UPDATE entry SET sequence = {number + 1} WHERE sequence = {number}" for number in range(ROWS, 2, -1)]
    row = "SELECT 3, body, previous, hash FROM entry WHERE sequence = 2"
    tamper(
        path,
        *moved,
        f"INSERT INTO entry (sequence, body, previous, hash) {row.replace('body', chr(39) + '{}' + chr(39))}",
    )
    assert verify(path).findings[0].startswith("row 3:")


def test_rows_in_another_order_are_found(path: Path) -> None:
    tamper(
        path,
        "UPDATE entry SET sequence = 100 WHERE sequence = 5",
        "UPDATE entry SET sequence = 5 WHERE sequence = 6",
        "UPDATE entry SET sequence = 6 WHERE sequence = 100",
    )
    assert verify(path).findings[0].startswith("row 5:")


def test_a_row_written_anew_with_its_hash_breaks_the_next_one(path: Path) -> None:
    database = sqlite3.connect(path)
    previous = database.execute("SELECT previous FROM entry WHERE sequence = 2").fetchone()[0]
    database.close()
    body = canonical_json({"kind": "intent", "dose_id": "d1", "asked_nl": 1})
    tamper(path, f"UPDATE entry SET body = '{body}', hash = '{row_hash(2, previous, body)}' WHERE sequence = 2")
    assert verify(path).findings[0].startswith("row 3: it does not follow")


def test_missing_triggers_are_found(path: Path) -> None:
    database = sqlite3.connect(path)
    database.execute("DROP TRIGGER rows_are_never_removed")
    database.close()
    assert "rows_are_never_removed" in verify(path).findings[0]


def test_rows_cut_off_at_the_end_are_found_only_with_what_is_known_from_elsewhere(path: Path) -> None:
    whole = verify(path)
    tamper(path, f"DELETE FROM entry WHERE sequence = {ROWS}")
    alone = verify(path)
    assert alone.verified
    assert not alone.end_checked
    by_rows, by_head = verify(path, expect_rows=ROWS), verify(path, expect_head=whole.head.upper())
    assert by_rows.findings == [f"end: {ROWS - 1} rows, expected {ROWS}"]
    assert by_head.findings[0].startswith("end: the head is")
    assert by_rows.end_checked
    assert by_head.end_checked


def test_a_whole_ledger_fits_its_own_head(path: Path) -> None:
    whole = verify(path)
    again = verify(path, expect_head=whole.head, expect_rows=whole.rows)
    assert again.verified
    assert again.end_checked


@pytest.mark.req("LEDGER-3")
@pytest.mark.parametrize(
    ("rows", "finding"),
    [
        ([("outcome", "delivered")], "row 2: outcome of dose d without an intent"),
        ([("intent", ""), ("resolution", "delivered")], "row 3: resolution of dose d without an unknown outcome"),
        (
            [("intent", ""), ("outcome", "partial"), ("resolution", "delivered")],
            "row 4: resolution of dose d without an unknown outcome",
        ),
    ],
)
def test_a_history_that_cannot_be_is_found(tmp_path: Path, rows: list[tuple[str, str]], finding: str) -> None:
    async def write() -> None:
        async with await Ledger.open(tmp_path / "l") as ledger:
            for kind, outcome in rows:
                await ledger.append(kind, {"dose_id": "d", "outcome": outcome})

    asyncio.run(write())
    assert verify(tmp_path / "l").findings == [finding]


def test_a_database_of_another_program_is_not_a_ledger(tmp_path: Path) -> None:
    database = sqlite3.connect(tmp_path / "other")
    database.execute("CREATE TABLE entry (x)")
    database.close()
    assert verify(tmp_path / "other").findings[0].startswith("file: not a ledger")


def test_verifying_changes_no_octet(path: Path) -> None:
    before = path.read_bytes()
    verify(path)
    assert len(list(read_rows(path))) == ROWS
    assert path.read_bytes() == before


def test_it_runs_by_itself_without_the_rest_of_the_host(path: Path) -> None:
    copy = path.parent / "verifier.py"
    copy.write_text((Path(verify.__code__.co_filename)).read_text())
    whole = subprocess.run([sys.executable, "-I", copy, path], capture_output=True, text=True, check=False, timeout=60)
    assert (whole.returncode, whole.stderr) == (0, "")
    assert "verified" in whole.stdout
    tamper(path, "UPDATE entry SET body = '{}' WHERE sequence = 3")
    broken = subprocess.run([sys.executable, "-I", copy, path], capture_output=True, text=True, check=False, timeout=60)
    assert broken.returncode == 7
    assert broken.stdout.startswith("row 3:")


def test_damaged_pages_are_found_and_told(path: Path) -> None:
    asyncio.run(_fill_more(path))
    size = path.stat().st_size
    with path.open("r+b") as file:
        file.seek(size // 2)
        file.write(b"\xa5" * (size // 4))
    verdict = verify(path)
    assert not verdict.verified
    assert any("row" in finding or "file" in finding for finding in verdict.findings)


async def _fill_more(path: Path) -> None:
    async with await Ledger.open(path) as ledger:
        for number in range(300):
            await ledger.append("note", {"text": f"{number} " + "x" * 100})
