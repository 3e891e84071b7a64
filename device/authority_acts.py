"""What monitor and clinician say with their keys: permits and holds, treatments, ceilings, limit, date.

A message is judged first by its tag, boot and counter, then by what it asks. What only a person may do waits for the
foot switch and is judged once more when it is pressed.
"""

from device.authority import Authority
from device.journal_cells import CELL_CEILINGS, CELL_PRESSURE_LIMIT, CELL_TOTALS, CELL_TREATMENT
from device.person import (
    ACT_CLEAR_BY_CLINICIAN,
    ACT_CLOSE_TREATMENT,
    ACT_OPEN_TREATMENT,
    ACT_SET_CEILINGS,
    ACT_SET_PRESSURE_LIMIT,
)
from protocol import codes
from protocol import wire_formats as messages
from protocol.compat import const

TYPE_CHECKING = False
if TYPE_CHECKING:
    from device.controller import Controller

_BODY_OCTETS = const(128)
# Fields behind boot nonce and counter; a PERMIT has the rig in front of them.
_FIRST = const(2)
_LAST = const(-1)


class AuthorityActs:
    """Judges authenticated requests; ``handlers`` by message number, ``nearest`` is the nearest allowed value."""

    def __init__(self, controller: "Controller", authority: Authority) -> None:
        self._controller = controller
        self._authority = authority
        self._body = memoryview(bytearray(_BODY_OCTETS))
        self.nearest = 0
        monitor = codes.SLOT_MONITOR
        clinic = codes.SLOT_CLINIC
        self.handlers = {
            messages.PERMIT: (monitor, self._permit),
            messages.HOLD: (monitor, self._hold),
            messages.OPEN_TREATMENT: (clinic, self._open_treatment),
            messages.CLOSE_TREATMENT: (clinic, self._close_treatment),
            messages.SET_CEILINGS: (clinic, self._set_ceilings),
            messages.SET_PRESSURE_LIMIT: (clinic, self._set_pressure_limit),
            messages.SET_DATE: (clinic, self._set_date),
            messages.CLEAR_BY_CLINICIAN: (clinic, self._clear),
        }

    def handle(self, number: int, values: tuple) -> int:
        """Judge and take a message; return a REASON_ code."""
        slot, handler = self.handlers[number]
        length = messages.encode_body(number, self._body, 0, *values)
        return self._authority.check(slot, number, self._body, length) or handler(values)

    def confirmed(self, act: int, values: tuple) -> None:
        """A person has confirmed ``act``."""
        controller = self._controller
        kept = controller.kept
        if act == ACT_CLEAR_BY_CLINICIAN:
            controller.latches.clear_patient()
        elif act == ACT_SET_CEILINGS:
            if not controller.dose.open() and kept.ceilings.set_clinic(values[_FIRST:_LAST]) == codes.REASON_NONE:
                kept.changed(CELL_CEILINGS)
        elif act == ACT_SET_PRESSURE_LIMIT:
            if not controller.dose.open() and kept.pressure_limit.set(values[_FIRST]) == codes.REASON_NONE:
                kept.changed(CELL_PRESSURE_LIMIT)
        elif act == ACT_OPEN_TREATMENT:
            if not controller.dose.open() and kept.treatment.open(values, kept.ceilings) == codes.REASON_NONE:
                kept.changed(CELL_TREATMENT)
                kept.changed(CELL_TOTALS)
        elif act == ACT_CLOSE_TREATMENT and not controller.dose.open():
            kept.treatment.close(kept.ceilings)
            kept.changed(CELL_TREATMENT)

    def _permit(self, values: tuple) -> int:
        controller = self._controller
        dose = controller.dose
        if not dose.open():
            return codes.REASON_NOT_RUNNING
        if dose.moves_agent and controller.latches.hold_cause != codes.CAUSE_NONE:
            return codes.REASON_HOLD
        calibration = controller.calibration
        reason = controller.gate.offer(
            values,
            controller.board.ticks_ms(),
            controller.kept.rig,
            dose.treatment,
            dose.lot,
            dose.dose_id,
            dose.pump.emitted_steps,
            calibration.step_fl(dose.channel),
            calibration.bore_error_ppm(dose.channel),
        )
        self.nearest = controller.gate.nearest
        return reason

    def _hold(self, values: tuple) -> int:
        reason = self._controller.kept.treatment.judge_close(values[_FIRST])
        if reason:
            return reason
        if values[_FIRST + 1] == codes.HOLD_STOP:
            self._controller.stop(codes.CAUSE_MONITOR)
        elif values[_FIRST + 1] == codes.HOLD_HOLD:
            self._controller.hold(codes.CAUSE_MONITOR)
        else:
            return codes.REASON_MALFORMED
        return codes.REASON_NONE

    def _open_treatment(self, values: tuple) -> int:
        kept = self._controller.kept
        if self._controller.dose.open():
            return codes.REASON_BUSY
        reason = kept.treatment.judge_open(values, kept.ceilings)
        self.nearest = kept.ceilings.nearest
        return reason or self._ask(ACT_OPEN_TREATMENT, values)

    def _close_treatment(self, values: tuple) -> int:
        if self._controller.dose.open():
            return codes.REASON_BUSY
        reason = self._controller.kept.treatment.judge_close(values[_FIRST])
        return reason or self._ask(ACT_CLOSE_TREATMENT, values)

    def _set_ceilings(self, values: tuple) -> int:
        kept = self._controller.kept
        if self._controller.dose.open():
            return codes.REASON_BUSY
        reason = kept.ceilings.judge_clinic(values[_FIRST:_LAST])
        self.nearest = kept.ceilings.nearest
        return reason or self._ask(ACT_SET_CEILINGS, values)

    def _set_pressure_limit(self, values: tuple) -> int:
        limit = self._controller.kept.pressure_limit
        if self._controller.dose.open():
            return codes.REASON_BUSY
        reason = limit.judge(values[_FIRST])
        self.nearest = limit.nearest
        return reason or self._ask(ACT_SET_PRESSURE_LIMIT, values)

    def _set_date(self, values: tuple) -> int:
        return self._controller.kept.treatment.set_date(values[_FIRST])

    def _clear(self, values: tuple) -> int:
        if self._controller.latches.hold_cause == codes.CAUSE_NONE:
            return codes.REASON_NOT_STOPPED
        return self._ask(ACT_CLEAR_BY_CLINICIAN, values)

    def _ask(self, act: int, values: tuple) -> int:
        return self._controller.person.ask(act, values, self._controller.now_ms)
