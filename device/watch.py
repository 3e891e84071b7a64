"""Watches over a rig in use: what flows against what the steps explain, the suspension, the self-test at start."""

from device.alarm_table import alarm_of
from protocol import codes
from protocol.compat import const

TYPE_CHECKING = False
if TYPE_CHECKING:
    from device.controller import Controller

# The suspension and the self-test are looked at in one tick of so many.
_SLOW_TICKS = const(10)
_SLOW_AT = const(3)


class Watch:
    """A slice of the tick. ``started``: everything has shown that it works, or had its time for it."""

    def __init__(self, controller: "Controller") -> None:
        self._controller = controller
        self._watched = False
        self._to_tip = False
        self._emitted_steps = 0
        self._stirs = False
        self.started = False

    def supervise(self) -> None:
        """Compare what flows with what the steps explain; keep the suspension stirred."""
        controller = self._controller
        dose = controller.dose
        supervision = controller.supervision
        to_tip = dose.to_tip()
        watched = dose.powered() and dose.valve_patient == to_tip
        if watched != self._watched or to_tip != self._to_tip:
            if self._watched:
                supervision.rest()
            if watched:
                supervision.begin(to_tip)
            self._watched = watched
            self._to_tip = to_tip
        steps = dose.pump.emitted_steps - self._emitted_steps
        self._emitted_steps += steps
        cause = supervision.tick(steps if steps > 0 else 0, dose.rate_nl_s(), controller.interval_ms)
        if cause != codes.CAUSE_NONE:
            self._flow_is_wrong(cause)
        if controller.ticks % _SLOW_TICKS == _SLOW_AT:
            self._stir()
            controller.selftest.tick(controller.now_ms, controller.sensors, not dose.open())
            if not self.started:
                self.started = self._has_started()

    def _flow_is_wrong(self, cause: int) -> None:
        """The flow sensor contradicts the steps: stop, and believe nothing about what stands in the line."""
        controller = self._controller
        flowing = controller.dose.active()
        first = controller.latches.machine_cause == codes.CAUSE_NONE
        if not flowing and controller.latches.machine_cause == cause:
            return
        if cause in (codes.CAUSE_FREE_FLOW, codes.CAUSE_REVERSE_FLOW):
            controller.kept.line_unknown()
        if flowing and controller.dose.unsupplied():
            # A valve without its supply lets the line relieve itself: that is not a loose syringe.
            cause = codes.CAUSE_SUPPLY
        controller.stop(cause)
        if flowing and first:
            controller.count_ending(alarm_of(cause))

    def _has_started(self) -> bool:
        controller = self._controller
        selftest = controller.selftest
        if selftest.late:
            return True
        for cartridge in controller.cartridges.all:
            if cartridge.state == codes.CARTRIDGE_READING:
                return False
        return not controller.may_serve and not selftest.bits & ~codes.SELF_TEST_LIGHT_SOUND

    def _stir(self) -> None:
        controller = self._controller
        loaded = controller.cartridges.all[codes.CHANNEL_AGENT].state == codes.CARTRIDGE_GOOD
        suspension = controller.suspension
        density = controller.sensors.density
        suspension.tick(controller.now_ms, density.permille, not density.faulty, loaded and not controller.service)
        if suspension.stir != self._stirs:
            self._stirs = suspension.stir
            controller.board.set_stirrer(self._stirs)
