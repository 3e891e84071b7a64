"""The link in mid-dose: silent, noisy, lossy, taken over; and a host that comes back to learn what happened."""

import asyncio
import random

import pytest

from device import limits
from hil.bench import Bench
from hil.faults import LinkFaults
from hil.scenarios.judge import FLUSH, NS_PER_MS, assert_weighed, last_edge_ns, weigh_nl
from hil.scenarios.raw_host import RawHost
from protocol import codes

LINK_LOST_NS = 1_500 * NS_PER_MS


@pytest.mark.req("LINK-4")
async def test_a_dose_pauses_within_the_bound_when_the_host_falls_silent(bench: Bench, host: RawHost) -> None:
    dose_id = await host.start(10_000)
    await asyncio.sleep(1)
    await host.close()
    silent_ns = bench.now_ns
    await asyncio.sleep(4)
    assert silent_ns < last_edge_ns(bench) <= silent_ns + LINK_LOST_NS
    async with RawHost(bench.transport(), bench.seed + 1) as other:
        paused = await other.in_state(dose_id, codes.DOSE_PAUSED)
        assert paused.cause == codes.CAUSE_LINK_LOST
        assert paused.emitted_steps == bench.edge_count(FLUSH)


@pytest.mark.req("LINK-5", "PERMIT-4")
async def test_a_host_that_comes_back_starts_nothing_until_a_person_says_so(bench: Bench, host: RawHost) -> None:
    dose_id = await host.start(3000)
    await asyncio.sleep(1)
    await host.close()
    await asyncio.sleep(3)
    edges = bench.edge_count(FLUSH)
    async with RawHost(bench.transport(), bench.seed + 1) as other:
        await other.in_state(dose_id, codes.DOSE_PAUSED)
        await asyncio.sleep(3)
        assert bench.edge_count(FLUSH) == edges
        await other.resume(dose_id)
        bench.press_footswitch(after_s=0.5)
        outcome = await other.ended(dose_id)
    assert outcome.emitted_steps == bench.edge_count(FLUSH) == limits.steps_of(3000)


@pytest.mark.req("LINK-5", "LEDGER-5")
async def test_a_client_that_reconnects_in_mid_dose_learns_the_outcome(bench: Bench, host: RawHost) -> None:
    await host.close()
    rig = await bench.connect()
    dose = asyncio.create_task(rig.dose(3000, 1000))
    await asyncio.sleep(1)
    bench.link.unplug()
    await asyncio.sleep(0.3)
    bench.link.plug()
    outcome = await dose
    await rig.close()
    assert outcome.outcome == "delivered"
    assert outcome.emitted_steps == bench.edge_count(FLUSH) == limits.steps_of(3000)
    assert_weighed(await weigh_nl(bench), *outcome.to_patient_nl)


@pytest.mark.req("LINK-1")
async def test_garbage_on_the_line_changes_nothing_about_a_dose(bench: Bench, host: RawHost) -> None:
    noise = random.Random(bench.seed)
    dose_id = await host.start(2000)
    for _ in range(40):
        await host.write(noise.randbytes(noise.randrange(1, 200)) + b"\0")
        await asyncio.sleep(0.05)
    outcome = await host.ended(dose_id)
    assert outcome.state == codes.DOSE_DELIVERED
    assert outcome.emitted_steps == bench.edge_count(FLUSH) == limits.steps_of(2000)


@pytest.mark.req("LINK-1", "LINK-3", "DOSE-2")
@pytest.mark.parametrize("number", [pytest.param(n, marks=pytest.mark.bench(seed=100 + n)) for n in range(5)])
async def test_over_a_bad_link_a_dose_is_still_executed_at_most_once_and_known_in_the_end(
    bench: Bench, host: RawHost, number: int
) -> None:
    await host.close()
    faults = LinkFaults(drop=0.1, duplicate=0.1, delay=0.05, corrupt=0.1, reorder=0.1)
    bench.set_link_faults(faults, faults)
    rig = await bench.connect()
    outcome = await rig.dose(1500, 1000)
    await rig.close()
    edges = bench.edge_count(FLUSH)
    assert edges <= limits.steps_of(1500)
    if outcome.outcome in {"refused", "not_sent"}:
        assert edges == 0
    else:
        assert outcome.outcome == "delivered"
        assert outcome.emitted_steps == edges


@pytest.mark.req("LINK-2")
async def test_a_host_of_another_schema_gets_no_session_and_doses_nothing(bench: Bench, host: RawHost) -> None:
    await host.close()
    other = RawHost(bench.transport(), bench.seed + 1, schema=b"another!")
    with pytest.raises(ConnectionError):
        await other.__aenter__()
    await other.__aexit__()
    async with RawHost(bench.transport(), bench.seed + 2) as right:
        assert (await right.status()).dose_id == bytes(8)
    assert bench.recorder.edges == []
