"""What the journal writes, when, and how it is found again."""

import pytest

from device.drivers.fram import SIZE, Fram
from device.journal_cells import CELL_CEILINGS, CELL_KEY, CELL_OPEN, CELL_STOP, SIZES
from device.journal_marks import MARKS
from device.journal_records import RECORDS, RING, address_of
from protocol import codes
from tests.device.fakes import FakeBoard
from tests.device.journal_rig import JournaledRig, LoggedFram, accept_record, begun, dose_id, outcome_record

ASKED_STEPS = 178


@pytest.fixture
def fram():
    return LoggedFram()


@pytest.fixture
def rig(fram):
    return JournaledRig(fram)


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


def test_a_cell_tells_the_newest_record_of_when_it_was_stored_also_after_a_start(fram, rig):
    for number in (1, 2, 3):
        rig.dose(number)
        if number == 2:
            rig.journal.store(CELL_STOP, b"stop")
            rig.settle()
    for journal in (rig.journal, begun(fram)):
        assert journal.newest == 3
        assert (journal.includes(CELL_STOP), journal.includes(CELL_CEILINGS)) == (2, 0)


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


@pytest.mark.parametrize(("granted", "emitted"), [(10, 11), (70_000, 1)])
def test_a_mark_that_cannot_be_right_is_refused(rig, granted, emitted):
    rig.begin_dose(1)
    rig.settle()
    assert not rig.journal.mark(granted, emitted)


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


def test_cells_do_not_reach_into_the_marks_nor_marks_into_the_ring():
    assert sum(2 * (size + 14) for size in SIZES) <= MARKS
    assert MARKS + 0x40 <= RING
    assert RING + RECORDS * 80 == SIZE
    assert SIZES[CELL_OPEN] == 80
