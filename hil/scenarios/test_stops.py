"""Stops: by frame, by hand, by a machine cause. No edge afterwards, emitted exact, latched until a person clears."""

import asyncio
from collections.abc import Callable

import pytest

from device import limits
from hil.bench import Bench
from hil.plant import SimulatedRig
from hil.scenarios.judge import (
    FLUSH,
    NS_PER_MS,
    assert_volume_is_balanced,
    assert_weighed,
    last_edge_ns,
    safe_falls_ns,
    stop_frames_ns,
    weigh_nl,
)
from hil.scenarios.raw_host import RawHost
from protocol import codes

STOP_WORST_NS = {"twin": 10 * NS_PER_MS, "vm": 10 * NS_PER_MS, "rp2040": 5 * NS_PER_MS, "serial": 10 * NS_PER_MS}
SAFE_WORST_NS = 10_000
GRANT_NS = 40 * NS_PER_MS
AFTER_STOP_NL = 300
AFTER_HANG_NL = 1000
VOLUME_NL = 10_000

Trip = Callable[[SimulatedRig], None]


async def dosing(host: RawHost, rate_nl_s: int = 2000, after_s: float = 1.5) -> bytes:
    """Return the id of a dose in its middle."""
    dose_id = await host.start(VOLUME_NL, rate_nl_s)
    await asyncio.sleep(after_s)
    return dose_id


@pytest.mark.req("STOP-1", "STOP-3", "STOP-7", "STOP-11")
@pytest.mark.parametrize("rate_nl_s", [500, 2000, pytest.param(8000, marks=pytest.mark.quick)])
async def test_a_stop_in_mid_dose_leaves_exactly_what_it_reports(bench: Bench, host: RawHost, rate_nl_s: int) -> None:
    dose_id = await dosing(host, rate_nl_s, 0.8)
    weighed_before_nl = bench.plant.tip_nl
    await host.stop()
    outcome = await host.ended(dose_id)
    assert outcome.state == codes.DOSE_PARTIAL
    assert outcome.cause == codes.CAUSE_OPERATOR
    assert outcome.emitted_steps == bench.edge_count(FLUSH) < limits.steps_of(VOLUME_NL)
    assert last_edge_ns(bench) <= stop_frames_ns(bench)[0] + STOP_WORST_NS[bench.target]
    weighed_nl = await weigh_nl(bench)
    assert_weighed(weighed_nl, outcome.patient_min_nl, outcome.patient_max_nl)
    assert weighed_nl - weighed_before_nl < AFTER_STOP_NL
    assert_volume_is_balanced(bench)


@pytest.mark.req("STOP-1", "LEDGER-3")
async def test_the_client_reports_a_stopped_dose_as_partial_and_the_scale_agrees(bench: Bench, host: RawHost) -> None:
    await host.close()
    rig = await bench.connect()
    dose = asyncio.create_task(rig.dose(VOLUME_NL, 2000))
    await asyncio.sleep(2)
    report = await rig.stop()
    outcome = await dose
    await rig.close()
    assert report.cause == "operator"
    assert outcome.outcome == "partial"
    assert outcome.emitted_steps == bench.edge_count(FLUSH)
    assert_weighed(await weigh_nl(bench), *outcome.to_patient_nl)


@pytest.mark.req("STOP-1", "STOP-6")
async def test_a_stop_latches_and_nothing_is_dosed_until_a_person_clears_it(bench: Bench, host: RawHost) -> None:
    dose_id = await dosing(host)
    await host.stop()
    edges = (await host.ended(dose_id)).emitted_steps
    refused = await host.send_order(host.order(1000))
    assert (refused.state, refused.reason) == (codes.DOSE_REFUSED, codes.REASON_STOPPED)
    await host.clear()
    await asyncio.sleep(2)
    assert (await host.status()).stop_cause == codes.CAUSE_OPERATOR
    assert bench.edge_count(FLUSH) == edges
    assert not bench.plant.motor_powered
    assert not bench.plant.valve_patient
    bench.press_footswitch()
    await asyncio.sleep(0.5)
    assert (await host.status()).stop_cause == codes.CAUSE_NONE
    await asyncio.sleep(limits.MIN_INTERVAL_MS / 1000)
    assert (await host.ended(await host.start(500))).state == codes.DOSE_DELIVERED


@pytest.mark.req("PERMIT-4")
async def test_a_foot_switch_that_is_held_down_all_the_time_clears_nothing(bench: Bench, host: RawHost) -> None:
    await host.stop()
    bench.plant.press_footswitch()
    await asyncio.sleep(0.2)
    await host.clear()
    await asyncio.sleep(3)
    assert (await host.status()).stop_cause == codes.CAUSE_OPERATOR


@pytest.mark.req("STOP-1")
async def test_a_stop_needs_no_session_and_goes_ahead_of_what_is_queued(bench: Bench, host: RawHost) -> None:
    dose_id = await dosing(host)
    stranger = RawHost(bench.transport(), bench.seed + 1)
    requests = b"".join(stranger.nonsense() for _ in range(6))
    await stranger.write(requests + stranger.stop_frame())
    await asyncio.sleep(0.1)
    assert last_edge_ns(bench) <= stop_frames_ns(bench)[0] + STOP_WORST_NS[bench.target]
    async with RawHost(bench.transport(), bench.seed + 2) as other:
        assert (await other.ended(dose_id)).emitted_steps == bench.edge_count(FLUSH)
        assert (await other.status()).stop_cause == codes.CAUSE_OPERATOR


@pytest.mark.req("STOP-2", "STOP-6", "STOP-11")
@pytest.mark.parametrize(
    ("trip", "cause"),
    [
        pytest.param(lambda plant: plant.press_estop(), codes.CAUSE_EMERGENCY_STOP, marks=pytest.mark.quick),
        (lambda plant: plant.open_door(), codes.CAUSE_DOOR),
        (lambda plant: plant.put_bubble(), codes.CAUSE_AIR),
    ],
    ids=["E-stop", "door", "air"],
)
async def test_the_safe_line_cuts_the_edges_at_once_and_latches(
    bench: Bench, host: RawHost, plant: SimulatedRig, trip: Trip, cause: int
) -> None:
    dose_id = await dosing(host)
    weighed_before_nl = plant.tip_nl
    falls_ns = safe_falls_ns(bench)
    trip(plant)
    outcome = await host.ended(dose_id)
    assert (outcome.state, outcome.cause) == (codes.DOSE_PARTIAL, cause)
    assert last_edge_ns(bench) <= falls_ns[0] + SAFE_WORST_NS
    assert outcome.emitted_steps == bench.edge_count(FLUSH)
    assert (await host.status()).stop_cause == cause
    weighed_nl = await weigh_nl(bench)
    assert_weighed(weighed_nl, outcome.patient_min_nl, outcome.patient_max_nl)
    assert weighed_nl - weighed_before_nl < AFTER_STOP_NL


@pytest.mark.req("STOP-2")
async def test_nothing_moves_when_safe_comes_back_after_a_moment(
    bench: Bench, host: RawHost, plant: SimulatedRig
) -> None:
    dose_id = await dosing(host)
    falls_ns = safe_falls_ns(bench)
    plant.press_estop()
    plant.at(bench.now_ns + NS_PER_MS, lambda: plant.press_estop(False))
    await asyncio.sleep(2)
    assert last_edge_ns(bench) <= falls_ns[0] + SAFE_WORST_NS
    assert (await host.ended(dose_id)).emitted_steps == bench.edge_count(FLUSH)
    assert (await host.status()).stop_cause != codes.CAUSE_NONE


@pytest.mark.req("STOP-1", "RESCUE-1")
async def test_a_stop_is_not_cleared_while_its_machine_cause_stands(
    bench: Bench, host: RawHost, plant: SimulatedRig
) -> None:
    plant.press_estop()
    await asyncio.sleep(0.2)
    assert (await host.clear()).reason == codes.REASON_CAUSE_STANDS
    bench.press_footswitch(after_s=0.5)
    await asyncio.sleep(1)
    assert (await host.status()).stop_cause == codes.CAUSE_EMERGENCY_STOP
    plant.press_estop(False)
    await asyncio.sleep(0.2)
    assert (await host.clear()).reason == codes.REASON_NONE
    bench.press_footswitch(after_s=0.5)
    await asyncio.sleep(1)
    assert (await host.status()).stop_cause == codes.CAUSE_NONE


@pytest.mark.req("FLOW-3")
async def test_an_occlusion_stops_the_dose(bench: Bench, host: RawHost, plant: SimulatedRig) -> None:
    dose_id = await host.start(50_000, 5000)
    await asyncio.sleep(1)
    plant.occlude(1.0)
    outcome = await host.ended(dose_id)
    assert outcome.state == codes.DOSE_PARTIAL
    assert outcome.cause in (codes.CAUSE_OCCLUSION, codes.CAUSE_PRESSURE)
    assert outcome.emitted_steps == bench.edge_count(FLUSH)
    assert_weighed(await weigh_nl(bench), outcome.patient_min_nl, outcome.patient_max_nl)
    assert plant.stored_nl < 1


@pytest.mark.only("twin", "vm")
@pytest.mark.req("STOP-5", "STOP-9", "STOP-11")
@pytest.mark.parametrize("rate_nl_s", [2000, limits.MAX_RATE_NL_S])
@pytest.mark.parametrize("phase_ms", [0, 3, 7, 9])
async def test_when_the_processor_hangs_the_flow_ends_with_the_grant_and_the_watchdog_resets_it(
    bench: Bench, host: RawHost, plant: SimulatedRig, rate_nl_s: int, phase_ms: int
) -> None:
    await host.start(60_000, rate_nl_s)
    await asyncio.sleep(2.0 + phase_ms / 1000)
    weighed_before_nl = plant.tip_nl
    hung_ns = bench.now_ns
    bench.board.hang()
    await asyncio.sleep(1.5)
    assert last_edge_ns(bench) <= hung_ns + GRANT_NS
    assert not plant.motor_powered
    assert await weigh_nl(bench) - weighed_before_nl < AFTER_HANG_NL
    async with RawHost(bench.transport(), bench.seed + 1) as other:
        assert other.welcome.boot != host.welcome.boot
        assert (await other.status()).stop_cause == codes.CAUSE_FAULT
