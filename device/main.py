"""Builds the board and the executive, then turns for ever."""

from device.executive import Executive


def main(board=None) -> None:  # type: ignore[no-untyped-def]
    """Run the firmware on ``board`` (on the Pico when none is given). Never returns; an exception ends all flow first."""
    if board is None:
        from device.boards.pico import PicoBoard

        board = PicoBoard()
    executive = Executive(board)
    try:
        while True:
            if executive.turn():
                board.idle(executive.next_tick_us)
    except BaseException:
        executive.fail()
        raise
