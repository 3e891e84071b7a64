"""A short scenario that every board can run: priming to its end, and a dose that a stop frame ends."""

import asyncio

from hil.bench import Bench
from hil.recording import Recording
from hil.scenarios.raw_host import RawHost
from hil.tape import Tape
from protocol import codes

SMALL_NL = 300
LARGE_NL = 4000
RATE_NL_S = 5000
STOP_AFTER_S = 0.7


async def two_doses(bench: Bench) -> None:
    async with RawHost(bench.transport(), bench.seed) as host:
        await host.ready()
        # To waste, so that the dose need not wait until the interval between doses to the patient is over.
        await host.ended(await host.start(SMALL_NL, RATE_NL_S, kind=codes.KIND_PRIME))
        dose_id = await host.start(LARGE_NL, RATE_NL_S)
        await asyncio.sleep(STOP_AFTER_S)
        await host.stop()
        await host.ended(dose_id)


def recorded(target: str = "twin", seed: int = 5, node: str | None = None, **options) -> Recording:
    """Run it with a tape and return the recording."""
    with Bench(target, seed, **options) as bench:
        tape = Tape(bench)
        bench.run(two_doses(bench))
        return tape.recording(node)
