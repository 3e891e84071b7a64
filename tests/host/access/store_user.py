"""Changes a store as fast as it can: ``python -m tests.host.access.store_user FILE NAME COUNT``."""

import asyncio
import sys
from pathlib import Path

from host.access.identity import Role
from host.access.records import DAY_MS
from host.access.store import Store
from host.errors import RigError


async def main(path: Path, name: str, count: int) -> None:
    """Open it, be the first supervisor or one of them, and make tokens; say what was durable."""
    async with await Store.open(path) as store:
        await store.add_user(f"local:{name}", name, [Role.SUPERVISOR], "kept")
        try:
            await store.add_user(f"local:{name}", "both", [Role.SUPERVISOR], "kept")
            print("first", flush=True)
        except RigError as error:
            print(error.code, flush=True)
        for _ in range(count):
            made = await store.create_token(name, f"{name}-loop", Role.BENCH, life_ms=DAY_MS)
            print(made.token.id, flush=True)


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])))
