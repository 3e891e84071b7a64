"""A real Pico as a target of the bench, in real time, with a second Pico as the rig's electronics at its pins."""

from __future__ import annotations

from typing import Any

from hil.boards.serial.board import SerialBoard
from hil.boards.serial.capabilities import chosen
from hil.boards.serial.port import Port
from hil.boards.serial.probe_link import ProbeLink
from hil.boards.serial.rig import FollowingRig
from hil.plant.parameters import PlantParameters
from hil.plant.rig import SimulatedRig
from hil.recorder import Recorder

__all__ = ["SerialBoard", "make", "make_rig", "offered"]


def make_rig(parameters: PlantParameters | None, seed: int) -> FollowingRig:
    """Build the plant: one whose inputs are what the probe sees on the wires."""
    return FollowingRig(parameters, seed)


def make(
    rig: SimulatedRig,
    recorder: Recorder,
    board_url: str = "",
    probe_url: str = "",
    capabilities: str = "",
    **options: Any,
) -> SerialBoard:
    """Open the ports of the device and, where there is one, of the probe. Raises BoardError."""
    assert isinstance(rig, FollowingRig)
    assert not options, f"the serial board has no option {', '.join(options)}"
    device = Port(board_url, "device", "--board-url")
    probe = None
    try:
        if probe_url:
            probe = ProbeLink(Port(probe_url, "probe", "--probe-url"))
        return SerialBoard(rig, recorder, device, probe, chosen(probe.capabilities if probe else (), capabilities))
    except BaseException:
        device.close()
        if probe is not None:
            probe.close()
        raise


def offered(probe_url: str, capabilities: str) -> frozenset[str]:
    """Return what a bench with this probe, or without one, can do. Raises BoardError."""
    if not probe_url:
        return chosen((), capabilities)
    probe = ProbeLink(Port(probe_url, "probe", "--probe-url"))
    try:
        return chosen(probe.capabilities, capabilities)
    finally:
        probe.close()
