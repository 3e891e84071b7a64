"""A start-up that fails: a red light, and a cause for the next boot."""

import pytest

from device import failed_start, main
from device.executive import Executive
from protocol import codes
from tests.device.fakes import FakeBoard
from tests.device.test_main import Board, BrokenError


class DeafBoard(Board):
    """Has nothing that would tell a person anything."""

    def set_light(self, red, yellow, cyan):
        raise BrokenError


def failed(board):
    board.breaks_at_start = True
    board.idle_turns = 100
    with pytest.raises(BrokenError):
        main.run(board)
    return board


def booted_after(board):
    after = FakeBoard()
    after.fram = board.fram
    return Executive(after).controller


@pytest.mark.req("STOP-9")
def test_a_start_up_that_fails_shows_red_for_a_while_and_ends():
    board = failed(Board())
    assert board.light == (True, False, False)
    assert 500_000 <= board.us <= 600_000


@pytest.mark.req("STOP-9")
def test_the_boot_after_a_failed_start_up_knows_of_it_and_is_stopped():
    controller = booted_after(failed(Board()))
    assert controller.journal.last_fault == codes.CAUSE_FAULT
    assert controller.latches.stop_cause == codes.CAUSE_FAULT
    assert controller.journal.boot_count == 2


@pytest.mark.req("STOP-9")
def test_a_start_up_that_fails_again_and_again_is_told_once_it_succeeds_and_not_again():
    board = failed(failed(failed(Board())))
    assert booted_after(board).journal.last_fault == codes.CAUSE_FAULT
    assert booted_after(board).journal.last_fault == codes.CAUSE_NONE


@pytest.mark.req("STOP-9")
def test_the_first_start_up_of_all_may_fail_before_the_memory_was_ever_written():
    board = Board()
    board.idle_turns = 100
    failed_start.tell(board)
    controller = booted_after(board)
    assert controller.journal.last_fault == codes.CAUSE_FAULT
    assert controller.journal.boot_count == 1


@pytest.mark.req("STOP-9")
@pytest.mark.parametrize("board", [Board(), DeafBoard()], ids=["without memory", "without light"])
def test_what_does_not_work_does_not_keep_a_failed_start_up_from_ending_safely(board):
    board.fram_silent = True
    failed(board)
    assert not board.valve_patient
