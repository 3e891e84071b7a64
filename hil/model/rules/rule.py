"""One rule of the model."""

from collections.abc import Callable
from dataclasses import dataclass

from hil.model.draw import Draw
from hil.model.world import World

Act = Callable[[World, Draw], None]


@dataclass(frozen=True, slots=True)
class Rule:
    """Something that happens to a world. ``weight``: how often, against the others."""

    act: Act
    weight: int = 2
    rough: bool = False

    @property
    def name(self) -> str:
        """Its name: that of its function."""
        return self.act.__name__
