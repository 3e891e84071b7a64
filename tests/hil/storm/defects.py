"""Defects planted in the firmware and the protocol of this process, one family of faults each brings to light."""

from dataclasses import dataclass
from typing import Any

import device.conditions
import device.dose_order
import device.executive
from device.controller import Controller
from device.dose_order import OrderRules
from device.drivers.flow import FlowSensor
from device.drivers.pressure import PressureSensor
from device.executive import Executive
from device.interlocks import Interlocks
from device.journal import Journal
from device.orders import Orders
from device.pump import Pump
from protocol import codes
from protocol.framing import CRC_SIZE, FrameDecoder, _unstuff
from protocol.link_buffers import AnswerCache


@dataclass(frozen=True)
class Defect:
    """What is wrong, what faults bring to light, and the promises of which one must be seen broken.

    ``seed``: of schedules among which it is found soon; those of any other seed find it later.
    """

    name: str
    family: str
    rules: frozenset[str]
    plant: Any
    seed: int = 1


def any_checksum_will_do(monkeypatch):
    def finish(self, fill):
        length = _unstuff(self.buffer, fill)
        self.length = max(0, length - CRC_SIZE)

    monkeypatch.setattr(FrameDecoder, "_finish", finish)


def deaf_to_a_lost_link(monkeypatch):
    monkeypatch.setattr(device.conditions, "LINK_LOST_MS", 1 << 28)


def a_repeated_order_runs_again(monkeypatch):
    """Neither the link's cache, nor the outcomes, nor the last dose named stand in the way."""
    judge = OrderRules.judge
    find = Orders.find
    admit = AnswerCache.admit

    def forget(self, dose_id):
        known = find(self, dose_id)
        if codes.DOSE_ACCEPTED <= known[1] <= codes.DOSE_STOPPING:
            return known
        return (dose_id, codes.DOSE_NOT_KNOWN, *known[2:])

    def forgiving(self, order, session, now_ms):
        order.last_dose_id = self._rules.journal.last_dose_id
        return judge(self, order, session, now_ms)

    def always(self, seq):
        admit(self, seq)
        return True

    monkeypatch.setattr(Orders, "find", forget)
    monkeypatch.setattr(OrderRules, "judge", forgiving)
    monkeypatch.setattr(AnswerCache, "admit", always)


def no_dose_outlives_the_power(monkeypatch):
    """Every boot is the same, and of the doses before it nothing is known: neither their outcomes nor the last one."""
    judge = OrderRules.judge

    class Forgetful(Controller):
        def __init__(self, board):
            super().__init__(board)
            self.boot = self.orders._judge._boot = b"the boot"

    def forgiving(self, order, session, now_ms):
        order.last_dose_id = self._rules.journal.last_dose_id
        return judge(self, order, session, now_ms)

    monkeypatch.setattr(device.executive, "Controller", Forgetful)
    monkeypatch.setattr(Journal, "find", lambda self, dose_id: None)
    monkeypatch.setattr(OrderRules, "judge", forgiving)


def a_broken_wire_reads_as_no_pressure(monkeypatch):
    take = PressureSensor.take
    monkeypatch.setattr(PressureSensor, "take", lambda self, raw: take(self, max(raw, 6554)))


def a_silent_sensor_reads_as_before(monkeypatch):
    monkeypatch.setattr(FlowSensor, "_failed", lambda self: None)


def the_emergency_stop_is_left_to_the_hardware(monkeypatch):
    """Nobody looks at the pin, and what SAFE has cut is armed again."""
    tick = Pump.tick

    def revive(self, now_us, *bounds):
        if self.running and self._generator.dead():
            self.granted_steps -= self._generator.halt()
            self.emitted_steps = self.granted_steps
            self._outstanding = 0
            self._generator.arm()
        return tick(self, now_us, *bounds)

    observe = Interlocks.observe
    seen_healthy = codes.INPUT_ESTOP_HEALTHY | codes.INPUT_DOOR_CLOSED | codes.INPUT_SAFE
    monkeypatch.setattr(Interlocks, "observe", lambda self, inputs, found: observe(self, inputs | seen_healthy, found))
    monkeypatch.setattr(Controller, "tripped", lambda self: self.board.clear_trip())
    monkeypatch.setattr(Pump, "tick", revive)


def a_stop_is_forgotten(monkeypatch):
    stop = Controller.stop

    def forgetful(self, cause):
        stop(self, cause)
        self.latches.clear_machine()

    monkeypatch.setattr(Controller, "stop", forgetful)


def agent_flows_for_the_asking(monkeypatch):
    monkeypatch.setattr(device.dose_order, "needs_permit", lambda *_: False)


def the_firmware_falls_over(monkeypatch):
    turn = Executive.turn

    def fragile(self):
        if self.link.bad_crc > 3:
            raise IndexError("bad_crc")
        return turn(self)

    monkeypatch.setattr(Executive, "turn", fragile)


UNATTRIBUTED = frozenset({"edges without an order", "steps reported", "outcome"})
DEFECTS = (
    Defect(
        "any checksum will do",
        "link",
        UNATTRIBUTED | {"ledger", "crash", "edges after a stop"},
        any_checksum_will_do,
        seed=36,
    ),
    Defect("deaf to a lost link", "link", frozenset({"flow without a link"}), deaf_to_a_lost_link, seed=10),
    Defect("a repeated order runs again", "link", UNATTRIBUTED, a_repeated_order_runs_again),
    Defect("the firmware falls over", "link", frozenset({"crash"}), the_firmware_falls_over, seed=13),
    Defect("no dose outlives the power", "power", UNATTRIBUTED, no_dose_outlives_the_power, seed=4),
    Defect(
        "a broken wire reads as no pressure",
        "sensor",
        frozenset({"flow under sensor_silent.pressure"}),
        a_broken_wire_reads_as_no_pressure,
        seed=22,
    ),
    Defect(
        "a silent sensor reads as before",
        "sensor",
        frozenset({"flow under sensor_silent.flow", "flow under bus_stuck"}),
        a_silent_sensor_reads_as_before,
        seed=5,
    ),
    Defect(
        "the emergency stop is left to the hardware",
        "plant",
        frozenset({"edges after SAFE was low", "edges after the machine's stop"}),
        the_emergency_stop_is_left_to_the_hardware,
        seed=7,
    ),
    Defect("a stop is forgotten", "host", frozenset({"edges after a stop"}), a_stop_is_forgotten, seed=2),
    Defect("agent flows for the asking", "host", frozenset({"agent without a permit"}), agent_flows_for_the_asking),
)
