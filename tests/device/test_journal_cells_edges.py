"""Cells octet by octet: where each stands, what a copy holds, and which copy is believed or written first."""

import struct
from binascii import crc32

import pytest

from device.drivers.fram import SIZE
from device.journal_cells import CELL_BOOT, CELL_OPEN, CELL_STATE, CELL_STOP, CELL_TREATMENT, SIZES, Cells
from tests.device.journal_rig import LoggedFram

# A copy is its payload and 14 octets; before STOP stand two copies each of BOOT (8), STATE (4) and OPEN (80).
STOP_AT = 2 * (8 + 4 + 80 + 3 * 14)
STOP_COPY = 16 + 14


def surveyed(fram):
    cells = Cells(fram)
    assert cells.survey()
    return cells


def copy_of(version, newest, cell, payload):
    """The octets of one copy, as the head of the module lays them out."""
    body = struct.pack("<IIBB", version, newest, cell, len(payload)) + payload
    return body + struct.pack("<I", crc32(body))


def store(fram, payload, newest, copies=2):
    """Store after a start, the power going after so many copies."""
    cells = surveyed(fram)
    octets = bytearray(cells.length(len(payload)))
    cells.encode(octets, 0, CELL_STOP, payload, newest)
    for address in (cells.first(CELL_STOP), cells.second(CELL_STOP))[:copies]:
        fram.image[address : address + len(octets)] = octets


def test_two_copies_of_each_cell_stand_one_after_the_other_from_the_beginning_of_the_part():
    cells = Cells(LoggedFram())
    places = [(cells.first(cell), cells.second(cell)) for cell in (CELL_BOOT, CELL_STATE, CELL_OPEN, CELL_STOP)]
    assert places == [(0, 22), (44, 62), (80, 174), (STOP_AT, STOP_AT + STOP_COPY)]
    assert cells.first(CELL_TREATMENT) == STOP_AT + 2 * STOP_COPY


def test_a_copy_holds_version_newest_record_cell_length_payload_and_check_and_nothing_around_it_changes():
    cells = surveyed(LoggedFram())
    buffer = bytearray(b"\xee" * 40)
    cells.encode(buffer, 9, CELL_STOP, b"stop", 0x01020304)
    assert buffer == b"\xee" * 9 + copy_of(1, 0x01020304, CELL_STOP, b"stop") + b"\xee" * 13
    cells.encode(buffer, 0, CELL_STOP, b"next", 5)
    assert buffer[:18] == copy_of(2, 5, CELL_STOP, b"next")


def test_a_payload_too_long_is_told_with_its_cell_and_both_lengths():
    cells = surveyed(LoggedFram())
    with pytest.raises(ValueError, match=r"^cell 3 takes 16 octets, not 17$"):
        cells.encode(bytearray(40), 0, CELL_STOP, bytes(17), 0)


def test_the_longest_payload_of_each_cell_is_told_whole():
    for cell, size in enumerate(SIZES):
        fram = LoggedFram()
        cells = surveyed(fram)
        octets = bytearray(size + 14)
        cells.encode(octets, 0, cell, bytes(range(1, size + 1)), 7)
        fram.image[cells.first(cell) : cells.first(cell) + size + 14] = octets
        assert surveyed(fram).load(cell) == bytes(range(1, size + 1))


@pytest.mark.parametrize("octet", [0x00, 0xFF])
def test_a_cell_of_a_new_part_may_be_written_has_no_payload_and_includes_no_record(octet):
    cells = surveyed(LoggedFram(bytes([octet]) * SIZE))
    for cell in range(len(SIZES)):
        assert (cells.writable(cell), cells.load(cell), cells.includes(cell)) == (True, None, 0)


def test_no_cell_may_be_written_before_it_was_looked_at():
    assert not Cells(LoggedFram()).writable(CELL_STOP)


@pytest.mark.req("LEDGER-2")
def test_of_stores_cut_off_between_their_copies_the_last_one_is_told_with_its_own_newest_record():
    fram = LoggedFram()
    for number in range(1, 6):
        store(fram, bytes([number]), 10 * number, copies=1)
        cells = surveyed(fram)
        assert (cells.load(CELL_STOP), cells.includes(CELL_STOP)) == (bytes([number]), 10 * number)


@pytest.mark.req("LEDGER-2")
@pytest.mark.parametrize("copy", [0, 1])
def test_a_first_store_over_one_torn_before_it_is_told_and_leaves_other_cells_alone(copy):
    fram = LoggedFram()
    fram.image[STOP_AT + copy * STOP_COPY] = 1
    store(fram, b"stop", 7)
    assert surveyed(fram).load(CELL_STOP) == b"stop"
    assert not any(fram.image[:STOP_AT])
    assert not any(fram.image[STOP_AT + 2 * STOP_COPY :])


@pytest.mark.req("LEDGER-2")
@pytest.mark.parametrize("copy", [0, 1])
def test_a_store_after_one_copy_was_damaged_writes_that_copy_first(copy):
    fram = LoggedFram()
    store(fram, b"stop", 7)
    fram.image[STOP_AT + copy * STOP_COPY + 11] ^= 1
    cells = surveyed(fram)
    assert cells.first(CELL_STOP) == STOP_AT + copy * STOP_COPY
    assert cells.second(CELL_STOP) == STOP_AT + (1 - copy) * STOP_COPY


def test_copies_written_one_at_a_time_take_turns():
    cells = Cells(LoggedFram())
    first, second = cells.first(CELL_BOOT), cells.second(CELL_BOOT)
    cells.turn(CELL_BOOT)
    assert (cells.first(CELL_BOOT), cells.second(CELL_BOOT)) == (second, first)
    cells.turn(CELL_BOOT)
    assert (cells.first(CELL_BOOT), cells.second(CELL_BOOT)) == (first, second)


@pytest.mark.req("LEDGER-2")
@pytest.mark.parametrize(
    "octets",
    [
        pytest.param(copy_of(0, 7, CELL_STOP, b"stop"), id="version 0"),
        pytest.param(copy_of(1, 7, CELL_TREATMENT, b"stop"), id="another cell"),
        pytest.param(copy_of(1, 7, CELL_STOP, bytes(17)), id="longer than the cell"),
        pytest.param(copy_of(1, 7, CELL_STOP, b"stop")[:-1] + b"\x00", id="another check"),
    ],
)
def test_what_no_store_could_have_written_is_not_believed_and_blocks_the_cell(octets):
    fram = LoggedFram()
    for address in (STOP_AT, STOP_AT + STOP_COPY):
        fram.image[address : address + STOP_COPY] = octets[:STOP_COPY].ljust(STOP_COPY, b"\x00")
    cells = Cells(fram)
    assert not cells.survey()
    assert cells.load(CELL_STOP) is None
    assert not cells.writable(CELL_STOP)
