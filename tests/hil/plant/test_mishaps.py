"""What befalls the rig: occlusion, loose and exchanged syringes, dips of the supply, a valve that sticks."""

from math import exp

import pytest

from protocol import codes
from tests.hil.plant.test_contents import EXACT, MS, STEP_NL, STEP_NS, Line, S, assert_balanced

FLUSH = codes.CHANNEL_FLUSH


def test_a_slow_occlusion_closes_evenly():
    line = Line()
    line.rig.occlude(0.8, over_s=10.0)
    start_ns = line.rig.now_ns
    for share in (0.25, 0.5, 1.0):
        line.rig.advance(start_ns + round(share * 10 * S))
        assert line.rig.line.occlusion == pytest.approx(0.8 * share, abs=0.01)


def test_a_later_occlusion_takes_the_place_of_a_slow_one():
    line = Line()
    line.rig.occlude(1.0, over_s=10.0)
    line.rig.advance(line.rig.now_ns + 5 * S)
    line.rig.occlude(0.0)
    line.rig.advance(line.rig.now_ns + 10 * S)
    assert line.rig.line.occlusion == 0.0


def test_steady_flow_into_a_full_occlusion_raises_the_pressure_by_the_volume_over_the_compliance():
    line = Line()
    line.push(FLUSH, 5000, settle_s=0)
    before_kpa = line.rig.pressure_kpa
    line.rig.occlude(1.0)
    pushed_nl = line.push(FLUSH, 1000, settle_s=0)
    assert line.rig.pressure_kpa - before_kpa == pytest.approx(pushed_nl / 200.0, rel=1e-9)


def test_a_clog_before_the_valve_keeps_the_waste_closed_too():
    line = Line(patient=False)
    line.rig.clog(1.0)
    pushed_nl = line.push(FLUSH, 1000)
    assert line.rig.waste_nl == 0.0
    assert line.rig.stored_nl == pytest.approx(pushed_nl)
    line.rig.clog(0.0)
    line.rig.advance(line.rig.now_ns + 1 * S)
    assert line.rig.waste_nl == pytest.approx(pushed_nl)


def test_a_loose_syringe_gives_nothing_until_the_pusher_has_come_to_it():
    line = Line()
    line.rig.loosen(FLUSH, gap_nl=500.0)
    line.push(FLUSH, 500)
    assert line.rig.tip_nl < STEP_NL
    given = line.push(FLUSH, 500)
    assert line.rig.tip_nl == pytest.approx(given, abs=2 * STEP_NL)


def test_a_loose_syringe_is_not_pulled():
    line = Line()
    line.push(FLUSH, 1000)
    line.rig.loosen(FLUSH, 0.0)
    tip_nl = line.rig.tip_nl
    line.pull(FLUSH, 1000)
    assert line.rig.tip_nl == pytest.approx(tip_nl, abs=0.01)
    line.rig.clamp(FLUSH)
    line.push(FLUSH, 100)
    assert line.rig.tip_nl == pytest.approx(tip_nl + 100, abs=2 * STEP_NL)


def test_a_head_on_a_loose_syringe_flows_by_itself_as_the_two_resistances_say():
    line = Line()
    line.rig.loosen(FLUSH, 0.0, head_kpa=2.0, conductance_nl_s_kpa=500.0)
    # Head 2 kPa over 2 + 2 kPa s/uL: 0.5 uL/s at rest, with the time constant of both conductances on 0.2 uL/kPa.
    start_ns, rate = line.rig.now_ns, 0.5 * 1000
    line.rig.advance(start_ns + 10 * S)
    lag_s = 200.0 / (500.0 + 500.0)
    expected_nl = rate * (10.0 - lag_s * (1 - exp(-10.0 / lag_s)))
    assert line.rig.tip_nl == pytest.approx(expected_nl, rel=1e-9)
    assert line.rig.weigh_nl(line.rig.now_ns) == pytest.approx(line.rig.tip_nl - rate * 1.0 / 4.6, abs=10)
    assert line.rig.line.sensed_flow_nl_s == pytest.approx(rate, rel=1e-6)
    assert abs(line.rig.line.balance_error_nl) < 1e-6
    assert_balanced(line.rig)


def test_free_flow_ends_with_the_syringe():
    line = Line()
    line.rig.exchange_syringe(FLUSH, fill_nl=1000.0)
    line.rig.loosen(FLUSH, 0.0, head_kpa=2.0, conductance_nl_s_kpa=500.0)
    line.rig.advance(line.rig.now_ns + 60 * S)
    assert line.rig.tip_nl == pytest.approx(1000.0, abs=1e-3)
    assert line.rig.syringes[FLUSH].remaining_nl == pytest.approx(0.0, abs=1e-3)
    assert abs(line.rig.balance_error_nl) < 1e-6
    assert_balanced(line.rig)


def test_a_negative_head_lets_the_flow_run_back():
    line = Line()
    line.push(FLUSH, 1000, settle_s=0)
    line.rig.loosen(FLUSH, 0.0, head_kpa=-2.0, conductance_nl_s_kpa=500.0)
    line.rig.advance(line.rig.now_ns + 10 * S)
    assert line.rig.line.flow_nl_s == pytest.approx(-500.0, rel=1e-3)
    assert line.rig.line.sensed_flow_nl_s == pytest.approx(-500.0, rel=1e-3)
    assert_balanced(line.rig)


def test_free_flow_does_not_depend_on_how_time_is_cut():
    ends = []
    for pieces in (1, 997):
        line = Line()
        line.push(FLUSH, 1000, settle_s=0)
        line.rig.loosen(FLUSH, 0.0, head_kpa=-2.0, conductance_nl_s_kpa=300.0)
        start_ns = line.rig.now_ns
        for piece in range(pieces):
            line.rig.advance(start_ns + 5 * S * (piece + 1) // pieces)
        ends.append((line.rig.tip_nl, line.rig.pressure_kpa, line.rig.line.scale_nl, *line.rig.to_patient_nl()))
    assert ends[0] == pytest.approx(ends[1], abs=1e-6)


def test_a_syringe_that_was_taken_away_gives_nothing_and_its_memory_is_gone():
    line = Line()
    assert line.rig.i2c_write(1, 0x52, b"\x00", line.rig.now_ns)
    line.rig.remove_syringe(FLUSH)
    line.push(FLUSH, 1000)
    assert line.rig.tip_nl == 0.0
    assert not line.rig.i2c_write(1, 0x52, b"\x00", line.rig.now_ns)


def test_an_exchanged_syringe_brings_its_memory():
    line = Line()
    line.rig.exchange_syringe(FLUSH, memory=b"lot 7")
    assert line.rig.i2c_write(1, 0x52, b"\x00", line.rig.now_ns)
    assert line.rig.i2c_read(1, 0x52, 6, line.rig.now_ns) == b"lot 7\xff"


def test_an_exchanged_agent_brings_its_density():
    line = Line()
    line.rig.exchange_syringe(codes.CHANNEL_AGENT, density=0.25)
    assert line.rig.sensors.density(line.rig.now_ns) == pytest.approx(0.25)


def test_an_empty_syringe_closes_the_end_switch_and_a_full_one_opens_it():
    line = Line()
    line.rig.empty_syringe(FLUSH)
    assert line.rig.inputs(line.rig.now_ns) & codes.INPUT_HOME
    line.push(FLUSH, 100)
    assert line.rig.tip_nl == 0.0
    line.rig.exchange_syringe(FLUSH)
    assert not line.rig.inputs(line.rig.now_ns) & codes.INPUT_HOME
    assert abs(line.rig.balance_error_nl) < 1e-6


@pytest.mark.parametrize("dip_ms", [1, 20, 500])
def test_a_dip_of_the_supply_stops_motor_and_valve_for_as_long(dip_ms):
    line = Line()
    start_ns = line.rig.now_ns
    line.rig.dip_supply_for(dip_ms / 1000)
    assert line.rig.adc(2, start_ns) == 0
    assert not line.rig.motor_powered
    line.rig.advance(start_ns + min(dip_ms, 10) * MS - 1)
    assert line.rig.valve_patient
    line.rig.advance(start_ns + dip_ms * MS)
    assert line.rig.motor_powered
    assert line.rig.valve_patient is (dip_ms < 10)
    line.rig.advance(start_ns + (dip_ms + 10) * MS)
    assert line.rig.valve_patient


def test_steps_in_a_dip_are_lost():
    line = Line()
    line.rig.dip_supply_for(0.1)
    line.rig.step_edges(FLUSH, line.rig.now_ns + 1 * MS, 1 * MS, 200)
    assert line.rig.syringes[FLUSH].plunger_nl == pytest.approx(101 * STEP_NL)
    assert line.rig.unpowered_steps[FLUSH] == 99


def test_a_valve_that_sticks_stays_until_it_is_free():
    line = Line()
    line.rig.stick_valve()
    line.rig.set_valve(line.rig.now_ns, False)
    line.rig.advance(line.rig.now_ns + 1 * S)
    assert line.rig.valve_patient
    line.rig.stick_valve(False)
    line.rig.advance(line.rig.now_ns + 10 * MS)
    assert not line.rig.valve_patient


def test_backlash_is_missing_at_each_reversal():
    line = Line(parameters=type(EXACT)(stick_slip_nl=0.0, i2c_error_rate=0.0))
    line.push(FLUSH, 1000)
    line.pull(FLUSH, 90 + 200)
    assert line.rig.syringes[FLUSH].plunger_nl == pytest.approx(1000 - 200, abs=2 * STEP_NL)
    line.push(FLUSH, 90 + 200)
    assert line.rig.syringes[FLUSH].plunger_nl == pytest.approx(1000, abs=2 * STEP_NL)


def test_whoever_looks_on_is_called_at_each_multiple_of_the_period():
    line = Line()
    seen: list[int] = []
    line.rig.every(100 * MS, seen.append)
    line.rig.step_edges(FLUSH, line.rig.now_ns + STEP_NS, STEP_NS, 100)
    line.rig.advance(1_050 * MS)
    assert seen == [ms * 100 * MS for ms in range(1, 11)]
