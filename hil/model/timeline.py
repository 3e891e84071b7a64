"""Everything that bears on the judgement, put in the order of time: edges, pins, frames, lives, words."""

from collections.abc import Callable
from heapq import heappop, heappush
from typing import Protocol

from hil.model.voice import Said
from hil.plant.rig import SimulatedRig
from protocol import typed


class Hearer(Protocol):
    """Who is told, in the order of time."""

    def edges(self, channel: int, first_ns: int, last_ns: int, period_ns: int, count: int) -> None:
        """Edges at a step pin between two other events."""

    def frame(self, now_ns: int, said: Said) -> None:
        """An intact frame has arrived."""

    def told(self, now_ns: int, message: typed.Message) -> None:
        """The device has said something."""

    def pins(self, now_ns: int, inputs: int) -> None:
        """An input has changed."""

    def valve(self, now_ns: int, level: bool, tip_nl: float) -> None:
        """The valve's pin has changed when so much had left the tip."""

    def life(self, now_ns: int, booted: bool, cause: int) -> None:
        """The controller began anew, or lost its power."""

    def hang(self, now_ns: int) -> None:
        """The processor hangs."""

    def failed(self, now_ns: int) -> None:
        """Something has raised in the firmware."""

    def fault(self, now_ns: int, name: str, begins: bool) -> None:
        """Something broke, or was mended."""


class Timeline:
    """Collects events and edges as they come and hands them on in the order of time."""

    def __init__(self, hearer: Hearer) -> None:
        self._hearer = hearer
        self._events: list[tuple[int, int, Callable[[int], None]]] = []
        self._runs: list[tuple[int, int, int, int]] = []
        self._number = 0
        self._valve = False
        self._powered_lives = 0

    def watch(self, plant: SimulatedRig) -> None:
        """Hear of every change at the pins of a rig."""
        hearer = self._hearer
        plant.on_inputs.append(lambda now_ns, inputs: self.at(now_ns, lambda when_ns: hearer.pins(when_ns, inputs)))
        set_valve = plant.set_valve

        def watched(now_ns: int, level: bool) -> None:
            set_valve(now_ns, level)
            if level != self._valve:
                self._valve = level
                tip_nl = plant.tip_nl
                self.at(now_ns, lambda when_ns: hearer.valve(when_ns, level, tip_nl))

        plant.set_valve = watched  # type: ignore[method-assign]

    def at(self, now_ns: int, act: Callable[[int], None]) -> None:
        """Let something be heard at this instant."""
        self._number += 1
        heappush(self._events, (now_ns, self._number, act))

    def edges(self, channel: int, first_ns: int, period_ns: int, count: int) -> None:
        """Take a run of edges."""
        self._runs.append((first_ns, channel, period_ns, count))

    def frame(self, arrival_ns: int, said: Said) -> None:
        """Take a frame that will have arrived then, unless the power goes before."""
        life = self._powered_lives

        def arrive(now_ns: int) -> None:
            if life == self._powered_lives:
                self._hearer.frame(now_ns, said)

        self.at(arrival_ns, arrive)

    def told(self, now_ns: int, message: typed.Message) -> None:
        """Take what the device says."""
        self.at(now_ns, lambda when_ns: self._hearer.told(when_ns, message))

    def life(self, now_ns: int, booted: bool, cause: int) -> None:
        """Take a start, or a loss of power."""

        def begin(when_ns: int) -> None:
            if not booted:
                self._powered_lives += 1
            self._hearer.life(when_ns, booted, cause)

        self.at(now_ns, begin)

    def hang(self, now_ns: int) -> None:
        """Take a processor that hangs from now on."""
        self.at(now_ns, self._hearer.hang)

    def failed(self, now_ns: int) -> None:
        """Take that something has raised in the firmware."""
        self.at(now_ns, self._hearer.failed)

    def fault(self, now_ns: int, name: str, begins: bool) -> None:
        """Take that something breaks, or is whole again."""
        self.at(now_ns, lambda when_ns: self._hearer.fault(when_ns, name, begins))

    def look(self, now_ns: int) -> None:
        """Hand on everything up to now."""
        while self._events and self._events[0][0] <= now_ns:
            when_ns, _, act = heappop(self._events)
            self._pass_edges(when_ns)
            act(when_ns)
        self._pass_edges(now_ns)

    def _pass_edges(self, until_ns: int) -> None:
        if not self._runs:
            return
        left = []
        for first_ns, channel, period_ns, count in self._runs:
            if first_ns > until_ns:
                left.append((first_ns, channel, period_ns, count))
                continue
            passed = min(count, (until_ns - first_ns) // period_ns + 1) if count > 1 else 1
            self._hearer.edges(channel, first_ns, first_ns + (passed - 1) * period_ns, period_ns, passed)
            if passed < count:
                left.append((first_ns + passed * period_ns, channel, period_ns, count - passed))
        self._runs = left
