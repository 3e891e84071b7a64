"""The journal at its edges: room for the last outcome, what is not durable yet, faults noted, starts that fail."""

import pytest

from device import journal_records as records
from device.journal import note_fault
from device.journal_cells import (
    CELL_BOOT,
    CELL_OPEN,
    CELL_PRESSURE_LIMIT,
    CELL_STOP,
    CELL_TOTALS,
    CELL_UNRESOLVED,
    Cells,
)
from device.journal_records import RECORDS, address_of
from protocol import codes
from tests.device.journal_rig import (
    TREATMENT,
    LoggedFram,
    accept_record,
    begun,
    dose_id,
    images,
    outcome_record,
)

BOOT_COPY = 5 + 14
# Of 24 places in the queue one accept and one outcome keep two.
CELLS_AT_MOST = 22


@pytest.fixture
def fram():
    return LoggedFram()


@pytest.fixture
def journal(fram):
    return begun(fram)


def end(journal, number, steps=0):
    """Accept a dose and end it, nothing of it durable yet."""
    assert journal.accept(accept_record(number))
    assert journal.outcome(outcome_record(number, steps))


def end_all(journal, *numbers):
    for number in numbers:
        end(journal, number)
        assert journal.flush()


def fill_with_cells(journal):
    """Store small cells until there is room for no more; return how many."""
    stored = 0
    while journal.store(CELL_PRESSURE_LIMIT, bytes([stored])):
        stored += 1
    return stored


def refuse_ring_writes(fram):
    """Let the part take writes below the ring only."""
    write = fram.write

    def write_below(address, octets):
        if address >= records.RING:
            raise OSError(5)
        write(address, octets)

    fram.write = write_below


# What is kept for the next boot.


def test_a_new_part_tells_no_fault_and_no_state(journal):
    assert (journal.last_fault, journal.last_state) == (0, 0)


@pytest.mark.parametrize("state", [state for _, state in codes.DEVICE_STATES])
def test_any_state_noted_first_is_told_to_the_next_boot(fram, journal, state):
    journal.note_state(state)
    assert not journal.idle()
    journal.flush()
    assert begun(fram).last_state == state


def test_a_fault_noted_writes_one_copy_of_19_octets(fram, journal):
    fram.log.clear()
    journal.note_fault(codes.CAUSE_FAULT)
    assert len(fram.log) == BOOT_COPY


def test_of_a_second_fault_torn_by_the_power_the_first_one_is_left(fram, journal):
    journal.note_fault(codes.CAUSE_FAULT)
    before = bytes(fram.image)
    fram.log.clear()
    journal.note_fault(codes.CAUSE_PUMP)
    told = [begun(LoggedFram(image)).last_fault for _, image in images(before, fram.log)]
    assert set(told[:-1]) == {codes.CAUSE_FAULT}
    assert told[-1] == codes.CAUSE_PUMP


def test_a_fault_that_the_part_does_not_take_is_a_fault_of_the_journal(fram, journal):
    fram.naks = 1
    journal.note_fault(codes.CAUSE_FAULT)
    assert journal.faulty


# A fault noted where no journal could be made.


def test_a_fault_without_a_journal_is_told_to_the_next_boot_and_counts_none(fram):
    assert [begun(fram).boot_count for _ in range(3)] == [1, 2, 3]
    note_fault(fram, codes.CAUSE_FAULT)
    journal = begun(fram)
    assert (journal.boot_count, journal.last_fault, journal.faulty) == (4, codes.CAUSE_FAULT, False)


def test_a_fault_without_a_journal_on_a_new_part_is_told_to_its_first_boot(fram):
    note_fault(fram, codes.CAUSE_FAULT)
    assert len(fram.log) == BOOT_COPY
    journal = begun(fram)
    assert (journal.boot_count, journal.last_fault) == (1, codes.CAUSE_FAULT)


def test_a_fault_without_a_journal_keeps_how_many_doses_the_cell_knew(fram):
    end_all(begun(fram), 1, 2)
    begun(fram)
    cells = Cells(fram)
    cells.survey()
    included = cells.includes(CELL_BOOT)
    note_fault(fram, codes.CAUSE_FAULT)
    cells.survey()
    assert cells.includes(CELL_BOOT) == included


def test_a_fault_without_a_journal_is_not_written_over_garbage(fram):
    fram.image[: 2 * BOOT_COPY + 6] = b"\x5a" * (2 * BOOT_COPY + 6)
    note_fault(fram, codes.CAUSE_FAULT)
    assert fram.log == []


# Room.


@pytest.mark.req("LEDGER-1")
def test_small_cells_leave_two_places_for_an_outcome_and_an_accept(fram, journal):
    assert journal.accept(accept_record(1))
    assert journal.flush()
    assert fill_with_cells(journal) == CELLS_AT_MOST
    assert journal.outcome(outcome_record(1, 0))
    assert journal.accept(accept_record(2))
    assert journal.flush()
    assert begun(fram).find(dose_id(1)) == outcome_record(1, 0)


@pytest.mark.req("LEDGER-1")
def test_a_dose_for_which_there_is_no_room_is_not_accepted_and_that_is_no_fault(journal):
    assert fill_with_cells(journal) == CELLS_AT_MOST
    end(journal, 1)
    assert not journal.accept(accept_record(2))
    assert not journal.faulty
    assert journal.flush()
    assert journal.accept(accept_record(2))


@pytest.mark.req("LEDGER-1")
def test_an_outcome_for_which_there_is_no_room_is_a_fault(journal):
    assert journal.accept(accept_record(1))
    assert journal.flush()
    assert fill_with_cells(journal) == CELLS_AT_MOST
    assert journal.outcome(outcome_record(1, 0))
    assert journal.accept(accept_record(2))
    assert not journal.outcome(outcome_record(2, 0))
    assert journal.faulty


# A stop overtakes.


@pytest.mark.req("STOP-1", "LEDGER-1")
@pytest.mark.parametrize("steps_before", range(14))
def test_a_stop_stands_after_two_slices_whatever_is_being_written(fram, journal, steps_before):
    assert journal.accept(accept_record(1))
    assert journal.outcome(outcome_record(1, 0))
    assert journal.store(CELL_TOTALS, b"totals")
    for _ in range(steps_before):
        assert not journal.step()
    assert journal.store(CELL_STOP, b"stop")
    for _ in range(2):
        assert not journal.step()
    assert begun(LoggedFram(fram.image)).load(CELL_STOP) == b"stop"
    assert journal.flush()
    after = begun(fram)
    assert after.find(dose_id(1)) == outcome_record(1, 0)
    assert after.load(CELL_TOTALS) == b"totals"
    assert not after.faulty


@pytest.mark.req("STOP-1", "LEDGER-1")
def test_the_power_cut_at_any_octet_leaves_the_stop_or_the_one_before_it_and_all_else_whole(fram, journal):
    assert journal.store(CELL_STOP, b"first")
    assert journal.flush()
    assert journal.accept(accept_record(1))
    for _ in range(3):
        journal.step()
    before = bytes(fram.image)
    fram.log.clear()
    assert journal.store(CELL_STOP, b"second")
    assert journal.flush()
    told = []
    for _, image in images(before, fram.log):
        after = begun(LoggedFram(image))
        assert not after.faulty
        told.append(after.load(CELL_STOP))
    assert told == sorted(told)
    assert set(told) == {b"first", b"second"}


@pytest.mark.req("STOP-1")
def test_stops_stand_in_their_order_and_a_fourth_has_to_wait(fram, journal):
    for number in range(3):
        assert journal.store(CELL_STOP, bytes([number]) * 16)
    assert not journal.store(CELL_STOP, b"fourth")
    assert not journal.idle()
    assert journal.flush()
    assert journal.idle()
    assert begun(fram).load(CELL_STOP) == bytes([2]) * 16
    assert journal.store(CELL_STOP, b"fourth")


@pytest.mark.req("STOP-1")
def test_three_stops_wait_at_most_however_short_they_are(journal):
    for number in range(3):
        assert journal.store(CELL_STOP, bytes([number]))
    assert not journal.store(CELL_STOP, b"4")


@pytest.mark.req("STOP-1")
def test_a_queue_that_is_full_takes_a_stop(fram, journal):
    assert fill_with_cells(journal) == CELLS_AT_MOST
    assert journal.store(CELL_STOP, b"stop")
    assert journal.flush()
    assert begun(fram).load(CELL_STOP) == b"stop"


def test_with_only_a_stop_written_the_rest_is_not_durable_yet(journal):
    assert journal.store(CELL_TOTALS, b"totals")
    assert journal.store(CELL_STOP, b"stop")
    told = [journal.step() for _ in range(8)]
    assert told == [False] * 7 + [True]


def test_a_stop_that_the_part_does_not_take_is_a_fault_and_stands_when_the_part_answers_again(fram, journal):
    journal.store(CELL_STOP, b"stop")
    fram.naks = 3
    assert not journal.flush()
    assert journal.faulty
    for _ in range(64 + 4):
        journal.step()
    assert begun(fram).load(CELL_STOP) == b"stop"


# What is accepted, and what of it is durable.


@pytest.mark.req("LEDGER-1")
def test_what_is_accepted_stands_as_a_record_without_flags_numbered_after_the_last_dose(journal):
    end_all(journal, 1)
    assert journal.accept(accept_record(2))
    assert journal.flush()
    assert records.decode(memoryview(journal.load(CELL_OPEN))) == (2, records.FORMAT_1, accept_record(2))


@pytest.mark.req("LEDGER-2")
def test_a_third_dose_is_not_accepted_while_two_outcomes_are_not_durable(journal):
    end(journal, 1)
    end(journal, 2)
    assert not journal.accept(accept_record(3))
    while journal.newest < 1:
        journal.step()
    assert journal.accept(accept_record(3))


def test_a_dose_counts_as_ended_when_its_80_octets_were_written_and_read_back(journal):
    assert journal.accept(accept_record(1))
    assert journal.flush()
    assert journal.outcome(outcome_record(1, 0))
    # Three slices of 32 octets at most, each written and read back.
    newest = []
    for _ in range(6):
        newest.append(journal.newest)
        journal.step()
    assert newest == [0] * 6
    assert journal.newest == 1


@pytest.mark.parametrize(
    ("ended", "oldest"),
    [
        pytest.param(0, 0, id="none before it"),
        pytest.param(1, 1, id="one"),
        pytest.param(2, 1, id="two"),
        pytest.param(RECORDS, 1, id="as many as are kept"),
        pytest.param(RECORDS + 1, 2, id="one more"),
    ],
)
def test_an_open_dose_takes_no_earlier_record_away(journal, ended, oldest):
    end_all(journal, *range(1, ended + 1))
    assert journal.accept(accept_record(1000))
    assert journal.oldest == oldest


@pytest.mark.req("DOSE-2")
def test_doses_of_this_boot_are_found_long_after_their_end(journal):
    end_all(journal, 1, 2, 3, 4)
    assert [journal.find(dose_id(number)) for number in (1, 2, 3, 4)] == [
        outcome_record(number, 0) for number in (1, 2, 3, 4)
    ]
    assert journal.find(TREATMENT) is None


# What the power may still make another dose.


@pytest.mark.req("LEDGER-1")
def test_a_dose_is_pending_from_its_end_until_its_outcome_is_durable(journal):
    assert journal.accept(accept_record(1))
    assert not journal.pending(dose_id(1))
    assert journal.outcome(outcome_record(1, 0))
    assert journal.pending(dose_id(1))
    assert not journal.pending(dose_id(9))
    assert journal.flush()
    assert not journal.pending(dose_id(1))


@pytest.mark.req("LEDGER-1")
def test_a_dose_stays_pending_while_the_next_one_is_open(journal):
    end(journal, 1)
    assert journal.accept(accept_record(2))
    assert journal.pending(dose_id(1))
    assert not journal.pending(dose_id(2))
    assert not journal.pending(dose_id(9))
    while journal.newest < 1:
        journal.step()
    assert not journal.pending(dose_id(1))


@pytest.mark.req("LEDGER-1")
def test_two_doses_that_ended_before_either_was_durable_are_pending_together(journal):
    end(journal, 1)
    end(journal, 2)
    assert [journal.pending(dose_id(number)) for number in (1, 2, 9)] == [True, True, False]
    assert journal.flush()
    assert [journal.pending(dose_id(number)) for number in (1, 2, 9)] == [False, False, False]


@pytest.mark.req("LEDGER-1")
def test_of_two_doses_the_one_durable_is_not_pending_and_the_one_after_it_is(journal):
    end_all(journal, 1)
    end(journal, 2)
    assert [journal.pending(dose_id(number)) for number in (1, 2)] == [False, True]


def test_nothing_is_pending_in_a_journal_that_failed(fram, journal):
    end(journal, 1)
    fram.naks = 3
    for _ in range(3):
        journal.step()
    assert journal.faulty
    assert not journal.pending(dose_id(1))


# What the part does not answer.


def test_a_cell_that_the_part_does_not_answer_for_is_a_fault_of_the_journal(fram, journal):
    journal.store(CELL_STOP, b"stop")
    journal.flush()
    fram.naks = 3
    assert journal.load(CELL_STOP) is None
    assert journal.faulty


def test_a_record_that_the_part_does_not_answer_for_is_not_read(fram, journal):
    end_all(journal, 1)
    fram.naks = 3
    assert not journal.read(1, bytearray(80))
    assert journal.read(1, bytearray(80))


@pytest.mark.req("DOSE-2")
def test_the_last_dose_is_known_after_a_start_though_the_part_answers_no_more(fram, journal):
    end_all(journal, 1)
    after = begun(fram)
    fram.naks = 1 << 30
    assert after.find(dose_id(1)) == outcome_record(1, 0)


@pytest.mark.req("LEDGER-2")
def test_a_start_that_fails_where_the_ring_is_looked_at_is_a_fault_and_can_be_stepped(fram, journal):
    end_all(journal, 1, 2)
    read_into = fram.read_into

    def refuse_ring(address, octets):
        if address >= records.RING:
            raise OSError(5)
        read_into(address, octets)

    fram.read_into = refuse_ring
    after = begun(fram)
    assert after.faulty
    assert after.step()
    assert not after.accept(accept_record(3))


# What is recovered.


@pytest.mark.req("LEDGER-2")
def test_a_dose_recovered_in_a_ring_gone_round_takes_the_place_of_an_intact_record_and_none_is_torn(fram, journal):
    end_all(journal, *range(1, RECORDS + 1))
    assert journal.accept(accept_record(999))
    assert journal.flush()
    after = begun(fram)
    assert (after.torn, after.faulty, after.newest) == (0, False, RECORDS + 1)
    assert after.recovered[0] == dose_id(999)
    octets = fram.image[address_of(RECORDS + 1) :][:80]
    assert records.decode(memoryview(octets)) == (RECORDS + 1, records.FORMAT_1 | records.RECOVERED, after.recovered)


@pytest.mark.req("LEDGER-2")
@pytest.mark.parametrize("before", [0, 1, 2])
def test_a_dose_whose_recovered_record_is_not_taken_is_no_record_yet(fram, journal, before):
    end_all(journal, *range(1, before + 1))
    assert journal.accept(accept_record(9))
    assert journal.flush()
    refuse_ring_writes(fram)
    after = begun(fram)
    assert (after.faulty, after.newest) == (True, before)
    assert after.recovered[0] == after.last_dose_id == dose_id(9)


@pytest.mark.req("LEDGER-2", "LEDGER-5")
def test_no_dose_begins_in_the_boot_that_recovered_one_before_it_is_noted(fram, journal):
    assert journal.accept(accept_record(1))
    assert journal.flush()
    after = begun(fram)
    assert not after.accept(accept_record(2))
    assert after.store(CELL_UNRESOLVED, dose_id(1))
    assert after.accept(accept_record(2))


@pytest.mark.req("LEDGER-2")
def test_as_many_records_as_are_kept_after_a_cell_are_told_without_a_fault(journal):
    end_all(journal, 1)
    assert journal.store(CELL_TOTALS, b"one dose")
    end_all(journal, *range(2, RECORDS + 2))
    assert [record[0] for record in journal.records_after(CELL_TOTALS)] == [
        dose_id(number) for number in range(2, RECORDS + 2)
    ]
    assert not journal.faulty


@pytest.mark.req("LEDGER-2")
def test_a_record_after_a_cell_that_cannot_be_read_is_a_dose_without_an_id(fram, journal):
    end_all(journal, 1, 2)
    fram.image[address_of(1) + 50] ^= 1
    # 100,000 nL, a hundredth more for the bore, 2 for rounding, 150 for friction.
    assert [(record[0], record[12]) for record in journal.records_after(CELL_TOTALS)] == [
        (bytes(8), 101_152),
        (dose_id(2), 0),
    ]
