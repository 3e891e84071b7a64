"""A rescue in the dose machine: in place of a dose of agent, and with the line cleared to the waste beforehand."""

from itertools import pairwise

import pytest

from device import limits
from device.dose import VALVE_TRAVEL_MS
from protocol import codes
from tests.device.dose_bench import FIRST, Bench

CLEAR_NL, VOLUME_NL = 1_000, 2_000
CLEAR_STEPS = limits.steps_of(CLEAR_NL)
STEPS = CLEAR_STEPS + limits.steps_of(VOLUME_NL)
BORE = 1.01


@pytest.fixture
def bench():
    return Bench()


@pytest.fixture
def agent(bench):
    """A dose of agent that flows under a permit."""
    bench.agent(volume_nl=10_000)
    bench.permit()
    bench.tick(60)
    assert bench.edges() > 0
    return bench


@pytest.fixture
def clearing(bench):
    """A rescue for which a person stands, and which clears the line first."""
    bench.agent(kind=codes.KIND_RESCUE, volume_nl=VOLUME_NL, clear_nl=CLEAR_NL)
    bench.dose.permit_by_person()
    while not bench.edges():
        bench.tick()
    return bench


def until_the_valve_turns(bench):
    """Tick until the valve stands on the patient; return the edges until then."""
    for _ in range(1_000):
        if bench.dose.valve_patient:
            return bench.edges()
        bench.tick()
    raise AssertionError("the valve never turned")


@pytest.mark.req("RESCUE-3")
def test_a_rescue_begins_with_a_person_in_place_of_a_permit(bench):
    bench.agent(kind=codes.KIND_RESCUE)
    bench.tick(100)
    assert bench.edges() == 0
    bench.dose.permit_by_person()
    bench.until(codes.DOSE_DELIVERED)
    assert bench.edges() == limits.steps_of(2_000)


@pytest.mark.req("RESCUE-2")
def test_a_rescue_ends_the_open_dose_within_one_call(agent):
    agent.dose.end_for_rescue(agent.now_ms)
    assert agent.ledger.outcomes == [(FIRST, codes.DOSE_PARTIAL, codes.CAUSE_RESCUE, agent.edges())]
    assert not agent.dose.valve_patient
    assert not agent.dose.open()


@pytest.mark.req("RESCUE-2", "DOSE-13")
def test_what_clears_the_line_goes_to_the_waste_and_what_is_ordered_to_the_patient(clearing):
    assert until_the_valve_turns(clearing) == CLEAR_STEPS
    clearing.until(codes.DOSE_DELIVERED)
    assert clearing.edges() == clearing.pump.asked_steps == STEPS
    line = clearing.dose.line
    assert line.patient_max_nl <= limits.most_of(VOLUME_NL)
    assert line.waste_min_nl <= CLEAR_NL <= line.waste_max_nl


def test_the_line_is_cleared_at_full_rate_and_the_patient_gets_the_rate_that_was_ordered(clearing):
    until_the_valve_turns(clearing)
    clearing.until(codes.DOSE_SETTLING)
    clearing.edges()
    edges_us = clearing.board.steps[2].edges_us
    gaps_us = [after - before for before, after in pairwise(edges_us)]
    assert set(gaps_us[: CLEAR_STEPS - 1]) <= {280, 281}
    assert set(gaps_us[CLEAR_STEPS:]) <= {5_608, 5_609}


def test_no_step_leaves_while_the_valve_turns_to_the_patient(clearing):
    until_the_valve_turns(clearing)
    turned_us = clearing.board.us
    clearing.until(codes.DOSE_SETTLING)
    clearing.edges()
    assert clearing.board.steps[2].edges_us[CLEAR_STEPS] >= turned_us + VALVE_TRAVEL_MS * 1000


@pytest.mark.req("STOP-6", "DOSE-8")
def test_a_stop_while_the_line_is_cleared_leaves_nothing_to_the_patient(clearing):
    clearing.tick(3)
    clearing.stop()
    clearing.tick(5)
    assert clearing.dose.state == codes.DOSE_PARTIAL
    assert 0 < clearing.edges() < CLEAR_STEPS
    line = clearing.dose.line
    assert (line.patient_min_nl, line.patient_max_nl) == (0, 0)
    assert line.waste_max_nl >= limits.volume_of(clearing.edges())


@pytest.mark.parametrize("ticks", [1, 3, 6, 10, 40])
def test_a_rescue_that_was_paused_goes_on_where_it_was_to_the_waste_or_to_the_patient(clearing, ticks):
    clearing.tick(ticks)
    to_tip = clearing.dose.to_tip()
    clearing.dose.pause(codes.CAUSE_OPERATOR, clearing.now_ms)
    clearing.until(codes.DOSE_PAUSED)
    before = clearing.edges()
    assert to_tip is (before >= CLEAR_STEPS)
    clearing.tick(10)
    clearing.dose.resume(clearing.now_ms)
    clearing.dose.permit_by_person()
    clearing.tick(4)
    assert clearing.dose.valve_patient is to_tip
    clearing.until(codes.DOSE_DELIVERED)
    assert clearing.edges() == STEPS
    assert clearing.dose.line.patient_max_nl <= limits.most_of(VOLUME_NL)


@pytest.mark.req("PERMIT-1")
def test_a_permit_bounds_what_clears_the_line_as_well(bench):
    bench.agent(kind=codes.KIND_RESCUE, volume_nl=VOLUME_NL, clear_nl=CLEAR_NL)
    bench.permit(volume_nl=500, rate_nl_s=1_000)
    bench.tick(150)
    assert bench.edges() == limits.steps_within(500)
    assert not bench.dose.valve_patient
    edges_us = bench.board.steps[2].edges_us
    assert min(after - before for before, after in pairwise(edges_us)) >= 5_608


def test_while_the_line_is_cleared_no_volume_counts_as_the_patients(clearing):
    clearing.tick(3)
    values = clearing.dose.values(clearing.now_ms)
    assert values[12] == 0
    assert values[14] >= limits.volume_of(clearing.pump.granted_steps)
