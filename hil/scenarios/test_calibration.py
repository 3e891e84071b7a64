"""Calibration: to the waste only, weighed there, confirmed by a person, kept; nonsense is refused."""

import asyncio

import pytest

from device import limits
from device.calibration import MIN_RUN_NL, VALID_DAYS
from hil.bench import Bench
from hil.plant.parameters import PlantParameters
from hil.scenarios.judge import FLUSH, SCALE_REST_S, assert_volume_is_balanced, assert_weighed, weigh_nl
from hil.scenarios.raw_host import RawHost
from hil.scenarios.rig_in_use import confirmed, press, reconnected
from protocol import codes, messages, typed

RATE_NL_S = 20_000
WIDE_BORE = 0.008
LOOK_NS = 1_000_000
wide = pytest.mark.bench(parameters=PlantParameters(bore_error=WIDE_BORE))


async def run_to_waste(bench: Bench, host: RawHost) -> tuple[bytes, int]:
    """Purge, make a run, weigh it under the waste; return the run's id and what it weighed."""
    await host.ended(await host.start(2_000, RATE_NL_S, kind=codes.KIND_PURGE, lot=bytes(8)))
    before_nl = bench.weigh_waste_nl()
    dose_id = await host.start(MIN_RUN_NL, RATE_NL_S, kind=codes.KIND_CALIBRATE, lot=bytes(8))
    assert (await host.ended(dose_id)).state == codes.DOSE_DELIVERED
    await asyncio.sleep(SCALE_REST_S)
    return dose_id, round(bench.weigh_waste_nl() - before_nl)


async def calibration(host: RawHost) -> typed.Calibration:
    return await host.request(typed.Calibration, messages.GET_CALIBRATION, FLUSH)


@pytest.mark.quick
@pytest.mark.req("PERMIT-5")
async def test_a_run_goes_to_the_waste_with_the_valve_released_all_the_time(bench: Bench, host: RawHost) -> None:
    stood_on_patient = []
    bench.plant.every(LOOK_NS, lambda _: stood_on_patient.append(bench.plant.valve_patient))
    _, weighed_nl = await run_to_waste(bench, host)
    assert stood_on_patient
    assert not any(stood_on_patient)
    assert bench.plant.tip_nl == 0
    assert weighed_nl == pytest.approx(MIN_RUN_NL, abs=100)
    assert_volume_is_balanced(bench)


@pytest.mark.req("PERMIT-5")
async def test_a_run_is_refused_while_the_valve_is_on_the_patient(bench: Bench, host: RawHost) -> None:
    dose_id = await host.start(5_000)
    await host.in_state(dose_id, codes.DOSE_RUNNING)
    refused = await host.send_order(host.order(MIN_RUN_NL, kind=codes.KIND_CALIBRATE, lot=bytes(8)))
    assert (refused.state, refused.reason) == (codes.DOSE_REFUSED, codes.REASON_VALVE)
    assert (await host.ended(dose_id)).state == codes.DOSE_DELIVERED
    assert bench.edge_count(FLUSH) == limits.steps_of(5_000)


@wide
async def test_a_weighed_run_that_a_person_confirms_makes_the_next_dose_as_large_as_it_was_asked(
    bench: Bench, host: RawHost
) -> None:
    dose_id, weighed_nl = await run_to_waste(bench, host)
    await confirmed(bench, host, messages.SET_CALIBRATION, dose_id, weighed_nl)
    row = await calibration(host)
    true_fl = bench.plant.parameters.step_nl * 1e6
    assert abs(row.step_fl - true_fl) <= true_fl * row.bore_error_ppm / 1e6
    assert row.bore_error_ppm < limits.BORE_ERROR_PPM
    before_nl, edges = bench.weigh_nl(), bench.edge_count(FLUSH)
    outcome = await host.ended(await host.start(20_000, 5_000))
    assert bench.edge_count(FLUSH) - edges == outcome.emitted_steps == limits.steps_of(20_000, row.step_fl)
    given_nl = await weigh_nl(bench) - before_nl
    assert given_nl == pytest.approx(20_000, rel=0.005)
    assert_weighed(given_nl, outcome.patient_min_nl, outcome.patient_max_nl)


@wide
async def test_a_calibrated_rig_tells_the_volume_more_narrowly(bench: Bench, host: RawHost) -> None:
    widths = []
    for _ in range(2):
        outcome = await host.ended(await host.start(20_000, 5_000))
        widths.append(outcome.patient_max_nl - outcome.patient_min_nl)
        dose_id, weighed_nl = await run_to_waste(bench, host)
        await confirmed(bench, host, messages.SET_CALIBRATION, dose_id, weighed_nl)
        await asyncio.sleep(10)
    assert widths[1] < widths[0] * 0.8


@pytest.mark.parametrize("share", [0.5, 0.96, 1.04, 2.0])
async def test_a_weighing_that_cannot_be_is_refused_and_the_nearest_named(
    bench: Bench, host: RawHost, share: float
) -> None:
    before = await calibration(host)
    dose_id, weighed_nl = await run_to_waste(bench, host)
    result = await host.request(typed.Result, messages.SET_CALIBRATION, dose_id, round(weighed_nl * share))
    assert (result.reason, result.person_awaited) == (codes.REASON_NOT_CALIBRATED, 0)
    assert result.nearest == pytest.approx(MIN_RUN_NL * (1 + (0.02 if share > 1 else -0.02)), abs=100)
    await press(bench)
    assert await calibration(host) == before


@pytest.mark.req("PERMIT-4")
async def test_a_weighing_that_nobody_confirms_changes_nothing(bench: Bench, host: RawHost) -> None:
    before = await calibration(host)
    dose_id, weighed_nl = await run_to_waste(bench, host)
    result = await host.request(typed.Result, messages.SET_CALIBRATION, dose_id, weighed_nl)
    assert result.person_awaited
    await asyncio.sleep(11)
    await press(bench)
    assert await calibration(host) == before


async def test_a_calibration_survives_the_power_and_its_error_is_wide_until_the_date_is_told(
    bench: Bench, host: RawHost
) -> None:
    dose_id, weighed_nl = await run_to_waste(bench, host)
    await confirmed(bench, host, messages.SET_CALIBRATION, dose_id, weighed_nl)
    made = await calibration(host)
    await asyncio.sleep(0.5)
    await host.close()
    bench.power_cycle()
    await asyncio.sleep(1)
    after = await reconnected(bench)
    undated = await calibration(after)
    assert (undated.step_fl, undated.bore_error_ppm) == (made.step_fl, limits.BORE_ERROR_PPM)
    await after.ready()
    assert await calibration(after) == made
    await after.close()


async def test_a_calibration_whose_date_is_over_tells_the_error_of_an_uncalibrated_bore(
    bench: Bench, host: RawHost
) -> None:
    dose_id, weighed_nl = await run_to_waste(bench, host)
    await confirmed(bench, host, messages.SET_CALIBRATION, dose_id, weighed_nl)
    made = await calibration(host)
    issuer = bench.issuer()
    await host.relay(messages.SET_DATE, issuer.set_date(issuer.provision.day + VALID_DAYS))
    assert (await calibration(host)).bore_error_ppm == made.bore_error_ppm
    await host.relay(messages.SET_DATE, issuer.set_date(issuer.provision.day + VALID_DAYS + 1))
    over = await calibration(host)
    assert (over.step_fl, over.bore_error_ppm) == (made.step_fl, limits.BORE_ERROR_PPM)
