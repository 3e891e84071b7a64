"""Volume and rate to steps, in grants: what the step generator may still emit without Python.

A grant is a word for the step generator: so many times, wait one period, then pulse. At most GRANT_US of steps is
outstanding over the whole queue; where one step takes longer, its word is given only when the step is due within that
time. So flow ends by itself at most GRANT_US after the last tick. A rate that changes is a staircase of words.
"""

from device.clock import WRAP_MASK, ticks_diff
from device.limits import STEP_FL
from device.profile import Profile
from protocol.compat import const

TYPE_CHECKING = False
if TYPE_CHECKING:
    from device.boards.interface import StepGenerator
    from device.journal import Journal

# Steps lag behind the plan by what Python needs between reading the clock and filling the queue, 0.3 ms on the emulated
# Pico: with that, flow still ends 40 ms after the processor does.
GRANT_US = const(39_000)
# In a tick that may wait, a step not given yet that is due no sooner than this is left to the next tick. That comes
# 15 ms before it: neither a tick that is late by a whole one nor a mark refused once delays the step.
SPARE_US = const(25_000)
# The generator marks each finished word in a queue of four; a fifth outstanding word could finish unseen.
MAX_WORDS = const(4)
MAX_WORD_STEPS = const(1023)
MIN_PERIOD_US = const(20)
# A transfer may fail once in a while; the grant that is outstanding bridges one tick at least, and then flow waits.
MAX_REFUSED_MARKS = const(8)


class Pump:
    """Drives one channel's step generator through one run of steps along one profile.

    Invariant: ``emitted_steps`` <= steps that left the pin <= ``granted_steps`` <= ``asked_steps``; at rest the first
    three are equal. No word is given before the journal holds the steps granted with it.
    """

    def __init__(self, generator: "StepGenerator", journal: "Journal") -> None:
        self._generator = generator
        self._journal = journal
        self.profile = Profile()
        # A ring of words: the outstanding ones, and behind them those that are planned and not given yet.
        self._words = [0] * MAX_WORDS
        self._word_us = [0] * MAX_WORDS
        self._first = 0
        self._outstanding = 0
        self._planned = 0
        self._planned_steps = 0
        self._step_fl = STEP_FL
        self._period_us = 0
        self._period_rest = 0
        self._error = 0
        self._due_us = 0
        self._marked = True
        self._refused_marks = 0
        # Set while the journal's bus is held: nobody asks it then, and no word is given.
        self.held = False
        # Set in a tick that has other things to do: it tops nothing up that the next one can top up in time.
        self.may_wait = False
        self._waited = False
        self.rate_nl_s = 0
        self.asked_steps = 0
        self.granted_steps = 0
        self.emitted_steps = 0
        self.running = False

    def load(self, generator: "StepGenerator", pieces: list, steps: int, step_fl: int) -> None:
        """Take a new run of ``steps`` of ``step_fl`` fL each along ``pieces``; nothing moves before ``start``."""
        self._generator = generator
        self._step_fl = step_fl
        self.profile.load(pieces, steps)
        self.asked_steps = steps
        self.granted_steps = 0
        self.emitted_steps = 0
        self._marked = False
        self._refused_marks = 0
        self.running = False

    def start(self, now_us: int) -> None:
        """Begin, or go on with the run where it was."""
        self._set_rate(self.profile.rate_at(self.granted_steps))
        self._error = 0
        self._due_us = now_us
        self._outstanding = 0
        self._waited = False
        self._generator.arm()
        self.running = True

    def tick(self, now_us: int, budget_us: int, step_limit: int, rate_limit_nl_s: int) -> bool:
        """Count the words that are done and top up the grant; False when the journal takes no marks any more.

        What is outstanding ends within ``budget_us``; no more than ``step_limit`` steps of the run are ever granted,
        and none faster than ``rate_limit_nl_s``.
        """
        if not self.running:
            return True
        self._count_finished()
        if self.may_wait and ticks_diff(self._due_us, now_us) + self._period_us >= SPARE_US:
            self._waited = True
            return True
        if step_limit > self.asked_steps:
            step_limit = self.asked_steps
        if budget_us > GRANT_US:
            budget_us = GRANT_US
        self._planned = 0
        self._planned_steps = 0
        due_us = self._due_us
        error = self._error
        while self._outstanding + self._planned < MAX_WORDS:
            left = step_limit - self.granted_steps - self._planned_steps
            if left < 1 or not self._plan(now_us, budget_us, left, rate_limit_nl_s):
                break
        if self._planned and not self._give():
            self._due_us = due_us
            self._error = error
        self._waited = False
        return self._refused_marks < MAX_REFUSED_MARKS

    def dead(self) -> bool:
        """Whether the generator was cut by the SAFE line."""
        return self.running and self._generator.dead()

    def halt(self) -> None:
        """Let no further step out; afterwards ``emitted_steps`` is exact. Does nothing at rest."""
        if not self.running:
            return
        self.granted_steps -= self._generator.halt()
        self.emitted_steps = self.granted_steps
        self._marked = False
        self.running = False

    def mark(self) -> bool:
        """Tell the journal the exact count at rest, once; return whether it has taken it."""
        if not self._marked:
            self._marked = self._mark(self.granted_steps)
        return self._marked

    def journal_lost(self) -> bool:
        """Whether the journal takes no marks any more."""
        return self._refused_marks >= MAX_REFUSED_MARKS

    def _mark(self, granted_steps: int) -> bool:
        if self.held or not self._journal.mark(granted_steps, self.emitted_steps):
            self._refused_marks += 1
            return False
        self._refused_marks = 0
        return True

    def _count_finished(self) -> None:
        finished = self._generator.completed()
        while finished > 0 and self._outstanding > 0:
            self.emitted_steps += self._words[self._first]
            self._first = (self._first + 1) % MAX_WORDS
            self._outstanding -= 1
            finished -= 1

    def _plan(self, now_us: int, budget_us: int, left: int, rate_limit_nl_s: int) -> bool:
        """Plan one word of ``left`` steps at most; return whether another one may follow it now."""
        self._follow_profile(rate_limit_nl_s)
        period_us = self._period_us
        if self._error > 0:
            period_us += 1
        ahead_us = ticks_diff(self._due_us, now_us)
        word_us = period_us
        if ahead_us < 0:
            word_us = ahead_us + period_us
            if word_us < MIN_PERIOD_US:
                # The queue ran dry because a tick was late: the time is lost, never made up by a burst.
                self._due_us = now_us
                ahead_us = 0
                word_us = period_us
        # A step that is due before a whole period has passed makes a word of its own.
        steps = (budget_us - ahead_us) // period_us if word_us == period_us else 1 if word_us <= budget_us else 0
        if steps > left:
            steps = left
        if steps > MAX_WORD_STEPS:
            steps = MAX_WORD_STEPS
        if steps < 1:
            return False
        self._add(steps, word_us, period_us)
        # A word at a constant rate that nothing cut short leaves no room for one more step.
        return word_us != period_us or steps == MAX_WORD_STEPS or not self.profile.constant

    def _follow_profile(self, rate_limit_nl_s: int) -> None:
        """Take the rate of the profile in the middle of the next word."""
        rates = self.profile
        if rates.constant and self.rate_nl_s == rates.first_rate_nl_s and self.rate_nl_s <= rate_limit_nl_s:
            return
        step = self.granted_steps + self._planned_steps
        rate_nl_s = rates.rate_at(step + self._middle(step))
        self._set_rate(rate_nl_s if rate_nl_s < rate_limit_nl_s else rate_limit_nl_s)

    def _middle(self, step: int) -> int:
        """Return how many steps half of the next word takes, at the rate that holds now.

        Once it flows a word is about a tick long, or two after one that has waited.
        """
        if self._outstanding + self._planned == 0:
            half_us = GRANT_US >> 1
        else:
            half_us = GRANT_US >> 2 if self._waited else GRANT_US >> 3
        ahead = half_us // self._period_us
        return ahead if step + ahead < self.asked_steps else 0

    def _set_rate(self, rate_nl_s: int) -> None:
        if rate_nl_s != self.rate_nl_s:
            self.rate_nl_s = rate_nl_s
            self._error = 0
        # A femtolitre over a nanolitre a second is a microsecond.
        self._period_us = self._step_fl // rate_nl_s
        self._period_rest = self._step_fl % rate_nl_s

    def _add(self, steps: int, word_us: int, period_us: int) -> None:
        """Plan ``steps`` spaced ``word_us``; the plan moves on by ``steps`` times ``period_us``."""
        place = (self._first + self._outstanding + self._planned) % MAX_WORDS
        self._words[place] = steps
        self._word_us[place] = word_us
        self._planned += 1
        self._planned_steps += steps
        self._due_us = (self._due_us + steps * period_us) & WRAP_MASK
        self._error += steps * (self._period_rest - (period_us - self._period_us) * self.rate_nl_s)

    def _give(self) -> bool:
        """Mark what is planned in the journal, then put it; when the journal does not take it, put nothing: False."""
        granted_steps = self.granted_steps + self._planned_steps
        if not self._mark(granted_steps):
            return False
        for _ in range(self._planned):
            place = (self._first + self._outstanding) % MAX_WORDS
            self._generator.put(self._words[place], self._word_us[place])
            self._outstanding += 1
        self.granted_steps = granted_steps
        return True
