"""What the probe has told, in the order in which it happened, to be handed to the plant up to any instant."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from hil.boards.base import BoardError
from hil.boards.serial.clock import ProbeClock
from hil.boards.serial.probe import wire

CHANNELS = 3
MAX_WAITING = 100_000
_NEVER_NS = 1 << 62


@dataclass(slots=True)
class _Run:
    first_ns: int
    period_ns: int
    count: int


class Happenings:
    """Edges and changes of lines that were told and not yet handed over."""

    def __init__(
        self,
        clock: ProbeClock,
        on_edges: Callable[[int, int, int, int], None],
        on_lines: Callable[[int, int], None],
    ) -> None:
        """``on_edges(channel, first_ns, period_ns, count)`` and ``on_lines(now_ns, lines)`` get them in order."""
        self._clock = clock
        self._on_edges = on_edges
        self._on_lines = on_lines
        self._runs: tuple[deque[_Run], ...] = tuple(deque() for _ in range(CHANNELS))
        self._lines: deque[tuple[int, int]] = deque()
        self._counts: list[int | None] = [None] * CHANNELS
        self._handed_ns = 0

    def edges(self, message: tuple[Any, ...]) -> None:
        """Take an EDGES message. Raises BoardError when edges before it were never told."""
        _, channel, before, from_ticks, words = message
        if channel >= CHANNELS:
            return
        known = self._counts[channel]
        if known is not None and known != before:
            raise BoardError(
                f"the probe counted {before} edges of channel {channel} before these, {known} were told: reports were "
                "lost on its USB cable, and nothing can be judged; use a shorter cable, without a hub"
            )
        at_ns = self._clock.ns(from_ticks)
        for word in words:
            count, spacing_ns = word >> 22, (word & wire.MAX_SPACING) * wire.TICK_NS
            self._runs[channel].append(_Run(at_ns + spacing_ns, spacing_ns, count))
            at_ns += spacing_ns * count
            before += count
        self._counts[channel] = before & wire.TICKS_MASK
        if len(self._runs[channel]) > MAX_WAITING:
            raise BoardError(f"more than {MAX_WAITING} runs of edges wait: the bench cannot keep up with the device")

    def lines(self, message: tuple[Any, ...]) -> None:
        """Take a LINE message."""
        self._lines.append((self._clock.ns(message[1]), message[2]))

    def hand_over(self, until_ns: int) -> None:
        """Hand over everything up to ``until_ns`` in the order of time."""
        while True:
            firsts = [runs[0].first_ns if runs else _NEVER_NS for runs in self._runs]
            channel = min(range(CHANNELS), key=firsts.__getitem__)
            line_ns = self._lines[0][0] if self._lines else _NEVER_NS
            if min(firsts[channel], line_ns) > until_ns:
                return
            if line_ns <= firsts[channel]:
                self._hand_line()
            else:
                others = [ns for number, ns in enumerate(firsts) if number != channel]
                self._hand_edges(channel, min(until_ns, line_ns, *others))

    def _hand_line(self) -> None:
        at_ns, lines = self._lines.popleft()
        self._on_lines(self._not_back(at_ns), lines)

    def _hand_edges(self, channel: int, until_ns: int) -> None:
        """Hand over the edges of the first run up to an instant, at least one."""
        run = self._runs[channel][0]
        count = run.count
        if run.period_ns:
            count = min(count, max(0, until_ns - run.first_ns) // run.period_ns + 1)
        first_ns = self._not_back(run.first_ns)
        self._on_edges(channel, first_ns, run.period_ns, count)
        self._handed_ns = max(first_ns, run.first_ns + (count - 1) * run.period_ns)
        run.first_ns += count * run.period_ns
        run.count -= count
        if not run.count:
            self._runs[channel].popleft()

    def _not_back(self, at_ns: int) -> int:
        """Return a time that does not lie before what was handed over: stamps of two sources differ by their error."""
        self._handed_ns = max(self._handed_ns, at_ns)
        return self._handed_ns
