"""Air that comes down the line in mid-dose: nothing of it reaches the patient."""

import pytest

from hil.bench import Bench
from hil.plant.contents import AIR
from hil.scenarios.judge import FLUSH, assert_volume_is_balanced, last_edge_ns
from hil.scenarios.raw_host import RawHost
from protocol import codes

SAFE_WORST_NS = 10_000
BUBBLE_NL = 200.0
RATE_NL_S = 4000
# Behind the flow sensor only the bubble sensor can see it, before the valve opens the way.
BEHIND_THE_FLOW_SENSOR_NL = 600.0


@pytest.mark.req("FLOW-5", "STOP-2")
@pytest.mark.quick
async def test_a_bubble_at_the_detector_cuts_the_steps_and_never_reaches_the_tip(bench: Bench, host: RawHost) -> None:
    plant = bench.plant
    seen_ns: list[int] = []
    plant.on_inputs.append(lambda now_ns, inputs: None if inputs & codes.INPUT_BUBBLE_CLEAR else seen_ns.append(now_ns))
    plant.insert_air(BUBBLE_NL, BEHIND_THE_FLOW_SENSOR_NL)
    outcome = await host.ended(await host.start(10_000, RATE_NL_S))
    assert (outcome.state, outcome.cause) == (codes.DOSE_PARTIAL, codes.CAUSE_AIR)
    assert outcome.emitted_steps == bench.edge_count(FLUSH) > 0
    assert last_edge_ns(bench) <= seen_ns[0] + SAFE_WORST_NS
    bench.run_for(2.0)
    assert plant.to_patient_nl()[AIR] == 0.0
    assert_volume_is_balanced(bench)


@pytest.mark.req("FLOW-5")
async def test_a_bubble_in_the_flow_sensor_ends_the_dose_before_it_comes_to_the_detector(
    bench: Bench, host: RawHost
) -> None:
    plant = bench.plant
    plant.insert_air(BUBBLE_NL, plant.parameters.sensors_nl + BEHIND_THE_FLOW_SENSOR_NL)
    outcome = await host.ended(await host.start(10_000, RATE_NL_S))
    assert (outcome.state, outcome.cause) == (codes.DOSE_PARTIAL, codes.CAUSE_AIR)
    assert bench.plant.inputs(bench.now_ns) & codes.INPUT_BUBBLE_CLEAR
    assert plant.to_patient_nl()[AIR] == 0.0
    assert plant.contents.in_line()[AIR] == pytest.approx(BUBBLE_NL)
    assert_volume_is_balanced(bench)
