"""One dose from order to outcome: takes events and the time, says where the valve should stand.

Every state from ACCEPTED to STOPPING has a deadline and a next state; DELIVERED, PARTIAL and UNKNOWN are final. The
steps that left the pin are the truth of a dose; the volumes are what ``line`` makes of them.
"""

from device.clock import ticks_diff
from device.dose_state import DoseState
from protocol import codes
from protocol.compat import const

# The valve travels 10 ms; no step before it stands on the patient, no outcome before it stands on waste.
VALVE_TRAVEL_MS = const(20)
# After the line was cleared at full rate: five times the longest time constant in which its pressure is relieved.
CLEARED_MS = const(1_000)
# The accept record is 80 octets, written in a few ticks.
JOURNAL_DEADLINE_MS = const(2_000)
# What an accepted dose waits for its first permit, and a gap between two permits that the next one bridges.
PERMIT_DEADLINE_MS = const(10_000)
PERMIT_GAP_MS = const(2_000)
# Settling ends when the slowly filtered line pressure is this low: 20 nL stored in the default line.
SETTLED_PA = const(100)
SETTLE_MIN_MS = const(500)
SETTLE_DEADLINE_MS = const(60_000)
PAUSED_DEADLINE_MS = const(600_000)
_NO_BOUND = const(0x1FFFFFFF)


class DoseMachine(DoseState):
    """Runs one dose at a time. ``tick`` returns a CAUSE_ when the rig must stop, CAUSE_NONE otherwise."""

    def permit_by_person(self) -> None:
        """A person at the rig stands for the permit of a rescue."""
        if self.kind == codes.KIND_RESCUE:
            self.needs_permit = False

    def pause(self, cause: int, now_ms: int, settle: bool = True) -> bool:
        """Let no further step out, then wait. False when there is nothing to pause.

        With ``settle`` the line's pressure goes to the patient first; without, it is relieved to waste at once.
        """
        if self.state not in (codes.DOSE_ACCEPTED, codes.DOSE_RUNNING):
            return False
        inflow_nl_s = self._inflow_nl_s if self.state == codes.DOSE_RUNNING else 0
        self.pump.halt()
        self.cause = cause
        if not settle:
            self._release(self._pressure.pa, self._pressure.error_pa(), inflow_nl_s)
        self._enter(codes.DOSE_PAUSING, now_ms)
        return True

    def resume(self, now_ms: int) -> bool:
        """Go on with a paused dose; the caller has seen a person. False when none is paused."""
        if self.state != codes.DOSE_PAUSED:
            return False
        self.cause = codes.CAUSE_NONE
        self._wait(now_ms)
        return True

    def stop(self, cause: int, now_ms: int) -> None:
        """End the dose: no further step, valve to waste, at once. Does nothing without an open dose."""
        inflow_nl_s = self._inflow_nl_s if self.state == codes.DOSE_RUNNING else 0
        self.pump.halt()
        if not self.open() or self.state == codes.DOSE_STOPPING:
            self.valve_patient = False
            return
        self._release(self._pressure.pa, self._pressure.error_pa(), inflow_nl_s)
        self.cause = cause
        self._enter(codes.DOSE_STOPPING, now_ms)

    def end_for_rescue(self, now_ms: int) -> None:
        """End the open dose within this call, so that a rescue can take its place. Does nothing without one."""
        if self.open():
            self.stop(codes.CAUSE_RESCUE, now_ms)
            self._end(codes.DOSE_PARTIAL, now_ms)

    def tick(self, now_ms: int, now_us: int, interval_ms: int) -> int:
        """Advance by one tick of ``interval_ms``; the sensors were just read."""
        state = self.state
        if not codes.DOSE_ACCEPTED <= state <= codes.DOSE_STOPPING:
            return codes.CAUSE_NONE
        if self.valve_patient or self.kind == codes.KIND_CALIBRATE:
            self.line.flowed(self._flow.flow_nl_s, interval_ms, not self._flow.faulty)
        if not self.needs_permit or self._gate.valid(now_ms):
            self._permitted_ms = now_ms
        if state == codes.DOSE_RUNNING:
            return self._run(now_ms, now_us)
        elapsed_ms = ticks_diff(now_ms, self._since_ms)
        if state == codes.DOSE_ACCEPTED:
            return self._begin(elapsed_ms, now_ms, now_us)
        if state == codes.DOSE_STOPPING:
            if elapsed_ms >= VALVE_TRAVEL_MS:
                self._end(codes.DOSE_PARTIAL, now_ms)
        elif state == codes.DOSE_PAUSED:
            if elapsed_ms >= PAUSED_DEADLINE_MS:
                self.cause = codes.CAUSE_DEADLINE
                self._end(codes.DOSE_PARTIAL, now_ms)
        else:
            return self._settle(elapsed_ms, now_ms)
        return codes.CAUSE_NONE

    def _begin(self, elapsed_ms: int, now_ms: int, now_us: int) -> int:
        """Lead the accepted dose to its first step: durable, permitted, valve in its place, in this order."""
        if self._valving:
            if elapsed_ms >= VALVE_TRAVEL_MS:
                self.pump.start(now_us)
                self._enter(codes.DOSE_RUNNING, now_ms)
                return self._run(now_ms, now_us)
        elif not self.pump.mark():
            # The journal refuses a mark until the accept record is durable.
            if elapsed_ms >= JOURNAL_DEADLINE_MS:
                return codes.CAUSE_JOURNAL
        elif self._permitted_ms != now_ms:
            if elapsed_ms >= PERMIT_DEADLINE_MS:
                self.stop(codes.CAUSE_PERMIT, now_ms)
        elif elapsed_ms >= VALVE_TRAVEL_MS:
            # By now the pressure that an earlier dose left behind is relieved to waste.
            self.valve_patient = self.to_tip()
            self._valving = True
            self._since_ms = now_ms
        return codes.CAUSE_NONE

    def _run(self, now_ms: int, now_us: int) -> int:
        pump = self.pump
        if self._turning:
            elapsed_ms = ticks_diff(now_ms, self._since_ms)
            self.valve_patient = elapsed_ms >= CLEARED_MS
            if elapsed_ms < CLEARED_MS + VALVE_TRAVEL_MS:
                return codes.CAUSE_NONE
            self._turning = False
            pump.start(now_us)
        # Nothing of what is to clear the line goes to the patient, nothing of the rest to the waste.
        most_steps = pump.asked_steps if self.valve_patient or not self.to_patient else self._clear_steps
        if self.needs_permit:
            taken = self._run_by_permit(now_ms, now_us, most_steps)
        else:
            taken = pump.tick(now_us, _NO_BOUND, most_steps, _NO_BOUND)
        self._inflow_nl_s = pump.rate_nl_s if pump.running else 0
        if not taken:
            return codes.CAUSE_JOURNAL
        if pump.emitted_steps == pump.asked_steps:
            pump.halt()
            self._enter(codes.DOSE_SETTLING, now_ms)
        elif pump.dead():
            return codes.CAUSE_SAFE_LINE
        elif pump.emitted_steps == most_steps:
            self._turn_valve(now_ms)
        return codes.CAUSE_NONE

    def _turn_valve(self, now_ms: int) -> None:
        """The line is cleared: when it is at rest the valve turns to the patient, and then the pump goes on."""
        self.pump.halt()
        self._turning = True
        self._since_ms = now_ms
        self._inflow_nl_s = 0

    def _run_by_permit(self, now_ms: int, now_us: int, most_steps: int) -> bool:
        """Grant no more than the permit leaves; without one nothing flows, and after the gap a person is wanted."""
        pump = self.pump
        gate = self._gate
        if self._permitted_ms == now_ms:
            if not pump.running:
                pump.start(now_us)
            return pump.tick(now_us, gate.left_ms(now_ms) * 1000, min(gate.step_limit, most_steps), gate.rate_nl_s)
        pump.halt()
        if ticks_diff(now_ms, self._permitted_ms) > PERMIT_GAP_MS:
            self.pause(codes.CAUSE_PERMIT, now_ms, False)
        pump.mark()
        return not pump.journal_lost()

    def _settle(self, elapsed_ms: int, now_ms: int) -> int:
        """Wait until the line has given its pressure to where the valve stands, within the permit."""
        pressure = self._pressure
        pump = self.pump
        # Before the first grant there is nothing to tell, and the order itself may still be on its way to the FRAM.
        if pump.granted_steps and not pump.mark() and pump.journal_lost():
            return codes.CAUSE_JOURNAL
        if self.valve_patient and ticks_diff(now_ms, self._permitted_ms) > PERMIT_GAP_MS:
            self._settle_without_permit(now_ms)
        elif pressure.settled_pa <= SETTLED_PA and not pressure.faulty and self._held(elapsed_ms):
            self._release(pressure.settled_pa, pressure.settled_error_pa(), 0)
            if self.state == codes.DOSE_PAUSING:
                self._enter(codes.DOSE_PAUSED, now_ms)
            else:
                self._end(codes.DOSE_DELIVERED, now_ms)
        elif elapsed_ms >= SETTLE_DEADLINE_MS:
            return codes.CAUSE_DEADLINE
        return codes.CAUSE_NONE

    def _held(self, elapsed_ms: int) -> bool:
        """Whether a pressure that is low now has had its time.

        A dose to the patient waits half as long again as the pressure took to fall, so that what is left falls on: of
        20 nL in the default line some two are left.
        """
        if elapsed_ms < SETTLE_MIN_MS:
            return False
        if not self._low_ms:
            self._low_ms = elapsed_ms
        if self.state == codes.DOSE_PAUSING or not self.valve_patient:
            return True
        return elapsed_ms * 2 >= self._low_ms * 3 or elapsed_ms >= SETTLE_DEADLINE_MS

    def _settle_without_permit(self, now_ms: int) -> None:
        """Nothing goes to the patient any more: what the line still holds is relieved to waste."""
        if self.state == codes.DOSE_SETTLING:
            self.stop(codes.CAUSE_PERMIT, now_ms)
        else:
            self._release(self._pressure.pa, self._pressure.error_pa(), 0)

    def _release(self, pressure_pa: int, error_pa: int, inflow_nl_s: int) -> None:
        if self.valve_patient:
            self.line.released(pressure_pa, error_pa, self._flow.flow_nl_s, inflow_nl_s)
        self.valve_patient = False

    def _end(self, state: int, now_ms: int) -> None:
        self._doubt(self.pump.emitted_steps)
        self.line.close(self.pump.emitted_steps)
        self._enter(state, now_ms)
        self._account.ended(self, now_ms)
