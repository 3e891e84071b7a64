"""The emulated RP2040 as a target of the bench: the real image of the firmware, in virtual time."""

from __future__ import annotations

import json
from pathlib import Path

from hil.boards.rp2040.board import Rp2040Board
from hil.boards.rp2040.chip import read_image
from hil.boards.rp2040.stock import flash_with_firmware
from hil.plant.rig import SimulatedRig
from hil.recorder import Recorder
from hil.toolchain import image as toolchain

IMAGE_FOLDER = toolchain.REPOSITORY / "build" / "image"

FOLDERS = {"product": IMAGE_FOLDER, **{name: IMAGE_FOLDER.with_name(f"{name}-image") for name in ("bench", "stock")}}

__all__ = ["Rp2040Board", "current_image", "make"]


def make(rig: SimulatedRig, recorder: Recorder, image: Path | None = None, variant: str = "product") -> Rp2040Board:
    """Build the emulated controller with this repository's firmware frozen into its own image, built when it changed.

    ``variant`` "bench" takes scripts over its UART instead of running the firmware by itself.
    With ``image``, a UF2 file of any stock MicroPython from 1.25 on, the firmware's sources lie on its file system.
    """
    if image is None:
        own = current_image(FOLDERS[variant], variant)
        return Rp2040Board(rig, recorder, own, read_image(own))
    return Rp2040Board(rig, recorder, image, flash_with_firmware(image))


def current_image(folder: Path = IMAGE_FOLDER, variant: str = "product") -> Path:
    """Return the image of the firmware as it stands in this repository; builds it where that is not there yet."""
    facts = folder / "image.json"
    if facts.exists() and (folder / "firmware.uf2").exists():
        known = json.loads(facts.read_text())
        if all(known.get(key) == value for key, value in _wanted(variant).items()):
            return folder / "firmware.uf2"
    return toolchain.build(folder, variant).uf2


def _wanted(variant: str) -> dict[str, str]:
    facts = {"variant": variant, "recipe": toolchain.recipe()}
    return facts if variant == toolchain.STOCK else {**facts, "firmware_hash": toolchain.firmware_hash().hex()}
