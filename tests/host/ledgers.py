"""Ledgers for tests: of the old format, filled, tampered with; and what a witness keeps in memory."""

import asyncio
import sqlite3
from contextlib import closing
from pathlib import Path

from host.hand_over import HandOverLimits
from host.head_file import HeadFile
from host.ledger import Ledger
from host.ledger_heads import SignedHead

EACH_ROW = HandOverLimits(rows=1, wait_ms=0, retry_ms=0)
FORMAT_1 = Path(__file__).with_name("ledger_format_1.sql")
FORMAT_1_ROWS = 11
FORMAT_1_HEAD = "3fa5fc6c6e4bd20edb833462751c4a9b6202be5be6e9219dfb1592cf168b5164"


def make_format_1(path: Path) -> None:
    """Make a ledger as the writer of format 1 left it."""
    with closing(sqlite3.connect(path)) as database:
        database.execute("PRAGMA journal_mode=WAL")
        database.executescript(FORMAT_1.read_text(encoding="ascii"))


def fill(path: Path, rows: int, heads: Path | None = None) -> None:
    """Append notes; with a head file the last head is in it."""

    async def append() -> None:
        witnesses = [HeadFile(heads)] if heads is not None else []
        async with await Ledger.open(path, witnesses=witnesses) as ledger:
            for number in range(rows):
                await ledger.append("note", {"text": f"row {number}"})

    asyncio.run(append())


def tamper(path: Path, *statements: str) -> None:
    """Do it as someone does who knows SQLite: the triggers are gone for the time, and back afterwards."""
    with closing(sqlite3.connect(path, isolation_level=None)) as database:
        triggers = database.execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'").fetchall()
        for name, _ in triggers:
            database.execute(f"DROP TRIGGER {name}")
        for statement in statements:
            database.execute(statement)
        for _, sql in triggers:
            database.execute(sql)


def contents(path: Path) -> list[tuple[int, str, str, str]]:
    """Return number, body, previous and hash of every row."""
    with closing(sqlite3.connect(path)) as database:
        return database.execute("SELECT sequence, body, previous, hash FROM entry ORDER BY sequence").fetchall()


class KeptHeads:
    """A witness that keeps heads in a list, and fails as long as it is told to."""

    name = "list of heads"

    def __init__(self) -> None:
        self.heads: list[SignedHead] = []
        self.failing = False
        self.attempts = 0

    def keep(self, signed: SignedHead) -> None:
        self.attempts += 1
        if self.failing:
            raise OSError(5, "the witness is away")
        self.heads.append(signed)

    def newest(self, ledger: str) -> SignedHead | None:
        if self.failing:
            raise OSError(5, "the witness is away")
        return self.heads[-1] if self.heads else None
