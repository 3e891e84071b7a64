"""The cartridge memory 24AA025."""

import pytest

from hil.plant.eeprom import EepromChip

MS = 1_000_000
WRITE_NS = 5 * MS


@pytest.fixture
def chip():
    return EepromChip(WRITE_NS)


def contents(chip, address, count, now_ns):
    assert chip.write(bytes([address]), now_ns)
    return chip.read(count, now_ns)


def test_a_new_one_is_erased(chip):
    assert contents(chip, 0, 256, 0) == b"\xff" * 256


def test_what_was_written_is_there_after_five_milliseconds(chip):
    assert chip.write(b"\x10nanobots", 0)
    assert contents(chip, 0x10, 8, WRITE_NS) == b"nanobots"


def test_it_does_not_answer_while_it_writes(chip):
    chip.write(b"\x00x", 0)
    assert chip.busy_until_ns == WRITE_NS
    assert not chip.write(b"\x00", WRITE_NS - 1)
    assert chip.read(1, WRITE_NS - 1) is None
    assert chip.write(b"", WRITE_NS)
    assert chip.read(1, WRITE_NS) is not None


def test_a_write_wraps_within_its_page(chip):
    chip.write(b"\x1e" + b"abcd", 0)
    assert contents(chip, 0x10, 2, WRITE_NS) == b"cd"
    assert contents(chip, 0x1E, 3, WRITE_NS) == b"ab\xff"


def test_of_more_octets_than_a_page_holds_the_last_ones_stay(chip):
    chip.write(b"\x00" + bytes(range(20)), 0)
    assert contents(chip, 0, 16, WRITE_NS) == bytes([16, 17, 18, 19, *range(4, 16)])


def test_a_read_goes_on_around_the_end(chip):
    chip.write(b"\xffz", 0)
    chip.write(b"\x00a", WRITE_NS)
    assert contents(chip, 0xFF, 2, 2 * WRITE_NS) == b"za"
    assert chip.read(1, 2 * WRITE_NS) == b"\xff"


def test_an_address_alone_writes_nothing(chip):
    chip.write(b"\x05", 0)
    assert chip.busy_until_ns == 0
    assert chip.pages_written == 0


@pytest.mark.parametrize(("after_ns", "done"), [(0, 0), (WRITE_NS // 2, 4), (WRITE_NS - 1, 7), (WRITE_NS, 8)])
def test_power_that_goes_while_it_writes_leaves_a_part_and_an_erased_octet(chip, after_ns, done):
    chip.write(b"\x00" + b"-" * 8, 0)
    chip.write(b"\x00nanobots", WRITE_NS)
    chip.power_off(WRITE_NS + after_ns)
    chip.power_on(WRITE_NS + after_ns)
    expected = b"nanobots"[:done] + (b"\xff" + b"-" * 8 if done < 8 else b"")
    assert contents(chip, 0, 8, 3 * WRITE_NS) == expected[:8]


def test_contents_outlive_the_power(chip):
    chip.write(b"\x00kept", 0)
    chip.power_off(10 * MS)
    chip.power_on(20 * MS)
    assert contents(chip, 0, 4, 20 * MS) == b"kept"
