"""A writer killed in the middle of its work: what it called durable is there, and the chain is whole."""

import asyncio
import contextlib
import os
import random
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from host.ledger import Ledger
from host.ledger_verify import verify

KILLS = 5


@pytest.mark.req("LEDGER-4", "LEDGER-5")
def test_kill_9_in_mid_transaction_loses_no_durable_row(tmp_path: Path) -> None:
    path = tmp_path / "ledger.sqlite3"
    chance = random.Random(os.environ["NANORIG_SEED"])
    for _ in range(KILLS):
        number, digest = _write_and_kill(path, rows=chance.randrange(1, 60))
        killed = verify(path)
        assert killed.findings == []
        assert killed.rows >= number
        hashes = asyncio.run(_hashes(path))
        assert hashes[number] == digest
        assert verify(path).verified


def _write_and_kill(path: Path, rows: int) -> tuple[int, str]:
    """Return the last row that the writer called durable before it was killed."""
    writer = subprocess.Popen(
        [sys.executable, "-m", "tests.host.ledger_writer", path], stdout=subprocess.PIPE, text=True, bufsize=1
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
