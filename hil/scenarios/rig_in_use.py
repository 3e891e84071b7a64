"""What scenarios with agent have in common: a rig ready for agent, and what the plant says of each channel."""

import asyncio

from device import limits
from hil.bench import Bench
from hil.scenarios.raw_host import RawHost
from protocol import codes, messages, typed

AGENT = codes.CHANNEL_AGENT
COUNTER = codes.CHANNEL_COUNTER_AGENT
INTERVAL_S = limits.MIN_INTERVAL_MS / 1000 + 0.2
SUSPENDED_S = 8.0
"""What the re-suspension of the agent takes after a start."""


async def ready_for_agent(bench: Bench, host: RawHost) -> None:
    """Wait until the agent is suspended; have a person confirm light and sound."""
    await asyncio.sleep(SUSPENDED_S)
    await confirmed(bench, host, messages.TEST_ALARMS)


async def confirmed(bench: Bench, host: RawHost, number: int, *values: int | bytes) -> None:
    """Ask for an act that a person confirms, and confirm it."""
    result = await host.request(typed.Result, number, *values)
    assert (result.reason, result.person_awaited) == (codes.REASON_NONE, 1), result
    await press(bench)


async def press(bench: Bench) -> None:
    """Let a person press the foot switch."""
    bench.press_footswitch(after_s=0.2)
    await asyncio.sleep(0.5)


async def reconnected(bench: Bench, number: int = 1) -> RawHost:
    """Return a host that has just connected; the caller closes it."""
    host = RawHost(bench.transport(), bench.seed + number)
    await host.__aenter__()
    return host


def last_edge_ns(bench: Bench, channel: int) -> int:
    """Return the time of the last edge at a pump's step pin."""
    last_ns = bench.recorder.last_edge_ns(channel)
    assert last_ns is not None, "no edge at all"
    return last_ns


def edges_since(bench: Bench, channel: int, since_ns: int) -> int:
    """Return how many edges came at a pump's step pin from that time on."""
    runs = bench.edges(channel)
    return sum(run.first_ns + number * run.period_ns >= since_ns for run in runs for number in range(run.count))
