"""Two runs side by side: the same to the nanosecond and the octet, or the same steps within one tick."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, replace
from itertools import zip_longest
from typing import Any

from hil.plant.parameters import NS_PER_MS
from hil.recorder import TO_DEVICE, EdgeRun, RecordedFrame
from hil.recording import Recording, decoded, frame_name
from protocol import typed

TICK_NS = 10 * NS_PER_MS
"""The firmware's control tick: boards boot at different times, so their ticks do not fall together."""

_SAID_OCTETS = 40


@dataclass(frozen=True, slots=True)
class Difference:
    """The first thing that one run did and the other did not; ``at_ns`` on the clock of the first."""

    what: str
    at_ns: int
    expected: str
    found: str

    def __str__(self) -> str:
        return f"{self.what} at {self.at_ns / 1e9:.9f} s: {self.expected} in the first, {self.found} in the second"

    def as_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Likeness:
    """How the steps of two runs lie to each other, counted from each dose order."""

    orders: int
    edges: tuple[int, int]
    worst_ns: int
    """Greatest distance of two edges with the same number, and of an edge without a partner to the last with one."""

    difference: Difference | None

    @property
    def same(self) -> bool:
        """Whether no edge lies further from its partner than was allowed."""
        return self.difference is None


def first_difference(first: Recording, second: Recording) -> Difference | None:
    """Return where two runs first differ in edges or frames, None when they are the same."""
    found = [difference for difference in (_edges_differ(first, second), _frames_differ(first, second)) if difference]
    return min(found, key=lambda difference: difference.at_ns, default=None)


def likeness(first: Recording, second: Recording, within_ns: int = TICK_NS) -> Likeness:
    """Compare the steps of two boards: edge by edge, each counted from the order that it belongs to."""
    orders = orders_ns(first), orders_ns(second)
    counts = first.edge_count(), second.edge_count()
    if len(orders[0]) != len(orders[1]):
        said = f"{len(orders[0])} dose orders", f"{len(orders[1])} dose orders"
        return Likeness(len(orders[0]), counts, 0, Difference("number of orders", 0, *said))
    worst_ns = 0
    difference = None
    channels = sorted({run.channel for recording in (first, second) for run in recording.edges})
    for channel in channels:
        parts = zip(_by_order(first, orders[0], channel), _by_order(second, orders[1], channel), strict=True)
        for number, (mine, other) in enumerate(parts):
            distance_ns, where = _furthest(mine, other, within_ns)
            worst_ns = max(worst_ns, distance_ns)
            if distance_ns > within_ns and difference is None:
                difference = Difference(
                    f"channel {channel}, edge {where + 1} of part {number}",
                    _nth(mine, where) + ([0, *orders[0]][number]),
                    _after_order(mine, where),
                    _after_order(other, where),
                )
    return Likeness(len(orders[0]), counts, worst_ns, difference)


def orders_ns(recording: Recording) -> list[int]:
    """Return when each dose was first ordered: the order complete at the device."""
    seen: dict[bytes, int] = {}
    for now_ns, message in recording.messages(TO_DEVICE):
        if isinstance(message, typed.DoseOrder):
            seen.setdefault(message.dose_id, now_ns)
    return list(seen.values())


def _by_order(recording: Recording, orders: list[int], channel: int) -> list[list[int]]:
    """Return the times of a channel's edges from the order before them on, one list an order and one before all."""
    starts = [0, *orders]
    parts: list[list[int]] = [[] for _ in starts]
    at = 0
    for now_ns in _times(run for run in recording.edges if run.channel == channel):
        while at + 1 < len(starts) and now_ns >= starts[at + 1]:
            at += 1
        parts[at].append(now_ns - starts[at])
    return parts


def _furthest(mine: list[int], other: list[int], within_ns: int) -> tuple[int, int]:
    """Return the greatest distance and the number of the edge that has it."""
    worst_ns, where = 0, 0
    paired = min(len(mine), len(other))
    for number in range(paired):
        distance_ns = abs(mine[number] - other[number])
        if distance_ns > worst_ns:
            worst_ns, where = distance_ns, number
    longer = mine if len(mine) > paired else other
    if len(longer) > paired:
        # Edges beyond the other's last one are judged by how long they go on after it; where there is none, too long.
        distance_ns = longer[-1] - longer[paired - 1] if paired else within_ns + 1 + longer[-1] - longer[0]
        if distance_ns > worst_ns:
            worst_ns, where = distance_ns, len(longer) - 1
    return worst_ns, where


def _nth(times: list[int], number: int) -> int:
    return times[min(number, len(times) - 1)] if times else 0


def _after_order(times: list[int], number: int) -> str:
    return f"{times[number] / 1e6:.3f} ms after the order" if number < len(times) else f"{len(times)} edges"


def _times(runs: Iterable[EdgeRun]) -> Iterator[int]:
    for run in runs:
        for number in range(run.count):
            yield run.first_ns + number * run.period_ns


def _edges_differ(first: Recording, second: Recording) -> Difference | None:
    found = []
    for channel in sorted({run.channel for recording in (first, second) for run in recording.edges}):
        mine, other = ([run for run in it.edges if run.channel == channel] for it in (first, second))
        same = 0
        for run, partner in zip(mine, other, strict=False):
            if run != partner:
                break
            same += 1
        done = sum(run.count for run in mine[:same])
        for number, (here, there) in enumerate(zip_longest(_times(mine[same:]), _times(other[same:])), done + 1):
            if here != there:
                at_ns = min(time for time in (here, there) if time is not None)
                what = f"edge {number} of channel {channel}"
                found.append(Difference(what, at_ns, _time(here), _time(there)))
                break
    return min(found, key=lambda difference: difference.at_ns, default=None)


def _time(at_ns: int | None) -> str:
    return "none" if at_ns is None else f"at {at_ns / 1e9:.9f} s"


def _frames_differ(first: Recording, second: Recording) -> Difference | None:
    for number, (here, there) in enumerate(zip_longest(first.frames, second.frames), 1):
        if here != there and not _same_but_for_the_firmware(here, there):
            at_ns = min(frame.now_ns for frame in (here, there) if frame is not None)
            return Difference(f"frame {number}", at_ns, _frame(here), _frame(there))
    return None


def _same_but_for_the_firmware(here: RecordedFrame | None, there: RecordedFrame | None) -> bool:
    """Tell whether two frames are one WELCOME of two firmwares, whose hashes a replay compares by themselves."""
    if here is None or there is None or (here.now_ns, here.direction) != (there.now_ns, there.direction):
        return False
    mine, other = decoded(here.data), decoded(there.data)
    return (
        len(mine) == len(other) == 1
        and isinstance(mine[0], typed.Welcome)
        and isinstance(other[0], typed.Welcome)
        and replace(mine[0], firmware=b"") == replace(other[0], firmware=b"")
    )


def _frame(frame: Any) -> str:
    if frame is None:
        return "none"
    octets = frame.data.hex()
    octets = octets if len(octets) <= 2 * _SAID_OCTETS else octets[: 2 * _SAID_OCTETS] + "..."
    return f"{frame_name(frame.data)} {frame.direction} at {frame.now_ns / 1e9:.9f} s ({octets})"
