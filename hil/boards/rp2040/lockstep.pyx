# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True
"""Lock step of processor, clock alarms and both PIO blocks of the emulated RP2040, exact to the system clock cycle.

The emulator's own loop stops PIO while the processor sleeps and lets a state machine run once an instruction at most.
This one gives every part the same time: whatever is due next runs next, also in the middle of an instruction's cycles.
"""

from libc.math cimport ceil

from rp2040py.native._cortex_m0_core cimport CortexM0Core
from rp2040py.native._pio cimport RPPIO
from rp2040py.native._rp2040 cimport RP2040
from rp2040py.native._simulation_clock cimport ClockAlarm, SimulationClock

cdef double NANOS_PER_CYCLE = 8.0
cdef long long NOTHING_DUE = 0x3FFFFFFFFFFFFFFF


cdef class FastSio:
    """The single-cycle I/O block with its hardware divider in C; all but the divider is left to the emulator's block.

    MicroPython divides some hundred thousand times a second, most of the accesses to any peripheral.
    """

    cdef readonly object inner
    cdef unsigned int dividend
    cdef unsigned int divisor
    cdef unsigned int quotient
    cdef unsigned int remainder
    cdef bint dirty

    def __init__(self, inner):
        self.inner = inner
        self.clear()

    cdef clear(self):
        self.dividend = 0
        self.divisor = 1
        self.quotient = 0
        self.remainder = 0
        self.dirty = False

    def __getattr__(self, name):
        return getattr(self.inner, name)

    def reset(self) -> None:
        """Return to the state after power-on."""
        self.clear()
        self.inner.reset()

    cdef divide(self, bint signed):
        cdef int numerator = <int> self.dividend
        cdef int denominator = <int> self.divisor
        self.dirty = True
        if self.divisor == 0:
            self.quotient = 1 if signed and numerator < 0 else 0xFFFFFFFFU
            self.remainder = self.dividend
        elif not signed:
            self.quotient = self.dividend // self.divisor
            self.remainder = self.dividend % self.divisor
        elif denominator == -1:
            self.quotient = <unsigned int> 0 - self.dividend
            self.remainder = 0
        else:
            self.quotient = <unsigned int> (numerator // denominator)
            self.remainder = <unsigned int> (numerator % denominator)

    def read_uint32(self, unsigned int offset):
        """Read a register."""
        if offset == 0x70:
            self.dirty = False
            return self.quotient
        if offset == 0x74:
            return self.remainder
        if offset == 0x78:
            return 3 if self.dirty else 1
        if offset == 0x60 or offset == 0x68:
            return self.dividend
        if offset == 0x64 or offset == 0x6C:
            return self.divisor
        return self.inner.read_uint32(offset)

    def write_uint32(self, unsigned int offset, long long value):
        """Write a register."""
        if offset < 0x60 or offset > 0x74:
            self.inner.write_uint32(offset, value)
        elif offset == 0x70:
            self.quotient = <unsigned int> (value & 0xFFFFFFFF)
            self.dirty = True
        elif offset == 0x74:
            self.remainder = <unsigned int> (value & 0xFFFFFFFF)
            self.dirty = True
        else:
            if offset & 4:
                self.divisor = <unsigned int> (value & 0xFFFFFFFF)
            else:
                self.dividend = <unsigned int> (value & 0xFFFFFFFF)
            self.divide(offset >= 0x68)


cdef class LockStep:
    """Runs one emulated RP2040; all times are cycles of its 125 MHz system clock since power-on."""

    cdef RP2040 mcu
    cdef CortexM0Core core
    cdef SimulationClock clock
    cdef RPPIO pio0
    cdef RPPIO pio1
    cdef object hook
    cdef object hooks
    cdef readonly long long cycles
    cdef readonly long long event_cycles
    cdef readonly long long instructions
    cdef readonly long long slept
    cdef public bint stop_requested
    cdef public bint hung
    cdef unsigned char watched[0x80000]

    def __init__(self, RP2040 mcu):
        mcu.sio = FastSio(mcu.sio)
        self.mcu = mcu
        self.core = mcu.core
        self.clock = mcu.clock
        self.pio0 = mcu.pio[0]
        self.pio1 = mcu.pio[1]
        self.hooks = {}
        self.cycles = 0
        self.event_cycles = 0
        self.instructions = 0
        self.slept = 0
        self.stop_requested = False
        self.hung = False

    def watch(self, unsigned int address, callback) -> None:
        """Call ``callback()`` whenever the processor is about to execute the instruction at ``address`` in flash."""
        self.watched[(address >> 1) & 0x7FFFF] = 1
        self.hooks[address & ~1] = callback

    def unwatch(self, unsigned int address) -> None:
        """Forget what ``watch`` set for ``address``."""
        self.watched[(address >> 1) & 0x7FFFF] = 0
        self.hooks.pop(address & ~1, None)

    cdef int call_hook(self, unsigned int pc) except -1:
        hook = self.hooks.get(pc)
        if hook is not None:
            hook()
        return 0

    cdef long long next_alarm(self):
        cdef ClockAlarm alarm = self.clock._next_alarm
        if alarm is None:
            return NOTHING_DUE
        return <long long> ceil(alarm.nanos / NANOS_PER_CYCLE)

    cdef long long next_pio(self):
        """Cycle at which the next state machine instruction is due; a PIO block counts time from its own last reset."""
        cdef long long due = NOTHING_DUE
        cdef long long wait
        if not self.pio0.stopped and self.pio0.next_due_fp < NOTHING_DUE:
            wait = (self.pio0.next_due_fp - self.pio0.cycle_fp + 255) >> 8
            due = self.cycles + (wait if wait > 0 else 0)
        if not self.pio1.stopped and self.pio1.next_due_fp < NOTHING_DUE:
            wait = (self.pio1.next_due_fp - self.pio1.cycle_fp + 255) >> 8
            wait = self.cycles + (wait if wait > 0 else 0)
            if wait < due:
                due = wait
        return due

    cdef int advance_pio(self, RPPIO pio, long long delta) except -1:
        """Move one PIO block on by ``delta`` cycles, running each instruction at the very cycle it is due."""
        cdef long long end = pio.cycle_fp + (delta << 8)
        cdef long long due
        cdef long long begin = self.cycles
        while not pio.stopped and pio.next_due_fp <= end:
            due = pio.next_due_fp
            if due > pio.cycle_fp:
                pio.cycle_fp = due
            self.event_cycles = begin + delta - ((end - pio.cycle_fp) >> 8)
            pio.advance(0)
        pio.cycle_fp = end
        return 0

    cdef int advance(self, long long delta) except -1:
        cdef double now
        cdef ClockAlarm alarm
        if not self.pio0.stopped:
            self.advance_pio(self.pio0, delta)
        if not self.pio1.stopped:
            self.advance_pio(self.pio1, delta)
        self.cycles += delta
        self.event_cycles = self.cycles
        now = self.cycles * NANOS_PER_CYCLE
        alarm = self.clock._next_alarm
        if alarm is not None and alarm.nanos <= now:
            self.clock.tick(now - self.clock._nanos_counter)
        self.clock._nanos_counter = now
        return 0

    def run(self, long long until) -> None:
        """Run up to cycle ``until`` or shortly after it (an instruction is never cut), or until a stop is requested.

        A processor that is ``hung`` executes nothing and takes no interrupt; everything else goes on.
        """
        cdef CortexM0Core core = self.core
        cdef long long delta
        cdef long long due
        cdef unsigned int pc
        self.stop_requested = False
        while self.cycles < until and not self.stop_requested:
            if core.waiting or self.hung:
                due = self.next_alarm()
                delta = self.next_pio()
                if delta < due:
                    due = delta
                if until < due:
                    due = until
                delta = due - self.cycles
                if delta < 1:
                    delta = 1
                self.slept += delta
            else:
                pc = core.registers[15]
                if (pc >> 28) == 1 and self.watched[(pc >> 1) & 0x7FFFF]:
                    self.call_hook(pc)
                delta = core.execute_instruction()
                self.instructions += 1
                if delta < 1:
                    delta = 1
            self.advance(delta)
