"""A rig that doses and keeps its journal, on a FRAM that remembers every octet written, so that any cut is seen."""

import struct
from dataclasses import dataclass, field

from device.drivers.fram import SIZE
from device.journal import Journal
from device.journal_cells import CELL_TOTALS, CELL_UNRESOLVED
from protocol import codes

TREATMENT = b"treatmnt"
LOT = b"lot-0001"
_TOTALS = "<II"


class LoggedFram:
    """FRAM over a bytearray. ``log`` holds every octet written, in order; ``naks`` transfers to come are refused."""

    def __init__(self, image: bytes | bytearray = bytes(SIZE)) -> None:
        self.image = bytearray(image)
        self.log: list[tuple[int, int]] = []
        self.naks = 0
        self.transferred = 0
        self.most_at_once = 0

    def read_into(self, address, buffer):
        self._transfer(len(buffer))
        assert address + len(buffer) <= SIZE
        buffer[:] = self.image[address : address + len(buffer)]

    def write(self, address, buffer):
        self._transfer(len(buffer))
        assert address + len(buffer) <= SIZE
        for at, octet in enumerate(bytes(buffer), address):
            self.image[at] = octet
            self.log.append((at, octet))

    def _transfer(self, octets):
        if self.naks:
            self.naks -= 1
            raise OSError(5)
        self.transferred += octets
        self.most_at_once = max(self.most_at_once, octets)


def images(before: bytes, log: list[tuple[int, int]], torn: int | None = None):
    """Yield (octets written, image) for a power cut after each octet, and before the first.

    With ``torn`` the octet in the making is left as what it became, changed in the bits of ``torn``.
    """
    image = bytearray(before)
    for count, (address, octet) in enumerate(log):
        if torn is None:
            yield count, bytes(image)
        else:
            kept = image[address]
            image[address] = octet ^ torn
            yield count, bytes(image)
            image[address] = kept
        image[address] = octet
    yield len(log), bytes(image)


def begun(fram):
    """A journal after its start, nothing stored by the rig."""
    journal = Journal(fram)
    journal.begin()
    return journal


def dose_id(number: int) -> bytes:
    return struct.pack("<II", number, 0xD05E)


def accept_record(number: int, kind: int = codes.KIND_DOSE, asked_nl: int = 1000, asked_steps: int = 178) -> tuple:
    states = (kind, codes.CHANNEL_AGENT, codes.DOSE_ACCEPTED, codes.CAUSE_NONE)
    return (dose_id(number), TREATMENT, LOT, *states, asked_nl, asked_steps, 0, 0, 0, 0, 0, 0, 1, 9000, 5)


def outcome_record(number: int, steps: int) -> tuple:
    accepted = accept_record(number)
    volumes = (5 * steps, 6 * steps, 0, steps)
    return (
        *accepted[:5],
        codes.DOSE_DELIVERED,
        codes.CAUSE_NONE,
        *accepted[7:9],
        steps,
        steps,
        *volumes,
        *accepted[15:],
    )


@dataclass
class Dose:
    """What was true of one dose, each with the number of octets that had been written by then."""

    number: int
    begun: list[tuple[int, int, int]] = field(default_factory=list)
    granted: list[tuple[int, int, int]] = field(default_factory=list)
    accepted_at: int = 1 << 30
    outcome: tuple | None = None
    ended_at: int = 1 << 30

    @property
    def dose_id(self) -> bytes:
        return dose_id(self.number)


class JournaledRig:
    """Doses as the firmware does: accept, marks, outcome, totals; starts as it does after a power cut."""

    def __init__(self, fram) -> None:
        self.fram = fram
        self.doses: list[Dose] = []
        self.before_nl = 0
        self.journal = Journal(fram)
        self.journal.begin()
        self._newest_before = self.journal.newest
        payload = self.journal.load(CELL_TOTALS)
        self.count, self.total_nl = struct.unpack(_TOTALS, payload) if payload else (0, 0)
        late = self.journal.records_after(CELL_TOTALS)
        for record in late:
            self._add(record)
        if late:
            self.store_totals()
        if self.journal.recovered is not None:
            assert self.journal.store(CELL_UNRESOLVED, self.journal.recovered[0])

    def _add(self, record):
        self.count += 1
        self.total_nl += record[12]

    def store_totals(self):
        assert self.journal.store(CELL_TOTALS, struct.pack(_TOTALS, self.count, self.total_nl))

    def settle(self):
        assert self.journal.flush()

    def settle_but_one(self):
        """Step until only one outcome at most is not durable."""
        while len(self.doses) - (self.journal.newest - self._newest_before) > 1:
            self.journal.step()

    def begin_dose(self, number: int, **what) -> Dose:
        dose = Dose(number)
        self.doses.append(dose)
        assert self.journal.accept(accept_record(number, **what))
        return dose

    def grant(self, granted: int, emitted: int) -> None:
        """Grant as the pump does: no mark, no grant."""
        dose = self.doses[-1]
        mark = (granted, emitted)
        for _ in range(100):
            dose.begun.append((len(self.fram.log), *mark))
            if self.journal.mark(*mark):
                break
            dose.begun.pop()
            self.journal.step()
        else:
            raise AssertionError("no mark within 100 steps")
        dose.accepted_at = min(dose.accepted_at, dose.begun[-1][0])
        dose.granted.append((len(self.fram.log), *mark))

    def end_dose(self, steps: int, settle: bool = True) -> None:
        dose = self.doses[-1]
        dose.outcome = outcome_record(dose.number, steps)
        assert self.journal.outcome(dose.outcome)
        self._add(dose.outcome)
        self.store_totals()
        if settle:
            self.settle()
            dose.ended_at = len(self.fram.log)

    def dose(self, number: int, grants: tuple = ((60, 0), (100, 40), (178, 90)), settle: bool = True) -> None:
        self.begin_dose(number)
        for granted, emitted in grants:
            self.grant(granted, emitted)
        self.end_dose(grants[-1][0] if grants else 0, settle)
