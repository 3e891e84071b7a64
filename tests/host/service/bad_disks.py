"""A service whose ledger cannot be used: what still works. Also ``python -m tests.host.service.bad_disks STEP FOLDER``.

The steps run in a mount namespace of their own (``unshare --mount --map-root-user``), on a disk that nobody else sees.
"""

import asyncio
import json
import os
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

from host.errors import RigError
from host.ledger_verify import read_rows, verify
from host.service.works import DoseBody, give_dose
from protocol import codes
from tests.host.fake_device import FakeDevice
from tests.host.loops import now_ms
from tests.host.service.clinic import Clinic, clinic

DISK_OCTETS = 4 << 20
LONG_S = 60.0


def ledger_of(folder: Path) -> Path:
    return folder / "rigs" / "chair-1" / "ledger.sqlite3"


async def ordered(here: Clinic, body: DoseBody, key: str | None = None) -> dict[str, Any]:
    """Order a dose and return its command as programs see it, ended; raises what refuses it."""
    dose_id = here.rig.new_dose_id(body.kind, key)
    arguments = {"kind": body.kind, "channel": body.channel, "volume_nl": body.volume_nl}
    command = await here.rig.begin(
        "dose", arguments, lambda rig: give_dose(rig, body, dose_id, "ravi"), operator="ravi", key=key, dose_id=dose_id
    )
    await here.rig.until_ended(command.id, LONG_S)
    return here.rig.command(command.id).as_dict()


async def still_works(here: Clinic) -> dict[str, Any]:
    """Order agent, a rescue, the same rescue again, and a stop; return what became of each."""
    told: dict[str, Any] = {}
    try:
        await ordered(here, DoseBody(2_000, 2_000, "agent"))
    except RigError as error:
        told["agent"] = error.code
    here.device.permits = True
    rescue = DoseBody(3_000, 3_000, "counter_agent", "rescue")
    told["rescue"] = await ordered(here, rescue, key="rescue-1")
    told["again"] = await ordered(here, rescue, key="rescue-1")
    told["executed"] = [dose.hex() for dose in here.device.executed]
    told["stop"] = (await here.rig.stop(codes.CAUSE_OPERATOR, "ravi")).as_dict()
    told["ready"] = here.rig.view()["ready"]
    return told


async def until_recorded(here: Clinic, command_id: str) -> None:
    await here.until(lambda: here.rig.command(command_id).recorded)


def rows_of(path: Path, *kinds: str) -> list[dict[str, Any]]:
    return [fields for _, fields in read_rows(path) if fields["kind"] in kinds]


def mount(folder: Path, *options: str) -> None:
    subprocess.run(["mount", *options, str(folder)], check=True)


def fill(folder: Path) -> Path:
    ballast = folder / "ballast"
    with ballast.open("wb", buffering=0) as file, suppress(OSError):
        while file.write(bytes(4096)):
            pass
    return ballast


def _closed(path: Path, told: dict[str, Any]) -> dict[str, Any]:
    verdict = verify(path)
    return {
        **told,
        "findings": verdict.findings,
        "commands": rows_of(path, "command"),
        "ends": rows_of(path, "command_end"),
        "foreign": rows_of(path, "foreign"),
        "intents": rows_of(path, "intent"),
    }


async def full(folder: Path) -> dict[str, Any]:
    mount(folder, "-t", "tmpfs", "-o", f"size={DISK_OCTETS}", "tmpfs")
    async with clinic(folder, devices={"chair-1": FakeDevice(now_ms)}) as here:
        ballast = fill(folder)
        told = await still_works(here)
        ballast.unlink()
        await until_recorded(here, told["rescue"]["id"])
        here.device.state = codes.DEVICE_READY
        told["after"] = await ordered(here, DoseBody(1_000, 2_000, "flush"))
    return _closed(ledger_of(folder), told)


async def full_from_the_start(folder: Path) -> dict[str, Any]:
    mount(folder, "-t", "tmpfs", "-o", f"size={DISK_OCTETS}", "tmpfs")
    ballast = fill(folder)
    async with clinic(folder, devices={"chair-1": FakeDevice(now_ms)}, connect=False) as here:
        await here.until(lambda: here.rig.view()["state"] == "ready")
        told = await still_works(here)
        told["problem"] = here.rig.view()["ledger"]["problem"]["code"]
        ballast.unlink()
        await until_recorded(here, told["rescue"]["id"])
        # Rig and ledger are compared when the link stands again: the rescue that no ledger saw comes from the rig.
        await here.until(lambda: here.rig.link.state == "connected" and here.rig.view()["telemetry"])
        here.device.state = codes.DEVICE_READY
        told["after"] = await ordered(here, DoseBody(1_000, 2_000, "flush"))
    return _closed(ledger_of(folder), told)


async def read_only(folder: Path) -> dict[str, Any]:
    mount(folder, "-t", "tmpfs", "tmpfs")
    async with clinic(folder, devices={"chair-1": FakeDevice(now_ms)}):
        pass
    mount(folder, "-o", "remount,ro")
    async with clinic(folder, devices={"chair-1": FakeDevice(now_ms)}, connect=False) as here:
        await here.until(lambda: here.rig.view()["state"] == "ready")
        told = await still_works(here)
        told["problem"] = here.rig.view()["ledger"]["problem"]["code"]
    return _closed(ledger_of(folder), told)


STEPS = {each.__name__: each for each in (full, full_from_the_start, read_only)}

if __name__ == "__main__":
    os.umask(0o077)
    print(json.dumps(asyncio.run(STEPS[sys.argv[1]](Path(sys.argv[2])))))
