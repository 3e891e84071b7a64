import pytest

from device.drivers.supply import STUCK_READS, SupplySensor


def take(volts):
    sensor = SupplySensor()
    sensor.take(round(volts / 16.5 * 65535))
    return sensor


@pytest.mark.parametrize("volts", [0, 5, 11.9, 12, 12.6, 16.4])
def test_the_supply_is_read_within_ten_millivolts(volts):
    assert abs(take(volts).mv - volts * 1000) <= 10


@pytest.mark.req("FLOW-7")
@pytest.mark.parametrize(("volts", "healthy"), [(0, False), (10.7, False), (10.9, True), (13.1, True), (13.3, False)])
def test_the_supply_is_healthy_within_ten_percent_of_12_v(volts, healthy):
    assert take(volts).healthy is healthy


@pytest.mark.req("FLOW-8")
def test_the_same_conversion_for_ten_seconds_is_a_stuck_input_and_not_healthy():
    raw = round(12 / 16.5 * 65535)
    sensor = SupplySensor()
    for _ in range(STUCK_READS - 1):
        sensor.take(raw)
    assert sensor.healthy
    sensor.take(raw)
    assert sensor.faulty
    assert not sensor.healthy
    sensor.take(raw + 16)
    assert sensor.healthy
