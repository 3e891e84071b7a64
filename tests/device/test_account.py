"""What ended doses leave behind, now and after a boot, whichever of the two cells the power let through."""

import pytest

from device.account import Account
from device.contents import LINE_NL, Contents
from device.treatment import Treatment
from protocol import codes

AGENT, FLUSH = codes.CHANNEL_AGENT, codes.CHANNEL_FLUSH
TREATMENT = b"treatmnt"


class Journal:
    newest = 0
    boot_count = 1


class Cartridge:
    changed = False


class Cartridges:
    def __init__(self):
        self.all = (Cartridge(), Cartridge(), Cartridge())
        self.used_nl = 0

    def use(self, channel, volume_nl):
        self.used_nl += volume_nl


def record(channel, nl, kind=codes.KIND_DOSE, treatment=TREATMENT):
    waste = kind >= codes.KIND_PRIME
    volumes = (0, 0, nl, nl) if waste else (nl, nl, 0, 0)
    return (b"dose-one", treatment, bytes(8), kind, channel, codes.DOSE_DELIVERED, 0, nl, 1, 1, 1, *volumes, 1, 0, 0)


class Books:
    """A treatment and a line without agent, as the cells of the last boot tell of them."""

    def __init__(self):
        self.treatment = Treatment()
        self.treatment.id = TREATMENT
        self.contents = Contents()
        self.contents.clear()
        self.cartridges = Cartridges()
        self.account = Account(Journal(), self.treatment, self.contents, self.cartridges)

    def load(self, not_in_totals, not_in_line, window_nl=0):
        self.account.load(not_in_totals, not_in_line, window_nl, 1_000)
        return self


@pytest.mark.req("LEDGER-1", "DOSE-13")
def test_a_dose_that_neither_cell_includes_is_counted_and_moves_the_line():
    books = Books().load([record(AGENT, 5_000)], [record(AGENT, 5_000)])
    assert books.contents.agent_in_line_nl == 5_000
    assert books.treatment.agent_max_nl == 0
    assert books.account.window.in_window(1_000, 60) == 0


@pytest.mark.req("LEDGER-1", "DOSE-13")
def test_a_dose_that_the_totals_include_moves_the_line_only():
    books = Books().load([], [record(FLUSH, 5_000)])
    assert books.treatment.flush_max_nl == 0


@pytest.mark.req("LEDGER-1", "DOSE-13")
def test_a_dose_that_the_line_includes_is_not_moved_twice_and_may_all_have_been_agent():
    books = Books()
    books.contents.push(AGENT, LINE_NL, LINE_NL, True)
    books.load([record(FLUSH, 12_000)], [])
    assert books.contents.agent_in_line_nl == LINE_NL
    assert books.treatment.agent_max_nl == 12_000
    assert books.treatment.flush_max_nl == 12_000


@pytest.mark.req("DOSE-5")
def test_after_a_boot_the_window_holds_what_it_held_and_what_came_after():
    books = Books()
    books.contents.push(AGENT, LINE_NL, LINE_NL, True)
    books.load([record(AGENT, 3_000)], [record(AGENT, 3_000)], window_nl=7_000)
    assert books.account.window.in_window(1_000, 60) == 10_000


def test_what_belongs_to_another_treatment_is_not_counted_in_this_one():
    books = Books().load([record(FLUSH, 5_000, treatment=b"another-")], [])
    assert books.treatment.flush_max_nl == 0


@pytest.mark.req("LEDGER-2")
def test_a_record_that_cannot_be_read_counts_in_whatever_treatment_is_open():
    books = Books().load([record(AGENT, 5_000, kind=0, treatment=bytes(8))], [])
    assert books.treatment.agent_max_nl == 5_000


@pytest.mark.req("PERMIT-5")
def test_waste_counts_for_nobody_and_moves_what_stands_before_the_valve():
    books = Books().load([record(AGENT, 5_000, codes.KIND_PRIME)], [record(AGENT, 5_000, codes.KIND_PRIME)])
    assert books.treatment.agent_max_nl == 0
    assert books.contents.agent_in_line_nl == 5_000


@pytest.mark.req("LEDGER-1")
@pytest.mark.parametrize(("doses", "stored"), [(63, False), (64, True)])
def test_a_cartridge_that_nothing_was_taken_from_in_many_doses_is_stored_anew(doses, stored):
    books = Books()
    books.account.load_use(AGENT, [record(FLUSH, 100)] * doses)
    assert books.cartridges.used_nl == 0
    assert [cartridge.changed for cartridge in books.cartridges.all] == [stored, False, False]
