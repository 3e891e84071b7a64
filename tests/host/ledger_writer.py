"""Writes rows until it is killed, telling each one that is durable: ``python -m tests.host.ledger_writer FILE``."""

import asyncio
import sys
from pathlib import Path

from host.ledger import Ledger


async def main(path: Path) -> None:
    """Append for ever."""
    async with await Ledger.open(path) as ledger:
        while True:
            row = await ledger.append("note", {"text": "x" * 2000})
            sys.stdout.write(f"{row.sequence} {row.hash}\n")
            sys.stdout.flush()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1])))
