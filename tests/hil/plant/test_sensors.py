"""Analogue sensors, temperature and scale."""

from math import exp
from statistics import fmean, stdev

import pytest

from hil.plant.line import LiquidLine
from hil.plant.parameters import NS_PER_S, PlantParameters
from hil.plant.sensors import ADC_DENSITY, ADC_PRESSURE, ADC_SUPPLY, Sensors, to_adc


def make_sensors(seed=1, **changes):
    line = LiquidLine(200.0, 0.002, 0.0002, 0.005, 0.020, 0.2)
    return Sensors(PlantParameters(**changes), line, seed), line


def kpa(raw):
    return (raw / 65535 - 0.1) / 0.8 * 200.0


@pytest.mark.parametrize(("pressure_kpa", "share"), [(0.0, 0.1), (100.0, 0.5), (200.0, 0.9)])
def test_pressure_is_ten_to_ninety_percent_of_the_supply(pressure_kpa, share):
    sensors, line = make_sensors(pressure_noise_kpa=0.0)
    line.sensed_kpa = pressure_kpa
    assert sensors.adc(ADC_PRESSURE, 0) / 65535 == pytest.approx(share, abs=1 / 4095)


def test_pressure_noise_has_its_deviation():
    sensors, line = make_sensors()
    line.sensed_kpa = 50.0
    readings = [kpa(sensors.adc(ADC_PRESSURE, 0)) for _ in range(3000)]
    assert fmean(readings) == pytest.approx(50.0, abs=0.03)
    assert stdev(readings) == pytest.approx(0.3, rel=0.1)


def test_a_converter_has_twelve_bits_and_ends():
    assert (to_adc(-1.0), to_adc(0.0), to_adc(1.0), to_adc(2.0)) == (0, 0, 65535, 65535)
    assert len({to_adc(share / 100_000) for share in range(100_001)}) == 4096


def test_supply_reads_twelve_of_sixteen_and_a_half_volts():
    sensors, _ = make_sensors()
    volts = [sensors.adc(ADC_SUPPLY, 0) / 65535 * 16.5 for _ in range(200)]
    assert min(volts) > 11.96
    assert max(volts) < 12.04
    sensors.supply_up = False
    assert sensors.adc(ADC_SUPPLY, 0) == 0


def test_suspension_settles_unstirred_and_is_stirred_up_again():
    sensors, _ = make_sensors(density_noise=0.0)
    assert sensors.adc(ADC_DENSITY, 0) == 65535
    assert sensors.adc(ADC_DENSITY, 480 * NS_PER_S) / 65535 == pytest.approx(0.3679, abs=0.001)
    sensors.stir(480 * NS_PER_S, True)
    missing = 0.01 * (1 - exp(-1))  # one percent of what was missing, after 20 s
    assert sensors.adc(ADC_DENSITY, 500 * NS_PER_S) / 65535 == pytest.approx(1 - missing, abs=0.0005)


def test_an_input_can_be_held_and_mended():
    sensors, _ = make_sensors()
    sensors.hold_adc(ADC_SUPPLY, 123)
    assert sensors.adc(ADC_SUPPLY, 0) == 123
    sensors.hold_adc(ADC_SUPPLY, None)
    assert sensors.adc(ADC_SUPPLY, 0) > 40_000


def test_an_input_that_is_not_wired_is_an_error():
    with pytest.raises(ValueError, match="not wired"):
        make_sensors()[0].adc(3, 0)


def test_flow_has_noise_and_a_gain_error_within_its_bound():
    gains = []
    for seed in range(50):
        sensors, line = make_sensors(seed, flow_noise_nl_s=0.0, flow_noise_share=0.0)
        line.sensed_flow_nl_s = 1000.0
        gains.append(sensors.flow_nl_s() / 1000.0)
    assert 0.98 <= min(gains) < 0.99
    assert 1.01 < max(gains) <= 1.02


def test_flow_noise_grows_with_the_flow():
    sensors, line = make_sensors(flow_gain_error_bound=0.0)
    line.sensed_flow_nl_s = 10_000.0
    readings = [sensors.flow_nl_s() for _ in range(3000)]
    assert fmean(readings) == pytest.approx(10_000.0, abs=10.0)
    assert stdev(readings) == pytest.approx((100.0**2 + 20.0**2) ** 0.5, rel=0.1)


def test_temperature_drifts():
    sensors, _ = make_sensors(temperature_noise_c=0.0)
    assert sensors.temperature_c(7200 * NS_PER_S) - sensors.temperature_c(0) == pytest.approx(1.0)


def test_scale_has_its_noise():
    sensors, line = make_sensors()
    line.scale_nl = 500.0
    readings = [sensors.weigh_nl() for _ in range(3000)]
    assert fmean(readings) == pytest.approx(500.0, abs=0.2)
    assert stdev(readings) == pytest.approx(2.0, rel=0.1)


def test_equal_seeds_give_equal_noise_and_others_do_not():
    one, same, other = (make_sensors(seed)[0] for seed in (1, 1, 2))
    readings = [[sensors.weigh_nl() for _ in range(5)] for sensors in (one, same, other)]
    assert readings[0] == readings[1] != readings[2]


def test_reading_one_sensor_does_not_change_another():
    one, other = make_sensors()[0], make_sensors()[0]
    one.adc(ADC_PRESSURE, 0)
    assert one.weigh_nl() == other.weigh_nl()
