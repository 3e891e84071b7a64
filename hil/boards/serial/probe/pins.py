# ruff: noqa: F821 -- viper brings its own pointer types
"""The second Pico's pins, GP number by GP number the same as the device's, and two more for its supply and reset."""

import array

import machine
import micropython
from machine import PWM, Pin
from micropython import const

from hil.boards.serial.probe import stamps, wire

_POWER_CUT, _RUN_LOW = const(0), const(1)
_STEP0 = const(2)
_DIRECTION, _HEARTBEAT, _FOOTSWITCH = const(5), const(6), const(7)
_FLOW_SDA, _FLOW_SCL = const(8), const(9)
_SUPPLY = const(10)
_ESTOP, _DOOR, _BUBBLE, _SAFE, _HOME, _VALVE = const(12), const(13), const(14), const(15), const(16), const(17)
_STIRRER, _BUZZER, _RED, _YELLOW, _CYAN = const(18), const(19), const(20), const(21), const(22)
_PRESSURE, _DENSITY, _SUPPLY_LEVEL = const(26), const(27), const(28)

_PWM_HZ = const(100_000)
_HOLD_MS = const(20)
_FLOW_ADDRESS = const(0x08)
_FLOW_OCTETS = const(9)

_CHANGES = const(64)
_CHANGES_MASK = const(63)
_changes = array.array("I", bytes(8 * _CHANGES))
_changed = array.array("I", (0,))

# Raw latched rising edges of GP18 and GP19, where PWM comes in.
_STIRRER_ROSE, _BUZZER_ROSE = const(1 << 11), const(1 << 15)


@micropython.viper
def _note(pin):  # type: ignore[no-untyped-def]  # noqa: ARG001 -- what an interrupt handler is called with
    """Note time and levels: a hard interrupt handler, which allocates nothing."""
    count = ptr32(_changed)  # type: ignore[name-defined]
    ring = ptr32(_changes)  # type: ignore[name-defined]
    at = (int(count[0]) & 63) << 1
    ring[at] = ptr32(0x40054028)[0]  # type: ignore[name-defined]
    ring[at + 1] = ptr32(0xD0000004)[0]  # type: ignore[name-defined]
    count[0] = int(count[0]) + 1


@micropython.viper
def _levels() -> int:
    return int(ptr32(0xD0000004)[0])  # type: ignore[name-defined]


@micropython.viper
def _put(clear: int, set_: int):  # type: ignore[no-untyped-def]
    """Drive pins low, then others high, through the single-cycle I/O block."""
    sio = ptr32(0xD0000010)  # type: ignore[name-defined]
    sio[2] = clear
    sio[1] = set_


@micropython.viper
def _rose(mask: int) -> int:
    """Return which latched edges of GP16 to GP23 were seen, and clear them."""
    latch = ptr32(0x400140F8)  # type: ignore[name-defined]
    seen = int(latch[0]) & mask
    latch[0] = seen
    return seen


def _lines_of(levels: int) -> int:
    """Return levels of pins as bits of ``wire.LINES``."""
    return levels >> 12 & 0x1F | levels >> 2 & 0x20 | levels << 1 & 0xC0 | levels >> 9 & 0x3F00


def _pins_of(lines: int) -> int:
    """Return the bits of driven lines as a mask of pins."""
    return (lines & 0x07) << 12 | (lines & wire.HOME) << 12 | (lines & wire.FOOTSWITCH) << 2


class ProbePins:
    """What ``session`` asks of its hardware, on a Pico. Allocates 45 KiB in the constructor; one of it at a time."""

    name = "pico"

    def __init__(self) -> None:
        # The E-stop is pressed and the device held in reset until the bench says otherwise.
        for pin in (_ESTOP, _DOOR, _BUBBLE, _HOME, _FOOTSWITCH):
            Pin(pin, Pin.OUT, value=0)
        self._cut = Pin(_POWER_CUT, Pin.OUT, value=0)
        self._run = Pin(_RUN_LOW, Pin.OUT, value=0)
        watched = (_DIRECTION, _HEARTBEAT, _VALVE, _RED, _YELLOW, _CYAN)
        for pin in watched + (_STIRRER, _BUZZER):
            Pin(pin, Pin.IN, Pin.PULL_DOWN)
        stamps.gates(_ESTOP, _VALVE, _SAFE, _HEARTBEAT, _SUPPLY, _HOLD_MS)
        self._stamps = stamps.EdgeStamps((_STEP0, _STEP0 + 1, _STEP0 + 2), _SAFE)
        self._analogue = [PWM(Pin(pin), freq=_PWM_HZ, duty_u16=0) for pin in (_PRESSURE, _DENSITY, _SUPPLY_LEVEL)]
        self._read = 0
        self._flow = _flow_target()
        self.capabilities = 0x1F | (0x20 if self._flow is not None else 0)
        for pin in watched:
            Pin(pin).irq(_note, Pin.IRQ_RISING | Pin.IRQ_FALLING, hard=True)
        self.ticks = stamps.ticks
        self.mark = self._stamps.mark
        self.edges = self._stamps.edges

    def begin(self) -> None:
        """Forget what was not told."""
        self._read = _changed[0]
        self._stamps.begin()

    def lines(self) -> int:
        """Return the levels now."""
        return _lines_of(_levels())

    def pulsed(self) -> int:
        """Return which lines that carry PWM rose since the last call, or are high."""
        seen = _rose(_STIRRER_ROSE | _BUZZER_ROSE)
        lines = _lines_of(_levels()) & (wire.STIRRER | wire.BUZZER)
        return lines | (wire.STIRRER if seen & _STIRRER_ROSE else 0) | (wire.BUZZER if seen & _BUZZER_ROSE else 0)

    def drive(self, mask: int, levels: int) -> int:
        """Set lines; return when: to the tick where SAFE fell of it."""
        low, high = _pins_of(mask & ~levels), _pins_of(mask & levels)
        self._stamps.forget_falls()
        _put(low, high)
        now = stamps.ticks()
        fell = self._stamps.fall()
        return now if fell is None else fell

    def next_line(self) -> tuple[int, int] | None:
        """Return the next change of a watched line."""
        waiting = (_changed[0] - self._read) & 0x3FFFFFFF
        if not waiting:
            return None
        if waiting > _CHANGES:
            self._read = _changed[0] - _CHANGES
        at = (self._read & _CHANGES_MASK) << 1
        self._read += 1
        return _changes[at] << 1 & wire.TICKS_MASK, _lines_of(_changes[at + 1])

    def lost(self) -> int:
        """Return channels whose edges outran the ring."""
        return self._stamps.lost

    def analogue(self, pressure: int, density: int, supply: int) -> None:
        """Set the shares of the reference that the three filters are fed with."""
        self._analogue[0].duty_u16(pressure)
        self._analogue[1].duty_u16(density)
        self._analogue[2].duty_u16(supply)

    def power(self, on: bool) -> None:
        """Give the device its supply, or cut it."""
        self._cut(not on)

    def reset(self, low: bool) -> None:
        """Pull the device's RUN pin low, or let go."""
        self._run(low)

    def flow(self, octets: bytes) -> None:
        """Set what the flow chip answers with; not while it is answering."""
        if self._flow is None:
            return
        state = machine.disable_irq()
        self._flow[:] = octets
        machine.enable_irq(state)


def _flow_target() -> bytearray | None:
    """Answer at the flow chip's address where this MicroPython can be an I2C target, from 1.26 on."""
    kind = getattr(machine, "I2CTarget", None)
    if kind is None:
        return None
    octets = bytearray(_FLOW_OCTETS)
    # A command is written over the answer; the next answer comes within 10 ms.
    kind(0, _FLOW_ADDRESS, mem=octets, mem_addrsize=0, scl=Pin(_FLOW_SCL), sda=Pin(_FLOW_SDA))
    return octets
