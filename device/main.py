"""Builds the board and the executive, then turns for ever."""

from device.executive import Executive

TYPE_CHECKING = False
if TYPE_CHECKING:
    from device.boards.interface import Board


def main(board: "Board | None" = None) -> None:
    """Run the firmware on ``board``, on the Pico when none is given. Never returns; an exception ends all flow."""
    run(board or _pico())


def run(board: "Board") -> None:
    """Turn for ever."""
    executive = Executive(board)
    try:
        while True:
            if executive.turn():
                board.idle(executive.next_tick_us)
    except BaseException:
        executive.fail()
        raise


def _pico() -> "Board":
    from device.boards.pico import PicoBoard

    return PicoBoard()
