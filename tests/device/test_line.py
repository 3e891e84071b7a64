import pytest
from hypothesis import given
from hypothesis import strategies as st

from device.limits import STEP_PL, volume_of
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
    line.released(0, ERROR_PA, 0, 0)
    line.close(100)
    fresh = account(100, flow_nl=0)
    assert (line.patient_min_nl, line.patient_max_nl) == (fresh.patient_min_nl, fresh.patient_max_nl)
