"""The fake device behind a pseudo terminal, in real time, as a process: ``python -m tests.host.pty_device MODE``.

Prints the port's path, a name of its own: the kernel gives the number of a terminal that has ended to the next one,
which may be another test's. Modes: good, other_schema, silent, garbage, repl, deaf (answers nothing that is no stop).
A line on stdin: ``unplug`` ends the terminal, ``boot`` restarts the device, ``facts`` prints what happened as JSON.
"""

import asyncio
import contextlib
import json
import os
import pty
import sys
import tempfile
import tty
from pathlib import Path

from tests.host.fake_device import FakeDevice, run_device
from tests.host.loops import now_ms

GARBAGE = bytes(range(1, 256)) * 2 + b"\0"
REPL = b"Traceback (most recent call last):\r\nMicroPython v1.25.0; Raspberry Pi Pico\r\n>>> "


async def main(mode: str, port: Path) -> None:
    """Serve under the name ``port`` until stdin ends."""
    master, slave = pty.openpty()
    tty.setraw(master)
    tty.setraw(slave)
    os.set_blocking(master, False)
    port.symlink_to(os.ttyname(slave))
    print(port, flush=True)
    loop = asyncio.get_running_loop()
    device = FakeDevice(now_ms, schema=b"another!") if mode == "other_schema" else FakeDevice(now_ms)
    tasks: list[asyncio.Task[None]] = []

    def write(data: bytes) -> None:
        with contextlib.suppress(BlockingIOError, OSError):
            os.write(master, data)

    def readable() -> None:
        try:
            data = os.read(master, 4096)
        except OSError:
            loop.remove_reader(master)
            return
        if mode == "garbage":
            write(GARBAGE)
        elif mode == "repl":
            write(REPL)
        elif mode != "silent":
            device.receive(data)
            write(device.transmit())

    loop.add_reader(master, readable)
    tasks.append(asyncio.create_task(run_device(device, write if mode in {"good", "other_schema"} else bytes)))
    commands = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(commands), sys.stdin)
    while line := (await commands.readline()).decode().strip():
        if line == "unplug":
            loop.remove_reader(master)
            port.unlink()
            os.close(slave)
            os.close(master)
            write = bytes  # type: ignore[assignment]
        elif line == "boot":
            device.boot()
        elif line == "facts":
            doses = [
                {"id": dose.dose_id.hex(), "state": dose.state, "emitted_steps": dose.emitted_steps}
                for dose in device.doses.values()
            ]
            facts = {"stop_frames": device.stop_frames, "executed": len(device.executed), "doses": doses}
            print(json.dumps({**facts, "state": device.state}), flush=True)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory(prefix="nanorig-") as folder:
        asyncio.run(main(sys.argv[1], Path(folder, "port")))
