"""The journal of the device in FRAM: what was accepted, granted and given, and what else must outlive the power.

A dose is accepted (cell OPEN), marked before every grant, and ended by its outcome (record n of the ring). It is open
exactly as long as OPEN names a record that does not stand in the ring; what a power cut left open, ``begin`` ends.

A record is a tuple: dose id, treatment, lot (8 octets each), kind, channel, state, cause, asked_nl, asked_steps,
emitted_steps (at least), granted_steps (at most), patient_min_nl, patient_max_nl, waste_min_nl, waste_max_nl,
boot_count, day, uptime_ms.

Every cell notes the newest record at the time of its ``store``: what ``records_after`` returns at a start is not in
that cell yet. So call ``outcome`` first, ``store`` what it changes after it, and count for each cell the records after
that same cell: then no dose is counted twice or missed, whenever the power goes. A cell used so has to be stored at
least once in 320 doses, changed or not: older records are gone.

CELL_STOP overtakes: it stands two slices after its ``store``, whatever was queued before it, the one being written
included. So what takes a stop away is stored when all else is durable: the power leaves no clear without what it is on.

To write the cells of an image, give ``Journal`` an object with the two methods of ``Fram`` over a bytearray of SIZE
octets, then ``begin``, ``store`` each cell and ``flush``. That counts one boot.
"""

import struct

from device import journal_records as records
from device.journal_cells import CELL_BOOT, CELL_OPEN, CELL_STATE, CELL_STOP, CELL_UNRESOLVED, Cells
from device.journal_marks import Marks
from device.journal_queue import NO_COPY, NO_ROOM, WriteQueue, fetch
from device.journal_ring import Ring
from device.limits import MAX_DOSE_NL
from protocol.compat import const

TYPE_CHECKING = False
if TYPE_CHECKING:
    from device.drivers.fram import Fram

_BOOT_FORMAT = "<IB"
_BOOT_SIZE = const(5)
# One accept and one outcome always find room, however many cells wait.
_RESERVED = const(176)
_RESERVED_ENTRIES = const(2)
# A stop, the next one, and one more.
_STOP_OCTETS = const(90)
_STOP_ENTRIES = const(3)


def note_fault(fram: "Fram", cause: int) -> None:
    """Keep ``cause`` for the next boot where no ``Journal`` could be made; counts no boot. Raises OSError."""
    cells = Cells(fram)
    cells.survey()
    if not cells.writable(CELL_BOOT):
        return
    payload = cells.load(CELL_BOOT)
    boot_count = 0 if payload is None else struct.unpack(_BOOT_FORMAT, payload)[0]
    _note_fault(fram, cells, bytearray(_BOOT_SIZE + 14), boot_count, cause, cells.includes(CELL_BOOT))


def _note_fault(fram: "Fram", cells: Cells, buffer: bytearray, boot_count: int, cause: int, newest: int) -> None:
    cells.encode(buffer, 0, CELL_BOOT, struct.pack(_BOOT_FORMAT, boot_count, cause & 0xFF), newest)
    fram.write(cells.first(CELL_BOOT), buffer)
    cells.turn(CELL_BOOT)


class Journal:
    """Blocks in ``begin`` and ``flush`` only; ``step`` moves 32 octets, ``mark`` 16, ``find`` and ``read`` up to 80."""

    def __init__(self, fram: "Fram") -> None:
        self._fram = fram
        self._queue = WriteQueue(fram)
        self._stops = WriteQueue(fram, _STOP_OCTETS, _STOP_ENTRIES)
        self._cells = Cells(fram)
        self._marks = Marks(fram)
        self._ring = Ring(fram)
        self._boot = bytearray(_BOOT_SIZE + 14)
        self._record = ()  # type: tuple
        self._before = ()  # type: tuple
        self._open = False
        self._sequence = 0
        self._closed = 0
        self._accept_entry = 0
        self._outcome_entry = 0
        self._recovered_as = 0
        self._noted_state = -1
        self.faulty = False
        self.torn = 0
        self.boot_count = 0
        self.last_fault = 0
        self.last_state = 0
        self.oldest = 0
        self.newest = 0
        self.last_dose_id = records.NO_ID
        self.recovered = None  # type: tuple | None

    def begin(self) -> None:
        """Count the boot, end what the power left open, learn all ids. Never raises; what is wrong sets ``faulty``.

        ``recovered`` is the record made of an open dose, until a CELL_UNRESOLVED is stored after it. Blocks 0.2 s.
        """
        try:
            if not self._cells.survey():
                self.faulty = True
            self._count_boot()
            self._marks.survey()
            self._find_open()
            self.torn += self._ring.learn()
        except OSError:
            self.faulty = True
        if self._queue.faulty:
            self.faulty = True

    def load(self, cell: int) -> bytes | None:
        """Return the payload of ``cell``, None when there is none that is intact. For start-up: blocks, allocates."""
        try:
            return self._cells.load(cell)
        except OSError:
            self.faulty = True
            return None

    def records_after(self, cell: int) -> list:
        """Return the records of the doses that ended after ``cell`` was stored, oldest first. For start-up: blocks.

        One that cannot be read counts as the largest dose and sets ``faulty``.
        """
        after = self._cells.includes(cell) + 1
        if after < self.oldest:
            self.faulty = True
            after = self.oldest
        found = []
        for sequence in range(after or 1, self.newest + 1):
            record = self._ring.record(sequence)
            if record is None:
                self.faulty = True
                record = records.unreadable(records.NO_ID, MAX_DOSE_NL)
            found.append(record)
        return found

    def includes(self, cell: int) -> int:
        """Return the number of the newest record when ``cell`` was stored, 0 when it never was."""
        return self._cells.includes(cell)

    def store(self, cell: int, payload: bytes | bytearray) -> bool:
        """Queue a copy of ``payload`` for ``cell``; False when there is no room now, or garbage stands there."""
        length = self._cells.length(len(payload))
        if cell == CELL_STOP:
            return self._store(self._stops, cell, payload, self._stops.room(length), length)
        at = self._queue.room(length + _RESERVED, _RESERVED_ENTRIES)
        return self._store(self._queue, cell, payload, at, length)

    def accept(self, record: tuple) -> bool:
        """Queue the accept record of a dose; ``mark`` refuses until it is durable. False: the dose must not begin.

        That is so, too, while ``recovered`` was not followed by a CELL_UNRESOLVED: a second one would hide it.
        """
        if self.faulty or self._open or self._closed - self.newest > 1 or record[0] == records.NO_ID:
            return False
        if self._unnoted():
            return False
        length = self._cells.length(records.RECORD_SIZE)
        at = self._queue.room(length)
        sequence = self._closed + 1
        octets = bytearray(records.RECORD_SIZE)
        records.encode(octets, 0, sequence, record, 0)
        if not self._store(self._queue, CELL_OPEN, octets, at, length):
            return False
        self._accept_entry = self._queue.placed
        self._marks.open(sequence)
        self._opened(sequence, record)
        return True

    def mark(self, granted_steps: int, emitted_steps: int) -> bool:
        """Write at once what will be granted at most and is emitted at least; False: the grant must not be given."""
        if not self._open or self._queue.durable < self._accept_entry:
            return False
        return self._marks.write(granted_steps, emitted_steps)

    def outcome(self, record: tuple) -> bool:
        """Queue the outcome of the open dose, which closes it. False when no such dose is open, or there is no room."""
        if not self._open or record[0] != self.last_dose_id:
            return False
        at = self._queue.room(records.RECORD_SIZE)
        if at == NO_ROOM:
            self.faulty = True
            return False
        self._close(record, at, 0)
        return True

    def step(self) -> bool:
        """Write or read back one slice of what is queued; True when all is durable."""
        queue = self._queue
        stops = self._stops
        if stops.idle():
            queue.step()
        else:
            stops.step()
        if self.newest != self._closed and queue.durable >= self._outcome_entry:
            self.newest = self._closed
        if queue.faulty or stops.faulty:
            self.faulty = True
        return self.idle()

    def idle(self) -> bool:
        """Whether nothing is queued."""
        return self._queue.idle() and self._stops.idle()

    def flush(self) -> bool:
        """Step until all is durable or the part failed; return whether it is. For start-up: blocks."""
        self._stops.flush()
        self._queue.flush()
        self.step()
        return self.idle()

    def find(self, dose_id: bytes) -> tuple | None:
        """Return the record of a dose, open or ended, None when its id is not among the last 320.

        A known id whose record cannot be read gives an unknown dose of any volume. Reads 80 octets; allocates.
        """
        if dose_id == records.NO_ID:
            return None
        if self._record and dose_id == self._record[0]:
            return self._record
        if self._before and dose_id == self._before[0]:
            return self._before
        return self._ring.find(dose_id)

    def pending(self, dose_id: bytes) -> bool:
        """Whether the dose has ended and its outcome is not durable yet: the power may still make it another one.

        A journal that failed keeps nothing, and nothing is waited for.
        """
        count = self._closed - self.newest
        if count < 1 or self.faulty:
            return False
        if not self._open and self._record and self._record[0] == dose_id:
            return True
        return bool(self._before) and self._before[0] == dose_id and (self._open or count > 1)

    def read(self, sequence: int, buffer: bytearray) -> bool:
        """Fill ``buffer`` with the 80 octets of a record as they stand; False when it is not kept or not readable."""
        if not sequence or not self.oldest <= sequence <= self.newest:
            return False
        try:
            fetch(self._fram, records.address_of(sequence), memoryview(buffer)[: records.RECORD_SIZE])
        except OSError:
            return False
        return True

    def note_fault(self, cause: int) -> None:
        """Keep ``cause`` for the next boot to report, at once; never raises, for it is called when all else failed."""
        if not self._cells.writable(CELL_BOOT):
            return
        try:
            _note_fault(self._fram, self._cells, self._boot, self.boot_count, cause, self._closed)
        except OSError:
            self.faulty = True

    def note_state(self, device_state: int) -> None:
        """Queue the state of the device, when it is another one, for the next boot to report."""
        if device_state != self._noted_state and self.store(CELL_STATE, bytes((device_state,))):
            self._noted_state = device_state

    def _unnoted(self) -> bool:
        """Whether the dose that the last start recovered is in no CELL_UNRESOLVED yet, not even a queued one."""
        return self.recovered is not None and self._cells.includes(CELL_UNRESOLVED) < self._recovered_as

    def _count_boot(self) -> None:
        payload = self._cells.load(CELL_BOOT)
        if payload is not None:
            self.boot_count, self.last_fault = struct.unpack(_BOOT_FORMAT, payload)
        self.boot_count = (self.boot_count + 1) & 0xFFFFFFFF
        state = self._cells.load(CELL_STATE)
        if state:
            self.last_state = state[0]
        self.store(CELL_BOOT, struct.pack(_BOOT_FORMAT, self.boot_count, 0))
        self._queue.flush()

    def _find_open(self) -> None:
        """Learn the last dose from OPEN, and end it when its record does not stand in the ring."""
        payload = self._cells.load(CELL_OPEN)
        accepted = None if payload is None else records.decode(memoryview(payload))
        if accepted is None:
            # A mark has an accept before it, always.
            self.faulty = (
                self.faulty or payload is not None or self._marks.newest_sequence > 0 or not self._ring.empty()
            )
            return
        sequence, _, record = accepted
        self._opened(sequence, record)
        if self._marks.newest_sequence > sequence:
            self.faulty = True
        found = self._ring.look(sequence)
        if found is not None and found[0] == sequence and found[2][0] == record[0]:
            self._closed_before(sequence, found)
        else:
            self._end_open(sequence, record, found)

    def _closed_before(self, sequence: int, found: tuple) -> None:
        self._ended(sequence, found[2])
        self.newest = sequence
        if found[1] & records.RECOVERED and self._cells.includes(CELL_UNRESOLVED) < sequence:
            self.recovered = found[2]
            self._recovered_as = sequence

    def _end_open(self, sequence: int, record: tuple, found: tuple | None) -> None:
        """Write the record of the dose that the power left open; ``found`` stands in its place now."""
        marks = self._marks
        emitted_steps = granted_steps = 0
        if marks.garbled:
            granted_steps = record[8]
        elif marks.newest_sequence == sequence:
            emitted_steps = marks.emitted_steps
            granted_steps = marks.granted_steps
        flags = records.RECOVERED
        if found is None and not records.never_written(self._ring.octets):
            self.torn += 1
            flags |= records.TORN
        self.recovered = records.recovered(record, emitted_steps, granted_steps)
        self._recovered_as = sequence
        self.newest = sequence - 1
        self._close(self.recovered, self._queue.room(records.RECORD_SIZE), flags)
        self.flush()

    def _store(self, queue: WriteQueue, cell: int, payload: bytes | bytearray, at: int, length: int) -> bool:
        if at == NO_ROOM or not self._cells.writable(cell):
            return False
        self._cells.encode(queue.memory, at, cell, payload, self._closed)
        queue.put(at, length, self._cells.first(cell), self._cells.second(cell))
        return True

    def _opened(self, sequence: int, record: tuple) -> None:
        self._open = True
        self._before = self._record
        self._record = record
        self._sequence = sequence
        self.last_dose_id = record[0]
        self._ring.name(sequence, record[0])
        self._closed = sequence - 1
        self.oldest = max(1, sequence - records.RECORDS) if sequence > 1 else 0

    def _close(self, record: tuple, at: int, flags: int) -> None:
        sequence = self._sequence
        records.encode(self._queue.memory, at, sequence, record, flags)
        self._queue.put(at, records.RECORD_SIZE, records.address_of(sequence), NO_COPY)
        self._outcome_entry = self._queue.placed
        self._ended(sequence, record)

    def _ended(self, sequence: int, record: tuple) -> None:
        self._open = False
        self._record = record
        self._closed = sequence
        # The one before these is written over from now on.
        self.oldest = max(1, sequence - records.RECORDS + 1)
