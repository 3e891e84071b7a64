"""What the device refuses, and what it ends, by itself: ceilings, window, interval, cartridge, treatment, waste."""

import asyncio

import pytest

from device import limits
from device.ceilings import LOOSEST
from hil.bench import Bench
from hil.plant import SimulatedRig
from hil.provision import cartridge_image
from hil.scenarios.judge import FLUSH, assert_volume_is_balanced, weigh_nl
from hil.scenarios.raw_host import RawHost
from hil.scenarios.rig_in_use import AGENT, INTERVAL_S, last_edge_ns, press, ready_for_agent
from protocol import codes, messages, typed

AGENT_TOTAL, WINDOW_NL, WINDOW_S = 2, 3, 4
SECOND_NS = 1_000_000_000
SUSPENDED_AGAIN_S = 12.0
"""What the suspension of another cartridge takes."""


async def treat(bench: Bench, host: RawHost, **changes: int) -> None:
    """Close the treatment and open one whose ceilings are those compiled in, less what ``changes`` says by place."""
    row = list(LOOSEST)
    for place, value in changes.items():
        row[int(place.removeprefix("place_"))] = value
    await host.close_treatment()
    await press(bench)
    result = await host.open_treatment(ceilings=tuple(row))
    assert result.reason == codes.REASON_NONE, result
    await press(bench)
    told = await host.request(typed.Treatment, messages.GET_TREATMENT)
    assert told.treatment == host.treatment


async def give_agent(host: RawHost, volume_nl: int) -> typed.DoseState:
    """Have a dose of agent delivered."""
    async with host.permitted():
        return await host.ended(await host.start(volume_nl, 5000, channel=AGENT))


@pytest.mark.req("DOSE-5", "DOSE-6", "DOSE-4")
async def test_the_ceiling_of_a_treatment_counts_what_was_given_at_its_upper_end(bench: Bench, host: RawHost) -> None:
    await ready_for_agent(bench, host)
    await treat(bench, host, place_2=20_000)
    given = await give_agent(host, 15_000)
    assert given.state == codes.DOSE_DELIVERED
    told = await host.request(typed.Treatment, messages.GET_TREATMENT)
    assert bench.plant.contents.tip[AGENT] <= told.agent_nl <= given.patient_max_nl
    await asyncio.sleep(INTERVAL_S)
    refused = await host.send_order(host.order(18_000, channel=AGENT))
    assert refused.reason == codes.REASON_TOTAL_HIGH
    assert 0 < refused.nearest <= 20_000 - told.agent_nl
    assert (await host.send_order(host.order(refused.nearest, channel=AGENT))).state == codes.DOSE_ACCEPTED


@pytest.mark.req("DOSE-5")
async def test_the_window_refuses_what_would_be_too_much_within_it_and_allows_it_later(
    bench: Bench, host: RawHost
) -> None:
    await ready_for_agent(bench, host)
    await treat(bench, host, place_3=16_000, place_4=60)
    await give_agent(host, 14_000)
    await asyncio.sleep(INTERVAL_S)
    second = await give_agent(host, 8_000)
    assert second.state == codes.DOSE_DELIVERED
    await asyncio.sleep(INTERVAL_S)
    refused = await host.send_order(host.order(8_000, channel=AGENT))
    assert refused.reason == codes.REASON_WINDOW_HIGH
    await asyncio.sleep(110)
    assert (await host.send_order(host.order(8_000, channel=AGENT))).state == codes.DOSE_ACCEPTED


@pytest.mark.req("DOSE-9")
async def test_the_next_dose_of_a_channel_waits_for_its_interval(bench: Bench, host: RawHost) -> None:
    await host.ended(await host.start(1_000, 5000))
    refused = await host.send_order(host.order(1_000))
    assert refused.reason == codes.REASON_INTERVAL
    await asyncio.sleep(refused.nearest / 1000 + 0.2)
    assert (await host.send_order(host.order(1_000))).state == codes.DOSE_ACCEPTED


@pytest.mark.req("DOSE-6")
async def test_looser_ceilings_than_those_compiled_in_are_refused_with_the_nearest(bench: Bench, host: RawHost) -> None:
    assert host.issuer is not None
    row = (limits.MAX_DOSE_NL + 1, *LOOSEST[1:])
    result = await host.relay(messages.SET_CEILINGS, host.issuer.set_ceilings(row))
    assert (result.reason, result.nearest) == (codes.REASON_LOOSER, limits.MAX_DOSE_NL)


@pytest.mark.req("DOSE-10")
async def test_a_cartridge_exchanged_in_mid_dose_ends_it_and_demands_a_purge(
    bench: Bench, host: RawHost, plant: SimulatedRig
) -> None:
    await ready_for_agent(bench, host)
    assert bench.provision is not None
    other = cartridge_image(bench.provision, AGENT, 1_000_000, 990_000, serial=b"serial-2")
    async with host.permitted():
        dose_id = await host.start(20_000, 1000, channel=AGENT)
        await asyncio.sleep(2)
        exchanged_ns = bench.now_ns
        plant.remove_syringe(AGENT)
        outcome = await host.ended(dose_id)
    assert (outcome.state, outcome.cause) == (codes.DOSE_PARTIAL, codes.CAUSE_CARTRIDGE)
    assert last_edge_ns(bench, AGENT) <= exchanged_ns + SECOND_NS
    plant.exchange_syringe(AGENT, memory=other)
    await asyncio.sleep(INTERVAL_S)
    refused = await host.send_order(host.order(2_000, channel=AGENT))
    assert refused.reason == codes.REASON_PURGE
    purge = await host.start(10_000, 10_000, kind=codes.KIND_PURGE, channel=AGENT)
    assert (await host.ended(purge)).state == codes.DOSE_DELIVERED
    await asyncio.sleep(SUSPENDED_AGAIN_S)
    assert (await host.send_order(host.order(2_000, channel=AGENT))).state == codes.DOSE_ACCEPTED


@pytest.mark.req("PERMIT-5")
@pytest.mark.parametrize("kind", [codes.KIND_PRIME, codes.KIND_PURGE, codes.KIND_CALIBRATE])
async def test_what_goes_to_waste_needs_no_permit_and_nothing_of_it_reaches_the_tip(
    bench: Bench, host: RawHost, kind: int
) -> None:
    outcome = await host.ended(await host.start(5_000, 5000, kind=kind, channel=AGENT))
    assert outcome.state == codes.DOSE_DELIVERED
    assert outcome.emitted_steps == bench.edge_count(AGENT) == limits.steps_of(5_000)
    assert (outcome.patient_min_nl, outcome.patient_max_nl) == (0, 0)
    assert outcome.waste_min_nl <= bench.plant.line.waste_nl <= outcome.waste_max_nl
    assert abs(await weigh_nl(bench)) < 10
    assert_volume_is_balanced(bench)


@pytest.mark.req("PERMIT-5")
async def test_waste_is_refused_while_the_valve_is_on_the_patient(bench: Bench, host: RawHost) -> None:
    await host.start(5_000, 1000)
    await asyncio.sleep(1)
    refused = await host.send_order(host.order(1_000, kind=codes.KIND_PRIME))
    assert refused.reason == codes.REASON_VALVE


@pytest.mark.req("DOSE-13")
async def test_flush_behind_agent_flows_under_a_permit_only_and_counts_as_agent(bench: Bench, host: RawHost) -> None:
    await ready_for_agent(bench, host)
    await give_agent(host, 12_000)
    await asyncio.sleep(INTERVAL_S)
    before = await host.request(typed.Treatment, messages.GET_TREATMENT)
    assert before.agent_in_line_nl > 0
    dose_id = await host.start(15_000, 5000)
    await asyncio.sleep(1)
    assert bench.edge_count(FLUSH) == 0
    async with host.permitted() as service:
        service.lots = {dose_id: host.lot(FLUSH)}
        assert (await host.ended(dose_id)).state == codes.DOSE_DELIVERED
    after = await host.request(typed.Treatment, messages.GET_TREATMENT)
    assert after.agent_nl >= bench.plant.contents.tip[AGENT]
    assert after.agent_nl > before.agent_nl


@pytest.mark.req("DOSE-12")
async def test_without_a_screening_agent_is_given_as_one_screening_micro_dose_only(bench: Bench, host: RawHost) -> None:
    await ready_for_agent(bench, host)
    await host.close_treatment()
    await press(bench)
    await host.open_treatment(screening=codes.SCREENING_UNKNOWN)
    await press(bench)
    refused = await host.send_order(host.order(2_000, channel=AGENT))
    assert refused.reason == codes.REASON_SCREENING
    high = await host.send_order(host.order(3_000, channel=AGENT, kind=codes.KIND_SCREENING))
    assert (high.reason, high.nearest) == (codes.REASON_VOLUME_HIGH, limits.MAX_SCREENING_NL)
    async with host.permitted():
        dose_id = await host.start(1_500, 1000, channel=AGENT, kind=codes.KIND_SCREENING)
        assert (await host.ended(dose_id)).state == codes.DOSE_DELIVERED
    await asyncio.sleep(INTERVAL_S)
    again = await host.send_order(host.order(1_500, channel=AGENT, kind=codes.KIND_SCREENING))
    assert again.reason == codes.REASON_SCREENING


@pytest.mark.req("FLOW-9")
async def test_the_same_alarm_three_times_is_for_service_only(bench: Bench, host: RawHost, plant: SimulatedRig) -> None:
    for _ in range(3):
        await host.start(5_000, 2000)
        await asyncio.sleep(1.5)
        plant.put_bubble()
        await asyncio.sleep(0.5)
        plant.put_bubble(False)
        await asyncio.sleep(INTERVAL_S)
        cleared = await host.clear()
        await press(bench)
    assert cleared.reason == codes.REASON_SERVICE_ONLY
    assert (await host.status()).stop_cause != codes.CAUSE_NONE
