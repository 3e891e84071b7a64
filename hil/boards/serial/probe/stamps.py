# ruff: noqa: F821 -- the PIO assembler brings its own names, viper its pointer types
"""State machines of the probe: edges stamped and counted without the processor, SAFE and the supply one-shot as gates.

A stamping machine runs at 8 MHz and counts X down by one every 4 cycles, that is every 0.5 us, whatever the pin does; a
rising edge pushes X. DMA moves each stamp into a ring, so that nothing is lost while Python is busy. All stamping
machines are started in one cycle: their counters are equal for ever.
"""

import array

import micropython
import rp2
import uctypes
from machine import Pin
from micropython import const

STAMP_HZ = const(8_000_000)
# A pass takes 13 cycles at most: SAFE follows within 2 us.
GATE_HZ = const(10_000_000)
ONE_SHOT_HZ = const(1_000_000)

RING_BITS = const(13)
RING_WORDS = const(2048)
# One below all transfers a DMA channel can count: 59 hours at 20,000 edges/s.
_TRANSFERS = const(0xFFFFFFFF)

_PIO0 = const(0x50200000)
_RXF0 = const(0x20)
# Enable, restart, and restart the clock dividers of all four machines.
_START_ALL = const(0xFFF)
_MOV_X_ONES = const(0xA02B)
_PULL_BLOCK = const(0x80A0)


@rp2.asm_pio()
def stamp_rises():  # type: ignore[no-untyped-def]
    """Push X at each rising edge of the jmp pin; X falls by one every 4 cycles on every path."""
    label("low")  # type: ignore[name-defined]
    jmp(x_dec, "look")  # type: ignore[name-defined]
    label("look")  # type: ignore[name-defined]
    jmp(pin, "rose")  # type: ignore[name-defined]
    jmp("low")[1]  # type: ignore[name-defined]
    label("rose")  # type: ignore[name-defined]
    mov(isr, x)  # type: ignore[name-defined]
    push(noblock)  # type: ignore[name-defined]
    wrap_target()  # type: ignore[name-defined]
    jmp(x_dec, "still")  # type: ignore[name-defined]
    label("still")  # type: ignore[name-defined]
    jmp(pin, "high")  # type: ignore[name-defined]
    jmp("low")[1]  # type: ignore[name-defined]
    label("high")  # type: ignore[name-defined]
    nop()[1]  # type: ignore[name-defined]
    wrap()  # type: ignore[name-defined]


@rp2.asm_pio()
def stamp_falls():  # type: ignore[no-untyped-def]
    """Push X at each falling edge of the jmp pin, as ``stamp_rises`` does."""
    label("high")  # type: ignore[name-defined]
    jmp(x_dec, "look")  # type: ignore[name-defined]
    label("look")  # type: ignore[name-defined]
    jmp(pin, "stays")  # type: ignore[name-defined]
    mov(isr, x)  # type: ignore[name-defined]
    push(noblock)  # type: ignore[name-defined]
    label("low")  # type: ignore[name-defined]
    jmp(x_dec, "wait")  # type: ignore[name-defined]
    label("wait")  # type: ignore[name-defined]
    jmp(pin, "rose")  # type: ignore[name-defined]
    jmp("low")[1]  # type: ignore[name-defined]
    label("rose")  # type: ignore[name-defined]
    jmp("high")[1]  # type: ignore[name-defined]
    label("stays")  # type: ignore[name-defined]
    jmp("high")[1]  # type: ignore[name-defined]


@rp2.asm_pio(set_init=rp2.PIO.OUT_LOW, in_shiftdir=rp2.PIO.SHIFT_LEFT)
def safe_gate():  # type: ignore[no-untyped-def]
    """SAFE = E-stop and door and (no bubble or valve released): three pins from the in base, the valve as jmp pin."""
    wrap_target()  # type: ignore[name-defined]
    label("top")  # type: ignore[name-defined]
    mov(isr, null)  # type: ignore[name-defined]
    in_(pins, 3)  # type: ignore[name-defined]
    mov(x, isr)  # type: ignore[name-defined]
    set(y, 7)  # type: ignore[name-defined]
    jmp(x_not_y, "bubble")  # type: ignore[name-defined]
    label("high")  # type: ignore[name-defined]
    set(pins, 1)  # type: ignore[name-defined]
    jmp("top")  # type: ignore[name-defined]
    label("bubble")  # type: ignore[name-defined]
    set(y, 3)  # type: ignore[name-defined]
    jmp(x_not_y, "low")  # type: ignore[name-defined]
    jmp(pin, "low")  # type: ignore[name-defined]
    jmp("high")  # type: ignore[name-defined]
    label("low")  # type: ignore[name-defined]
    set(pins, 0)  # type: ignore[name-defined]
    wrap()  # type: ignore[name-defined]


@rp2.asm_pio(set_init=rp2.PIO.OUT_LOW)
def one_shot():  # type: ignore[no-untyped-def]
    """High for the loops in OSR after each edge of the jmp pin, either way."""
    label("off_low")  # type: ignore[name-defined]
    jmp(pin, "rose")  # type: ignore[name-defined]
    jmp("off_low")  # type: ignore[name-defined]
    label("rose")  # type: ignore[name-defined]
    set(pins, 1)  # type: ignore[name-defined]
    mov(y, osr)  # type: ignore[name-defined]
    label("high")  # type: ignore[name-defined]
    jmp(pin, "stays")  # type: ignore[name-defined]
    jmp("fell")  # type: ignore[name-defined]
    label("stays")  # type: ignore[name-defined]
    jmp(y_dec, "high")  # type: ignore[name-defined]
    set(pins, 0)  # type: ignore[name-defined]
    label("off_high")  # type: ignore[name-defined]
    jmp(pin, "off_high")  # type: ignore[name-defined]
    label("fell")  # type: ignore[name-defined]
    set(pins, 1)  # type: ignore[name-defined]
    mov(y, osr)  # type: ignore[name-defined]
    label("low")  # type: ignore[name-defined]
    jmp(pin, "rose")  # type: ignore[name-defined]
    jmp(y_dec, "low")  # type: ignore[name-defined]
    set(pins, 0)  # type: ignore[name-defined]
    wrap_target()  # type: ignore[name-defined]
    jmp("off_low")  # type: ignore[name-defined]
    wrap()  # type: ignore[name-defined]


@micropython.viper
def ticks() -> uint:  # type: ignore[name-defined]
    """Return the timer in ticks of 0.5 us; wraps at 2^32."""
    return uint(ptr32(0x40054028)[0] << 1)  # type: ignore[name-defined]


@micropython.viper
def _start_machines(control: int) -> int:
    """Start state machines in one cycle, their clocks in step; return the timer's ticks at that instant."""
    pio = ptr32(0x50200000)  # type: ignore[name-defined]
    timer = ptr32(0x40054028)  # type: ignore[name-defined]
    pio[0] = control
    return int(timer[0]) << 1


@micropython.viper
def _transferred(channel: int) -> int:
    """Return how many words a DMA channel has moved since it was started."""
    dma = ptr32(0x50000000)  # type: ignore[name-defined]
    return -1 - int(dma[(channel << 4) + 2])


@micropython.viper
def _encode(ring: ptr32, total: int, start: int, state: ptr32, out: ptr32, limit: int) -> int:  # type: ignore[name-defined]
    """Turn stamps into words of edges with equal spacing; return how many words.

    ``state``: edges told so far, ticks of the last, then what both were before this call.
    """
    at = int(state[0])
    last = int(state[1])
    state[2] = at
    state[3] = last
    words = 0
    newest = 0
    while at != total:
        tick = start - 1 - int(ring[at & 2047])
        gap = tick - last
        if gap >> 22 != 0:
            if words:
                break
            state[3] = tick
            gap = 0
        if words and newest & 0x3FFFFF == gap and (newest >> 22) & 0x3FF != 1023:
            newest += 1 << 22
            out[words - 1] = newest
        else:
            if words == limit:
                break
            newest = gap | 1 << 22
            out[words] = newest
            words += 1
        last = tick
        at += 1
    state[0] = at
    state[1] = last
    return words


class EdgeStamps:
    """Three channels of rising edges and the fall of SAFE, on PIO block 0. Allocates 40 KiB in the constructor."""

    def __init__(self, step_pins: tuple[int, ...], safe_pin: int) -> None:
        octets = 4 * RING_WORDS
        self._memory = bytearray(octets * (len(step_pins) + 1))
        address = uctypes.addressof(self._memory)
        first = -(-address // octets) * octets
        self._rings = [first + octets * number for number in range(len(step_pins))]
        self._states = [array.array("I", (0, 0, 0, 0)) for _ in step_pins]
        self._totals = [0] * len(step_pins)
        self._machines = [
            rp2.StateMachine(number, stamp_rises, freq=STAMP_HZ, jmp_pin=Pin(pin, Pin.IN, Pin.PULL_DOWN))
            for number, pin in enumerate(step_pins)
        ]
        self._falls = rp2.StateMachine(3, stamp_falls, freq=STAMP_HZ, jmp_pin=Pin(safe_pin))
        self._dma = [self._ring_dma(number) for number in range(len(step_pins))]
        self.lost = 0
        for each in self._machines:
            each.exec(_MOV_X_ONES)
        self._falls.exec(_MOV_X_ONES)
        self._start = _start_machines(_START_ALL)

    def _ring_dma(self, number: int) -> rp2.DMA:
        dma = rp2.DMA()
        control = dma.pack_ctrl(
            size=2,
            inc_read=False,
            inc_write=True,
            ring_sel=True,
            ring_size=RING_BITS,
            treq_sel=4 + number,
            irq_quiet=True,
        )
        dma.config(read=_PIO0 + _RXF0 + 4 * number, write=self._rings[number], count=_TRANSFERS, ctrl=control)
        dma.active(1)
        return dma

    def begin(self) -> None:
        """Forget the edges so far."""
        for number, state in enumerate(self._states):
            state[0] = _transferred(self._dma[number].channel) & 0xFFFFFFFF
            # A last edge far ahead: the next one is told with its own time.
            state[1] = (ticks() + 0x40000000) & 0xFFFFFFFF
        self.lost = 0

    def mark(self) -> None:
        """Let ``edges`` tell what has come up to now, and no more."""
        for number, dma in enumerate(self._dma):
            self._totals[number] = _transferred(dma.channel)

    def edges(self, channel: int, octets: bytearray) -> tuple[int, int, int]:
        """Fill ``octets`` with words of edges not told yet; return edges before, ticks of the last of those, words."""
        state = self._states[channel]
        total = self._totals[channel]
        waiting = (total - state[0]) & 0xFFFFFFFF
        if waiting >= RING_WORDS:
            self.lost |= 1 << channel
            state[0] = (total - RING_WORDS // 2) & 0xFFFFFFFF
        count = _encode(self._rings[channel], total, self._start, state, octets, len(octets) >> 2)
        return state[2], state[3], count

    def forget_falls(self) -> None:
        """Empty what is known of SAFE."""
        while self._falls.rx_fifo():
            self._falls.get()

    def fall(self) -> int | None:
        """Return when SAFE fell since ``forget_falls``, in ticks, None when it did not."""
        if not self._falls.rx_fifo():
            return None
        return (self._start - 1 - self._falls.get()) & 0xFFFFFFFF


def gates(estop_pin: int, valve_pin: int, safe_pin: int, heartbeat_pin: int, supply_pin: int, hold_ms: int) -> None:
    """Start SAFE and the supply's one-shot on PIO block 1: E-stop, door and bubble are three pins in a row."""
    safe = rp2.StateMachine(
        4, safe_gate, freq=GATE_HZ, in_base=Pin(estop_pin), set_base=Pin(safe_pin), jmp_pin=Pin(valve_pin)
    )
    supply = rp2.StateMachine(5, one_shot, freq=ONE_SHOT_HZ, set_base=Pin(supply_pin), jmp_pin=Pin(heartbeat_pin))
    # A pass of the loop takes two cycles.
    supply.put(hold_ms * 500)
    supply.exec(_PULL_BLOCK)
    safe.active(1)
    supply.active(1)
