"""The step program, executed cycle by cycle: what the model of the step generator is held against."""

from collections import deque

CYCLE_NS = 500
LOOPS_LESS = 8
PULL, OUT_PERIOD, OUT_COUNT, STEP, WAIT, DEAD, SAFE, HIGH, LOW, NEXT, MORE = range(11)


class StateMachine:
    """One PIO state machine at 2 MHz with the step program; a cycle is half a microsecond."""

    def __init__(self):
        self.fifo: deque[tuple[int, ...]] = deque()
        self.place = PULL
        self.delay = 0
        self.cycle = 0
        self.safe = True
        self.edges: list[int] = []
        self.x = self.y = self.isr = 0
        self.word: tuple[int, ...] = (0, 0)

    def run_to(self, now_ns):
        """Execute every cycle before ``now_ns``."""
        while self.cycle * CYCLE_NS < now_ns:
            if self.delay:
                self.delay -= 1
            else:
                self._execute()
            self.cycle += 1

    def _execute(self):
        place = self.place
        self.place += 1
        if place == PULL:
            if self.fifo:
                self.word = self.fifo.popleft()
            else:
                self.place = PULL
        elif place == OUT_PERIOD:
            self.isr = self.word[1] - LOOPS_LESS
        elif place == OUT_COUNT:
            self.x = self.word[0] - 1
        elif place == STEP:
            self.y = self.isr
        elif place == WAIT:
            self.place = SAFE if self.safe else DEAD
        elif place == DEAD:
            self.place = DEAD
        elif place == SAFE:
            self.place = WAIT if self.y else HIGH
            self.y -= 1
        elif place == HIGH:
            self.edges.append(self.cycle * CYCLE_NS)
            self.delay = 7
        elif place == NEXT:
            self.place = MORE if self.x else PULL
            self.x -= 1
        elif place == MORE:
            self.place = STEP
            self.delay = 2

    @property
    def dead(self):
        return self.place == DEAD
