from random import Random

import pytest

from device.drivers.fram import SIZE, Fram
from device.journal import Journal
from device.journal_cells import CELL_CEILINGS, CELL_KEY, CELL_OPEN, CELL_STOP, CELL_TOTALS, CELL_UNRESOLVED, SIZES
from device.journal_marks import MARKS
from device.journal_records import RECORDS, RING, address_of
from protocol import codes
from tests.device.fakes import FakeBoard
from tests.device.journal_rig import JournaledRig, LoggedFram, accept_record, dose_id, outcome_record

ASKED_STEPS = 178


@pytest.fixture
def fram():
    return LoggedFram()


@pytest.fixture
def rig(fram):
    return JournaledRig(fram)


def begun(fram):
    journal = Journal(fram)
    journal.begin()
    return journal


def test_a_new_part_of_all_zeros_or_all_ones_is_an_empty_journal():
    for octet in (0x00, 0xFF):
        journal = begun(LoggedFram(bytes([octet]) * SIZE))
        assert not journal.faulty
        assert (journal.boot_count, journal.oldest, journal.newest, journal.torn) == (1, 0, 0, 0)
        assert journal.recovered is None
        assert journal.last_dose_id == bytes(8)


def test_each_boot_counts_one_more(fram):
    assert [begun(fram).boot_count for _ in range(4)] == [1, 2, 3, 4]


def test_it_works_over_the_driver_and_a_board():
    board = FakeBoard()
    assert [begun(Fram(board, 0)).boot_count for _ in range(2)] == [1, 2]


def test_a_fault_is_told_to_the_next_boot_and_to_no_other(fram):
    begun(fram).note_fault(codes.CAUSE_FAULT)
    assert [begun(fram).last_fault for _ in range(3)] == [codes.CAUSE_FAULT, 0, 0]


def test_the_last_of_several_faults_is_told(fram):
    journal = begun(fram)
    for cause in (codes.CAUSE_FAULT, codes.CAUSE_PUMP, codes.CAUSE_AIR):
        journal.note_fault(cause)
    assert begun(fram).last_fault == codes.CAUSE_AIR


def test_the_last_state_is_told_to_the_next_boot(fram):
    journal = begun(fram)
    journal.note_state(codes.DEVICE_DOSING)
    journal.flush()
    assert begun(fram).last_state == codes.DEVICE_DOSING


def test_a_state_that_did_not_change_is_not_written_again(fram):
    journal = begun(fram)
    journal.note_state(codes.DEVICE_READY)
    journal.flush()
    journal.note_state(codes.DEVICE_READY)
    assert journal.idle()


@pytest.mark.req("LEDGER-1")
def test_no_mark_before_the_accept_is_durable(fram):
    journal = begun(fram)
    assert journal.accept(accept_record(1))
    refused = 0
    while not journal.mark(10, 0):
        refused += 1
        journal.step()
    assert refused == 6
    fram.log.clear()
    assert begun(LoggedFram(fram.image)).find(dose_id(1)) is not None


@pytest.mark.req("LEDGER-1")
def test_no_mark_without_an_open_dose(rig):
    assert not rig.journal.mark(10, 0)
    rig.dose(1)
    assert not rig.journal.mark(200, 178)


def test_a_mark_moves_16_octets_and_a_step_32_at_most(fram, rig):
    rig.begin_dose(1)
    rig.settle()
    before = fram.transferred
    assert rig.journal.mark(10, 0)
    assert fram.transferred - before == 16
    rig.end_dose(10, settle=False)
    moved = []
    while not rig.journal.idle():
        before = fram.transferred
        rig.journal.step()
        moved.append(fram.transferred - before)
    assert max(moved) == 32


@pytest.mark.req("DOSE-2", "LEDGER-2")
def test_an_outcome_outlives_the_power(fram, rig):
    rig.dose(1)
    journal = begun(fram)
    assert journal.find(dose_id(1)) == outcome_record(1, ASKED_STEPS)
    assert journal.recovered is None
    assert (journal.oldest, journal.newest, journal.last_dose_id) == (1, 1, dose_id(1))


@pytest.mark.req("DOSE-2")
def test_of_very_many_doses_the_last_256_and_more_are_found_after_the_power_was_off(fram, rig):
    for number in range(1, 701):
        rig.dose(number, grants=((number % 170, 0),))
    journal = begun(fram)
    assert not journal.faulty
    assert (journal.oldest, journal.newest, journal.torn) == (381, 700, 0)
    for number in range(381, 701):
        assert journal.find(dose_id(number)) == outcome_record(number, number % 170)
    assert journal.find(dose_id(380)) is None
    assert journal.find(bytes(8)) is None


def test_an_id_is_not_found_across_two_others(fram, rig):
    rig.dose(1)
    rig.dose(2)
    rig.dose(3)
    assert rig.journal.find(dose_id(1)[4:] + dose_id(2)[:4]) is None


def test_the_open_dose_is_found_as_it_was_accepted(rig):
    rig.begin_dose(1)
    assert rig.journal.find(dose_id(1)) == accept_record(1)
    assert rig.journal.last_dose_id == dose_id(1)


def test_an_outcome_that_is_not_written_yet_is_found_though_the_next_dose_is_open(rig):
    rig.dose(1, settle=False)
    rig.begin_dose(2)
    assert rig.journal.find(dose_id(1)) == outcome_record(1, ASKED_STEPS)


def test_a_second_dose_is_not_accepted_while_one_is_open(rig):
    rig.begin_dose(1)
    assert not rig.journal.accept(accept_record(2))


def test_the_outcome_of_another_dose_closes_nothing(rig):
    rig.begin_dose(1)
    assert not rig.journal.outcome(outcome_record(2, 0))
    rig.grant(10, 0)


def test_a_dose_without_an_id_is_not_accepted(rig):
    assert not rig.journal.accept((bytes(8), *accept_record(1)[1:]))


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


def test_a_record_is_read_as_it_stands_torn_or_not(fram, rig):
    rig.dose(1)
    rig.dose(2)
    fram.image[address_of(1) + 50] ^= 1
    octets = bytearray(80)
    assert rig.journal.read(1, octets)
    assert octets == fram.image[address_of(1) : address_of(1) + 80]
    assert not rig.journal.read(0, octets)
    assert not rig.journal.read(3, octets)


def test_the_oldest_record_is_not_read_any_more_when_the_newest_is_written_over_it(rig):
    for number in range(1, RECORDS + 1):
        rig.dose(number, grants=((1, 0),))
    assert (rig.journal.oldest, rig.journal.newest) == (1, RECORDS)
    rig.dose(RECORDS + 1, settle=False)
    assert (rig.journal.oldest, rig.journal.newest) == (2, RECORDS)
    rig.settle()
    assert (rig.journal.oldest, rig.journal.newest) == (2, RECORDS + 1)


def test_a_cell_holds_what_was_stored_last(fram, rig):
    for payload in (b"", b"one", b"twentytwo"):
        assert rig.journal.store(CELL_STOP, payload)
    rig.settle()
    assert begun(fram).load(CELL_STOP) == b"twentytwo"
    assert begun(fram).load(CELL_CEILINGS) is None


def test_the_payload_is_copied_when_it_is_stored(fram, rig):
    payload = bytearray(b"abc")
    rig.journal.store(CELL_STOP, payload)
    payload[:] = b"xyz"
    rig.settle()
    assert begun(fram).load(CELL_STOP) == b"abc"


def test_a_payload_too_long_is_an_error_and_leaves_the_cell_alone(fram, rig):
    rig.journal.store(CELL_STOP, b"abc")
    with pytest.raises(ValueError, match="16 octets"):
        rig.journal.store(CELL_STOP, bytes(17))
    rig.settle()
    assert begun(fram).load(CELL_STOP) == b"abc"


def test_a_full_queue_refuses_cells_but_takes_the_outcome_and_the_next_dose(fram, rig):
    rig.begin_dose(1)
    rig.grant(10, 0)
    stored = 0
    while rig.journal.store(CELL_KEY, bytes([stored]) * 40):
        stored += 1
    assert stored > 5
    assert rig.journal.outcome(outcome_record(1, 10))
    assert rig.journal.accept(accept_record(2))
    rig.settle()
    journal = begun(fram)
    assert journal.load(CELL_KEY) == bytes([stored - 1]) * 40
    assert journal.find(dose_id(1)) == outcome_record(1, 10)
    assert journal.recovered[0] == dose_id(2)


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


@pytest.mark.parametrize("naks", [1, 2])
def test_a_transfer_refused_twice_is_tried_a_third_time(fram, rig, naks):
    rig.dose(1)
    fram.naks = naks
    journal = begun(fram)
    assert not journal.faulty
    assert journal.find(dose_id(1)) == outcome_record(1, ASKED_STEPS)
    fram.naks = naks
    assert journal.store(CELL_STOP, b"stop")
    assert journal.flush()
    assert not journal.faulty


def test_a_write_refused_three_times_is_a_fault_and_is_tried_again_after_a_rest(fram, rig):
    rig.journal.store(CELL_STOP, b"stop")
    fram.naks = 3
    for _ in range(3):
        assert not rig.journal.step()
    assert rig.journal.faulty
    before = fram.transferred
    for _ in range(64):
        assert not rig.journal.step()
    assert fram.transferred == before
    for _ in range(4):
        rig.journal.step()
    assert begun(fram).load(CELL_STOP) == b"stop"


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


@pytest.mark.parametrize(("granted", "emitted"), [(10, 11), (70_000, 1)])
def test_a_mark_that_cannot_be_right_is_refused(rig, granted, emitted):
    rig.begin_dose(1)
    rig.settle()
    assert not rig.journal.mark(granted, emitted)


def test_of_two_marks_whose_numbers_wrapped_between_them_the_last_is_taken(fram, rig):
    rig.begin_dose(1)
    rig.settle()
    for number in range(65_537):
        assert rig.journal.mark(100_000 + number, 99_990 + number)
    assert begun(fram).recovered[9:11] == (99_990 + 65_536, 100_000 + 65_536)


def test_a_part_that_takes_writes_and_keeps_none_is_a_fault(fram):
    fram.write = lambda *_: None
    assert begun(fram).faulty


def test_an_octet_that_the_bus_garbled_is_written_again(fram, rig):
    write = fram.write
    garbled: list[int] = []

    def garble_once(address, buffer):
        octets = bytearray(buffer)
        if not garbled:
            garbled.append(1)
            octets[3] ^= 1
        write(address, octets)

    fram.write = garble_once
    rig.dose(1)
    assert not rig.journal.faulty
    assert begun(LoggedFram(fram.image)).find(dose_id(1)) == outcome_record(1, ASKED_STEPS)


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


def test_cells_do_not_reach_into_the_marks_nor_marks_into_the_ring():
    assert sum(2 * (size + 14) for size in SIZES) <= MARKS
    assert MARKS + 0x40 <= RING
    assert RING + RECORDS * 80 == SIZE
    assert SIZES[CELL_OPEN] == 80
