"""Where a rule gets its numbers from: a seed, a record of an earlier run, or Hypothesis. All are drawn as integers."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from random import Random
from typing import TypeVar

T = TypeVar("T")

PERCENT = 100


class Draw(ABC):
    """Draws integers and, made of them, choices and chances."""

    @abstractmethod
    def integer(self, low: int, high: int) -> int:
        """Return a whole number from ``low`` to ``high``, both included."""

    def choice(self, options: Sequence[T]) -> T:
        """Return one of the options; put what is likely in more than once."""
        return options[self.integer(0, len(options) - 1)]

    def chance(self, percent: int) -> bool:
        """Return True in so many of a hundred cases; 0 draws nothing."""
        return percent > 0 and self.integer(1, PERCENT) <= percent


class SeededDraw(Draw):
    """Draws from a generator and keeps what was drawn since ``begin``."""

    def __init__(self, random: Random) -> None:
        self._random = random
        self.drawn: list[int] = []

    def begin(self) -> None:
        """Forget what was drawn: another step begins."""
        self.drawn = []

    def integer(self, low: int, high: int) -> int:
        """Return a whole number from ``low`` to ``high``."""
        value = self._random.randint(low, high)
        self.drawn.append(value)
        return value


class RecordedDraw(Draw):
    """Gives what was drawn before; where the record does not fit any more, the nearest that does."""

    def __init__(self, drawn: Sequence[int]) -> None:
        self._drawn = list(drawn)
        self._at = 0

    def integer(self, low: int, high: int) -> int:
        """Return the next recorded number, made to fit; ``low`` behind the end of the record."""
        if self._at >= len(self._drawn):
            return low
        value = self._drawn[self._at]
        self._at += 1
        return max(low, min(high, value))


class CalledDraw(Draw):
    """Draws by calling somebody: Hypothesis, say."""

    def __init__(self, integers: Callable[[int, int], int]) -> None:
        self._integers = integers

    def integer(self, low: int, high: int) -> int:
        """Return a whole number from ``low`` to ``high``."""
        return self._integers(low, high)
