"""``--image``: the tests of the emulated Pico on another MicroPython, with the firmware on its file system."""

from pathlib import Path
from typing import Any

import pytest

TARGET = "rp2040"
COMPILING_S = 6.0
"""From a file system the firmware compiles itself on the Pico before it listens."""


def addoption(group: pytest.OptionGroup) -> None:
    """Add ``--image``."""
    group.addoption(
        "--image",
        metavar="FILE",
        default=None,
        help="rp2040: a stock MicroPython image (.uf2, 1.25 or newer) that runs the firmware from its file system",
    )


def options(config: pytest.Config) -> dict[str, Any]:
    """Return the board's options. Raises UsageError for a file that is no such image."""
    given = config.getoption("--image")
    if given is None:
        return {}
    from hil.boards.rp2040.stock import ImageError, check_image  # noqa: PLC0415 -- only where an image is given

    try:
        check_image(Path(given))
    except ImageError as error:
        raise pytest.UsageError(f"--image: {error}") from None
    return {"image": Path(given)}


def boot(bench: Any) -> None:
    """Let time pass until a firmware on a file system listens."""
    if bench.target == TARGET and bench.options.get("image") is not None:
        bench.run_for(COMPILING_S)
