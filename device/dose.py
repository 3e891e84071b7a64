"""One dose from order to outcome: takes events and the time, says where the valve should stand.

Every state from ACCEPTED to STOPPING has a deadline and a next state; DELIVERED, PARTIAL and REFUSED are final. The
steps that left the pin are the truth of a dose; the volumes are what ``line`` makes of them.
"""

from device import limits
from device.clock import ticks_diff
from device.line import FRICTION_NL, LineAccount
from device.outcomes import EXECUTED, REFUSALS, Outcomes
from device.pump import Pump
from protocol import codes
from protocol.compat import const

TYPE_CHECKING = False
if TYPE_CHECKING:
    from device.boards.interface import StepGenerator
    from device.drivers.flow import FlowSensor
    from device.drivers.pressure import PressureSensor

_NO_ID = b"\x00" * 8

# The valve travels 10 ms; no step before it stands on the patient, no outcome before it stands on waste.
VALVE_TRAVEL_MS = const(20)
# Settling ends when the slowly filtered line pressure is this low: 20 nL stored in the default line.
SETTLED_PA = const(100)
SETTLE_MIN_MS = const(500)
SETTLE_DEADLINE_MS = const(60_000)
PAUSED_DEADLINE_MS = const(600_000)


class DoseMachine:
    """Runs one dose at a time. ``tick`` returns a CAUSE_ when the rig must stop, CAUSE_NONE otherwise."""

    def __init__(self, pump: Pump, line: LineAccount, ceilings: limits.Ceilings, boot: bytes) -> None:
        self._pump = pump
        self._line = line
        self._ceilings = ceilings
        self._boot = boot
        self._executed = Outcomes(EXECUTED, apart=True)
        self._refused = Outcomes(REFUSALS)
        self._since_ms = 0
        self._rate_nl_s = 0
        self.dose_id = _NO_ID
        self.state = codes.DOSE_NOT_KNOWN
        self.cause = codes.CAUSE_NONE
        self.channel = 0
        self.asked_nl = 0
        self.total_nl = 0
        self.valve_patient = False

    def active(self) -> bool:
        """Whether liquid may move on behalf of the dose."""
        return codes.DOSE_ACCEPTED <= self.state <= codes.DOSE_STOPPING and self.state != codes.DOSE_PAUSED

    def open(self) -> bool:
        """Whether the dose has not ended yet."""
        return codes.DOSE_ACCEPTED <= self.state <= codes.DOSE_STOPPING

    def rate_nl_s(self) -> int:
        """Return the rate commanded now, in nL/s."""
        return self._rate_nl_s if self.state == codes.DOSE_RUNNING else 0

    def values(self, now_ms: int) -> tuple:
        """Return the values of DOSE_STATE for the running or last dose.

        While the dose is open, its volume to the patient lies between nothing and everything granted.
        """
        pump = self._pump
        line = self._line
        emitted = pump.emitted_steps
        if self.open():
            most_nl = limits.upper_of(limits.volume_of(pump.granted_steps)) + FRICTION_NL if pump.granted_steps else 0
            volumes = (0, most_nl, 0, most_nl)
        else:
            volumes = (line.patient_min_nl, line.patient_max_nl, line.waste_min_nl, line.waste_max_nl)
        return (
            self.dose_id,
            self.state,
            codes.REASON_NONE,
            self.cause,
            self.channel,
            self.asked_nl,
            pump.asked_steps,
            emitted,
            pump.granted_steps,
            limits.volume_of(emitted),
            volumes[0],
            volumes[1],
            volumes[2],
            volumes[3],
            0,
            now_ms,
        )

    def find(self, dose_id: bytes, now_ms: int) -> tuple:
        """Return the values of DOSE_STATE for any id: NOT_KNOWN when this boot never judged it."""
        if dose_id == self.dose_id and dose_id != _NO_ID:
            return self.values(now_ms)
        kept = self._executed.get(dose_id) or self._refused.get(dose_id)
        return kept or self._blank(dose_id, codes.DOSE_NOT_KNOWN, codes.REASON_NONE, 0, 0, 0, now_ms)

    def order(
        self,
        order: tuple,
        session: bytes,
        now_ms: int,
        generators: "tuple[StepGenerator, ...]",
        standing: int,
        stopped: bool,
    ) -> tuple:
        """Judge an order and return the values of the answering DOSE_STATE.

        ``order`` holds the values of DOSE_ORDER, ``standing`` the interlock conditions. A known id is answered from
        what is stored and changes nothing; a refused one changes nothing either.
        """
        dose_id = order[0]
        if dose_id != _NO_ID:
            known = self.find(dose_id, now_ms)
            if known[1] != codes.DOSE_NOT_KNOWN:
                return known
        self._ceilings.nearest = 0
        reason = self._judge(order, session, now_ms, standing, stopped)
        if reason != codes.REASON_NONE:
            refusal = self._blank(
                dose_id, codes.DOSE_REFUSED, reason, order[6], order[9], self._ceilings.nearest, now_ms
            )
            if dose_id != _NO_ID:
                self._refused.put(refusal)
            return refusal
        self._accept(order, generators, now_ms)
        return self.values(now_ms)

    def pause(self, cause: int, now_ms: int) -> bool:
        """Let no further step out, settle, then wait. False when there is nothing to pause."""
        if self.state not in (codes.DOSE_ACCEPTED, codes.DOSE_RUNNING):
            return False
        self._pump.halt()
        self.cause = cause
        self._enter(codes.DOSE_PAUSING, now_ms)
        return True

    def resume(self, now_ms: int) -> bool:
        """Go on with a paused dose; the caller has seen a person. False when none is paused."""
        if self.state != codes.DOSE_PAUSED:
            return False
        self.cause = codes.CAUSE_NONE
        self.valve_patient = True
        self._enter(codes.DOSE_ACCEPTED, now_ms)
        return True

    def stop(self, cause: int, now_ms: int, pressure: "PressureSensor", flow: "FlowSensor") -> None:
        """End the dose: no further step, valve to waste, at once. Does nothing without an open dose."""
        inflow_nl_s = self.rate_nl_s()
        self._pump.halt()
        if not self.open() or self.state == codes.DOSE_STOPPING:
            self.valve_patient = False
            return
        self._release(pressure.pa, pressure.error_pa(), flow.flow_nl_s, inflow_nl_s)
        self.cause = cause
        self._enter(codes.DOSE_STOPPING, now_ms)

    def tick(self, now_ms: int, now_us: int, pressure: "PressureSensor", flow: "FlowSensor", interval_ms: int) -> int:
        """Advance by one tick; ``pressure`` and ``flow`` are the sensors just read."""
        state = self.state
        if not codes.DOSE_ACCEPTED <= state <= codes.DOSE_STOPPING:
            return codes.CAUSE_NONE
        if self.valve_patient:
            self._line.flowed(flow.flow_nl_s, interval_ms, not flow.faulty)
        if state == codes.DOSE_RUNNING:
            return self._run(now_ms, now_us)
        elapsed_ms = ticks_diff(now_ms, self._since_ms)
        if state == codes.DOSE_ACCEPTED:
            if elapsed_ms >= VALVE_TRAVEL_MS:
                self._pump.start(self._rate_nl_s, now_us)
                self._enter(codes.DOSE_RUNNING, now_ms)
                return self._run(now_ms, now_us)
        elif state == codes.DOSE_STOPPING:
            if elapsed_ms >= VALVE_TRAVEL_MS:
                self._end(codes.DOSE_PARTIAL, now_ms)
        elif state == codes.DOSE_PAUSED:
            if elapsed_ms >= PAUSED_DEADLINE_MS:
                self.cause = codes.CAUSE_DEADLINE
                self._end(codes.DOSE_PARTIAL, now_ms)
        else:
            return self._settle(elapsed_ms, now_ms, pressure, flow)
        return codes.CAUSE_NONE

    def _judge(self, order: tuple, session: bytes, now_ms: int, standing: int, stopped: bool) -> int:
        """Return the first reason to refuse; identity first, then the present, then ceilings."""
        dose_id, last_id, boot, order_session, expires_ms, kind, channel, profile, lot, volume_nl, rate_nl_s = order
        if dose_id == _NO_ID:
            return codes.REASON_ID
        if boot != self._boot:
            return codes.REASON_BOOT
        if order_session != session:
            return codes.REASON_SESSION
        reason = self._judge_expiry(expires_ms, now_ms)
        if reason == codes.REASON_NONE:
            reason = self._judge_kind(kind, channel, profile, lot)
        if reason != codes.REASON_NONE:
            return reason
        if stopped:
            return codes.REASON_STOPPED
        if self.open():
            return codes.REASON_BUSY
        if last_id != self.dose_id:
            return codes.REASON_LAST_DOSE
        if standing:
            return codes.REASON_INTERLOCK
        return self._ceilings.judge(volume_nl, rate_nl_s, self.total_nl)

    def _judge_expiry(self, expires_ms: int, now_ms: int) -> int:
        if expires_ms > 0x3FFFFFFF:
            return codes.REASON_EXPIRY_TOO_FAR
        left_ms = ticks_diff(expires_ms, now_ms)
        if left_ms <= 0:
            return codes.REASON_EXPIRED
        if left_ms > limits.MAX_EXPIRY_MS:
            self._ceilings.nearest = (now_ms + limits.MAX_EXPIRY_MS) & 0x3FFFFFFF
            return codes.REASON_EXPIRY_TOO_FAR
        return codes.REASON_NONE

    def _judge_kind(self, kind: int, channel: int, profile: int, lot: bytes) -> int:
        if kind != codes.KIND_DOSE:
            return codes.REASON_KIND
        if profile != codes.PROFILE_CONSTANT:
            return codes.REASON_PROFILE
        if channel in (codes.CHANNEL_AGENT, codes.CHANNEL_COUNTER_AGENT):
            return codes.REASON_NO_PERMIT
        if channel != codes.CHANNEL_FLUSH:
            return codes.REASON_CHANNEL
        if lot != _NO_ID:
            return codes.REASON_LOT
        return codes.REASON_NONE

    def _accept(self, order: tuple, generators: "tuple[StepGenerator, ...]", now_ms: int) -> None:
        self.dose_id = order[0]
        self.channel = order[6]
        self.asked_nl = order[9]
        self._rate_nl_s = order[10]
        self.cause = codes.CAUSE_NONE
        self._pump.load(generators[self.channel], limits.steps_of(self.asked_nl))
        self._line.open()
        self.valve_patient = True
        self._enter(codes.DOSE_ACCEPTED, now_ms)
        self._executed.put(self.values(now_ms))

    def _run(self, now_ms: int, now_us: int) -> int:
        pump = self._pump
        pump.tick(now_us)
        if pump.emitted_steps == pump.asked_steps:
            pump.halt()
            self._enter(codes.DOSE_SETTLING, now_ms)
        elif pump.dead():
            return codes.CAUSE_SAFE_LINE
        return codes.CAUSE_NONE

    def _settle(self, elapsed_ms: int, now_ms: int, pressure: "PressureSensor", flow: "FlowSensor") -> int:
        if elapsed_ms < SETTLE_MIN_MS:
            return codes.CAUSE_NONE
        if pressure.settled_pa <= SETTLED_PA and not pressure.faulty:
            self._release(pressure.settled_pa, pressure.settled_error_pa(), flow.flow_nl_s, 0)
            if self.state == codes.DOSE_PAUSING:
                self._enter(codes.DOSE_PAUSED, now_ms)
            else:
                self._end(codes.DOSE_DELIVERED, now_ms)
        elif elapsed_ms >= SETTLE_DEADLINE_MS:
            return codes.CAUSE_DEADLINE
        return codes.CAUSE_NONE

    def _release(self, pressure_pa: int, error_pa: int, flow_nl_s: int, inflow_nl_s: int) -> None:
        if self.valve_patient:
            self._line.released(pressure_pa, error_pa, flow_nl_s, inflow_nl_s)
        self.valve_patient = False

    def _end(self, state: int, now_ms: int) -> None:
        self._line.close(self._pump.emitted_steps)
        if self._pump.emitted_steps:
            self.total_nl += limits.upper_of(limits.volume_of(self._pump.emitted_steps))
        self._enter(state, now_ms)
        self._executed.put(self.values(now_ms))

    def _enter(self, state: int, now_ms: int) -> None:
        self.state = state
        self._since_ms = now_ms

    def _blank(
        self, dose_id: bytes, state: int, reason: int, channel: int, asked_nl: int, nearest: int, now_ms: int
    ) -> tuple:
        """Return the values of DOSE_STATE for a dose of which nothing was emitted."""
        return (dose_id, state, reason, 0, channel, asked_nl, 0, 0, 0, 0, 0, 0, 0, 0, nearest, now_ms)
