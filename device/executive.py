"""The cyclic executive: the link is drained at every turn, a tick is run in slices with a turn between each two."""

import gc

from device.clock import WRAP_MASK, ticks_diff
from device.controller import TICK_MS, Controller
from device.seal import image_intact
from device.wire import Wire
from protocol import codes
from protocol import wire_formats as messages
from protocol.compat import const
from protocol.link_device import DeviceLink

TYPE_CHECKING = False
if TYPE_CHECKING:
    from device.boards.interface import Board

_TICK_US = TICK_MS * 1000
_RECEIVE_OCTETS = const(256)
_RESERVE_OCTETS = const(2048)
# A processor that hangs right after a tick is reset within 500 ms.
WATCHDOG_MS = const(490)
# The heap is collected right after a tick, never in the middle of one, and often: the link waits meanwhile, for 2.6 ms
# on the emulated Pico when 7 kB of garbage have come together, for longer with more. A Pico's ear hears a stop even so.
_COLLECT_TICKS = const(100)
# In a tick that sends nothing by the clock, reads no slow sensor and looks at no slow condition.
_COLLECT_AT = const(97)


class TickStats:
    """How long ticks took, in microseconds of the device's clock."""

    def __init__(self) -> None:
        self.ticks = 0
        self.late = 0
        self.worst_us = 0
        self.heap_free = 0
        self._sum_us = 0
        self._count = 0

    def add(self, spent_us: int, late_us: int) -> None:
        """Count one tick that took ``spent_us`` and began ``late_us`` after its time."""
        self.ticks += 1
        self._count += 1
        self._sum_us += spent_us
        if spent_us > self.worst_us:
            self.worst_us = spent_us
        if late_us > _TICK_US // 2:
            self.late += 1

    def take_mean_us(self) -> int:
        """Return the mean since the last call and begin anew."""
        mean_us = self._sum_us // self._count if self._count else 0
        self._sum_us = 0
        self._count = 0
        return mean_us


class Executive:
    """Turns for ever. One turn takes what came in, then runs at most one request or one slice of a tick."""

    def __init__(self, board: "Board") -> None:
        self._board = board
        self.stats = TickStats()
        self.controller = Controller(board)
        self.link = DeviceLink(messages.schema_hash(), self._nonce)
        self.wire = Wire(self.controller, self.link, self.stats)
        self._received = bytearray(_RECEIVE_OCTETS)
        self._slices = self.controller.slices + (self._report, self._end_tick)
        self._slice = 0
        self._spent_us = 0
        self._late_us = 0
        self._since_collect = _COLLECT_TICKS - _COLLECT_AT
        self._stop_told = self.controller.latches.stop_cause
        self.controller.selftest.image(image_intact())
        board.collect()
        self.controller.selftest.heap(board.heap_free())
        # Given up when the heap is full, so that a stop and its cause find room.
        self._reserve = bytearray(_RESERVE_OCTETS)  # type: bytearray | None
        self.next_tick_us = board.ticks_us()
        board.watchdog_start(WATCHDOG_MS)
        self.controller.selftest.watchdog(True)

    def turn(self) -> bool:
        """Do one turn; return True when there is nothing to do before ``next_tick_us``."""
        board = self._board
        link = self.link
        count = board.link_readinto(self._received)
        if count:
            link.receive(self._received, count, board.ticks_ms())
            self.controller.last_heard_ms = link.last_heard_ms
            # Usually the link has just stopped; the frame may also come with the octets of a later turn.
            if board.stop_heard() and self._steps_cut_alone():
                self.controller.stop(codes.CAUSE_OPERATOR)
        if board.safe_tripped():
            self.controller.tripped()
        number = link.next_request()
        if number:
            self.wire.handle(number)
        if link.has_output():
            link.transmit(board.link_write)
        if number:
            return False
        now_us = board.ticks_us()
        if self._slice == 0:
            late_us = ticks_diff(now_us, self.next_tick_us)
            if late_us < 0:
                return count == 0
            self._begin_tick(late_us)
        self._slices[self._slice]()
        self._slice += 1
        if self._slice == len(self._slices):
            self._slice = 0
        self._spent_us += ticks_diff(board.ticks_us(), now_us)
        return False

    def fail(self) -> None:
        """Something raised: end all flow, keep the cause for the next boot, whatever else goes wrong."""
        self._reserve = None
        gc.collect()
        try:
            self.controller.stop(codes.CAUSE_FAULT)
        finally:
            self.controller.journal.note_fault(codes.CAUSE_FAULT)

    def _steps_cut_alone(self) -> bool:
        """Whether a stop that cut the steps has latched nothing, or left a rescue to stand still in mid-flow."""
        controller = self.controller
        return controller.latches.stop_cause == codes.CAUSE_NONE or controller.pump.running

    def _nonce(self) -> bytes:
        return self._board.random(4)

    def _begin_tick(self, late_us: int) -> None:
        self._late_us = late_us
        self._spent_us = 0
        if late_us > _TICK_US:
            # Ticks that were missed are counted as late and never made up.
            self.next_tick_us = self._board.ticks_us()
        self.next_tick_us = (self.next_tick_us + _TICK_US) & WRAP_MASK
        self.controller.begin_tick(self._board.ticks_ms())

    def _report(self) -> None:
        stop_cause = self.controller.latches.stop_cause
        if stop_cause != self._stop_told:
            self._stop_told = stop_cause
            if stop_cause != codes.CAUSE_NONE:
                self.wire.tell_stopped(False)
        self.wire.report()

    def _end_tick(self) -> None:
        """All slices have run: feed the watchdog, account for the time, collect the heap when it is time."""
        controller = self.controller
        if controller.legal():
            self._board.watchdog_feed()
        else:
            # What contradicts itself is not trusted to mend itself: the watchdog is left to reset it.
            controller.stop(codes.CAUSE_FAULT)
        self.stats.add(self._spent_us, self._late_us)
        self._since_collect += 1
        if self._since_collect >= _COLLECT_TICKS:
            self._since_collect = 0
            self._board.collect()
        elif self._since_collect == 1 and not controller.dose.open():
            # Walks the whole heap, 7 ms on the emulated Pico: only when nothing flows, and in a tick of its own.
            self.stats.heap_free = self._board.heap_free()
