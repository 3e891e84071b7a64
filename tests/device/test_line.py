import pytest
from hypothesis import given
from hypothesis import strategies as st

from device.limits import STEP_PL, steps_of, volume_of
from device.line import LineAccount

ERROR_PA = 600


def account(steps, *, flow_nl=None, pressure_pa=0, flow_at_release_nl_s=0, inflow_nl_s=0, trusted=True):
    """The account of a dose of which the flow sensor saw ``flow_nl`` in steady flow of one second."""
    line = LineAccount()
    line.open()
    measured_nl = volume_of(steps) if flow_nl is None else flow_nl
    for _ in range(100):
        line.flowed(measured_nl, 10, trusted)
    line.released(pressure_pa, ERROR_PA, flow_at_release_nl_s, inflow_nl_s)
    line.close(steps)
    return line


def test_a_dose_without_a_step_gave_nothing_whatever_the_sensors_read():
    line = account(0, flow_nl=500, pressure_pa=900)
    assert (line.patient_min_nl, line.patient_max_nl, line.waste_min_nl, line.waste_max_nl) == (0, 0, 0, 0)


@pytest.mark.req("DOSE-8")
@given(
    steps=st.integers(50, 17_000),
    bore=st.floats(0.99, 1.01),
    backlash_nl=st.floats(0, 270),
    friction_nl=st.floats(-150, 150),
    compliance_nl_kpa=st.floats(50, 1000),
    release_kpa=st.floats(0, 60),
    gain=st.floats(0.9, 1.1),
    pressure_gain=st.floats(0.97, 1.03),
    pumping=st.booleans(),
)
def test_the_true_volume_to_the_patient_lies_in_the_interval_for_every_rig_in_the_range_to_be_tried(
    steps, bore, backlash_nl, friction_nl, compliance_nl_kpa, release_kpa, gain, pressure_gain, pumping
):
    pushed_nl = max(0.0, steps * STEP_PL / 1000 * bore - backlash_nl + friction_nl)
    stored_nl = min(release_kpa * compliance_nl_kpa, pushed_nl)
    true_nl = pushed_nl - stored_nl
    read_pa = int(stored_nl / compliance_nl_kpa * 1000 * pressure_gain)
    line = account(steps, flow_nl=int(true_nl * gain), pressure_pa=read_pa, inflow_nl_s=1_000 * pumping)
    assert line.patient_min_nl - 1 <= true_nl <= line.patient_max_nl + 1
    assert line.waste_min_nl - 1 <= stored_nl <= line.waste_max_nl + 1


def test_two_witnesses_that_agree_narrow_the_interval():
    alone = account(2_000, pressure_pa=2_000, trusted=False)
    both = account(2_000, flow_nl=volume_of(2_000) - 400, pressure_pa=2_000)
    assert both.patient_max_nl - both.patient_min_nl < alone.patient_max_nl - alone.patient_min_nl


def test_two_witnesses_that_contradict_each_other_widen_the_interval_to_hold_both():
    line = account(2_000, flow_nl=3_000)
    assert line.patient_min_nl <= 3_000
    assert line.patient_max_nl >= volume_of(2_000)


def test_a_flow_sensor_that_was_not_to_be_believed_once_is_not_heard_at_all():
    line = LineAccount()
    line.open()
    line.flowed(5_000, 1_000, True)
    line.flowed(0, 10, False)
    line.released(0, ERROR_PA, 0, 0)
    line.close(200)
    alone = account(200, trusted=False)
    assert (line.patient_min_nl, line.patient_max_nl) == (alone.patient_min_nl, alone.patient_max_nl)


@given(st.integers(0, 17_832), st.integers(-2_000, 200_000), st.integers(-2_000, 25_000), st.integers(-500, 110_000))
def test_an_interval_never_turns_round_and_is_never_negative(steps, pressure_pa, flow_nl_s, flow_nl):
    line = account(steps, flow_nl=flow_nl, pressure_pa=pressure_pa, flow_at_release_nl_s=flow_nl_s)
    assert 0 <= line.patient_min_nl <= line.patient_max_nl
    assert 0 <= line.waste_min_nl <= line.waste_max_nl


def test_a_new_dose_begins_with_an_empty_account():
    line = account(2_000, pressure_pa=20_000)
    line.open()
    line.flowed(0, 1_000, True)
    line.released(0, ERROR_PA, 0, 0)
    line.close(100)
    fresh = account(100, flow_nl=0)
    assert (line.patient_min_nl, line.patient_max_nl) == (fresh.patient_min_nl, fresh.patient_max_nl)


@pytest.mark.req("DOSE-8")
@given(
    phases=st.lists(
        st.tuples(st.integers(50, 4_000), st.floats(0, 60), st.booleans(), st.integers(50, 20_000)),
        min_size=1,
        max_size=5,
    ),
    bore=st.floats(0.99, 1.01),
    backlash_nl=st.floats(0, 270),
    friction_nl=st.floats(-150, 150),
    compliance_nl_kpa=st.floats(50, 1000),
    gain=st.floats(0.9, 1.1),
    pressure_gain=st.floats(0.97, 1.03),
)
def test_the_true_volume_lies_in_the_interval_however_often_the_dose_was_paused_and_resumed(
    phases, bore, backlash_nl, friction_nl, compliance_nl_kpa, gain, pressure_gain
):
    line = LineAccount()
    line.open()
    steps = 0
    true_nl = stored_nl = 0.0
    lost_nl = backlash_nl - friction_nl
    for phase_steps, release_kpa, pumping, rate_nl_s in phases:
        steps += phase_steps
        pushed_nl = max(0.0, phase_steps * STEP_PL / 1000 * bore - lost_nl)
        lost_nl = 0.0
        kept_nl = min(release_kpa * compliance_nl_kpa, pushed_nl)
        passed_nl = pushed_nl - kept_nl
        true_nl += passed_nl
        stored_nl += kept_nl
        flow_ms = max(10, int(passed_nl * 1000 / rate_nl_s))
        line.flowed(int(passed_nl * gain * 1000 / flow_ms), flow_ms, True)
        read_pa = int(kept_nl / compliance_nl_kpa * 1000 * pressure_gain)
        line.released(read_pa, ERROR_PA, 0, rate_nl_s * pumping)
    line.close(steps)
    assert line.patient_min_nl - 1 <= true_nl <= line.patient_max_nl + 1
    assert line.waste_min_nl - 1 <= stored_nl <= line.waste_max_nl + 1


@pytest.mark.req("PERMIT-5")
@given(st.integers(1, 17_000), st.floats(0.99, 1.01), st.floats(-150, 420))
def test_a_run_to_the_waste_brings_nothing_to_the_patient_and_all_of_it_to_the_waste(steps, bore, lost_nl):
    line = LineAccount()
    line.open(to_patient=False)
    line.close(steps)
    pushed_nl = max(0.0, steps * STEP_PL / 1000 * bore - lost_nl)
    assert (line.patient_min_nl, line.patient_max_nl) == (0, 0)
    assert line.waste_min_nl - 1 <= pushed_nl <= line.waste_max_nl + 1


@pytest.mark.req("FLOW-4")
def test_what_an_occluded_line_has_stored_is_reported_as_waste_and_not_as_given():
    passed_nl, stored_nl = 5_000, 4_000
    steps = steps_of(passed_nl + stored_nl)
    line = account(steps, flow_nl=passed_nl, pressure_pa=20_000, inflow_nl_s=1_000)
    assert line.patient_max_nl < passed_nl + stored_nl - 2_000
    assert line.patient_min_nl <= passed_nl <= line.patient_max_nl
    assert line.waste_min_nl <= stored_nl <= line.waste_max_nl
    assert line.waste_min_nl > 2_000


def test_a_calibrated_rig_knows_its_volumes_more_closely():
    line = LineAccount()
    line.calibrate(5_608_000, 2_000, 1_000_000, 20_000)
    line.open()
    line.flowed(volume_of(10_000), 1_000, True)
    line.released(0, 200, 0, 0)
    line.close(10_000)
    rough = account(10_000)
    assert rough.patient_min_nl < line.patient_min_nl <= volume_of(10_000) <= line.patient_max_nl < rough.patient_max_nl


@given(
    step_fl=st.integers(5_500_000, 5_720_000), gain_ppm=st.integers(900_000, 1_100_000), steps=st.integers(100, 17_000)
)
def test_a_calibration_is_applied_to_steps_and_flow_alike(step_fl, gain_ppm, steps):
    line = LineAccount()
    line.calibrate(step_fl, 0, gain_ppm, 1_000)
    line.open()
    true_nl = steps * step_fl / 1e6
    line.flowed(round(true_nl * 1e6 / gain_ppm), 1_000, True)
    line.released(0, 0, 0, 0)
    line.close(steps)
    assert line.patient_min_nl <= true_nl <= line.patient_max_nl
    assert line.patient_max_nl - line.patient_min_nl < 1_000


@pytest.mark.req("DOSE-8", "DOSE-13")
@given(
    clear_nl=st.integers(430, 9_000),
    steps=st.integers(1, 11_000),
    bore=st.floats(0.99, 1.01),
    backlash_nl=st.floats(0, 270),
    friction_nl=st.tuples(st.floats(-150, 0), st.floats(-150, 150)),
)
def test_what_cleared_the_line_is_told_apart_from_what_followed_it(clear_nl, steps, bore, backlash_nl, friction_nl):
    clear_steps = steps_of(clear_nl)
    line = LineAccount()
    line.open(True, clear_steps)
    line.flowed(0, 10, False)
    line.close(clear_steps + steps)
    step_nl = STEP_PL / 1000 * bore
    # What the plunger's friction holds back while the line is cleared comes with what follows.
    cleared_nl = max(0.0, clear_steps * step_nl - backlash_nl + friction_nl[0])
    followed_nl = max(0.0, steps * step_nl - friction_nl[0] * (friction_nl[1] > 0) - abs(friction_nl[1]) / 2)
    assert line.patient_min_nl - 1 <= followed_nl <= line.patient_max_nl + 1
    assert line.waste_min_nl - 1 <= cleared_nl <= line.waste_max_nl + 1


@given(clear_steps=st.integers(100, 2_000), emitted=st.integers(1, 2_000))
def test_as_long_as_the_line_is_cleared_nothing_is_the_patients(clear_steps, emitted):
    line = LineAccount()
    line.open(True, clear_steps)
    line.close(min(emitted, clear_steps))
    assert (line.patient_min_nl, line.patient_max_nl) == (0, 0)
    assert line.waste_max_nl >= volume_of(min(emitted, clear_steps))


@pytest.mark.req("DOSE-8", "DOSE-13")
@given(
    steps=st.integers(300, 17_000),
    dips=st.lists(st.integers(1, 100), min_size=1, max_size=3),
    moved=st.floats(0, 1),
    bore=st.floats(0.99, 1.01),
    friction_nl=st.floats(-150, 150),
    to_patient=st.booleans(),
    stored_nl=st.floats(0, 2_000),
)
def test_steps_that_may_have_moved_nothing_and_a_line_that_may_have_been_relieved_are_in_the_interval(
    steps, dips, moved, bore, friction_nl, to_patient, stored_nl
):
    line = LineAccount()
    line.open(to_patient)
    for dip in dips:
        line.doubt(dip)
    lost_nl = sum(dips) * STEP_PL / 1000 * moved
    pushed_nl = max(0.0, (steps * STEP_PL / 1000 - lost_nl) * bore + friction_nl)
    relieved_nl = 0.0
    if to_patient:
        # The softest line, and a flow sensor that has heard all of it go to the patient.
        line.interrupted(round(stored_nl), ERROR_PA, 0)
        line.flowed(round(pushed_nl), 1_000, True)
        line.released(0, ERROR_PA, 0, 0)
        relieved_nl = min(stored_nl * moved, pushed_nl)
    line.close(steps)
    given_nl = pushed_nl - relieved_nl if to_patient else 0.0
    assert line.patient_min_nl - 1 <= given_nl <= line.patient_max_nl + 1
    assert line.waste_min_nl - 1 <= pushed_nl - given_nl <= line.waste_max_nl + 1


def test_at_an_interruption_all_that_the_softest_line_may_store_may_have_gone_to_waste():
    line = LineAccount()
    line.open()
    line.interrupted(33_367, 500, 2_000)
    line.released(0, 0, 0, 0)
    line.close(10_000)
    # 3 % of 33,367 Pa are 1001, 500 more is the error, 80 ms of the inflow are 160 nL; a nanolitre of rounding each.
    assert line.patient_min_nl == line.pushed(10_000)[0] - (33_367 + 1_001 + 500 + 1 + 160) - 1
    assert line.patient_max_nl == line.pushed(10_000)[1]


def test_after_an_interruption_the_flow_sensor_is_not_heard():
    line = LineAccount()
    line.open()
    line.flowed(1_000, 1_000, True)
    assert line.heard_nl() == 1_000
    line.interrupted(0, 0, 0)
    line.flowed(1_000, 1_000, True)
    assert line.heard_nl() == 0


def test_a_new_dose_begins_without_the_doubts_of_the_one_before():
    line = LineAccount()
    line.open(False)
    line.doubt(100)
    line.open(False)
    line.close(1_000)
    fresh = LineAccount()
    fresh.open(False)
    fresh.close(1_000)
    assert line.waste_min_nl == fresh.waste_min_nl


def test_of_steps_in_doubt_nothing_is_sure():
    line = LineAccount()
    line.open(False)
    line.doubt(1_000)
    assert line.pushed(1_000)[0] == 0
    line.calibrate(10_000_000, 0, 1_000_000, 0, 0)
    # 2000 steps of 10 nL, 1000 of them in doubt: 10,000 nL less 150 of friction, less two roundings.
    assert line.pushed(2_000)[0] == 10_000 - 150 - 1 - 1
    line.open(False)
    line.calibrate(5_608_000, 0, 1_000_000, 0, 0)
    before_nl = line.pushed(1_000)[0]
    line.doubt(1)
    # A step of 5.608 nL.
    assert line.pushed(1_000)[0] == before_nl - 5 - 1
    line.doubt(1)
    assert line.pushed(1_000)[0] == before_nl - 11 - 1
