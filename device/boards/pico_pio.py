# ruff: noqa: F821 -- the PIO assembler brings its own names
"""The state machines that move the plungers and keep motor and valve supplied, on PIO block 0.

Both run on counted words: when no word follows they stop by themselves, whatever the processor does. The step machine
looks at SAFE every microsecond while it waits, the last time one microsecond before the edge, and jumps into a dead
state when it finds it low, so that nothing moves when SAFE returns.
"""

import micropython
import rp2
from machine import Pin
from micropython import const

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

_CLOCK_HZ = const(2_000_000)

# Instructions that are executed from outside; none of them moves the program counter.
_MOV_ISR_X = const(0xA0C1)
_PUSH_NOBLOCK = const(0x8000)
_PULL_NOBLOCK = const(0x8080)
_SET_PINS_LOW = const(0xE000)

# A word is (steps - 1) << 20 | loops. One step takes 16 cycles and 2 a loop, within a word and from word to word.
_COUNT_SHIFT = const(20)
_LOOPS_LESS = const(8)
MAX_STEPS = const(1023)
MIN_PERIOD_US = const(20)
MAX_PERIOD_US = const(1048575)

# Places in the step program, counted from its first instruction.
_PULL = const(0)
_OUT_COUNT = const(2)
_DEAD = const(5)
_SET_HIGH = const(7)
_NEXT_STEP = const(9)

# How many of the words put last are remembered: four in the FIFO, one running, and room to spare.
_WORDS_MASK = const(7)
_FIFO_WORDS = const(4)

# One word is a rising and a falling edge, 5 ms each: pull, mov, set and one pass of the loop are the other 4 cycles.
_HEARTBEAT_LOOPS = const(9996)
# One word waits and one runs: 20 ms at most. With the one-shot's 20 ms and the valve's 10 ms, a processor that hangs at
# 20 uL/s lets less than 1 uL through the tip; a tick that comes 20 ms late still finds the supply on.
_HEARTBEAT_QUEUED = const(1)


@rp2.asm_pio(set_init=rp2.PIO.OUT_LOW, out_shiftdir=rp2.PIO.SHIFT_RIGHT)
def step_program():  # type: ignore[no-untyped-def]
    """Count steps: X steps to go, ISR loops of a period, Y loops to go."""
    wrap_target()  # type: ignore[name-defined]
    pull(block)  # type: ignore[name-defined]
    out(isr, 20)  # type: ignore[name-defined]
    out(x, 12)  # type: ignore[name-defined]
    label("step")  # type: ignore[name-defined]
    mov(y, isr)  # type: ignore[name-defined]
    label("wait")  # type: ignore[name-defined]
    jmp(pin, "safe")  # type: ignore[name-defined]
    label("dead")  # type: ignore[name-defined]
    jmp("dead")  # type: ignore[name-defined]
    label("safe")  # type: ignore[name-defined]
    jmp(y_dec, "wait")  # type: ignore[name-defined]
    set(pins, 1)[7]  # type: ignore[name-defined]
    set(pins, 0)  # type: ignore[name-defined]
    jmp(x_dec, "more")  # type: ignore[name-defined]
    wrap()  # type: ignore[name-defined]
    label("more")  # type: ignore[name-defined]
    jmp("step")[2]  # type: ignore[name-defined]


@rp2.asm_pio(set_init=rp2.PIO.OUT_LOW)
def heartbeat_program():  # type: ignore[no-untyped-def]
    """Make one pulse a word: high for the word's loops, low for the same."""
    wrap_target()  # type: ignore[name-defined]
    pull(block)  # type: ignore[name-defined]
    mov(x, osr)  # type: ignore[name-defined]
    set(pins, 1)  # type: ignore[name-defined]
    label("high")  # type: ignore[name-defined]
    jmp(x_dec, "high")  # type: ignore[name-defined]
    mov(x, osr)[1]  # type: ignore[name-defined]
    set(pins, 0)  # type: ignore[name-defined]
    label("low")  # type: ignore[name-defined]
    jmp(x_dec, "low")  # type: ignore[name-defined]
    wrap()  # type: ignore[name-defined]


@micropython.viper
def _fifo_and_place(machine: int) -> int:
    """Return FIFO level << 5 | program counter.

    The level is read first: a word that is pulled in between counts twice, never not at all.
    """
    pio = ptr32(0x50200000)  # type: ignore[name-defined]
    level: int = (pio[3] >> (machine << 3)) & 15
    return level << 5 | pio[(0xD4 + machine * 0x18) >> 2] & 31


@micropython.viper
def _drives_high(pin: int) -> int:
    """Return 1 when PIO block 0 drives the pin high."""
    return (ptr32(0x50200000)[15] >> pin) & 1  # type: ignore[name-defined]


# Machines are switched through the set and clear aliases of the control register, one access each. ``active`` reads,
# changes and writes it: a cut by an interrupt in between would be undone.
@micropython.viper
def _enable(machine: int):  # type: ignore[no-untyped-def]  # viper knows no None
    """Let a machine of PIO block 0 run."""
    ptr32(0x50202000)[0] = 1 << machine  # type: ignore[name-defined]


@micropython.viper
def _disable(machine: int):  # type: ignore[no-untyped-def]  # viper knows no None
    """Freeze a machine of PIO block 0 with all its state."""
    ptr32(0x50203000)[0] = 1 << machine  # type: ignore[name-defined]


@micropython.viper
def cut_flow():  # type: ignore[no-untyped-def]  # viper knows no None
    """Freeze the three step machines and release the valve, for interrupts too.

    ``halt`` tells afterwards what did not leave the pins.
    """
    ptr32(0x50203000)[0] = 7  # type: ignore[name-defined]
    valve = 17
    ptr32(0xD0000000)[6] = 1 << valve  # type: ignore[name-defined]


class PioStepGenerator:
    """Step pulses of one channel. Allocates in the constructor only; safe against a processor that stops.

    ``stop_pending()`` tells whether ``cut_flow`` was called by an interrupt and nobody has halted the steps since.
    """

    def __init__(self, machine: int, step_pin: int, safe_pin: Pin, stop_pending: "Callable[[], bool]") -> None:
        self._machine = machine
        self._stop_pending = stop_pending
        self._pin = step_pin
        self._sm = rp2.StateMachine(machine, step_program, freq=_CLOCK_HZ, set_base=Pin(step_pin), jmp_pin=safe_pin)
        self._start = step_program[1]  # where the program stands in the memory of block 0
        self._put = self._sm.put
        self._words = [0] * (_WORDS_MASK + 1)
        self._newest = 0
        self._unreported = 0
        self._died = False

    def put(self, steps: int, period_us: int) -> None:
        """Queue one word: ``steps`` times a wait and a pulse of 4 us, an edge every ``period_us``; see free() first.

        1 to 1023 steps, 20 to 1,048,575 us. From rest the first edge comes 5.5 us short of one period later.
        """
        self._newest = newest = (self._newest + 1) & _WORDS_MASK
        self._words[newest] = steps
        self._unreported += 1
        self._put((steps - 1) << _COUNT_SHIFT | (period_us - _LOOPS_LESS))

    def free(self) -> int:
        """Return how many words fit now."""
        return _FIFO_WORDS - (_fifo_and_place(self._machine) >> 5)

    def completed(self) -> int:
        """Return how many words have finished since the last call, in order."""
        state = _fifo_and_place(self._machine)
        done = self._unreported - (state >> 5)
        if state & 31 != self._start:
            done -= 1
        if done <= 0:
            return 0
        self._unreported -= done
        return done

    def halt(self) -> int:
        """Let no further edge out and return the steps of all words whose edge did not leave the pin, exactly."""
        _disable(self._machine)
        state = _fifo_and_place(self._machine)
        queued = state >> 5
        place = (state & 31) - self._start
        left = self._queued_steps(queued)
        if place == _DEAD:
            self._died = True
        if place != _PULL:
            left += self._running_steps(place, queued)
        self._clear(queued)
        return left

    def arm(self) -> None:
        """Make the generator ready, with nothing queued; but frozen while a stop is pending."""
        _disable(self._machine)
        self._clear(_fifo_and_place(self._machine) >> 5)
        self._died = False
        _enable(self._machine)
        # A stop from here on freezes the machine again; one from before must not be undone.
        if self._stop_pending():
            _disable(self._machine)

    def dead(self) -> bool:
        """Tell whether SAFE was found low during a step since the last arm()."""
        return self._died or (_fifo_and_place(self._machine) & 31) - self._start == _DEAD

    def _queued_steps(self, queued: int) -> int:
        steps = 0
        for age in range(queued):
            steps += self._words[(self._newest - age) & _WORDS_MASK]
        return steps

    def _running_steps(self, place: int, queued: int) -> int:
        """Return the steps of the running word that are still to come; the state machine stands still."""
        if place <= _OUT_COUNT:
            return self._words[(self._newest - queued) & _WORDS_MASK]
        sm = self._sm
        sm.restart()  # ends a delay that is under way; X stays
        sm.exec(_MOV_ISR_X)
        sm.exec(_PUSH_NOBLOCK)
        left = sm.get() & MAX_STEPS
        # X counts a step down after its pulse; the pin itself tells whether the edge at hand is out.
        if _SET_HIGH <= place <= _NEXT_STEP and (place != _SET_HIGH or _drives_high(self._pin)):
            return left
        return left + 1

    def _clear(self, queued: int) -> None:
        sm = self._sm
        sm.restart()
        for _ in range(queued):
            sm.exec(_PULL_NOBLOCK)
        # By now a pulse that was cut has been high for longer than a driver needs.
        sm.exec(_SET_PINS_LOW)
        self._unreported = 0


class PioHeartbeat:
    """Edges that keep motor and valve supplied, 20 ms of them at most without the processor."""

    def __init__(self, machine: int, pin: int) -> None:
        self._machine = machine
        self._sm = rp2.StateMachine(machine, heartbeat_program, freq=_CLOCK_HZ, set_base=Pin(pin))
        self._put = self._sm.put
        self._running = False

    def feed(self) -> None:
        """Top up to 20 ms of edges, one every 5 ms."""
        if not self._running:
            self._running = True
            _enable(self._machine)
        queued = _fifo_and_place(self._machine) >> 5
        while queued < _HEARTBEAT_QUEUED:
            self._put(_HEARTBEAT_LOOPS)
            queued += 1

    def stop(self) -> None:
        """Let no further edge out; the pin stays as it is."""
        sm = self._sm
        _disable(self._machine)
        self._running = False
        queued = _fifo_and_place(self._machine) >> 5
        sm.restart()
        for _ in range(queued):
            sm.exec(_PULL_NOBLOCK)
