"""Defects planted in the firmware and the protocol of this process, one family of faults each brings to light."""

from dataclasses import dataclass
from typing import Any

import device.controller
import device.dose
import device.executive
import device.interlocks
from device.controller import Controller
from device.drivers.flow import FlowSensor
from device.drivers.pressure import PressureSensor
from device.executive import Executive
from device.pump import Pump
from protocol import codes
from protocol.framing import CRC_SIZE, FrameDecoder, _unstuff
from protocol.link_buffers import AnswerCache


@dataclass(frozen=True)
class Defect:
    """What is wrong, what faults bring to light, and the promises of which one must be seen broken."""

    name: str
    family: str
    rules: frozenset[str]
    plant: Any


def any_checksum_will_do(monkeypatch):
    def finish(self, fill):
        length = _unstuff(self.buffer, fill)
        self.length = max(0, length - CRC_SIZE)

    monkeypatch.setattr(FrameDecoder, "_finish", finish)


def deaf_to_a_lost_link(monkeypatch):
    monkeypatch.setattr(device.controller, "LINK_LOST_MS", 1 << 28)


def a_repeated_order_runs_again(monkeypatch):
    """Neither the link's cache, nor the outcomes, nor the last dose named stand in the way."""
    judge = device.dose.DoseMachine._judge
    admit = AnswerCache.admit

    def forget(self, dose_id, now_ms):
        if dose_id == self.dose_id and self.open():
            return self.values(now_ms)
        return self._blank(dose_id, codes.DOSE_NOT_KNOWN, codes.REASON_NONE, 0, 0, 0, now_ms)

    def forgiving(self, order, *rest):
        return judge(self, (order[0], self.dose_id, *order[2:]), *rest)

    def always(self, seq):
        admit(self, seq)
        return True

    monkeypatch.setattr(device.dose.DoseMachine, "find", forget)
    monkeypatch.setattr(device.dose.DoseMachine, "_judge", forgiving)
    monkeypatch.setattr(AnswerCache, "admit", always)


def every_boot_is_the_same(monkeypatch):
    class Forgetful(Controller):
        def __init__(self, board):
            super().__init__(board)
            self.boot = self.dose._boot = b"the boot"

    monkeypatch.setattr(device.executive, "Controller", Forgetful)


def a_broken_wire_reads_as_no_pressure(monkeypatch):
    take = PressureSensor.take
    monkeypatch.setattr(PressureSensor, "take", lambda self, raw: take(self, max(raw, 6554)))


def a_silent_sensor_reads_as_before(monkeypatch):
    monkeypatch.setattr(FlowSensor, "_failed", lambda self: None)


def the_emergency_stop_is_left_to_the_hardware(monkeypatch):
    """Nobody looks at the pin, and what SAFE has cut is armed again."""
    tick = Pump.tick

    def revive(self, now_us):
        if self.running and self._generator.dead():
            self.granted_steps -= self._generator.halt()
            self.emitted_steps = self.granted_steps
            self._outstanding = 0
            self._generator.arm()
        tick(self, now_us)

    ignored = (device.interlocks.ESTOP, device.interlocks.SAFE, device.interlocks.DOOR)
    rows = tuple(row for row in device.interlocks.ROWS if row[0] not in ignored)
    monkeypatch.setattr(device.interlocks, "ROWS", rows)
    monkeypatch.setattr(Controller, "tripped", lambda self: self.board.clear_trip())
    monkeypatch.setattr(Pump, "tick", revive)


def a_stop_is_forgotten(monkeypatch):
    stop = Controller.stop

    def forgetful(self, cause):
        stop(self, cause)
        self.stop_cause = codes.CAUSE_NONE

    monkeypatch.setattr(Controller, "stop", forgetful)


def agent_flows_for_the_asking(monkeypatch):
    judge_kind = device.dose.DoseMachine._judge_kind

    def permissive(self, kind, channel, profile, lot):
        reason = judge_kind(self, kind, channel, profile, lot)
        return codes.REASON_NONE if reason == codes.REASON_NO_PERMIT else reason

    monkeypatch.setattr(device.dose.DoseMachine, "_judge_kind", permissive)


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
        "any checksum will do", "link", UNATTRIBUTED | {"ledger", "crash", "edges after a stop"}, any_checksum_will_do
    ),
    Defect("deaf to a lost link", "link", frozenset({"flow without a link"}), deaf_to_a_lost_link),
    Defect("a repeated order runs again", "link", UNATTRIBUTED, a_repeated_order_runs_again),
    Defect("the firmware falls over", "link", frozenset({"crash"}), the_firmware_falls_over),
    Defect("every boot is the same", "power", UNATTRIBUTED, every_boot_is_the_same),
    Defect(
        "a broken wire reads as no pressure",
        "sensor",
        frozenset({"flow under sensor_silent.pressure"}),
        a_broken_wire_reads_as_no_pressure,
    ),
    Defect(
        "a silent sensor reads as before",
        "sensor",
        frozenset({"flow under sensor_silent.flow", "flow under bus_stuck"}),
        a_silent_sensor_reads_as_before,
    ),
    Defect(
        "the emergency stop is left to the hardware",
        "plant",
        frozenset({"edges after SAFE was low", "edges after the machine's stop"}),
        the_emergency_stop_is_left_to_the_hardware,
    ),
    Defect("a stop is forgotten", "host", frozenset({"edges after a stop"}), a_stop_is_forgotten),
    Defect("agent flows for the asking", "host", frozenset({"agent without a permit"}), agent_flows_for_the_asking),
)
