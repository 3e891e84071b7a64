"""How fast the firmware's own pump drives a step pin with not one step lost or out of time, beside all its other work.

The product's ceiling is 3566 steps/s. This runs the product's modules on the bench image: its board, its executive with
link, telemetry, sensors, journal and heap collections, and its pump at rates that no order may ask for. What would
stop such a run is left out: the interlocks, the demand that steps belong to a dose, and the supervision of a flow that
lies beyond its sensor's range.
"""

from __future__ import annotations

import asyncio
from dataclasses import asdict, dataclass
from itertools import pairwise
from typing import Any

from device.limits import STEP_FL, STEP_PL
from hil.bench import Bench
from hil.latency.scene import FLUSH, number_of
from hil.recorder import TO_HOST
from protocol import messages

WANTED_STEPS_S = 20_000
WANTED_S = 20.0
TRIED_S = 2.0
TRIED_PERIODS_US = (40, 32, 25, 20)
"""All are rates of whole nL/s; 20 us is the least period of a step word."""

BOOT_S = 0.1
BEGIN_LIMIT_S = 2.0
DRAIN_S = 0.1

SCRIPT = """\
from device.boards.pico import PicoBoard
from device.executive import Executive
board = PicoBoard()
executive = Executive(board)
controller = executive.controller
pump = controller.pump
link = executive.link
no_bound = 0x1FFFFFFF
def advance_and_pump():
    controller.advance()
    if pump.running:
        pump.tick(board.ticks_us(), no_bound, no_bound, no_bound)
        board.heartbeat.feed()
        if pump.emitted_steps == pump.asked_steps:
            pump.halt()
            print(pump.emitted_steps)
controller.legal = lambda: True
own = controller.slices
others = executive._slices[len(own):]
executive._slices = (own[0], advance_and_pump, own[4], own[5]) + others
opened = started = False
record = (b"steps---",) + (bytes(8),) * 2 + (1, 2, 2, 0) + (0,) * 8 + (1, 0, 0)
while True:
    if executive.turn():
        board.idle(executive.next_tick_us)
    if not opened and link.session_open:
        pump.load(board.steps[2], [({volume_nl}, {rate_nl_s}, {rate_nl_s})], {steps}, {step_fl})
        opened = controller.journal.accept(record)
    if opened and not started and pump.mark():
        started = True
        pump.start(board.ticks_us())
"""


@dataclass(frozen=True, slots=True)
class StepRun:
    """One run at one rate, judged at the pin."""

    period_us: int
    simulated_s: float
    asked_steps: int
    edges: int
    counted_by_firmware: int
    first_gap_us: float
    """From the first edge to the second: the pump may give one step alone before it fills the queue."""

    wrong_gaps: int
    """All further gaps between two edges that are not the period, to the nanosecond."""

    telemetry: int
    collections: int
    worst_tick_us: int
    late_ticks: int

    @property
    def exact(self) -> bool:
        """Whether every step left the pin, in its time, and the firmware knows."""
        return self.edges == self.asked_steps == self.counted_by_firmware and self.wrong_gaps == 0

    def as_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return {"steps_per_s": round(1e6 / self.period_us), **asdict(self), "exact": self.exact}


def measure(seed: int, simulated_s: float = WANTED_S, tried_s: float = TRIED_S) -> list[StepRun]:
    """Run at the wanted rate for so long, then at ever faster ones for shorter; end with the first that fails."""
    runs = [run_at(1_000_000 // WANTED_STEPS_S, simulated_s, seed)]
    for period_us in TRIED_PERIODS_US if tried_s else ():
        if not runs[-1].exact:
            break
        runs.append(run_at(period_us, tried_s, seed))
    return runs


def run_at(period_us: int, simulated_s: float, seed: int) -> StepRun:
    """Run the pump at one period for so many seconds of the rig."""
    steps = round(simulated_s * 1e6 / period_us)
    rate_nl_s = STEP_PL * 1000 // period_us
    with Bench("rp2040", seed, variant="bench") as bench:
        collections: list[int] = []
        _watch_collections(bench, collections)
        bench.run_for(BOOT_S)
        volume_nl = steps * STEP_PL // 1000
        script = SCRIPT.format(steps=steps, rate_nl_s=rate_nl_s, volume_nl=volume_nl, step_fl=STEP_FL)
        source = script.encode()
        bench.board.host_write(len(source).to_bytes(4, "little") + source)
        bench.run_for(BOOT_S + len(source) * 11e-6)
        rig = bench.loop.run_until_complete(bench.connect())
        collections.clear()
        try:
            bench.loop.run_until_complete(_until(bench, steps, simulated_s + BEGIN_LIMIT_S))
        finally:
            bench.loop.run_until_complete(rig.close())
        return _judged(bench, period_us, steps, len(collections))


async def _until(bench: Bench, steps: int, limit_s: float) -> None:
    end_s = bench.now_s + limit_s
    while bench.edge_count(FLUSH) < steps and bench.now_s < end_s:  # noqa: ASYNC110 -- edges wake nobody
        await asyncio.sleep(0.05)
    await asyncio.sleep(DRAIN_S)


def _judged(bench: Bench, period_us: int, steps: int, collections: int) -> StepRun:
    period_ns = period_us * 1000
    times = bench.recorder.edge_times(FLUSH)
    gaps = [after - before for before, after in pairwise(times)]
    printed = bench.board.console.text.split()
    stats = _link_stats(bench)
    return StepRun(
        period_us=period_us,
        simulated_s=round(bench.now_s, 3),
        asked_steps=steps,
        edges=bench.edge_count(FLUSH),
        counted_by_firmware=int(printed[-1]) if printed and printed[-1].isdecimal() else -1,
        first_gap_us=gaps[0] / 1000 if gaps else 0.0,
        wrong_gaps=sum(gap != period_ns for gap in gaps[1:]),
        telemetry=sum(
            frame.direction == TO_HOST and number_of(frame.data) == messages.TELEMETRY
            for frame in bench.recorder.frames
        ),
        collections=collections,
        worst_tick_us=stats[1],
        late_ticks=stats[0],
    )


def _link_stats(bench: Bench) -> tuple[int, int]:
    """Return late ticks and the worst tick, us, as the firmware told them last."""
    from protocol import typed  # noqa: PLC0415
    from protocol.framing import FrameDecoder  # noqa: PLC0415
    from protocol.link import HEADER_SIZE  # noqa: PLC0415

    for frame in reversed(bench.recorder.frames):
        if frame.direction == TO_HOST and number_of(frame.data) == messages.LINK_STATS:
            decoder = FrameDecoder()
            decoder.feed(frame.data, 0, len(frame.data))
            values = messages.decode_body(messages.LINK_STATS, decoder.buffer, HEADER_SIZE, decoder.length)
            assert values is not None
            told = typed.LinkStats.from_values(values)
            return told.ticks_late, told.tick_max_us
    return -1, -1


def _watch_collections(bench: Bench, collections: list[int]) -> None:
    from hil.boards.rp2040.console import symbols  # noqa: PLC0415

    chip = bench.board.chip
    address = symbols(bench.board.image.with_suffix(".elf"))["gc_collect"]
    chip.loop.watch(address, lambda: collections.append(bench.now_ns))


def table(runs: list[StepRun]) -> str:
    """Return the figures for people."""
    lines = [f"{'steps/s':>8} {'s':>6} {'asked':>8} {'edges':>8} {'wrong gaps':>10} {'telemetry':>9} {'gc':>4}  exact"]
    lines += [
        f"{1e6 / run.period_us:>8.0f} {run.asked_steps * run.period_us / 1e6:>6.1f} {run.asked_steps:>8} "
        f"{run.edges:>8} {run.wrong_gaps:>10} {run.telemetry:>9} {run.collections:>4}  {'yes' if run.exact else 'NO'}"
        for run in runs
    ]
    exact = [run for run in runs if run.exact]
    if exact:
        lines.append(f"highest rate that holds: {1e6 / exact[-1].period_us:.0f} steps/s")
    return "\n".join(lines)
