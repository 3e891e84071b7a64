"""Volume and rate to steps, in grants: what the step generator may still emit without Python.

A grant is a word for the step generator: so many times, wait one period, then pulse. At most GRANT_US of steps is
outstanding over the whole queue; where one step takes longer, its word is given only when the step is due within that
time. So flow ends by itself at most GRANT_US after the last tick.
"""

from device.clock import WRAP_MASK, ticks_diff
from device.limits import STEP_PL
from protocol.compat import const

TYPE_CHECKING = False
if TYPE_CHECKING:
    from device.boards.interface import StepGenerator

# Steps lag behind the plan by what Python needs between reading the clock and filling the queue, 0.3 ms on the emulated
# Pico: with that, flow still ends 40 ms after the processor does.
GRANT_US = const(39_000)
# The generator marks each finished word in a queue of four; a fifth outstanding word could finish unseen.
MAX_WORDS = const(4)
MAX_WORD_STEPS = const(1023)
MIN_PERIOD_US = const(20)


class Pump:
    """Drives one channel's step generator through one run of steps at one rate.

    Invariant: ``emitted_steps`` <= steps that left the pin <= ``granted_steps`` <= ``asked_steps``; at rest the first
    three are equal.
    """

    def __init__(self, generator: "StepGenerator") -> None:
        self._generator = generator
        self._words = [0] * MAX_WORDS
        self._first = 0
        self._outstanding = 0
        self._period_us = 0
        self._period_rest = 0
        self._rate_nl_s = 0
        self._error = 0
        self._due_us = 0
        self.asked_steps = 0
        self.granted_steps = 0
        self.emitted_steps = 0
        self.running = False

    def load(self, generator: "StepGenerator", steps: int) -> None:
        """Take a new run of ``steps`` on ``generator``; nothing moves before ``start``."""
        self._generator = generator
        self.asked_steps = steps
        self.granted_steps = 0
        self.emitted_steps = 0
        self._outstanding = 0
        self.running = False

    def start(self, rate_nl_s: int, now_us: int) -> None:
        """Begin or go on with the run at ``rate_nl_s`` nL/s."""
        step_us_nl_s = STEP_PL * 1000
        self._rate_nl_s = rate_nl_s
        self._period_us = step_us_nl_s // rate_nl_s
        self._period_rest = step_us_nl_s % rate_nl_s
        self._error = 0
        self._due_us = now_us
        self._outstanding = 0
        self._generator.arm()
        self.running = True

    def tick(self, now_us: int) -> None:
        """Count the words that are done and top up the grant."""
        if not self.running:
            return
        self._count_finished()
        while self._outstanding < MAX_WORDS and self.granted_steps < self.asked_steps:
            if not self._grant(now_us):
                break

    @property
    def done(self) -> bool:
        """Whether every step asked for has left the pin."""
        return self.emitted_steps == self.asked_steps

    def dead(self) -> bool:
        """Whether the generator was cut by the SAFE line."""
        return self.running and self._generator.dead()

    def halt(self) -> None:
        """Let no further step out; afterwards ``emitted_steps`` is exact. Does nothing at rest."""
        if not self.running:
            return
        self.granted_steps -= self._generator.halt()
        self.emitted_steps = self.granted_steps
        self._outstanding = 0
        self.running = False

    def _count_finished(self) -> None:
        finished = self._generator.completed()
        while finished > 0 and self._outstanding > 0:
            self.emitted_steps += self._words[self._first]
            self._first = (self._first + 1) % MAX_WORDS
            self._outstanding -= 1
            finished -= 1

    def _grant(self, now_us: int) -> bool:
        """Queue one word; return False when none may be given now."""
        ahead_us = ticks_diff(self._due_us, now_us)
        period_us = self._period_us
        if self._error > 0:
            period_us += 1
        if ahead_us <= 0:
            return self._grant_next(ahead_us + period_us, period_us, now_us)
        steps = (GRANT_US - ahead_us) // period_us
        left = self.asked_steps - self.granted_steps
        if steps > left:
            steps = left
        if steps > MAX_WORD_STEPS:
            steps = MAX_WORD_STEPS
        if steps < 1:
            return False
        self._put(steps, period_us, period_us)
        return True

    def _grant_next(self, wait_us: int, period_us: int, now_us: int) -> bool:
        """Queue the one step that is due ``wait_us`` from now, the queue being empty or about to be."""
        if wait_us > GRANT_US:
            return False
        if wait_us < MIN_PERIOD_US:
            # The queue ran dry because a tick was late: the time is lost, never made up by a burst.
            wait_us = MIN_PERIOD_US
            self._due_us = (now_us + wait_us - period_us) & WRAP_MASK
        self._put(1, wait_us, period_us)
        return True

    def _put(self, steps: int, word_us: int, period_us: int) -> None:
        """Queue ``steps`` spaced ``word_us``; the plan moves on by ``steps`` times ``period_us``."""
        self._generator.put(steps, word_us)
        self._words[(self._first + self._outstanding) % MAX_WORDS] = steps
        self._outstanding += 1
        self.granted_steps += steps
        self._due_us = (self._due_us + steps * period_us) & WRAP_MASK
        self._error += steps * (self._period_rest - (period_us - self._period_us) * self._rate_nl_s)
