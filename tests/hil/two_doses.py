"""A short scenario that every board can run: priming to its end, and a dose that a stop frame ends.

Each order follows a telemetry frame, so that it meets the device's ticks at the same place on every board; and the stop
is sent at a time from the order, for the answers come sooner from one board than from another.
"""

import asyncio

from hil.bench import Bench
from hil.recording import Recording
from hil.scenarios.raw_host import RawHost
from hil.tape import Tape
from protocol import codes, typed

SMALL_NL = 300
LARGE_NL = 4000
RATE_NL_S = 5000
STOP_AFTER_S = 0.7
WRITTEN_S = 1.0
"""What a dose leaves behind is in the journal by then; an order right behind it would wait for that."""


async def two_doses(bench: Bench) -> None:
    async with RawHost(bench.transport(), bench.seed) as host:
        await host.ready()
        # To waste, so that the dose need not wait until the interval between doses to the patient is over.
        await host.hear(typed.Telemetry)
        await host.ended(await host.start(SMALL_NL, RATE_NL_S, kind=codes.KIND_PRIME))
        await asyncio.sleep(WRITTEN_S)
        await host.hear(typed.Telemetry)
        stop_s = asyncio.get_running_loop().time() + STOP_AFTER_S
        dose_id = await host.start(LARGE_NL, RATE_NL_S)
        await asyncio.sleep(stop_s - asyncio.get_running_loop().time())
        await host.stop()
        await host.ended(dose_id)


def recorded(target: str = "twin", seed: int = 5, node: str | None = None, **options) -> Recording:
    """Run it with a tape and return the recording."""
    with Bench(target, seed, **options) as bench:
        tape = Tape(bench)
        bench.run(two_doses(bench))
        return tape.recording(node)
