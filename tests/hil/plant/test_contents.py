"""What stands in the line, and what leaves it: plugs in order, every volume of every kind accounted for."""

import pytest

from hil.plant import PlantParameters, SimulatedRig
from hil.plant.contents import AGENT, AIR, COUNTER_AGENT, FLUSH, FOREIGN
from protocol import codes

MS = 1_000_000
S = 1000 * MS
STEP_NS = 5_607_800  # 1 uL/s
EXACT = PlantParameters(backlash_nl=0.0, stick_slip_nl=0.0, i2c_error_rate=0.0)
STEP_NL = EXACT.step_nl
MANIFOLD_NL, SENSORS_NL, PATIENT_LINE_NL = 6000.0, 2000.0, 3000.0
TO_TIP_NL = MANIFOLD_NL + SENSORS_NL + PATIENT_LINE_NL


class Line:
    """A rig that pumps on demand and lets the pressure settle."""

    def __init__(self, parameters=EXACT, patient=True):
        self.rig = SimulatedRig(parameters)
        self.rig.set_direction(0, True)
        self.rig.heartbeat_edges(0, 5 * MS, 1_000_000)
        self.rig.set_valve(0, patient)
        self.rig.advance(20 * MS)

    def push(self, channel, volume_nl, period_ns=STEP_NS, settle_s=10):
        steps = round(volume_nl / STEP_NL)
        self.rig.step_edges(channel, self.rig.now_ns + period_ns, period_ns, steps)
        self.rig.advance(self.rig.now_ns + settle_s * S)
        return steps * STEP_NL

    def pull(self, channel, volume_nl):
        self.rig.set_direction(self.rig.now_ns, False)
        pulled = self.push(channel, volume_nl)
        self.rig.set_direction(self.rig.now_ns, True)
        return pulled

    def valve(self, patient):
        self.rig.set_valve(self.rig.now_ns, patient)
        self.rig.advance(self.rig.now_ns + 20 * MS)


def assert_balanced(rig):
    assert rig.contents.balance_errors_nl() == pytest.approx([0.0] * 5, abs=1e-6)
    held = sum(rig.contents.in_line())
    assert held == pytest.approx(TO_TIP_NL + rig.stored_nl, abs=1e-6)
    assert sum(rig.to_patient_nl()) == pytest.approx(rig.tip_nl, abs=1e-6)


def test_agent_comes_out_of_the_tip_when_the_line_has_been_pushed_through():
    line = Line()
    given = line.push(codes.CHANNEL_AGENT, TO_TIP_NL - 100)
    assert line.rig.to_patient_nl()[AGENT] == 0.0
    assert line.rig.to_patient_nl()[FLUSH] == pytest.approx(given, abs=1e-3)
    given += line.push(codes.CHANNEL_AGENT, 1000)
    assert line.rig.to_patient_nl()[FLUSH] == pytest.approx(TO_TIP_NL, abs=1e-3)
    assert line.rig.to_patient_nl()[AGENT] == pytest.approx(given - TO_TIP_NL, abs=1e-3)
    assert_balanced(line.rig)


def test_flush_first_pushes_the_agent_that_stands_before_it():
    line = Line()
    agent = line.push(codes.CHANNEL_AGENT, 5000)
    flush = line.push(codes.CHANNEL_FLUSH, 20_000)
    tip = line.rig.to_patient_nl()
    assert tip[AGENT] == pytest.approx(agent, abs=1e-3)
    assert tip[FLUSH] == pytest.approx(flush - agent + agent, abs=1e-3)
    assert line.rig.contents.in_line()[AGENT] == 0.0


def test_counter_agent_reaches_the_patient_behind_the_agent_and_in_its_order():
    line = Line()
    agent = line.push(codes.CHANNEL_AGENT, 2000)
    line.push(codes.CHANNEL_COUNTER_AGENT, TO_TIP_NL - agent + 500)
    tip = line.rig.to_patient_nl()
    assert tip[COUNTER_AGENT] == 0.0
    assert tip[AGENT] == pytest.approx(500, abs=STEP_NL)
    assert_balanced(line.rig)


def test_what_goes_to_the_waste_leaves_the_patient_line_as_it_was():
    line = Line(patient=False)
    given = line.push(codes.CHANNEL_AGENT, 10_000)
    assert line.rig.contents.waste[FLUSH] == pytest.approx(MANIFOLD_NL + SENSORS_NL, abs=1e-3)
    assert line.rig.contents.waste[AGENT] == pytest.approx(given - MANIFOLD_NL - SENSORS_NL, abs=1e-3)
    line.valve(True)
    line.push(codes.CHANNEL_AGENT, PATIENT_LINE_NL + 500)
    assert line.rig.to_patient_nl()[FLUSH] == pytest.approx(PATIENT_LINE_NL, abs=1e-3)
    assert line.rig.to_patient_nl()[AGENT] == pytest.approx(500, abs=STEP_NL)
    assert_balanced(line.rig)


def test_pressure_stores_agent_and_gives_it_when_the_way_is_free():
    line = Line()
    line.push(codes.CHANNEL_AGENT, TO_TIP_NL)
    line.rig.occlude(1.0)
    stored = line.push(codes.CHANNEL_AGENT, 2000)
    assert line.rig.contents.in_line()[AGENT] == pytest.approx(TO_TIP_NL + stored, abs=STEP_NL)
    line.rig.occlude(0.0)
    line.rig.advance(line.rig.now_ns + 10 * S)
    assert line.rig.to_patient_nl()[AGENT] == pytest.approx(stored, abs=STEP_NL)


def test_what_a_syringe_sucks_out_of_the_manifold_it_gives_back_first():
    line = Line(patient=False)
    agent = line.push(codes.CHANNEL_AGENT, 3000)
    line.pull(codes.CHANNEL_FLUSH, 1000)
    assert line.rig.contents.in_line()[AGENT] == pytest.approx(agent - 1000, abs=STEP_NL)
    line.push(codes.CHANNEL_FLUSH, 12_000)
    assert line.rig.contents.waste[AGENT] == pytest.approx(agent, abs=1e-3)
    assert_balanced(line.rig)


def test_suction_draws_in_what_is_outside_the_tip():
    line = Line()
    line.push(codes.CHANNEL_FLUSH, 1000)
    before = line.rig.to_patient_nl()
    pulled = line.pull(codes.CHANNEL_FLUSH, 1000)
    tip = line.rig.to_patient_nl()
    assert tip[FOREIGN] == pytest.approx(-pulled, abs=1e-3)
    assert tip[FLUSH] == pytest.approx(before[FLUSH], abs=1e-3)
    assert line.rig.contents.in_line()[FOREIGN] == pytest.approx(pulled, abs=1e-3)
    assert_balanced(line.rig)


def test_more_suction_than_the_line_holds_leaves_a_vacuum_that_is_accounted_for():
    line = Line(PlantParameters(backlash_nl=0.0, stick_slip_nl=0.0, compliance_nl_kpa=1000.0))
    line.rig.occlude(1.0)
    line.pull(codes.CHANNEL_FLUSH, 9000)
    assert line.rig.contents.balance_errors_nl() == pytest.approx([0.0] * 5, abs=1e-6)
    line.push(codes.CHANNEL_FLUSH, 9000)
    assert line.rig.contents.balance_errors_nl() == pytest.approx([0.0] * 5, abs=1e-6)
    assert line.rig.stored_nl == pytest.approx(0.0, abs=2 * STEP_NL)


def test_a_leak_takes_what_the_syringe_has_just_pushed():
    line = Line()
    line.rig.leak(500.0)  # as much as the patient line lets through
    agent = line.push(codes.CHANNEL_AGENT, 4000)
    assert line.rig.leaked_nl == pytest.approx(agent / 2, rel=1e-3)
    assert line.rig.contents.leaked[AGENT] == pytest.approx(agent / 2, abs=25)
    assert_balanced(line.rig)


def test_a_leak_draws_air_while_the_line_is_sucked_empty():
    line = Line()
    line.rig.occlude(1.0)
    line.rig.leak(500.0)
    pulled = line.pull(codes.CHANNEL_FLUSH, 1000)
    assert line.rig.contents.leaked[AIR] == pytest.approx(-pulled, rel=1e-3)
    assert_balanced(line.rig)


def test_what_is_spilt_at_the_tip_reaches_nobody():
    line = Line()
    line.rig.spill(500.0)
    flush = line.push(codes.CHANNEL_FLUSH, 4000)
    assert line.rig.tip_nl == pytest.approx(flush / 2, rel=1e-6)
    assert line.rig.leaked_nl == pytest.approx(flush / 2, rel=1e-6)
    assert line.rig.weigh_nl(line.rig.now_ns) == pytest.approx(flush / 2, abs=10)
    assert_balanced(line.rig)


def test_another_syringe_brings_another_kind_and_air_in_its_mouth():
    line = Line(patient=False)
    line.rig.exchange_syringe(codes.CHANNEL_FLUSH, fill_nl=50_000.0, kind=AGENT, air_nl=300.0)
    line.push(codes.CHANNEL_FLUSH, 20_000)
    assert line.rig.contents.waste[AIR] == pytest.approx(300.0, abs=1e-3)
    assert line.rig.contents.waste[AGENT] == pytest.approx(20_000 - 8000 - 300, abs=STEP_NL)
    assert_balanced(line.rig)


def test_there_is_no_room_for_more_air_than_the_line_holds():
    line = Line()
    with pytest.raises(ValueError, match="room for 8000 nL"):
        line.rig.insert_air(9000.0, 0.0)
    assert_balanced(line.rig)
