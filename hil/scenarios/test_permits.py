"""Agent flows under the monitor's permit and no longer, whatever the host wants."""

import asyncio

import pytest

from device import limits
from hil.bench import Bench
from hil.scenarios.judge import NS_PER_MS, assert_volume_is_balanced, assert_weighed, weigh_nl
from hil.scenarios.raw_host import RawHost
from hil.scenarios.rig_in_use import AGENT, COUNTER, last_edge_ns, press, ready_for_agent
from protocol import codes

LIFE_MS = 1_800
GRANT_NS = 40 * NS_PER_MS


@pytest.mark.req("PERMIT-1", "PERMIT-2", "PERMIT-7", "DOSE-8")
@pytest.mark.parametrize("channel", [AGENT, COUNTER])
async def test_under_permits_a_dose_is_delivered_to_the_step(bench: Bench, host: RawHost, channel: int) -> None:
    await ready_for_agent(bench, host)
    async with host.permitted() as service:
        service.lots = LotsOf(host, channel)
        dose_id = await host.start(5_000, 1000, channel=channel)
        outcome = await host.ended(dose_id)
    assert outcome.state == codes.DOSE_DELIVERED
    assert outcome.emitted_steps == bench.edge_count(channel) == limits.steps_of(5_000)
    assert_weighed(await weigh_nl(bench), outcome.patient_min_nl, outcome.patient_max_nl)
    assert service.verified > 0
    assert_volume_is_balanced(bench)


@pytest.mark.req("PERMIT-1")
async def test_without_a_permit_no_edge_ever(bench: Bench, host: RawHost) -> None:
    await ready_for_agent(bench, host)
    dose_id = await host.start(5_000, channel=AGENT)
    outcome = await host.ended(dose_id)
    assert (outcome.state, outcome.cause, outcome.emitted_steps) == (codes.DOSE_PARTIAL, codes.CAUSE_PERMIT, 0)
    assert bench.edge_count(AGENT) == 0
    assert bench.plant.tip_nl == 0


@pytest.mark.req("PERMIT-2")
async def test_a_permit_that_was_changed_on_its_way_or_is_heard_twice_is_refused(bench: Bench, host: RawHost) -> None:
    await ready_for_agent(bench, host)
    dose_id = await host.start(5_000, channel=AGENT)
    assert host.issuer is not None
    expires_ms = host.device_ms() + LIFE_MS
    signed = host.issuer.permit(dose_id, host.lot(AGENT), expires_ms, 5_000, 1_000)
    forged = bytearray(signed)
    forged[-20] ^= 1
    assert (await host.permit(bytes(forged))).reason == codes.REASON_AUTHENTICATION
    await asyncio.sleep(0.3)
    assert bench.edge_count(AGENT) == 0
    assert (await host.permit(signed)).reason == codes.REASON_NONE
    assert (await host.permit(signed)).reason == codes.REASON_REPLAYED


@pytest.mark.req("PERMIT-1", "PERMIT-3")
async def test_flow_ends_with_the_permit_and_a_short_gap_is_bridged(bench: Bench, host: RawHost) -> None:
    await ready_for_agent(bench, host)
    dose_id = await host.start(8_000, 1000, channel=AGENT)
    given_ns = bench.now_ns
    await host.grant(dose_id, life_ms=1_000)
    await asyncio.sleep(2.5)
    edges = bench.edge_count(AGENT)
    assert 0 < edges < limits.steps_of(8_000)
    assert last_edge_ns(bench, AGENT) <= given_ns + 1_000 * NS_PER_MS
    async with host.permitted():
        outcome = await host.ended(dose_id)
    assert outcome.state == codes.DOSE_DELIVERED
    assert outcome.emitted_steps == bench.edge_count(AGENT) == limits.steps_of(8_000)


@pytest.mark.req("PERMIT-3", "PERMIT-4")
async def test_after_a_longer_gap_only_a_person_and_a_permit_let_it_flow_again(bench: Bench, host: RawHost) -> None:
    await ready_for_agent(bench, host)
    dose_id = await host.start(6_000, 1000, channel=AGENT)
    await host.grant(dose_id, life_ms=1_500)
    paused = await host.in_state(dose_id, codes.DOSE_PAUSED)
    assert paused.cause == codes.CAUSE_PERMIT
    assert not bench.plant.valve_patient
    async with host.permitted():
        await asyncio.sleep(2)
        assert bench.edge_count(AGENT) == paused.emitted_steps
        await host.resume(dose_id)
        await press(bench)
        outcome = await host.ended(dose_id)
    assert outcome.state == codes.DOSE_DELIVERED
    assert bench.edge_count(AGENT) == limits.steps_of(6_000)
    assert_weighed(await weigh_nl(bench), outcome.patient_min_nl, outcome.patient_max_nl)


@pytest.mark.req("PERMIT-1")
async def test_no_more_than_the_volume_of_a_permit_leaves_the_pin(bench: Bench, host: RawHost) -> None:
    await ready_for_agent(bench, host)
    dose_id = await host.start(8_000, 5000, channel=AGENT)
    await host.grant(dose_id, volume_nl=1_000)
    await asyncio.sleep(1)
    assert 0.9 * limits.steps_of(1_000) < bench.edge_count(AGENT) <= limits.steps_of(1_000)


@pytest.mark.req("MON-1", "PERMIT-3")
async def test_a_hold_ends_the_flow_of_agent_until_a_clinician_and_a_person_clear_it(
    bench: Bench, host: RawHost
) -> None:
    await ready_for_agent(bench, host)
    async with host.permitted():
        dose_id = await host.start(8_000, 1000, channel=AGENT)
        await asyncio.sleep(2)
        held_ns = bench.now_ns
        assert (await host.hold()).reason == codes.REASON_NONE
        paused = await host.in_state(dose_id, codes.DOSE_PAUSED)
        assert paused.cause == codes.CAUSE_MONITOR
        assert last_edge_ns(bench, AGENT) <= held_ns + 10 * NS_PER_MS
        assert (await host.status()).hold_cause == codes.CAUSE_MONITOR
        assert (await host.resume(dose_id)).reason == codes.REASON_HOLD
        assert (await host.clear_by_clinician()).reason == codes.REASON_NONE
        await press(bench)
        assert (await host.status()).hold_cause == codes.CAUSE_NONE
        await host.resume(dose_id)
        await press(bench)
        assert (await host.ended(dose_id)).state == codes.DOSE_DELIVERED


@pytest.mark.req("STOP-1", "RESCUE-1")
async def test_a_stop_by_the_monitor_is_not_cleared_without_a_clinician(bench: Bench, host: RawHost) -> None:
    assert (await host.hold(codes.HOLD_STOP)).reason == codes.REASON_NONE
    assert (await host.status()).stop_cause == codes.CAUSE_MONITOR
    assert (await host.clear()).reason == codes.REASON_AUTHORITY
    await press(bench)
    assert (await host.status()).stop_cause == codes.CAUSE_MONITOR
    await host.clear_by_clinician()
    await press(bench)
    assert (await host.status()).stop_cause == codes.CAUSE_NONE


class LotsOf(dict[bytes, bytes]):
    """The same lot for every dose."""

    def __init__(self, host: RawHost, channel: int) -> None:
        super().__init__()
        self._lot = host.lot(channel)

    def get(self, key: bytes, default: bytes | None = None) -> bytes:  # type: ignore[override]
        """Return the lot."""
        return self._lot
