"""Makes a failing schedule smaller while it goes on failing: fewer faults and acts, a shorter run, simpler values.

Delta debugging (Zeller and Hildebrandt, Simplifying and isolating failure-inducing input, 2002) over faults and acts,
then bisection of every number towards its simplest value.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import fields, replace
from typing import Any

from hil.faults.generate import shortened
from hil.faults.schedule import Schedule

MOST_RUNS = 150
"""So many runs a schedule at most: a storm ends."""

_SHORTEST_US = 100_000


class _OutOfRunsError(Exception):
    """No more runs may be spent."""


class Shrinker:
    """Finds a smaller schedule for which ``fails`` still says True. ``runs`` counts how often it was asked."""

    def __init__(self, fails: Callable[[Schedule], bool], most_runs: int = MOST_RUNS) -> None:
        self._fails = fails
        self._most_runs = most_runs
        self.runs = 0

    def shrink(self, schedule: Schedule) -> Schedule:
        """Return the smallest failing schedule found; ``schedule`` is known to fail."""
        self._best = schedule
        try:
            while self._pass():
                pass
        except _OutOfRunsError:
            pass
        return self._best

    def _pass(self) -> bool:
        before = self._best
        self._shorten()
        self._fewer("faults")
        self._fewer("acts")
        self._plainer_rig()
        self._simpler("faults")
        self._simpler("acts")
        return self._best != before

    def _try(self, candidate: Schedule) -> bool:
        if candidate == self._best:
            return False
        if self.runs >= self._most_runs:
            raise _OutOfRunsError
        self.runs += 1
        if self._fails(candidate):
            self._best = candidate
            return True
        return False

    def _shorten(self) -> None:
        length_us = self._best.length_us // 2
        while length_us >= _SHORTEST_US and self._try(shortened(self._best, length_us)):
            length_us //= 2
        self._try(shortened(self._best, self._best.length_us * 3 // 4))

    def _fewer(self, name: str) -> None:
        """Leave out parts of a list, coarse ones first."""
        pieces = 2
        while True:
            rows: Sequence[Any] = getattr(self._best, name)
            if not rows:
                return
            size = max(1, len(rows) // pieces)
            for start in range(0, len(rows), size):
                rest = tuple(rows[:start]) + tuple(rows[start + size :])
                if self._try(_with(self._best, name, rest)):
                    pieces = max(2, pieces - 1)
                    break
            else:
                if size == 1:
                    return
                pieces *= 2

    def _plainer_rig(self) -> None:
        for name in list(self._best.rig):
            self._try(replace(self._best, rig={key: value for key, value in self._best.rig.items() if key != name}))

    def _simpler(self, name: str) -> None:
        for index in range(len(getattr(self._best, name))):
            for item in fields(getattr(self._best, name)[index]):
                # When something happens matters more than how round the number is.
                if item.name != "at_us":
                    self._simplify(name, index, item.name, item.metadata)

    def _simplify(self, name: str, index: int, key: str, declared: Any) -> None:
        for value in _simpler_values(getattr(getattr(self._best, name)[index], key), declared):
            rows = list(getattr(self._best, name))
            rows[index] = replace(rows[index], **{key: value})
            if self._try(_with(self._best, name, tuple(rows))):
                return


def _with(schedule: Schedule, name: str, rows: tuple[Any, ...]) -> Schedule:
    return replace(schedule, acts=rows) if name == "acts" else replace(schedule, faults=rows)


def _simpler_values(value: Any, declared: Any) -> Iterator[Any]:
    """Yield simpler values, the simplest first."""
    if "names" in declared:
        yield from declared["names"][: declared["names"].index(value)]
        return
    simplest = declared["simplest"]
    gap = value - simplest
    if gap == 0:
        return
    yield simplest
    yield simplest + int(gap / 8)
    yield simplest + int(gap / 2)


def size_of(schedule: Schedule) -> tuple[int, int, int]:
    """Return faults, acts and length: what a person has to read."""
    return len(schedule.faults), len(schedule.acts), schedule.length_us
