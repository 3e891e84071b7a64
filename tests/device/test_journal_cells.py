import pytest

from device.journal_cells import CELL_STOP, SIZES, Cells
from tests.device.journal_rig import LoggedFram, images

COPY = SIZES[CELL_STOP] + 14


def surveyed(fram):
    cells = Cells(fram)
    return cells, cells.survey()


def write(fram, cells, payload, octets=2 * COPY):
    """Store as the queue does, the power going after so many octets."""
    buffer = bytearray(COPY)
    cells.encode(buffer, 0, CELL_STOP, payload, 7)
    copy = bytes(buffer[: cells.length(len(payload))])
    places = [cells.first(CELL_STOP) + at for at in range(len(copy))]
    places += [cells.second(CELL_STOP) + at for at in range(len(copy))]
    for address, octet in list(zip(places, copy + copy, strict=True))[:octets]:
        fram.image[address] = octet


def test_a_cell_never_stored_has_no_payload_and_includes_no_record():
    cells, sound = surveyed(LoggedFram())
    assert sound
    assert cells.load(CELL_STOP) is None
    assert cells.includes(CELL_STOP) == 0


def test_a_cell_tells_its_payload_and_the_newest_record_of_its_time():
    fram = LoggedFram()
    write(fram, surveyed(fram)[0], b"payload")
    cells, sound = surveyed(fram)
    assert sound
    assert (cells.load(CELL_STOP), cells.includes(CELL_STOP)) == (b"payload", 7)


@pytest.mark.req("LEDGER-2")
@pytest.mark.parametrize("octet", [0x00, 0xFF])
def test_two_first_stores_torn_one_after_the_other_leave_an_empty_cell_not_garbage(octet):
    length = 14 + 7
    for first in range(length):
        for second in range(length):
            fram = LoggedFram(bytes([octet]) * 32768)
            write(fram, surveyed(fram)[0], b"payload", first)
            write(fram, surveyed(fram)[0], b"another", second)
            cells, sound = surveyed(fram)
            assert sound
            assert cells.load(CELL_STOP) in (None, b"payload", b"another")


@pytest.mark.req("LEDGER-2")
def test_of_stores_torn_one_after_the_other_the_last_whole_one_stays():
    length = 14 + 7
    fram = LoggedFram()
    write(fram, surveyed(fram)[0], b"payload")
    origin = bytes(fram.image)
    for first in range(2 * length):
        for second in range(length):
            fram = LoggedFram(origin)
            write(fram, surveyed(fram)[0], b"another", first)
            standing = surveyed(fram)[0].load(CELL_STOP)
            assert standing == (b"another" if first >= length else b"payload")
            write(fram, surveyed(fram)[0], b"a third", second)
            cells, sound = surveyed(fram)
            assert sound
            assert cells.load(CELL_STOP) == standing


def test_a_cell_found_in_the_place_of_another_is_not_believed():
    fram = LoggedFram()
    write(fram, surveyed(fram)[0], b"payload")
    at = fram.image.find(b"payload") - 10
    other = Cells(fram).first(CELL_STOP + 1)
    fram.image[other : other + COPY] = fram.image[at : at + COPY]
    fram.image[other + SIZES[CELL_STOP + 1] + 14] = 1
    cells, sound = surveyed(fram)
    assert not sound
    assert cells.load(CELL_STOP + 1) is None


def test_every_octet_written_can_be_seen_by_a_cut():
    assert [image[:3] for _, image in images(bytes(3), [(0, 1), (2, 5)])] == [b"\0\0\0", b"\1\0\0", b"\1\0\5"]
    assert [image[:3] for _, image in images(bytes(3), [(0, 1)], torn=0xF0)] == [b"\xf1\0\0", b"\1\0\0"]
