"""A supply of motor and valve that dips in mid-dose: what left then may have moved nothing, and is not called given."""

import pytest

from device import limits
from device.line import BACKLASH_NL, FRICTION_NL
from protocol import codes
from tests.device.dose_bench import Bench


@pytest.fixture
def bench():
    return Bench()


def running(bench, ticks=30, **order):
    bench.order(**order)
    bench.until(codes.DOSE_RUNNING)
    bench.tick(ticks)
    return bench


def least_nl(steps):
    emitted_nl = steps * limits.STEP_FL // 1_000_000
    return max(0, emitted_nl - emitted_nl // 100 - 1 - BACKLASH_NL - FRICTION_NL)


@pytest.mark.req("DOSE-8", "FLOW-7")
def test_what_left_while_the_supply_was_away_is_not_sure_to_have_gone_to_the_waste(bench):
    running(bench, 50, kind=codes.KIND_PRIME)
    before = bench.pump.emitted_steps
    bench.dose.supplied(False)
    bench.tick(3)
    bench.dose.supplied(False)
    bench.tick(2)
    bench.dose.supplied(True)
    doubted = bench.pump.granted_steps - before
    bench.until(codes.DOSE_DELIVERED)
    line = bench.dose.line
    steps = bench.pump.emitted_steps
    assert doubted > 5
    assert line.waste_min_nl == pytest.approx(least_nl(steps) - doubted * limits.STEP_FL / 1e6, abs=2)
    assert line.waste_max_nl > steps * limits.STEP_FL // 1_000_000


@pytest.mark.req("DOSE-8")
def test_a_stop_while_the_supply_is_away_doubts_what_left_until_then(bench):
    running(bench, 50, kind=codes.KIND_PRIME)
    before = bench.pump.emitted_steps
    bench.dose.supplied(False)
    bench.tick(4)
    bench.stop()
    bench.until(codes.DOSE_PARTIAL)
    assert bench.pump.emitted_steps > before
    assert bench.dose.line.waste_min_nl == least_nl(before) - 1


@pytest.mark.req("DOSE-8")
def test_with_the_valve_on_the_patient_what_the_line_stored_may_have_gone_to_waste_too(bench):
    bench.sensor.flow_nl_s = 1_000
    running(bench, 100)
    bench.sensor.pa = 400
    bench.dose.supplied(False)
    bench.tick()
    bench.dose.supplied(True)
    bench.sensor.pa = 0
    bench.until(codes.DOSE_DELIVERED)
    line = bench.dose.line
    # 400 Pa read to 312 Pa in the softest line, and 80 ms of the rate; the flow sensor is not heard.
    doubted_nl = 40 * 1_000 // 1000 + 712 + 80
    assert line.patient_min_nl <= least_nl(bench.pump.emitted_steps) - doubted_nl
    assert line.heard_nl() == 0


def test_a_supply_that_is_always_there_leaves_no_doubt(bench):
    running(bench, 50, kind=codes.KIND_PRIME)
    for _ in range(20):
        bench.dose.supplied(True)
        bench.tick()
    bench.until(codes.DOSE_DELIVERED)
    assert bench.dose.line.waste_min_nl == least_nl(bench.pump.emitted_steps)


def test_a_dip_at_the_end_of_a_dose_is_not_that_of_the_next_one(bench):
    running(bench, 50, kind=codes.KIND_PRIME)
    bench.dose.supplied(False)
    bench.stop()
    bench.until(codes.DOSE_PARTIAL)
    running(bench, 50, kind=codes.KIND_PRIME, dose_id=b"dose-two")
    bench.dose.supplied(True)
    bench.until(codes.DOSE_DELIVERED)
    assert bench.dose.line.waste_min_nl == least_nl(bench.pump.emitted_steps)


@pytest.mark.req("FLOW-7")
def test_that_the_supply_is_away_is_known_until_it_is_back_or_the_dose_has_ended(bench):
    running(bench, 50, kind=codes.KIND_PRIME)
    assert not bench.dose.unsupplied()
    bench.dose.supplied(False)
    assert bench.dose.unsupplied()
    bench.dose.supplied(True)
    assert not bench.dose.unsupplied()
    bench.dose.supplied(False)
    bench.stop()
    bench.until(codes.DOSE_PARTIAL)
    assert not bench.dose.unsupplied()
