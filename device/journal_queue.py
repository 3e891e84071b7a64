"""What waits to be written to FRAM, in the order it was given: a little at a time, read back, tried again, never lost.

An entry is written whole to its first address, read back and compared, then likewise to its second. The next entry
begins only then, so whatever is durable, all before it is durable too.
"""

from protocol.compat import const

TYPE_CHECKING = False
if TYPE_CHECKING:
    from device.drivers.fram import Fram

# One transfer of a step: 0.8 ms at 400 kHz.
SLICE = const(32)
# The bus gives up a transfer after 2 ms, 88 octets; reading is done at start-up and for requests only.
READ_SLICE = const(64)
READ_TRIES = const(3)
# What one outcome brings with it, twice: two records and all cells that depend on them.
MEMORY = const(1280)
MAX_ENTRIES = const(24)
NO_COPY = const(-1)
NO_ROOM = const(-1)
WRITE_TRIES = const(3)
# A part that failed so often is asked again every so many steps, 0.6 s of ticks: a dead bus costs 2 ms a try.
REST_STEPS = const(64)


def fetch(fram: "Fram", address: int, view: memoryview) -> None:
    """Fill ``view`` from ``address``, in slices; raises OSError when one failed three times. Allocates."""
    for start in range(0, len(view), READ_SLICE):
        for tries in range(READ_TRIES):
            try:
                fram.read_into(address + start, view[start : start + READ_SLICE])
                break
            except OSError:
                if tries == READ_TRIES - 1:
                    raise


class WriteQueue:
    """Entries in memory of its own. ``faulty`` once an entry failed three times on end; it is then tried for ever on.

    ``placed`` counts the entries put in, ``durable`` those that stand in FRAM at their first address at least.
    """

    def __init__(self, fram: "Fram", octets: int = MEMORY, entries: int = MAX_ENTRIES) -> None:
        self._fram = fram
        self.memory = bytearray(octets)
        self.view = memoryview(self.memory)
        self._echo = memoryview(bytearray(SLICE))
        self._octets = octets
        self._entries = entries
        self._at = [0] * entries
        self._length = [0] * entries
        self._first = [0] * entries
        self._second = [0] * entries
        self._head = 0
        self._count = 0
        self._end = 0
        self._done = 0
        self._second_turn = False
        self._reading_back = False
        self._failures = 0
        self._rest = 0
        self.faulty = False
        self.placed = 0
        self.durable = 0

    def room(self, length: int, spare_entries: int = 0) -> int:
        """Return the offset in ``memory`` where ``length`` octets may be made, NO_ROOM for none.

        Entries within those octets may follow each other; ``spare_entries`` of them besides the first must fit, too.
        """
        if self._count + spare_entries >= self._entries:
            return NO_ROOM
        if self._count == 0:
            return 0 if length <= self._octets else NO_ROOM
        oldest = self._at[self._head]
        if self._end > oldest:
            if self._octets - self._end >= length:
                return self._end
            return 0 if oldest >= length else NO_ROOM
        return self._end if oldest - self._end >= length else NO_ROOM

    def put(self, at: int, length: int, first: int, second: int) -> None:
        """Queue the ``length`` octets made at ``at``, just returned by ``room``; ``second`` may be NO_COPY."""
        slot = (self._head + self._count) % self._entries
        self._at[slot] = at
        self._length[slot] = length
        self._first[slot] = first
        self._second[slot] = second
        self._end = at + length
        self._count += 1
        self.placed += 1

    def idle(self) -> bool:
        """Whether nothing waits."""
        return self._count == 0

    def step(self) -> bool:
        """Write or read back one slice; return True when nothing waits any more. Never raises."""
        if self._count == 0:
            return True
        if self._rest > 0:
            self._rest -= 1
            return False
        try:
            self._advance()
        except OSError:
            self._failed()
        return self._count == 0

    def flush(self) -> bool:
        """Step until all is durable or the part failed; return whether it is. For start-up: blocks."""
        while self._count and not self._rest:
            self.step()
        return self._count == 0

    def _advance(self) -> None:
        slot = self._head
        start = self._at[slot] + self._done
        left = self._length[slot] - self._done
        if left > SLICE:
            left = SLICE
        address = (self._second if self._second_turn else self._first)[slot] + self._done
        octets = self.view[start : start + left]
        if self._reading_back:
            self._fram.read_into(address, self._echo[:left])
            if self._echo[:left] != octets:
                self._failed()
                return
        else:
            self._fram.write(address, octets)
        self._done += left
        if self._done == self._length[slot]:
            self._done = 0
            if self._reading_back:
                self._copied(slot)
            self._reading_back = not self._reading_back

    def _copied(self, slot: int) -> None:
        """One copy stands in FRAM: go on with the second, or with the next entry."""
        self._failures = 0
        if not self._second_turn:
            self.durable += 1
            if self._second[slot] != NO_COPY:
                self._second_turn = True
                return
        self._second_turn = False
        self._head = (slot + 1) % self._entries
        self._count -= 1

    def _failed(self) -> None:
        """Begin this copy anew, after a rest when it failed too often."""
        self._done = 0
        self._reading_back = False
        self._failures += 1
        if self._failures >= WRITE_TRIES:
            self._failures = 0
            self._rest = REST_STEPS
            self.faulty = True
