"""The ledger on disks that are full, read-only or torn: what was durable stays, what was not is told."""

import asyncio
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from host.errors import RigError
from host.head_file import HeadFile
from host.ledger import Ledger
from host.ledger_verify import verify
from tests.host.ledgers import contents, fill
from tests.host.loops import real

pytestmark = pytest.mark.req("LEDGER-4", "LEDGER-5")

UNSHARE = ["unshare", "--mount", "--map-root-user"]
PAGE = 4096
WAL_START, FRAME = 32, 24 + PAGE


def may_mount() -> bool:
    if shutil.which("unshare") is None:
        return False
    command = [*UNSHARE, "mount", "-t", "tmpfs", "tmpfs", "/mnt"]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


mounted = pytest.mark.skipif(not may_mount(), reason="needs a mount namespace of its own (unshare --mount)")


def on_small_disk(step: str, folder: Path) -> dict[str, Any]:
    command = [*UNSHARE, sys.executable, "-m", "tests.host.ledger_on_small_disk", step, folder]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr
    told: dict[str, Any] = json.loads(done.stdout)
    return told


@mounted
def test_a_full_disk_loses_nothing_and_goes_on_when_there_is_room(tmp_path: Path) -> None:
    told = on_small_disk("full", tmp_path)
    assert told["codes"] == ["ledger_full", "ledger_full"]
    assert told["before"] == told["after"]
    assert told["while_full"] == told["before"][0]
    assert told["row"] == told["rows"] == told["before"][0] + 1
    assert told["findings"] == []


@mounted
def test_a_ledger_closed_on_a_full_disk_keeps_every_durable_row(tmp_path: Path) -> None:
    told = on_small_disk("full_and_closed", tmp_path)
    assert [told["rows"], told["head"]] == told["before"]
    assert told["findings"] == []


@mounted
def test_a_disk_without_any_room_is_told_on_opening(tmp_path: Path) -> None:
    assert on_small_disk("full_from_the_start", tmp_path) == {"code": "ledger_full"}


@mounted
def test_a_ledger_that_there_is_no_room_to_copy_is_not_migrated_until_there_is(tmp_path: Path) -> None:
    told = on_small_disk("full_before_migration", tmp_path)
    assert told == {"code": "ledger_full", "left": [], "unchanged": True, "rows_afterwards": 1}


@mounted
def test_a_read_only_disk_is_told_and_the_ledger_on_it_can_be_verified(tmp_path: Path) -> None:
    assert on_small_disk("read_only", tmp_path) == {"code": "ledger_read_only", "rows": 2, "findings": []}


@pytest.fixture
def left_open(tmp_path: Path) -> tuple[Path, Path]:
    """A ledger as a power cut leaves it: 12 rows, some of them in the write-ahead log only; all have a head."""
    path, heads = tmp_path / "ledger.sqlite3", tmp_path / "heads"

    async def write() -> None:
        async with await Ledger.open(tmp_path / "live") as ledger:
            for number in range(11):
                await ledger.append("note", {"text": f"row {number} " + "x" * 1500})
            for end in ("", "-wal", ".key"):
                shutil.copyfile(tmp_path / f"live{end}", tmp_path / f"ledger.sqlite3{end}")

    asyncio.run(write())
    fill_heads(path, heads, tmp_path / "copy")
    return path, heads


def fill_heads(path: Path, heads: Path, copy: Path) -> None:
    """Have the head of the ledger signed, without touching the ledger."""
    for end in ("", "-wal", ".key"):
        shutil.copyfile(f"{path}{end}", f"{copy}{end}")
    fill(copy, 0, heads)


def wal(path: Path) -> Path:
    return path.with_name(path.name + "-wal")


def test_rows_in_the_log_only_are_there_after_a_power_cut(left_open: tuple[Path, Path]) -> None:
    verdict = verify(left_open[0], head_file=left_open[1])
    assert (verdict.rows, verdict.findings, verdict.witnessed_rows) == (12, [], 12)
    fill(left_open[0], 1, left_open[1])
    assert verify(left_open[0], head_file=left_open[1]).rows == 13


@pytest.mark.parametrize("cut", [1, PAGE, FRAME - 1])
def test_a_torn_last_page_of_the_log_costs_the_last_transaction_only_and_heads_show_it(
    left_open: tuple[Path, Path], cut: int
) -> None:
    path, heads = left_open
    os.truncate(wal(path), wal(path).stat().st_size - cut)
    assert (verify(path).rows, verify(path).findings) == (11, [])
    assert "rows 12 to 12 are missing" in verify(path, head_file=heads).findings[0]
    with pytest.raises(RigError, match=r"Row 12 of the ledger .* is missing"):
        fill(path, 1, heads)
    fill(path, 1)
    assert verify(path).findings == []


def test_a_zeroed_page_in_the_log_loses_what_follows_and_heads_show_it(left_open: tuple[Path, Path]) -> None:
    path, heads = left_open
    size = wal(path).stat().st_size
    with wal(path).open("r+b") as file:
        file.seek(WAL_START + (size // FRAME // 2) * FRAME)
        file.write(bytes(FRAME))
    verdict = verify(path, head_file=heads)
    assert verdict.rows < 12
    assert f"rows {verdict.rows + 1} to 12 are missing" in verdict.findings[0]


@pytest.mark.parametrize("damage", ["cut", "zeroed"])
@real
async def test_a_torn_last_page_of_the_file_is_a_clear_error_and_the_backup_goes_on(
    tmp_path: Path, damage: str
) -> None:
    path, backup = tmp_path / "ledger.sqlite3", tmp_path / "backup"
    await asyncio.to_thread(fill, path, 200)
    shutil.copyfile(path, backup)
    size = path.stat().st_size
    os.truncate(path, size - PAGE)
    if damage == "zeroed":
        os.truncate(path, size)
    torn = path.read_bytes()
    assert not verify(path).verified
    with pytest.raises(RigError) as caught:
        async with await Ledger.open(path) as ledger:
            await ledger.append("note", {"text": ""})
    assert caught.value.code == "ledger_corrupt"
    assert path.read_bytes() == torn
    async with await Ledger.open(backup) as ledger:
        await ledger.append("note", {"text": "goes on"})
    assert verify(backup).verified


@real
async def test_a_held_ledger_is_told_and_neither_side_loses_a_row(tmp_path: Path) -> None:
    heads = HeadFile(tmp_path / "heads")
    async with await Ledger.open(tmp_path / "l", witnesses=[heads]) as ledger:
        await ledger.append("note", {"text": "one"})
        with pytest.raises(RigError) as caught:
            await Ledger.open(tmp_path / "l", witnesses=[heads])
        assert caught.value.code == "ledger_locked"
        await ledger.append("note", {"text": "two"})
    assert [json.loads(body)["text"] for _, body, _, _ in contents(tmp_path / "l")] == ["ledger opened", "one", "two"]
