"""A writer killed in the middle of its work: what it called durable is there, and the chain is whole."""

import asyncio
import contextlib
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from host.ledger import Ledger
from host.ledger_verify import verify
from tests.host.ledgers import contents, fill, make_format_1

KILLS = 5


@pytest.mark.req("LEDGER-4", "LEDGER-5")
def test_kill_9_in_mid_transaction_loses_no_durable_row(tmp_path: Path) -> None:
    path, heads = tmp_path / "ledger.sqlite3", tmp_path / "heads"
    chance = random.Random(os.environ["NANORIG_SEED"])
    for _ in range(KILLS):
        number, digest = _write_and_kill(path, heads, rows=chance.randrange(1, 60))
        # A head is never ahead of the rows that are durable.
        killed = verify(path, head_file=heads)
        assert killed.findings == []
        assert killed.heads > 0
        assert killed.rows >= number
        hashes = asyncio.run(_hashes(path))
        assert hashes[number] == digest
        assert verify(path).verified


@pytest.mark.req("LEDGER-4")
def test_kill_9_around_a_migration_leaves_the_old_ledger_or_the_new_one(tmp_path: Path) -> None:
    chance = random.Random(os.environ["NANORIG_SEED"])
    for number in range(KILLS):
        path = tmp_path / str(number)
        make_format_1(path)
        old = contents(path)
        command = [sys.executable, "-m", "tests.host.ledger_writer", path]
        with subprocess.Popen(command, stdout=subprocess.PIPE) as writer:
            backup = path.with_name(f"{number}.format-1.backup")
            while not backup.exists():
                assert writer.poll() is None
                time.sleep(0.001)
            time.sleep(chance.random() / 100)
            writer.kill()
        assert verify(path).findings == []
        fill(path, 1)
        rows = contents(path)
        assert rows[: len(old)] == old
        assert contents(backup) == old
        assert sum('"text":"ledger migrated' in body for _, body, _, _ in rows) == 1


def _write_and_kill(path: Path, heads: Path, rows: int) -> tuple[int, str]:
    """Return the last row that the writer called durable before it was killed."""
    writer = subprocess.Popen(
        [sys.executable, "-m", "tests.host.ledger_writer", path, heads], stdout=subprocess.PIPE, text=True, bufsize=1
    )
    assert writer.stdout is not None
    last = ""
    with contextlib.closing(writer.stdout):
        for _ in range(rows):
            last = writer.stdout.readline()
        # The writer is somewhere in its next transaction now.
        writer.send_signal(signal.SIGKILL)
        for line in writer.stdout:
            last = line if line.endswith("\n") else last
    assert writer.wait(timeout=30) == -signal.SIGKILL
    number, digest = last.split()
    return int(number), digest


async def _hashes(path: Path) -> dict[int, str]:
    async with await Ledger.open(path) as ledger:
        return {row.sequence: row.hash for row in await ledger.rows(10_000)}
