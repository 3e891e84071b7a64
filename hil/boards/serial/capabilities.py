"""What a bench around a real Pico can do, by name: a scenario that needs more is skipped and says what is missing."""

from __future__ import annotations

from collections.abc import Iterable

from hil.boards.base import BoardError
from hil.boards.serial.probe import wire


class NotHereError(BoardError):
    """What is asked for cannot be done to a real board, or not on this bench: the scenario is skipped by name."""


CAPABILITIES = (*wire.CAPABILITIES, "i2c-fram", "i2c-temperature", "i2c-cartridges")
"""What the probe brings, and the chips that have to stand on the bench."""

WHOLE_RIG = frozenset(CAPABILITIES)
"""What a scenario needs that says nothing else: doses are refused while a sensor or the journal does not answer."""

MEANING = {
    "edges": "step edges are counted and timed",
    "safe": "SAFE follows E-stop, door, bubble and valve without a processor",
    "inputs": "E-stop, door, bubble, foot switch and end switch are driven",
    "analogue": "pressure, density and supply are driven",
    "power": "the device is reset or loses its supply when the bench wants",
    "i2c-flow": "a flow chip answers with the plant's flow",
    "i2c-fram": "a journal FRAM is wired",
    "i2c-temperature": "a thermometer is wired",
    "i2c-cartridges": "three cartridges' memories are wired",
}


def of_bits(bits: int) -> tuple[str, ...]:
    """Return the names of what a probe says it can do."""
    return tuple(name for number, name in enumerate(wire.CAPABILITIES) if bits >> number & 1)


def chosen(offered: Iterable[str], named: str) -> frozenset[str]:
    """Return what the bench can do: what the probe offers, with ``named`` added, and ``-name`` taken away.

    ``named`` is a list with commas. Raises BoardError for a name that means nothing.
    """
    result = set(offered)
    for item in (part.strip() for part in named.split(",")):
        name = item.removeprefix("-")
        if not item:
            continue
        if name not in CAPABILITIES:
            raise BoardError(f"there is no capability {name!r}; there are {', '.join(CAPABILITIES)}")
        if item.startswith("-"):
            result.discard(name)
        else:
            result.add(name)
    return frozenset(result)


def missing(needed: Iterable[str], there: Iterable[str]) -> list[str]:
    """Return what is needed and not there, in the order of ``CAPABILITIES``."""
    wanted, have = set(needed), set(there)
    return [name for name in CAPABILITIES if name in wanted and name not in have]
