"""A supervision whose sensors read what the test says.

An interval may be as long as a test likes: so one tick brings together what many would. Steps are of a nanolitre, and
pL are nL/s times ms.
"""

from device.supervision import Supervision
from protocol.codes import CAUSE_NONE

STEP_FL = 1_000_000
TICK_MS = 10
RELIEF_TICKS = 300
# So long constant readings fill the slowest filter exactly.
LONG = 2_000
# What flow may be off for long, nL/s.
DRIFT = 15


class Pressure:
    """Reads what the test says, without error."""

    pa = 0
    faulty = False

    def settled_error_pa(self):
        return 0


class Flow:
    """Reads what the test says."""

    flow_nl_s = 0
    faulty = False


class Bench:
    """A supervision and its sensors."""

    def __init__(self, step_fl=STEP_FL):
        self.pressure = Pressure()
        self.flow = Flow()
        self.supervision = Supervision(self.pressure, self.flow)
        if step_fl:
            self.supervision.calibrate(step_fl, 1_000_000)

    def tick(self, *, flow=0, steps=0, rate=0, pa=None, ms=TICK_MS):
        self.flow.flow_nl_s = flow
        if pa is not None:
            self.pressure.pa = pa
        return self.supervision.tick(steps, rate, ms)

    def press(self, pa):
        """Bring the slow pressure to ``pa``, at rest."""
        for _ in range(LONG):
            assert self.tick(pa=pa) == CAUSE_NONE

    def begin(self, pa=0, to_patient=True):
        self.press(pa)
        self.supervision.begin(to_patient)

    def flowing(self, pa=2_000):
        """A run in steady flow: 10 nL each tick at 1000 nL/s, all of which passes."""
        self.begin(pa)
        for _ in range(LONG):
            assert self.tick(flow=1_000, steps=10, rate=1_000) == CAUSE_NONE


def first(causes):
    """The number of the tick that named a cause first, and the cause."""
    return next((number, cause) for number, cause in enumerate(causes, 1) if cause != CAUSE_NONE)
