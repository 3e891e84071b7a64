"""The heartbeat's state machine: it pulses on counted words and falls silent by itself."""

EDGE_NS = 5_000_000
# A word is a rising and a falling edge. One waits and one runs: 20 ms at most.
EDGES_A_WORD = 2
MAX_QUEUED_WORDS = 1


class HeartbeatModel:
    """An edge every 5 ms as long as it is fed. From rest the first edge comes at once."""

    __slots__ = ("_left", "_next_ns", "now_ns")

    def __init__(self) -> None:
        self._left = 0  # edges of the running and the queued words that are still to come
        self._next_ns = 0
        self.now_ns = 0

    def feed(self) -> None:
        """Top the queue up."""
        if not self._left:
            self._next_ns = max(self._next_ns, self.now_ns)
        self._left = MAX_QUEUED_WORDS * EDGES_A_WORD + self._left % EDGES_A_WORD

    def stop(self) -> None:
        """Let no further edge out."""
        self._left = 0
        self._next_ns = 0

    def advance(self, until_ns: int) -> tuple[int, int, int] | None:
        """Let time pass and return the edges in it: first_ns, period_ns, count."""
        self.now_ns = until_ns
        if not self._left or self._next_ns > until_ns:
            return None
        count = min(self._left, (until_ns - self._next_ns) // EDGE_NS + 1)
        first_ns = self._next_ns
        self._left -= count
        self._next_ns += count * EDGE_NS
        return first_ns, EDGE_NS, count
