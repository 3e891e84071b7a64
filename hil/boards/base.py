"""What the bench asks of a board, whatever runs the firmware behind it."""

from importlib import import_module
from typing import Any, Protocol

from hil.plant.parameters import PlantParameters
from hil.plant.rig import SimulatedRig
from hil.recorder import Recorder

TARGETS = ("twin", "vm", "rp2040", "serial")


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
        """Advance to ``until_ns``, or stop earlier once there are octets for the host that were not taken yet.

        A bus transfer that has begun is ended first: that may be up to 2 ms later.
        """
        ...

    def host_write(self, data: bytes) -> None:
        """Put octets from the host onto the line, from now on and at the line's speed."""
        ...

    def host_read(self) -> bytes:
        """Take the octets that have left the device up to now."""
        ...


class BoardError(Exception):
    """The board cannot go on: what happened and what to do."""


def make_rig(target: str, parameters: PlantParameters | None, seed: int) -> SimulatedRig:
    """Build the plant for a target: around a real board, one that follows what is seen at its pins."""
    if target == "serial":
        from hil.boards.serial import make_rig as following_rig  # noqa: PLC0415 -- no other target loads it

        return following_rig(parameters, seed)
    return SimulatedRig(parameters, seed)


def make(target: str, rig: SimulatedRig, recorder: Recorder, **options: Any) -> Board:
    """Build the board called ``target`` (twin, vm, rp2040, serial). Raises BoardError for another name."""
    if target not in TARGETS:
        raise BoardError(f"there is no target {target!r}; choose from {', '.join(TARGETS)}")
    # A target loads nothing of the others.
    board: Board = import_module(f"hil.boards.{target}").make(rig, recorder, **options)
    return board
