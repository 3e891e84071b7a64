"""Cells: small blobs in FRAM that outlive the power, each in two copies of which at least one is always intact.

A copy is little-endian: version (4), number of the newest dose record when it was stored (4), cell (1), length (1),
payload, CRC-32 of all before (4). A store writes the copy that is older or torn, then the other one; so a power cut
leaves the value before or the new one, and one damaged copy at rest changes nothing.
"""

import struct
from binascii import crc32

from device.journal_queue import fetch
from protocol.compat import const

TYPE_CHECKING = False
if TYPE_CHECKING:
    from device.drivers.fram import Fram

CELL_BOOT = const(0)
CELL_STATE = const(1)
CELL_OPEN = const(2)
CELL_STOP = const(3)
CELL_TREATMENT = const(4)
CELL_CEILINGS = const(5)
CELL_KEY = const(6)  # and the three after it: CELL_KEY + SLOT_
CELL_RIG = const(10)
CELL_TOTALS = const(11)
CELL_CALIBRATION = const(12)  # and the two after it: CELL_CALIBRATION + CHANNEL_
CELL_LINE = const(15)
CELL_USE = const(16)  # and the two after it: CELL_USE + CHANNEL_
CELL_UNRESOLVED = const(19)
CELL_PRESSURE_LIMIT = const(20)
# What a payload may have at most, octets, one number a cell. BOOT, STATE and OPEN are the journal's own.
SIZES = (8, 4, 80, 16, 128, 48, 40, 40, 40, 40, 16, 128, 32, 32, 32, 160, 32, 32, 32, 64, 8)

_HEAD = "<IIBB"
_HEAD_SIZE = const(10)
_CRC_SIZE = const(4)
# Head, largest payload, CRC.
_BUFFER = const(174)

# What a copy may be, where it is not a version.
_NEVER_WRITTEN = const(0)
_BROKEN = const(-1)


class Cells:
    """Where each cell stands, which copy is newer and what it includes."""

    def __init__(self, fram: "Fram") -> None:
        self._fram = fram
        self._view = memoryview(bytearray(_BUFFER))
        # Until a cell was looked at, nothing may be written over it.
        self._version = [_BROKEN] * len(SIZES)
        self._first = [0] * len(SIZES)
        self._address = [0] * len(SIZES)
        self._includes = [0] * len(SIZES)
        address = 0
        for cell in range(len(SIZES)):
            self._address[cell] = address
            address += 2 * (SIZES[cell] + _HEAD_SIZE + _CRC_SIZE)

    def survey(self) -> bool:
        """Look at every copy; return False when a cell was written and neither copy is intact. Raises OSError."""
        sound = True
        for cell in range(len(SIZES)):
            if not self._survey(cell):
                sound = False
        return sound

    def load(self, cell: int) -> bytes | None:
        """Return the payload of ``cell``, None when it was never stored or no copy is intact. Raises OSError."""
        if self._version[cell] <= _NEVER_WRITTEN:
            return None
        for copy in (1 - self._first[cell], self._first[cell]):
            if self._look(cell, copy) == self._version[cell]:
                return bytes(self._view[_HEAD_SIZE : _HEAD_SIZE + self._view[9]])
        return None

    def includes(self, cell: int) -> int:
        """Return the number of the newest dose record when ``cell`` was stored, 0 when it never was."""
        return self._includes[cell]

    def writable(self, cell: int) -> bool:
        """Whether a store destroys nothing that could not be read."""
        return self._version[cell] != _BROKEN

    def length(self, payload_length: int) -> int:
        """Return the octets of one copy."""
        return _HEAD_SIZE + payload_length + _CRC_SIZE

    def first(self, cell: int) -> int:
        """Return the address of the copy that is written first."""
        return self._place(cell, self._first[cell])

    def second(self, cell: int) -> int:
        """Return the address of the other copy."""
        return self._place(cell, 1 - self._first[cell])

    def turn(self, cell: int) -> None:
        """Only the first copy was written: next time it is the other one's turn."""
        self._first[cell] = 1 - self._first[cell]

    def encode(self, buffer: bytearray, at: int, cell: int, payload: bytes | bytearray, newest: int) -> None:
        """Write the next version of ``cell``, with ``payload``, to ``buffer`` at ``at``. Allocates."""
        length = len(payload)
        if length > SIZES[cell]:
            raise ValueError("cell {} takes {} octets, not {}".format(cell, SIZES[cell], length))
        self._version[cell] += 1
        self._includes[cell] = newest
        struct.pack_into(_HEAD, buffer, at, self._version[cell], newest, cell, length)
        end = at + _HEAD_SIZE + length
        buffer[at + _HEAD_SIZE : end] = payload
        struct.pack_into("<I", buffer, end, crc32(memoryview(buffer)[at:end]))

    def _place(self, cell: int, copy: int) -> int:
        return self._address[cell] + copy * (SIZES[cell] + _HEAD_SIZE + _CRC_SIZE)

    def _survey(self, cell: int) -> bool:
        versions = (self._look(cell, 0), self._look(cell, 1))
        newer = 0 if versions[0] >= versions[1] else 1
        if versions[newer] > _NEVER_WRITTEN:
            self._first[cell] = 1 - newer
            self._version[cell] = versions[newer]
            self._look(cell, newer)
            self._includes[cell] = struct.unpack_from(_HEAD, self._view, 0)[1]
            return True
        # A first store that was torn is written over where it stands, so never are both copies torn.
        self._first[cell] = 1 - newer if versions[1 - newer] == _BROKEN else newer
        self._version[cell] = versions[newer]
        return versions[newer] == _NEVER_WRITTEN

    def _look(self, cell: int, copy: int) -> int:
        """Read one copy into the buffer; return its version, or that it was never written, or is broken."""
        size = _HEAD_SIZE + SIZES[cell] + _CRC_SIZE
        view = self._view[:size]
        fetch(self._fram, self._place(cell, copy), view)
        octets = bytes(view)
        if octets in (b"\x00" * size, b"\xff" * size):
            return _NEVER_WRITTEN
        version, _, owner, length = struct.unpack_from(_HEAD, octets, 0)
        end = _HEAD_SIZE + length
        if owner != cell or length > SIZES[cell] or not version:
            return _BROKEN
        if struct.unpack_from("<I", octets, end)[0] != crc32(view[:end]):
            return _BROKEN
        return int(version)
