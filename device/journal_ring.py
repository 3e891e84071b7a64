"""The ring of dose records: where each stands, and the ids of all of them in one piece of memory."""

import struct

from device import journal_records as records
from device.journal_queue import fetch
from device.limits import MAX_DOSE_NL
from protocol.compat import const

TYPE_CHECKING = False
if TYPE_CHECKING:
    from device.drivers.fram import Fram

_ID_SIZE = const(8)
_HEAD_SIZE = const(12)


class Ring:
    """Reads records and finds them by id; what is written to them comes from elsewhere. Blocks for each read."""

    def __init__(self, fram: "Fram") -> None:
        self._fram = fram
        self._ids = _memory(records.RECORDS * _ID_SIZE)
        self._newest = 0
        self.octets = memoryview(bytearray(records.RECORD_SIZE))

    def name(self, sequence: int, dose_id: bytes) -> None:
        """Record ``sequence``, the newest, is or will be that of ``dose_id``."""
        self._newest = sequence
        self._name(sequence, dose_id)

    def look(self, sequence: int) -> tuple | None:
        """Return (number, flags, record) of what stands in the place of ``sequence``, None when it is not intact.

        The octets stay in ``octets``. Raises OSError.
        """
        fetch(self._fram, records.address_of(sequence), self.octets)
        return records.decode(self.octets)

    def record(self, sequence: int) -> tuple | None:
        """Return record ``sequence``, None when it is not intact or the part does not answer."""
        try:
            found = self.look(sequence)
        except OSError:
            return None
        return found[2] if found is not None and found[0] == sequence else None

    def find(self, dose_id: bytes) -> tuple | None:
        """Return the record of a dose, None for an id that is not among the last 320.

        A known id whose record cannot be read gives an unknown dose of any volume.
        """
        at = self._ids.find(dose_id)
        while at >= 0 and at % _ID_SIZE:
            at = self._ids.find(dose_id, at + 1)
        if at < 0:
            return None
        record = self.record(self._newest - (self._newest - at // _ID_SIZE) % records.RECORDS)
        return record if record and record[0] == dose_id else records.unreadable(dose_id, MAX_DOSE_NL)

    def learn(self) -> int:
        """Read id and number of every record before the newest; return how many are damaged. Raises OSError."""
        damaged = 0
        head = self.octets[:_HEAD_SIZE]
        for sequence in range(max(1, self._newest - records.RECORDS + 1), self._newest):
            fetch(self._fram, records.address_of(sequence), head)
            if struct.unpack_from("<I", head, _ID_SIZE)[0] == sequence:
                self._name(sequence, bytes(head[:_ID_SIZE]))
            else:
                damaged += 1
        return damaged

    def empty(self) -> bool:
        """Whether no record was ever begun. Raises OSError."""
        head = self.octets[:_HEAD_SIZE]
        for place in range(records.RECORDS):
            fetch(self._fram, records.address_of(place), head)
            if not records.never_written(head):
                return False
        return True

    def _name(self, sequence: int, dose_id: bytes) -> None:
        at = sequence % records.RECORDS * _ID_SIZE
        self._ids[at : at + _ID_SIZE] = dose_id


def _memory(octets: int) -> bytearray:
    """Return memory for the ids, apart from the heap where the image has such: no collector looks through it."""
    try:
        from uctypes import bytearray_at

        from device._build import APART_AT, APART_OCTETS  # type: ignore[import-not-found, unused-ignore]
    except ImportError:
        return bytearray(octets)
    if octets > APART_OCTETS:
        return bytearray(octets)
    memory = bytearray_at(APART_AT + APART_OCTETS - octets, octets)
    memory[:] = bytes(octets)
    return memory
