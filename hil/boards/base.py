"""What the bench asks of a board, whatever runs the firmware behind it."""

from importlib import import_module
from typing import Any, Protocol

from hil.plant.rig import SimulatedRig
from hil.recorder import Recorder

TARGETS = ("twin", "vm", "rp2040")


class Board(Protocol):
    """A controller with the rig at its pins and a host at its UART. Times are ns since power-on of the bench."""

    name: str

    @property
    def now_ns(self) -> int:
        """The time reached."""
        ...

    def power_on(self) -> None:
        """Give the controller its supply: the firmware starts."""
        ...

    def power_off(self) -> None:
        """Take the supply away: every output falls, everything but the FRAM is forgotten."""
        ...

    def close(self) -> None:
        """Let go of processes and files."""
        ...

    def run_until(self, until_ns: int) -> None:
        """Advance to ``until_ns``, or stop earlier once there are octets for the host that were not taken yet."""
        ...

    def host_write(self, data: bytes) -> None:
        """Put octets from the host onto the line, from now on and at the line's speed."""
        ...

    def host_read(self) -> bytes:
        """Take the octets that have left the device up to now."""
        ...


class BoardError(Exception):
    """The board cannot go on: what happened and what to do."""


def make(target: str, rig: SimulatedRig, recorder: Recorder, **options: Any) -> Board:
    """Build the board called ``target`` (twin, vm, rp2040). Raises BoardError for another name."""
    if target not in TARGETS:
        raise BoardError(f"there is no target {target!r}; choose from {', '.join(TARGETS)}")
    # A target loads nothing of the others.
    board: Board = import_module(f"hil.boards.{target}").make(rig, recorder, **options)
    return board
