"""The orders in each step of which host, device or both are ended: with the client that people use."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass

from hil.bench import Bench
from hil.hosts import prepared, ready
from hil.issuer import PermitService
from host.rig import Rig
from protocol import codes

AGENT, FLUSH = codes.CHANNEL_AGENT, codes.CHANNEL_FLUSH
PRESSED_S = 0.5
FLOWING_STEPS = 60
LIMIT_S = 30.0
PRIMED_NL, PRIMED_NL_S = 500, 5_000
TOO_MUCH_NL = 900_000


@dataclass(frozen=True, slots=True)
class OrderHistory:
    """One order: what makes the rig ready for it, and how it is given."""

    name: str
    perform: Callable[[Bench, Rig], Awaitable[object]]
    channel: int
    asked_nl: int
    agent: bool = False

    async def prepare(self, bench: Bench, rig: Rig) -> None:
        """Make the rig ready. One dose to the waste stands in journal and ledger before the order."""

        async def press() -> None:
            bench.press_footswitch(after_s=0.2)
            await asyncio.sleep(PRESSED_S)

        if self.agent:
            await prepared(rig, bench.issuer(), press)
        else:
            await ready(rig)
        await rig.prime(PRIMED_NL, PRIMED_NL_S, "flush")
        await rig.treatment()


async def _flush(_bench: Bench, rig: Rig) -> None:
    await rig.dose(600, 5_000, "flush")


async def _agent(bench: Bench, rig: Rig) -> None:
    service = asyncio.create_task(PermitService(bench.issuer(), rig).run())
    try:
        await rig.dose(800, 2_000, "agent")
    finally:
        service.cancel()
        await asyncio.gather(service, return_exceptions=True)


async def _refused(_bench: Bench, rig: Rig) -> None:
    await rig.dose(TOO_MUCH_NL, 1_000, "flush")


async def _stopped(bench: Bench, rig: Rig) -> None:
    before = bench.edge_count(FLUSH)
    dose = asyncio.create_task(rig.dose(3_000, 2_000, "flush"))
    with suppress(TimeoutError):
        async with asyncio.timeout(LIMIT_S):
            while bench.edge_count(FLUSH) < before + FLOWING_STEPS and not dose.done():  # noqa: ASYNC110
                await asyncio.sleep(0.002)
    await rig.stop()
    await dose


ORDER_HISTORIES = (
    OrderHistory("flush", _flush, FLUSH, 600),
    OrderHistory("agent under permits", _agent, AGENT, 800, agent=True),
    OrderHistory("refused", _refused, FLUSH, TOO_MUCH_NL),
    OrderHistory("stopped", _stopped, FLUSH, 3_000),
)
BY_ORDER = {history.name: history for history in ORDER_HISTORIES}
