"""Slows down who tries passwords. Pure and bounded; it knows of passwords only, never of what a known identity does."""

from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

FREE_ATTEMPTS: Final = 3
FIRST_DELAY_MS: Final = 1_000
MAX_DELAY_MS: Final = 30_000
FORGET_AFTER_MS: Final = 15 * 60_000
MAX_KEYS: Final = 4_096
# Where somebody signed in before, others' wrong passwords for that name elsewhere do not count.
MAX_PROVEN: Final = 4_096
# A source may be many people behind one address: it has more free attempts than a name.
SOURCE_FREE_ATTEMPTS: Final = 20
# Neither is a source or a name.
_ANYWHERE: Final = "\0"
_ANYBODY: Final = "\0"


@dataclass(slots=True)
class _Failures:
    count: int
    free: int
    last_ms: int

    def delay_ms(self) -> int:
        """Return how long after the last failure the next attempt waits, ms: doubled with each, and bounded."""
        over = self.count - self.free
        if over < 0:
            return 0
        return min(MAX_DELAY_MS, FIRST_DELAY_MS << min(over, MAX_DELAY_MS.bit_length()))


class Throttle:
    """Counts wrong attempts by name and by source; each further one waits twice as long, 30 s at most.

    An attempt counts as wrong from its start, so that many at once are not all free; ``succeeded`` takes it back.
    An attempt that has to wait is not counted. Where somebody has signed in before, wrong attempts for that name are
    counted apart: nobody is kept out by what others try elsewhere.
    """

    def __init__(self, monotonic_ms: Callable[[], int]) -> None:
        self._monotonic_ms = monotonic_ms
        self._failures: OrderedDict[tuple[str, str], _Failures] = OrderedDict()
        self._proven: OrderedDict[tuple[str, str], None] = OrderedDict()

    def __len__(self) -> int:
        return len(self._failures)

    def begin(self, name: str, source: str) -> int:
        """Begin an attempt; return 0, or how many ms it has to wait, and then it has not begun."""
        now = self._monotonic_ms()
        keys = self._keys(name, source)
        wait = max(self._wait_ms(key, now) for key, _ in keys)
        if wait == 0:
            for key, free in keys:
                self._count(key, free, now)
        return wait

    def succeeded(self, name: str, source: str) -> None:
        """End an attempt that was right: the name begins anew, the source gets this one attempt back.

        Not more: else one good password would open the source for guessing at others'.
        """
        (by_name, _), (by_source, _) = self._keys(name, source)
        self._failures.pop(by_name, None)
        self._give_back(by_source)
        self._proven[name, source] = None
        self._proven.move_to_end((name, source))
        if len(self._proven) > MAX_PROVEN:
            self._proven.popitem(last=False)

    def withdrawn(self, name: str, source: str) -> None:
        """End an attempt of which nobody could tell whether it was right."""
        for key, _ in self._keys(name, source):
            self._give_back(key)

    def _give_back(self, key: tuple[str, str]) -> None:
        failures = self._failures.get(key)
        if failures is None:
            return
        failures.count -= 1
        if failures.count <= 0:
            del self._failures[key]

    def _keys(self, name: str, source: str) -> Sequence[tuple[tuple[str, str], int]]:
        by_name = (source, name) if (name, source) in self._proven else (_ANYWHERE, name)
        return ((by_name, FREE_ATTEMPTS), ((source, _ANYBODY), SOURCE_FREE_ATTEMPTS))

    def _wait_ms(self, key: tuple[str, str], now_ms: int) -> int:
        failures = self._failures.get(key)
        if failures is None:
            return 0
        elapsed = now_ms - failures.last_ms
        if elapsed >= FORGET_AFTER_MS:
            del self._failures[key]
            return 0
        return max(0, failures.delay_ms() - elapsed)

    def _count(self, key: tuple[str, str], free: int, now_ms: int) -> None:
        failures = self._failures.setdefault(key, _Failures(0, free, now_ms))
        failures.count += 1
        failures.last_ms = now_ms
        self._failures.move_to_end(key)
        # Bounded: whoever failed longest ago is forgotten first, so one under attack is kept.
        while len(self._failures) > MAX_KEYS:
            self._failures.popitem(last=False)
