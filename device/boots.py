"""One boot is one start of the device: a counter kept in FRAM in two copies, and random octets."""

import struct
from binascii import crc32

from device.drivers.fram import Fram
from protocol.compat import const

_FORMAT = "<4sIII"
_MAGIC = b"NRB1"
_COPIES = (0x0000, 0x0020)
_BODY = const(12)


class BootRecord:
    """Boot counter and the fault that ended the boot before; ``faulty`` when FRAM did not answer or did not keep it."""

    def __init__(self, fram: Fram) -> None:
        self._fram = fram
        self._buffer = bytearray(struct.calcsize(_FORMAT))
        self._older = 0
        self.count = 0
        self.last_fault = 0
        self.faulty = False

    def begin(self) -> None:
        """Count one boot. The older copy is written, so a power cut in the write leaves the newer one valid."""
        try:
            self._load()
            fault = self.last_fault
            self.count = (self.count + 1) & 0xFFFFFFFF
            self._store(0)
            written = self.count
            self.count = 0
            self._load()
            self.faulty = self.count != written
            self.count = written
            self.last_fault = fault
        except OSError:
            self.faulty = True

    def note_fault(self, cause: int) -> None:
        """Keep ``cause`` for the next boot to report; never raises, for it is called when all else failed."""
        try:
            self._store(cause)
        except OSError:
            self.faulty = True

    def _load(self) -> None:
        """Take the valid copy with the highest count; of two with the same, the one that tells of a fault."""
        for index in range(2):
            record = self._read(index)
            if record is not None and (record[0] > self.count or (record[0] == self.count and record[1])):
                self.count = record[0]
                self.last_fault = record[1]
                self._older = 1 - index

    def _read(self, index: int) -> tuple | None:
        self._fram.read_into(_COPIES[index], self._buffer)
        magic, count, fault, crc = struct.unpack(_FORMAT, self._buffer)
        if magic != _MAGIC or crc != crc32(self._buffer[:_BODY]):
            return None
        return (count, fault)

    def _store(self, fault: int) -> None:
        struct.pack_into(_FORMAT, self._buffer, 0, _MAGIC, self.count, fault, 0)
        crc = crc32(self._buffer[:_BODY])
        struct.pack_into(_FORMAT, self._buffer, 0, _MAGIC, self.count, fault, crc)
        self._fram.write(_COPIES[self._older], self._buffer)
