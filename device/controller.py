"""The controller of the rig: one tick, in slices, and the stop that never waits for one.

Order of a tick: sensors, interlocks, the dose and its grant, heartbeat, report. The executive drains the link between
slices, so a stop is at most one slice away from the step gate.
"""

from device.boots import BootRecord
from device.clock import ticks_diff
from device.dose import DoseMachine
from device.drivers.flow import FlowSensor
from device.drivers.fram import Fram
from device.drivers.pressure import PressureSensor
from device.drivers.supply import SupplySensor
from device.interlocks import Interlocks
from device.limits import Ceilings
from device.line import LineAccount
from device.person import ACT_CLEAR, ACT_NONE, ACT_RESUME, Person
from device.pump import Pump
from protocol import codes
from protocol.compat import const

TYPE_CHECKING = False
if TYPE_CHECKING:
    from device.boards.interface import Board

TICK_MS = const(10)
# The host pings every 250 ms; flow has ended within 1.5 s of the last valid frame (LINK-4).
LINK_LOST_MS = const(1_400)
RESET_BY_WATCHDOG = const(3)
_SUPPLY_EVERY_TICKS = const(10)


class Controller:
    """Owns sensors, rules and the latched stop. Time comes in with every call; the board is only read and driven."""

    def __init__(self, board: "Board") -> None:
        self.board = board
        self.pressure = PressureSensor()
        self.flow = FlowSensor(board, 0)
        self.supply = SupplySensor()
        self.interlocks = Interlocks()
        self.person = Person()
        self.boots = BootRecord(Fram(board, 0))
        self.boots.begin()
        self.boot = self.boots.count.to_bytes(4, "little") + board.random(4)
        self.pump = Pump(board.steps[codes.CHANNEL_FLUSH])
        self.line = LineAccount()
        self.dose = DoseMachine(self.pump, self.line, Ceilings(), self.boot)
        self.stop_cause = codes.CAUSE_NONE
        self.stop_latency_us = 0
        self.started = False
        self.inputs = 0
        self.last_heard_ms = 0
        self.now_ms = board.ticks_ms()
        self.interval_ms = TICK_MS
        self.ticks = 0
        self._valve_patient = False
        self.slices = (self.sense, self.judge, self.advance)
        board.set_direction(True)
        self._make_safe()
        board.clear_trip()
        if board.reset_cause() == RESET_BY_WATCHDOG or self.boots.last_fault:
            self.stop_cause = codes.CAUSE_FAULT

    def stop(self, cause: int) -> None:
        """End all flow now and latch ``cause``; the first cause stays. Works in every state, any number of times."""
        began_us = self.board.ticks_us()
        self.pump.halt()
        self._make_safe()
        self.stop_latency_us = ticks_diff(self.board.ticks_us(), began_us)
        if self.stop_cause == codes.CAUSE_NONE:
            self.stop_cause = cause
        self.person.forget()
        self.dose.stop(cause, self.now_ms, self.pressure, self.flow)

    def tripped(self) -> None:
        """The SAFE line was low since it was last asked: the hardware has cut the flow, the rules follow."""
        self.board.clear_trip()
        if self.dose.active():
            self._observe()
            self.stop(self.interlocks.cause_now())

    def clear(self) -> int:
        """Ask for a person to clear the stop; return a REASON_ code."""
        if self.stop_cause == codes.CAUSE_NONE:
            return codes.REASON_NOT_STOPPED
        if self.interlocks.machine_cause_stands() or self.dose.active():
            return codes.REASON_CAUSE_STANDS
        self.person.ask(ACT_CLEAR, self.now_ms)
        return codes.REASON_NONE

    def resume(self, dose_id: bytes) -> int:
        """Ask for a person to resume the paused dose; return a REASON_ code."""
        if self.stop_cause != codes.CAUSE_NONE:
            return codes.REASON_STOPPED
        if dose_id != self.dose.dose_id or self.dose.state != codes.DOSE_PAUSED:
            return codes.REASON_NOT_PAUSED
        if self.interlocks.standing:
            return codes.REASON_INTERLOCK
        self.person.ask(ACT_RESUME, self.now_ms)
        return codes.REASON_NONE

    def pause(self, dose_id: bytes) -> int:
        """Pause the running dose; return a REASON_ code. A dose that is paused already stays so."""
        dose = self.dose
        if dose_id != dose.dose_id:
            return codes.REASON_NOT_RUNNING
        if dose.state in (codes.DOSE_PAUSING, codes.DOSE_PAUSED) or dose.pause(codes.CAUSE_OPERATOR, self.now_ms):
            return codes.REASON_NONE
        return codes.REASON_NOT_RUNNING

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
        """Read the sensors."""
        board = self.board
        self.pressure.take(board.pressure_raw())
        if self.ticks % _SUPPLY_EVERY_TICKS == 1:
            self.supply.take(board.supply_raw())
        self.flow.read()

    def judge(self) -> None:
        """Evaluate the interlocks, the link and the foot switch."""
        self._observe()
        self.started = True
        flowing = self.dose.active()
        cause = self.interlocks.trip(flowing)
        if cause != codes.CAUSE_NONE and (flowing or self.stop_cause == codes.CAUSE_NONE):
            self.stop(cause)
        elif flowing and ticks_diff(self.now_ms, self.last_heard_ms) >= LINK_LOST_MS:
            self.dose.pause(codes.CAUSE_LINK_LOST, self.now_ms)
        if self.person.awaited != ACT_NONE:
            self._confirm()

    def advance(self) -> None:
        """Advance the dose, give the next grant, feed the heartbeat while flow is wanted."""
        dose = self.dose
        if not dose.open():
            return
        cause = dose.tick(self.now_ms, self.board.ticks_us(), self.pressure, self.flow, self.interval_ms)
        if cause != codes.CAUSE_NONE:
            self.stop(cause)
        if dose.valve_patient != self._valve_patient:
            self._valve_patient = dose.valve_patient
            self.board.set_valve(self._valve_patient)
        if dose.active() and dose.state != codes.DOSE_STOPPING:
            self.board.heartbeat.feed()

    def device_state(self) -> int:
        """Return the DEVICE_ state."""
        if self.stop_cause != codes.CAUSE_NONE:
            return codes.DEVICE_STOPPED
        if not self.started:
            return codes.DEVICE_STARTING
        if self.dose.state == codes.DOSE_PAUSED:
            return codes.DEVICE_PAUSED
        return codes.DEVICE_DOSING if self.dose.open() else codes.DEVICE_READY

    def sensor_faults(self) -> int:
        """Return the FAULT_ bits."""
        return (
            (codes.FAULT_PRESSURE if self.pressure.faulty else 0)
            | (codes.FAULT_FLOW if self.flow.faulty else 0)
            | (0 if self.supply.healthy else codes.FAULT_SUPPLY)
            | (codes.FAULT_FRAM if self.boots.faulty else 0)
        )

    def _observe(self) -> None:
        inputs = self.board.inputs()
        self.inputs = inputs
        self.interlocks.observe(inputs, self.pressure, self.flow, self.supply, self.boots.faulty)

    def _confirm(self) -> None:
        act = self.person.tick(bool(self.inputs & codes.INPUT_FOOTSWITCH), self.now_ms)
        if act == ACT_CLEAR and not self.interlocks.machine_cause_stands():
            self.stop_cause = codes.CAUSE_NONE
            self.board.clear_trip()
        elif act == ACT_RESUME and not self.interlocks.standing:
            self.dose.resume(self.now_ms)

    def _make_safe(self) -> None:
        """Valve to waste, no more heartbeat: motor and valve lose their supply with the one-shot."""
        self.board.heartbeat.stop()
        self.board.set_valve(False)
        self._valve_patient = False
