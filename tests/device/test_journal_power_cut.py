"""The power is cut after every octet of several histories, and again after every octet of the start that follows."""

import pytest

from device.journal import Journal
from device.journal_cells import CELL_UNRESOLVED
from hil.plant.chips import FramChip, PowerLost
from protocol import codes
from tests.device.journal_rig import JournaledRig, LoggedFram, accept_record, dose_id, images

ENDED = (codes.DOSE_DELIVERED, codes.DOSE_PARTIAL, codes.DOSE_UNKNOWN)


def one_dose(rig):
    rig.dose(1)


def three_doses_on_a_used_part(rig):
    rig.dose(1)
    rig.dose(2, grants=())
    rig.dose(3, grants=((10, 0), (20, 10), (20, 20), (30, 20), (178, 30)))


def doses_back_to_back(rig):
    for number in range(1, 5):
        rig.dose(number, grants=((50, 0), (178, 40)), settle=False)
        rig.journal.step()
    rig.settle()


def a_dose_that_the_power_cut_left_open_and_one_after_it(rig):
    rig.begin_dose(1)
    rig.grant(60, 0)
    rig.grant(70, 50)


HISTORIES = [
    one_dose,
    three_doses_on_a_used_part,
    doses_back_to_back,
    a_dose_that_the_power_cut_left_open_and_one_after_it,
]


def full_ring():
    """A part on which 325 doses have gone before, so that every new record is written over an old one."""
    rig = JournaledRig(LoggedFram())
    for number in range(1001, 1326):
        rig.dose(number, grants=((1, 0),))
    return bytes(rig.fram.image)


def play(history, image):
    rig = JournaledRig(LoggedFram(image))
    rig.settle()
    rig.fram.log.clear()
    before = bytes(rig.fram.image)
    history(rig)
    return before, rig


def started(image):
    """A rig after its start, all that it has to say durable."""
    rig = JournaledRig(LoggedFram(image))
    rig.settle()
    return rig


def check(rig, doses, written):
    """All that must hold after a power cut ``written`` octets into a history."""
    journal = rig.journal
    assert not journal.faulty
    known = [record for record in (journal.find(dose.dose_id) for dose in doses) if record is not None]
    assert all(record[5] in ENDED for record in known)
    for dose in doses:
        check_dose(journal.find(dose.dose_id), dose, written)
    # Each known dose counts once, whatever was cut; those before the history count, too.
    assert rig.count == journal.newest
    assert rig.total_nl - rig.before_nl == sum(record[12] for record in known)


def check_dose(record, dose, written):
    if written >= dose.accepted_at:
        assert record is not None
    if record is None:
        return
    if written >= dose.ended_at:
        assert record == dose.outcome
    if record == dose.outcome:
        return
    assert record[6] == codes.CAUSE_POWER
    given = [(granted, emitted) for at, granted, emitted in dose.granted if at <= written]
    begun = [(granted, emitted) for at, granted, emitted in dose.begun if at <= written]
    emitted_steps, granted_steps = record[9], record[10]
    # What truly left the pin lies between what the last mark begun knew and what was granted with the last one made.
    assert emitted_steps <= (begun[-1][1] if begun else 0)
    assert granted_steps >= (given[-1][0] if given else 0)
    # And it is no wider than the grants outstanding with one of the two.
    assert (granted_steps, emitted_steps) in (given[-1:] or [(0, 0)]) + begun[-1:]
    assert (record[5] == codes.DOSE_PARTIAL) == (granted_steps == 0)


def restart(image, before):
    rig = started(image)
    rig.before_nl = before.total_nl
    return rig


def cut_everywhere(history, image, torn=None):
    before, rig = play(history, image)
    origin = started(before)
    for written, cut in images(before, rig.fram.log, torn):
        check(restart(cut, origin), rig.doses, written)
    return before, rig, origin


@pytest.mark.req("LEDGER-1", "LEDGER-2", "LEDGER-5")
@pytest.mark.parametrize("history", HISTORIES, ids=lambda history: history.__name__)
@pytest.mark.parametrize("octet", [0x00, 0xFF])
def test_after_a_cut_at_any_octet_nothing_is_lost_or_counted_twice(history, octet):
    cut_everywhere(history, bytes([octet]) * FramChip.SIZE)


@pytest.mark.req("LEDGER-1", "LEDGER-2", "DOSE-2")
def test_after_a_cut_at_any_octet_of_a_journal_gone_round_the_earlier_records_stay_valid():
    before, rig = play(three_doses_on_a_used_part, full_ring())
    origin = started(before)
    for written, cut in images(before, rig.fram.log):
        after = restart(cut, origin)
        check(after, rig.doses, written)
        # 325 before, three more at most: from the tenth on all 320 kept ones are intact.
        for number in (1009, 1100, 1325):
            assert after.journal.find(dose_id(number))[5] == codes.DOSE_DELIVERED
        assert after.journal.newest - after.journal.oldest == 319


@pytest.mark.req("LEDGER-1", "LEDGER-2")
@pytest.mark.parametrize("torn", [0xFF, 0x81, 0x10])
def test_the_octet_in_the_making_may_become_anything(torn):
    cut_everywhere(one_dose, bytes(FramChip.SIZE), torn)


@pytest.mark.req("LEDGER-2", "LEDGER-5")
def test_cuts_during_the_start_after_a_cut_change_nothing_either():
    before, rig = play(one_dose, bytes(FramChip.SIZE))
    origin = started(before)
    for written, cut in images(before, rig.fram.log):
        if written % 7:
            continue
        recovery = LoggedFram(cut)
        whole = JournaledRig(recovery)
        whole.settle()
        expected = whole.journal.find(dose_id(1))
        for _, twice in images(cut, recovery.log):
            third = restart(twice, origin)
            check(third, rig.doses, written)
            assert third.journal.find(dose_id(1)) == expected


@pytest.mark.req("LEDGER-2", "LEDGER-5")
def test_what_was_recovered_is_told_at_every_start_until_it_was_noted():
    before, rig = play(a_dose_that_the_power_cut_left_open_and_one_after_it, bytes(FramChip.SIZE))
    recovery = LoggedFram(rig.fram.image)
    JournaledRig(recovery).settle()
    noted = 0
    for _, cut in images(bytes(rig.fram.image), recovery.log):
        journal = Journal(LoggedFram(cut))
        journal.begin()
        if journal.recovered is None:
            noted += 1
            assert journal.load(CELL_UNRESOLVED) == dose_id(1)
        else:
            assert not noted
    assert noted
    assert before != bytes(rig.fram.image)


class ChipFram:
    """The bench's chip, reached as the bus does."""

    def __init__(self, chip):
        self.chip = chip

    def read_into(self, address, buffer):
        self.chip.write(bytes((address >> 8, address & 0xFF)), 0)
        buffer[:] = self.chip.read(len(buffer), 0)

    def write(self, address, buffer):
        self.chip.write(bytes((address >> 8, address & 0xFF)) + bytes(buffer), 0)


def grant_until_the_power_goes(journal):
    """Return the steps granted last."""
    given = 0
    try:
        assert journal.accept(accept_record(1))
        journal.flush()
        for granted in range(10, 400, 10):
            assert journal.mark(granted, granted - 10)
            given = granted
    except PowerLost:
        return given
    raise AssertionError("the power was never cut")


@pytest.mark.req("LEDGER-1")
def test_the_power_of_the_benchs_chip_is_cut_at_any_octet_of_a_dose():
    for octets in range(400):
        chip = FramChip()
        journal = Journal(ChipFram(chip))
        journal.begin()
        chip.cut_power_after(octets)
        given = grant_until_the_power_goes(journal)
        chip.power_on()
        after = Journal(ChipFram(chip))
        after.begin()
        record = after.find(dose_id(1))
        assert not after.faulty
        assert not given or record is not None
        if record is not None:
            assert record[10] in (given, given + 10)
            assert record[9] <= given
