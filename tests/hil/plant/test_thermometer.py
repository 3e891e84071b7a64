"""The thermometer TMP117."""

import pytest

from hil.plant.thermometer import DATA_READY, TemperatureChip

MS = 1_000_000
FIRST_NS = 124 * MS  # eight conversions of 15.5 ms
SECOND_NS = 1000 * MS


def make_chip(celsius=22.5):
    return TemperatureChip(celsius if callable(celsius) else lambda now_ns: celsius)


def register(chip, number, now_ns):
    assert chip.write(bytes([number]), now_ns)
    return int.from_bytes(chip.read(2, now_ns), "big")


def test_the_temperature_is_in_128ths_of_a_degree():
    assert register(make_chip(22.5), 0, FIRST_NS) == 22 * 128 + 64


def test_below_zero_it_is_a_negative_number():
    assert register(make_chip(-1.0), 0, FIRST_NS) == 0xFF80


def test_before_the_first_conversion_it_is_minus_256_degrees():
    assert register(make_chip(), 0, FIRST_NS - 1) == 0x8000


def test_it_changes_once_a_second():
    chip = make_chip(lambda now_ns: now_ns / SECOND_NS)
    values = [register(chip, 0, FIRST_NS + ms * MS) for ms in (0, 500, 999, 1000, 1500, 2000)]
    assert values == [16, 16, 16, 144, 144, 272]


def test_a_new_value_is_announced_once():
    chip = make_chip()
    assert register(chip, 1, 0) & DATA_READY == 0
    assert register(chip, 1, FIRST_NS) & DATA_READY
    assert register(chip, 1, FIRST_NS) & DATA_READY == 0


def test_it_tells_its_identity_and_its_setting_after_power_on():
    chip = make_chip()
    assert register(chip, 15, 0) == 0x0117
    assert register(chip, 1, 0) == 0x0220


def test_a_faster_cycle_without_averages_can_be_set():
    chip = make_chip(lambda now_ns: now_ns / SECOND_NS)
    chip.write(b"\x01\x00\x00", 0)
    assert register(chip, 0, 15_500_000) == 2
    assert register(chip, 0, 31_000_000) == 4


def test_it_keeps_its_value_when_it_is_shut_down():
    chip = make_chip(lambda now_ns: now_ns / SECOND_NS)
    before = register(chip, 0, FIRST_NS)
    chip.write(b"\x01\x06\x20", FIRST_NS)
    assert register(chip, 0, 10 * SECOND_NS) == before


def test_one_shot_converts_once():
    chip = make_chip(lambda now_ns: now_ns / SECOND_NS)
    chip.write(b"\x01\x0e\x20", SECOND_NS)
    assert register(chip, 0, 10 * SECOND_NS) == pytest.approx((1.124) * 128, abs=1)


def test_a_soft_reset_begins_anew():
    chip = make_chip()
    chip.write(b"\x01\x00\x00", 0)
    chip.write(b"\x01\x00\x02", SECOND_NS)
    assert register(chip, 1, SECOND_NS) == 0x0220
    assert register(chip, 0, SECOND_NS + FIRST_NS - 1) == 0x8000


def test_an_offset_is_added():
    chip = make_chip(20.0)
    chip.write(b"\x07\xff\x80", 0)
    assert register(chip, 0, FIRST_NS) == 19 * 128
