"""The dose machine to the tick: when each state ends, and what the line is told of it."""

import pytest

from device import limits
from protocol import codes
from tests.device.dose_bench import Bench


@pytest.fixture
def bench():
    return Bench()


@pytest.fixture
def running(bench):
    bench.order()
    bench.tick(60)
    return bench


@pytest.fixture
def settling(bench):
    """A dose whose last step has just left, and whose line is at pressure."""
    bench.sensor.settled_pa = 5_000
    bench.order()
    bench.until(codes.DOSE_SETTLING)
    return bench


@pytest.fixture
def agent(bench):
    """A dose of agent that flows under a permit; the permit ends at 1000 ms and held last at 990."""
    bench.agent(volume_nl=10_000)
    bench.permit(life_ms=1_000)
    bench.tick(60)
    return bench


@pytest.fixture
def resumed(running):
    """A dose that was paused while it ran and goes on: the valve stands on the patient, no step has left yet."""
    running.dose.pause(codes.CAUSE_OPERATOR, running.now_ms)
    running.until(codes.DOSE_PAUSED)
    running.dose.resume(running.now_ms)
    running.tick(2)
    assert (running.dose.state, running.dose.valve_patient) == (codes.DOSE_ACCEPTED, True)
    return running


def releases(bench):
    """What the line is told from now on when the valve leaves the patient."""
    told = []
    bench.dose.line.released = lambda *readings: told.append(readings)
    return told


def states(bench, ticks):
    """The states in these ticks."""
    seen = []
    for _ in range(ticks):
        bench.tick()
        seen.append(bench.dose.state)
    return seen


def tick_to(bench, now_ms):
    while bench.now_ms < now_ms:
        bench.tick()


def test_the_valve_moves_after_20_ms_and_the_first_step_is_given_20_ms_later(bench):
    bench.order()
    seen = []
    for _ in range(4):
        bench.tick()
        seen.append((bench.dose.valve_patient, bench.dose.state))
    accepted, running = codes.DOSE_ACCEPTED, codes.DOSE_RUNNING
    assert seen == [(False, accepted), (True, accepted), (True, accepted), (True, running)]
    assert bench.pump.granted_steps > 0


@pytest.mark.req("LEDGER-1", "STOP-8")
def test_an_order_that_no_journal_holds_after_two_seconds_asks_for_a_stop(bench):
    bench.journal.broken = True
    bench.order()
    assert bench.tick(199) == codes.CAUSE_NONE
    assert bench.tick() == codes.CAUSE_JOURNAL


@pytest.mark.req("PERMIT-1", "STOP-8")
def test_a_dose_waits_ten_seconds_for_its_permit(bench):
    bench.agent()
    tick_to(bench, 9_990)
    assert bench.dose.state == codes.DOSE_ACCEPTED
    bench.tick()
    assert (bench.dose.state, bench.dose.cause) == (codes.DOSE_STOPPING, codes.CAUSE_PERMIT)


@pytest.mark.req("STOP-8")
def test_a_stop_ends_the_dose_when_the_valve_has_travelled_20_ms(running):
    running.stop()
    begun_ms = running.now_ms
    assert states(running, 2) == [codes.DOSE_STOPPING, codes.DOSE_PARTIAL]
    assert running.ledger.ended_ms == [begun_ms + 20]


@pytest.mark.req("STOP-8")
def test_a_pause_lasts_ten_minutes_at_most(running):
    running.dose.pause(codes.CAUSE_OPERATOR, running.now_ms)
    running.until(codes.DOSE_PAUSED)
    running.board.us += (600_000 - 20) * 1_000
    assert states(running, 2) == [codes.DOSE_PAUSED, codes.DOSE_PARTIAL]
    assert running.ledger.ended_ms == [running.now_ms]


@pytest.mark.req("RESCUE-2")
def test_a_dose_that_a_rescue_ends_has_ended_at_that_moment(running):
    running.dose.end_for_rescue(running.now_ms)
    assert running.ledger.ended_ms == [running.now_ms]


@pytest.mark.req("STOP-6")
def test_a_stop_leaves_the_valve_off_the_patient_with_a_dose_and_without(bench):
    bench.stop()
    assert not bench.dose.valve_patient
    bench.order()
    bench.tick(60)
    assert bench.dose.valve_patient
    for _ in range(2):
        bench.stop()
        assert not bench.dose.valve_patient


def test_what_paused_a_dose_is_no_cause_any_more_once_it_goes_on(resumed):
    assert resumed.dose.cause == codes.CAUSE_NONE
    assert resumed.dose.values(resumed.now_ms)[3] == codes.CAUSE_NONE


@pytest.mark.req("STOP-7")
def test_a_pause_gives_the_lines_pressure_to_the_patient_unless_it_is_told_not_to(running):
    told = releases(running)
    running.sensor.pa = 9_000
    running.sensor.settled_pa = 5_000
    running.dose.pause(codes.CAUSE_OPERATOR, running.now_ms)
    assert (running.dose.valve_patient, told) == (True, [])
    running.tick(100)
    assert (running.dose.valve_patient, told) == (True, [])
    running.sensor.settled_pa = 99
    running.sensor.flow_nl_s = 7
    running.until(codes.DOSE_PAUSED)
    assert (running.dose.valve_patient, told) == (False, [(99, 200, 7, 0)])


@pytest.mark.req("DOSE-8")
def test_a_pause_that_does_not_settle_tells_the_line_what_the_pump_pushed_until_then(running):
    told = releases(running)
    running.sensor.pa = 9_000
    running.sensor.flow_nl_s = 800
    running.dose.pause(codes.CAUSE_MONITOR, running.now_ms, False)
    assert (running.dose.valve_patient, told) == (False, [(9_000, 300, 800, 1_000)])
    assert running.dose.state == codes.DOSE_PAUSING


@pytest.mark.req("DOSE-8")
def test_a_dose_that_is_ended_before_its_first_step_since_a_pause_pushed_nothing(resumed):
    told = releases(resumed)
    resumed.stop()
    assert told == [(0, 300, 0, 0)]


@pytest.mark.req("DOSE-8")
def test_a_dose_that_is_paused_before_its_first_step_since_a_pause_pushed_nothing(resumed):
    told = releases(resumed)
    resumed.dose.pause(codes.CAUSE_MONITOR, resumed.now_ms, False)
    assert told == [(0, 300, 0, 0)]


@pytest.mark.req("DOSE-8")
def test_the_flow_is_heard_in_every_tick_in_which_the_valve_stands_on_the_patient(bench):
    bench.sensor.flow_nl_s = 1_000
    bench.order()
    bench.tick(2)
    # The valve moves at the end of the second tick.
    assert bench.dose.line.heard_nl() == 0
    bench.tick(30)
    assert bench.dose.line.heard_nl() == 300
    bench.stop()
    bench.tick(2)
    assert bench.dose.line.heard_nl() == 300


def test_the_flow_of_a_run_that_is_weighed_is_heard_from_its_beginning(bench):
    bench.sensor.flow_nl_s = 1_000
    bench.order(kind=codes.KIND_CALIBRATE)
    bench.tick(30)
    assert bench.dose.line.heard_nl() == 300


@pytest.mark.parametrize("kind", [codes.KIND_PRIME, codes.KIND_PURGE])
def test_the_flow_of_other_runs_to_the_waste_is_not_heard(bench, kind):
    bench.sensor.flow_nl_s = 1_000
    bench.order(kind=kind)
    bench.tick(100)
    assert bench.dose.line.heard_nl() == 0


def test_a_flow_sensor_that_was_faulty_for_one_tick_is_not_heard(running):
    running.sensor.flow_nl_s = 1_000
    running.tick()
    assert running.dose.line.heard_nl() == 10
    running.sensor.faulty = True
    running.tick()
    running.sensor.faulty = False
    running.tick()
    assert running.dose.line.heard_nl() == 0


@pytest.mark.req("DOSE-8")
def test_what_settled_within_half_a_second_is_delivered_after_half_as_long_again(settling):
    begun_ms = settling.now_ms
    settling.sensor.settled_pa = 100
    settling.until(codes.DOSE_DELIVERED)
    assert settling.now_ms - begun_ms == 750


@pytest.mark.req("DOSE-8")
def test_what_took_ten_seconds_to_settle_is_delivered_after_fifteen_and_at_the_pressure_then(settling):
    told = releases(settling)
    begun_ms = settling.now_ms
    tick_to(settling, begun_ms + 9_990)
    settling.sensor.settled_pa = 100
    settling.sensor.flow_nl_s = 3
    tick_to(settling, begun_ms + 14_990)
    assert (settling.dose.state, told) == (codes.DOSE_SETTLING, [])
    settling.sensor.settled_pa = 60
    settling.tick()
    assert (settling.dose.state, told) == (codes.DOSE_DELIVERED, [(60, 200, 3, 0)])


@pytest.mark.req("STOP-8", "DOSE-8")
def test_what_settles_late_is_delivered_at_the_deadline(settling):
    begun_ms = settling.now_ms
    tick_to(settling, begun_ms + 45_000)
    settling.sensor.settled_pa = 100
    tick_to(settling, begun_ms + 59_990)
    assert settling.dose.state == codes.DOSE_SETTLING
    assert settling.tick() == codes.CAUSE_NONE
    assert settling.dose.state == codes.DOSE_DELIVERED


@pytest.mark.req("STOP-8")
def test_a_line_at_pressure_for_a_minute_asks_for_a_stop(settling):
    assert settling.tick(5_999) == codes.CAUSE_NONE
    assert settling.tick() == codes.CAUSE_DEADLINE


@pytest.mark.parametrize("kind", [codes.KIND_DOSE, codes.KIND_PRIME])
def test_a_pause_and_a_run_to_the_waste_settle_in_half_a_second(bench, kind):
    bench.order(kind=kind)
    if kind == codes.KIND_DOSE:
        bench.tick(60)
        bench.dose.pause(codes.CAUSE_OPERATOR, bench.now_ms)
    else:
        bench.until(codes.DOSE_SETTLING)
    before = bench.dose.state
    assert set(states(bench, 49)) == {before}
    assert states(bench, 1) == [codes.DOSE_PAUSED if kind == codes.KIND_DOSE else codes.DOSE_DELIVERED]


@pytest.mark.req("LEDGER-1")
def test_a_journal_that_refuses_the_last_count_seven_times_is_asked_again(settling):
    settling.journal.broken = True
    assert settling.tick(7) == codes.CAUSE_NONE
    settling.journal.broken = False
    assert settling.tick(10) == codes.CAUSE_NONE
    assert settling.journal.marks[-1] == (settling.edges(), settling.edges())


@pytest.mark.req("LEDGER-1")
def test_a_journal_that_refuses_the_last_count_eight_times_asks_for_a_stop(settling):
    settling.journal.broken = True
    assert settling.tick(7) == codes.CAUSE_NONE
    assert settling.tick() == codes.CAUSE_JOURNAL


@pytest.mark.req("PERMIT-1")
def test_what_is_granted_ends_with_the_permit_to_the_microsecond_though_the_processor_stands_still(bench):
    # The pump starts with 30 ms left of the permit; four steps of 7507 us would end 28 us after it.
    bench.agent(volume_nl=10_000, rates=(747, 747))
    bench.permit(life_ms=70)
    bench.tick(4)
    bench.board.us += 100_000
    assert bench.edges() == bench.pump.granted_steps == 3


@pytest.mark.req("PERMIT-3", "LEDGER-1")
def test_when_the_permit_is_gone_the_pump_rests_and_the_journal_has_the_exact_count(agent):
    tick_to(agent, 990)
    assert agent.dose.rate_nl_s() == 1_000
    agent.tick()
    assert agent.dose.rate_nl_s() == 0
    assert agent.pump.granted_steps == agent.pump.emitted_steps == agent.edges()
    assert agent.journal.marks[-1] == (agent.edges(), agent.edges())


@pytest.mark.req("PERMIT-3", "DOSE-8")
def test_a_gap_of_two_seconds_is_a_gap_and_a_tick_more_relieves_the_line_at_once(agent):
    told = releases(agent)
    agent.sensor.pa = 4_000
    tick_to(agent, 2_990)
    assert (agent.dose.state, agent.dose.valve_patient, told) == (codes.DOSE_RUNNING, True, [])
    agent.tick()
    assert (agent.dose.state, agent.dose.valve_patient) == (codes.DOSE_PAUSING, False)
    assert told == [(4_000, 300, 0, 0)]
    begun_ms = agent.now_ms
    agent.until(codes.DOSE_PAUSED)
    assert agent.now_ms == begun_ms + 500


@pytest.mark.req("PERMIT-3", "DOSE-8")
def test_a_dose_that_settles_ends_when_its_permit_is_gone_for_more_than_two_seconds(bench):
    bench.sensor.settled_pa = 5_000
    bench.agent(volume_nl=500)
    bench.permit(life_ms=1_000)
    tick_to(bench, 2_990)
    assert (bench.dose.state, bench.dose.valve_patient) == (codes.DOSE_SETTLING, True)
    bench.tick()
    assert (bench.dose.state, bench.dose.valve_patient) == (codes.DOSE_STOPPING, False)


@pytest.mark.req("PERMIT-3", "DOSE-8")
def test_a_pause_that_settles_relieves_the_line_when_the_permit_is_gone_for_more_than_two_seconds(agent):
    told = releases(agent)
    agent.sensor.pa = 4_000
    agent.sensor.settled_pa = 5_000
    agent.dose.pause(codes.CAUSE_OPERATOR, agent.now_ms)
    tick_to(agent, 2_990)
    assert (agent.dose.valve_patient, told) == (True, [])
    agent.sensor.flow_nl_s = 11
    agent.tick()
    assert (agent.dose.state, agent.dose.valve_patient) == (codes.DOSE_PAUSING, False)
    assert told == [(4_000, 300, 11, 0)]
    assert agent.dose.cause == codes.CAUSE_OPERATOR


@pytest.fixture
def turning(bench):
    """A rescue that has just cleared the line."""
    bench.agent(kind=codes.KIND_RESCUE, clear_nl=1_000)
    bench.dose.permit_by_person()
    while bench.pump.emitted_steps < limits.steps_of(1_000):
        bench.tick()
    return bench


@pytest.mark.req("DOSE-13")
def test_the_pump_rests_while_the_cleared_line_does_and_goes_on_20_ms_after_the_valve(turning):
    begun_ms = turning.now_ms
    seen = [(turning.dose.valve_patient, turning.dose.rate_nl_s() > 0)]
    for _ in range(102):
        turning.tick()
        seen.append((turning.dose.valve_patient, turning.dose.rate_nl_s() > 0))
    assert seen == [(False, False)] * 100 + [(True, False)] * 2 + [(True, True)]
    assert turning.now_ms - begun_ms == 1_020


@pytest.mark.req("DOSE-8", "DOSE-13")
def test_a_rescue_that_is_stopped_as_the_valve_turns_pushed_nothing_into_the_line(turning):
    turning.tick(100)
    assert turning.dose.valve_patient
    told = releases(turning)
    turning.sensor.pa = 700
    turning.stop()
    assert told == [(700, 300, 0, 0)]
