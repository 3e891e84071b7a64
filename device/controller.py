"""The controller of the rig: one tick, in slices, and the stop that never waits for one.

Order of a tick: sensors, interlocks, supervision of the flow, the dose and its grant, the journal, alarms. The
executive drains the link between slices, so a stop is at most one slice away from the step gate.
"""

from device.acts import Acts
from device.alarm_table import (
    ACTION_END,
    ACTION_PAUSE,
    ACTION_PAUSE_AGENT,
    ACTION_STOP,
    LATCHING,
    SCOPE_AGENT,
    SCOPE_ALWAYS,
    SCOPE_FLOWING,
    SCOPE_PATIENT,
    alarm_of,
)
from device.authority_acts import AuthorityActs
from device.clock import ticks_diff
from device.conditions import Conditions
from device.contents import LINE_NL
from device.lone_rescue import HeldSwitch
from device.orders import Orders
from device.parts import Parts
from device.person import ACT_NONE
from device.signals import CYAN, RED, YELLOW
from device.watch import Watch
from protocol import codes
from protocol.compat import const

TYPE_CHECKING = False
if TYPE_CHECKING:
    from device.boards.interface import Board

TICK_MS = const(10)
RESET_BY_WATCHDOG = const(3)
_STATE_EVERY_TICKS = const(10)
_STATE_AT = const(4)
# Service mode is chosen in the first second after a start.
_CHOICE_TICKS = const(100)
_SERVICE_BELOW_MV = const(1_000)
# Stops after which the line gives to the waste what it has stored.
_OCCLUDED = (codes.CAUSE_PRESSURE, codes.CAUSE_OCCLUSION)


class Controller(Parts):
    """Runs the slices of a tick. Time comes in with every call; the board is only read and driven."""

    def __init__(self, board: "Board") -> None:
        super().__init__(board)
        self.orders = Orders(self, self.boot)
        self.acts = Acts(self)
        self.authority_acts = AuthorityActs(self, self.authority)
        self.conditions = Conditions(self)
        self.watch = Watch(self)
        self.held_switch = HeldSwitch()
        self.stop_latency_us = 0
        self.service = False
        self.inputs = 0
        self.last_heard_ms = 0
        self.interval_ms = TICK_MS
        self.ticks = 0
        self.may_serve = True
        self._valve_patient = False
        self.slices = (self.sense, self.judge, self.watch.supervise, self.advance, self.write, self.signal)
        board.set_direction(True)
        self._make_safe()
        board.clear_trip()
        if board.reset_cause() == RESET_BY_WATCHDOG or self.journal.last_fault:
            self._latch(codes.CAUSE_FAULT)

    def stop(self, cause: int) -> None:
        """End all flow now and latch ``cause``; the first cause stays. Works in every state, any number of times."""
        began_us = self.board.ticks_us()
        self.pump.halt()
        if cause in _OCCLUDED and self.dose.active() and self.latches.machine_cause == codes.CAUSE_NONE:
            # While the valve still keeps it in the line; it is relieved by the time the same cause stops once more.
            self.latches.keep_stored(self.supervision.stored_nl)
        self._make_safe()
        self.stop_latency_us = ticks_diff(self.board.ticks_us(), began_us)
        self._latch(cause)
        self.person.forget()
        self.dose.stop(cause, self.now_ms)

    def hold(self, cause: int) -> None:
        """Let no agent flow from now on; latch the patient's ``cause``. A rescue goes on."""
        self.latches.hold(cause)
        if self.dose.moves_agent:
            self.gate.drop()
            self.dose.pause(cause, self.now_ms, False)
            self.set_valve()

    def tripped(self) -> None:
        """The SAFE line was low since it was last asked: the hardware has cut the flow, the rules follow."""
        self.board.clear_trip()
        if self.dose.active():
            self._observe()
            cause = self.interlocks.cause_now()
            first = self.latches.machine_cause == codes.CAUSE_NONE
            self.stop(cause)
            if first:
                self.count_ending(alarm_of(cause))

    def machine_cause_stands(self) -> bool:
        """Whether something stands on whose account the machine's stop may not be cleared."""
        return self.dose.active() or self.interlocks.machine_cause_stands(self.latches.machine_cause)

    def tick(self, now_ms: int) -> None:
        """Run one whole tick."""
        self.begin_tick(now_ms)
        for part in self.slices:
            part()

    def begin_tick(self, now_ms: int) -> None:
        """Take the time of the tick whose slices follow."""
        self.interval_ms = ticks_diff(now_ms, self.now_ms)
        self.now_ms = now_ms
        self.ticks += 1

    def sense(self) -> None:
        """Read the sensors that are due."""
        self.sensors.read(self.ticks)

    def judge(self) -> None:
        """Evaluate the interlocks and the foot switch."""
        flowing = self._observe()
        if self.may_serve:
            self._choose_mode()
        cause = self.interlocks.trip(self.situation(flowing))
        if cause != codes.CAUSE_NONE:
            self._act(cause)
        pressed = bool(self.inputs & codes.INPUT_FOOTSWITCH)
        if (pressed or self.held_switch.down) and self.held_switch.tick(pressed, self.now_ms):
            self.orders.offer_rescue()
        if self.person.awaited != ACT_NONE:
            act = self.person.tick(pressed, self.now_ms)
            if act != ACT_NONE:
                self.acts.confirmed(act, self.person.values)
                self.conditions.look_again()

    def advance(self) -> None:
        """Advance the dose, give the next grant, feed the heartbeat while flow is wanted."""
        dose = self.dose
        if not dose.open():
            return
        pump = self.pump
        pump.held = self.sensors.bus_held
        # What comes by the clock and takes long, messages and buses and the watch, comes in odd ticks.
        pump.may_wait = self.ticks % 2 == 1
        if dose.powered():
            dose.supplied(self.sensors.supplied())
        cause = dose.tick(self.now_ms, self.board.ticks_us(), self.interval_ms)
        if cause != codes.CAUSE_NONE:
            self.stop(cause)
        self.set_valve()
        if dose.powered():
            self.board.heartbeat.feed()

    def write(self) -> None:
        """Write a little of what waits for the journal."""
        if self.ticks % _STATE_EVERY_TICKS == _STATE_AT:
            self.journal.note_state(self.device_state())
        self.kept.step()
        if not self.sensors.bus_held:
            self.journal.step()

    def signal(self) -> None:
        """Tell people: light and sound of the alarms."""
        alarms = self.alarms
        alarms.observe(self.interlocks.tripped)
        if alarms.tick(self.now_ms):
            light = alarms.light
            self.board.set_light(bool(light & RED), bool(light & YELLOW), bool(light & CYAN))
            self.board.set_buzzer(alarms.sound)

    def set_valve(self) -> None:
        """Let the valve follow the dose."""
        if self.dose.valve_patient != self._valve_patient:
            self._valve_patient = self.dose.valve_patient
            self.board.set_valve(self._valve_patient)

    def situation(self, flowing: bool) -> int:
        """Return what goes on while liquid may move on behalf of the dose, and while not, SCOPE_ bits."""
        if not flowing:
            return SCOPE_ALWAYS
        dose = self.dose
        situation = SCOPE_ALWAYS | SCOPE_FLOWING
        if dose.to_patient:
            situation |= SCOPE_PATIENT
        return situation | SCOPE_AGENT if dose.moves_agent else situation

    def device_state(self) -> int:
        """Return the DEVICE_ state."""
        if self.service:
            return codes.DEVICE_SERVICE
        if self.latches.stop_cause != codes.CAUSE_NONE:
            return codes.DEVICE_STOPPED
        if not self.watch.started:
            return codes.DEVICE_STARTING
        if self.dose.state == codes.DOSE_PAUSED:
            return codes.DEVICE_PAUSED
        return codes.DEVICE_DOSING if self.dose.open() else codes.DEVICE_READY

    def agent_in_line_nl(self) -> int:
        """Return the agent that may stand in the line, at most: a line through which agent flows may be full of it."""
        contents = self.kept.contents
        return LINE_NL if self.dose.open() and self.dose.moves_agent else contents.agent_in_line_nl

    def legal(self) -> bool:
        """Whether the rules contradict neither themselves nor the outputs; a watchdog is fed only then."""
        dose = self.dose
        pump = self.pump
        if pump.running and dose.state != codes.DOSE_RUNNING:
            return False
        if dose.valve_patient and not (dose.to_patient and dose.open()):
            return False
        return pump.emitted_steps <= pump.granted_steps <= pump.asked_steps

    def _observe(self) -> bool:
        """Take pins and conditions as they are now; return whether liquid may move on behalf of the dose."""
        inputs = self.board.inputs()
        self.inputs = inputs
        dose = self.dose
        flowing = dose.active()
        moving = dose.channel if flowing else -1
        self.cartridges.end_switch(bool(inputs & codes.INPUT_HOME), moving)
        self.interlocks.observe(inputs, self.conditions.now(moving))
        return flowing

    def _act(self, cause: int) -> None:
        """Do to the flow what the alarm that acts on it says."""
        action = self.interlocks.action
        flowing = self.dose.active()
        first = self.latches.machine_cause == codes.CAUSE_NONE
        if action == ACTION_PAUSE_AGENT:
            self.dose.pause(cause, self.now_ms, False)
        elif action == ACTION_PAUSE:
            self.dose.pause(cause, self.now_ms)
        elif action == ACTION_END:
            self.dose.stop(cause, self.now_ms)
        elif flowing or first:
            self.stop(cause)
        # Flow that was stopped once and not restarted since is not stopped a second time.
        if flowing and first and action >= ACTION_STOP:
            self.count_ending(self.interlocks.alarm)

    def count_ending(self, alarm: int) -> None:
        """Take that an alarm ended flow; once too often, and it is for service."""
        if self.alarms.flow_ended(alarm, self.now_ms):
            self.latches.keep_for_service()

    def _latch(self, cause: int) -> None:
        """Latch a stop, and the alarm that tells of it where no standing condition does."""
        self.latches.stop(cause)
        alarm = alarm_of(cause)
        if alarm and LATCHING & 1 << (alarm - 1):
            self.alarms.raise_(alarm)

    def _choose_mode(self) -> None:
        """Enter service mode when the motor supply is off and the foot switch held down for the whole first second."""
        held = self.inputs & codes.INPUT_FOOTSWITCH and self.sensors.supply.mv < _SERVICE_BELOW_MV
        if held and self.ticks < _CHOICE_TICKS:
            return
        self.may_serve = False
        self.service = bool(held)

    def _make_safe(self) -> None:
        """Valve to waste, no more heartbeat: motor and valve lose their supply with the one-shot."""
        self.board.heartbeat.stop()
        self.board.set_valve(False)
        self._valve_patient = False
