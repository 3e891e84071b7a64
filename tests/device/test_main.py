import pytest

from device import main
from tests.device.fakes import FakeBoard


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
