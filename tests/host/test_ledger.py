"""The ledger on a real disk."""

import asyncio
import os
import resource
import signal
import sqlite3
import stat
import threading
from pathlib import Path
from typing import Any

import pytest

from host.errors import RigError
from host.ledger import Ledger
from host.ledger_verify import verify
from host.places import default_ledger
from tests.host.loops import real

pytestmark = pytest.mark.req("LEDGER-4")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state" / "nanorig" / "ledger.sqlite3"


async def fill(path: Path, rows: int = 3) -> None:
    async with await Ledger.open(path) as ledger:
        for number in range(rows):
            await ledger.append("note", {"rig": "rig", "text": f"row {number}"})


def by_hand(path: Path, statement: str, *values: Any) -> None:
    database = sqlite3.connect(path, isolation_level=None)
    try:
        database.execute(statement, values)
    finally:
        database.close()


@real
async def test_rows_come_back_as_they_were_written(path: Path) -> None:
    async with await Ledger.open(path, clock_ns=lambda: 1_700_000_000_123_456_789) as ledger:
        row = await ledger.append("note", {"rig": "r", "text": "µ"})
        assert (await ledger.rows(1)) == [row]
        assert row.fields["utc"] == "2023-11-14T22:13:20.123456Z"
        assert row.fields["utc_source"] == "host clock"
        assert await ledger.head() == (2, row.hash)
    assert verify(path).head == row.hash


@real
async def test_the_chain_goes_on_after_reopening(path: Path) -> None:
    await fill(path)
    await fill(path)
    verdict = verify(path)
    assert (verdict.rows, verdict.findings) == (7, [])


@real
async def test_the_file_is_only_for_its_owner_and_folders_are_made(path: Path) -> None:
    await fill(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) & 0o077 == 0


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE entry SET body = '{}' WHERE sequence = 2",
        "UPDATE entry SET hash = previous",
        "DELETE FROM entry WHERE sequence = 2",
        "DELETE FROM entry",
        "INSERT INTO entry (sequence, body, previous, hash) VALUES (2, '{}', 'x', 'y')",
        "INSERT INTO entry (sequence, body, previous, hash) VALUES (9, '{}', 'x', 'y')",
        "INSERT INTO entry (body, previous, hash) VALUES ('{}', 'x', 'y')",
        "INSERT OR REPLACE INTO entry (sequence, body, previous, hash) VALUES (2, '{}', 'x', 'y')",
        "REPLACE INTO entry (sequence, body, previous, hash) SELECT sequence, '{}', previous, hash FROM entry",
        "INSERT OR IGNORE INTO entry (sequence, body, previous, hash) VALUES (2, '{}', 'x', 'y')",
        "UPDATE OR REPLACE entry SET sequence = 3 WHERE sequence = 2",
    ],
)
def test_statements_by_hand_are_refused_and_change_nothing(path: Path, statement: str) -> None:
    asyncio.run(fill(path))
    before = verify(path)
    with pytest.raises(sqlite3.IntegrityError, match="append-only"):
        by_hand(path, statement)
    assert verify(path) == before
    assert before.verified


@pytest.mark.parametrize("kind", ["intent", "outcome", "resolution"])
@real
async def test_a_second_row_of_a_kind_for_one_dose_is_refused(path: Path, kind: str) -> None:
    async with await Ledger.open(path) as ledger:
        await ledger.append("intent", {"rig": "r", "dose_id": "ab"}) if kind != "intent" else None
        await ledger.append(kind, {"rig": "r", "dose_id": "ab"})
        head = await ledger.head()
        with pytest.raises(RigError) as caught:
            await ledger.append(kind, {"rig": "r", "dose_id": "ab"})
        assert caught.value.code == "ledger_conflict"
        assert await ledger.head() == head
        await ledger.append("note", {"rig": "r", "text": "goes on"})


@real
async def test_a_float_has_no_place_in_a_row(path: Path) -> None:
    async with await Ledger.open(path) as ledger:
        with pytest.raises(TypeError, match="float"):
            await ledger.append("note", {"volume": 1.5})
        assert (await ledger.head())[0] == 1


@real
async def test_a_second_opener_is_told_that_it_is_held(path: Path) -> None:
    async with await Ledger.open(path) as ledger:
        with pytest.raises(RigError) as caught:
            await Ledger.open(path)
        assert caught.value.code == "ledger_locked"
        await ledger.append("note", {"text": "undisturbed"})
    async with await Ledger.open(path) as ledger:
        assert (await ledger.head())[0] == 2


@real
async def test_a_cancelled_caller_does_not_cut_a_transaction(path: Path) -> None:
    async with await Ledger.open(path) as ledger:
        gate, entered = threading.Event(), threading.Event()

        def hold() -> None:
            entered.set()
            assert gate.wait(10)

        holder = asyncio.create_task(ledger._job(hold))
        while not entered.is_set():
            await asyncio.sleep(0)
        task = asyncio.create_task(ledger.append("note", {"text": "kept"}))
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        gate.set()
        await holder
        assert [row.fields["text"] for row in await ledger.rows(1)] == ["kept"]


@real
async def test_closing_twice_is_closing_and_a_closed_ledger_says_so(path: Path) -> None:
    ledger = await Ledger.open(path)
    await ledger.close()
    await ledger.close()
    with pytest.raises(RigError) as caught:
        await ledger.head()
    assert caught.value.code == "ledger_closed"


@real
async def test_a_file_of_another_kind_is_left_as_it_is(path: Path) -> None:
    path.parent.mkdir(parents=True)
    for content in (b"these are not the rows you are looking for" * 50,):
        path.write_bytes(content)
        with pytest.raises(RigError) as caught:
            await Ledger.open(path)
        assert caught.value.code == "ledger_not_a_ledger"
        assert path.read_bytes() == content


@real
async def test_a_database_of_another_program_is_left_as_it_is(path: Path) -> None:
    path.parent.mkdir(parents=True)
    by_hand(path, "CREATE TABLE other (x)")
    before = path.read_bytes()
    with pytest.raises(RigError) as caught:
        await Ledger.open(path)
    assert caught.value.code == "ledger_not_a_ledger"
    assert path.read_bytes() == before


@real
async def test_a_newer_format_is_refused_unchanged(path: Path) -> None:
    await fill(path)
    by_hand(path, "PRAGMA user_version=3")
    with pytest.raises(RigError) as caught:
        await Ledger.open(path)
    assert caught.value.code == "ledger_newer"


@real
async def test_a_last_row_that_does_not_fit_its_hash_stops_the_writer(path: Path) -> None:
    await fill(path)
    by_hand(path, "DROP TRIGGER rows_are_never_changed")
    by_hand(path, "UPDATE entry SET body = replace(body, 'row 2', 'row X') WHERE sequence = 4")
    with pytest.raises(RigError) as caught:
        await Ledger.open(path)
    assert caught.value.code == "ledger_corrupt"


@real
async def test_torn_pages_are_a_clear_error(path: Path) -> None:
    await fill(path, 200)
    size = path.stat().st_size
    with path.open("r+b") as file:
        file.seek(4096)
        file.write(os.urandom(size - 4096))
    with pytest.raises(RigError) as caught:
        await Ledger.open(path)
    assert caught.value.code == "ledger_corrupt"


@real
async def test_a_folder_that_cannot_be_made_is_a_clear_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(RigError) as caught:
        await Ledger.open(tmp_path / "file" / "ledger.sqlite3")
    assert caught.value.code == "ledger_permission"
    with pytest.raises(RigError) as caught:
        await Ledger.open(tmp_path)
    assert caught.value.code in {"ledger_permission", "ledger_not_a_ledger"}


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full to know this is Linux")
@real
async def test_a_full_disk_loses_nothing_and_is_told(path: Path) -> None:
    async with await Ledger.open(path) as ledger:
        row = await ledger.append("note", {"text": "before"})
        limits = resource.getrlimit(resource.RLIMIT_FSIZE)
        before = _ignore_size_signal()
        resource.setrlimit(resource.RLIMIT_FSIZE, (1, limits[1]))
        try:
            with pytest.raises(RigError) as caught:
                await ledger.append("note", {"text": "does not fit"})
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, limits)
            before()
        assert caught.value.code == "ledger_full"
        assert await ledger.head() == (2, row.hash)
        await ledger.append("note", {"text": "after"})
    verdict = verify(path)
    assert (verdict.rows, verdict.findings) == (3, [])


def _ignore_size_signal() -> Any:
    old = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    return lambda: signal.signal(signal.SIGXFSZ, old)


@real
async def test_open_doses_are_those_without_an_outcome_or_with_an_unknown_one(path: Path) -> None:
    async with await Ledger.open(path) as ledger:
        for dose in ("a", "b", "c", "d", "e"):
            await ledger.append("intent", {"rig": "r1" if dose != "e" else "r2", "boot": "b1", "dose_id": dose})
        await ledger.append("outcome", {"rig": "r1", "dose_id": "b", "outcome": "delivered"})
        await ledger.append("outcome", {"rig": "r1", "dose_id": "c", "outcome": "unknown"})
        await ledger.append("outcome", {"rig": "r1", "dose_id": "d", "outcome": "unknown"})
        await ledger.append("resolution", {"rig": "r1", "dose_id": "d", "outcome": "partial"})
        found = await ledger.open_doses("r1", "", 10)
        assert [(fields["dose_id"], unknown) for fields, unknown in found] == [("a", False), ("c", True)]
        assert [fields["dose_id"] for fields, _ in await ledger.open_doses("r1", "", 1)] == ["c"]
        assert [fields["dose_id"] for fields, _ in await ledger.open_doses("other", "b1", 10)] == ["a", "c", "e"]


def test_the_default_place_follows_the_environment() -> None:
    assert default_ledger({"NANORIG_LEDGER": "/x/y"}) == Path("/x/y")
    assert default_ledger({"XDG_STATE_HOME": "/s"}) == Path("/s/nanorig/ledger.sqlite3")
    assert default_ledger({}) == Path.home() / ".local/state/nanorig/ledger.sqlite3"


@pytest.mark.req("LEDGER-4")
@real
async def test_rows_that_are_appended_together_are_all_there_or_none(path: Path) -> None:
    async with await Ledger.open(path) as ledger:
        written = await ledger.append_all([("note", {"text": "one"}), ("note", {"text": "two"})])
        assert [row.sequence for row in written] == [2, 3]
        again = {"dose_id": "a", "rig": "r1", "boot": "b1"}
        with pytest.raises(RigError):
            await ledger.append_all([("intent", again), ("note", {"text": "three"}), ("intent", again)])
        assert (await ledger.head())[0] == 3
        await ledger.append("note", {"text": "four"})
    assert verify(path).verified
