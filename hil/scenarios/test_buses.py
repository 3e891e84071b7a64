"""Bus faults in mid-dose: flow ends, no tick costs more than one time-out, and nothing of it is permanent."""

import asyncio

import pytest

from hil.bench import Bench
from hil.plant.chips import ErrorCountdown
from hil.plant.noise import stream
from hil.scenarios.judge import FLUSH, assert_volume_is_balanced, last_edge_ns
from hil.scenarios.raw_host import RawHost
from protocol import codes, typed

BUS_BOARD = 0
TIMEOUT_US = 2000
# Three readings may fail, of one every tick of 10 ms; the grant of 40 ms runs out meanwhile.
NOTICED_NS = 100_000_000


async def dosing(host: RawHost) -> bytes:
    dose_id = await host.start(10_000, 1000)
    await asyncio.sleep(1.0)
    return dose_id


@pytest.mark.req("FLOW-8")
@pytest.mark.only("twin", "vm")
async def test_a_bus_that_is_held_costs_a_tick_two_milliseconds_and_ends_the_dose(bench: Bench, host: RawHost) -> None:
    dose_id = await dosing(host)
    held_ns = bench.now_ns
    bench.plant.buses.hold(BUS_BOARD)
    outcome = await host.ended(dose_id)
    assert (outcome.state, outcome.cause) == (codes.DOSE_PARTIAL, codes.CAUSE_SENSOR)
    assert outcome.emitted_steps == bench.edge_count(FLUSH)
    assert last_edge_ns(bench) <= held_ns + NOTICED_NS
    stats = await host.hear(typed.LinkStats, timeout_s=5.0)
    assert TIMEOUT_US <= stats.tick_max_us < TIMEOUT_US + 1000
    assert_volume_is_balanced(bench)


@pytest.mark.req("FLOW-8")
async def test_a_storm_of_refusals_ends_the_dose_and_passes(bench: Bench, host: RawHost) -> None:
    dose_id = await dosing(host)
    bench.plant.buses.disturb(BUS_BOARD, ErrorCountdown(0.9, stream(bench.seed, "storm")))
    outcome = await host.ended(dose_id)
    assert (outcome.state, outcome.cause) == (codes.DOSE_PARTIAL, codes.CAUSE_SENSOR)
    bench.plant.buses.disturb(BUS_BOARD, None)
    await asyncio.sleep(1.0)
    assert not (await host.hear(typed.Telemetry)).sensor_faults & codes.FAULT_FLOW
