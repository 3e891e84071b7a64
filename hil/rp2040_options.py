"""What commands say about the target rp2040: its image, and a tool chain that is missing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from host.errors import RigError, UsageError


def board_options(target: str, image: Path | None) -> dict[str, Any]:
    """Return the board's options for a command's ``--image``. Raises UsageError."""
    if image is None:
        return {}
    if target != "rp2040":
        raise UsageError(f"--image is for the target rp2040, not for {target}.", "Leave it out, or choose rp2040.")
    from hil.boards.rp2040.stock import ImageError, check_image  # noqa: PLC0415 -- only where an image is given

    try:
        check_image(image)
    except ImageError as error:
        raise UsageError(f"{error}.", "Name the .uf2 of MicroPython 1.25 or newer for the Raspberry Pi Pico.") from None
    return {"image": image}


def prepared(target: str, image: Path | None = None) -> None:
    """Make emulator and image ready where the target needs them. Raises RigError where it cannot."""
    if target != "rp2040":
        return
    from hil.boards.rp2040 import current_image  # noqa: PLC0415
    from hil.boards.rp2040.native import NativeError, load  # noqa: PLC0415
    from hil.toolchain.debian import FetchError  # noqa: PLC0415
    from hil.toolchain.image_sources import BuildError  # noqa: PLC0415

    try:
        load()
        if image is None:
            current_image()
    except (BuildError, FetchError, NativeError) as error:
        raise RigError("plugin", f"Not run: the emulated Pico is not to be had here: {error}", "") from error
