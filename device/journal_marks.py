"""Grant marks: what an open dose may have emitted, written before each grant, to two places by turns.

A mark is little-endian: number of the dose's record (4), number of the mark (2), granted steps (4), granted less
emitted steps (2), check (4). One torn by a power cut leaves the mark before it, and its own grant was never given.
"""

import struct

from device.journal_queue import fetch
from device.journal_records import never_written
from protocol import compat as micropython
from protocol.compat import const, ptr8

TYPE_CHECKING = False
if TYPE_CHECKING:
    from device.drivers.fram import Fram

MARKS = const(0x1BC0)
_APART = const(0x20)
_SIZE = const(16)
_BODY = const(12)
_FORMAT = "<IHIHI"
_MAX_OUTSTANDING = const(0xFFFF)
_HALF = const(0x8000)


@micropython.viper
def check_of(octets: ptr8, length: int) -> int:
    """Return the CRC-30 (CDMA's polynomial, reflected) of ``octets[:length]``: a small integer, allocates nothing."""
    crc = 0x3FFFFFFF
    at = 0
    while at < length:
        crc ^= int(octets[at])
        bits = 8
        while bits > 0:
            if crc & 1:
                crc = (crc >> 1) ^ 0x38E74301
            else:
                crc >>= 1
            bits -= 1
        at += 1
    return crc


class Marks:
    """Writes the marks of one open dose; tells after a start what the last one said."""

    def __init__(self, fram: "Fram") -> None:
        self._fram = fram
        self._buffer = bytearray(_SIZE)
        self._next = 0
        self._sequence = 0
        self._number = 0
        self.emitted_steps = 0
        self.granted_steps = 0
        self.newest_sequence = 0
        self.garbled = False

    def survey(self) -> None:
        """Find the newest mark; ``garbled`` when both places were written and neither is intact. Raises OSError."""
        first = self._read(0)
        second = self._read(1)
        self.garbled = first is None and second is None
        self._next = 0
        newest = second
        if second is None or (first is not None and _newer(first, second)):
            self._next = 1
            newest = first
        if newest:
            self.newest_sequence = newest[0]
            self.granted_steps = newest[2]
            self.emitted_steps = newest[2] - newest[3]

    def open(self, sequence: int) -> None:
        """Begin the marks of the dose whose record will be ``sequence``."""
        self._sequence = sequence
        self._number = 0

    def write(self, granted_steps: int, emitted_steps: int) -> bool:
        """Write one mark at once, 16 octets; False when it is not certain to stand. Allocates nothing itself."""
        outstanding = granted_steps - emitted_steps
        if outstanding < 0 or outstanding > _MAX_OUTSTANDING:
            return False
        buffer = self._buffer
        struct.pack_into(_FORMAT, buffer, 0, self._sequence, self._number, granted_steps, outstanding, 0)
        struct.pack_into("<I", buffer, _BODY, check_of(buffer, _BODY))
        try:
            self._fram.write(MARKS + self._next * _APART, buffer)
        except OSError:
            # The place stays the same: the other one holds the mark before this.
            return False
        self._next = 1 - self._next
        self._number = (self._number + 1) & _MAX_OUTSTANDING
        return True

    def _read(self, place: int) -> tuple | None:
        """Return the mark in ``place``, () when none was ever written there, None when it is not intact."""
        fetch(self._fram, MARKS + place * _APART, memoryview(self._buffer))
        if never_written(self._buffer):
            return ()
        mark = struct.unpack(_FORMAT, self._buffer)
        if mark[4] != check_of(self._buffer, _BODY) or mark[3] > mark[2]:
            return None
        return mark


def _newer(first: tuple, second: tuple) -> bool:
    """Whether ``first`` was written after ``second``; a place never written is older than any mark."""
    if not first or not second:
        return bool(first)
    if first[0] != second[0]:
        return bool(first[0] > second[0])
    return (first[1] - second[1]) & _MAX_OUTSTANDING < _HALF
