"""A dose machine alone, on a fake generator and a fake journal: time is what the test says it is."""

from device import limits
from device.dose import DoseMachine
from device.line import LineAccount
from device.permit import PermitGate
from device.pump import Pump
from protocol import codes
from tests.device.fakes import FakeBoard, FakeJournal

FIRST = b"dose-one"
RIG = b"rig-0001"
TREATMENT = b"treatmnt"
LOT = b"lot-0001"


class Sensor:
    """Readings the test sets."""

    pa = 0
    settled_pa = 0
    flow_nl_s = 0
    faulty = False

    def error_pa(self):
        return 300

    def settled_error_pa(self):
        return 200


class Ledger:
    """What the machine tells of its doses."""

    def __init__(self):
        self.takes = True
        self.outcomes = []
        self.ended_ms = []

    def accepted(self, dose, now_ms):
        return self.takes

    def ended(self, dose, now_ms):
        self.outcomes.append((dose.dose_id, dose.state, dose.cause, dose.pump.emitted_steps))
        self.ended_ms.append(now_ms)


class Asked:
    """An order that was judged good."""

    def __init__(self, **changes):
        self.dose_id = FIRST
        self.treatment = TREATMENT
        self.lot = LOT
        self.kind = codes.KIND_DOSE
        self.channel = codes.CHANNEL_FLUSH
        self.volume_nl = 2_000
        self.rates = (1_000, 1_000)
        self.agent_nl = 0
        self.by_permit = False
        for name, value in changes.items():
            setattr(self, name, value)
        self.to_patient = self.kind <= codes.KIND_RESCUE
        self.pieces = [(self.volume_nl, *self.rates)]


class Bench:
    """A dose machine, its clock and its sensors."""

    def __init__(self):
        self.board = FakeBoard()
        self.journal = FakeJournal()
        self.pump = Pump(self.board.steps[2], self.journal)
        self.sensor = Sensor()
        self.gate = PermitGate()
        self.ledger = Ledger()
        self.dose = DoseMachine(self.pump, LineAccount(), self.sensor, self.sensor, self.gate, self.ledger)
        self.counter = 0

    @property
    def now_ms(self):
        return self.board.us // 1000

    def order(self, **changes):
        clear_nl = changes.pop("clear_nl", 0)
        return self.dose.accept(Asked(**changes), self.board.steps[2], clear_nl, limits.STEP_FL, self.now_ms)

    def agent(self, **changes):
        return self.order(**{"by_permit": True, "agent_nl": 2_000} | changes)

    def permit(self, life_ms=2_000, volume_nl=100_000, rate_nl_s=20_000):
        values = (RIG, b"", 0, TREATMENT, LOT, FIRST, self.now_ms + life_ms, volume_nl, rate_nl_s)
        return self.gate.offer(values, self.now_ms, RIG, TREATMENT, LOT, FIRST, self.pump.emitted_steps)

    def tick(self, times=1):
        cause = codes.CAUSE_NONE
        for _ in range(times):
            self.board.us += 10_000
            cause = cause or self.dose.tick(self.now_ms, self.board.us, 10)
        return cause

    def stop(self, cause=codes.CAUSE_OPERATOR):
        self.dose.stop(cause, self.now_ms)

    def edges(self):
        self.board.steps[2].advance()
        return len(self.board.steps[2].edges_us)

    def until(self, state, ticks=1_000):
        for _ in range(ticks):
            if self.dose.state == state:
                return
            self.tick()
        raise AssertionError(f"state {state} never came, it is {self.dose.state}")
