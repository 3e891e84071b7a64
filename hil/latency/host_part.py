"""The host's part of a stop, in real time on this machine: from the call of ``Rig.stop`` to the octets written.

The device is the simulated rig in a process of its own behind a serial port; only its answer's content matters.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from host.errors import RigError
from host.link.transport import Transport
from host.link.urls import open_transport
from host.rig import Rig

START_TIMEOUT_S = 20.0


def measure(count: int) -> list[float]:
    """Call ``Rig.stop`` so many times and return how long each took until its octets were written, us."""
    if count <= 0:
        return []
    with _served() as url:
        return asyncio.run(_calls(url, count))


@contextmanager
def _served() -> Iterator[str]:
    command = [sys.executable, "-m", "host", "hil", "serve", "--target", "twin", "--json"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            line = process.stdout.readline()
            if not line:
                raise RigError("internal", "The simulated rig for the host's part did not start.", "Try: rig hil serve")
            yield json.loads(line)["url"]
        finally:
            process.terminate()
            process.wait(START_TIMEOUT_S)


async def _calls(url: str, count: int) -> list[float]:
    written = _Written()

    async def opened() -> Transport:
        written.transport = await open_transport(url)
        return written

    spent_us = []
    async with Rig(opened, operator="bench") as rig:
        for _ in range(count):
            written.at_ns = 0
            began_ns = time.perf_counter_ns()
            await rig.stop()
            spent_us.append((written.at_ns - began_ns) / 1000)
    return spent_us


class _Written:
    """A transport that notes when the first write since ``at_ns`` was cleared was done."""

    transport: Transport

    def __init__(self) -> None:
        self.at_ns = 0

    async def write(self, data: bytes) -> None:
        await self.transport.write(data)
        self.at_ns = self.at_ns or time.perf_counter_ns()

    async def read(self) -> bytes:
        return await self.transport.read()

    async def close(self) -> None:
        await self.transport.close()
