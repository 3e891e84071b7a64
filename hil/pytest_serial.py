"""The pytest plugin's part for real boards: which ports, what the bench around them can do, what is skipped by name."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest

TARGET = "serial"
_OPTIONS = {"board_url": "--board-url", "probe_url": "--probe-url", "capabilities": "--capabilities"}
_KNOWN = pytest.StashKey[frozenset[str]]()


def addoption(group: pytest.OptionGroup) -> None:
    """Add the options of the target ``serial``."""
    group.addoption("--board-url", default="", metavar="URL", help="serial: the device's port, serial:///dev/ttyUSB0")
    group.addoption("--probe-url", default="", metavar="URL", help="serial: the probe's port, serial:///dev/ttyACM0")
    group.addoption(
        "--capabilities",
        default="",
        metavar="NAME[,NAME]",
        help="serial: what the bench can do beside what the probe says, such as i2c-fram; -NAME takes one away",
    )
    group.addoption(
        "--provision-seed",
        default=None,
        type=int,
        metavar="N",
        help="serial: the seed whose images are in the FRAM and the cartridges (python -m hil.boards.serial.images)",
    )


def configure(config: pytest.Config) -> None:
    """Make the marker known."""
    config.addinivalue_line(
        "markers", "needs(*capabilities): what a bench around a real board must have for this test; default: all"
    )


def options(config: pytest.Config) -> dict[str, Any]:
    """Return the options for ``Bench``."""
    from hil.provision import Provision  # noqa: PLC0415

    provision_seed = config.getoption("--provision-seed")
    given = {name: config.getoption(option) for name, option in _OPTIONS.items()}
    return given | {"provision": None if provision_seed is None else Provision.of_seed(provision_seed)}


def skip_what_cannot_be(request: pytest.FixtureRequest) -> None:
    """Skip a test by name where no board was named, or the bench lacks what the test needs."""
    from hil.boards.serial.capabilities import WHOLE_RIG, missing  # noqa: PLC0415

    given = options(request.config)
    if not given["board_url"]:
        pytest.skip("serial: not run, no board was named (--board-url serial:///dev/ttyUSB0)")
    marker = request.node.get_closest_marker("needs")
    needed: Iterable[str] = WHOLE_RIG if marker is None else marker.args
    if lacking := missing(needed, _there(request.config)):
        pytest.skip(f"serial: this bench lacks {', '.join(lacking)}")


def skip_what_turned_out_not_to_be(error: BaseException) -> None:
    """Skip a test by name that asked for what cannot be done to a real board."""
    from hil.boards.serial.capabilities import NotHereError  # noqa: PLC0415

    if isinstance(error, NotHereError):
        pytest.skip(f"serial: {error}")


def _there(config: pytest.Config) -> frozenset[str]:
    """Return what the bench can do; the probe is asked once a run."""
    if _KNOWN not in config.stash:
        from hil.boards.serial import offered  # noqa: PLC0415

        given = options(config)
        config.stash[_KNOWN] = offered(given["probe_url"], given["capabilities"])
    return config.stash[_KNOWN]
