"""The power goes at any moment: what was given lies in what the device tells later, and nothing starts by itself."""

import asyncio

import pytest

from hil.bench import Bench
from hil.scenarios.judge import FLUSH
from hil.scenarios.raw_host import RawHost
from hil.scenarios.rig_in_use import AGENT, COUNTER, INTERVAL_S, confirmed, press, ready_for_agent, reconnected
from protocol import codes, messages, typed

pytestmark = pytest.mark.only("twin", "vm")


async def back(bench: Bench, number: int = 1) -> RawHost:
    """Give the power back and connect."""
    await asyncio.sleep(0.1)
    bench.power_on()
    host = await reconnected(bench, number)
    await host.ready()
    return host


@pytest.mark.req("LEDGER-1", "LEDGER-5", "DOSE-2")
@pytest.mark.parametrize("after_ms", [0, 7, 60, 90, 130, 170, 333, 1_234, 2_001])
async def test_after_a_power_cut_the_true_steps_lie_in_the_interval_and_nothing_flows(
    bench: Bench, host: RawHost, after_ms: int
) -> None:
    order = host.order(5_000, 2000)
    assert (await host.send_order(order)).state == codes.DOSE_ACCEPTED
    await asyncio.sleep(after_ms / 1000)
    bench.power_off()
    edges = bench.edge_count(FLUSH)
    other = await back(bench)
    told = await other.get_dose(order.dose_id)
    assert told.emitted_steps <= edges <= told.granted_steps
    assert told.granted_steps - told.emitted_steps <= 40 * 2000 // 5608 + 2
    if told.state == codes.DOSE_PARTIAL:
        assert (edges, told.emitted_steps, told.cause) == (0, 0, codes.CAUSE_POWER)
    elif told.state != codes.DOSE_NOT_KNOWN:
        assert told.state == codes.DOSE_UNKNOWN
        assert told.patient_min_nl <= bench.plant.tip_nl <= told.patient_max_nl
        assert other.welcome.last_dose_id == order.dose_id
    await asyncio.sleep(3)
    assert bench.edge_count(FLUSH) == edges
    await other.close()


@pytest.mark.req("RESCUE-1", "LEDGER-3", "DOSE-5")
async def test_an_unknown_dose_keeps_the_agent_and_never_the_rescue_until_a_person_resolves_it(
    bench: Bench, host: RawHost
) -> None:
    await ready_for_agent(bench, host)
    async with host.permitted():
        dose_id = await host.start(10_000, 2000, channel=AGENT)
        await asyncio.sleep(2.5)
    bench.power_off()
    other = await back(bench)
    assert (await other.status()).unresolved_id == dose_id
    await ready_for_agent(bench, other)
    await asyncio.sleep(INTERVAL_S)
    refused = await other.send_order(other.order(1_000, channel=AGENT))
    assert refused.reason == codes.REASON_UNRESOLVED
    rescue = await other.rescue(1_000, 5000)
    assert rescue.state == codes.DOSE_ACCEPTED
    await press(bench)
    assert (await other.ended(rescue.dose_id)).state == codes.DOSE_DELIVERED
    await confirmed(bench, other, messages.RESOLVE, dose_id)
    assert (await other.status()).unresolved_id == bytes(8)
    accepted = await other.send_order(other.order(1_000, channel=AGENT))
    assert accepted.state == codes.DOSE_ACCEPTED
    assert bench.edge_count(COUNTER) > 0
    await other.close()


@pytest.mark.req("STOP-1", "STOP-9")
async def test_a_latched_stop_survives_the_power(bench: Bench, host: RawHost) -> None:
    await host.stop()
    await asyncio.sleep(0.5)
    bench.power_off()
    await asyncio.sleep(0.1)
    bench.power_on()
    other = await reconnected(bench)
    await asyncio.sleep(3)
    status = await other.status()
    assert status.stop_cause == codes.CAUSE_OPERATOR
    assert status.last_state == codes.DEVICE_STOPPED
    assert (await other.clear()).reason == codes.REASON_NONE
    await press(bench)
    assert (await other.status()).stop_cause == codes.CAUSE_NONE
    await other.close()


@pytest.mark.req("LEDGER-2", "DOSE-5")
async def test_the_totals_of_the_treatment_survive_the_power_and_count_the_unknown_dose_in_full(
    bench: Bench, host: RawHost
) -> None:
    first = await host.ended(await host.start(2_000, 5000))
    await asyncio.sleep(INTERVAL_S)
    second_id = await host.start(5_000, 2000)
    await asyncio.sleep(1.5)
    bench.power_off()
    other = await back(bench)
    second = await other.get_dose(second_id)
    treatment = await other.request(typed.Treatment, messages.GET_TREATMENT)
    assert treatment.treatment == other.treatment
    assert treatment.flush_nl == first.patient_max_nl + second.patient_max_nl
    await other.close()


RECORDS_KEPT = 320


@pytest.mark.only("twin")
@pytest.mark.req("RESCUE-1", "LEDGER-1", "LEDGER-2")
async def test_after_more_doses_than_the_journal_keeps_a_channel_never_used_still_rescues(
    bench: Bench, host: RawHost
) -> None:
    for _ in range(RECORDS_KEPT + 10):
        assert (await host.ended(await host.start(100, 5000, kind=codes.KIND_PRIME))).state == codes.DOSE_DELIVERED
    bench.power_off()
    other = await back(bench)
    status = await other.status()
    assert not status.self_test & codes.SELF_TEST_JOURNAL
    accepted = await other.rescue(1_000, 2000)
    await press(bench)
    assert (await other.ended(accepted.dose_id)).state == codes.DOSE_DELIVERED
    assert bench.edge_count(COUNTER) > 0
    await other.close()
