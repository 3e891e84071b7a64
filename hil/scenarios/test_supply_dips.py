"""The supply of motor and valve dips in mid-dose: what was emitted then is not called given, nor the line clean."""

import asyncio

import pytest

from hil.bench import Bench
from hil.plant import SimulatedRig
from hil.scenarios.judge import FLUSH, assert_volume_is_balanced, assert_weighed, weigh_nl
from hil.scenarios.raw_host import RawHost
from hil.scenarios.rig_in_use import AGENT, COUNTER, confirmed, press
from protocol import codes, messages, typed

pytestmark = pytest.mark.only("twin", "vm")

RATE_NL_S = 20_000
BEHIND_VALVE_NL = 8_000
DIPS_S = (0.012, 0.03, 0.12)
"""Shorter than a tick none is seen, and costs 0.2 uL at most; longer ones than these the flow shows, too."""


async def ended(bench: Bench, host: RawHost, dose_id: bytes, dip_s: float, after_s: float) -> typed.DoseState:
    """Let the supply dip while a dose flows; return how that ended."""
    await host.in_state(dose_id, codes.DOSE_RUNNING)
    await asyncio.sleep(after_s)
    bench.plant.dip_supply_for(dip_s)
    return await host.ended(dose_id)


@pytest.mark.req("DOSE-8", "FLOW-7")
@pytest.mark.parametrize("dip_s", DIPS_S)
async def test_what_went_to_the_patient_is_in_the_interval_that_is_told(
    bench: Bench, host: RawHost, plant: SimulatedRig, dip_s: float
) -> None:
    outcome = await ended(bench, host, await host.start(20_000, RATE_NL_S), dip_s, 0.3)
    assert plant.unpowered_steps[FLUSH] > 0
    assert outcome.emitted_steps == bench.edge_count(FLUSH)
    assert_weighed(await weigh_nl(bench), outcome.patient_min_nl, outcome.patient_max_nl)
    assert outcome.waste_min_nl <= plant.waste_nl <= outcome.waste_max_nl
    assert_volume_is_balanced(bench)


@pytest.mark.req("DOSE-13", "FLOW-7")
@pytest.mark.parametrize("dip_s", DIPS_S)
async def test_a_line_that_was_flushed_meanwhile_is_not_called_free_of_agent(
    bench: Bench, host: RawHost, plant: SimulatedRig, dip_s: float
) -> None:
    await host.ended(await host.start(9_000, RATE_NL_S, kind=codes.KIND_PRIME, channel=AGENT))
    outcome = await ended(bench, host, await host.start(9_000, RATE_NL_S, kind=codes.KIND_PRIME), dip_s, 0.15)
    told = await host.request(typed.Treatment, messages.GET_TREATMENT)
    assert outcome.waste_min_nl < BEHIND_VALVE_NL
    assert told.agent_in_line_nl >= plant.contents.in_line()[AGENT]
    assert told.agent_in_line_nl > 0


@pytest.mark.req("RESCUE-1", "DOSE-13", "FLOW-7")
@pytest.mark.parametrize("dip_s", DIPS_S)
async def test_agent_that_a_rescue_has_not_cleared_is_counted_as_given(
    bench: Bench, host: RawHost, plant: SimulatedRig, dip_s: float
) -> None:
    await host.ended(await host.start(9_000, RATE_NL_S, kind=codes.KIND_PRIME, channel=AGENT))
    accepted = await host.rescue(2_000, 5_000)
    await press(bench)
    await ended(bench, host, accepted.dose_id, dip_s, 0.15)
    await confirmed(bench, host, messages.TEST_ALARMS)
    told = await host.request(typed.Treatment, messages.GET_TREATMENT)
    assert bench.edge_count(COUNTER) > 0
    assert told.agent_in_line_nl >= plant.contents.in_line()[AGENT]
    assert told.agent_nl >= plant.contents.tip[AGENT]


@pytest.mark.req("FLOW-7", "ALARM-1")
@pytest.mark.parametrize("after_ms", range(300, 310))
async def test_a_supply_that_goes_is_the_cause_that_is_named_whenever_in_a_tick_it_goes(
    bench: Bench, host: RawHost, after_ms: int
) -> None:
    """The line relieves itself through a valve without supply: that flow is no loose syringe."""
    dose_id = await host.start(40_000, RATE_NL_S)
    outcome = await ended(bench, host, dose_id, 1.0, after_ms / 1000)
    assert outcome.cause == codes.CAUSE_SUPPLY
    assert (await host.status()).stop_cause == codes.CAUSE_SUPPLY
