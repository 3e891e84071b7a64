"""The I2C buses."""

from random import Random

import pytest

from hil.plant.buses import I2cBuses
from hil.plant.chips import ErrorCountdown, FramChip
from hil.plant.eeprom import EepromChip

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


def test_a_chip_listens_unless_it_is_absent_silent_busy_or_its_bus_is_held():
    chip = EepromChip(5_000_000)
    buses = I2cBuses({(1, ADDRESS): chip}, ErrorCountdown(0.0, Random(1)))
    assert buses.listens(1, ADDRESS, 0)
    assert not buses.listens(0, ADDRESS, 0)
    assert buses.write(1, ADDRESS, b"\x00x", 0)
    assert not buses.listens(1, ADDRESS, 4_999_999)
    assert buses.listens(1, ADDRESS, 5_000_000)
    buses.silence(1, ADDRESS)
    assert not buses.listens(1, ADDRESS, 5_000_000)
    buses.silence(1, ADDRESS, False)
    buses.hold(1)
    assert not buses.listens(1, ADDRESS, 5_000_000)


def test_a_storm_strikes_its_own_bus_only_and_ends():
    buses = I2cBuses({(0, ADDRESS): FramChip(), (1, ADDRESS): FramChip()}, ErrorCountdown(0.0, Random(1)))
    buses.disturb(0, ErrorCountdown(0.5, Random(1)))
    assert any(buses.read(0, ADDRESS, 1, 0) is None for _ in range(50))
    assert all(buses.read(1, ADDRESS, 1, 0) is not None for _ in range(50))
    buses.disturb(0, None)
    assert all(buses.read(0, ADDRESS, 1, 0) is not None for _ in range(50))


def test_an_octet_takes_nine_bits_of_the_buses_clock():
    buses = I2cBuses({}, ErrorCountdown(0.0, Random(1)), 100_000)
    assert (buses.edge_ns(), buses.octets_ns(1), buses.octets_ns(10)) == (10_000, 90_000, 900_000)
