"""Step generators that remember the most steps that were ever granted and not known to be done."""

from __future__ import annotations

from collections import deque
from typing import Any

from device.limits import STEP_FL
from hil.boards.step_generator import StepGeneratorModel

UNSEEN_MS = 80
"""Of flow: a word of 39 ms that counts whole until it is done, and what is given after it meanwhile."""


class WatchedGenerator(StepGeneratorModel):
    """``largest_steps``: of all words that the firmware had given and not yet seen completed, at the worst moment."""

    def __init__(self) -> None:
        self.largest_steps = 0
        self._given: deque[int] = deque()
        super().__init__()

    def put(self, steps: int, period_us: int) -> None:
        """Queue one word."""
        super().put(steps, period_us)
        self._given.append(steps)
        self.largest_steps = max(self.largest_steps, sum(self._given))

    def completed(self) -> int:
        """Return the number of words finished since the last call."""
        done = super().completed()
        for _ in range(min(done, len(self._given))):
            self._given.popleft()
        return done

    def halt(self) -> int:
        """Stop at once."""
        self._given.clear()
        return super().halt()


def watch_grants(board: Any) -> bool:
    """Put watched generators into a board without power; False where the firmware's words are not seen."""
    mcu = getattr(board, "mcu", None)
    if mcu is None:
        return False
    watched = tuple(WatchedGenerator() for _ in mcu.steps)
    for generator, before in zip(watched, mcu.steps, strict=True):
        generator.set_safe(before._safe)
    mcu.steps = watched
    return True


def largest_grant(board: Any, channel: int, rate_nl_s: int) -> int:
    """Return the most steps outstanding on a channel so far; where nobody sees them, those of 80 ms."""
    mcu = getattr(board, "mcu", None)
    if mcu is not None:
        return int(mcu.steps[channel].largest_steps)
    return rate_nl_s * UNSEEN_MS * 1000 // STEP_FL + 1


def forget_grants(board: Any) -> None:
    """Begin anew."""
    mcu = getattr(board, "mcu", None)
    for generator in () if mcu is None else mcu.steps:
        generator.largest_steps = 0
