"""The dose machine alone, on a fake generator and a fake journal: time is what the test says it is."""

import itertools

import pytest

from device import limits
from device.dose import (
    JOURNAL_DEADLINE_MS,
    PAUSED_DEADLINE_MS,
    PERMIT_DEADLINE_MS,
    PERMIT_GAP_MS,
    SETTLE_DEADLINE_MS,
    SETTLE_MIN_MS,
)
from protocol import codes
from tests.device.dose_bench import FIRST, Bench


@pytest.fixture
def bench():
    return Bench()


@pytest.fixture
def running(bench):
    bench.order()
    bench.tick(60)
    assert bench.dose.state == codes.DOSE_RUNNING
    return bench


@pytest.fixture
def agent(bench):
    """A dose of agent that flows under a permit."""
    bench.agent(volume_nl=10_000)
    bench.permit()
    bench.tick(60)
    assert bench.dose.state == codes.DOSE_RUNNING
    assert bench.edges() > 0
    return bench


@pytest.mark.req("DOSE-8")
def test_a_dose_ends_delivered_with_every_step_emitted_only_after_it_has_settled(bench):
    bench.sensor.settled_pa = 2_000
    bench.order()
    bench.until(codes.DOSE_SETTLING)
    assert bench.edges() == limits.steps_of(2_000)
    bench.tick(200)
    assert bench.dose.state == codes.DOSE_SETTLING
    assert bench.dose.valve_patient
    bench.sensor.settled_pa = 100
    bench.tick()
    assert bench.dose.state == codes.DOSE_SETTLING
    bench.tick(101)
    assert bench.dose.state == codes.DOSE_DELIVERED
    assert not bench.dose.valve_patient


def test_no_step_leaves_before_the_valve_has_had_time_to_stand_on_the_patient(bench):
    bench.order()
    valved_us = None
    while not bench.edges():
        bench.tick()
        if bench.dose.valve_patient and valved_us is None:
            valved_us = bench.board.us
    assert bench.board.steps[2].edges_us[0] - valved_us >= 20_000


@pytest.mark.req("LEDGER-1")
def test_no_step_leaves_before_the_journal_holds_the_order(bench):
    bench.journal.broken = True
    bench.order()
    assert bench.tick(JOURNAL_DEADLINE_MS // 10 - 1) == codes.CAUSE_NONE
    assert not bench.dose.valve_patient
    assert not bench.dose.powered()
    bench.journal.broken = False
    bench.until(codes.DOSE_RUNNING)


@pytest.mark.req("LEDGER-1", "STOP-8")
def test_a_journal_that_never_holds_the_order_asks_for_a_stop(bench):
    bench.journal.broken = True
    bench.order()
    assert bench.tick(JOURNAL_DEADLINE_MS // 10 + 1) == codes.CAUSE_JOURNAL
    assert bench.edges() == 0


@pytest.mark.req("LEDGER-1", "RESCUE-1")
@pytest.mark.parametrize("ticks_before", [0, 3, 7, 8, 20])
def test_a_pause_before_the_journal_holds_the_order_is_no_fault_of_the_journal(bench, ticks_before):
    bench.journal.broken = True
    bench.order()
    assert bench.tick(ticks_before) == codes.CAUSE_NONE
    assert bench.dose.pause(codes.CAUSE_MONITOR, bench.now_ms)
    assert bench.tick(SETTLE_MIN_MS // 10 + 1) == codes.CAUSE_NONE
    assert bench.dose.state == codes.DOSE_PAUSED
    bench.journal.broken = False
    assert bench.dose.resume(bench.now_ms)
    bench.until(codes.DOSE_DELIVERED)
    assert bench.edges() == limits.steps_of(2_000)


@pytest.mark.req("LEDGER-1")
def test_a_journal_that_takes_no_exact_count_of_a_pause_asks_for_a_stop(running):
    running.journal.broken = True
    running.dose.pause(codes.CAUSE_OPERATOR, running.now_ms)
    assert running.tick(20) == codes.CAUSE_JOURNAL


@pytest.mark.req("LEDGER-1")
def test_a_journal_that_fails_in_mid_dose_ends_the_flow_and_asks_for_a_stop(running):
    running.journal.broken = True
    granted = running.pump.granted_steps
    assert running.tick(100) == codes.CAUSE_JOURNAL
    assert running.edges() <= granted


def test_an_order_that_the_journal_does_not_take_does_not_begin(bench):
    bench.ledger.takes = False
    assert not bench.order()
    bench.tick(100)
    assert not bench.dose.open()
    assert bench.edges() == 0


@pytest.mark.req("STOP-7", "DOSE-8")
def test_a_stop_in_mid_dose_ends_it_partial_with_the_exact_steps(running):
    running.stop()
    edges = running.edges()
    assert running.dose.state == codes.DOSE_STOPPING
    assert not running.dose.valve_patient
    running.tick(300)
    assert running.ledger.outcomes == [(FIRST, codes.DOSE_PARTIAL, codes.CAUSE_OPERATOR, edges)]
    assert 0 < edges == running.edges() < limits.steps_of(2_000)


@pytest.mark.parametrize("ticks", [0, 1, 2, 3, 4, 5, 6, 100, 206, 230])
def test_a_stop_in_every_state_of_a_dose_ends_it(bench, ticks):
    bench.order()
    bench.tick(ticks)
    bench.stop(codes.CAUSE_DOOR)
    edges = bench.edges()
    bench.tick(10)
    assert bench.dose.state == codes.DOSE_PARTIAL
    assert bench.edges() == edges == bench.pump.emitted_steps


def test_a_stop_after_the_end_leaves_the_outcome_as_it_is(bench):
    bench.order()
    bench.until(codes.DOSE_DELIVERED)
    bench.stop()
    bench.tick(10)
    assert bench.dose.state == codes.DOSE_DELIVERED
    assert len(bench.ledger.outcomes) == 1


def test_a_second_stop_keeps_the_first_cause(running):
    running.stop(codes.CAUSE_DOOR)
    running.stop(codes.CAUSE_OPERATOR)
    running.tick(10)
    assert running.dose.cause == codes.CAUSE_DOOR


def test_a_pause_settles_waits_and_goes_on_to_the_full_dose(running):
    assert running.dose.pause(codes.CAUSE_OPERATOR, running.now_ms)
    edges = running.edges()
    running.until(codes.DOSE_PAUSED)
    assert not running.dose.valve_patient
    running.tick(100)
    assert running.edges() == edges
    assert running.dose.resume(running.now_ms)
    running.until(codes.DOSE_DELIVERED)
    assert running.edges() == limits.steps_of(2_000)


@pytest.mark.req("LEDGER-1")
def test_a_paused_dose_stands_in_the_journal_with_its_exact_steps(running):
    running.dose.pause(codes.CAUSE_OPERATOR, running.now_ms)
    running.until(codes.DOSE_PAUSED)
    assert running.journal.marks[-1] == (running.edges(), running.edges())


def test_only_a_flowing_dose_can_be_paused_and_only_a_paused_one_resumed(bench):
    assert not bench.dose.pause(codes.CAUSE_OPERATOR, 0)
    assert not bench.dose.resume(0)
    bench.order()
    bench.until(codes.DOSE_DELIVERED)
    assert not bench.dose.pause(codes.CAUSE_OPERATOR, 0)
    assert not bench.dose.resume(0)


@pytest.mark.req("STOP-8")
def test_settling_that_never_ends_asks_for_a_stop_at_its_deadline(bench):
    bench.sensor.settled_pa = 5_000
    bench.order()
    bench.until(codes.DOSE_SETTLING)
    assert bench.tick(SETTLE_DEADLINE_MS // 10 - 1) == codes.CAUSE_NONE
    assert bench.tick(2) == codes.CAUSE_DEADLINE


@pytest.mark.req("STOP-8")
def test_pausing_that_never_settles_asks_for_a_stop_at_its_deadline(running):
    running.sensor.settled_pa = 5_000
    running.dose.pause(codes.CAUSE_OPERATOR, running.now_ms)
    assert running.tick(SETTLE_DEADLINE_MS // 10 + 1) == codes.CAUSE_DEADLINE


@pytest.mark.req("STOP-8")
def test_a_pause_that_nobody_ends_makes_the_dose_partial_at_its_deadline(running):
    running.dose.pause(codes.CAUSE_LINK_LOST, running.now_ms)
    running.until(codes.DOSE_PAUSED)
    running.board.us += PAUSED_DEADLINE_MS * 1000
    running.tick()
    assert (running.dose.state, running.dose.cause) == (codes.DOSE_PARTIAL, codes.CAUSE_DEADLINE)


def test_settling_takes_its_least_time_even_when_the_pressure_is_low_at_once(bench):
    bench.order()
    bench.until(codes.DOSE_SETTLING)
    bench.tick(SETTLE_MIN_MS // 10 - 1)
    assert bench.dose.state == codes.DOSE_SETTLING


@pytest.mark.req("DOSE-8")
def test_a_faulty_pressure_sensor_never_lets_a_dose_read_as_settled(bench):
    bench.sensor.faulty = True
    bench.order()
    bench.until(codes.DOSE_SETTLING)
    bench.tick(1_000)
    assert bench.dose.state == codes.DOSE_SETTLING


def test_while_a_dose_is_open_its_volume_is_everything_that_may_have_been_given(running):
    values = running.dose.values(0)
    assert values[11] == 0
    assert values[12] >= limits.volume_of(running.board.steps[2].outstanding_steps() + running.edges())


def test_a_generator_cut_by_the_safe_line_asks_for_a_stop(running):
    running.board.steps[2].cut = True
    assert running.tick() == codes.CAUSE_SAFE_LINE


@pytest.mark.req("PERMIT-5")
@pytest.mark.parametrize("kind", [codes.KIND_PRIME, codes.KIND_PURGE, codes.KIND_CALIBRATE])
def test_what_goes_to_waste_never_moves_the_valve_and_reaches_no_patient(bench, kind):
    bench.order(kind=kind)
    while bench.dose.state != codes.DOSE_DELIVERED:
        bench.tick()
        assert not bench.dose.valve_patient
    values = bench.dose.values(0)
    assert values[11:13] == (0, 0)
    assert values[13] <= 2_000 <= values[14]
    assert bench.edges() == limits.steps_of(2_000)


@pytest.mark.req("PERMIT-1")
def test_without_a_permit_no_edge_and_no_valve_and_the_dose_ends_at_its_deadline(bench):
    bench.agent()
    bench.tick(PERMIT_DEADLINE_MS // 10 - 1)
    assert bench.dose.state == codes.DOSE_ACCEPTED
    assert not bench.dose.valve_patient
    assert not bench.dose.powered()
    bench.tick(10)
    assert bench.ledger.outcomes == [(FIRST, codes.DOSE_PARTIAL, codes.CAUSE_PERMIT, 0)]
    assert bench.edges() == 0


@pytest.mark.req("PERMIT-1")
def test_a_permit_from_before_the_order_counts_for_nothing(bench):
    bench.permit()
    bench.agent()
    bench.tick(150)
    assert bench.edges() == 0


@pytest.mark.req("PERMIT-1")
def test_under_a_permit_the_dose_flows_and_ends_with_the_permit(agent):
    ends_us = 2_000_000
    agent.tick(200)
    assert agent.board.steps[2].edges_us[-1] <= ends_us
    assert agent.edges() < limits.steps_of(10_000)


@pytest.mark.req("PERMIT-1")
def test_no_more_than_the_volume_of_the_permit_leaves_the_pin(bench):
    bench.agent(volume_nl=10_000)
    bench.permit(volume_nl=500)
    bench.tick(190)
    assert limits.volume_of(bench.edges()) <= 500
    bench.permit(volume_nl=300)
    bench.tick(100)
    assert 600 < limits.volume_of(bench.edges()) <= 800


@pytest.mark.req("PERMIT-1")
def test_nothing_flows_faster_than_the_permit_allows(bench):
    bench.agent(volume_nl=10_000, rates=(5_000, 5_000))
    bench.permit(rate_nl_s=500)
    bench.tick(150)
    edges = bench.board.steps[2].edges_us
    assert min(later - earlier for earlier, later in itertools.pairwise(edges)) >= limits.STEP_FL // 500


@pytest.mark.req("PERMIT-3")
def test_a_gap_of_two_seconds_is_bridged_by_the_next_permit(agent):
    agent.tick(200)
    edges = agent.edges()
    agent.tick(PERMIT_GAP_MS // 10 - 80)
    assert agent.dose.state == codes.DOSE_RUNNING
    assert agent.edges() == edges
    agent.permit()
    agent.tick(50)
    assert agent.edges() > edges


@pytest.mark.req("PERMIT-3")
def test_after_a_longer_gap_a_person_and_a_permit_are_wanted(agent):
    agent.tick(200 + PERMIT_GAP_MS // 10 + 10)
    edges = agent.edges()
    agent.until(codes.DOSE_PAUSED)
    assert agent.dose.cause == codes.CAUSE_PERMIT
    agent.permit()
    agent.tick(100)
    assert agent.edges() == edges
    agent.dose.resume(agent.now_ms)
    agent.tick(60)
    assert agent.edges() > edges


@pytest.mark.req("PERMIT-3", "DOSE-8")
def test_when_the_permit_is_gone_too_long_the_valve_leaves_the_patient_at_once(agent):
    agent.sensor.settled_pa = 5_000
    agent.tick(200 + PERMIT_GAP_MS // 10 + 10)
    assert agent.dose.state == codes.DOSE_PAUSING
    assert not agent.dose.valve_patient


@pytest.mark.req("DOSE-8", "PERMIT-1")
def test_settling_beyond_the_permit_ends_the_dose_partial_with_the_rest_to_waste(bench):
    bench.sensor.settled_pa = 5_000
    bench.agent(volume_nl=500)
    bench.permit()
    bench.until(codes.DOSE_SETTLING)
    bench.tick(600)
    assert bench.ledger.outcomes == [(FIRST, codes.DOSE_PARTIAL, codes.CAUSE_PERMIT, limits.steps_of(500))]
    assert not bench.dose.valve_patient


@pytest.mark.req("PERMIT-1")
def test_a_person_stands_for_no_other_permit_than_that_of_a_rescue(bench):
    bench.agent()
    bench.dose.permit_by_person()
    bench.tick(100)
    assert bench.edges() == 0


@pytest.mark.req("DOSE-8")
def test_whoever_halts_the_pump_first_the_line_is_told_what_was_pushed_until_then(running):
    running.sensor.pa = 10_000
    told = []
    running.dose.line.released = lambda *readings: told.append(readings)
    running.pump.halt()
    running.stop()
    assert told == [(10_000, 300, 0, 1_000)]
