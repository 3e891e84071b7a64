"""Doses: delivered, weighed, executed once, one at a time, and refused when they must be."""

import asyncio
from typing import Any

import pytest

from device import limits
from hil.bench import Bench
from hil.scenarios.judge import FLUSH, assert_volume_is_balanced, assert_weighed, weigh_nl
from hil.scenarios.raw_host import RawHost
from protocol import codes


@pytest.mark.quick
@pytest.mark.req("DOSE-8")
async def test_a_short_dose_is_delivered_to_the_step_and_weighs_what_was_reported(bench: Bench, host: RawHost) -> None:
    outcome = await host.ended(await host.start(500, 5000))
    assert outcome.state == codes.DOSE_DELIVERED
    assert outcome.emitted_steps == bench.edge_count(FLUSH) == limits.steps_of(500)
    assert_weighed(await weigh_nl(bench), outcome.patient_min_nl, outcome.patient_max_nl)


@pytest.mark.req("DOSE-8", "LEDGER-3")
@pytest.mark.parametrize(("volume_nl", "rate_nl_s"), [(12_500, 1000), (2_000, 200), (25_000, 10_000)])
async def test_a_full_dose_is_delivered_and_weighs_what_the_client_reports(
    bench: Bench, host: RawHost, volume_nl: int, rate_nl_s: int
) -> None:
    await host.close()
    rig = await bench.connect()
    outcome = await rig.dose(volume_nl, rate_nl_s)
    await rig.close()
    assert outcome.outcome == "delivered"
    assert outcome.emitted_steps == bench.edge_count(FLUSH) == limits.steps_of(volume_nl)
    assert_weighed(await weigh_nl(bench), *outcome.to_patient_nl)
    assert_volume_is_balanced(bench)


@pytest.mark.req("DOSE-8")
async def test_a_dose_is_delivered_only_after_the_line_has_settled(bench: Bench, host: RawHost) -> None:
    dose_id = await host.start(5_000, 10_000)
    await host.in_state(dose_id, codes.DOSE_SETTLING)
    assert bench.plant.pressure_kpa > 1
    assert bench.plant.valve_patient
    assert (await host.ended(dose_id)).state == codes.DOSE_DELIVERED
    assert bench.plant.pressure_kpa < 0.3


@pytest.mark.req("DOSE-2")
async def test_a_repeated_id_is_executed_once(bench: Bench, host: RawHost) -> None:
    order = host.order(1000)
    assert (await host.send_order(order)).state == codes.DOSE_ACCEPTED
    await asyncio.sleep(0.5)
    assert (await host.send_order(order)).state == codes.DOSE_RUNNING
    outcome = await host.ended(order.dose_id)
    again = await host.send_order(order)
    assert (again.state, again.emitted_steps) == (codes.DOSE_DELIVERED, outcome.emitted_steps)
    await asyncio.sleep(3)
    assert bench.edge_count(FLUSH) == limits.steps_of(1000)


@pytest.mark.req("DOSE-7")
async def test_a_second_dose_is_refused_while_one_runs_and_the_first_goes_on(bench: Bench, host: RawHost) -> None:
    first = await host.start(1000)
    second = await host.send_order(host.order(1000))
    assert (second.state, second.reason) == (codes.DOSE_REFUSED, codes.REASON_BUSY)
    assert (await host.ended(first)).state == codes.DOSE_DELIVERED
    assert (await host.get_dose(second.dose_id)).state == codes.DOSE_REFUSED
    assert bench.edge_count(FLUSH) == limits.steps_of(1000)


@pytest.mark.req("DOSE-3")
async def test_an_order_that_does_not_know_of_the_last_dose_is_refused(bench: Bench, host: RawHost) -> None:
    await host.ended(await host.start(500))
    stale = await host.send_order(host.order(500, last_dose_id=bytes(8)))
    assert (stale.state, stale.reason) == (codes.DOSE_REFUSED, codes.REASON_LAST_DOSE)
    await asyncio.sleep(2)
    assert bench.edge_count(FLUSH) == limits.steps_of(500)


@pytest.mark.req("DOSE-4")
@pytest.mark.parametrize(
    ("volume_nl", "rate_nl_s", "reason", "nearest"),
    [
        (limits.MAX_DOSE_NL + 1, 1000, codes.REASON_VOLUME_HIGH, limits.MAX_DOSE_NL),
        (limits.MIN_DOSE_NL - 1, 1000, codes.REASON_VOLUME_LOW, limits.MIN_DOSE_NL),
        (1000, limits.MAX_RATE_NL_S + 1, codes.REASON_RATE_HIGH, limits.MAX_RATE_NL_S),
        (1000, limits.MIN_RATE_NL_S - 1, codes.REASON_RATE_LOW, limits.MIN_RATE_NL_S),
    ],
)
async def test_a_dose_beyond_a_limit_is_refused_with_the_nearest_allowed_value(
    bench: Bench, host: RawHost, volume_nl: int, rate_nl_s: int, reason: int, nearest: int
) -> None:
    refused = await host.send_order(host.order(volume_nl, rate_nl_s))
    assert (refused.state, refused.reason, refused.nearest) == (codes.DOSE_REFUSED, reason, nearest)
    await assert_nothing_moved(bench)


@pytest.mark.req("DOSE-4")
async def test_an_expired_order_is_refused(bench: Bench, host: RawHost) -> None:
    order = host.order(1000, expires_ms=host.device_ms() + 500)
    await asyncio.sleep(1)
    refused = await host.send_order(order)
    assert (refused.state, refused.reason) == (codes.DOSE_REFUSED, codes.REASON_EXPIRED)
    await assert_nothing_moved(bench)


@pytest.mark.req("DOSE-4")
@pytest.mark.parametrize(
    ("field", "value", "reason"),
    [
        ("boot", b"whenever", codes.REASON_BOOT),
        ("session", b"whos", codes.REASON_SESSION),
        ("kind", 200, codes.REASON_KIND),
        ("profile", 200, codes.REASON_PROFILE),
        ("channel", 200, codes.REASON_CHANNEL),
        ("dose_id", bytes(8), codes.REASON_ID),
        ("expires_ms", 0x3FFF_FFFF, codes.REASON_EXPIRED),
    ],
)
async def test_an_order_of_another_boot_or_session_or_without_sense_is_refused(
    bench: Bench, host: RawHost, field: str, value: Any, reason: int
) -> None:
    refused = await host.send_order(host.order(1000, **{field: value}))
    assert (refused.state, refused.reason) == (codes.DOSE_REFUSED, reason)
    await assert_nothing_moved(bench)


@pytest.mark.req("PERMIT-4")
async def test_a_paused_dose_stands_still_and_goes_on_only_when_a_person_says_so(bench: Bench, host: RawHost) -> None:
    dose_id = await host.start(3000)
    await asyncio.sleep(1.5)
    await host.pause(dose_id)
    paused = await host.in_state(dose_id, codes.DOSE_PAUSED)
    assert paused.emitted_steps == bench.edge_count(FLUSH) < limits.steps_of(3000)
    await host.resume(dose_id)
    await asyncio.sleep(2)
    assert bench.edge_count(FLUSH) == paused.emitted_steps
    bench.press_footswitch()
    outcome = await host.ended(dose_id)
    assert outcome.state == codes.DOSE_DELIVERED
    assert outcome.emitted_steps == bench.edge_count(FLUSH) == limits.steps_of(3000)
    assert_weighed(await weigh_nl(bench), outcome.patient_min_nl, outcome.patient_max_nl)


@pytest.mark.req("PERMIT-4")
async def test_a_foot_switch_pressed_too_late_resumes_nothing(bench: Bench, host: RawHost) -> None:
    dose_id = await host.start(3000)
    await asyncio.sleep(1)
    await host.pause(dose_id)
    paused = await host.in_state(dose_id, codes.DOSE_PAUSED)
    await host.resume(dose_id)
    await asyncio.sleep(10.5)
    bench.press_footswitch()
    await asyncio.sleep(2)
    assert bench.edge_count(FLUSH) == paused.emitted_steps


async def assert_nothing_moved(bench: Bench) -> None:
    await asyncio.sleep(2)
    assert bench.recorder.edges == []
    assert bench.plant.tip_nl == 0
