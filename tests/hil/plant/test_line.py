"""The liquid line against closed forms."""

from math import exp, pi

import pytest

from hil.plant.line import LiquidLine

COMPLIANCE_NL_KPA = 200.0
RESISTANCE_KPA_S_NL = 0.002
WASTE_RESISTANCE_KPA_S_NL = 0.0002
TIME_CONSTANT_S = COMPLIANCE_NL_KPA * RESISTANCE_KPA_S_NL


def make_line(pressure_lag_s=0.005, flow_lag_s=0.020, scale_lag_s=0.2, patient=True):
    line = LiquidLine(
        COMPLIANCE_NL_KPA, RESISTANCE_KPA_S_NL, WASTE_RESISTANCE_KPA_S_NL, pressure_lag_s, flow_lag_s, scale_lag_s
    )
    line.open_to_patient(patient)
    return line


def pump(line, rate_nl_s, duration_s, step_nl=1.0):
    for _ in range(round(duration_s * rate_nl_s / step_nl)):
        line.relax(step_nl / rate_nl_s)
        line.inject(step_nl)


def test_injected_volume_raises_the_pressure_by_the_compliance():
    line = make_line()
    line.inject(400.0)
    assert line.pressure_kpa == pytest.approx(2.0)
    assert line.stored_nl == pytest.approx(400.0)


def test_pressure_relaxes_with_resistance_times_compliance():
    line = make_line()
    line.inject(400.0)
    line.relax(0.3)
    assert line.pressure_kpa == pytest.approx(2.0 * exp(-0.3 / TIME_CONSTANT_S), rel=1e-12)
    assert line.tip_nl == pytest.approx(400.0 * (1 - exp(-0.3 / TIME_CONSTANT_S)), rel=1e-12)


def test_a_long_step_equals_many_short_ones():
    long, short = make_line(), make_line()
    for line in (long, short):
        line.inject(1000.0)
    long.relax(1.0)
    for _ in range(1000):
        short.relax(0.001)
    for name in ("pressure_kpa", "tip_nl", "scale_nl", "sensed_kpa", "sensed_flow_nl_s"):
        assert getattr(short, name) == pytest.approx(getattr(long, name), rel=1e-9)


def test_steady_flow_drops_the_pressure_of_poiseuille():
    line = make_line()
    pump(line, 1000.0, 8.0)
    assert line.pressure_kpa == pytest.approx(1000.0 * RESISTANCE_KPA_S_NL, rel=0.002)
    assert line.flow_nl_s == pytest.approx(1000.0, rel=0.002)


def test_flow_rises_with_the_time_constant_after_a_start():
    line = make_line()
    pump(line, 1000.0, TIME_CONSTANT_S)
    assert line.flow_nl_s == pytest.approx(1000.0 * (1 - exp(-1)), rel=0.003)


def test_pressure_sensor_lags_by_its_time_constant():
    line = make_line(pressure_lag_s=0.05)
    line.occlude(1.0)
    line.inject(400.0)
    line.relax(0.05)
    assert line.sensed_kpa == pytest.approx(2.0 * (1 - exp(-1)), rel=1e-12)


def test_flow_sensor_lags_behind_a_relaxing_line():
    line = make_line(flow_lag_s=0.02)
    line.inject(400.0)
    line.relax(0.1)
    a, k = 1 / 0.02, 1 / TIME_CONSTANT_S
    assert line.sensed_flow_nl_s == pytest.approx(1000.0 * a / (a - k) * (exp(-k * 0.1) - exp(-a * 0.1)), rel=1e-12)


def test_a_lag_equal_to_the_lines_time_constant_is_no_singular_case():
    line = make_line(flow_lag_s=TIME_CONSTANT_S)
    line.inject(400.0)
    line.relax(TIME_CONSTANT_S)
    assert line.sensed_flow_nl_s == pytest.approx(1000.0 * exp(-1), rel=1e-5)


def test_scale_settles_on_the_volume_at_the_tip():
    line = make_line()
    line.inject(400.0)
    line.relax(0.1)
    assert line.scale_nl < line.tip_nl
    line.relax(10.0)
    assert line.scale_nl == pytest.approx(400.0, rel=1e-9)


def test_a_closed_line_keeps_what_is_pushed_into_it():
    line = make_line()
    line.occlude(1.0)
    pump(line, 1000.0, 2.0)
    assert line.tip_nl == 0.0
    assert line.pressure_kpa == pytest.approx(10.0)


def test_half_an_occlusion_doubles_the_resistance():
    line = make_line()
    line.occlude(0.5)
    line.inject(400.0)
    line.relax(2 * TIME_CONSTANT_S)
    assert line.pressure_kpa == pytest.approx(2.0 * exp(-1), rel=1e-12)


def test_a_released_valve_isolates_the_patient_and_relieves_the_pressure():
    line = make_line()
    line.inject(400.0)
    line.open_to_patient(False)
    line.relax(0.2)
    assert line.tip_nl == 0.0
    assert line.waste_nl == pytest.approx(400.0 * (1 - exp(-0.2 / (COMPLIANCE_NL_KPA * WASTE_RESISTANCE_KPA_S_NL))))


def test_a_leak_takes_its_share_past_the_flow_sensor():
    line = make_line()
    line.leak(1 / RESISTANCE_KPA_S_NL)
    line.inject(400.0)
    assert line.flow_nl_s == pytest.approx(1000.0)
    line.relax(10.0)
    assert line.leaked_nl == pytest.approx(200.0)
    assert line.tip_nl == pytest.approx(200.0)


def test_every_volume_is_somewhere():
    line = make_line()
    line.leak(pi)
    for number in range(200):
        line.inject(5.6)
        line.relax(0.01)
        line.open_to_patient(number % 3 > 0)
        line.occlude(number % 5 / 4)
        assert abs(line.balance_error_nl) < 1e-9
