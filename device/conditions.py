"""What sensors and rules have found, as conditions of the alarm table. Pins are judged by the interlocks themselves."""

from device import interlocks
from device.clock import ticks_add, ticks_diff
from protocol import codes
from protocol.compat import const

TYPE_CHECKING = False
if TYPE_CHECKING:
    from device.controller import Controller
    from device.dose import DoseMachine

# The host pings every 250 ms; flow has ended within 1.5 s of the last valid frame (LINK-4).
LINK_LOST_MS = const(1_400)
# What changes slowly is looked at in one tick of so many.
_SLOW_TICKS = const(10)
_SLOW_AT = const(6)
_PERSONS_STOPS = (codes.CAUSE_OPERATOR, codes.CAUSE_CLINICIAN, codes.CAUSE_CONSENT)


class Conditions:
    """Collects the bits of ``interlocks``; what is quick every tick, the rest every tenth; allocates nothing."""

    def __init__(self, controller: "Controller") -> None:
        self._controller = controller
        self._slow = 0
        self._due = True
        self._exchanged = 0

    def look_again(self) -> None:
        """Something was cleared or resolved: what changes slowly has just changed."""
        self._due = True

    def now(self, moving: int) -> int:
        """Return the conditions that stand while the channel ``moving`` pumps, -1 for none."""
        controller = self._controller
        dose = controller.dose
        if self._due or controller.ticks % _SLOW_TICKS == _SLOW_AT:
            self._due = False
            self._slow = self._find_slow()
        bits = self._slow | controller.sensors.conditions | controller.cartridges.conditions(moving, dose.to_patient)
        if moving >= 0:
            bits |= self._of_flow(dose)
        return bits

    def _of_flow(self, dose: "DoseMachine") -> int:
        """Return the conditions of a dose that may flow: a rescue needs no host, agent needs its suspension."""
        controller = self._controller
        bits = 0
        if dose.kind != codes.KIND_RESCUE:
            if self.link_is_lost():
                bits = interlocks.LINK_LOST
            if dose.moves_agent and dose.channel == codes.CHANNEL_AGENT and not controller.suspension.ready:
                bits |= interlocks.DENSITY
        return bits

    def link_is_lost(self) -> bool:
        """Whether the host has been silent for too long."""
        controller = self._controller
        return ticks_diff(controller.now_ms, controller.last_heard_ms) >= LINK_LOST_MS

    def _find_slow(self) -> int:
        controller = self._controller
        if self.link_is_lost():
            # Silence that goes on for days must not come round the clock and look like a word just said.
            controller.last_heard_ms = ticks_add(controller.now_ms, -LINK_LOST_MS)
            controller.alarms.link_lost()
        kept = controller.kept
        latches = controller.latches
        bits = 0
        if controller.suspension.failed:
            bits |= interlocks.DENSITY
        if controller.journal.faulty:
            bits |= interlocks.JOURNAL
        if latches.hold_cause != codes.CAUSE_NONE:
            bits |= interlocks.MONITOR_HOLD
        if controller.selftest.alarms():
            bits |= interlocks.SELF_TEST
        if kept.unresolved:
            bits |= interlocks.UNRESOLVED
        if latches.stop_cause in _PERSONS_STOPS:
            bits |= interlocks.PERSON_STOP
        if latches.machine_cause == codes.CAUSE_FAULT:
            bits |= interlocks.FAULT
        if latches.service_only:
            bits |= interlocks.REPEATED
        if controller.dose.state == codes.DOSE_PAUSED and controller.dose.cause == codes.CAUSE_PERMIT:
            bits |= interlocks.PERMIT_GONE
        self._look_at_cartridges()
        return bits

    def _look_at_cartridges(self) -> None:
        """Another cartridge: its suspension is of unknown age, and nobody knows what stands in the line.

        Hands at a pump leave the play of its screw open.
        """
        controller = self._controller
        play = controller.kept.account.play
        if not controller.inputs & codes.INPUT_DOOR_CLOSED:
            play.opened_all()
        exchanged = 0
        for cartridge in controller.cartridges.all:
            if cartridge.exchanged:
                exchanged |= 1 << cartridge.channel
                if not self._exchanged & 1 << cartridge.channel:
                    play.opened(cartridge.channel)
        if exchanged & ~self._exchanged:
            controller.kept.line_unknown()
            if exchanged & ~self._exchanged & 1:
                controller.suspension.exchanged()
        self._exchanged = exchanged
