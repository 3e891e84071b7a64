from pathlib import Path

import pytest

from device import main
from hil.toolchain.micropython import MicroPythonMissingError, find_or_fetch, pico_like
from protocol import codes
from tests.device.fakes import FakeBoard
from tests.protocol.runners import run_process

FULL_HEAP = (Path(__file__).parent / "on_micropython" / "full_heap.py").read_text("utf-8")


class BrokenError(Exception):
    """What the test lets go wrong."""


class Board(FakeBoard):
    """Runs for some idle turns, then breaks."""

    idle_turns = 0
    breaks_at_start = False

    def random(self, count):
        if self.breaks_at_start:
            raise BrokenError
        return super().random(count)

    def idle(self, next_tick_us):
        if self.idle_turns == 0:
            raise BrokenError
        self.idle_turns -= 1
        self.us += 10_000


@pytest.mark.req("STOP-9")
@pytest.mark.parametrize("breaks_at_start", [True, False])
def test_whatever_is_raised_leaves_zero_flow_behind(breaks_at_start):
    board = Board()
    board.breaks_at_start = breaks_at_start
    board.idle_turns = 20
    board.valve_patient = True
    board.steps[2].arm()
    board.steps[2].put(100, 5_000)
    stops = board.heartbeat.stops
    with pytest.raises(BrokenError):
        main.run(board)
    assert not board.valve_patient
    assert board.heartbeat.stops > stops
    edges = len(board.steps[2].edges_us)
    board.us += 10_000_000
    board.steps[2].advance()
    assert len(board.steps[2].edges_us) == edges


def test_the_loop_turns_until_it_is_ended():
    board = Board()
    board.idle_turns = 100
    with pytest.raises(BrokenError):
        main.run(board)
    assert board.watchdog_fed >= 99


@pytest.mark.req("STOP-9")
@pytest.mark.parametrize("find", [find_or_fetch, pico_like], ids=["micropython", "pico-like micropython"])
def test_a_full_heap_ends_in_the_safe_state_and_the_next_boot_knows(find, tmp_path):
    try:
        command = find().command
    except MicroPythonMissingError as reason:
        pytest.skip(str(reason))
    ended, after = run_process(command, FULL_HEAP, tmp_path).splitlines()
    assert ended == "True True True False"
    assert after == f"2 {codes.CAUSE_FAULT} {codes.CAUSE_FAULT}"
