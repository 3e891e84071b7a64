import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from device.drivers.pressure import STUCK_READS, PressureSensor
from tests.device.fakes import pressure_raw


def settled(raw, conversions=400):
    """A sensor that has read ``raw``, one count more in every second conversion."""
    sensor = PressureSensor()
    for conversion in range(conversions):
        sensor.take(raw + conversion % 2)
    return sensor


@given(st.floats(-8, 200))
def test_a_steady_pressure_is_read_within_a_thousandth_of_the_range(kpa):
    sensor = settled(pressure_raw(kpa))
    assert abs(sensor.pa - kpa * 1000) <= 60
    assert abs(sensor.settled_pa - kpa * 1000) <= 90
    assert not sensor.faulty


@pytest.mark.req("FLOW-8")
@pytest.mark.parametrize("raw", [0, 3276, 62259, 65535])
def test_a_reading_outside_5_to_95_percent_of_supply_is_a_fault_and_keeps_the_last_pressure(raw):
    sensor = settled(pressure_raw(50))
    before = sensor.pa
    sensor.take(raw)
    assert sensor.faulty
    assert sensor.pa == before


@pytest.mark.req("FLOW-8")
def test_the_same_conversion_for_a_second_is_a_stuck_sensor_until_it_moves_again():
    sensor = PressureSensor()
    for _ in range(STUCK_READS - 1):
        sensor.take(pressure_raw(50))
    assert not sensor.faulty
    sensor.take(pressure_raw(50))
    assert sensor.faulty
    sensor.take(pressure_raw(50) + 1)
    assert not sensor.faulty


def test_a_sensor_that_never_read_is_faulty():
    assert PressureSensor().faulty


def test_after_a_fault_the_filters_start_from_the_first_good_reading():
    sensor = settled(pressure_raw(100))
    sensor.take(0)
    sensor.take(pressure_raw(1))
    assert abs(sensor.pa - 1000) <= 8
    assert abs(sensor.settled_pa - 1000) <= 40


def test_the_quick_filter_follows_a_step_within_40_ms_and_the_slow_one_within_a_second():
    sensor = settled(pressure_raw(0))
    for _ in range(8):
        sensor.take(pressure_raw(100))
    assert sensor.pa > 85_000
    for _ in range(92):
        sensor.take(pressure_raw(100))
    assert sensor.settled_pa > 90_000


@pytest.mark.req("DOSE-8")
@pytest.mark.parametrize("noise_kpa", [0.0, 0.3, 2.0])
def test_the_error_given_with_a_reading_holds_at_every_noise_of_the_range_to_be_tried(noise_kpa):
    draw = random.Random(7)
    sensor = PressureSensor()
    misses = 0
    for conversion in range(4_000):
        sensor.take(pressure_raw(20 + draw.gauss(0, noise_kpa)))
        if conversion > 300:
            misses += abs(sensor.pa - 20_000) > sensor.error_pa()
            misses += abs(sensor.settled_pa - 20_000) > sensor.settled_error_pa()
    assert misses <= 4
    assert sensor.settled_error_pa() <= 100 + noise_kpa * 1_200
