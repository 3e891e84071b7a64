"""A start-up that failed: no rule runs. A red light tells who stands there, the FRAM tells the next boot."""

from device.clock import WRAP_MASK, ticks_diff
from device.drivers.fram import Fram
from device.journal import note_fault
from device.sensors import BUS_BOARD
from protocol import codes
from protocol.compat import const

TYPE_CHECKING = False
if TYPE_CHECKING:
    from device.boards.interface import Board

# So long the light is on before the reset that follows: with the next start-up it blinks, about once a second.
_SHOWN_US = const(500_000)


def tell(board: "Board") -> None:
    """Show red for half a second and keep CAUSE_FAULT for the next boot, as far as either works. Raises nothing."""
    try:
        board.set_light(True, False, False)
        note_fault(Fram(board, BUS_BOARD), codes.CAUSE_FAULT)
        shown_until_us = (board.ticks_us() + _SHOWN_US) & WRAP_MASK
        while ticks_diff(shown_until_us, board.ticks_us()) > 0:
            board.idle(shown_until_us)
    except Exception:  # noqa: BLE001
        # Nothing is left that could be told: the reset that follows finds the outputs safe.
        return
