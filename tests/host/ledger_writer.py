"""Writes rows until it is killed, telling each durable one: ``python -m tests.host.ledger_writer FILE [HEADFILE]``."""

import asyncio
import sys
from pathlib import Path

from host.head_file import HeadFile
from host.ledger import Ledger
from tests.host.ledgers import EACH_ROW


async def main(path: Path, *heads: Path) -> None:
    """Append for ever; each head is handed to a head file as soon as it can be."""
    witnesses = [HeadFile(each) for each in heads]
    async with await Ledger.open(path, witnesses=witnesses, limits=EACH_ROW) as ledger:
        while True:
            row = await ledger.append("note", {"text": "x" * 2000})
            sys.stdout.write(f"{row.sequence} {row.hash}\n")
            sys.stdout.flush()


if __name__ == "__main__":
    asyncio.run(main(*map(Path, sys.argv[1:])))
