"""The fake device behind a pseudo terminal, in real time, as a process: ``python -m tests.host.pty_device MODE``.

Prints the port's path. Modes: good, other_schema, silent, garbage, repl, deaf (answers nothing that is no stop).
A line on stdin: ``unplug`` ends the terminal, ``boot`` restarts the device, ``facts`` prints what happened as JSON.
"""

import asyncio
import contextlib
import json
import os
import pty
import sys
import tty

from tests.host.fake_device import FakeDevice, run_device
from tests.host.loops import now_ms

GARBAGE = bytes(range(1, 256)) * 2 + b"\0"
REPL = b"Traceback (most recent call last):\r\nMicroPython v1.25.0; Raspberry Pi Pico\r\n>>> "


async def main(mode: str) -> None:
    """Serve until stdin ends."""
    master, slave = pty.openpty()
    tty.setraw(master)
    tty.setraw(slave)
    os.set_blocking(master, False)
    print(os.ttyname(slave), flush=True)
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
    asyncio.run(main(sys.argv[1]))
