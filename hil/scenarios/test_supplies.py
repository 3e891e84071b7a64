"""What a dose draws on: the reservoir, the suspension, temperature and supply. The plant says what flowed."""

import asyncio

import pytest

from device import limits
from device.cartridges import PURGE_NL
from hil.bench import Bench
from hil.plant import SimulatedRig
from hil.provision import cartridge_image
from hil.scenarios.judge import FLUSH, assert_volume_is_balanced
from hil.scenarios.raw_host import RawHost
from hil.scenarios.rig_in_use import AGENT, INTERVAL_S, confirmed, last_edge_ns, ready_for_agent, reconnected
from protocol import codes, messages, typed

pytestmark = pytest.mark.only("twin", "vm")

RATE_NL_S = 10_000
STOOD_S = 600.0
RESUSPENDED_S = 30.0
TRIP_NS = 5_000_000_000


async def put_in(bench: Bench, host: RawHost, told_nl: int, filled_nl: float) -> None:
    """Exchange the saline for one whose memory tells of ``told_nl`` while it holds ``filled_nl``; purge it.

    After an exchange agent may stand between valve and tip: a person confirms the self-test, and a dose needs permits.
    """
    assert bench.provision is not None
    await ready_for_agent(bench, host)
    memory = cartridge_image(bench.provision, FLUSH, 1_000_000, told_nl, serial=b"serial-2")
    bench.plant.remove_syringe(FLUSH)
    await asyncio.sleep(1.0)
    bench.plant.exchange_syringe(FLUSH, filled_nl, memory=memory)
    await asyncio.sleep(3.0)
    purge = await host.start(PURGE_NL, RATE_NL_S, kind=codes.KIND_PURGE)
    assert (await host.ended(purge)).state == codes.DOSE_DELIVERED
    await asyncio.sleep(INTERVAL_S)


async def given(host: RawHost, volume_nl: int) -> typed.DoseState:
    """Give saline behind what may be agent, under permits; return how it ended."""
    dose_id = await host.start(volume_nl, RATE_NL_S)
    async with host.permitted() as service:
        service.lots = {dose_id: host.lot(FLUSH)}
        return await host.ended(dose_id)


@pytest.mark.req("FLOW-6", "DOSE-4")
async def test_a_dose_that_the_reservoir_cannot_complete_is_refused_with_what_it_can(
    bench: Bench, host: RawHost, plant: SimulatedRig
) -> None:
    await put_in(bench, host, 60_000, 60_000.0)
    edges = bench.edge_count(FLUSH)
    refused = await host.send_order(host.order(60_000, RATE_NL_S))
    assert (refused.state, refused.reason) == (codes.DOSE_REFUSED, codes.REASON_RESERVOIR)
    assert bench.edge_count(FLUSH) == edges
    more = await host.send_order(host.order(refused.nearest + 1, RATE_NL_S))
    assert more.reason == codes.REASON_RESERVOIR
    outcome = await given(host, refused.nearest)
    assert outcome.state == codes.DOSE_DELIVERED
    assert bench.edge_count(FLUSH) - edges == outcome.emitted_steps == limits.steps_of(refused.nearest)
    assert plant.syringes[FLUSH].remaining_nl >= plant.parameters.end_switch_nl
    assert_volume_is_balanced(bench)


@pytest.mark.req("FLOW-6")
async def test_the_end_switch_ends_a_dose_from_a_reservoir_that_holds_less_than_it_tells(
    bench: Bench, host: RawHost, plant: SimulatedRig
) -> None:
    await put_in(bench, host, 500_000, 40_000.0)
    outcome = await given(host, 60_000)
    assert (outcome.state, outcome.cause) == (codes.DOSE_PARTIAL, codes.CAUSE_HOME)
    assert outcome.emitted_steps < limits.steps_of(60_000)
    left_nl = plant.syringes[FLUSH].remaining_nl
    assert plant.parameters.end_switch_nl - RATE_NL_S / 5 < left_nl <= plant.parameters.end_switch_nl
    assert_volume_is_balanced(bench)


@pytest.mark.req("DOSE-11")
async def test_agent_that_has_settled_is_not_dosed_before_it_was_stirred_up(
    bench: Bench, host: RawHost, plant: SimulatedRig
) -> None:
    await ready_for_agent(bench, host)
    await host.close()
    bench.power_off()
    await asyncio.sleep(STOOD_S)
    bench.power_on()
    await asyncio.sleep(1.8)
    other = await reconnected(bench)
    try:
        await other.ready()
        await confirmed(bench, other, messages.TEST_ALARMS)
        refused = await other.send_order(other.order(2_000, channel=AGENT))
        assert (refused.state, refused.reason) == (codes.DOSE_REFUSED, codes.REASON_DENSITY)
        await asyncio.sleep(RESUSPENDED_S)
        assert bench.edge_count(AGENT) == 0
        async with other.permitted():
            outcome = await other.ended(await other.start(2_000, channel=AGENT))
        assert outcome.state == codes.DOSE_DELIVERED
        assert outcome.emitted_steps == bench.edge_count(AGENT)
    finally:
        await other.close()


@pytest.mark.req("DOSE-11", "FLOW-7")
@pytest.mark.parametrize(
    ("sensor", "by", "cause"),
    [("temperature", 20.0, codes.CAUSE_TEMPERATURE), ("density", -0.3, codes.CAUSE_DENSITY)],
)
async def test_agent_out_of_its_range_is_ended_and_inhibited_and_saline_is_not(
    bench: Bench, host: RawHost, plant: SimulatedRig, sensor: str, by: float, cause: int
) -> None:
    await ready_for_agent(bench, host)
    async with host.permitted():
        dose_id = await host.start(20_000, 500, channel=AGENT)
        await asyncio.sleep(3.0)
        spoilt_ns = bench.now_ns
        plant.spoil(sensor, "jumping", by)
        await asyncio.sleep(10.0)
        state = await host.get_dose(dose_id)
        assert state.cause == cause
        assert bench.edge_count(AGENT) > 0
        assert last_edge_ns(bench, AGENT) <= spoilt_ns + TRIP_NS
    await host.stop()
    await host.ended(dose_id)
    await host.clear()
    bench.press_footswitch(after_s=0.2)
    await asyncio.sleep(INTERVAL_S)
    edges = bench.edge_count(AGENT)
    refused = await host.send_order(host.order(2_000, channel=AGENT))
    assert refused.state == codes.DOSE_REFUSED
    assert bench.edge_count(AGENT) == edges


@pytest.mark.req("FLOW-7")
async def test_without_motor_supply_no_dose_goes_on_and_none_begins(
    bench: Bench, host: RawHost, plant: SimulatedRig
) -> None:
    dose_id = await host.start(20_000, RATE_NL_S // 5)
    await asyncio.sleep(2.0)
    dipped_ns = bench.now_ns
    plant.dip_supply()
    outcome = await host.ended(dose_id)
    assert (outcome.state, outcome.cause) == (codes.DOSE_PARTIAL, codes.CAUSE_SUPPLY)
    assert last_edge_ns(bench, FLUSH) <= dipped_ns + TRIP_NS
    edges = bench.edge_count(FLUSH)
    refused = await host.send_order(host.order(2_000))
    assert refused.state == codes.DOSE_REFUSED
    await asyncio.sleep(1.0)
    assert bench.edge_count(FLUSH) == edges
