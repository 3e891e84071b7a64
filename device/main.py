"""Builds the board and the executive, then turns for ever."""

import gc

from device import failed_start
from device.executive import Executive

TYPE_CHECKING = False
if TYPE_CHECKING:
    from device.boards.interface import Board


def main(board: "Board | None" = None) -> None:
    """Run the firmware on ``board``, on the Pico when none is given. Never returns; an exception ends all flow."""
    run(board or _pico())


def run(board: "Board") -> None:
    """Turn for ever. Whatever is raised, at start-up too, leaves the safe state behind, and why for the next boot."""
    executive = None
    try:
        executive = Executive(board)
        while True:
            if executive.turn():
                board.idle(executive.next_tick_us)
    except BaseException:
        make_safe(board)
        if executive is None:
            gc.collect()
            failed_start.tell(board)
        else:
            executive.fail()
        raise


def make_safe(board: "Board") -> None:
    """Zero flow with nothing but the board: no step, no heartbeat, valve to waste."""
    for generator in board.steps:
        generator.halt()
    board.heartbeat.stop()
    board.set_valve(False)


def _pico() -> "Board":
    from device.boards.pico import PicoBoard

    return PicoBoard()
