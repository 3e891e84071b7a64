"""The judge of orders alone: of every rule it asks, the test sets the answer and sees what was asked."""

from types import SimpleNamespace

from device.dose_order import Order, OrderRules
from protocol import codes

BOOT = b"boot-one"
SESSION = b"sess"
FIRST = b"dose-one"
LAST = b"dose-zro"
TREATMENT = b"treatmnt"
LOT = b"lot-0001"
NONE = bytes(8)
DAY = 20_000
NOW_MS = 1_000
LEFT_MS = 5_000

FIELDS = {
    "dose_id": FIRST,
    "last": LAST,
    "boot": BOOT,
    "session": SESSION,
    "expires": NOW_MS + LEFT_MS,
    "kind": codes.KIND_DOSE,
    "channel": codes.CHANNEL_FLUSH,
    "profile": codes.PROFILE_CONSTANT,
    "lot": LOT,
    "volume": 2_000,
    "rate": 1_000,
    "end": 1_000,
    "segments": bytes(24),
    "treatment": TREATMENT,
}
WASTE = {"kind": codes.KIND_PRIME, "treatment": NONE}
AGENT = {"channel": codes.CHANNEL_AGENT}
COUNTER = {"channel": codes.CHANNEL_COUNTER_AGENT}
RESCUE = {"kind": codes.KIND_RESCUE, "channel": codes.CHANNEL_COUNTER_AGENT}


def order(**changes):
    """A flush of 2 uL to the patient, or what the changes make of it."""
    assert changes.keys() <= FIELDS.keys()
    return Order(tuple((FIELDS | changes).values()))


class Ask:
    """A rule that answers what the test sets, and keeps what it was asked."""

    def __init__(self, answer=0, **further):
        self.answer = answer
        self.asked = []
        vars(self).update(further)

    def __call__(self, *question):
        self.asked.append(question)
        return self.answer

    # The rules have names for what they do; the answer is the same.
    judge = left_nl = in_window = leaving = __call__


class Rig:
    """A controller at which nothing is in the way of any order, and its judge."""

    def __init__(self):
        self.service = False
        self.latches = SimpleNamespace(machine_cause=codes.CAUSE_NONE, stop_cause=codes.CAUSE_NONE)
        self.dose = SimpleNamespace(
            open=Ask(False),
            dose_id=LAST,
            kind=codes.KIND_DOSE,
            channel=codes.CHANNEL_FLUSH,
            lot=LOT,
            asked_nl=2_000,
            to_patient=True,
            moves_agent=False,
            valve_patient=False,
        )
        self.journal = SimpleNamespace(pending=Ask(False), last_dose_id=LAST)
        self.pressure = SimpleNamespace(settled_pa=0, settled_error_pa=Ask(200))
        self.selftest = Ask()
        self.interlocks = SimpleNamespace(forbids=Ask())
        self.suspension = Ask()
        self.cartridges = Ask(nearest=0)
        self.calibration = SimpleNamespace(bore_error_ppm=Ask(10_000))
        self.kept = SimpleNamespace(
            treatment=SimpleNamespace(
                judge_order=Ask(), judge_agent=Ask(), is_open=Ask(True), day=DAY, rescue_max_nl=0
            ),
            contents=SimpleNamespace(agent_in_line_nl=0, behind_valve_nl=0, leaving=Ask()),
            account=SimpleNamespace(intervals=Ask(nearest=0), window=Ask(4_321), play=Ask(70)),
            ceilings=Ask(nearest=0, window_s=600),
        )
        self.rules = OrderRules(self, BOOT)

    def flows(self, **changes):
        """Let a dose be open."""
        self.dose.open.answer = True
        vars(self.dose).update(changes)

    def judge(self, now_ms=NOW_MS, **changes):
        """Return the reason to refuse an order and the nearest allowed value."""
        return self.rules.judge(order(**changes), SESSION, now_ms), self.rules.nearest

    def judge_alone(self, **changes):
        """Return the reason to refuse a rescue that no host has ordered."""
        return self.rules.judge_alone(order(session=b"", boot=NONE, expires=0, **(RESCUE | changes)))
