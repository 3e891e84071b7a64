"""The patient: response, delayed effect, growth, presets; independent of the step."""

import time
from itertools import pairwise
from math import exp, log
from random import Random
from statistics import fmean, stdev

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hil.patient import PRESETS, ROUTINE, Patient, PatientParameters, preset

PLAIN = {"clearance_per_min": 0.0}


def make_patient(seed=1, monitored=False, **changes):
    return Patient(PatientParameters(**changes), seed, monitored=monitored)


def test_a_burden_below_the_threshold_does_nothing():
    patient = make_patient(**PLAIN, residual_ul=19.9)
    patient.advance(3600)
    assert patient.response == 0.0


def test_the_response_rises_to_its_end_with_its_time_constant():
    patient = make_patient(**PLAIN, residual_ul=24.0)
    end = 0.02 * 4.0**1.5
    patient.advance(90)
    assert patient.response == pytest.approx(end * (1 - exp(-1)), rel=1e-9)
    patient.advance(3600)
    assert patient.response == pytest.approx(end, rel=1e-9)


def test_the_response_to_a_linear_law_is_the_closed_form():
    patient = make_patient(residual_ul=30.0, threshold_ul=0.0, exponent=1.0, clearance_per_min=0.12)
    patient.advance(240)
    lost, rate = 0.12 / 60, 1 / 90.0
    expected = 0.02 * 30.0 * rate * (exp(-lost * 240) - exp(-rate * 240)) / (rate - lost)
    assert patient.response == pytest.approx(expected, rel=1e-9)


def test_the_response_over_the_crossing_of_the_threshold_is_that_of_a_thousand_small_steps():
    patient = make_patient()
    patient.advance(60, 0.5)
    level, burden = 0.0, 0.0
    small_s = 60 / 200_000
    for _ in range(200_000):
        burden += small_s * (0.5 - 0.1 / 60 * burden)
        level += small_s * (0.02 * max(0.0, burden - 20.0) ** 1.5 - level) / 90
    assert patient.response == pytest.approx(level, rel=1e-4)


def test_a_delayed_effect_is_the_response_of_a_dead_time_ago():
    patient = make_patient(delay_s=480.0, delayed_sensitivity=0.06)
    before = make_patient(sensitivity=0.06)
    patient.advance(30, 1.0)
    patient.advance(450)
    assert patient.delayed_response == 0.0
    patient.advance(200)
    before.advance(30, 1.0)
    before.advance(170)
    assert before.response > 0.1
    assert patient.delayed_response == pytest.approx(before.response, rel=1e-9)


def test_a_delayed_effect_follows_counter_agent_a_dead_time_later_too():
    patient = make_patient(delay_s=100.0, delayed_sensitivity=0.06)
    before = make_patient(sensitivity=0.06)
    for each in (patient, before):
        each.advance(30, 1.0)
        each.advance(20, 0.0, 0.5)
    before.advance(300)
    patient.advance(400)
    assert patient.delayed_response == pytest.approx(before.response, rel=1e-9)


def test_a_severe_reaction_is_noted_with_its_time():
    patient = make_patient(**PLAIN, residual_ul=20.0 + 100.0 ** (2 / 3))  # ends at 2
    patient.advance(3600)
    assert patient.severe
    assert patient.severe_at_s == pytest.approx(90 * log(2), abs=0.02)
    assert patient.peak == pytest.approx(2.0, rel=1e-6)


def usual_treatment(name, seed=1, rate_ul_s=0.5):
    patient = Patient(preset(name, seed), seed, monitored=False)
    patient.advance(25.0 / rate_ul_s, rate_ul_s)
    patient.advance(3600)
    return patient


def test_a_usual_treatment_does_not_harm_the_median_patient():
    patient = Patient(ROUTINE.median, monitored=False)
    patient.advance(50, 0.5)
    patient.advance(3600)
    assert not patient.severe
    assert 0.0 < patient.peak < 0.5


def test_lucy_cannot_clear_it_and_reacts_severely_within_a_minute():
    lucy = usual_treatment("lucy")
    assert lucy.severe_at_s is not None
    assert lucy.severe_at_s < 90
    assert lucy.burden_ul > 25


def test_marcus_reacts_after_eight_minutes_and_more_strongly_than_at_first():
    marcus = Patient(preset("marcus"), monitored=False)
    marcus.advance(50, 0.5)
    marcus.advance(420)
    first = marcus.peak
    assert marcus.delayed_response == 0.0
    marcus.advance(300)
    assert marcus.peak > 2.9 * first


def test_the_bad_lot_multiplies():
    patient = usual_treatment("bad lot")
    assert patient.burden_ul > 100
    assert patient.severe_at_s > 300


def test_counter_agent_ends_a_reaction():
    lucy = Patient(preset("lucy"), monitored=False)
    lucy.advance(50, 0.5)
    lucy.advance(30)
    assert lucy.reaction > 1
    lucy.advance(25, 0.0, 1.0)
    lucy.advance(600)
    assert lucy.reaction < 0.05
    assert lucy.burden_ul < 12


def test_routine_patients_have_the_medians_and_spreads_of_the_reference():
    random = Random(1)
    drawn = [ROUTINE.draw(random) for _ in range(4000)]
    for name, median, log_sd in (
        ("clearance_per_min", 0.10, 0.3),
        ("threshold_ul", 20.0, 0.2),
        ("sensitivity", 0.02, 0.3),
    ):
        logs = [log(getattr(parameters, name)) for parameters in drawn]
        assert exp(fmean(logs)) == pytest.approx(median, rel=0.02)
        assert stdev(logs) == pytest.approx(log_sd, rel=0.05)


def test_presets_are_those_of_the_reference():
    lucy, marcus, bad = (preset(name) for name in ("lucy", "marcus", "bad lot"))
    assert (lucy.clearance_per_min, lucy.residual_ul, lucy.threshold_ul, lucy.sensitivity) == (0.003, 8.0, 12.0, 0.05)
    assert (marcus.delay_s, marcus.delayed_sensitivity, marcus.clearance_per_min) == (480.0, 0.06, 0.10)
    assert (bad.growth_per_min, bad.clearance_per_min, bad.threshold_ul) == (0.13, 0.10, 20.0)
    assert all(preset(name).exponent == 1.5 and preset(name).response_s == 90.0 for name in PRESETS)


def test_a_patient_is_the_same_for_the_same_seed():
    assert preset("routine", 4) == preset("routine", 4) != preset("routine", 5)


def test_an_unknown_patient_is_refused_with_the_known_ones():
    with pytest.raises(ValueError, match="there are routine, lucy, marcus, bad lot"):
        preset("nobody")


@pytest.mark.parametrize("changes", [{"clearance_per_min": -0.1}, {"response_s": 0.0}, {"threshold_ul": float("nan")}])
def test_numbers_that_no_body_can_have_are_refused(changes):
    with pytest.raises(ValueError, match=next(iter(changes))):
        PatientParameters(**changes)


def test_neither_time_nor_inflow_can_be_negative():
    patient = make_patient()
    for arguments in ((-1.0,), (1.0, -0.1), (1.0, 0.0, -0.1)):
        with pytest.raises(ValueError, match="negative"):
            patient.advance(*arguments)


courses = st.lists(
    st.tuples(st.integers(1, 200_000), st.sampled_from([0.0, 0.1, 1.0]), st.sampled_from([0.0, 0.0, 0.5])),
    min_size=1,
    max_size=4,
)


@given(courses, st.sampled_from(sorted(PRESETS)), st.integers(0, 100), st.integers(2, 30))
def test_the_result_does_not_depend_on_the_step(course, name, seed, pieces):
    whole, cut = (Patient(preset(name, seed), seed) for _ in range(2))
    for duration_ms, agent, counter in course:
        whole.advance_us(duration_ms * 1000, agent, counter)
        edges = [duration_ms * 1000 * piece // pieces for piece in range(pieces + 1)]
        for begin, end in pairwise(edges):
            cut.advance_us(end - begin, agent, counter)
    assert cut.now_us == whole.now_us
    for quantity in ("burden_ul", "free_counter_ul", "response", "delayed_response", "agent_ul"):
        assert getattr(cut, quantity) == pytest.approx(getattr(whole, quantity), rel=1e-6, abs=1e-6)
    assert [sample.time_ms for sample in cut.samples] == [sample.time_ms for sample in whole.samples]
    for one, other in zip(cut.samples, whole.samples, strict=True):
        assert one.heart_rate == (None if other.heart_rate is None else pytest.approx(other.heart_rate, abs=1e-3))
        assert one.burden == (None if other.burden is None else pytest.approx(other.burden, rel=1e-5, abs=1e-5))


def test_a_patient_lives_a_thousand_times_as_fast_as_the_clock():
    patient = Patient(preset("routine"))
    began_s = time.perf_counter()
    patient.advance(50, 0.5)
    patient.advance(1950)
    assert 2000 / (time.perf_counter() - began_s) > 1000
