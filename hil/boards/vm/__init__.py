"""The `vm` board: the firmware in the real MicroPython VM, a process of its own, on the modelled peripherals.

`vm_board.py` and `opcodes.py` run under MicroPython; the rest runs here.
"""

from functools import cache

from hil.boards.base import BoardError
from hil.boards.vm.board import VmBoard
from hil.boards.vm.process import HANG_TIMEOUT_S, HEAP_KIB
from hil.plant.rig import SimulatedRig
from hil.recorder import Recorder
from hil.toolchain.micropython import MicroPython, MicroPythonMissingError, find_or_fetch

__all__ = ["VmBoard", "make"]


def make(
    rig: SimulatedRig,
    recorder: Recorder,
    micropython: MicroPython | None = None,
    heap_kib: int = HEAP_KIB,
    hang_timeout_s: float = HANG_TIMEOUT_S,
    ticks_start_us: int = 0,
) -> VmBoard:
    """Build the board. Without `micropython` the one that is there or can be fetched is taken.

    Raises BoardError when there is none.
    """
    return VmBoard(rig, recorder, micropython or _found(), heap_kib, hang_timeout_s, ticks_start_us)


@cache
def _found() -> MicroPython:
    try:
        return find_or_fetch()
    except MicroPythonMissingError as error:
        raise BoardError(str(error)) from error
