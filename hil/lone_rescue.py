"""A rescue with host, broker and monitor gone and the last dose unknown: how long until counter-agent is at the tip.

`rig hil rescue`: agent flows under permits; the power is cut in the middle of it, and nobody connects any more. A
person holds the foot switch, releases it and presses it once. The plant tells when the pump moves and what leaves the
tip.
"""

from __future__ import annotations

import asyncio
from dataclasses import asdict, dataclass
from typing import Annotated

import typer

from device.lone_rescue import HOLD_MS
from hil.bench import Bench
from hil.boards.base import TARGETS
from hil.plant.parameters import NS_PER_MS
from host.cli_run import put_json, reported
from host.errors import UsageError
from protocol import codes

AGENT, COUNTER = codes.CHANNEL_AGENT, codes.CHANNEL_COUNTER_AGENT
DOSE_NL, RATE_NL_S = 20_000, 4000
FLOWS_S = 4.0
STARTED_S = 8.0
"""After the power is back: cartridges are read, every sensor has shown that it works."""

HELD_S = HOLD_MS / 1000 + 0.3
LOOK_S = 0.01
LIMIT_S = 30.0
FLOWN_S = 20.0
EXIT_NOT_HELD = 1


@dataclass(frozen=True, slots=True)
class Rescued:
    """What the plant saw. Times from the second press of the foot switch, ms of bench time; volumes in nL."""

    target: str
    seed: int
    held_ms: int
    first_step_ms: float | None
    counter_agent_at_tip_ms: float | None
    agent_through_tip_nl: float
    counter_agent_through_tip_nl: float
    last_dose: str
    rescue: str

    @property
    def held(self) -> bool:
        """Whether the counter-agent came, and no less of it than of the agent."""
        enough = self.counter_agent_through_tip_nl >= self.agent_through_tip_nl
        return self.counter_agent_at_tip_ms is not None and enough and self.last_dose == "unknown"


def measure(target: str, seed: int) -> Rescued:
    """Run it once."""
    with Bench(target, seed=seed) as bench:
        return bench.run(_rescue(bench))


async def _rescue(bench: Bench) -> Rescued:
    from hil.scenarios.raw_host import RawHost  # noqa: PLC0415 -- loads the host's link
    from hil.scenarios.rig_in_use import ready_for_agent  # noqa: PLC0415

    async with RawHost(bench.transport(), bench.seed) as host:
        await host.ready()
        await ready_for_agent(bench, host)
        async with host.permitted():
            agent_id = await host.start(DOSE_NL, RATE_NL_S, channel=AGENT)
            await asyncio.sleep(FLOWS_S)
    bench.power_cycle()
    await asyncio.sleep(STARTED_S)
    bench.press_footswitch(HELD_S)
    await asyncio.sleep(HELD_S + 0.5)
    pressed_ns = bench.now_ns
    bench.press_footswitch()
    tip_ns = await _counter_agent_at_the_tip(bench)
    await asyncio.sleep(FLOWN_S)
    async with RawHost(bench.transport(), bench.seed + 1) as host:
        last = await host.get_dose(agent_id)
        rescue = await host.get_dose(host.last_dose_id)
    first_ns = next((run.first_ns for run in bench.edges(COUNTER)), None)
    tip = bench.plant.contents.tip
    names = {number: name for name, number in codes.DOSE_STATES}
    return Rescued(
        bench.target,
        bench.seed,
        HOLD_MS,
        None if first_ns is None else (first_ns - pressed_ns) / NS_PER_MS,
        None if tip_ns is None else (tip_ns - pressed_ns) / NS_PER_MS,
        round(tip[AGENT], 1),
        round(tip[COUNTER], 1),
        names[last.state],
        names[rescue.state] if rescue.kind == codes.KIND_RESCUE else "none",
    )


async def _counter_agent_at_the_tip(bench: Bench) -> int | None:
    end_s = bench.now_s + LIMIT_S
    while bench.now_s < end_s:
        bench.plant.advance(max(bench.now_ns, bench.plant.now_ns))
        if bench.plant.contents.tip[COUNTER] > 0:
            return bench.now_ns
        await asyncio.sleep(LOOK_S)
    return None


@reported
def rescue_command(
    target: Annotated[str, typer.Option(help="twin, vm or rp2040.")] = "twin",
    seed: Annotated[int, typer.Option(min=0, help="Seed of everything random at the bench.")] = 1,
    json_output: Annotated[bool, typer.Option("--json", help="Print one JSON object and nothing else.")] = False,
) -> int:
    """Take host and monitor away, leave the last dose unknown, and time a rescue from the foot switch to the tip.

    Exit codes: 0 counter-agent came, no less than agent; 1 it did not.
    """
    if target not in TARGETS or target == "serial":
        raise UsageError(f"There is no such target here: {target!r}.", "Targets: twin, vm, rp2040.")
    result = measure(target, seed)
    if json_output:
        put_json({**asdict(result), "held": result.held})
    else:
        typer.echo(text(result))
    return 0 if result.held else EXIT_NOT_HELD


def text(result: Rescued) -> str:
    """Say it in words, with units."""
    lines = [f"target {result.target} (simulated), seed {result.seed}; the dose before is {result.last_dose}"]
    if result.counter_agent_at_tip_ms is None:
        return lines[0] + f"\nno counter-agent came within {LIMIT_S:.0f} s; the rescue is {result.rescue}"
    lines += [
        f"foot switch held for {result.held_ms / 1000:g} s, released, pressed; from that press:",
        f"  first step of the counter-agent   {result.first_step_ms:8.0f} ms",
        f"  counter-agent at the tip          {result.counter_agent_at_tip_ms:8.0f} ms",
        f"  through the tip: agent            {result.agent_through_tip_nl:8.0f} nL",
        f"                   counter-agent    {result.counter_agent_through_tip_nl:8.0f} nL",
        f"the rescue is {result.rescue}",
    ]
    return "\n".join(lines)
