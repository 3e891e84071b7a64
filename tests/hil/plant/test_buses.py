"""The I2C buses."""

from random import Random

import pytest

from hil.plant.buses import I2cBuses
from hil.plant.chips import ErrorCountdown, FramChip

ADDRESS = 0x50


def make_buses(rate=0.0):
    return I2cBuses({(0, ADDRESS): FramChip()}, ErrorCountdown(rate, Random(1)))


def test_a_chip_is_found_at_its_bus_and_address_only():
    buses = make_buses()
    assert buses.write(0, ADDRESS, b"\x00\x00", 0)
    assert not buses.write(1, ADDRESS, b"\x00\x00", 0)
    assert not buses.write(0, ADDRESS + 1, b"\x00\x00", 0)
    assert buses.read(0, ADDRESS + 1, 1, 0) is None


def test_a_silent_chip_is_not_there_until_it_answers_again():
    buses = make_buses()
    buses.silence(0, ADDRESS)
    assert buses.read(0, ADDRESS, 1, 0) is None
    buses.silence(0, ADDRESS, False)
    assert buses.read(0, ADDRESS, 1, 0) == b"\x00"


def test_nobody_answers_on_a_bus_that_is_held():
    buses = make_buses()
    buses.hold(0)
    assert buses.stuck(0)
    assert not buses.write(0, ADDRESS, b"\x00\x00x", 0)
    buses.hold(0, False)
    assert buses.read(0, ADDRESS, 1, 0) == b"\x00"


def test_transfers_fail_at_their_rate():
    buses = make_buses(0.01)
    failed = sum(buses.read(0, ADDRESS, 1, 0) is None for _ in range(20_000))
    assert failed == pytest.approx(200, abs=45)


def test_no_transfer_fails_without_an_error_rate():
    buses = make_buses()
    assert all(buses.read(0, ADDRESS, 1, 0) is not None for _ in range(1000))
