"""What left the pins and what went over the link, with times, and one hash over all of it."""

from dataclasses import dataclass
from hashlib import sha256

TO_DEVICE = "to device"
TO_HOST = "to host"
_LONGEST_FRAME = 4096  # octets without a delimiter are kept in pieces of this size


@dataclass(slots=True)
class EdgeRun:
    """Rising edges at one step pin with equal spacing; times in ns."""

    channel: int
    first_ns: int
    period_ns: int
    count: int

    @property
    def last_ns(self) -> int:
        """Time of the last edge."""
        return self.first_ns + (self.count - 1) * self.period_ns


@dataclass(frozen=True, slots=True)
class RecordedFrame:
    """Octets up to and with a delimiter, at the time the last of them passed."""

    now_ns: int
    direction: str
    data: bytes


class Recorder:
    """Collects edges as runs and octets as frames. Runs that continue each other become one."""

    def __init__(self) -> None:
        self.edges: list[EdgeRun] = []
        self.frames: list[RecordedFrame] = []
        self._last_run: dict[int, EdgeRun] = {}
        self._counts: dict[int, int] = {}
        self._partial = {TO_DEVICE: bytearray(), TO_HOST: bytearray()}

    def step_edges(self, channel: int, first_ns: int, period_ns: int, count: int) -> None:
        """Note ``count`` rising edges at a step pin."""
        self._counts[channel] = self._counts.get(channel, 0) + count
        run = self._last_run.get(channel)
        # Edge after edge, each run as long as it can be: the runs do not depend on how the edges were handed over.
        while count and run is not None:
            gap_ns = first_ns - run.last_ns
            if run.count > 1 and gap_ns != run.period_ns:
                break
            run.period_ns = gap_ns
            taken = count if count == 1 or gap_ns == period_ns else 1
            run.count += taken
            first_ns += taken * period_ns
            count -= taken
        if count:
            run = EdgeRun(channel, first_ns, period_ns if count > 1 else 0, count)
            self._last_run[channel] = run
            self.edges.append(run)

    def frame(self, direction: str, now_ns: int, data: bytes) -> None:
        """Note octets on the link; they may hold any part of a frame, or several."""
        partial = self._partial[direction]
        partial += data
        while (end := partial.find(0) + 1) or len(partial) >= _LONGEST_FRAME:
            end = end or _LONGEST_FRAME
            if end > 1:
                self.frames.append(RecordedFrame(now_ns, direction, bytes(partial[:end])))
            del partial[:end]

    def edge_count(self, channel: int) -> int:
        """Return the number of rising edges at a step pin since the beginning."""
        return self._counts.get(channel, 0)

    def last_edge_ns(self, channel: int | None = None) -> int | None:
        """Return the time of the last rising edge at one step pin, or at any."""
        runs = self._last_run.values() if channel is None else filter(None, (self._last_run.get(channel),))
        return max((run.last_ns for run in runs), default=None)

    def edge_times(self, channel: int) -> list[int]:
        """Return the time of every rising edge at a step pin, ns."""
        return [
            run.first_ns + number * run.period_ns
            for run in self.edges
            if run.channel == channel
            for number in range(run.count)
        ]

    def digest(self) -> str:
        """Return a hash over every edge and every frame with its time: equal for equal behaviour."""
        digest = sha256()
        for run in self.edges:
            digest.update(b"%d %d %d %d\n" % (run.channel, run.first_ns, run.period_ns, run.count))
        for frame in self.frames:
            digest.update(b"%d %s %s\n" % (frame.now_ns, frame.direction.encode(), frame.data.hex().encode()))
        return digest.hexdigest()
