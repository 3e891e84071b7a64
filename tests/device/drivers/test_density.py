import random

import pytest

from device.drivers.density import STUCK_READS, DensitySensor

pytestmark = pytest.mark.req("FLOW-8")
FULL = 65535


def raw_of(permille):
    return round(FULL * permille / 1000)


def read(permille, conversions=100, noise=0.01, seed=1):
    draw = random.Random(seed)
    sensor = DensitySensor()
    for _ in range(conversions):
        sensor.take(min(FULL, round(raw_of(permille) * (1 + draw.gauss(0, noise)))))
    return sensor


@pytest.mark.parametrize("permille", [50, 500, 850, 900, 980])
def test_the_density_is_read_within_a_hundredth_through_the_noise_of_the_sensor(permille):
    sensor = read(permille)
    assert not sensor.faulty
    assert abs(sensor.permille - permille) <= 10


def test_a_sensor_that_never_read_is_faulty():
    assert DensitySensor().faulty


def test_the_filter_starts_from_the_first_good_reading():
    sensor = DensitySensor()
    sensor.take(raw_of(900))
    assert abs(sensor.permille - 900) <= 1


def test_it_follows_a_fall_within_three_seconds_of_conversions():
    sensor = read(1000)
    for conversion in range(60):
        sensor.take(raw_of(500) + conversion % 2)
    assert abs(sensor.permille - 500) <= 10


@pytest.mark.parametrize("raw", [0, 654])
def test_an_open_input_is_a_fault_and_keeps_the_last_density(raw):
    sensor = read(900)
    before = sensor.permille
    sensor.take(raw)
    assert sensor.faulty
    assert sensor.permille == before


@pytest.mark.parametrize("raw", [raw_of(950), FULL])
def test_the_same_conversion_over_and_over_is_a_stuck_sensor_until_it_moves_again(raw):
    sensor = DensitySensor()
    for _ in range(STUCK_READS - 1):
        sensor.take(raw)
    assert not sensor.faulty
    sensor.take(raw)
    assert sensor.faulty
    sensor.take(raw - 16)
    assert not sensor.faulty


def test_a_fresh_suspension_that_clips_at_full_scale_is_not_taken_for_a_stuck_sensor():
    draw = random.Random(3)
    sensor = DensitySensor()
    for _ in range(10_000):
        sensor.take(min(FULL, round(FULL * (1 + draw.gauss(0, 0.01)))))
        assert not sensor.faulty
