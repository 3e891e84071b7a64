"""The plant's numbers."""

import pytest

from hil.plant import PlantParameters


def test_the_defaults_are_those_of_the_reference_rig():
    parameters = PlantParameters()
    assert parameters.step_nl == pytest.approx(5.608, abs=0.001)
    assert parameters.backlash_nl == 90.0
    assert parameters.compliance_nl_kpa * parameters.resistance_kpa_s_nl == pytest.approx(0.4)
    assert parameters.valve_ns == 10_000_000
    assert parameters.heartbeat_one_shot_ns == 20_000_000


def test_a_number_that_no_rig_can_have_is_named():
    with pytest.raises(ValueError, match="backlash_nl is -1"):
        PlantParameters(backlash_nl=-1.0)
    with pytest.raises(ValueError, match="compliance_nl_kpa must be above 0"):
        PlantParameters(compliance_nl_kpa=0.0)


def test_errors_and_temperatures_may_be_negative():
    assert PlantParameters(bore_error=-0.01, temperature_c=-1.0).step_nl < 5.608
