"""What an operator asks the rig to do, doses aside, and what happens when a person at the rig confirms it."""

from device.person import (
    ACT_CLEAR,
    ACT_LONE_RESCUE,
    ACT_RESCUE,
    ACT_RESOLVE,
    ACT_RESUME,
    ACT_SET_CALIBRATION,
    ACT_TEST_ALARMS,
)
from protocol import codes
from protocol import wire_formats as messages

TYPE_CHECKING = False
if TYPE_CHECKING:
    from device.controller import Controller


class Acts:
    """Judges requests and confirms acts; every method returns a REASON_ code.

    ``handlers`` are those answered with RESULT, by message number; ``nearest`` is the nearest allowed value.
    """

    def __init__(self, controller: "Controller") -> None:
        self._controller = controller
        self.nearest = 0
        self.handlers = {
            messages.RESOLVE: self._resolve,
            messages.ACKNOWLEDGE: self._acknowledge,
            messages.PAUSE_AUDIO: self._pause_audio,
            messages.TEST_ALARMS: self._test_alarms,
            messages.SET_CALIBRATION: self._set_calibration,
            messages.SET_KEY: self._set_key,
            messages.SET_RIG: self._set_rig,
        }

    def clear(self) -> int:
        """Ask for a person to clear the machine's stop."""
        controller = self._controller
        latches = controller.latches
        if latches.stop_cause == codes.CAUSE_NONE:
            return codes.REASON_NOT_STOPPED
        if latches.machine_cause == codes.CAUSE_NONE:
            return codes.REASON_AUTHORITY
        if latches.service_only and not controller.service:
            return codes.REASON_SERVICE_ONLY
        if controller.machine_cause_stands():
            return codes.REASON_CAUSE_STANDS
        return self._ask(ACT_CLEAR, ())

    def pause(self, dose_id: bytes) -> int:
        """Pause the running dose. One that is paused already stays so."""
        dose = self._controller.dose
        if dose_id != dose.dose_id:
            return codes.REASON_NOT_RUNNING
        paused = dose.state in (codes.DOSE_PAUSING, codes.DOSE_PAUSED)
        if paused or dose.pause(codes.CAUSE_OPERATOR, self._controller.now_ms):
            return codes.REASON_NONE
        return codes.REASON_NOT_RUNNING

    def resume(self, dose_id: bytes) -> int:
        """Ask for a person to resume the paused dose."""
        reason = self._judge_resume(dose_id)
        return reason or self._ask(ACT_RESUME, (dose_id,))

    def confirmed(self, act: int, values: tuple) -> None:
        """A person has confirmed ``act``: do it, when nothing has come in its way since it was asked for."""
        controller = self._controller
        if act == ACT_CLEAR:
            if not controller.machine_cause_stands():
                controller.latches.clear_machine()
                controller.board.clear_trip()
        elif act == ACT_RESUME:
            if self._judge_resume(values[0]) == codes.REASON_NONE:
                controller.dose.permit_by_person()
                controller.dose.resume(controller.now_ms)
        elif act == ACT_RESCUE:
            if controller.dose.dose_id == values[0]:
                controller.dose.permit_by_person()
        elif act == ACT_LONE_RESCUE:
            controller.orders.rescue_alone()
        elif act == ACT_RESOLVE:
            controller.kept.resolve(values[0])
        elif act == ACT_SET_CALIBRATION:
            controller.calibration.confirm(values[0], values[1], controller.dose)
        elif act == ACT_TEST_ALARMS:
            controller.selftest.confirmed()
        else:
            controller.authority_acts.confirmed(act, values)

    def _judge_resume(self, dose_id: bytes) -> int:
        controller = self._controller
        dose = controller.dose
        if dose_id != dose.dose_id or dose.state != codes.DOSE_PAUSED:
            return codes.REASON_NOT_PAUSED
        return controller.orders.judge_resume()

    def _resolve(self, values: tuple) -> int:
        return self._controller.kept.judge_resolve(values[0]) or self._ask(ACT_RESOLVE, values)

    def _acknowledge(self, values: tuple) -> int:
        return self._controller.alarms.acknowledge(values[0])

    def _pause_audio(self, values: tuple) -> int:
        self.nearest = 120 if values[0] > 120 else 0
        return self._controller.alarms.pause_audio(values[0], self._controller.now_ms)

    def _test_alarms(self, values: tuple) -> int:
        controller = self._controller
        if controller.dose.open():
            return codes.REASON_BUSY
        reason = self._ask(ACT_TEST_ALARMS, values)
        if reason == codes.REASON_NONE:
            controller.alarms.test(controller.now_ms)
        return reason

    def _set_calibration(self, values: tuple) -> int:
        controller = self._controller
        reason = controller.calibration.judge(values[0], values[1], controller.dose)
        self.nearest = controller.calibration.nearest
        return reason or self._ask(ACT_SET_CALIBRATION, values)

    def _set_key(self, values: tuple) -> int:
        if not self._controller.service:
            return codes.REASON_SERVICE
        return self._controller.kept.set_key(*values)

    def _set_rig(self, values: tuple) -> int:
        if not self._controller.service:
            return codes.REASON_SERVICE
        return self._controller.kept.set_rig(values[0])

    def _ask(self, act: int, values: tuple) -> int:
        return self._controller.person.ask(act, values, self._controller.now_ms)
