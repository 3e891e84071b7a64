"""One dose of agent on the simulated rig, in real time over a serial port, under the permits of a SIMULATED issuer.

The plant judges what the firmware reports. The issuer's keys are drawn anew in each run and are worth nothing after it.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from device import limits
from hil.bench import Bench
from hil.demo_result import Authority, Measurement, Plan, Result, Stop, Totals, judge
from hil.hosts import prepared
from hil.issuer import PermitService
from hil.plant.contents import AGENT
from hil.realtime import RealTimeBench
from hil.recorder import TO_DEVICE
from host.ledger import Ledger
from host.ledger_verify import verify
from host.reports import DeviceIdentity, Outcome, Progress, StopReport
from host.rig import Rig
from protocol import codes
from protocol.framing import FrameDecoder
from protocol.messages import STOP

CHANNEL = "agent"
STEP_PIN = codes.CHANNEL_AGENT

SCALE_REST_S = 2.0
"""The scale follows with 1 s to 1 %: after two of them 1 nL in 10 uL is missing."""

FOOT_AFTER_S = 0.1
"""The rig looks for a switch that is released before it takes the press: more than a tick."""


async def perform(
    bench: RealTimeBench,
    plan: Plan,
    ledger_path: Path,
    on_connected: Callable[[DeviceIdentity], None],
    on_progress: Callable[[Progress], None],
) -> Result:
    """Give the dose under permits, stop it where the plan says so, weigh and judge. Raises RigError."""
    issuer = await asyncio.to_thread(bench.call, Bench.issuer)
    async with await Ledger.open(ledger_path) as ledger:
        async with Rig.connect(bench.url, ledger=ledger, operator="demo") as rig:
            await prepared(rig, issuer, lambda: asyncio.to_thread(bench.call, step_on_footswitch))
            identity = rig.identity
            assert identity is not None
            on_connected(identity)
            service = PermitService(issuer, rig, rate_nl_s=permit_rate_nl_s(plan))
            async with serving(service):
                outcome, reports = await _dose(rig, plan, on_progress)
                await asyncio.sleep(SCALE_REST_S)
            measured = await asyncio.to_thread(bench.call, measure)
            totals = Totals.of(await rig.treatment())
        rows, head = await ledger.head()
    verdict = await asyncio.to_thread(verify, ledger_path, expect_head=head, expect_rows=rows)
    stops = [
        Stop(report.cause, latency_us, report.device_latency_us, report.round_trip_us)
        for report, latency_us in zip(reports, measured.stop_latencies_us, strict=False)
    ]
    result = Result(
        plan,
        identity,
        outcome,
        stops,
        measured,
        Authority.of(service),
        totals,
        verdict.rows,
        verdict.verified,
        bench.slips,
        bench.slipped_ns / 1e6,
    )
    result.problems.extend(judge(result))
    return result


def step_on_footswitch(bench: Bench) -> None:
    """Press the foot switch, once the rig has seen it released."""
    bench.press_footswitch(after_s=FOOT_AFTER_S)


def measure(bench: Bench) -> Measurement:
    """Ask the plant."""
    return Measurement(
        bench.edge_count(STEP_PIN),
        bench.weigh_nl(),
        bench.plant.balance_error_nl,
        stop_latencies_us(bench),
        bench.now_s,
        bench.plant.contents.tip[AGENT],
    )


def stop_latencies_us(bench: Bench) -> list[int]:
    """Return the time from the first stop frame to the last edge, none when there was no stop frame.

    A stop is repeated until its latch was seen: the repetitions are part of it.
    """
    complete_ns = [
        frame.now_ns for frame in bench.recorder.frames if frame.direction == TO_DEVICE and _is_stop(frame.data)
    ]
    last_ns = bench.recorder.last_edge_ns(STEP_PIN) or 0
    return [max(0, round((last_ns - first_ns) / 1000)) for first_ns in complete_ns[:1]]


def permit_rate_nl_s(plan: Plan) -> int:
    """Return the highest rate that the simulated monitor permits: what was asked for, within what a permit may say."""
    return max(limits.MIN_RATE_NL_S, min(plan.rate_nl_s, limits.MAX_RATE_NL_S))


@asynccontextmanager
async def serving(service: PermitService) -> AsyncIterator[None]:
    """Let the simulated monitor serve meanwhile."""
    task = asyncio.create_task(service.run(), name="simulated monitor")
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def _dose(rig: Rig, plan: Plan, on_progress: Callable[[Progress], None]) -> tuple[Outcome, list[StopReport]]:
    reached = asyncio.Event()

    def look(progress: Progress) -> None:
        on_progress(progress)
        if plan.stop_after_nl is not None and progress.emitted_nl >= plan.stop_after_nl:
            reached.set()

    dose = asyncio.create_task(rig.dose(plan.volume_nl, plan.rate_nl_s, CHANNEL, on_progress=look))
    waiting = asyncio.create_task(reached.wait())
    try:
        await asyncio.wait([dose, waiting], return_when=asyncio.FIRST_COMPLETED)
        reports = [await rig.stop()] if reached.is_set() and not dose.done() else []
        return await dose, reports
    finally:
        waiting.cancel()
        if not dose.done():
            dose.cancel()
        await asyncio.gather(dose, waiting, return_exceptions=True)


def _is_stop(octets: bytes) -> bool:
    decoder = FrameDecoder()
    start = 0
    while start < len(octets):
        start = decoder.feed(octets, start, len(octets))
        if decoder.length and decoder.buffer[0] == STOP:
            return True
    return False
