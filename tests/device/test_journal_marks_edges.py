"""Marks octet by octet: how one stands in the part, which of two is the newer, and where the next one goes."""

import struct

import pytest

from device.drivers.fram import SIZE
from device.journal_marks import Marks, check_of
from tests.device.journal_rig import LoggedFram

FIRST, SECOND = 0x1BC0, 0x1BE0
MOST_OUTSTANDING = 65_535


def check_by_division(octets):
    """CRC-30 as it is defined: all ones before, the lowest bit of each octet first, divided by CDMA's polynomial."""
    rest = (1 << 30) - 1
    for octet in octets:
        for bit in range(8):
            carry = (rest >> 29) ^ (octet >> bit & 1)
            rest = (rest << 1 & (1 << 30) - 1) ^ carry * 0x2030B9C7
    return int(f"{rest:030b}"[::-1], 2)


def mark(sequence, number, granted_steps, outstanding):
    """The 16 octets of a mark."""
    body = struct.pack("<IHIH", sequence, number, granted_steps, outstanding)
    return body + struct.pack("<I", check_by_division(body))


def part(first=None, second=None):
    """A part whose two places hold these octets, or none."""
    fram = LoggedFram()
    for address, octets in ((FIRST, first), (SECOND, second)):
        if octets is not None:
            fram.image[address : address + 16] = octets
    return fram


def surveyed(fram):
    marks = Marks(fram)
    marks.survey()
    return marks


def told(fram):
    marks = surveyed(fram)
    return (marks.newest_sequence, marks.granted_steps, marks.emitted_steps)


def places(fram):
    """The addresses written to, each once, in order."""
    return list(dict.fromkeys(address & ~0x0F for address, _ in fram.log))


def opened(fram, sequence=7):
    marks = surveyed(fram)
    marks.open(sequence)
    return marks


@pytest.mark.req("LEDGER-1")
def test_the_marks_of_a_dose_are_numbered_from_0_and_stand_in_two_places_by_turns():
    fram = part()
    marks = opened(fram)
    assert marks.write(100, 40)
    assert fram.image[FIRST : FIRST + 16] == mark(7, 0, 100, 60)
    assert marks.write(130, 100)
    assert fram.image[SECOND : SECOND + 16] == mark(7, 1, 130, 30)
    assert marks.write(178, 130)
    assert fram.image[FIRST : FIRST + 16] == mark(7, 2, 178, 48)


def test_the_marks_of_the_next_dose_are_numbered_from_0_again():
    fram = part()
    marks = opened(fram)
    marks.write(100, 40)
    marks.open(8)
    marks.write(50, 0)
    assert fram.image[SECOND : SECOND + 16] == mark(8, 0, 50, 50)


@pytest.mark.parametrize("octets", [b"", b"\x00", b"\x01", b"\xff" * 3, b"123456789"])
def test_the_check_is_the_rest_of_the_division(octets):
    assert check_of(octets, len(octets)) == check_by_division(octets)


def test_the_check_ends_where_it_is_told_to():
    assert check_of(b"123456789", 4) == check_by_division(b"1234")


@pytest.mark.req("LEDGER-1")
def test_as_many_steps_outstanding_as_two_octets_hold_are_marked_and_not_one_more():
    fram = part()
    marks = opened(fram)
    assert not marks.write(MOST_OUTSTANDING + 101, 100)
    assert fram.log == []
    assert marks.write(MOST_OUTSTANDING + 100, 100)
    assert told(fram) == (7, MOST_OUTSTANDING + 100, 100)


def test_a_grant_of_what_was_emitted_already_is_marked():
    fram = part()
    assert opened(fram).write(100, 100)
    assert told(fram) == (7, 100, 100)


@pytest.mark.req("LEDGER-1")
def test_of_two_marks_of_one_dose_the_one_with_the_next_number_is_the_newer():
    assert told(part(mark(7, 2, 178, 48), mark(7, 1, 130, 30))) == (7, 178, 130)
    assert told(part(mark(7, 2, 178, 48), mark(7, 3, 190, 12))) == (7, 190, 178)


@pytest.mark.req("LEDGER-1")
def test_number_0_is_newer_than_the_last_number_before_it():
    assert told(part(mark(7, 0, 900, 10), mark(7, 0xFFFF, 890, 10))) == (7, 900, 890)
    assert told(part(mark(7, 0xFFFF, 890, 10), mark(7, 0, 900, 10))) == (7, 900, 890)


@pytest.mark.req("LEDGER-1")
def test_of_the_marks_of_two_doses_the_later_doses_is_the_newer_whatever_their_numbers():
    # Dose 7 made one mark only, dose 6 nine.
    assert told(part(mark(7, 0, 10, 10), mark(6, 8, 178, 48))) == (7, 10, 0)
    assert told(part(mark(6, 8, 178, 48), mark(7, 0, 10, 10))) == (7, 10, 0)


@pytest.mark.parametrize("unwritten", [0x00, 0xFF])
def test_a_mark_is_newer_than_a_place_never_written(unwritten):
    nothing = bytes([unwritten]) * 16
    assert told(part(mark(7, 0, 10, 10), nothing)) == (7, 10, 0)
    assert told(part(nothing, mark(7, 1, 10, 10))) == (7, 10, 0)


def test_without_any_mark_no_dose_was_ever_marked_and_nothing_is_garbled():
    for octet in (0x00, 0xFF):
        fram = LoggedFram(bytes([octet]) * SIZE)
        assert told(fram) == (0, 0, 0)
        assert not surveyed(fram).garbled


@pytest.mark.req("LEDGER-1")
def test_a_mark_with_more_outstanding_than_granted_is_not_believed_though_its_check_is_right():
    impossible = mark(7, 1, 10, 11)
    assert told(part(mark(7, 0, 5, 5), impossible)) == (7, 5, 0)
    assert surveyed(part(impossible, impossible)).garbled


@pytest.mark.req("LEDGER-1")
def test_marks_are_garbled_when_neither_is_intact_and_not_when_one_is_or_was_never_written():
    broken = b"\x01" * 16
    assert surveyed(part(broken, broken)).garbled
    assert not surveyed(part(broken, mark(7, 0, 10, 10))).garbled
    assert not surveyed(part(mark(7, 0, 10, 10), broken)).garbled
    assert not surveyed(part(broken)).garbled


@pytest.mark.req("LEDGER-1")
@pytest.mark.parametrize(
    ("first", "second", "older"),
    [
        (None, None, FIRST),
        (mark(6, 0, 10, 10), None, SECOND),
        (mark(6, 2, 30, 10), mark(6, 1, 20, 10), SECOND),
        (mark(6, 2, 30, 10), mark(6, 3, 40, 10), FIRST),
        (b"\x01" * 16, mark(6, 1, 20, 10), FIRST),
        (mark(6, 0, 10, 10), b"\x01" * 16, SECOND),
    ],
)
def test_after_a_start_the_first_mark_is_written_over_the_older_one(first, second, older):
    fram = part(first, second)
    marks = opened(fram)
    assert marks.write(10, 0)
    assert places(fram) == [older]
    assert marks.write(20, 10)
    assert places(fram) == [older, FIRST + SECOND - older]
