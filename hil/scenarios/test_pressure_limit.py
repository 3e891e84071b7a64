"""The occlusion limit that the clinic sets, and what the line stored at a stop: judged by the plant's own pressure."""

import asyncio
from collections.abc import Callable

import pytest

from hil.bench import Bench
from hil.plant import SimulatedRig
from hil.plant.parameters import PlantParameters
from hil.scenarios.judge import FLUSH, NS_PER_MS, assert_volume_is_balanced, assert_weighed, weigh_nl
from hil.scenarios.raw_host import RawHost
from hil.scenarios.rig_in_use import INTERVAL_S, last_edge_ns, press, reconnected
from protocol import codes, messages, typed

DEFAULT_PA = 69_000
LEAST_PA = 14_000
MOST_PA = 138_000
NARROW = pytest.mark.bench(parameters=PlantParameters(resistance_kpa_s_nl=0.01))
"""A line of 10 kPa per uL/s, whose pressure follows the rate with 2 s."""

PRESSURE_ERROR_KPA = 1.0
"""Noise and lag of the sensor and 20 ms of debounce, while the pressure rises slowly."""


def most(plant: SimulatedRig, look: Callable[[], float]) -> Callable[[], float]:
    """Look every millisecond from now on; the largest value seen is returned by what is returned."""
    seen = [look()]

    def see(_now_ns: int) -> None:
        seen[0] = max(seen[0], look())

    plant.every(NS_PER_MS, see)
    return lambda: seen[0]


async def set_limit(bench: Bench, host: RawHost, limit_pa: int) -> None:
    """Have the clinic set the limit and a person confirm it."""
    assert host.issuer is not None
    result = await host.relay(messages.SET_PRESSURE_LIMIT, host.issuer.set_pressure_limit(limit_pa))
    assert (result.reason, result.person_awaited) == (codes.REASON_NONE, 1), result
    await press(bench)
    assert (await host.status()).pressure_limit_pa == limit_pa


async def cleared(bench: Bench, host: RawHost) -> typed.Status:
    """Clear the stop, with a person, and return what the rig then says."""
    assert (await host.clear()).reason == codes.REASON_NONE
    await press(bench)
    return await host.status()


@NARROW
@pytest.mark.req("FLOW-3")
async def test_a_pressure_that_rises_slowly_above_14_kpa_stops_the_dose_there(
    bench: Bench, host: RawHost, plant: SimulatedRig
) -> None:
    """1.6 uL/s through this line are 16 kPa in the end, and nothing is wrong with it."""
    assert (await host.ended(await host.start(16_000, 1600))).state == codes.DOSE_DELIVERED
    await set_limit(bench, host, LEAST_PA)
    await asyncio.sleep(INTERVAL_S)
    edges, tip_nl = bench.edge_count(FLUSH), plant.tip_nl
    highest_kpa = most(plant, lambda: plant.pressure_kpa)
    outcome = await host.ended(await host.start(16_000, 1600))
    assert (outcome.state, outcome.cause) == (codes.DOSE_PARTIAL, codes.CAUSE_PRESSURE)
    assert abs(highest_kpa() - LEAST_PA / 1000) < PRESSURE_ERROR_KPA
    assert outcome.emitted_steps == bench.edge_count(FLUSH) - edges
    await asyncio.sleep(1)
    assert outcome.patient_min_nl <= plant.tip_nl - tip_nl <= outcome.patient_max_nl
    assert (await host.status()).stop_cause == codes.CAUSE_PRESSURE
    assert plant.stored_nl < 1
    assert_volume_is_balanced(bench)


@NARROW
@pytest.mark.req("FLOW-3")
async def test_at_138_kpa_the_same_dose_goes_on_for_longer_than_at_69(
    bench: Bench, host: RawHost, plant: SimulatedRig
) -> None:
    """16 uL/s through this line would be 160 kPa in the end."""
    lasted_s = []
    for limit_pa in (DEFAULT_PA, MOST_PA):
        if limit_pa != DEFAULT_PA:
            await set_limit(bench, host, limit_pa)
            await asyncio.sleep(INTERVAL_S)
        began_ns = bench.now_ns
        highest_kpa = most(plant, lambda: plant.pressure_kpa)
        outcome = await host.ended(await host.start(100_000, 16_000))
        assert (outcome.state, outcome.cause) == (codes.DOSE_PARTIAL, codes.CAUSE_PRESSURE)
        # It rises by 46 kPa/s at the one and 11 kPa/s at the other: 0.1 s for sensor, filter, debounce and grant.
        assert limit_pa / 1000 - PRESSURE_ERROR_KPA < highest_kpa() < limit_pa / 1000 + 5
        lasted_s.append((last_edge_ns(bench, FLUSH) - began_ns) / 1e9)
        assert (await cleared(bench, host)).stop_cause == codes.CAUSE_NONE
    assert lasted_s[1] > lasted_s[0] + 1


@NARROW
@pytest.mark.only("twin", "vm")
@pytest.mark.req("FLOW-3")
async def test_the_limit_outlives_the_power(bench: Bench, host: RawHost, plant: SimulatedRig) -> None:
    await set_limit(bench, host, LEAST_PA)
    await asyncio.sleep(0.5)
    bench.power_off()
    await asyncio.sleep(0.1)
    bench.power_on()
    other = await reconnected(bench)
    await other.ready()
    assert (await other.status()).pressure_limit_pa == LEAST_PA
    highest_kpa = most(plant, lambda: plant.pressure_kpa)
    outcome = await other.ended(await other.start(16_000, 1600))
    assert (outcome.state, outcome.cause) == (codes.DOSE_PARTIAL, codes.CAUSE_PRESSURE)
    assert abs(highest_kpa() - LEAST_PA / 1000) < PRESSURE_ERROR_KPA
    await other.close()


@pytest.mark.req("FLOW-3", "PERMIT-2", "PERMIT-4")
async def test_a_limit_that_is_out_of_range_forged_said_before_or_not_confirmed_changes_nothing(
    bench: Bench, host: RawHost
) -> None:
    assert host.issuer is not None
    number = messages.SET_PRESSURE_LIMIT

    async def refused(signed: bytes, reason: int, nearest: int = 0) -> None:
        result = await host.relay(number, signed)
        assert (result.reason, result.nearest, result.person_awaited) == (reason, nearest, 0)
        await press(bench)
        assert (await host.status()).pressure_limit_pa == DEFAULT_PA

    for limit_pa, nearest in ((0, LEAST_PA), (LEAST_PA - 1, LEAST_PA), (MOST_PA + 1, MOST_PA), (2**32 - 1, MOST_PA)):
        await refused(host.issuer.set_pressure_limit(limit_pa), codes.REASON_PRESSURE_LIMIT, nearest)
    signed = host.issuer.set_pressure_limit(LEAST_PA)
    await refused(signed[:-16] + bytes(16), codes.REASON_AUTHENTICATION)
    counter = int.from_bytes(signed[8:12], "little")
    of_monitor = host.issuer.provision.sign(codes.SLOT_MONITOR, number, host.issuer.boot, counter, LEAST_PA)
    await refused(of_monitor, codes.REASON_AUTHENTICATION)
    other_boot = host.issuer.provision.sign(codes.SLOT_CLINIC, number, bytes(8), counter, LEAST_PA)
    await refused(other_boot, codes.REASON_BOOT)
    assert (await host.relay(number, signed)).person_awaited == 1
    await asyncio.sleep(11)
    await refused(signed, codes.REASON_REPLAYED)
    dose_id = await host.start(5_000, 1000)
    await refused(host.issuer.set_pressure_limit(LEAST_PA), codes.REASON_BUSY)
    assert (await host.ended(dose_id)).state == codes.DOSE_DELIVERED


@pytest.mark.req("FLOW-4")
@pytest.mark.parametrize("rate_nl_s", [100, 1_000, 5_000])
async def test_what_the_line_stored_at_an_occlusion_is_told_until_a_person_clears_the_stop(
    bench: Bench, host: RawHost, plant: SimulatedRig, rate_nl_s: int
) -> None:
    """Within the error that the supervision's own test allows its estimate."""
    dose_id = await host.start(50_000, rate_nl_s)
    await asyncio.sleep(3)
    assert (await host.status()).stored_nl == 0
    plant.occlude(1.0)
    stored_nl = most(plant, lambda: plant.stored_nl)
    outcome = await host.ended(dose_id)
    assert (outcome.state, outcome.cause) == (codes.DOSE_PARTIAL, codes.CAUSE_OCCLUSION)
    told = await host.status()
    assert abs(told.stored_nl - stored_nl()) <= 100 + rate_nl_s // 20
    await asyncio.sleep(1)
    assert plant.stored_nl < 1
    assert_weighed(await weigh_nl(bench), outcome.patient_min_nl, outcome.patient_max_nl)
    assert (await host.status()).stored_nl == told.stored_nl
    after = await cleared(bench, host)
    assert (after.stop_cause, after.stored_nl) == (codes.CAUSE_NONE, 0)
