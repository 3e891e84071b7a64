"""Prints what the journal recovers after a power cut, and the octets that marks, idle steps and the journal take."""

import gc

from device.journal import Journal
from device.journal_cells import CELL_STOP

ACCEPTED = (b"\x01" * 8, b"\x02" * 8, b"\x03" * 8, 1, 0, 2, 0, 1000, 178, 0, 0, 0, 0, 0, 0, 1, 9000, 0x3FFFFFFF)


class Image:
    """FRAM over a bytearray."""

    def __init__(self):
        self.octets = bytearray(32768)

    def read_into(self, address, buffer):
        buffer[:] = self.octets[address : address + len(buffer)]

    def write(self, address, buffer):
        for octet in buffer:
            self.octets[address] = octet
            address += 1


def taken(function):
    gc.collect()
    before = gc.mem_alloc()  # type: ignore[attr-defined]
    function()
    return gc.mem_alloc() - before  # type: ignore[attr-defined]


def marks():
    for number in range(50):
        journal.mark(number + 10, number)


def idle_steps():
    for _ in range(50):
        journal.step()


image = Image()
gc.collect()
before = gc.mem_alloc()  # type: ignore[attr-defined]
journal = Journal(image)
gc.collect()
held = gc.mem_alloc() - before  # type: ignore[attr-defined]
journal.begin()
journal.accept(ACCEPTED)
journal.store(CELL_STOP, b"\x02\x00")
journal.flush()
marks()
idle_steps()
figures = (taken(marks), taken(idle_steps), held)
journal = Journal(image)
journal.begin()
record = journal.recovered
assert record is not None
print(journal.faulty, journal.boot_count, record[5], record[9], record[10], journal.load(CELL_STOP), record[17])
print(journal.find(b"\x01" * 8) == record, journal.find(b"\x01" * 7 + b"\x02"))
print(figures[0], figures[1], figures[2])
