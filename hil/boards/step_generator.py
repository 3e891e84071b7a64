"""The step generator as the firmware's PIO program runs it: counted words, a SAFE jump, an exact halt."""

from collections import deque

FIFO_WORDS = 4
MAX_STEPS = 1023
MIN_PERIOD_US = 20
MAX_PERIOD_US = 1_048_575
# So long after a word's last rising edge the next one is looked for; one that is pulled later is late by as much.
PULL_AFTER_EDGE_NS = 5_000
# SAFE is sampled every microsecond while waiting: first so long after an edge, last one microsecond before the next.
SAMPLE_AFTER_EDGE_NS = 7_000
SAMPLE_NS = 1_000
NEVER_NS = 1 << 62

Run = tuple[int, int, int]  # first_ns, period_ns, count


class StepGeneratorModel:
    """One step channel. Words are (steps, period); a word that follows without a pause keeps the spacing."""

    __slots__ = (
        "_count",
        "_dead",
        "_death_ns",
        "_done_words",
        "_emitted",
        "_fifo",
        "_halted",
        "_period_ns",
        "_safe",
        "_start_ns",
        "now_ns",
        "running",
    )

    def __init__(self) -> None:
        self._fifo: deque[tuple[int, int]] = deque()
        self._done_words = 0
        self._safe = False
        self.now_ns = 0
        self._idle()
        self._halted = True
        self._dead = False

    # What the firmware sees.

    def put(self, steps: int, period_us: int) -> None:
        """Queue one word. Raises ValueError for a word that does not fit the register, RuntimeError on a full FIFO."""
        if not (1 <= steps <= MAX_STEPS and MIN_PERIOD_US <= period_us <= MAX_PERIOD_US):
            raise ValueError(f"no such word: {steps} steps of {period_us} us")
        if len(self._fifo) >= FIFO_WORDS:
            raise RuntimeError("the FIFO is full: on the controller this would wait for ever; look at free() first")
        self._fifo.append((steps, period_us * 1000))
        if not (self.running or self._halted or self._dead):
            self._pull(self.now_ns)

    def free(self) -> int:
        """Return the number of words that fit now."""
        return FIFO_WORDS - len(self._fifo)

    def completed(self) -> int:
        """Return the number of words finished since the last call, in order."""
        done = self._done_words
        self._done_words = 0
        return done

    def halt(self) -> int:
        """Stop at once and return the steps whose edge has not left the pin."""
        left = sum(steps for steps, _ in self._fifo)
        if self.running or self._dead:
            left += self._count - self._emitted
        self._fifo.clear()
        self._done_words = 0
        self._idle()
        self._halted = True
        return left

    def arm(self) -> None:
        """Make ready with an empty FIFO."""
        self.halt()
        self._halted = False
        self._dead = False

    def dead(self) -> bool:
        """Tell whether the SAFE jump was taken since the last ``arm``."""
        return self._dead

    def reset(self) -> None:
        """Forget everything, as the reset of the controller does."""
        self.halt()
        self._dead = False

    # What the bench does.

    def set_safe(self, level: bool) -> None:
        """SAFE has this level from now on."""
        self._safe = level
        self._death_ns = NEVER_NS
        if not level and self.running and self._emitted < self._count:
            self._death_ns = self._next_sample_ns(self.now_ns)

    @property
    def next_ns(self) -> int:
        """When the next rising edge is due, or the next word is looked for; NEVER_NS where neither is."""
        if not self.running:
            return NEVER_NS
        if self._emitted < self._count:
            return self._start_ns + (self._emitted + 1) * self._period_ns
        return self._start_ns + self._count * self._period_ns + PULL_AFTER_EDGE_NS

    def advance(self, until_ns: int) -> list[Run]:
        """Let time pass and return the rising edges in it."""
        self.now_ns = until_ns
        runs: list[Run] = []
        while self.running:
            left = self._count - self._emitted
            if left:
                limit_ns = min(until_ns, self._death_ns - 1)
                steps = min(left, (limit_ns - self._start_ns) // self._period_ns - self._emitted)
                if steps > 0:
                    first_ns = self._start_ns + (self._emitted + 1) * self._period_ns
                    runs.append((first_ns, self._period_ns, steps))
                    self._emitted += steps
                    left -= steps
                if left:
                    if self._death_ns <= until_ns:
                        self._die()
                    break
            edge_ns = self._start_ns + self._count * self._period_ns
            if edge_ns + PULL_AFTER_EDGE_NS > until_ns:
                break
            self._done_words += 1
            self._idle()
            if self._fifo:
                self._pull(edge_ns + PULL_AFTER_EDGE_NS)
        return runs

    def _pull(self, now_ns: int) -> None:
        """Take the next word: its steps are timed as if an edge had gone before it."""
        self._count, self._period_ns = self._fifo.popleft()
        self._emitted = 0
        self._start_ns = now_ns - PULL_AFTER_EDGE_NS
        self.running = True
        self._death_ns = NEVER_NS if self._safe else self._next_sample_ns(now_ns)

    def _next_sample_ns(self, now_ns: int) -> int:
        """Return when SAFE is looked at next: on a grid of microseconds that ends before the rising edge."""
        previous_ns = self._start_ns + self._emitted * self._period_ns
        edge_ns = previous_ns + self._period_ns
        if now_ns > edge_ns - SAMPLE_NS:  # this edge can no longer be held back
            if self._emitted + 1 == self._count:
                return NEVER_NS  # the next word dies when it is pulled
            previous_ns = edge_ns
            edge_ns += self._period_ns
        from_ns = max(now_ns, previous_ns + SAMPLE_AFTER_EDGE_NS)
        return edge_ns - (edge_ns - from_ns) // SAMPLE_NS * SAMPLE_NS

    def _die(self) -> None:
        self.running = False
        self._dead = True
        self._death_ns = NEVER_NS

    def _idle(self) -> None:
        self.running = False
        self._count = 0
        self._emitted = 0
        self._period_ns = 0
        self._start_ns = 0
        self._death_ns = NEVER_NS
