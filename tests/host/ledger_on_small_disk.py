"""A ledger on a file system of its own, small or read-only: ``python -m tests.host.ledger_on_small_disk STEP FOLDER``.

Runs in a mount namespace of its own (``unshare --mount --map-root-user``), so that nobody else sees the disk.
"""

import asyncio
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from host.errors import RigError
from host.ledger import Ledger
from host.ledger_verify import verify
from tests.host.ledgers import contents, make_format_1

DISK_OCTETS = 512 * 1024
BALLAST_OCTETS = 256 * 1024
MAX_ROWS = 500


def mount(folder: Path, *options: str) -> None:
    subprocess.run(["mount", *options, str(folder)], check=True)


async def append_until_full(ledger: Ledger) -> dict[str, Any]:
    """Append until the disk is full, and once more; tell the end before and after, and what was said."""
    codes = []
    for _ in range(MAX_ROWS):
        before = await ledger.head()
        try:
            await ledger.append("note", {"text": "x" * 2000})
        except RigError as error:
            codes.append(error.code)
            if len(codes) == 2:
                return {"codes": codes, "before": before, "after": await ledger.head()}
    raise AssertionError("the disk does not fill")


async def full(folder: Path) -> dict[str, Any]:
    mount(folder, "-t", "tmpfs", "-o", f"size={DISK_OCTETS}", "tmpfs")
    ballast = folder / "ballast"
    ballast.write_bytes(bytes(BALLAST_OCTETS))
    path = folder / "ledger.sqlite3"
    async with await Ledger.open(path) as ledger:
        told = await append_until_full(ledger)
        told["while_full"] = verify(path).rows
        ballast.unlink()
        row = await ledger.append("note", {"text": "there is room again"})
    verdict = verify(path)
    return {**told, "row": row.sequence, "rows": verdict.rows, "findings": verdict.findings}


async def full_and_closed(folder: Path) -> dict[str, Any]:
    mount(folder, "-t", "tmpfs", "-o", f"size={DISK_OCTETS}", "tmpfs")
    path = folder / "ledger.sqlite3"
    async with await Ledger.open(path) as ledger:
        told = await append_until_full(ledger)
    verdict = verify(path)
    return {**told, "rows": verdict.rows, "findings": verdict.findings, "head": verdict.head}


async def full_from_the_start(folder: Path) -> dict[str, Any]:
    mount(folder, "-t", "tmpfs", "-o", "size=8192", "tmpfs")
    try:
        await Ledger.open(folder / "ledger.sqlite3")
    except RigError as error:
        return {"code": error.code}
    raise AssertionError("opened on a disk without room")


async def full_before_migration(folder: Path) -> dict[str, Any]:
    mount(folder, "-t", "tmpfs", "-o", f"size={DISK_OCTETS}", "tmpfs")
    path, ballast = folder / "ledger.sqlite3", folder / "ballast"
    make_format_1(path)
    old = contents(path)
    room = os.statvfs(folder)
    ballast.write_bytes(bytes(room.f_bavail * room.f_frsize))
    try:
        await Ledger.open(path)
    except RigError as error:
        left = sorted(each.name for each in folder.iterdir() if each.suffix == ".part")
        ballast.unlink()
        unchanged = contents(path) == old
        async with await Ledger.open(path) as ledger:
            rows, _ = await ledger.head()
        return {"code": error.code, "left": left, "unchanged": unchanged, "rows_afterwards": rows - len(old)}
    raise AssertionError("migrated on a disk without room")


async def read_only(folder: Path) -> dict[str, Any]:
    mount(folder, "-t", "tmpfs", "tmpfs")
    path = folder / "ledger.sqlite3"
    async with await Ledger.open(path) as ledger:
        await ledger.append("note", {"text": ""})
    mount(folder, "-o", "remount,ro")
    try:
        await Ledger.open(path)
    except RigError as error:
        verdict = verify(path)
        return {"code": error.code, "rows": verdict.rows, "findings": verdict.findings}
    raise AssertionError("opened on a read-only disk")


STEPS = {each.__name__: each for each in (full, full_and_closed, full_from_the_start, full_before_migration, read_only)}

if __name__ == "__main__":
    print(json.dumps(asyncio.run(STEPS[sys.argv[1]](Path(sys.argv[2])))))
