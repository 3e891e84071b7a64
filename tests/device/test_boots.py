import pytest
from hypothesis import given
from hypothesis import strategies as st

from device.boots import BootRecord
from device.drivers.fram import Fram
from tests.device.fakes import FakeBoard


class PowerCutError(Exception):
    """The supply went away."""


class CutBoard(FakeBoard):
    """Loses power after so many octets written."""

    octets_left = 1_000_000

    def i2c_writeto_mem(self, bus, address, memory, buffer):
        whole = min(len(buffer), self.octets_left)
        self.octets_left -= whole
        self.fram[memory : memory + whole] = buffer[:whole]
        if whole < len(buffer):
            raise PowerCutError


def boot(board):
    record = BootRecord(Fram(board, 0))
    record.begin()
    return record


def test_each_boot_counts_one_more_from_a_new_part_on():
    board = FakeBoard()
    assert [boot(board).count for _ in range(5)] == [1, 2, 3, 4, 5]


@pytest.mark.req("LEDGER-2")
@given(st.integers(1, 6), st.integers(0, 15))
def test_power_lost_after_any_octet_of_the_write_never_brings_an_old_count_back(boots, octets):
    board = CutBoard()
    for _ in range(boots):
        boot(board)
    board.octets_left = octets
    with pytest.raises(PowerCutError):
        boot(board)
    board.octets_left = 1_000_000
    assert boot(board).count in (boots + 1, boots + 2)


def test_a_part_that_does_not_answer_is_a_fault():
    board = FakeBoard()
    board.fram_silent = True
    record = boot(board)
    assert record.faulty
    record.note_fault(3)


def test_a_part_that_does_not_keep_what_is_written_is_a_fault():
    board = FakeBoard()
    board.i2c_writeto_mem = lambda *_: None  # type: ignore[method-assign]
    assert boot(board).faulty


def test_a_fault_is_told_to_the_next_boot_and_to_no_other():
    board = FakeBoard()
    boot(board).note_fault(12)
    assert [boot(board).last_fault for _ in range(3)] == [12, 0, 0]


def test_random_contents_of_a_part_are_taken_for_a_new_part():
    board = FakeBoard()
    board.fram[:64] = bytes(range(64))
    assert boot(board).count == 1
