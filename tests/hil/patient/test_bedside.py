"""A patient at the tip of the rig: what really leaves it is what counts."""

import asyncio

import pytest

from hil.patient import Bedside, Patient, PatientParameters, at_the_tip, preset
from protocol import codes
from tests.hil.plant.test_contents import MS, TO_TIP_NL, Line, S


def admitted(line, **changes):
    patient = Patient(PatientParameters(clearance_per_min=0.0, **changes))
    return patient, Bedside(patient, line.rig)


def test_agent_counts_when_it_has_left_the_tip_and_not_when_it_has_left_the_syringe():
    line = Line()
    patient, _ = admitted(line)
    line.push(codes.CHANNEL_AGENT, TO_TIP_NL - 100)
    assert patient.agent_ul == 0.0
    line.push(codes.CHANNEL_FLUSH, 20_000, settle_s=20)
    assert patient.agent_ul == pytest.approx((TO_TIP_NL - 100) / 1000, abs=0.01)
    assert patient.burden_ul == pytest.approx(patient.agent_ul, rel=1e-9)


def test_flush_and_waste_are_no_burden():
    line = Line(patient=False)
    patient, _ = admitted(line)
    line.push(codes.CHANNEL_AGENT, 20_000)
    line.push(codes.CHANNEL_FLUSH, 20_000)
    line.valve(True)
    line.push(codes.CHANNEL_FLUSH, 20_000)
    assert patient.agent_ul == pytest.approx(0.0, abs=1e-9)


def test_counter_agent_binds_what_the_agent_has_left():
    line = Line()
    patient, _ = admitted(line, residual_ul=10.0)
    line.push(codes.CHANNEL_COUNTER_AGENT, TO_TIP_NL + 4000)
    line.rig.advance(line.rig.now_ns + 1200 * S)
    assert patient.counter_ul == pytest.approx(4.0, abs=0.01)
    assert patient.burden_ul == pytest.approx(6.0, abs=0.01)


def test_air_that_goes_into_the_patient_is_counted():
    line = Line()
    _, bedside = admitted(line)
    line.rig.spoil("bubble", "stuck", 1.0)
    line.rig.insert_air(500.0, 0.0)
    line.push(codes.CHANNEL_FLUSH, 5000)
    assert bedside.air_ul == pytest.approx(0.5, abs=1e-6)


def test_the_patient_does_not_depend_on_how_the_rigs_time_is_cut():
    ends = []
    for look_ns in (100 * S, 7_654_321):
        line = Line()
        patient, _ = admitted(line)
        line.push(codes.CHANNEL_AGENT, 15_000, settle_s=0)
        end_ns = line.rig.now_ns + 20 * S
        for now_ns in range(line.rig.now_ns, end_ns, look_ns):
            line.rig.advance(now_ns)
        line.rig.advance(end_ns)
        ends.append((patient.burden_ul, patient.reaction, patient.now_us))
    assert ends[0] == pytest.approx(ends[1], rel=1e-9)


def test_the_patients_clock_is_the_rigs():
    line = Line()
    line.rig.advance(1_234 * MS)
    patient, _ = admitted(line)
    line.rig.advance(11_234 * MS)
    assert patient.now_us == pytest.approx(10_000_000, abs=100_000)
    assert len(patient.samples) == 9


@pytest.mark.only("twin", "vm")
async def test_on_the_bench_the_patient_gets_what_the_dose_brings_to_the_tip(bench):
    patient = at_the_tip(bench, "lucy")
    assert bench.patient is patient
    bench.plant.exchange_syringe(codes.CHANNEL_FLUSH, kind=0)  # agent, where the firmware believes in saline
    await asyncio.sleep(1)
    rig = await bench.connect()
    try:
        outcome = await rig.dose(20_000, 2000)
        await asyncio.sleep(60)
    finally:
        await rig.close()
    assert outcome.outcome == "delivered"
    agent_ul = bench.plant.to_patient_nl()[0] / 1000
    assert patient.agent_ul == pytest.approx(agent_ul, abs=1e-3)
    assert agent_ul == pytest.approx(20 - TO_TIP_NL / 1000, abs=0.1)
    assert patient.burden_ul == pytest.approx(8 + agent_ul, rel=0.02)
    assert patient.reaction > 0
    assert len(patient.samples) > 60


@pytest.mark.only("twin", "vm")
async def test_the_fixture_is_a_routine_patient_of_the_benchs_seed(bench, patient):
    await asyncio.sleep(5.5)
    assert patient.parameters == preset("routine", bench.seed)
    assert patient.burden_ul == 0.0
    assert len(patient.samples) == 5
