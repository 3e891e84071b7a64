"""What the journal makes at a start of what the power cut, or damage, left in the part."""

from random import Random

import pytest

from device.drivers.fram import SIZE
from device.journal_cells import CELL_CEILINGS, CELL_STOP, CELL_TOTALS, CELL_UNRESOLVED
from device.journal_records import RECORDS, RING, address_of
from protocol import codes
from tests.device.journal_rig import JournaledRig, LoggedFram, accept_record, begun, dose_id, outcome_record

ASKED_STEPS = 178


@pytest.fixture
def fram():
    return LoggedFram()


@pytest.fixture
def rig(fram):
    return JournaledRig(fram)


@pytest.mark.req("LEDGER-1", "LEDGER-5")
def test_a_dose_open_at_the_power_cut_becomes_unknown_between_the_steps_of_its_last_mark(fram, rig):
    rig.begin_dose(1)
    rig.grant(60, 0)
    rig.grant(100, 40)
    journal = begun(fram)
    record = journal.recovered
    assert record[:5] == accept_record(1)[:5]
    assert record[5:11] == (codes.DOSE_UNKNOWN, codes.CAUSE_POWER, 1000, ASKED_STEPS, 40, 100)
    assert record[11] == record[13] == 0
    assert record[12] == record[14] >= 100 * 5.608 + 150
    assert record[15:] == accept_record(1)[15:]
    assert journal.find(dose_id(1)) == record
    assert not journal.mark(110, 100)


@pytest.mark.req("LEDGER-1")
def test_a_dose_without_any_grant_gave_nothing_and_that_is_known(fram, rig):
    rig.begin_dose(1)
    rig.settle()
    record = begun(fram).recovered
    assert record[5:15] == (codes.DOSE_PARTIAL, codes.CAUSE_POWER, 1000, ASKED_STEPS, 0, 0, 0, 0, 0, 0)


def test_a_mark_of_an_earlier_dose_says_nothing_of_the_open_one(fram, rig):
    rig.dose(1)
    rig.begin_dose(2)
    rig.settle()
    assert begun(fram).recovered[9:11] == (0, 0)


@pytest.mark.parametrize("kind", [codes.KIND_PRIME, codes.KIND_PURGE, codes.KIND_CALIBRATE])
def test_of_what_goes_to_waste_nothing_can_have_reached_the_patient(fram, rig, kind):
    rig.begin_dose(1, kind=kind)
    rig.grant(100, 0)
    record = begun(fram).recovered
    assert record[11:13] == (0, 0)
    assert record[14] > 0


def test_a_step_larger_than_nominal_widens_the_recovered_volume(fram, rig):
    rig.begin_dose(1, asked_nl=2000, asked_steps=178)
    rig.grant(100, 0)
    assert begun(fram).recovered[12] >= 100 * 2000 / 178


def test_a_calibrated_step_smaller_than_nominal_narrows_nothing(fram, rig):
    rig.begin_dose(1, asked_nl=500, asked_steps=178)
    rig.grant(100, 0)
    assert begun(fram).recovered[12] >= 561


@pytest.mark.req("LEDGER-2")
def test_what_was_recovered_is_told_until_an_unresolved_cell_was_stored_after_it(fram, rig):
    rig.begin_dose(1)
    rig.grant(10, 0)
    first = begun(fram)
    second = begun(fram)
    assert second.recovered == first.recovered
    assert second.newest == 1
    second.store(CELL_UNRESOLVED, dose_id(1))
    second.flush()
    third = begun(fram)
    assert third.recovered is None
    assert third.load(CELL_UNRESOLVED) == dose_id(1)


@pytest.mark.req("LEDGER-2", "LEDGER-5")
def test_no_dose_begins_before_the_recovered_one_is_noted(fram, rig):
    rig.begin_dose(1)
    rig.grant(10, 0)
    begun(fram)
    journal = begun(fram)
    assert not journal.accept(accept_record(2))
    journal.store(CELL_UNRESOLVED, dose_id(1))
    assert journal.accept(accept_record(2))


@pytest.mark.req("LEDGER-2")
def test_a_torn_outcome_is_written_anew_marked_and_counted(fram, rig):
    rig.dose(1)
    rig.begin_dose(2)
    rig.grant(10, 0)
    fram.image[address_of(2) : address_of(2) + 40] = bytes(range(40))
    journal = begun(fram)
    octets = bytearray(80)
    assert journal.read(2, octets)
    assert (journal.torn, octets[74] & 0x03) == (1, 0x03)
    assert journal.find(dose_id(1)) == outcome_record(1, ASKED_STEPS)
    assert begun(fram).torn == 0


@pytest.mark.req("LEDGER-2")
def test_a_damaged_earlier_record_is_counted_and_its_neighbours_stay_valid(fram, rig):
    for number in range(1, 6):
        rig.dose(number)
    fram.image[address_of(3) + 9] ^= 0x10
    damaged = bytes(fram.image[RING:])
    journal = begun(fram)
    assert journal.torn == 1
    assert not journal.faulty
    assert [journal.find(dose_id(number)) for number in (2, 4)] == [outcome_record(n, ASKED_STEPS) for n in (2, 4)]
    assert bytes(fram.image[RING:]) == damaged


@pytest.mark.req("DOSE-2")
def test_a_known_id_whose_record_is_damaged_or_not_answered_is_an_unknown_dose_never_a_new_one(fram, rig):
    for number in range(1, 4):
        rig.dose(number)
    fram.image[address_of(1) + 50] ^= 1
    journal = begun(fram)
    assert journal.find(dose_id(1))[5] == codes.DOSE_UNKNOWN
    assert journal.find(dose_id(1))[12] > 100_000
    fram.naks = 3
    assert journal.find(dose_id(2))[5] == codes.DOSE_UNKNOWN


def test_what_is_not_in_a_cell_yet_is_told_with_the_records_after_it(fram, rig):
    rig.dose(1)
    rig.journal.accept(accept_record(2))
    rig.journal.outcome(outcome_record(2, 7))
    rig.settle()
    journal = begun(fram)
    assert journal.records_after(CELL_TOTALS) == [outcome_record(2, 7)]
    assert journal.records_after(CELL_CEILINGS) == [outcome_record(1, ASKED_STEPS), outcome_record(2, 7)]


def test_a_record_that_cannot_be_counted_counts_as_the_largest_dose_and_is_a_fault(fram, rig):
    rig.dose(1)
    rig.journal.accept(accept_record(2))
    rig.journal.outcome(outcome_record(2, 7))
    rig.settle()
    rig.journal.accept(accept_record(3))
    rig.journal.outcome(outcome_record(3, 7))
    rig.settle()
    fram.image[address_of(2) + 50] ^= 1
    journal = begun(fram)
    late = journal.records_after(CELL_TOTALS)
    assert journal.faulty
    assert late[0][12] > 100_000
    assert late[1] == outcome_record(3, 7)


def test_more_records_after_a_cell_than_are_kept_is_a_fault(fram, rig):
    for number in range(1, RECORDS + 3):
        rig.journal.accept(accept_record(number))
        rig.journal.outcome(outcome_record(number, 1))
        rig.settle()
    assert len(rig.journal.records_after(CELL_TOTALS)) == RECORDS
    assert rig.journal.faulty


@pytest.mark.parametrize("value", [0x00, 0xFF, 0x5A])
@pytest.mark.req("LEDGER-2")
def test_damage_to_one_copy_of_any_cell_changes_nothing(fram, rig, value):
    rig.dose(1)
    rig.journal.store(CELL_STOP, b"stop")
    rig.settle()
    sound = begun(LoggedFram(fram.image))
    for address in range(0, 0x0A08, 7):
        image = bytearray(fram.image)
        image[address] = value
        journal = begun(LoggedFram(image))
        assert not journal.faulty
        assert journal.load(CELL_STOP) == b"stop"
        assert journal.load(CELL_TOTALS) == sound.load(CELL_TOTALS)
        assert journal.find(dose_id(1)) == sound.find(dose_id(1))
        assert journal.boot_count == sound.boot_count


def test_a_cell_of_which_both_copies_are_damaged_blocks_dosing_and_is_not_written_over(fram, rig):
    rig.journal.store(CELL_STOP, b"stop")
    rig.settle()
    at = fram.image.find(b"stop")
    fram.image[at] ^= 1
    fram.image[fram.image.find(b"stop")] ^= 1
    journal = begun(fram)
    assert journal.faulty
    assert journal.load(CELL_STOP) is None
    assert not journal.store(CELL_STOP, b"none")
    assert not journal.accept(accept_record(1))
    assert journal.store(CELL_CEILINGS, b"ceilings")


def test_random_contents_are_a_fault_and_stay_as_they_are(fram):
    image = Random(7).randbytes(SIZE)
    fram.image[:] = image
    journal = begun(fram)
    assert journal.faulty
    assert not journal.accept(accept_record(1))
    journal.note_fault(codes.CAUSE_FAULT)
    journal.note_state(codes.DEVICE_READY)
    journal.step()
    assert fram.image == image


def test_records_without_the_cell_that_names_them_are_a_fault(fram):
    fram.image[address_of(77)] = 1
    assert begun(fram).faulty


def test_a_mark_without_an_accept_is_a_fault(fram, rig):
    rig.begin_dose(1)
    rig.grant(10, 0)
    marks = bytes(fram.image[0x1BC0:0x1C00])
    fresh = LoggedFram()
    fresh.image[0x1BC0:0x1C00] = marks
    assert begun(fresh).faulty
    early = JournaledRig(LoggedFram())
    early.dose(1)
    later = JournaledRig(LoggedFram())
    later.dose(1)
    later.dose(2)
    early.fram.image[0x1BC0:0x1C00] = later.fram.image[0x1BC0:0x1C00]
    assert begun(early.fram).faulty


@pytest.mark.req("LEDGER-1")
def test_when_both_marks_of_an_open_dose_are_damaged_anything_up_to_all_asked_is_possible(fram, rig):
    rig.begin_dose(1)
    rig.grant(10, 0)
    rig.grant(20, 10)
    fram.image[0x1BC4] ^= 1
    fram.image[0x1BE4] ^= 1
    assert begun(fram).recovered[9:11] == (0, ASKED_STEPS)


def test_a_part_that_does_not_answer_is_a_fault(fram):
    fram.naks = 1 << 30
    journal = begun(fram)
    assert journal.faulty
    journal.note_fault(codes.CAUSE_FAULT)
    assert not journal.accept(accept_record(1))
    assert journal.load(CELL_STOP) is None


def test_a_part_that_did_not_answer_at_the_start_is_not_written_to_later(fram, rig):
    rig.dose(1)
    image = bytes(fram.image)
    fram.naks = 3
    journal = begun(fram)
    assert journal.faulty
    assert not journal.store(CELL_STOP, b"stop")
    journal.note_fault(codes.CAUSE_FAULT)
    journal.flush()
    assert fram.image == image


@pytest.mark.req("LEDGER-1")
def test_a_refused_mark_gives_no_grant_and_the_next_try_writes_over_it(fram, rig):
    rig.begin_dose(1)
    rig.grant(10, 0)
    fram.naks = 1
    assert not rig.journal.mark(20, 5)
    assert begun(LoggedFram(fram.image)).recovered[9:11] == (0, 10)
    assert rig.journal.mark(20, 6)
    assert begun(LoggedFram(fram.image)).recovered[9:11] == (6, 20)


@pytest.mark.req("LEDGER-1")
def test_a_mark_refused_half_way_and_torn_when_tried_again_leaves_the_mark_before(fram, rig):
    rig.begin_dose(1)
    for granted in (10, 20, 30):
        rig.grant(granted, granted - 10)
    write = fram.write

    def refuse_half_way(address, buffer):
        write(address, bytes(buffer)[:9])
        raise OSError(5)

    fram.write = refuse_half_way
    assert not rig.journal.mark(40, 30)
    assert not rig.journal.mark(40, 31)
    assert begun(LoggedFram(fram.image)).recovered[9:11] == (20, 30)


def test_of_two_marks_whose_numbers_wrapped_between_them_the_last_is_taken(fram, rig):
    rig.begin_dose(1)
    rig.settle()
    for number in range(65_537):
        assert rig.journal.mark(100_000 + number, 99_990 + number)
    assert begun(fram).recovered[9:11] == (99_990 + 65_536, 100_000 + 65_536)


def test_a_boot_with_a_full_ring_moves_less_than_300_ms_of_octets(fram, rig):
    for number in range(1, RECORDS + 5):
        rig.dose(number, grants=((1, 0),))
    rig.begin_dose(999)
    rig.grant(10, 0)
    fram.transferred = 0
    fram.most_at_once = 0
    begun(fram)
    # 22.5 us an octet; four octets more a transfer for addresses.
    assert (fram.transferred + 4 * (RECORDS + 80)) * 22.5 < 250_000
    assert fram.most_at_once <= 64
