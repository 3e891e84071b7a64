"""The supervision against the physics of the simulated rig: what it must find, how soon, what it must leave alone."""

import os
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from device.dose import CLEARED_MS
from hil.occlusion.light import FLUSH, LightRig
from protocol import codes
from protocol.codes import (
    CAUSE_DEVIATION,
    CAUSE_FREE_FLOW,
    CAUSE_LEAK,
    CAUSE_NONE,
    CAUSE_OCCLUSION,
    CAUSE_REVERSE_FLOW,
    CAUSE_STALL,
)

COUNTER_AGENT = codes.CHANNEL_COUNTER_AGENT
SEED = int(os.environ.get("NANORIG_SEED", "1"))
LONGEST_S = 120.0
RATES_NL_S = (50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000, 20_000)

# Every corner of the range to be tried that makes one of the rules work hard.
CORNERS = {
    "default": {},
    "stiff-line": {"compliance_nl_kpa": 50, "stick_slip_nl": 100, "backlash_nl": 270},
    "soft-line": {"compliance_nl_kpa": 1000, "stick_slip_nl": 100, "backlash_nl": 270},
    "slow-line": {"compliance_nl_kpa": 1000, "resistance_kpa_s_nl": 0.01, "stick_slip_nl": 100},
    "quick-line": {"compliance_nl_kpa": 50, "resistance_kpa_s_nl": 0.0005, "stick_slip_nl": 100},
    "narrow-line": {"compliance_nl_kpa": 50, "resistance_kpa_s_nl": 0.01},
    "wide-line": {"compliance_nl_kpa": 1000, "resistance_kpa_s_nl": 0.0005},
    "noisy": {"pressure_noise_kpa": 2, "pressure_lag_s": 0.05, "flow_lag_s": 0.1, "flow_noise_share": 0.05},
    "wide-bore": {"bore_error": 0.01, "pressure_gain_error": 0.03},
    "narrow-bore": {"bore_error": -0.01, "pressure_gain_error": -0.03},
}


@pytest.fixture
def rig():
    return LightRig(SEED)


def flowing(rig, rate_nl_s, after_s=3.0, to_patient=True):
    """Bring a run into steady flow."""
    rig.begin(to_patient)
    assert rig.run(after_s, rate_nl_s) == CAUSE_NONE
    return rig


# Nothing is wrong.


@pytest.mark.req("FLOW-1", "FLOW-2", "FLOW-3")
@pytest.mark.parametrize("corner", CORNERS)
def test_a_healthy_rig_in_the_range_to_be_tried_is_left_alone_in_doses_of_any_rate_and_at_rest(corner):
    random = Random(f"{SEED} {corner}")
    rig = LightRig(SEED, **CORNERS[corner])
    kpa_s_nl = rig.plant.parameters.resistance_kpa_s_nl
    for _ in range(6):
        rate_nl_s = random.choice([rate for rate in RATES_NL_S if rate * kpa_s_nl < 62])
        volume_nl = min(random.choice((200, 1_000, 5_000, 25_000, 100_000)), rate_nl_s * 60)
        assert rig.dose(volume_nl, rate_nl_s, random.choice((0.5, 3.0))) == CAUSE_NONE, (volume_nl, rate_nl_s)
        assert rig.run(random.uniform(1.0, 10.0)) == CAUSE_NONE


@pytest.mark.req("FLOW-2")
@pytest.mark.parametrize("rate_nl_s", [50, 200, 1_000])
@pytest.mark.parametrize("compliance_nl_kpa", [50, 1_000])
def test_bore_sensor_backlash_and_friction_that_are_all_off_the_same_way_are_no_deviation(compliance_nl_kpa, rate_nl_s):
    parameters = {"bore_error": -0.01, "backlash_nl": 270, "stick_slip_nl": 100, "resistance_kpa_s_nl": 0.0005}
    rig = off_by(-0.02, compliance_nl_kpa=compliance_nl_kpa, **parameters)
    rig.begin()
    # Where the share of what was emitted begins to be the larger one: there the least more may be missing.
    assert rig.run(11_000 / rate_nl_s, rate_nl_s) == CAUSE_NONE


@pytest.mark.req("FLOW-3")
@pytest.mark.parametrize("rate_nl_s", [10_000, 20_000])
def test_when_a_fast_dose_ends_in_a_quick_line_its_falling_pressure_is_no_occlusion(rate_nl_s):
    for seed in range(SEED, SEED + 5):
        assert LightRig(seed, **CORNERS["quick-line"]).dose(25_000, rate_nl_s) == CAUSE_NONE


def test_a_rate_that_changes_all_the_time_is_no_fault(rig):
    rig.begin()
    for rate_nl_s in (*range(100, 10_000, 50), *range(10_000, 100, -50)):
        assert rig.run(0.03, rate_nl_s) == CAUSE_NONE
    assert rig.run(2.0, 0) == CAUSE_NONE


def test_a_pause_in_the_steps_with_the_valve_on_the_patient_is_no_fault(rig):
    flowing(rig, 2_000)
    for _ in range(3):
        assert rig.run(2.0, 0) == CAUSE_NONE
        assert rig.run(2.0, 2_000) == CAUSE_NONE


def test_a_run_to_the_waste_is_no_fault_at_any_rate(rig):
    for rate_nl_s in RATES_NL_S:
        rig.begin(to_patient=False)
        assert rig.run(min(20.0, 50_000 / rate_nl_s), rate_nl_s) == CAUSE_NONE
        rig.rest()
        assert rig.run(1.0) == CAUSE_NONE


@pytest.mark.req("RESCUE-1", "FLOW-1", "FLOW-3")
@pytest.mark.parametrize("rate_nl_s", [500, 5_000])
@pytest.mark.parametrize("corner", CORNERS)
def test_a_dose_right_behind_a_cleared_line_is_left_alone(corner, rate_nl_s):
    rig = LightRig(SEED, **CORNERS[corner])
    rig.begin(to_patient=False)
    assert rig.run(0.45, 20_000) == CAUSE_NONE
    rig.rest()
    assert rig.run(CLEARED_MS / 1000) == CAUSE_NONE
    rig.begin()
    assert rig.run(5.0, rate_nl_s) == CAUSE_NONE
    assert rig.run(2.0, 0) == CAUSE_NONE


# Occlusion.


@pytest.mark.req("FLOW-3")
@pytest.mark.parametrize("rate_nl_s", [100, 1_000, 10_000])
@pytest.mark.parametrize("compliance_nl_kpa", [50, 200, 1000])
def test_a_sudden_full_occlusion_in_steady_flow_is_found_within_2_ul(compliance_nl_kpa, rate_nl_s):
    rig = flowing(LightRig(SEED, compliance_nl_kpa=compliance_nl_kpa), rate_nl_s)
    before_nl = rig.plant.stored_nl
    rig.plant.occlude(1.0)
    assert rig.run(LONGEST_S) == CAUSE_OCCLUSION
    assert rig.plant.stored_nl - before_nl <= 2_000


@pytest.mark.req("FLOW-3")
@pytest.mark.parametrize("rate_nl_s", [100, 1_000, 10_000])
def test_an_occlusion_from_the_start_is_found_below_half_of_the_pressure_limit(rig, rate_nl_s):
    rig.plant.occlude(1.0)
    rig.begin()
    assert rig.run(LONGEST_S, rate_nl_s) == CAUSE_OCCLUSION
    assert rig.plant.pressure_kpa < 34.5


def test_an_occlusion_that_comes_slowly_is_found_before_the_pressure_limit(rig):
    flowing(rig, 5_000)
    rig.plant.occlude(1.0, over_s=30.0)
    assert rig.run(LONGEST_S) == CAUSE_OCCLUSION
    assert rig.plant.pressure_kpa < 69


def test_a_line_clogged_before_the_valve_is_an_occlusion_too(rig):
    flowing(rig, 1_000)
    rig.plant.clog(1.0)
    assert rig.run(LONGEST_S) == CAUSE_OCCLUSION


def test_pressure_that_does_not_decay_while_the_dose_settles_is_an_occlusion(rig):
    flowing(rig, 2_000)
    rig.plant.occlude(1.0)
    assert rig.run(LONGEST_S, 0) == CAUSE_OCCLUSION


@pytest.mark.req("PERMIT-5")
@pytest.mark.parametrize("rate_nl_s", [1_000, 20_000])
def test_a_run_to_the_waste_that_goes_to_the_patient_is_found_by_its_pressure(rig, rate_nl_s):
    rig.begin()
    rig.plant.stick_valve()
    rig.rest()
    rig.run(1.0)
    rig.begin(to_patient=False)
    assert rig.run(LONGEST_S, rate_nl_s) == CAUSE_OCCLUSION
    assert rig.plant.tip_nl < 2_000


@pytest.mark.req("FLOW-4")
@pytest.mark.parametrize("rate_nl_s", [100, 1_000, 5_000])
def test_what_an_occluded_line_stores_is_estimated(rig, rate_nl_s):
    flowing(rig, rate_nl_s)
    rig.plant.occlude(1.0)
    rig.run(LONGEST_S)
    assert rig.supervision.stored_nl == pytest.approx(rig.plant.stored_nl, abs=100 + rate_nl_s // 20)


# Too much flow, or the wrong way.


@pytest.mark.req("FLOW-1")
@pytest.mark.parametrize(("head_kpa", "conductance_nl_s_kpa"), [(5, 100), (1, 100), (0.5, 100), (1, 30)])
def test_free_flow_through_a_loose_syringe_at_rest_is_found_within_half_a_microlitre(
    rig, head_kpa, conductance_nl_s_kpa
):
    before_nl = rig.plant.waste_nl
    rig.plant.loosen(FLUSH, 0, head_kpa, conductance_nl_s_kpa)
    assert rig.run(LONGEST_S) == CAUSE_FREE_FLOW
    assert rig.plant.waste_nl - before_nl < 500


@pytest.mark.req("FLOW-1")
@pytest.mark.parametrize("rate_nl_s", [50, 200])
def test_free_flow_beside_a_dose_is_found_within_a_microlitre(rig, rate_nl_s):
    flowing(rig, rate_nl_s, 5.0)
    before_nl, emitted_nl = rig.plant.tip_nl, rig.emitted_nl
    rig.plant.loosen(COUNTER_AGENT, 0, 5, 100)
    assert rig.run(LONGEST_S) == CAUSE_FREE_FLOW
    assert (rig.plant.tip_nl - before_nl) - (rig.emitted_nl - emitted_nl) < 1_000


@pytest.mark.req("FLOW-1")
def test_free_flow_while_a_dose_waits_with_the_valve_on_the_patient_is_found(rig):
    rig.begin()
    rig.plant.loosen(COUNTER_AGENT, 0, 5, 100)
    assert rig.run(LONGEST_S, 0) == CAUSE_FREE_FLOW
    assert rig.plant.tip_nl < 600


@pytest.mark.req("FLOW-1")
@pytest.mark.parametrize("dosing", [False, True])
def test_reverse_flow_is_found_at_rest_and_in_a_dose(rig, dosing):
    if dosing:
        flowing(rig, 100)
    rig.plant.loosen(COUNTER_AGENT, 0, -5, 100)
    assert rig.run(LONGEST_S) == CAUSE_REVERSE_FLOW


@pytest.mark.parametrize(("head_kpa", "cause"), [(5, CAUSE_FREE_FLOW), (-5, CAUSE_REVERSE_FLOW)])
def test_the_cause_stands_as_long_as_the_flow_and_is_gone_with_it(rig, head_kpa, cause):
    rig.plant.loosen(FLUSH, 0, head_kpa, 100)
    assert rig.run(LONGEST_S) == cause
    for _ in range(1_000):
        assert rig.tick() == cause
    rig.plant.clamp(FLUSH)
    for _ in range(100):
        rig.tick()
    assert rig.run(5.0) == CAUSE_NONE


# Too little flow.


@pytest.mark.req("FLOW-2")
@pytest.mark.parametrize("rate_nl_s", [50, 200, 1_000])
@pytest.mark.parametrize("from_the_start", [False, True])
def test_steps_without_motion_are_a_stall_within_a_microlitre_and_a_half(rig, rate_nl_s, from_the_start):
    if from_the_start:
        rig.begin()
    else:
        flowing(rig, rate_nl_s, 5.0)
    rig.plant.stall(FLUSH)
    emitted_nl = rig.emitted_nl
    assert rig.run(LONGEST_S, rate_nl_s) == CAUSE_STALL
    assert rig.emitted_nl - emitted_nl < 1_500


@pytest.mark.req("FLOW-2")
def test_a_stall_late_in_a_large_dose_is_found_as_soon(rig):
    flowing(rig, 1_000, 60.0)
    rig.plant.stall(FLUSH)
    emitted_nl = rig.emitted_nl
    assert rig.run(LONGEST_S) == CAUSE_STALL
    assert rig.emitted_nl - emitted_nl < 2_500


def test_a_motor_without_supply_is_a_stall(rig):
    flowing(rig, 200)
    rig.plant.dip_supply()
    assert rig.run(LONGEST_S) == CAUSE_STALL


@pytest.mark.parametrize("rate_nl_s", [200, 1_000, 5_000])
def test_half_of_the_flow_lost_on_the_way_is_a_leak(rig, rate_nl_s):
    flowing(rig, rate_nl_s, 2.0)
    rig.plant.leak(500)
    assert rig.run(LONGEST_S) == CAUSE_LEAK


def test_a_patient_line_that_has_come_off_is_a_leak(rig):
    flowing(rig, 1_000)
    rig.plant.spill(2_000)
    assert rig.run(LONGEST_S) == CAUSE_LEAK
    assert rig.plant.leaked_nl < 2_000


@pytest.mark.parametrize("rate_nl_s", [1_000, 5_000, 20_000])
def test_a_dose_that_goes_to_the_waste_is_a_leak(rig, rate_nl_s):
    rig.plant.stick_valve()
    rig.begin()
    assert rig.run(LONGEST_S, rate_nl_s) == CAUSE_LEAK


@pytest.mark.req("FLOW-2")
def test_a_line_whose_compliance_was_seen_hides_less(rig):
    assert rig.dose(50_000, 10_000, 5.0) == CAUSE_NONE
    rig.run(3.5)
    rig.plant.leak(500)
    rig.begin()
    assert rig.run(LONGEST_S, 10_000) == CAUSE_LEAK
    known_nl = rig.plant.leaked_nl
    fresh = LightRig(SEED)
    fresh.plant.leak(500)
    fresh.begin()
    assert fresh.run(LONGEST_S, 10_000) == CAUSE_LEAK
    assert known_nl < fresh.plant.leaked_nl / 1.5


# A sensor that is off.


def off_by(share, **parameters):
    """A rig whose flow sensor reads so much too large."""
    rig = LightRig(SEED, **parameters)
    rig.plant.sensors._flow_gain = 1.0 + share
    return rig


@pytest.mark.req("FLOW-2")
@pytest.mark.parametrize("share", [-0.12, 0.12])
def test_a_flow_sensor_that_departs_from_the_steps_by_more_than_10_percent_is_a_deviation(share):
    rig = off_by(share)
    rig.begin()
    assert rig.run(LONGEST_S, 500) == CAUSE_DEVIATION


@pytest.mark.parametrize("share", [-0.1, 0.1])
def test_a_rig_that_is_not_calibrated_yet_may_be_run_to_the_waste(share):
    rig = off_by(share)
    rig.begin(to_patient=False)
    assert rig.run(100.0, 500) == CAUSE_NONE


@pytest.mark.parametrize("share", [-0.1, 0.1])
def test_a_calibrated_flow_sensor_does_not_depart(share):
    rig = off_by(share)
    rig.supervision.calibrate(5_608_000, round(1_000_000 / (1.0 + share)))
    rig.begin()
    assert rig.run(100.0, 500) == CAUSE_NONE


def test_a_faulty_sensor_is_not_judged_by(rig):
    flowing(rig, 1_000)
    rig.plant.occlude(1.0)
    rig.flow.faulty = True
    assert rig.run(10.0) == CAUSE_NONE


# Every line of the range.


@pytest.mark.req("FLOW-3")
@settings(max_examples=15, deadline=None)
@given(
    compliance_nl_kpa=st.floats(50, 1000),
    resistance_kpa_s_nl=st.floats(0.0005, 0.01),
    rate_nl_s=st.integers(100, 10_000),
    seed=st.integers(0, 1 << 30),
)
def test_a_sudden_occlusion_is_found_within_2_ul_in_every_line_once_the_flow_is_steady(
    compliance_nl_kpa, resistance_kpa_s_nl, rate_nl_s, seed
):
    rate_nl_s = min(rate_nl_s, round(60 / resistance_kpa_s_nl))
    steady_s = max(3.0, 4 * compliance_nl_kpa * resistance_kpa_s_nl)
    rig = LightRig(seed, compliance_nl_kpa=compliance_nl_kpa, resistance_kpa_s_nl=resistance_kpa_s_nl)
    flowing(rig, rate_nl_s, steady_s)
    before_nl = rig.plant.stored_nl
    rig.plant.occlude(1.0)
    assert rig.run(LONGEST_S) == CAUSE_OCCLUSION
    assert rig.plant.stored_nl - before_nl <= 2_000


@pytest.mark.req("FLOW-2")
@settings(max_examples=20, deadline=None)
@given(
    conductance_nl_s_kpa=st.floats(0, 1_000),
    rate_nl_s=st.sampled_from([100, 200, 500, 1_000, 2_000]),
    compliance_nl_kpa=st.floats(50, 1000),
    seed=st.integers(0, 1 << 30),
)
def test_no_leak_takes_more_than_10_percent_or_1_ul_beyond_what_an_unknown_line_may_store(
    conductance_nl_s_kpa, rate_nl_s, compliance_nl_kpa, seed
):
    rig = LightRig(seed, compliance_nl_kpa=compliance_nl_kpa)
    rig.plant.leak(conductance_nl_s_kpa)
    rig.begin()
    rig.run(30_000 / rate_nl_s, rate_nl_s)
    unknown_nl = (1000 - compliance_nl_kpa) * rig.plant.pressure_kpa
    late_nl = 0.25 * rate_nl_s
    assert rig.plant.leaked_nl <= max(1_000, rig.emitted_nl / 10) + unknown_nl + late_nl
