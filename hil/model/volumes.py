"""True volumes against every ceiling, and against what the device says that it counts. The plant's tip is the truth."""

from collections import deque
from collections.abc import Callable
from itertools import chain

from hil.model import bounds
from hil.model.doses import Dose
from hil.plant.contents import AGENT, LineContents
from hil.plant.rig import SimulatedRig
from protocol import codes, messages, typed

NS_PER_S = 1_000_000_000
_APART_NS = 50_000_000
_NONE = bytes(8)
_CHANNELS = {number: name for name, number in codes.CHANNELS}
Find = Callable[[str, int, str], None]


class Rows:
    """Treatment and ceilings as people and clinic have set them in truth."""

    def __init__(self, treatment: bytes, ceilings: tuple[int, ...]) -> None:
        self.treatment = treatment
        self.clinic = ceilings
        self.plan = ceilings
        self.screening = codes.SCREENING_PASSED
        self.residual_nl = 0

    @property
    def row(self) -> tuple[int, ...]:
        """What binds now."""
        return bounds.strictest(self.clinic, self.plan)

    def after(self, number: int, values: tuple[int | bytes, ...]) -> "Rows":
        """Return what a confirmed act makes of it."""
        rows = Rows(self.treatment, self.clinic)
        rows.plan, rows.screening, rows.residual_nl = self.plan, self.screening, self.residual_nl
        numbers = tuple(value for value in values if isinstance(value, int))
        if number == messages.SET_CEILINGS:
            rows.clinic = numbers[1:]
        elif number == messages.CLOSE_TREATMENT:
            rows.treatment, rows.plan = _NONE, bounds.UNSET
            rows.screening, rows.residual_nl = codes.SCREENING_UNKNOWN, codes.UNKNOWN_NL
        elif number == messages.OPEN_TREATMENT:
            treatment = values[2]
            assert isinstance(treatment, bytes)
            rows.treatment, rows.plan = treatment, numbers[4:]
            rows.screening, rows.residual_nl = numbers[2], numbers[3]
        return rows

    @property
    def key(self) -> tuple[bytes, tuple[int, ...], tuple[int, ...], int, int]:
        """Return everything that is set, to compare."""
        return self.treatment, tuple(self.clinic), tuple(self.plan), self.screening, self.residual_nl

    def told(self, message: typed.Treatment) -> bool:
        """Whether that is what the device says."""
        row = message.values()[5:14]
        return (message.treatment, tuple(row)) == (self.treatment, self.row)


class Volumes:
    """Follows the tip. ``rows`` is what binds, by the least that people have confirmed.

    A press may have confirmed everything that was asked, or nothing: what else may bind is kept as long as the device
    says nothing that contradicts it.
    """

    def __init__(self, plant: SimulatedRig, rows: Rows, find: Find) -> None:
        self._plant = plant
        self._find = find
        self.rows = rows
        self.before = rows
        self._maybe: list[Rows] = []
        self.owner: Dose | None = None
        self.agent_nl = 0.0
        self._dipped_ns = self._moved_nothing = 0
        self.unseen_nl = 0.0
        """What steps have not pushed in dips of the supply that lay between two ticks, in truth."""

        self._tip_nl = 0.0
        self._agent_before_nl = 0.0
        self._agent_at_owner_nl = 0.0
        self._samples: deque[tuple[int, float]] = deque([(0, 0.0)])
        self._by_kind: dict[tuple[int, int], float] = {}

    @property
    def agent_since_nl(self) -> float:
        """Agent through the tip since the treatment was opened."""
        return self.agent_nl - self._agent_before_nl

    def of(self, *keys: tuple[int, int]) -> float:
        """Return what went to the patient in this treatment with doses of these kinds and channels."""
        return sum(self._by_kind.get(key, 0.0) for key in keys)

    def in_window_nl(self, now_ns: int, window_s: int) -> float:
        """Return the agent that passed the tip within the last so many seconds; rather too little than too much."""
        begin_ns = now_ns - window_s * NS_PER_S
        before_nl = next((nl for ns, nl in self._samples if ns >= begin_ns), self.agent_nl)
        return self.agent_nl - before_nl

    def settle(self, tip_nl: float, owner: Dose | None) -> None:
        """Count what has left the tip up to now for the dose that owned it; from now on ``owner`` does."""
        passed_nl, self._tip_nl = tip_nl - self._tip_nl, tip_nl
        if self.owner is not None:
            self.owner.tip_nl += passed_nl
            key = (self.owner.kind, self.owner.channel)
            self._by_kind[key] = self._by_kind.get(key, 0.0) + passed_nl
        elif passed_nl > bounds.ROUNDING_NL:
            self._find("flow without a dose", self._plant.now_ns, f"{passed_nl:.1f} nL left the tip")
        if owner is not self.owner:
            self._agent_at_owner_nl = self._plant.contents.tip[AGENT]
        self.owner = owner

    def look(self, now_ns: int) -> None:
        """Count, and hold everything against what binds."""
        if self._plant.tip_nl == self._tip_nl:
            return
        self.settle(self._plant.tip_nl, self.owner)
        agent_nl = self._plant.contents.tip[AGENT]
        if agent_nl > self.agent_nl + 1e-6:
            self.agent_nl = agent_nl
            if now_ns - self._samples[-1][0] >= _APART_NS:
                self._samples.append((now_ns, agent_nl))
            self._check_agent(now_ns)
        self._check_others(now_ns)

    def _check_agent(self, now_ns: int) -> None:
        rows, row = self.rows, self.rows.row
        if self.owner is not None and self.owner.kind == codes.KIND_RESCUE:
            # What stands between valve and tip goes before it: counted, and no reason to keep a rescue.
            before_nl = self.agent_nl - self._agent_at_owner_nl
            self._within("agent before a rescue", now_ns, before_nl, bounds.BEFORE_TIP_NL)
            return
        since_nl = self.agent_since_nl + (0 if rows.residual_nl == codes.UNKNOWN_NL else rows.residual_nl)
        self._within("agent of the treatment", now_ns, since_nl, row[2])
        if row[bounds.WINDOW_S]:
            longest_ns = now_ns - bounds.LONGEST_WINDOW_S * NS_PER_S
            while len(self._samples) > 1 and self._samples[1][0] < longest_ns:
                self._samples.popleft()
            self._within("agent in the window", now_ns, self.in_window_nl(now_ns, row[bounds.WINDOW_S]), row[3])
        if rows.screening == codes.SCREENING_FAILED:
            self._within("agent after a failed screening", now_ns, self.agent_since_nl, 0)
        elif rows.screening == codes.SCREENING_UNKNOWN or rows.residual_nl == codes.UNKNOWN_NL:
            self._within("agent unscreened", now_ns, self.agent_since_nl, bounds.most_of(bounds.SCREENING_NL))

    def _check_others(self, now_ns: int) -> None:
        dose, row = self.owner, self.rows.row
        if dose is None:
            return
        if dose.kind == codes.KIND_RESCUE:
            most_nl, total_nl = bounds.RESCUE_NL, bounds.RESCUE_TOTAL_NL
        else:
            most_nl, total_nl = (row[0], row[5], row[7])[dose.channel], (row[2], row[6], row[8])[dose.channel]
        if dose.kind == codes.KIND_SCREENING:
            most_nl = min(bounds.SCREENING_NL, most_nl)
        self._within("one dose", now_ns, dose.tip_nl, bounds.most_of(most_nl))
        if dose.channel == codes.CHANNEL_AGENT:
            return  # its treatment counts what of it was agent, whoever pushed it
        what = f"{_CHANNELS[dose.channel]} of the treatment, kind {dose.kind}"
        self._within(what, now_ns, self.of((dose.kind, dose.channel)), total_nl)

    def _within(self, what: str, now_ns: int, truth_nl: float, most_nl: float) -> None:
        if truth_nl > most_nl + bounds.ROUNDING_NL:
            self._find(f"ceiling: {what}", now_ns, f"{truth_nl:.1f} nL where {most_nl:.0f} are the most")

    def dipped(self, now_ns: int, begins: bool) -> None:
        """The supply of the motors goes, or comes back: no device sees a dip that lay between two ticks."""
        if begins:
            self._dipped_ns, self._moved_nothing = now_ns, sum(self._plant.unpowered_steps)
        elif now_ns - self._dipped_ns < bounds.DIP_NS:
            steps = sum(self._plant.unpowered_steps) - self._moved_nothing
            self.unseen_nl += steps * self._plant.parameters.step_nl

    @property
    def may_be_closed(self) -> bool:
        """Whether there may be no treatment: a person may have closed it, and the device has not told since."""
        return any(rows.treatment == _NONE for rows in (self.rows, *self._maybe))

    # What the device says of all that.

    def confirmed(self, number: int, values: tuple[int | bytes, ...]) -> None:
        """A person has confirmed an act of the clinic, if the device has seen it."""
        possible = {rows.key: rows for rows in self._maybe}
        for rows in (self.rows, *self._maybe):
            after = rows.after(number, values)
            possible.setdefault(after.key, after)
        possible.pop(self.rows.key, None)
        self._maybe = list(possible.values())

    def told(self, now_ns: int, message: typed.Treatment, at_rest: bool, restarted: bool, unread: bool = False) -> None:
        """The device tells treatment, ceilings and totals; just ``restarted`` it may not know the newest yet.

        ``unread``: it tells of none, and may well not have been able to read of any.
        """
        if not unread:
            self._learn(now_ns, message, restarted)
        if at_rest:
            self._check_totals(now_ns, message)

    def _learn(self, now_ns: int, message: typed.Treatment, restarted: bool) -> None:
        """Keep what the device's word leaves possible of treatment and ceilings."""
        possible = [rows for rows in (self.rows, *self._maybe) if rows.told(message)]
        if not possible and restarted and self.before.told(message):
            possible = [self.before]
        if not possible:
            text = f"{message.treatment.hex()} with {message.values()[5:14]}, not {self.rows.treatment.hex()}"
            self._find("treatment or ceilings without a person", now_ns, f"{text} with {self.rows.row}")
        elif possible[0] is not self.rows:
            self._take(possible[0])
        self._maybe = possible[1:]

    def _take(self, rows: Rows) -> None:
        self.settle(self._plant.tip_nl, self.owner)
        if rows.treatment not in (_NONE, self.rows.treatment):
            self._agent_before_nl = self.agent_nl
            self._by_kind.clear()
        self.before, self.rows = self.rows, rows

    def _check_totals(self, now_ns: int, message: typed.Treatment) -> None:
        counter, flush = codes.CHANNEL_COUNTER_AGENT, codes.CHANNEL_FLUSH
        counter_nl = self.of((codes.KIND_DOSE, counter), (codes.KIND_RESCUE, counter))
        # What a line that has not quite settled stores is no place in it: it goes to the waste when the valve turns.
        agent_nl = self._plant.contents.in_line()[AGENT] - max(0.0, self._plant.stored_nl) - self.unseen_nl
        truths = [("agent in the line", message.agent_in_line_nl, agent_nl)]
        if message.treatment == self.rows.treatment != _NONE:
            truths += [
                ("agent", message.agent_nl, self.agent_since_nl),
                ("counter-agent", message.counter_nl, counter_nl),
                ("flush", message.flush_nl, self.of((codes.KIND_DOSE, flush))),
            ]
        if message.window_s:
            truths.append(("window", message.in_window_nl, self.in_window_nl(now_ns, message.window_s)))
        for what, told_nl, true_nl in truths:
            if told_nl < true_nl - bounds.ROUNDING_NL:
                text = f"{told_nl} nL by the device's count, {true_nl:.1f} in truth"
                self._find(f"counted too little: {what}", now_ns, text)


def agent_before(contents: LineContents, volume_nl: float) -> float:
    """Return the agent in what stands so far before the tip, nL, in truth."""
    contents.settle()
    agent_nl = 0.0
    for kind, plug_nl in chain(reversed(contents.patient_line.plugs), reversed(contents.tube.plugs)):
        agent_nl += min(plug_nl, volume_nl) if kind == AGENT else 0.0
        volume_nl -= plug_nl
        if volume_nl <= 0:
            break
    return agent_nl
