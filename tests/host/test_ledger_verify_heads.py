"""The verifier with signed heads: what no chain alone can show; and on a ledger that is in use."""

import asyncio
import json
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from host.canonical import FIRST_PREVIOUS, canonical_json, row_hash
from host.head_file import HeadFile
from host.ledger import Ledger
from host.ledger_heads import Head, sign
from host.ledger_key import key_file
from host.ledger_verify import verify
from tests.host.ledgers import EACH_ROW, contents, fill, tamper
from tests.host.loops import real

pytestmark = pytest.mark.req("LEDGER-4")


@pytest.fixture
def paths(tmp_path: Path) -> tuple[Path, Path]:
    """A ledger of 9 rows, with heads of 4, 7 and 9 rows elsewhere."""
    path, heads = tmp_path / "ledger.sqlite3", tmp_path / "elsewhere" / "heads"
    for rows in (3, 3, 2):
        fill(path, rows, heads)
    return path, heads


def rewrite(path: Path, row: int, change: tuple[str, str], *, key: str | None = None) -> None:
    """Change a row and write it and the whole chain after it anew, as someone does who knows the format."""
    rows = contents(path)
    previous = FIRST_PREVIOUS if row == 1 else rows[row - 2][3]
    statements = []
    for sequence, old, _, _ in rows[row - 1 :]:
        body = old.replace(*change) if sequence == row else old
        fields = json.loads(body)
        if key is not None and "head_key" in fields:
            body = canonical_json({**fields, "head_key": key})
        digest = row_hash(sequence, previous, body)
        statements.append(
            f"UPDATE entry SET body = '{body}', previous = '{previous}', hash = '{digest}' WHERE sequence = {sequence}"
        )
        previous = digest
    tamper(path, *statements)


def test_a_whole_ledger_fits_its_heads(paths: tuple[Path, Path]) -> None:
    verdict = verify(paths[0], head_file=paths[1])
    assert (verdict.findings, verdict.heads, verdict.witnessed_rows) == ([], 3, 9)
    assert verdict.end_checked


@pytest.mark.parametrize(("keep", "line", "rows"), [(8, 3, 9), (7, 3, 9), (6, 2, 7), (1, 1, 4)])
def test_truncation_is_found_with_the_heads_only(paths: tuple[Path, Path], keep: int, line: int, rows: int) -> None:
    tamper(paths[0], f"DELETE FROM entry WHERE sequence > {keep}")
    assert verify(paths[0]).verified
    assert not verify(paths[0]).end_checked
    found = verify(paths[0], head_file=paths[1]).findings
    assert found[0] == (
        f"end: heads line {line}, a head of {rows} rows: rows {keep + 1} to {rows} are missing at the end of the ledger"
    )


@pytest.mark.parametrize(
    ("row", "between"), [(2, "1 to 4"), (4, "1 to 4"), (5, "5 to 7"), (8, "8 to 9"), (9, "8 to 9")]
)
def test_a_row_rewritten_with_its_whole_chain_is_found_with_the_heads_only(
    paths: tuple[Path, Path], row: int, between: str
) -> None:
    rewrite(paths[0], row, ("row", "Row"))
    assert verify(paths[0]).verified
    found = verify(paths[0], head_file=paths[1]).findings
    assert f"one of the rows {between} was written anew" in found[0]


def test_a_ledger_rewritten_with_another_key_is_found(paths: tuple[Path, Path]) -> None:
    other = Ed25519PrivateKey.from_private_bytes(bytes(32))
    rewrite(paths[0], 1, ("opened", "opened"), key=other.public_key().public_bytes_raw().hex())
    assert verify(paths[0]).verified
    assert "not signed by a key that the ledger named" in verify(paths[0], head_file=paths[1]).findings[0]


def test_a_last_row_replaced_by_hand_is_found_with_the_heads(paths: tuple[Path, Path]) -> None:
    sequence, body, previous, _ = contents(paths[0])[-1]
    body = body.replace("row 1", "row X")
    digest = row_hash(sequence, previous, body)
    tamper(
        paths[0], f"REPLACE INTO entry (sequence, body, previous, hash) VALUES (9, '{body}', '{previous}', '{digest}')"
    )
    assert verify(paths[0]).verified
    assert "one of the rows 8 to 9 was written anew" in verify(paths[0], head_file=paths[1]).findings[0]


def test_rows_added_after_the_last_head_are_no_finding(paths: tuple[Path, Path]) -> None:
    fill(paths[0], 4)
    verdict = verify(paths[0], head_file=paths[1])
    assert (verdict.findings, verdict.rows, verdict.witnessed_rows) == ([], 13, 9)


@pytest.mark.parametrize(
    "change", [('"rows":9', '"rows":8'), ('"utc":"2', '"utc":"3'), ('"signature":"', '"signature":"00')]
)
def test_a_head_that_was_changed_is_found(paths: tuple[Path, Path], change: tuple[str, str]) -> None:
    paths[1].write_text(paths[1].read_text().replace(*change))
    assert "not signed by a key" in verify(paths[0], head_file=paths[1]).findings[0]


def test_a_head_of_more_rows_that_the_key_signed_is_believed(paths: tuple[Path, Path]) -> None:
    key = Ed25519PrivateKey.from_private_bytes(key_file(paths[0]).read_bytes())
    ledger = json.loads(contents(paths[0])[0][1])["ledger"]
    HeadFile(paths[1]).keep(sign(Head(ledger, 12, "ab" * 32, "2026-01-01T00:00:00.000000Z"), key))
    assert "rows 10 to 12 are missing" in verify(paths[0], head_file=paths[1]).findings[0]


@pytest.mark.parametrize("contents_", [b"", b"\xff\n", b"{}\n[]\nnull\n", b'{"head":{"rows":1}}\n', b"x" * 5000])
def test_a_file_without_a_usable_head_checks_nothing_and_says_so(paths: tuple[Path, Path], contents_: bytes) -> None:
    paths[1].write_bytes(contents_)
    verdict = verify(paths[0], head_file=paths[1])
    assert verdict.findings == ["end: heads has no signed head of this ledger"]
    assert not verdict.end_checked


def test_heads_of_another_ledger_are_not_taken_for_this_one(paths: tuple[Path, Path], tmp_path: Path) -> None:
    fill(tmp_path / "other", 2, paths[1])
    verdict = verify(tmp_path / "other", head_file=paths[1])
    assert (verdict.findings, verdict.heads, verdict.heads_skipped) == ([], 1, 3)


def test_heads_of_an_old_key_stay_good_after_a_new_one(paths: tuple[Path, Path]) -> None:
    key_file(paths[0]).unlink()
    fill(paths[0], 1, paths[1])
    verdict = verify(paths[0], head_file=paths[1])
    assert (verdict.findings, verdict.heads, verdict.witnessed_rows) == ([], 4, 11)


def test_a_time_that_fell_without_a_word_is_found(paths: tuple[Path, Path]) -> None:
    utc = json.loads(contents(paths[0])[4][1])["utc"]
    rewrite(paths[0], 5, (utc, "2001" + utc[4:]))
    assert verify(paths[0]).findings == ["row 5: its time is before that of the row before it, and it does not say so"]


def test_a_clock_set_back_by_a_year_and_forth_is_marked_and_verifies(tmp_path: Path) -> None:
    year_ns = 31_536_000 * 10**9
    for years in (56, 55, 56):

        async def append(now_ns: int = years * year_ns) -> None:
            async with await Ledger.open(tmp_path / "l", clock_ns=lambda: now_ns) as ledger:
                await ledger.append("note", {"text": ""})
                await ledger.append("note", {"text": ""})

        asyncio.run(append())
    sources = [json.loads(body)["utc_source"] for _, body, _, _ in contents(tmp_path / "l")]
    assert [number for number, source in enumerate(sources, 1) if source == "host clock, set back"] == [4]
    assert verify(tmp_path / "l").verified


def test_a_moved_row_is_named_with_the_number_it_had(paths: tuple[Path, Path]) -> None:
    tamper(
        paths[0],
        "UPDATE entry SET sequence = 100 WHERE sequence = 5",
        "UPDATE entry SET sequence = 5 WHERE sequence = 6",
        "UPDATE entry SET sequence = 6 WHERE sequence = 100",
    )
    findings = verify(paths[0]).findings
    assert findings[0].startswith("row 5: it does not follow")
    assert "row 5: its contents do not fit its hash (moved: it was row 6)" in findings
    assert "row 6: its contents do not fit its hash (moved: it was row 5)" in findings


@pytest.mark.req("LEDGER-3")
def test_two_outcomes_of_a_dose_are_found(tmp_path: Path) -> None:
    async def write() -> None:
        async with await Ledger.open(tmp_path / "l") as ledger:
            await ledger.append("intent", {"dose_id": "d1"})
            await ledger.append("outcome", {"dose_id": "d1", "outcome": "delivered"})
            await ledger.append("intent", {"dose_id": "d2"})
            await ledger.append("outcome", {"dose_id": "d2", "outcome": "delivered"})

    asyncio.run(write())
    with closing(sqlite3.connect(tmp_path / "l", isolation_level=None)) as database:
        database.execute("DROP INDEX one_of_each")
    rewrite(tmp_path / "l", 5, ('"d2"', '"d1"'))
    assert "row 5: second outcome of dose d1" in verify(tmp_path / "l").findings


def test_one_octet_changed_in_the_file_itself_is_found(paths: tuple[Path, Path]) -> None:
    octets = bytearray(paths[0].read_bytes())
    at = octets.rfind(b"row 2")
    assert at > 0
    octets[at + 4] ^= 1
    paths[0].write_bytes(octets)
    assert verify(paths[0]).findings == ["row 4: its contents do not fit its hash (changed)"]


@real
async def test_a_ledger_in_use_is_verified_as_it_is_now(tmp_path: Path) -> None:
    heads = tmp_path / "heads"
    async with await Ledger.open(tmp_path / "l", witnesses=[HeadFile(heads)], limits=EACH_ROW) as ledger:
        for rows in range(2, 30):
            await ledger.append("note", {"text": "x" * 3000})
            verdict = await asyncio.to_thread(verify, tmp_path / "l")
            assert (verdict.rows, verdict.findings) == (rows, [])
        await ledger.append("note", {"text": "undisturbed"})
    assert verify(tmp_path / "l", head_file=heads).verified


@real
async def test_verifying_in_the_process_that_holds_the_ledger_leaves_it_held(tmp_path: Path) -> None:
    async with await Ledger.open(tmp_path / "l") as ledger:
        assert (await asyncio.to_thread(verify, tmp_path / "l")).verified
        command = [sys.executable, "-m", "tests.host.ledger_writer", tmp_path / "l"]
        other = await asyncio.to_thread(subprocess.run, command, capture_output=True, text=True, timeout=60)
        assert other.stdout == ""
        assert "held by another process" in other.stderr
        await ledger.append("note", {"text": "undisturbed"})


def test_a_ledger_is_verified_while_another_process_writes_it(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "tests.host.ledger_writer", tmp_path / "l"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as writer:
        try:
            assert writer.stdout is not None
            for _ in range(8):
                known = [int(writer.stdout.readline().split()[0]) for _ in range(40)][-1]
                verdict = verify(tmp_path / "l")
                assert verdict.findings == []
                assert verdict.rows >= known
        finally:
            writer.kill()


def test_it_checks_heads_by_itself_without_the_rest_of_the_host(paths: tuple[Path, Path], tmp_path: Path) -> None:
    copy = tmp_path / "verifier.py"
    copy.write_text(Path(verify.__code__.co_filename).read_text())
    command = [sys.executable, "-I", copy, paths[0], paths[1]]
    whole = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert (whole.returncode, whole.stderr) == (0, "")
    assert "cannot be found" not in whole.stdout
    tamper(paths[0], "DELETE FROM entry WHERE sequence = 9")
    cut = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert cut.returncode == 7
    assert "rows 9 to 9 are missing" in cut.stdout
    alone = subprocess.run(command[:-1], capture_output=True, text=True, check=False, timeout=60)
    assert alone.returncode == 0
    assert "rows cut off at the end cannot be found without a head file" in alone.stdout
