"""Judges a rig as it goes: every edge against what may flow at that instant, every word against pins and tip.

What the device says is used against it: a dose that it calls its own is the one that edges are counted for, one that
it calls ended emits nothing more. Whether anything may flow is derived from frames that arrived, pins and faults.
"""

from collections.abc import Callable

from hil.model import bounds
from hil.model.doses import Dose, differing, wrong_in_outcome
from hil.model.latches import Latches
from hil.model.permits import PermitBook, Proof
from hil.model.timeline import Timeline
from hil.model.voice import Said
from hil.model.volumes import Rows, Volumes, agent_before
from hil.plant.parameters import NS_PER_MS
from hil.plant.rig import SimulatedRig
from hil.provision import Provision
from hil.violation import Violation
from host.records import name_of
from protocol import codes, messages, typed

_RESET_BY_WATCHDOG = 3
_MACHINE = codes.INPUT_ESTOP_HEALTHY | codes.INPUT_DOOR_CLOSED
_BY_PERSON = (
    messages.CLEAR,
    messages.RESUME,
    messages.RESOLVE,
    messages.CLEAR_BY_CLINICIAN,
    messages.OPEN_TREATMENT,
    messages.CLOSE_TREATMENT,
    messages.SET_CEILINGS,
)
_OF_CLINIC = (messages.OPEN_TREATMENT, messages.CLOSE_TREATMENT, messages.SET_CEILINGS)
_OF_MEMORY = {"bus", "memory"}
"""Faults under which nothing is kept: what is latched meanwhile may be forgotten with the power."""

_NO_SESSION = bytes(4)
_TOLD_LATE_NS = 150 * NS_PER_MS
_RATE_SLACK = 1.03
_RATED_EDGES = 20


class Judge:
    """Hears the timeline of one rig. ``violations`` grows; ``machine_ns`` is when something last befell the machine."""

    def __init__(self, plant: SimulatedRig, provision: Provision, device_ns_of: Callable[[int], int]) -> None:
        self._plant = plant
        self._device_ns_of = device_ns_of
        self.violations: list[Violation] = []
        self.timeline = Timeline(self)
        self.latches = Latches()
        self.proof = Proof(provision)
        self.book = PermitBook(provision.rig, plant.parameters.step_nl)
        self.volumes = Volumes(plant, Rows(provision.treatment, provision.ceilings), self.find)
        self.doses: dict[bytes, Dose] = {}
        self.bad: dict[bytes, str] = {}
        self.current: Dose | None = None
        self._ending: Dose | None = None
        self.machine_ns = -1
        self.cleared_ns = 0
        self.boot_ns = 0
        self.memory_broken = False
        self.broken: set[str] = set()
        self.rescued_nl = 0.0
        self.exchanged: dict[int, int] = {}
        self.ever_exchanged: set[int] = set()
        self.ended_ns: dict[int, int] = {}
        """By channel, when its last dose ended."""

        self._session = _NO_SESSION
        self._heard_ns = 0
        self._inputs = plant.inputs(plant.now_ns)
        self._bad_since_ns = -1
        self._safe_low_ns = -1
        self._valve = False
        self._powered = True
        self._hung = False
        self._restarted = False
        self._last_edge_ns = -bounds.FLOWING_NS
        self._purged: dict[int, int] = {}

    def look(self, now_ns: int) -> None:
        """Judge everything up to now."""
        self.timeline.look(now_ns)
        self.volumes.look(now_ns)

    def find(self, rule: str, now_ns: int, text: str) -> None:
        """Note a promise that did not hold."""
        self.violations.append(Violation(rule, now_ns, text))

    # Edges.

    def edges(self, channel: int, first_ns: int, last_ns: int, period_ns: int, count: int) -> None:
        """Edges at a step pin."""
        self._last_edge_ns = last_ns
        if not self._powered:
            self.find("edges without power", first_ns, f"{count} edges at channel {channel}")
        if self._safe_low_ns >= 0 and last_ns > self._safe_low_ns + bounds.SAFE_NS:
            self.find("edges while SAFE is low", last_ns, f"{(last_ns - self._safe_low_ns) / 1e6:.3f} ms too late")
        dose = self.current
        if dose is None or dose.channel != channel:
            self.find("edges without an order", first_ns, f"{count} edges at channel {channel}")
            return
        dose.count += count
        dose.tip_count += count if self._valve else 0
        if dose.count > dose.most_edges or dose.tip_count > bounds.steps_of(dose.order.volume_nl):
            self.find("edges beyond the order", last_ns, f"{dose.count} edges, {dose.order.volume_nl} nL were asked")
        if count > 1 and period_ns < bounds.FASTEST_PERIOD_NS:
            self.find("rate ceiling", first_ns, f"edges {period_ns / 1e3:.1f} us apart")
        moves_agent = dose.moves_agent
        broken = self.latches.broken(first_ns, last_ns, dose.kind, moves_agent)
        if broken is not None:
            self.find(f"edges {broken.split(',')[0]}", last_ns, f"{count} edges {broken}")
        if dose.kind != codes.KIND_RESCUE:
            late_ns = last_ns - self._heard_ns - bounds.LINK_LOST_NS - bounds.GRANT_NS - bounds.SLOWEST_PERIOD_NS
            if late_ns > 0:
                self.find("flow without a link", last_ns, f"{late_ns / 1e6:.1f} ms after the bound")
        if dose.to_patient:
            self._patient_edges(dose, first_ns, last_ns, period_ns, count)
        else:
            if self._valve:
                self.find("waste dose to the patient", first_ns, f"{count} edges with the valve on the patient")
            if dose.kind == codes.KIND_PURGE:
                self._purged[channel] = self._purged.get(channel, 0) + count
                if self._purged[channel] >= bounds.steps_of(bounds.PURGE_NL):
                    self.exchanged.pop(channel, None)

    def _patient_edges(self, dose: Dose, first_ns: int, last_ns: int, period_ns: int, count: int) -> None:
        exchanged_ns = self.exchanged.get(dose.channel)
        if exchanged_ns is not None and first_ns > exchanged_ns + 1_500 * NS_PER_MS:
            self.find("an exchanged cartridge unpurged", first_ns, f"{count} edges at channel {dose.channel}")
        if not dose.needs_permit:
            return
        fault = self.book.fault(first_ns, last_ns, dose.count)
        if fault is not None:
            rule = "rescue without permit or person" if dose.kind == codes.KIND_RESCUE else "agent without a permit"
            self.find(rule, last_ns, f"{count} edges of channel {dose.channel} {fault}")
        elif count >= _RATED_EDGES and period_ns:
            rate_nl_s = self._plant.parameters.step_nl * 1e9 / period_ns
            if rate_nl_s > self.book.highest_rate(last_ns) * _RATE_SLACK * (1 + bounds.BORE_SHARE):
                self.find("faster than the permit", last_ns, f"{rate_nl_s:.0f} nL/s")

    # Frames to the device.

    def frame(self, now_ns: int, said: Said) -> None:
        """An intact frame has arrived."""
        if self._hung or not self._powered:
            return
        if said.session == self._session != _NO_SESSION or said.number in (messages.STOP, messages.HELLO):
            self._heard_ns = now_ns
        if said.number == messages.STOP:
            cause = said.values[0]
            assert isinstance(cause, int)
            if not 0 < cause < len(codes.CAUSES):
                cause = codes.CAUSE_OPERATOR
            if cause not in bounds.PATIENT_CAUSES:
                self.machine_ns = now_ns
            self.latches.stop(now_ns, cause, bounds.STOP_NS)
        elif said.session != self._session:
            return
        elif said.number == messages.DOSE_ORDER:
            self._ordered(now_ns, said)
        elif self.proof.holds(said):
            self._heard_proven(now_ns, said)

    def _ordered(self, now_ns: int, said: Said) -> None:
        order = typed.DoseOrder.from_values(said.values)
        dose = self.doses.get(order.dose_id)
        if dose is None:
            dose = self.doses[order.dose_id] = Dose(order, now_ns, self.bad.get(order.dose_id, ""))
        elif not dose.accepted:
            dose.order, dose.arrived_ns = order, now_ns
        dose.boots.add(self.proof.boot)

    def _heard_proven(self, now_ns: int, said: Said) -> None:
        if said.number in _BY_PERSON:
            self.latches.ask(now_ns, said)
        elif said.number == messages.PERMIT:
            permit = typed.Permit.from_values(said.values)
            count = self.current.count if self.current is not None else 0
            self.book.take(now_ns, permit, self._device_ns_of(permit.expires_ms), count)
        elif said.number == messages.HOLD:
            hold = typed.Hold.from_values(said.values)
            if hold.treatment != self.volumes.rows.treatment or hold.treatment == bytes(8):
                return  # nobody's, or nobody is there
            if hold.hold == codes.HOLD_STOP:
                self.latches.stop(now_ns, codes.CAUSE_MONITOR, bounds.STOP_NS)
            elif hold.hold == codes.HOLD_HOLD:
                self.latches.hold(now_ns)

    # Pins.

    def pins(self, now_ns: int, inputs: int) -> None:
        """An input has changed."""
        fell, rose = self._inputs & ~inputs, inputs & ~self._inputs
        self._inputs = inputs
        if fell & (_MACHINE | codes.INPUT_SAFE | codes.INPUT_BUBBLE_CLEAR | codes.INPUT_HOME):
            self.machine_ns = now_ns
        if inputs & _MACHINE == _MACHINE:
            self._bad_since_ns = -1
        elif self._bad_since_ns < 0:
            self._bad_since_ns = now_ns
            self.timeline.at(now_ns + bounds.STANDING_NS, self._stood)
        if rose & codes.INPUT_SAFE:
            self._safe_low_ns = -1
        if fell & codes.INPUT_SAFE:
            self._safe_low_ns = now_ns
            flowing = now_ns - self._last_edge_ns <= bounds.FLOWING_NS
            if flowing and self._powered and not self._hung:
                self.latches.stop(now_ns, codes.CAUSE_SAFE_LINE, bounds.SAFE_NS)
        if rose & codes.INPUT_FOOTSWITCH:
            self._pressed(now_ns)
        if fell & codes.INPUT_FOOTSWITCH:
            self.latches.release(now_ns)

    def _stood(self, now_ns: int) -> None:
        """E-stop or door stand open for so long that a tick has seen it."""
        if 0 <= self._bad_since_ns <= now_ns - bounds.STANDING_NS and self._runs(now_ns):
            self.latches.stop(now_ns, codes.CAUSE_EMERGENCY_STOP, 0, self._bad_since_ns)

    def _runs(self, now_ns: int) -> bool:
        return self._powered and not self._hung and now_ns - self.boot_ns > 1_000 * NS_PER_MS

    def _pressed(self, now_ns: int) -> None:
        confirmed = self.latches.press(now_ns, self._inputs & _MACHINE == _MACHINE)
        for said in confirmed:
            if said.number in _OF_CLINIC:
                self.volumes.confirmed(said.number, said.values)
        dose = self.current
        if dose is not None and dose.kind == codes.KIND_RESCUE:
            resumed = any(said.number == messages.RESUME for said in confirmed)
            if resumed or now_ns - dose.arrived_ns <= bounds.PERSON_NS:
                dose.confirmed_ns = now_ns

    def valve(self, now_ns: int, level: bool, tip_nl: float) -> None:  # noqa: ARG002 -- one signature for all events
        """The valve's pin has changed."""
        self._valve = level
        if level:
            self.volumes.settle(tip_nl, self.current)

    # Lives.

    def life(self, now_ns: int, booted: bool, cause: int) -> None:
        """The controller began anew, or lost its power."""
        self._powered = booted
        self._hung = False
        self._restarted = True
        self._ending = None
        self._session = _NO_SESSION
        self._end_current()
        self.latches.restart(now_ns, not self.memory_broken)
        self.memory_broken = bool(self.broken & _OF_MEMORY)
        if booted:
            self.boot_ns = now_ns
            if cause == _RESET_BY_WATCHDOG:
                self.machine_ns = now_ns
                self.latches.stop(now_ns, codes.CAUSE_FAULT, 0)

    def cartridge_exchanged(self, channel: int, now_ns: int) -> None:
        """Another cartridge is in: nothing of it to a patient before a purge."""
        self.machine_ns = now_ns
        self.exchanged[channel] = now_ns
        self.ever_exchanged.add(channel)

    def flowed(self, dose_id: bytes) -> int:
        """Return the edges of a dose so far."""
        dose = self.doses.get(dose_id)
        return dose.count if dose is not None else 0

    @property
    def rescuing(self) -> bool:
        """Whether a rescue runs, or has not been told to be over."""
        ending = self._ending if self._ending is not None and self._ending.final is None else None
        return any(dose is not None and dose.kind == codes.KIND_RESCUE for dose in (self.current, ending))

    def hang(self, now_ns: int) -> None:
        """The processor hangs."""
        self._hung = True
        self.machine_ns = now_ns
        self.latches.hang(now_ns)

    def failed(self, now_ns: int) -> None:
        """Something has raised in the firmware: the cause is kept at once, where anything is."""
        self.machine_ns = now_ns
        self.latches.stop(now_ns - bounds.DURABLE_NS, codes.CAUSE_FAULT, bounds.DURABLE_NS)

    def fault(self, now_ns: int, name: str, begins: bool) -> None:
        """Something of the machine broke, or was mended."""
        self.machine_ns = now_ns
        if name == "supply":
            self.volumes.dipped(now_ns, begins)
        if begins:
            self.broken.add(name)
            self.memory_broken = self.memory_broken or name in _OF_MEMORY
        else:
            self.broken.discard(name)

    # What the device says.

    def told(self, now_ns: int, message: typed.Message) -> None:
        """The device has said something."""
        if isinstance(message, typed.Welcome):
            self._session = message.session
            self.proof.begin(message.boot)
        elif isinstance(message, typed.DoseState):
            self._told_dose(now_ns, message)
        elif isinstance(message, typed.Telemetry):
            self._told_state(now_ns, message.dose_id, message.dose_state)
            if message.device_state == codes.DEVICE_READY and not message.sensor_faults and not self.broken:
                self.cleared_ns = now_ns
        elif isinstance(message, typed.Treatment):
            self._told_treatment(now_ns, message)

    def _told_treatment(self, now_ns: int, message: typed.Treatment) -> None:
        if now_ns - self._device_ns_of(message.uptime_ms) > _TOLD_LATE_NS:
            return  # an answer given again tells what was
        at_rest = self.current is None and (self._ending is None or self._ending.final is not None)
        # Where nothing can be read there is no treatment, and nothing is allowed.
        unread = message.treatment == bytes(8) and self.memory_broken
        self.volumes.told(now_ns, message, at_rest and not unread, self._restarted, unread)
        self._restarted = self._restarted and unread

    def _told_dose(self, now_ns: int, message: typed.DoseState) -> None:
        dose = self.doses.get(message.dose_id)
        if dose is None:
            if message.state not in (codes.DOSE_NOT_KNOWN, codes.DOSE_REFUSED):
                self.find("a dose that nobody ordered", now_ns, message.dose_id.hex())
            return
        stale = now_ns - self._device_ns_of(message.uptime_ms) > _TOLD_LATE_NS
        if stale and message.state in bounds.OPEN_STATES:
            return  # an answer given again tells what was
        if message.state == codes.DOSE_STOPPING and dose.final is None:
            # It moves nothing any more; its outcome is on the way to the journal.
            if dose is self.current:
                self._end_current()
            self._ending = dose
        elif message.state in bounds.OPEN_STATES:
            self._told_open(now_ns, dose)
        elif message.state in bounds.FINAL_STATES:
            self._told_final(now_ns, dose, message)
        elif (dose.final is not None or dose.count) and not self.memory_broken:
            state = name_of("dose_state", message.state)
            text = f"{message.dose_id.hex()} with {dose.count} edges is {state}"
            self.find("an id forgotten", now_ns, text)
        self._told_state(now_ns, message.dose_id, message.state)

    def _told_open(self, now_ns: int, dose: Dose) -> None:
        if dose.final is not None:
            self.find("an ended dose goes on", now_ns, dose.order.dose_id.hex())
        if dose is self.current:
            return
        if dose.bad:
            self.find("a bad order accepted", now_ns, dose.bad)
        if self.current is not None and dose.kind != codes.KIND_RESCUE:
            self.find("two doses at once", now_ns, dose.order.dose_id.hex())
        if self.proof.boot not in dose.boots:
            self.find("an order of another boot accepted", now_ns, dose.order.dose_id.hex())
        dose.accepted = True
        self.current = dose
        dose.agent_ahead_nl = agent_before(self._plant.contents, bounds.most_of(dose.order.volume_nl))
        self._purged.pop(dose.channel, None)
        self.latches.dose_ended()
        self.book.begin(dose.order)
        if dose.kind == codes.KIND_RESCUE:
            self.rescued_nl += bounds.most_of(dose.order.volume_nl)

    def _told_final(self, now_ns: int, dose: Dose, message: typed.DoseState) -> None:
        if dose is self.current:
            self._end_current()
        if dose.final is None:
            dose.final = message
            dose.kept = not self.memory_broken
            for rule, text in wrong_in_outcome(dose, message):
                self.find(rule, now_ns, text)
            unknown = message.state == codes.DOSE_UNKNOWN and message.patient_max_nl
            if unknown and message.dose_id not in self.latches.resolved:
                self.latches.unresolved[message.dose_id] = now_ns
        elif not dose.kept or self.memory_broken:
            pass  # told where nothing is kept, or cannot be read
        elif changed := differing(dose.final, message):
            text = ", ".join(f"{name} {getattr(dose.final, name)} -> {getattr(message, name)}" for name in changed)
            self.find("an outcome changed", now_ns, f"{message.dose_id.hex()}: {text}")

    def _told_state(self, now_ns: int, dose_id: bytes, state: int) -> None:
        dose = self.current
        if dose is None or dose.order.dose_id != dose_id:
            return
        if state in (codes.DOSE_PAUSING, codes.DOSE_PAUSED) and now_ns - self.latches.pressed_ns > _TOLD_LATE_NS:
            self.latches.pause(now_ns)

    def _end_current(self) -> None:
        if self.current is not None:
            self.ended_ns[self.current.channel] = self._plant.now_ns
        self.current = None
        self.book.begin(None)
        self.latches.dose_ended()
