"""The counter-agent in an emergency: nothing that speaks of the agent, the host or the monitor is in its way."""

import asyncio

import pytest

from device import limits
from device.line import BACKLASH_NL
from device.rescue import clearing_nl
from hil.bench import Bench
from hil.plant import SimulatedRig
from hil.scenarios.judge import assert_volume_is_balanced, assert_weighed, weigh_nl
from hil.scenarios.raw_host import RawHost
from hil.scenarios.rig_in_use import AGENT, COUNTER, edges_since, last_edge_ns, press, ready_for_agent, reconnected
from protocol import codes

STEP_AFTER_PRESS_NS = 1_000_000_000
BEHIND_VALVE_NL = 8_000
BETWEEN_VALVE_AND_TIP_NL = 3_000
LOOK_NS = 5_000_000


@pytest.mark.req("RESCUE-2", "RESCUE-3", "DOSE-13")
async def test_a_rescue_ends_a_running_dose_of_agent_and_begins_at_the_foot_switch(bench: Bench, host: RawHost) -> None:
    await ready_for_agent(bench, host)
    async with host.permitted():
        agent_id = await host.start(20_000, 2000, channel=AGENT)
        await asyncio.sleep(3)
    ordered_ns = bench.now_ns
    on_patient_ns: list[int] = []
    bench.plant.every(LOOK_NS, lambda now_ns: on_patient_ns.append(now_ns) if bench.plant.valve_patient else None)
    accepted = await host.rescue(10_000, 5000)
    assert accepted.state == codes.DOSE_ACCEPTED
    agent = await host.ended(agent_id)
    given_nl = bench.plant.contents.tip[AGENT]
    assert (agent.state, agent.cause) == (codes.DOSE_PARTIAL, codes.CAUSE_RESCUE)
    assert agent.emitted_steps == bench.edge_count(AGENT)
    assert last_edge_ns(bench, AGENT) <= ordered_ns + 20_000_000
    assert bench.edge_count(COUNTER) == 0
    await press(bench)
    pressed_ns = bench.now_ns
    outcome = await host.ended(accepted.dose_id)
    assert outcome.state == codes.DOSE_DELIVERED
    # The agent behind the valve went to the waste first, on top of what was ordered; the order itself to the tip.
    turned_ns = next(now_ns for now_ns in on_patient_ns if now_ns > pressed_ns)
    to_tip = edges_since(bench, COUNTER, turned_ns)
    assert to_tip == limits.steps_of(10_000)
    assert bench.edge_count(COUNTER) - to_tip == limits.steps_of(clearing_nl(BEHIND_VALVE_NL, BACKLASH_NL))
    assert outcome.emitted_steps == bench.edge_count(COUNTER)
    first_ns = next(run.first_ns for run in bench.edges(COUNTER))
    assert first_ns <= pressed_ns + STEP_AFTER_PRESS_NS
    assert bench.plant.contents.tip[AGENT] <= given_nl + BETWEEN_VALVE_AND_TIP_NL
    least_nl = agent.patient_min_nl + outcome.patient_min_nl
    most_nl = agent.patient_max_nl + outcome.patient_max_nl
    assert_weighed(await weigh_nl(bench), least_nl, most_nl)
    assert_volume_is_balanced(bench)


@pytest.mark.req("RESCUE-3")
async def test_a_rescue_begins_under_a_permit_without_a_person(bench: Bench, host: RawHost) -> None:
    accepted = await host.rescue(5_000, 2000)
    await host.grant(accepted.dose_id, COUNTER)
    await asyncio.sleep(1)
    assert bench.edge_count(COUNTER) > 0


@pytest.mark.req("RESCUE-3", "STOP-8")
async def test_without_permit_and_person_a_rescue_never_begins_and_ends_by_itself(bench: Bench, host: RawHost) -> None:
    accepted = await host.rescue(5_000, 2000)
    outcome = await host.ended(accepted.dose_id)
    assert (outcome.state, outcome.cause, outcome.emitted_steps) == (codes.DOSE_PARTIAL, codes.CAUSE_PERMIT, 0)
    assert bench.edge_count(COUNTER) == 0


@pytest.mark.req("RESCUE-1", "RESCUE-3")
async def test_a_host_that_falls_silent_does_not_end_a_rescue(bench: Bench, host: RawHost) -> None:
    accepted = await host.rescue(20_000, 2000)
    await press(bench)
    await host.close()
    await asyncio.sleep(15)
    other = await reconnected(bench)
    outcome = await other.ended(accepted.dose_id)
    await other.close()
    assert outcome.state == codes.DOSE_DELIVERED
    assert bench.edge_count(COUNTER) == limits.steps_of(20_000)


@pytest.mark.req("RESCUE-1")
async def test_a_patients_stop_stays_latched_and_lets_the_rescue_through(bench: Bench, host: RawHost) -> None:
    await host.stop(codes.CAUSE_CLINICIAN)
    accepted = await host.rescue(5_000, 2000)
    assert accepted.state == codes.DOSE_ACCEPTED
    await press(bench)
    assert (await host.ended(accepted.dose_id)).state == codes.DOSE_DELIVERED
    assert (await host.status()).stop_cause == codes.CAUSE_CLINICIAN


@pytest.mark.req("RESCUE-1")
async def test_a_machine_cause_blocks_the_rescue_too(bench: Bench, host: RawHost, plant: SimulatedRig) -> None:
    plant.open_door()
    await asyncio.sleep(0.2)
    refused = await host.rescue(5_000, 2000)
    assert (refused.state, refused.reason) == (codes.DOSE_REFUSED, codes.REASON_STOPPED)


@pytest.mark.req("RESCUE-4")
async def test_a_rescue_has_ceilings_of_its_own_and_runs_once(bench: Bench, host: RawHost) -> None:
    refused = await host.rescue(limits.MAX_RESCUE_NL + 1)
    assert (refused.reason, refused.nearest) == (codes.REASON_RESCUE_HIGH, limits.MAX_RESCUE_NL)
    order = host.order(2_000, kind=codes.KIND_RESCUE, channel=COUNTER)
    assert (await host.send_order(order)).state == codes.DOSE_ACCEPTED
    await press(bench)
    await host.ended(order.dose_id)
    assert (await host.send_order(order)).state == codes.DOSE_DELIVERED
    await asyncio.sleep(2)
    assert bench.edge_count(COUNTER) == limits.steps_of(2_000)


@pytest.mark.req("RESCUE-1", "DOSE-9")
async def test_a_second_rescue_waits_for_no_interval(bench: Bench, host: RawHost) -> None:
    for _ in range(2):
        accepted = await host.rescue(1_000, 5000)
        assert accepted.state == codes.DOSE_ACCEPTED
        await press(bench)
        assert (await host.ended(accepted.dose_id)).state == codes.DOSE_DELIVERED
    assert bench.edge_count(COUNTER) == 2 * limits.steps_of(1_000)


@pytest.mark.req("RESCUE-1", "MON-1")
@pytest.mark.parametrize("after_ms", range(0, 200, 20))
async def test_a_hold_on_a_dose_that_was_just_ordered_is_no_stop_of_the_machine_and_lets_the_rescue_through(
    bench: Bench, host: RawHost, after_ms: int
) -> None:
    await ready_for_agent(bench, host)
    await host.start(20_000, 2000, channel=AGENT)
    await asyncio.sleep(after_ms / 1000)
    await host.hold(codes.HOLD_HOLD)
    await asyncio.sleep(0.3)
    status = await host.status()
    assert (status.stop_cause, status.hold_cause) == (codes.CAUSE_NONE, codes.CAUSE_MONITOR)
    accepted = await host.rescue(2_000, 5_000)
    assert accepted.state == codes.DOSE_ACCEPTED
    await press(bench)
    assert (await host.ended(accepted.dose_id)).state == codes.DOSE_DELIVERED
    assert bench.edge_count(COUNTER) > 0
    assert bench.edge_count(AGENT) == 0
