"""Walks through a run in the order of time and holds every step edge against what may flow at that instant.

What may flow is derived from the pins of the machine, the frames that arrived and the faults that struck. What the
device says of itself is used against it only: a dose it calls ended or refused may emit nothing more.
"""

from bisect import bisect_right
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

from hil.faults import vocabulary as v
from hil.model.permits import PermitBook, Proof
from hil.model.voice import Said
from hil.storm import promises
from hil.storm.evidence import Evidence, Told
from hil.storm.frames import SeenFrame
from hil.violation import Violation
from protocol import codes, messages, typed

_LONGEST_FRAME_NS = 2_000_000
_ENDED = (codes.DOSE_DELIVERED, codes.DOSE_PARTIAL)
_PAUSED = (codes.DOSE_PAUSING, codes.DOSE_PAUSED)
_BEGUN = (codes.DOSE_ACCEPTED, codes.DOSE_RUNNING)
_MACHINE = codes.INPUT_ESTOP_HEALTHY | codes.INPUT_DOOR_CLOSED
_UPTIME_SLACK_NS = 50_000_000


@dataclass(slots=True)
class Asked:
    """An order that may flow: its steps, and how many of them have left the pin."""

    order: typed.DoseOrder
    arrived_ns: int
    steps: int
    counted: int = 0
    confirmed_ns: int = -1
    """When a person stood for its permit."""

    @property
    def by_permit(self) -> bool:
        """Whether it flows under a permit only, wherever agent stands in the line."""
        if self.order.kind == codes.KIND_RESCUE:
            return self.confirmed_ns < 0
        return self.order.channel != codes.CHANNEL_FLUSH


class Walk:
    """One pass over the evidence; ``violations`` and, by dose, ``counted`` edges are the result."""

    def __init__(self, evidence: Evidence) -> None:
        self._evidence = evidence
        self._edges = sorted(edge for edges in evidence.edges.values() for edge in edges)
        assert evidence.provision is not None
        self._proof = Proof(evidence.provision)
        self._book = PermitBook(evidence.provision.rig, evidence.step_nl)
        self._stop_ns = promises.STOP_NS[evidence.schedule.target]
        self.violations: list[Violation] = []
        self.counted: dict[bytes, int] = {}
        self.accepted: dict[bytes, Told] = {}
        self.ended: dict[bytes, Told] = {}
        self._asked: dict[bytes, Asked] = {}  # orders that may flow now
        self._current = b""
        self._forbidden: dict[str, int] = {}  # why nothing may flow, and from when on
        self._powered = True
        self._hung = False
        self._boot_ns = 0
        self._boot = b""
        self._began_ns = 0  # when the device's clock was 0, by its own word
        self._restarted = True
        self._latched = False
        self._clear_ns: int | None = None
        self._resume_ns: int | None = None
        self._resumed_ns = 0
        self._cleared_ns = -promises.PERSON_NS
        self._heard_ns = 0
        self._inputs = evidence.inputs[0][1] if evidence.inputs else 0
        self._low_ns = 0
        self._boot_steps = 0
        self._passed_ns = -1
        self._last_edge_ns = 0

    def run(self) -> None:
        """Judge every edge."""
        for now_ns, _, act in sorted(self._events(), key=lambda event: event[:2]):
            self._pass_edges(now_ns)
            act(now_ns)
        self._pass_edges(self._evidence.end_ns)

    def _events(self) -> list[tuple[int, int, Callable[[int], None]]]:
        evidence = self._evidence
        found: list[tuple[int, Callable[[int], None]]] = [(ns, self._power(on)) for ns, on in evidence.power]
        found += [(frame.now_ns, self._frame(frame)) for frame in evidence.to_device]
        found += [(ns, self._pins(inputs)) for ns, inputs in evidence.inputs[1:]]
        found += [(struck.now_ns, self._struck(struck.fault)) for struck in evidence.struck if struck.begins]
        found += [(told.now_ns, self._told(told)) for told in evidence.told]
        found += [(ns, self._stop_confirmed) for ns in evidence.stops_seen_ns]
        stood = [(ns + promises.STANDING_NS, inputs) for ns, inputs in evidence.inputs]
        found += [(ns, self._stood) for ns, inputs in stood if inputs & _MACHINE != _MACHINE and ns < evidence.end_ns]
        return [(ns, number, act) for number, (ns, act) in enumerate(found)]

    # Edges.

    def _pass_edges(self, until_ns: int) -> None:
        edges, from_ns = self._edges, self._passed_ns
        first, last = bisect_right(edges, from_ns), bisect_right(edges, until_ns)
        self._passed_ns = max(self._passed_ns, until_ns)
        if first == last:
            return
        self._check_forbidden(edges[last - 1], edges[first:last])
        self._check_heard(edges[last - 1])
        self._check_spacing(edges[max(0, first - 1) : last])
        for channel, times in self._evidence.edges.items():
            here = times[bisect_right(times, from_ns) : bisect_right(times, until_ns)]
            if here:
                self._attribute(channel, here)
        self._last_edge_ns = edges[last - 1]
        self._boot_steps += last - first
        if self._boot_steps * promises.STEP_PL > promises.MAX_TOTAL_NL * 1010:
            self._find("ceiling", self._last_edge_ns, f"{self._boot_steps} steps since the controller started")

    def _check_forbidden(self, last_ns: int, edges: list[int]) -> None:
        for why, from_ns in self._forbidden.items():
            if last_ns > from_ns:
                late = len(edges) - bisect_right(edges, from_ns)
                self._find(why, last_ns, f"{late} edges, the last {(last_ns - from_ns) / 1e6:.3f} ms too late")
                return

    def _check_heard(self, last_ns: int) -> None:
        current = self._asked.get(self._current)
        if current is not None and current.order.kind == codes.KIND_RESCUE:
            return  # the host may be gone
        late_ns = last_ns - self._heard_ns - promises.LINK_LOST_NS - self._grant_ns()
        if late_ns > 0:
            self._find("flow without a link", last_ns, f"{late_ns / 1e6:.1f} ms after the bound")

    def _check_spacing(self, edges: list[int]) -> None:
        closest_ns = min((b - a for a, b in pairwise(edges)), default=promises.SLOWEST_PERIOD_NS)
        if closest_ns < promises.FASTEST_PERIOD_NS:
            self._find("rate ceiling", edges[-1], f"two edges {closest_ns / 1e3:.1f} us apart")

    def _attribute(self, channel: int, edges: list[int]) -> None:
        count = len(edges)
        for dose_id in [self._current, *reversed(self._asked)]:
            asked = self._asked.get(dose_id)
            if asked is None or not count or asked.order.channel != channel:
                continue
            taken = min(count, asked.steps - asked.counted)
            asked.counted += taken
            count -= taken
            if taken:
                self.counted[dose_id] = self.counted.get(dose_id, 0) + taken
                self._check_permit(asked, edges[0], edges[taken - 1])
        if count:
            self._find(
                "edges without an order", edges[0], f"{count} edges of channel {channel} that no order asked for"
            )

    def _check_permit(self, asked: Asked, first_ns: int, last_ns: int) -> None:
        """What wants a permit flows within the time and the volume of one that is proven, new and meant for it."""
        if not asked.by_permit or asked.order.dose_id != self._current:
            return
        fault = self._book.fault(first_ns, last_ns, asked.counted)
        if fault is not None:
            self._find("agent without a permit", last_ns, f"edges of channel {asked.order.channel} {fault}")

    def _grant_ns(self) -> int:
        return promises.GRANT_NS + promises.SLOWEST_PERIOD_NS

    # What happens.

    def _power(self, on: bool) -> Callable[[int], None]:
        def act(now_ns: int) -> None:
            self._powered = on
            if on:
                self._start(now_ns)
            else:
                self._asked.clear()
                self._forbidden["edges without power"] = now_ns

        return act

    def _start(self, now_ns: int) -> None:
        """The controller starts anew: orders and latch are gone, as this firmware keeps them in RAM."""
        self._boot_ns = now_ns
        self._hung = self._latched = False
        self._restarted = True
        self._boot = b""
        self._boot_steps = 0
        self._asked.clear()
        self._forbidden.clear()
        self._clear_ns = self._resume_ns = None

    def _struck(self, fault: v.Fault) -> Callable[[int], None]:
        def act(now_ns: int) -> None:
            if not self._powered:
                return
            if isinstance(fault, v.FirmwareReset):
                self._start(now_ns)
            elif isinstance(fault, v.FirmwareHang | v.FirmwareKilled):
                # Until a person clears what the watchdog's reset latches.
                self._hung = self._latched = self._restarted = True
                self._forbidden.setdefault("edges after a hang", now_ns + self._grant_ns())
                self._boot = b""
                self._boot_steps = 0
                self._clear_ns = None

        return act

    def _frame(self, frame: SeenFrame) -> Callable[[int], None]:
        def act(now_ns: int) -> None:
            if not self._powered:
                return
            self._heard_ns = now_ns
            if frame.number == messages.STOP:
                self._stopped(now_ns)
            elif frame.number == messages.CLEAR:
                self._clear_ns = now_ns
            elif frame.number == messages.RESUME:
                self._resume_ns = now_ns
            elif isinstance(frame.message, typed.DoseOrder):
                self._ordered(frame.message, now_ns)
            elif isinstance(frame.message, typed.Permit):
                self._permitted(frame, frame.message)

        return act

    def _permitted(self, frame: SeenFrame, permit: typed.Permit) -> None:
        said = Said(frame.number, permit.values(), frame.session, frame.seq, frame.octets)
        asked = self._asked.get(self._current)
        if asked is not None and self._proof.holds(said):
            expires_ns = self._began_ns + permit.expires_ms * 1_000_000 + promises.CLOCK_SLACK_NS
            self._book.take(frame.now_ns, permit, expires_ns, asked.counted)

    def _stopped(self, now_ns: int) -> None:
        # A controller that hangs, or started in the middle of the frame, has not seen it.
        if not self._hung and now_ns - self._boot_ns > _LONGEST_FRAME_NS:
            self._latch("edges after a stop", now_ns + self._stop_ns)

    def _stop_confirmed(self, now_ns: int) -> None:
        """A host was told that the stop is latched: so it is, whatever latched it, unless a person came since."""
        late = now_ns - self._cleared_ns < promises.PERSON_NS
        if not (self._hung or self._latched or late) and self._powered:
            self._latch("edges after a stop was confirmed", now_ns)

    def _ordered(self, order: typed.DoseOrder, now_ns: int) -> None:
        rescue = order.kind == codes.KIND_RESCUE and order.channel == codes.CHANNEL_COUNTER_AGENT
        allowed = (
            order.channel <= codes.CHANNEL_FLUSH
            and (order.kind == codes.KIND_DOSE or rescue)
            and promises.MIN_DOSE_NL <= order.volume_nl <= promises.MAX_DOSE_NL
            and promises.MIN_RATE_NL_S <= order.rate_nl_s <= promises.MAX_RATE_NL_S
        )
        fresh = order.boot == self._boot and not self.counted.get(order.dose_id) and order.dose_id not in self.ended
        if allowed and fresh and order.dose_id not in self._asked:
            clearing_nl = promises.CLEARING_NL if order.kind == codes.KIND_RESCUE else 0
            steps = (order.volume_nl + clearing_nl) * 1000 // promises.STEP_PL
            self._asked[order.dose_id] = Asked(order, now_ns, steps)

    def _pins(self, inputs: int) -> Callable[[int], None]:
        def act(now_ns: int) -> None:
            fell, rose = self._inputs & ~inputs, inputs & ~self._inputs
            self._inputs = inputs
            if fell & codes.INPUT_SAFE:
                self._safe_fell(now_ns)
            if rose & codes.INPUT_SAFE:
                self._forbidden.pop("edges while SAFE is low", None)
            if rose & codes.INPUT_FOOTSWITCH:
                self._person(now_ns)

        return act

    def _safe_fell(self, now_ns: int) -> None:
        self._forbidden["edges while SAFE is low"] = now_ns + promises.SAFE_NS
        flowing = self._edges and 0 <= now_ns - self._last_edge_ns <= promises.FLOWING_NS and self._last_edge_ns
        if flowing and self._powered and not self._hung:
            self._latch("edges after SAFE was low", now_ns + promises.SAFE_NS)

    def _stood(self, now_ns: int) -> None:
        """E-stop or door may have been open for so long that a tick has seen it."""
        since = [ns for ns, inputs in self._evidence.inputs if now_ns - promises.STANDING_NS < ns < now_ns]
        running = self._powered and not self._hung and now_ns - self._boot_ns > 2 * promises.STANDING_NS
        if not since and running and self._inputs & _MACHINE != _MACHINE:
            self._latch("edges after the machine's stop", now_ns)

    def _latch(self, why: str, from_ns: int) -> None:
        self._latched = True
        self._clear_ns = self._resume_ns = None
        self._forbidden.setdefault(why, from_ns)

    def _person(self, now_ns: int) -> None:
        if self._latched and self._recent(self._clear_ns, now_ns) and self._inputs & _MACHINE == _MACHINE:
            self._latched = self._hung = False
            self._cleared_ns = now_ns
            self._asked.clear()
            self._forbidden.clear()
        current = self._asked.get(self._current)
        if current is not None and now_ns - current.arrived_ns <= promises.PERSON_NS:
            current.confirmed_ns = now_ns
        if self._recent(self._resume_ns, now_ns):
            if current is not None:
                current.confirmed_ns = now_ns
            self._resumed_ns = now_ns
            self._forbidden.pop("edges while paused", None)

    def _recent(self, asked_ns: int | None, now_ns: int) -> bool:
        return asked_ns is not None and now_ns - asked_ns <= promises.PERSON_NS

    # What the device says.

    def _told(self, told: Told) -> Callable[[int], None]:
        def act(now_ns: int) -> None:
            message = told.message
            self._check_uptime(now_ns, message)
            if isinstance(message, typed.Welcome):
                self._boot = message.boot
                self._proof.begin(message.boot)
            elif isinstance(message, typed.DoseState):
                self._told_dose(told, message)
            elif isinstance(message, typed.Telemetry):
                self._told_state(message.dose_id, message.dose_state, now_ns)

        return act

    def _told_dose(self, told: Told, message: typed.DoseState) -> None:
        self._told_state(message.dose_id, message.state, told.now_ns)
        if message.state == codes.DOSE_ACCEPTED:
            self.accepted.setdefault(message.dose_id, told)
        elif message.state == codes.DOSE_REFUSED:
            self._asked.pop(message.dose_id, None)
        elif message.state in _ENDED:
            self._asked.pop(message.dose_id, None)
            self.ended.setdefault(message.dose_id, told)
            counted = self.counted.get(message.dose_id, 0)
            if message.emitted_steps != counted:
                self._find(
                    "steps reported",
                    told.now_ns,
                    f"dose {message.dose_id.hex()} ended with {message.emitted_steps} steps, the pin had {counted}",
                )

    def _told_state(self, dose_id: bytes, state: int, now_ns: int) -> None:
        if state in _BEGUN:
            self._current = dose_id
            asked = self._asked.get(dose_id)
            self._book.begin(asked.order if asked is not None else None)
        elif state in _PAUSED and now_ns - self._resumed_ns > _UPTIME_SLACK_NS:
            self._forbidden.setdefault("edges while paused", now_ns)
        elif state in _ENDED:
            self._forbidden.pop("edges while paused", None)

    def _check_uptime(self, now_ns: int, message: typed.Message) -> None:
        """A start that nothing explains shows in the device's clock."""
        if not isinstance(message, typed.Telemetry):
            return
        began_ns = now_ns - message.uptime_ms * 1_000_000
        if began_ns > self._began_ns + _UPTIME_SLACK_NS:
            if not self._restarted:
                self._find("unexplained restart", now_ns, "the device's clock began anew")
            self._restarted = False
            self._began_ns = began_ns

    def _find(self, rule: str, now_ns: int, text: str) -> None:
        self.violations.append(Violation(rule, now_ns, text))
