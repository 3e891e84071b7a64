"""Random lives of a rig: doses, cells, refused transfers, and power cuts that leave the last octet as anything."""

from contextlib import suppress
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from device.drivers.fram import SIZE
from device.journal import Journal
from device.journal_cells import CELL_CALIBRATION, CELL_CEILINGS, CELL_LINE, CELL_STOP, CELL_TOTALS
from device.journal_records import RECORDS
from protocol import codes
from tests.device.journal_rig import JournaledRig, LoggedFram, dose_id

CELLS = (CELL_STOP, CELL_CEILINGS, CELL_LINE, CELL_CALIBRATION)


class PowerCutError(Exception):
    """The supply went away."""


class FailingFram(LoggedFram):
    """Loses its power after ``octets_left`` more, the next one becoming ``torn``."""

    octets_left = 1 << 30
    torn: int | None = None

    def write(self, address, buffer):
        whole = min(len(buffer), self.octets_left)
        super().write(address, bytes(buffer)[:whole])
        self.octets_left -= whole
        if whole < len(buffer):
            if self.torn is not None:
                self.image[address + whole] = self.torn
            raise PowerCutError

    def power_on(self):
        self.octets_left = 1 << 30
        self.naks = 0


class Life:
    """What happens to one rig, and what must be true of it afterwards."""

    def __init__(self) -> None:
        self.fram = FailingFram()
        self.rig = JournaledRig(self.fram)
        self.rig.settle()
        self.number = 0
        self.stored: list[tuple[int, bytes]] = []
        self.durable = 0
        self.known: dict[bytes, tuple] = {}
        self.open_marks: list[tuple[int, int]] = []
        self.accepted = 0

    def dose(self, grants, settle):
        self.rig.settle_but_one()
        self.number += 1
        number = self.number
        self.open_marks = [(0, 0)]
        self.rig.begin_dose(number)
        self.accepted = number
        emitted = granted = 0
        for steps in grants:
            emitted, granted = granted, granted + steps
            self.open_marks.append((granted, emitted))
            self.rig.grant(granted, emitted)
        self.rig.end_dose(granted, settle)

    def store(self, cell):
        payload = len(self.stored).to_bytes(3, "little")
        if self.rig.journal.store(CELLS[cell], payload):
            self.stored.append((CELLS[cell], payload))

    def step(self, count):
        for _ in range(count):
            if self.rig.journal.step():
                self.durable = len(self.stored)

    def refuse(self, transfers):
        self.fram.naks = transfers

    def start(self, cut, torn):
        """Start again, first with a cut after ``cut`` octets of the start itself."""
        self.fram.power_on()
        self.fram.octets_left, self.fram.torn = cut, torn
        with suppress(PowerCutError):
            JournaledRig(self.fram).settle()
        self.fram.power_on()
        self.rig = JournaledRig(self.fram)
        self.rig.settle()
        self.check()

    def check(self):
        journal = self.rig.journal
        assert not journal.faulty
        self.check_cells()
        found = ((dose_id(number), journal.find(dose_id(number))) for number in range(1, self.number + 1))
        records = {one: record for one, record in found if record is not None}
        for one, record in self.known.items():
            assert records[one] == record
        self.check_last(records)
        self.known = records
        assert (self.rig.count, journal.newest) == (len(records), len(records))
        assert self.rig.total_nl == sum(record[12] for record in records.values())

    def check_last(self, records):
        """Of the dose that was open, if any, only what its last two marks allow may be told."""
        record = records.get(dose_id(self.number)) if self.number else None
        if record is not None and record[6] == codes.CAUSE_POWER and dose_id(self.number) not in self.known:
            assert (record[10], record[9]) in self.open_marks[-2:]

    def check_cells(self):
        """All stores up to one of them are there, in order, and no later one."""
        found = {cell: self.rig.journal.load(cell) for cell in CELLS}
        numbers = [int.from_bytes(payload, "little") for payload in found.values() if payload is not None]
        newest = max(numbers) + 1 if numbers else 0
        assert newest >= max((i + 1 for i, _ in enumerate(self.stored[: self.durable])), default=0)
        expected = dict(self.stored[:newest])
        assert {cell: payload for cell, payload in found.items() if payload is not None} == expected
        self.stored = self.stored[:newest]
        self.durable = newest


acts = st.one_of(
    st.tuples(st.just("dose"), st.lists(st.integers(0, 60), max_size=4), st.booleans()),
    st.tuples(st.just("store"), st.integers(0, len(CELLS) - 1)),
    st.tuples(st.just("step"), st.integers(1, 12)),
    st.tuples(st.just("refuse"), st.integers(1, 2)),
)
cuts = st.tuples(st.integers(0, 900), st.none() | st.integers(0, 255), st.integers(0, 300))


@pytest.mark.req("LEDGER-1", "LEDGER-2", "LEDGER-5", "DOSE-2")
@given(st.lists(st.tuples(st.lists(acts, max_size=6), cuts), max_size=5))
def test_whatever_happens_and_whenever_the_power_goes_the_journal_tells_the_truth(boots):
    life = Life()
    for happenings, (cut, torn, cut_again) in boots:
        life.fram.octets_left, life.fram.torn = cut, torn
        with suppress(PowerCutError):
            for name, *arguments in happenings:
                getattr(life, name)(*arguments)
        life.start(cut_again, torn)


@pytest.mark.req("LEDGER-2")
@given(st.integers(0, 1 << 32), st.integers(0, SIZE - 1), st.integers(1, 64))
def test_garbage_anywhere_raises_nothing_and_changes_no_record_but_those_it_hit(seed, address, length):
    rig = JournaledRig(LoggedFram())
    for number in range(1, 4):
        rig.dose(number)
    garbage = Random(seed).randbytes(min(length, SIZE - address))
    rig.fram.image[address : address + len(garbage)] = garbage
    journal = Journal(LoggedFram(rig.fram.image))
    journal.begin()
    journal.load(CELL_TOTALS)
    for number in range(1, 4):
        record = journal.find(dose_id(number))
        assert journal.faulty or record is not None
        assert record is None or record == rig.journal.find(dose_id(number)) or record[5] == codes.DOSE_UNKNOWN


@pytest.mark.req("LEDGER-2")
@given(st.integers(0, 1 << 32))
def test_a_part_full_of_garbage_is_a_fault_and_is_left_as_it_is(seed):
    image = Random(seed).randbytes(SIZE)
    fram = LoggedFram(image)
    journal = Journal(fram)
    journal.begin()
    journal.note_fault(codes.CAUSE_FAULT)
    journal.step()
    assert journal.faulty
    assert fram.image == image
    assert journal.newest < RECORDS
