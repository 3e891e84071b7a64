"""The emulated RP2040's I2C masters, connected to the simulated rig's chips with true bus time.

The emulator hands over one octet at a time, the rig's chips take whole transfers. A write is handed on with its last
octet, so that a refusal, or the silence of an address, is the answer to that octet; a read is asked for when the
address has gone out, in pieces.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

BITS_PER_OCTET = 9
CLOCK_NS = 8

# What is asked for at once. A chip that measures answers anew to each request, so its whole answer must fit.
PIECE_OCTETS = 32


class Chips(Protocol):
    """The chips on both buses; times are handled by who implements this."""

    def stuck(self, bus: int) -> bool:
        """Tell whether a line of the bus is held low."""

    def write(self, bus: int, address: int, data: bytes) -> bool:
        """Make a write transfer; False when an octet was not acknowledged."""

    def read(self, bus: int, address: int, count: int) -> bytes | None:
        """Make a read transfer; None when the address was not acknowledged."""


class I2cMaster:
    """Answers one I2C block of the emulator."""

    def __init__(self, mcu: Any, bus: int, chips: Chips) -> None:
        self._block = mcu.i2c[bus]
        self._bus = bus
        self._chips = chips
        self._address = 0
        self._written: bytearray | None = None
        self._answer = bytearray()
        self._then: Callable[[], None] = lambda: None
        self._alarm = mcu.clock.create_alarm(self._bits_gone)
        self._block.on_start = self._start
        self._block.on_connect = self._connect
        self._block.on_write_byte = self._write
        self._block.on_read_byte = self._read
        self._block.on_stop = self._stop

    def _bits_gone(self) -> None:
        self._then()

    def _after_bits(self, bits: int, action: Callable[[], None]) -> None:
        """Do ``action`` when so many bits have gone over the bus."""
        bit_ns = (self._block.scl_low_period + self._block.scl_high_period) * CLOCK_NS
        self._then = action
        self._alarm.schedule(bits * bit_ns)

    def _start(self, repeated: bool) -> None:
        # A bus that is held low never gets beyond its start condition; the firmware's time-out ends that.
        if self._chips.stuck(self._bus):
            return
        accepted = self._flush() if repeated else True
        self._written = None
        if accepted:
            self._after_bits(1, self._block.complete_start)
        else:
            self._after_bits(1, lambda: self._block.complete_write(False))

    def _connect(self, address: int, mode: int) -> None:
        self._address = address
        if mode == 0:
            self._written = bytearray()
            acknowledged = True
        else:
            piece = self._chips.read(self._bus, address, PIECE_OCTETS)
            acknowledged = piece is not None
            self._answer = bytearray(piece or b"")
        self._after_bits(BITS_PER_OCTET, lambda: self._block.complete_connect(acknowledged))

    def _write(self, octet: int) -> None:
        assert self._written is not None
        self._written.append(octet)
        last = bool(self._block._stop)  # the emulator tells a transfer's last octet nowhere else
        acknowledged = self._flush() if last else True
        self._after_bits(BITS_PER_OCTET, lambda: self._block.complete_write(acknowledged))

    def _flush(self) -> bool:
        """Hand on what was written since the address; True when there was nothing or the chip took it."""
        data, self._written = self._written, None
        return data is None or self._chips.write(self._bus, self._address, bytes(data))

    def _read(self, _acknowledge: bool) -> None:
        if not self._answer:
            self._answer += self._chips.read(self._bus, self._address, PIECE_OCTETS) or b"\xff" * PIECE_OCTETS
        octet = self._answer.pop(0)
        self._after_bits(BITS_PER_OCTET, lambda: self._block.complete_read(octet))

    def _stop(self) -> None:
        self._written = None
        self._after_bits(1, self._block.complete_stop)
