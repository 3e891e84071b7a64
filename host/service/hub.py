"""What happened, in order, for everybody who watches: numbered, resumable, and never a reason for anyone to wait.

A watcher that is slower than what happens loses events and is told so; whoever publishes never waits for a watcher.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

KEPT_EVENTS: Final = 2048
"""So many of the last events can be asked for again."""

MAX_WAITING: Final = 2 * KEPT_EVENTS
"""So many events may wait for one watcher, who may have asked for all that are kept; the oldest go first."""

MAX_WATCHERS: Final = 256


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened. ``number`` counts from 1 in this run of the service; 0 is a reading that is not kept."""

    number: int
    kind: str
    rig: str
    utc: str
    data: dict[str, Any]


class Watcher:
    """One who watches: ``rig`` limits to one rig, with ``readings`` telemetry comes, too."""

    def __init__(self, rig: str | None, readings: bool, gap: Callable[[str], Event]) -> None:
        self._rig = rig
        self._readings = readings
        self._gap = gap
        self._waiting: deque[Event] = deque()
        self._latest: dict[str, Event] = {}
        self._lost = False
        self._ended = False
        self._wake = asyncio.Event()

    async def next(self) -> Event | None:
        """Wait for the next event; None when the service goes."""
        while not self._ended:
            if self._lost:
                self._lost = False
                return self._gap("this watcher was too slow, events were left out")
            if self._waiting:
                return self._waiting.popleft()
            if self._latest:
                return self._latest.pop(next(iter(self._latest)))
            self._wake.clear()
            await self._wake.wait()
        return None

    def take(self, event: Event) -> None:
        """Let an event wait; the oldest goes when too many do."""
        if self._rig is not None and event.rig not in {self._rig, ""}:
            return
        if len(self._waiting) >= MAX_WAITING:
            self._waiting.popleft()
            self._lost = True
        self._waiting.append(event)
        self._wake.set()

    def take_reading(self, event: Event) -> None:
        """Let a reading wait in place of the one before it."""
        if self._readings and self._rig in {None, event.rig}:
            self._latest[f"{event.rig} {event.kind}"] = event
            self._wake.set()

    def end(self) -> None:
        """Let no more come."""
        self._ended = True
        self._wake.set()


class EventHub:
    """Keeps the last events and hands each to all watchers. Used from one loop.

    Args:
        run: names this run of the service; an event is named ``run:number``, so that one of another run is recognised.
        utc: tells the time of an event.
    """

    def __init__(self, run: str, utc: Callable[[], str]) -> None:
        self.run = run
        self.utc = utc
        self._kept: deque[Event] = deque(maxlen=KEPT_EVENTS)
        self._number = 0
        self._watchers: set[Watcher] = set()

    @property
    def newest(self) -> int:
        """Return the number of the last event."""
        return self._number

    @property
    def full(self) -> bool:
        """Return whether no more watchers are taken."""
        return len(self._watchers) >= MAX_WATCHERS

    def publish(self, kind: str, rig: str, data: dict[str, Any]) -> Event:
        """Number an event, keep it and hand it on. ``rig`` is empty for what concerns all."""
        self._number += 1
        event = Event(self._number, kind, rig, self.utc(), data)
        self._kept.append(event)
        for watcher in self._watchers:
            watcher.take(event)
        return event

    def reading(self, kind: str, rig: str, data: dict[str, Any]) -> None:
        """Hand on a reading: of each kind and rig only the newest waits, and none is kept."""
        if not self._watchers:
            return
        event = Event(0, kind, rig, self.utc(), data)
        for watcher in self._watchers:
            watcher.take_reading(event)

    def end(self) -> None:
        """Let every watcher end: the service goes."""
        for watcher in self._watchers:
            watcher.end()

    @contextmanager
    def watch(self, *, rig: str | None = None, readings: bool = False, after: str | None = None) -> Iterator[Watcher]:
        """Watch from now on, or from the event after the one named ``after``.

        Where that one cannot be shown any more, or is of another run, the first event is ``gap``: ask for the state
        anew. ``rig`` limits to one rig; with ``readings`` telemetry comes, too.
        """
        watcher = Watcher(rig, readings, self._gap)
        if after is not None:
            self._resume(watcher, after)
        self._watchers.add(watcher)
        try:
            yield watcher
        finally:
            self._watchers.discard(watcher)

    def _resume(self, watcher: Watcher, after: str) -> None:
        run, _, number = after.partition(":")
        known = run == self.run and number.isascii() and number.isdecimal() and len(number) < 16
        last = int(number) if known else -1
        oldest = self._kept[0].number if self._kept else self._number + 1
        if not known or last > self._number or last < oldest - 1:
            watcher.take(self._gap("what happened before this is not kept any more"))
            return
        for event in self._kept:
            if event.number > last:
                watcher.take(event)

    def _gap(self, why: str) -> Event:
        return Event(self._number, "gap", "", self.utc(), {"why": why})
