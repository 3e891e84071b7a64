"""The counter-agent with host, broker and monitor gone: two acts at the foot switch are enough, one is not."""

import asyncio

import pytest

from device import limits
from device.lone_rescue import HOLD_MS
from hil.bench import Bench
from hil.plant import SimulatedRig
from hil.scenarios.judge import assert_volume_is_balanced
from hil.scenarios.raw_host import RawHost
from hil.scenarios.rig_in_use import AGENT, COUNTER, press, ready_for_agent, reconnected
from protocol import codes

HELD_S = HOLD_MS / 1000 + 0.3
STARTED_S = 8.0
"""After a start with nobody on the line: cartridges are read, sensors have shown that they work."""

TIP_LIMIT_S = 4.0
"""The line's 11 uL at 5 uL/s, and the valve."""


async def given_some_agent(bench: Bench, host: RawHost, rate_nl_s: int = 4000) -> bytes:
    """Let agent flow under permits, and return the id of the dose, which still runs."""
    await ready_for_agent(bench, host)
    async with host.permitted():
        dose_id = await host.start(20_000, rate_nl_s, channel=AGENT)
        await asyncio.sleep(4)
    return dose_id


async def hold_the_foot_switch(bench: Bench, seconds: float = HELD_S) -> None:
    """Hold it down, and let it go."""
    bench.press_footswitch(seconds, after_s=0.1)
    await asyncio.sleep(seconds + 0.5)


@pytest.mark.req("RESCUE-1", "RESCUE-2", "RESCUE-3")
async def test_with_nobody_left_and_the_last_dose_unknown_a_person_brings_the_counter_agent_to_the_tip(
    bench: Bench, host: RawHost, plant: SimulatedRig
) -> None:
    agent_id = await given_some_agent(bench, host)
    await host.close()
    bench.power_cycle()
    await asyncio.sleep(STARTED_S)
    assert bench.edge_count(COUNTER) == 0
    await hold_the_foot_switch(bench)
    assert bench.edge_count(COUNTER) == 0
    await press(bench)
    pressed_s = bench.now_s
    while plant.contents.tip[COUNTER] <= 0:
        assert bench.now_s < pressed_s + TIP_LIMIT_S
        await asyncio.sleep(0.05)
    await asyncio.sleep(15)
    other = await reconnected(bench)
    assert (await other.get_dose(agent_id)).state == codes.DOSE_UNKNOWN
    outcome = await other.get_dose(other.last_dose_id)
    await other.close()
    assert (outcome.state, outcome.kind) == (codes.DOSE_DELIVERED, codes.KIND_RESCUE)
    assert outcome.emitted_steps == bench.edge_count(COUNTER)
    # As much as all agent that can have been given, and what the line held back: never less than the truth.
    assert plant.contents.tip[COUNTER] >= plant.contents.tip[AGENT]
    assert outcome.asked_nl <= limits.MAX_RESCUE_NL
    assert_volume_is_balanced(bench)


@pytest.mark.req("RESCUE-2")
async def test_it_ends_an_agent_dose_that_waits_for_its_host(bench: Bench, host: RawHost) -> None:
    agent_id = await given_some_agent(bench, host, 1000)
    await host.close()
    await asyncio.sleep(3)
    await hold_the_foot_switch(bench)
    await press(bench)
    await asyncio.sleep(20)
    other = await reconnected(bench)
    agent = await other.get_dose(agent_id)
    await other.close()
    assert (agent.state, agent.cause) == (codes.DOSE_PARTIAL, codes.CAUSE_RESCUE)
    assert bench.edge_count(COUNTER) > 0


@pytest.mark.req("RESCUE-3")
async def test_while_a_host_is_there_the_foot_switch_alone_begins_nothing(bench: Bench, host: RawHost) -> None:
    await given_some_agent(bench, host)
    await hold_the_foot_switch(bench)
    await press(bench)
    await asyncio.sleep(2)
    assert bench.edge_count(COUNTER) == 0


@pytest.mark.req("RESCUE-3")
async def test_one_long_press_alone_begins_nothing(bench: Bench, host: RawHost) -> None:
    await given_some_agent(bench, host)
    await host.close()
    await asyncio.sleep(3)
    await hold_the_foot_switch(bench, 30)
    await asyncio.sleep(12)
    await press(bench)
    await asyncio.sleep(2)
    assert bench.edge_count(COUNTER) == 0


@pytest.mark.req("RESCUE-1")
async def test_an_open_door_blocks_it(bench: Bench, host: RawHost, plant: SimulatedRig) -> None:
    await given_some_agent(bench, host)
    await host.close()
    plant.open_door()
    await asyncio.sleep(3)
    await hold_the_foot_switch(bench)
    await press(bench)
    await asyncio.sleep(2)
    assert bench.edge_count(COUNTER) == 0


@pytest.mark.req("RESCUE-3")
async def test_where_no_agent_was_given_there_is_nothing_to_rescue_from(bench: Bench, host: RawHost) -> None:
    await host.close()
    await asyncio.sleep(STARTED_S)
    await hold_the_foot_switch(bench)
    await press(bench)
    await asyncio.sleep(2)
    assert bench.edge_count(COUNTER) == 0
