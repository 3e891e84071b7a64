"""Each rule of the journal is broken on purpose, and its suite must notice."""

import pytest

from tests.planting import Defect, running, suites

UNIT = "test_journal.py"
RECOVERY = "test_journal_recovery.py"
MARKS = "test_journal_marks_edges.py"
RECORDS = "test_journal_records_edges.py"
CUT = "test_journal_power_cut.py"
CELLS = "test_journal_cells.py"
EDGES = "test_journal_edges.py"

DEFECTS = (
    Defect(
        "mark-before-the-accept-stands",
        "journal.py",
        "if not self._open or self._queue.durable < self._accept_entry:",
        "if not self._open:",
        CUT,
    ),
    Defect("one-place-for-marks", "journal_marks.py", "self._next = 1 - self._next", "pass", CUT),
    Defect(
        "a-failed-mark-moves-on",
        "journal_marks.py",
        "            # The place stays the same: the other one holds the mark before this.\n",
        "            self._next = 1 - self._next\n",
        f"{RECOVERY}::test_a_mark_refused_half_way_and_torn_when_tried_again_leaves_the_mark_before",
    ),
    Defect(
        "any-mark-will-do",
        "journal_marks.py",
        "if mark[4] != check_of(self._buffer, _BODY) or mark[3] > mark[2]:",
        "if False:",
        CUT,
    ),
    Defect(
        "marks-never-wrap",
        "journal_marks.py",
        "return (first[1] - second[1]) & _MAX_OUTSTANDING < _HALF",
        "return first[1] > second[1]",
        MARKS,
    ),
    Defect("marks-of-any-dose", "journal.py", "elif marks.newest_sequence == sequence:", "else:", CUT),
    Defect(
        "emitted-counts-as-granted",
        "journal.py",
        "            granted_steps = marks.granted_steps\n",
        "            granted_steps = marks.emitted_steps\n",
        CUT,
    ),
    Defect(
        "damaged-marks-gave-nothing",
        "journal.py",
        "granted_steps = record[8]",
        "granted_steps = 0",
        f"{RECOVERY}::test_when_both_marks_of_an_open_dose_are_damaged_anything_up_to_all_asked_is_possible",
    ),
    Defect(
        "recovers-nothing", "journal.py", "            self._end_open(sequence, record, found)", "            pass", CUT
    ),
    Defect(
        "any-record-ends-the-dose",
        "journal.py",
        "if found is not None and found[0] == sequence and found[2][0] == record[0]:",
        "if found is not None:",
        CUT,
    ),
    Defect(
        "torn-records-are-not-marked",
        "journal.py",
        "flags |= records.TORN",
        "pass",
        f"{RECOVERY}::test_a_torn_outcome_is_written_anew_marked_and_counted",
    ),
    Defect(
        "recovered-is-told-once",
        "journal.py",
        "            self.recovered = found[2]\n",
        "            pass\n",
        f"{RECOVERY}::test_what_was_recovered_is_told_until_an_unresolved_cell_was_stored_after_it",
    ),
    Defect(
        "cells-include-the-open-dose",
        "journal.py",
        "self._cells.encode(queue.memory, at, cell, payload, self._closed)",
        "self._cells.encode(queue.memory, at, cell, payload, self._sequence + 1)",
        CUT,
    ),
    Defect(
        "counts-from-the-cells-own-record",
        "journal.py",
        "after = self._cells.includes(cell) + 1",
        "after = self._cells.includes(cell)",
        CUT,
    ),
    Defect(
        "two-doses-open",
        "journal.py",
        "if self.faulty or self._open or self._closed - self.newest > 1 or record[0] == records.NO_ID:",
        "if self.faulty or record[0] == records.NO_ID:",
        UNIT,
    ),
    Defect(
        "doses-on-what-was-never-noted",
        "journal.py",
        "if self._unnoted():",
        "if False:",
        f"{RECOVERY}::test_no_dose_begins_before_the_recovered_one_is_noted",
    ),
    Defect(
        "doses-on-a-faulty-journal",
        "journal.py",
        "if self.faulty or self._open or",
        "if self._open or",
        f"{RECOVERY}::test_a_cell_of_which_both_copies_are_damaged_blocks_dosing_and_is_not_written_over",
    ),
    Defect("any-octets-are-a-cell", "journal_cells.py", "!= crc32(view[:end]):", "== 0:", CUT),
    Defect(
        "writes-over-the-newer-copy",
        "journal_cells.py",
        "            self._first[cell] = 1 - newer\n            self._version",
        "            self._first[cell] = newer\n            self._version",
        CELLS,
    ),
    Defect(
        "writes-the-other-copy-of-a-torn-first-store",
        "journal_cells.py",
        "self._first[cell] = 1 - newer if versions[1 - newer] == _BROKEN else newer",
        "self._first[cell] = newer",
        CELLS,
    ),
    Defect(
        "garbage-is-written-over",
        "journal_cells.py",
        "return self._version[cell] != _BROKEN",
        "return True",
        f"{RECOVERY}::test_a_cell_of_which_both_copies_are_damaged_blocks_dosing_and_is_not_written_over",
    ),
    Defect(
        "one-copy-of-each-cell",
        "journal_cells.py",
        "address += 2 * (SIZES[cell] + _HEAD_SIZE + _CRC_SIZE)",
        "address += 0",
        UNIT,
    ),
    Defect(
        "never-a-second-copy",
        "journal_queue.py",
        "            if self._second[slot] != NO_COPY:\n",
        "            if False:\n",
        f"{RECOVERY}::test_damage_to_one_copy_of_any_cell_changes_nothing",
    ),
    Defect("believes-the-bus", "journal_queue.py", "if self._echo[:left] != octets:", "if False:", UNIT),
    Defect("gives-up-at-once", "journal_queue.py", "WRITE_TRIES = const(3)", "WRITE_TRIES = const(1)", UNIT),
    Defect("never-gives-up", "journal_queue.py", "            self.faulty = True\n", "            pass\n", UNIT),
    Defect("larger-slices", "journal_queue.py", "SLICE = const(32)", "SLICE = const(48)", UNIT),
    Defect(
        "no-room-kept-for-the-outcome",
        "journal.py",
        "at = self._queue.room(length + _RESERVED, _RESERVED_ENTRIES)",
        "at = self._queue.room(length)",
        UNIT,
    ),
    Defect("a-stop-waits-like-all-else", "journal.py", "if stops.idle():", "if not queue.idle():", EDGES),
    Defect("a-stop-has-no-memory-of-its-own", "journal.py", "if cell == CELL_STOP:", "if False:", EDGES),
    Defect(
        "a-clear-overtakes-too",
        "kept.py",
        "if latches.dirty and (not latches.cleared or self.journal.idle()):",
        "if latches.dirty:",
        "test_kept.py",
    ),
    Defect("any-octets-are-a-record", "journal_records.py", "if values[20] != crc32(octets[:_BODY]) or", "if", CUT),
    Defect(
        "nominal-steps-whatever-was-calibrated",
        "journal_records.py",
        "return ordered_nl if ordered_nl > nominal_nl else nominal_nl",
        "return nominal_nl",
        RECORDS,
    ),
    Defect(
        "a-damaged-record-is-a-new-dose",
        "journal_ring.py",
        "return record if record and record[0] == dose_id else records.unreadable(dose_id, MAX_DOSE_NL)",
        "return record",
        f"{RECOVERY}::test_a_known_id_whose_record_is_damaged_or_not_answered_is_an_unknown_dose_never_a_new_one",
    ),
    Defect("ids-at-any-octet", "journal_ring.py", "while at >= 0 and at % _ID_SIZE:", "while False:", UNIT),
    Defect(
        "fewer-ids",
        "journal_ring.py",
        "range(max(1, self._newest - records.RECORDS + 1)",
        "range(max(1, self._newest - 250)",
        UNIT,
    ),
)


@pytest.fixture(scope="module")
def runs(request):
    with running(request, DEFECTS, "device", "tests/device") as runs:
        yield runs


@pytest.mark.parametrize("defect", DEFECTS, ids=lambda defect: defect.name)
def test_a_defect_planted_in_the_journal_is_noticed(runs, defect):
    runs.must_notice(defect)


@pytest.mark.parametrize("suite", suites(DEFECTS))
def test_a_suite_without_a_defect_passes(runs, suite):
    runs.must_pass(suite)
