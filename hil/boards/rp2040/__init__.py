"""The emulated RP2040 as a target of the bench: the real image of the firmware, in virtual time."""

from __future__ import annotations

import json
from pathlib import Path

from hil.boards.rp2040.board import Rp2040Board
from hil.plant.rig import SimulatedRig
from hil.recorder import Recorder
from hil.toolchain import image as toolchain

IMAGE_FOLDER = toolchain.REPOSITORY / "build" / "image"

__all__ = ["Rp2040Board", "current_image", "make"]


def make(rig: SimulatedRig, recorder: Recorder, image: Path | None = None) -> Rp2040Board:
    """Build the emulated controller with ``image``, by default this repository's firmware, built when it changed."""
    return Rp2040Board(rig, recorder, image or current_image())


def current_image(folder: Path = IMAGE_FOLDER, variant: str = "product") -> Path:
    """Return the image of the firmware as it stands in this repository; builds it where that is not there yet."""
    facts = folder / "image.json"
    if facts.exists() and (folder / "firmware.uf2").exists():
        known = json.loads(facts.read_text())
        if known.get("firmware_hash") == toolchain.firmware_hash().hex() and known.get("variant") == variant:
            return folder / "firmware.uf2"
    return toolchain.build(folder, variant).uf2
