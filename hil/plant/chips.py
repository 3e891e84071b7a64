"""The chips on the I2C buses, as their data sheets describe them from the outside."""

import math
from collections.abc import Callable
from random import Random
from typing import Protocol

CRC8_POLYNOMIAL = 0x31
CRC8_START = 0xFF
_NEVER = 1 << 62  # transfers until an error where there are none


class PowerLost(BaseException):
    """The power went away in the middle of a transfer. Not an ``Exception``: no firmware can catch it and carry on."""


class Chip(Protocol):
    """One chip at one address. Times are ns."""

    def write(self, data: bytes, now_ns: int) -> bool:
        """Take a write transfer; False when an octet was not acknowledged."""
        ...

    def read(self, count: int, now_ns: int) -> bytes | None:
        """Answer a read transfer; None when the address was not acknowledged."""
        ...

    @property
    def busy_until_ns(self) -> int:
        """Until when its address is not acknowledged."""
        ...


class ErrorCountdown:
    """Errors that strike at random with a fixed chance a transfer; drawn once an error, not once a transfer."""

    __slots__ = ("_left", "_random", "_rate")

    def __init__(self, rate: float, random: Random) -> None:
        self._rate = rate
        self._random = random
        self._left = self._draw()

    def strikes(self) -> bool:
        """Count one transfer and tell whether it is the one that fails."""
        self._left -= 1
        if self._left > 0:
            return False
        self._left = self._draw()
        return True

    def _draw(self) -> int:
        return max(1, math.ceil(self._random.expovariate(self._rate))) if self._rate > 0 else _NEVER


def crc8(data: bytes) -> int:
    """Return Sensirion's CRC-8 (polynomial 0x31, start 0xFF)."""
    crc = CRC8_START
    for octet in data:
        crc = _CRC8_TABLE[crc ^ octet]
    return crc


def _crc8_table() -> bytes:
    table = bytearray()
    for value in range(256):
        crc = value
        for _ in range(8):
            crc = ((crc << 1) ^ CRC8_POLYNOMIAL if crc & 0x80 else crc << 1) & 0xFF
        table.append(crc)
    return bytes(table)


_CRC8_TABLE = _crc8_table()


def _signed_word(value: float) -> bytes:
    return max(-32768, min(32767, round(value))).to_bytes(2, "big", signed=True)


class FlowChip:
    """Sensirion SLF3S-0600F: start and stop commands, three words with CRC, no acknowledge before the first result."""

    START = b"\x36\x08"
    STOP = b"\x3f\xf9"
    PRODUCT = (b"\x36\x7c", b"\xe1\x02")
    FLOW_SCALE = 10.0  # per uL/min
    TEMPERATURE_SCALE = 200.0  # per degC
    HIGH_FLOW_UL_MIN = 2000.0
    FLAG_AIR = 0x01
    FLAG_HIGH_FLOW = 0x02
    PRODUCT_NUMBER = bytes((0x07, 0x03, 0x02, 0x01))
    busy_until_ns = 0

    def __init__(
        self,
        measure: Callable[[int], tuple[float, float, bool]],
        first_result_ns: int,
        errors: ErrorCountdown,
    ) -> None:
        """``measure(now_ns)`` returns flow in nL/s, temperature in degC, and whether there is air."""
        self._measure = measure
        self._first_result_ns = first_result_ns
        self._errors = errors
        self._ready_ns: int | None = None
        self._product_words = 0
        self.wrong_crcs = 0  # the next so many words carry a wrong CRC
        self.more_errors: ErrorCountdown | None = None  # wrong CRCs beside the usual ones

    def power_on(self) -> None:
        """Forget everything, as after power on."""
        self._ready_ns = None
        self._product_words = 0

    def write(self, data: bytes, now_ns: int) -> bool:
        """Take a command; while measuring, only the stop command is known."""
        if data == self.STOP:
            self._ready_ns = None
            return True
        if self._ready_ns is not None:
            return False
        if data == self.START:
            self._ready_ns = now_ns + self._first_result_ns
            return True
        if self._product_words < 2 and data == self.PRODUCT[self._product_words]:
            self._product_words += 1
            return True
        self._product_words = 0
        return False

    def read(self, count: int, now_ns: int) -> bytes | None:
        """Return flow, temperature and flags with their CRCs; None before the start and before the first result."""
        if self._product_words == 2:
            self._product_words = 0
            identity = self.PRODUCT_NUMBER + bytes(8)  # the serial number is all zero
            return self._with_crcs([identity[i : i + 2] for i in range(0, 12, 2)], count)
        if self._ready_ns is None or now_ns < self._ready_ns:
            return None
        flow_nl_s, temperature_c, air = self._measure(now_ns)
        flow_ul_min = flow_nl_s * 0.06
        flags = self.FLAG_AIR if air else 0
        if abs(flow_ul_min) > self.HIGH_FLOW_UL_MIN:
            flags |= self.FLAG_HIGH_FLOW
        words = [
            _signed_word(flow_ul_min * self.FLOW_SCALE),
            _signed_word(temperature_c * self.TEMPERATURE_SCALE),
            flags.to_bytes(2, "big"),
        ]
        return self._with_crcs(words, count)

    def _with_crcs(self, words: list[bytes], count: int) -> bytes:
        answer = bytearray()
        for word in words:
            crc = crc8(word)
            more = self.more_errors is not None and self.more_errors.strikes()
            if self._errors.strikes() or self.wrong_crcs or more:
                self.wrong_crcs = max(0, self.wrong_crcs - 1)
                crc ^= 0x01
            answer += word
            answer.append(crc)
        return bytes(answer[:count]) + b"\xff" * (count - len(answer))


class FramChip:
    """MB85RC256V: 32 KiB, written octet by octet at bus speed, a pointer that wraps, contents that outlive power."""

    SIZE = 0x8000
    busy_until_ns = 0

    def __init__(self) -> None:
        self.contents = bytearray(self.SIZE)
        self.on_stored: Callable[[], None] | None = None  # called after every octet; it may raise PowerLost
        self._pointer = 0
        self._octets_to_power_loss: int | None = None

    def power_on(self) -> None:
        """Reset the pointer; the contents stay."""
        self._pointer = 0

    def cut_power_after(self, octets: int | None) -> None:
        """Lose the power after so many more octets have been stored; None takes it back."""
        self._octets_to_power_loss = octets

    def write(self, data: bytes, now_ns: int) -> bool:  # noqa: ARG002
        """Take an address (two octets) and the octets to store from there on. Raises PowerLost when it was asked to."""
        if len(data) < 2:
            return True  # an address cut short leaves the pointer alone
        self._pointer = (data[0] << 8 | data[1]) % self.SIZE
        for octet in data[2:]:
            self._count_down()
            self.contents[self._pointer] = octet
            self._pointer = (self._pointer + 1) % self.SIZE
            if self.on_stored is not None:
                self.on_stored()
        if self._octets_to_power_loss == 0 and len(data) > 2:
            self._count_down()
        return True

    def read(self, count: int, now_ns: int) -> bytes | None:  # noqa: ARG002
        """Return octets from the pointer on."""
        end = self._pointer + count
        answer = bytes(self.contents[self._pointer : end])
        while len(answer) < count:
            answer += bytes(self.contents[: count - len(answer)])
        self._pointer = end % self.SIZE
        return answer

    def _count_down(self) -> None:
        if self._octets_to_power_loss is None:
            return
        if self._octets_to_power_loss == 0:
            self._octets_to_power_loss = None
            raise PowerLost("the power went away while the FRAM was written")
        self._octets_to_power_loss -= 1
