"""Defects planted in what the firmware of this process keeps over a loss of power."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from device.account import Account
from device.journal import Journal
from device.journal_cells import CELL_OPEN, CELL_TOTALS, Cells
from device.kept import Kept
from device.latches import OCTETS, Latches
from device.pump import Pump
from device.treatment import Treatment
from hil.sweep.cuts import OCTET, TICK, Cut
from protocol import codes

Places = dict[str, int]


@dataclass(frozen=True)
class Defect:
    """What is wrong; the order, and the cuts in it, that bring it to light; words of the failure that is told."""

    plant: Callable[[Any], None]
    order: str
    cuts: Callable[[Places], list[Cut]]
    words: str

    @property
    def name(self) -> str:
        """What is wrong."""
        return self.plant.__name__.replace("_", " ")


def octets(first: int, end: int, step: int) -> Callable[[Places], list[Cut]]:
    """Every so many octets; negative numbers count from the end of the history."""
    return lambda places: [Cut(OCTET, index) for index in range(places[OCTET])[first:end:step]]


def ticks(first: int, end: int, step: int) -> Callable[[Places], list[Cut]]:
    """Every so many ticks, likewise."""
    return lambda places: [Cut(TICK, index) for index in range(places[TICK])[first:end:step]]


def the_mark_comes_after_the_grant(monkeypatch):
    def give(self):
        granted_steps = self.granted_steps + self._planned_steps
        for _ in range(self._planned):
            place = (self._first + self._outstanding) % len(self._words)
            self._generator.put(self._words[place], self._word_us[place])
            self._outstanding += 1
        self.granted_steps = granted_steps
        return self._mark(granted_steps)

    monkeypatch.setattr(Pump, "_give", give)


def only_some_grants_are_marked(monkeypatch):
    mark = Journal.mark
    marks = [0]

    def lazy(self, granted_steps, emitted_steps):
        marks[0] += 1
        return marks[0] % 6 != 1 or mark(self, granted_steps, emitted_steps)

    monkeypatch.setattr(Journal, "mark", lazy)


def the_accepted_order_stands_in_memory_only(monkeypatch):
    store = Journal._store

    def others(self, queue, cell, *rest):
        return cell == CELL_OPEN or store(self, queue, cell, *rest)

    monkeypatch.setattr(Journal, "_store", others)


def totals_are_counted_twice(monkeypatch):
    includes = Cells.includes
    monkeypatch.setattr(Cells, "includes", lambda self, cell: max(0, includes(self, cell) - (cell == CELL_TOTALS)))


def an_unknown_dose_counts_nothing(monkeypatch):
    load = Account.load

    def lenient(self, not_in_totals, not_in_line, *rest):
        load(self, [record for record in not_in_totals if record[5] != codes.DOSE_UNKNOWN], not_in_line, *rest)

    monkeypatch.setattr(Account, "load", lenient)


def the_line_is_brought_up_to_date_with_the_totals(monkeypatch):
    load = Account.load
    monkeypatch.setattr(Account, "load", lambda self, totals, _line, *rest: load(self, totals, totals, *rest))


def a_cartridge_forgets_what_was_used(monkeypatch):
    monkeypatch.setattr(Account, "load_use", lambda *_: None)


def a_stop_is_not_kept(monkeypatch):
    def pack(self):
        self.dirty = False
        return bytes(OCTETS)

    monkeypatch.setattr(Latches, "pack", pack)


def ids_are_forgotten(monkeypatch):
    monkeypatch.setattr(Journal, "find", lambda _self, _dose_id: None)


def nobody_waits_for_the_unknown_dose(monkeypatch):
    load = Kept._load_unresolved

    def forget(self):
        load(self)
        self.unresolved = b""

    monkeypatch.setattr(Kept, "_load_unresolved", forget)


def a_boot_resets_the_totals(monkeypatch):
    unpack = Treatment.unpack_totals

    def reset(self, payload):
        return unpack(self, None) if payload is not None else (0, 0)

    monkeypatch.setattr(Treatment, "unpack_totals", reset)


DEFECTS = (
    Defect(the_mark_comes_after_the_grant, "dose at 20 uL/s", octets(186, 262, 4), "steps left the pin"),
    Defect(only_some_grants_are_marked, "dose at 0.1 uL/s", ticks(60, 140, 10), "steps left the pin"),
    Defect(the_accepted_order_stands_in_memory_only, "stopped", ticks(30, 60, 10), "does not know"),
    Defect(totals_are_counted_twice, "dose at 1 uL/s", ticks(0, 200, 100), "are counted, instead of"),
    Defect(an_unknown_dose_counts_nothing, "stopped", ticks(25, 45, 10), "are counted, instead of"),
    Defect(
        the_line_is_brought_up_to_date_with_the_totals, "dose at 20 uL/s", octets(-300, -20, 20), "stand in the line"
    ),
    Defect(a_cartridge_forgets_what_was_used, "stopped", ticks(25, 45, 10), "are gone from cartridge"),
    Defect(a_stop_is_not_kept, "stopped", ticks(-20, -1, 10), "the stop is lost"),
    Defect(ids_are_forgotten, "stopped", ticks(-20, -1, 10), "does not know"),
    Defect(nobody_waits_for_the_unknown_dose, "stopped", ticks(25, 45, 10), "waits for nobody"),
    Defect(a_boot_resets_the_totals, "dose at 1 uL/s", ticks(0, 200, 100), "are counted, instead of"),
)
