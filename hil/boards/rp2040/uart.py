"""The RP2040's UART (ARM PL011), simulated with FIFOs, interrupts and the time every character takes on the wire."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Any

from rp2040py.peripherals.peripheral import BasePeripheral

CLK_PERI_HZ = 48_000_000
"""The peripheral clock that MicroPython sets up; the divisors it writes are reckoned from it."""

FIFO_DEPTH = 32
BITS_PER_OCTET = 10
RECEIVE_TIMEOUT_BITS = 32

DR, RSR, FR, IBRD, FBRD, LCR_H, CR, IFLS, IMSC, RIS, MIS, ICR, DMACR = (
    0x00, 0x04, 0x18, 0x24, 0x28, 0x2C, 0x30, 0x34, 0x38, 0x3C, 0x40, 0x44, 0x48,
)  # fmt: skip
IDENTIFICATION = {0xFE0: 0x11, 0xFE4: 0x10, 0xFE8: 0x34, 0xFEC: 0, 0xFF0: 0x0D, 0xFF4: 0xF0, 0xFF8: 0x05, 0xFFC: 0xB1}

FR_BUSY, FR_RX_EMPTY, FR_TX_FULL, FR_RX_FULL, FR_TX_EMPTY = 1 << 3, 1 << 4, 1 << 5, 1 << 6, 1 << 7
CR_ENABLE, CR_TX_ENABLE, CR_RX_ENABLE = 1 << 0, 1 << 8, 1 << 9
LCR_FIFO_ENABLE = 1 << 4
INT_RX, INT_TX, INT_RX_TIMEOUT, INT_OVERRUN = 1 << 4, 1 << 5, 1 << 6, 1 << 10
DR_OVERRUN = 1 << 11
CR_RESET = CR_TX_ENABLE | CR_RX_ENABLE
IFLS_RESET = 0b010_010
LEVELS = (FIFO_DEPTH // 8, FIFO_DEPTH // 4, FIFO_DEPTH // 2, FIFO_DEPTH * 3 // 4, FIFO_DEPTH * 7 // 8)


class Uart(BasePeripheral):
    """One PL011 as a block on the emulated bus. ``on_octet(octet)`` is called when a character's stop bit has left."""

    def __init__(self, mcu: Any, name: str, irq: int, on_octet: Callable[[int], None]) -> None:
        super().__init__(mcu, name)
        self._irq = irq
        self._on_octet = on_octet
        self._wire: deque[tuple[float, int]] = deque()
        self._wire_free_ns = 0.0
        self._clock = mcu.clock
        self._shift_alarm = mcu.clock.create_alarm(self._shifted_out)
        self._arrival_alarm = mcu.clock.create_alarm(self._arrived)
        self._timeout_alarm = mcu.clock.create_alarm(self._receive_timed_out)
        self.overruns = 0
        self.lost_while_off = 0
        self._clear()

    def _clear(self) -> None:
        self._received: deque[int] = deque()
        self._to_send: deque[int] = deque()
        self._shifting: int | None = None
        self._control = CR_RESET
        self._line_control = 0
        self._levels = IFLS_RESET
        self._divisor_64 = 64
        self._mask = 0
        self._raw = 0
        self._overrun_pending = False

    def reset(self) -> None:
        """Go back to power-on; what a sender already put on the wire still arrives, and meets a disabled receiver."""
        self._clear()
        self._shift_alarm.cancel()
        self._timeout_alarm.cancel()
        self._interrupt()

    @property
    def octet_ns(self) -> float:
        """Time of one character at the baud rate that the firmware set."""
        return BITS_PER_OCTET * 16 * self._divisor_64 / 64 * 1e9 / CLK_PERI_HZ

    @property
    def sending(self) -> bool:
        """Whether a character is leaving or waits to leave."""
        return self._shifting is not None or bool(self._to_send)

    def send_to_device(self, data: bytes, octet_ns: float) -> float:
        """Put octets on the receive line, each ``octet_ns`` long, behind those that are still under way there.

        Returns when the last of them is complete, in ns of the chip's clock.
        """
        start: float = max(self._wire_free_ns, self._clock.nanos)
        idle = not self._wire
        for octet in data:
            start += octet_ns
            self._wire.append((start, octet))
        self._wire_free_ns = start
        if idle and self._wire:
            self._schedule_arrival()
        return start

    def _schedule_arrival(self) -> None:
        self._arrival_alarm.schedule(self._wire[0][0] - self._clock.nanos)

    def _arrived(self) -> None:
        _, octet = self._wire.popleft()
        if self._wire:
            self._schedule_arrival()
        if not (self._control & CR_ENABLE and self._control & CR_RX_ENABLE):
            self.lost_while_off += 1
            return
        depth = FIFO_DEPTH if self._line_control & LCR_FIFO_ENABLE else 1
        if len(self._received) >= depth:
            self.overruns += 1
            self._overrun_pending = True
            self._raw |= INT_OVERRUN
        else:
            self._received.append(octet | (DR_OVERRUN if self._overrun_pending else 0))
            self._overrun_pending = False
            if len(self._received) >= self._receive_level():
                self._raw |= INT_RX
        self._start_timeout()
        self._interrupt()

    def _start_timeout(self) -> None:
        self._timeout_alarm.schedule(self.octet_ns / BITS_PER_OCTET * RECEIVE_TIMEOUT_BITS)

    def _receive_timed_out(self) -> None:
        if self._received:
            self._raw |= INT_RX_TIMEOUT
            self._interrupt()

    def _receive_level(self) -> int:
        return LEVELS[min(self._levels >> 3 & 7, 4)] if self._line_control & LCR_FIFO_ENABLE else 1

    def _send_level(self) -> int:
        return LEVELS[min(self._levels & 7, 4)] if self._line_control & LCR_FIFO_ENABLE else 0

    def _shift_next(self) -> None:
        if self._shifting is None and self._to_send and self._control & CR_ENABLE:
            self._shifting = self._to_send.popleft()
            self._shift_alarm.schedule(self.octet_ns)
            # The interrupt comes from falling through the level, so clearing it silences it until the next fall.
            if len(self._to_send) == self._send_level():
                self._raw |= INT_TX

    def _shifted_out(self) -> None:
        octet = self._shifting
        self._shifting = None
        self._shift_next()
        self._interrupt()
        if octet is not None:
            self._on_octet(octet)

    def _interrupt(self) -> None:
        self.rp2040.set_interrupt(self._irq, bool(self._raw & self._mask))

    def _read_data(self) -> int:
        if not self._received:
            return 0
        octet = self._received.popleft()
        if len(self._received) < self._receive_level():
            self._raw &= ~INT_RX
        if not self._received:
            self._raw &= ~INT_RX_TIMEOUT
        self._interrupt()
        return octet

    def _flags(self) -> int:
        fifos = self._line_control & LCR_FIFO_ENABLE
        depth = FIFO_DEPTH if fifos else 1
        flags = FR_BUSY if self.sending else 0
        flags |= 0 if self._received else FR_RX_EMPTY
        flags |= 0 if self._to_send else FR_TX_EMPTY
        flags |= FR_RX_FULL if len(self._received) >= depth else 0
        return flags | (FR_TX_FULL if len(self._to_send) >= depth else 0)

    def read_uint32(self, offset: int) -> int:
        """Read a register of the PL011."""
        if offset == DR:
            return self._read_data()
        if offset == FR:
            return self._flags()
        values = {
            RSR: 0, IBRD: self._divisor_64 >> 6, FBRD: self._divisor_64 & 63, LCR_H: self._line_control,
            CR: self._control, IFLS: self._levels, IMSC: self._mask, RIS: self._raw, MIS: self._raw & self._mask,
            DMACR: 0,
        }  # fmt: skip
        if offset in values:
            return values[offset]
        return IDENTIFICATION[offset] if offset in IDENTIFICATION else super().read_uint32(offset)

    def write_uint32(self, offset: int, value: int) -> None:
        """Write a register of the PL011."""
        if offset == DR:
            self._to_send.append(value & 0xFF)
            if len(self._to_send) > self._send_level():
                self._raw &= ~INT_TX
            self._shift_next()
        elif offset == IBRD:
            self._divisor_64 = (value & 0xFFFF) << 6 | self._divisor_64 & 63
        elif offset == FBRD:
            self._divisor_64 = self._divisor_64 & ~63 | value & 63
        elif offset == LCR_H:
            self._line_control = value
        elif offset == CR:
            self._control = value
            self._shift_next()
        elif offset == IFLS:
            self._levels = value
        elif offset == IMSC:
            self._mask = value & 0x7FF
        elif offset == ICR:
            self._raw &= ~self.raw_write_value
            if self.raw_write_value & INT_RX_TIMEOUT and self._received:
                self._start_timeout()
        elif offset not in (RSR, DMACR):
            super().write_uint32(offset, value)
        self._interrupt()
