"""One dose on the simulated rig, in real time over a serial port; the plant judges what the firmware reports."""

import asyncio
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from hil.bench import Bench
from hil.hosts import ready
from hil.realtime import RealTimeBench
from hil.recorder import TO_DEVICE
from host.ledger import Ledger
from host.ledger_verify import verify
from host.reports import DeviceIdentity, Outcome, Progress, StopReport
from host.rig import Rig
from protocol import codes
from protocol.framing import FrameDecoder
from protocol.messages import STOP

CHANNEL = "flush"
STEP_PIN = codes.CHANNEL_FLUSH

SCALE_REST_S = 2.0
"""The scale follows with 1 s to 1 %: after two of them 1 nL in 10 uL is missing."""

SCALE_NOISE_NL = 6.0
"""Three standard deviations of the scale's noise (REFERENCE RIG R1: 2 nL)."""

BALANCE_NL = 1.0
"""What the plant may lose or make by rounding before it is no judge any more."""

EXIT_JUDGED_WRONG = 1
EXIT_DIFFERENT = 7


@dataclass(frozen=True, slots=True)
class Plan:
    """What the demonstration does."""

    target: str
    volume_nl: int
    rate_nl_s: int
    stop_after_nl: int | None
    seed: int


@dataclass(frozen=True, slots=True)
class Stop:
    """One stop: its latency at the pin is the plant's word, the other two are the device's and the host's."""

    cause: str
    latency_us: int
    """From the stop frame complete at the device to the last step edge, bench time; 0 when no edge followed."""

    device_latency_us: int | None
    round_trip_us: int


@dataclass(frozen=True, slots=True)
class Measurement:
    """What the plant says when all is over."""

    edges: int
    weighed_nl: float
    balance_error_nl: float
    stop_latencies_us: list[int]
    simulated_s: float


@dataclass(frozen=True, slots=True)
class Result:
    """The whole demonstration, and what is wrong with it."""

    plan: Plan
    identity: DeviceIdentity
    outcome: Outcome
    stops: list[Stop]
    measured: Measurement
    ledger_rows: int
    ledger_verified: bool
    slips: int
    slipped_ms: float
    problems: list[str] = field(default_factory=list)

    @property
    def exit_code(self) -> int:
        """0 when the dose ended as asked and the plant agrees, 1 when it disagrees, 7 when the dose ended otherwise."""
        if self.problems:
            return EXIT_JUDGED_WRONG
        return 0 if self.outcome.outcome == expected(self.plan) else EXIT_DIFFERENT

    def as_dict(self) -> dict[str, Any]:
        """Return plain values for JSON; nL, steps, us."""
        outcome = self.outcome
        return {
            "target": self.plan.target,
            "seed": self.plan.seed,
            "firmware": {
                "implementation": self.identity.implementation,
                "version": self.identity.version,
                "hash": self.identity.firmware,
                "board": self.identity.board,
            },
            "dose": {
                "id": outcome.dose_id,
                "asked_nl": outcome.asked_nl,
                "asked_steps": outcome.asked_steps,
                "emitted_nl": outcome.emitted_nl,
                "emitted_steps": outcome.emitted_steps,
                "to_patient_nl": list(outcome.to_patient_nl),
                "waste_nl": list(outcome.waste_nl),
                "weighed_nl": round(self.measured.weighed_nl),
                "outcome": str(outcome.outcome),
                "reason": outcome.reason,
                "cause": outcome.cause,
            },
            "edges_counted": self.measured.edges,
            "balance_error_nl": round(self.measured.balance_error_nl, 6) + 0.0,  # never -0.0
            "stops": [asdict(stop) for stop in self.stops],
            "ledger": {"rows": self.ledger_rows, "verified": self.ledger_verified},
            "bench": {
                "simulated_s": round(self.measured.simulated_s, 3),
                "slips": self.slips,
                "slipped_ms": round(self.slipped_ms, 3),
            },
            "problems": self.problems,
        }


def expected(plan: Plan) -> str:
    """Return the outcome that the plan asks for."""
    return "delivered" if plan.stop_after_nl is None else "partial"


async def perform(
    bench: RealTimeBench,
    plan: Plan,
    ledger_path: Path,
    on_connected: Callable[[DeviceIdentity], None],
    on_progress: Callable[[Progress], None],
) -> Result:
    """Give the dose, stop it where the plan says so, weigh and judge. Raises RigError."""
    async with await Ledger.open(ledger_path) as ledger:
        async with Rig.connect(bench.url, ledger=ledger, operator="demo") as rig:
            await ready(rig)
            identity = rig.identity
            assert identity is not None
            on_connected(identity)
            outcome, reports = await _dose(rig, plan, on_progress)
            await asyncio.sleep(SCALE_REST_S)
            measured = await asyncio.to_thread(bench.call, measure)
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
        verdict.rows,
        verdict.verified,
        bench.slips,
        bench.slipped_ns / 1e6,
    )
    result.problems.extend(judge(result))
    return result


def judge(result: Result) -> list[str]:
    """Return what the plant and the ledger hold against the firmware's report."""
    problems = []
    outcome, measured = result.outcome, result.measured
    if outcome.emitted_steps != measured.edges:
        problems.append(
            f"the firmware reports {outcome.emitted_steps} emitted steps, the bench counted {measured.edges} at the pin"
        )
    least_nl, most_nl = outcome.to_patient_nl
    if not least_nl - SCALE_NOISE_NL <= measured.weighed_nl <= most_nl + SCALE_NOISE_NL:
        problems.append(
            f"the scale shows {measured.weighed_nl:.0f} nL, outside of the {least_nl} to {most_nl} nL reported "
            f"(and {SCALE_NOISE_NL:g} nL of noise)"
        )
    if len(result.stops) < (result.plan.stop_after_nl is not None):
        problems.append("no stop frame was seen at the device")
    if abs(measured.balance_error_nl) > BALANCE_NL:
        problems.append(f"the plant has lost {measured.balance_error_nl:.3f} nL: it is no judge of this dose")
    if not result.ledger_verified:
        problems.append("the ledger does not verify")
    return problems


def measure(bench: Bench) -> Measurement:
    """Ask the plant."""
    return Measurement(
        bench.edge_count(STEP_PIN),
        bench.weigh_nl(),
        bench.plant.balance_error_nl,
        stop_latencies_us(bench),
        bench.now_s,
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
