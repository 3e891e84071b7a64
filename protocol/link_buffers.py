"""What the device's end of the link remembers, in buffers made once."""

from protocol.framing import MAX_FRAME, copy_octets
from protocol.link import HALF_WRAP, LAST_SEQ, WINDOW

_ALL_SEEN = (1 << WINDOW) - 1


class FrameQueue:
    """Frames or payloads in preallocated slots, first in, first out. Allocates only when made."""

    def __init__(self, slots: int) -> None:
        self._slots = [memoryview(bytearray(MAX_FRAME)) for _ in range(slots)]
        self._lengths = [0] * slots
        self._head = 0
        self.count = 0

    def put(self, source: bytearray | memoryview, length: int) -> bool:
        """Append a copy of ``source[:length]``; False, and nothing done, when the queue is full."""
        slots = self._slots
        if self.count == len(slots):
            return False
        at = (self._head + self.count) % len(slots)
        copy_octets(source, length, slots[at])
        self._lengths[at] = length
        self.count += 1
        return True

    def first(self) -> memoryview:
        """Return the slot of the oldest frame."""
        return self._slots[self._head]

    def first_length(self) -> int:
        """Return the length of the oldest frame."""
        return self._lengths[self._head]

    def drop(self) -> None:
        """Remove the oldest frame. Its slot keeps its octets until the next ``put``."""
        self._head = (self._head + 1) % len(self._slots)
        self.count -= 1


class AnswerCache:
    """Which of the newest WINDOW sequence numbers were seen, and the answers to them. Allocates only when made.

    A number WINDOW or more behind the newest is one that its host no longer wants answered; each of the others has a
    slot of its own, so that no other answer can push its answer out.
    """

    def __init__(self) -> None:
        self._frames = [memoryview(bytearray(MAX_FRAME)) for _ in range(WINDOW)]
        self._lengths = [0] * WINDOW
        # Which number the answer in a slot belongs to; 0 for none.
        self._seqs = [0] * WINDOW
        self._newest = 0
        self._newest_slot = 0
        # Bit n stands for the number n counts before the newest.
        self._seen = 0

    def clear(self) -> None:
        """Forget everything: a count begins that has its first number at 1."""
        for at in range(WINDOW):
            self._seqs[at] = 0
        self._newest = 0
        self._seen = 0

    def admit(self, seq: int) -> bool:
        """Note ``seq``; True when it was not seen before and lies ahead, or inside the window."""
        ahead = (seq - self._newest) % LAST_SEQ
        if 0 < ahead <= HALF_WRAP:
            self._seen = 1 if ahead >= WINDOW else (self._seen << ahead | 1) & _ALL_SEEN
            self._newest = seq
            self._newest_slot = (self._newest_slot + ahead) % WINDOW
            return True
        behind = (self._newest - seq) % LAST_SEQ
        if behind >= WINDOW or self._seen >> behind & 1:
            return False
        self._seen |= 1 << behind
        return True

    def store(self, seq: int, frame: bytearray, length: int) -> None:
        """Keep the answer to ``seq``, which is one of the newest WINDOW numbers."""
        at = (self._newest_slot - (self._newest - seq) % LAST_SEQ) % WINDOW
        self._seqs[at] = seq
        self._lengths[at] = length
        copy_octets(frame, length, self._frames[at])

    def repeat(self, seq: int, queue: FrameQueue) -> bool:
        """Put the answer to ``seq`` into ``queue``; False when it is not kept, or the queue is full."""
        at = (self._newest_slot - (self._newest - seq) % LAST_SEQ) % WINDOW
        return self._seqs[at] == seq and queue.put(self._frames[at], self._lengths[at])
