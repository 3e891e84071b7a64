"""The rules of the comparison: what two sides that know the same, or not, come to."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from host import comparison
from host.comparison import Journal, Position, Problem
from host.device_records import DeviceRecord, decode
from host.ledger_queries import DoseRows
from host.records import Order, final_record, name_of
from protocol import codes
from tests.host.test_device_records import encoded

SERIAL = b"rig00001".hex()


def dose(number: int) -> bytes:
    return b"dose%04d" % number


def boot(count: int) -> bytes:
    return count.to_bytes(4, "little") + b"rand"


def record(number: int, *, dose_id: bytes | None = None, state: int = codes.DOSE_DELIVERED, steps: int = 178) -> Any:
    values = (
        dose_id or dose(number), b"treat001", b"lot00001", codes.KIND_DOSE, codes.CHANNEL_FLUSH, state, 0,
        1000, 178, steps, max(steps, 178 if state == codes.DOSE_UNKNOWN else 0), 900 if steps else 0, 1010, 0, 0,
        1, 8000, 99,
    )  # fmt: skip
    return decode(encoded(values, number), number)


def journal(*records: DeviceRecord | None, first: int = 1, **changes: Any) -> Journal:
    by_number = dict(enumerate(records, first))
    newest = max(by_number, default=0)
    whole = Journal(SERIAL, boot(9), True, first if records else 0, newest, bytes(8), by_number)
    return replace(whole, **changes)


def rows(of: DeviceRecord, sequence: int = 10, **changes: Any) -> DoseRows:
    """Return what this host would have written of a record."""
    told = final_record(Order(of.dose_id, b"", b"", 0, of.channel, of.asked_nl, 0), of.report())
    intent = {
        "serial": SERIAL, "dose_id": of.dose_id.hex(), "order_kind": name_of("kind", of.kind),
        "channel": name_of("channel", of.channel), "lot": of.lot.hex(), "treatment": of.treatment.hex(),
        "asked_nl": of.asked_nl,
    }  # fmt: skip
    outcome = {
        "outcome": str(told.outcome), "cause": name_of("cause", told.cause), "asked_steps": told.asked_steps,
        "emitted_steps": told.emitted_steps, "granted_steps": told.granted_steps,
        "to_patient_nl": list(told.to_patient_nl), "waste_nl": list(told.waste_nl),
    }  # fmt: skip
    return DoseRows(sequence, intent, {**outcome, **changes}, None)


def known(*records: DeviceRecord) -> dict[bytes, DoseRows]:
    return {of.dose_id: rows(of) for of in records}


START = Position(0, "")


@pytest.mark.req("LEDGER-6")
def test_what_both_know_alike_is_agreed_and_not_compared_again() -> None:
    of = journal(record(1), record(2))
    found = comparison.compare(of, START, known(record(1), record(2)))
    assert (found.agreed, found.foreign, found.disagreements, found.whole) == (2, [], [], True)
    again = comparison.compare(of, found.position, {})
    assert (again.agreed, again.foreign, again.disagreements) == (0, [], [])


@pytest.mark.req("LEDGER-6")
def test_a_dose_of_nobody_here_is_foreign_and_no_disagreement() -> None:
    found = comparison.compare(journal(record(1), record(2)), START, known(record(1)))
    assert [item.dose_id for item in found.foreign] == [dose(2)]
    assert (found.agreed, found.disagreements) == (1, [])


@pytest.mark.req("LEDGER-6")
@pytest.mark.parametrize(
    "changes",
    [
        {"outcome": "refused"},
        {"outcome": "not_sent"},
        {"outcome": "partial"},
        {"emitted_steps": 177},
        {"to_patient_nl": [900, 1011]},
        {"waste_nl": [0, 1]},
        {"cause": "door"},
    ],
)
def test_one_figure_that_differs_is_a_disagreement_that_names_it(changes: dict[str, Any]) -> None:
    of = record(1)
    found = comparison.compare(journal(of), START, {of.dose_id: rows(of, **changes)})
    (one,) = found.disagreements
    assert (one.problem, one.number, one.dose_id) == (Problem.DIFFERS, 1, of.dose_id)
    assert next(iter(changes)) in one.what
    assert found.position.number == 1


@pytest.mark.req("LEDGER-6")
@pytest.mark.parametrize("name", ["lot", "treatment", "channel", "order_kind", "asked_nl", "serial"])
def test_a_dose_that_was_ordered_as_another_one_is_a_disagreement(name: str) -> None:
    of = record(1)
    told = rows(of)
    other = replace(told, intent={**told.intent, name: 5 if name == "asked_nl" else "other"})
    (one,) = comparison.compare(journal(of), START, {of.dose_id: other}).disagreements
    assert name in one.what


@pytest.mark.req("LEDGER-6")
@pytest.mark.parametrize("outcome", [None, {"outcome": "unknown"}], ids=["open", "unknown"])
def test_a_dose_of_ours_without_our_last_word_waits_and_so_does_all_behind_it(outcome: Any) -> None:
    first, second = record(1), record(2)
    told = rows(first)
    still_open = replace(told, outcome=outcome and {**(told.outcome or {}), **outcome, "waste_nl": [0, 0]})
    found = comparison.compare(journal(first, second), START, {first.dose_id: still_open})
    assert (found.whole, found.position, found.foreign, found.disagreements) == (False, START, [], [])


@pytest.mark.req("LEDGER-6")
def test_a_resolution_is_the_last_word() -> None:
    of = record(1)
    told = rows(of)
    resolved = DoseRows(1, told.intent, {**(told.outcome or {}), "outcome": "unknown"}, told.outcome)
    assert comparison.compare(journal(of), START, {of.dose_id: resolved}).agreed == 1


@pytest.mark.req("LEDGER-6", "LEDGER-3")
def test_an_unknown_dose_agrees_when_at_least_as_much_is_counted_here_and_not_when_less() -> None:
    of = record(1, state=codes.DOSE_UNKNOWN, steps=0)
    wider = rows(of, to_patient_nl=[0, 2000], granted_steps=400)
    closed = DoseRows(1, wider.intent, wider.outcome, wider.outcome)
    assert comparison.compare(journal(of), START, {of.dose_id: closed}).agreed == 1
    less = rows(of, to_patient_nl=[0, 1009])
    closed = DoseRows(1, less.intent, less.outcome, less.outcome)
    assert len(comparison.compare(journal(of), START, {of.dose_id: closed}).disagreements) == 1


@pytest.mark.req("LEDGER-6")
def test_a_record_that_cannot_be_read_disagrees_once() -> None:
    of = journal(record(1), None, record(3))
    found = comparison.compare(of, START, known(record(1), record(3)))
    assert [(one.problem, one.number) for one in found.disagreements] == [(Problem.UNREADABLE, 2)]
    assert (found.agreed, found.position.number) == (2, 3)
    assert comparison.compare(of, found.position, {}).disagreements == []


@pytest.mark.req("LEDGER-6")
def test_the_record_compared_last_disagrees_once_when_it_cannot_be_read_any_more() -> None:
    found = comparison.compare(journal(None), Position(1, record(1).octets.hex()), {})
    assert [one.problem for one in found.disagreements] == [Problem.UNREADABLE]
    assert comparison.compare(journal(None), found.position, {}).disagreements == []


@pytest.mark.req("LEDGER-6")
def test_a_journal_that_ends_before_what_was_compared_disagrees_and_begins_anew() -> None:
    position = Position(7, record(7).octets.hex())
    found = comparison.compare(journal(record(1), record(2)), position, {})
    assert [one.problem for one in found.disagreements] == [Problem.BACKWARDS]
    assert (found.position.number, found.foreign) == (2, [])


@pytest.mark.req("LEDGER-6")
def test_another_record_in_the_place_of_the_one_compared_last_disagrees() -> None:
    position = Position(2, record(2, dose_id=b"another1").octets.hex())
    found = comparison.compare(journal(record(1), record(2), record(3)), position, {})
    assert [one.problem for one in found.disagreements] == [Problem.CHANGED]
    assert found.position.number == 3


@pytest.mark.req("LEDGER-6")
def test_records_that_were_written_over_unseen_disagree_and_the_others_are_compared() -> None:
    found = comparison.compare(journal(record(30), record(31), first=30), Position(4, "00"), known(record(31)))
    assert [one.problem for one in found.disagreements] == [Problem.GAP]
    assert "5 to 29" in found.disagreements[0].what
    assert (found.agreed, len(found.foreign), found.position.number) == (1, 1, 31)


def test_records_that_were_not_read_for_want_of_time_wait() -> None:
    of = journal(record(1), record(2), newest=5)
    found = comparison.compare(of, START, {})
    assert (found.whole, found.position.number, len(found.foreign)) == (False, 2, 2)


# What a journal shows of an order that it does not know.

ORDER = Order(b"order001", boot(3), b"sess", 0, codes.CHANNEL_FLUSH, 1000, 100, last_dose_id=dose(2))
INTENT = DoseRows(50, {"serial": SERIAL}, None, None)


def shows(of: Journal, order: Order = ORDER, told: DoseRows = INTENT, broken_at: int = 0) -> bool:
    return comparison.shows_never_ran(of, order, told, broken_at=broken_at)


@pytest.mark.req("LEDGER-3")
def test_a_whole_journal_back_to_the_dose_before_the_order_shows_that_it_never_ran() -> None:
    assert shows(journal(record(2), first=2))
    assert shows(journal(record(2), record(3), record(4), first=2))
    assert shows(journal(None, record(2), record(3), first=1))


@pytest.mark.req("LEDGER-3")
def test_a_journal_in_which_nothing_ever_ran_shows_it_of_the_first_order() -> None:
    first = replace(ORDER, last_dose_id=bytes(8))
    assert shows(journal(), first)
    assert shows(journal(record(1)), first)
    assert not shows(journal())


@pytest.mark.req("LEDGER-3")
@pytest.mark.parametrize(
    "of",
    [
        journal(record(2), first=2, healthy=False),
        journal(record(2), first=2, serial=b"rig00002".hex()),
        journal(record(2), first=2, boot=boot(3)),
        journal(record(2), first=2, boot=boot(2)),
        journal(record(2), first=2, last_dose_id=ORDER.dose_id),
        journal(record(3), first=3),
        journal(record(2), None, record(4), first=2),
        journal(record(2), record(3), first=2, newest=4),
        journal(record(2), record(3, dose_id=ORDER.dose_id), first=2),
    ],
    ids=["faulty", "other rig", "same boot", "older", "last dose", "too short", "unreadable", "not read", "there"],
)
def test_without_any_of_these_nothing_is_shown(of: Journal) -> None:
    assert not shows(of)


@pytest.mark.req("LEDGER-3")
def test_what_was_seen_to_run_or_was_ordered_before_the_journal_was_exchanged_is_not_shown() -> None:
    whole = journal(record(2), first=2)
    assert not shows(whole, told=DoseRows(50, {"serial": SERIAL}, {"emitted_steps": 3}, None))
    assert not shows(whole, told=DoseRows(50, {"serial": None}, None, None))
    assert not shows(whole, broken_at=51)
    assert shows(whole, broken_at=49)


@pytest.mark.req("LEDGER-3")
@given(data=st.data())
def test_of_an_order_that_ran_it_is_never_shown_whatever_else_happened(data: st.DataObject) -> None:
    """The device takes an order only behind the dose that it names; records may be lost, over-written or unreadable."""
    before = data.draw(st.integers(0, 6))
    after = data.draw(st.integers(0, 6))
    ran = record(before + 1, dose_id=ORDER.dose_id)
    records = [record(number) for number in range(1, before + 1)] + [ran]
    records += [record(before + 1 + number) for number in range(1, after + 1)]
    last = records[before - 1].dose_id if before else bytes(8)
    kept = data.draw(st.integers(1, len(records)))
    readable = [data.draw(st.booleans()) for _ in records]
    seen = {of.number: of if can else None for of, can in zip(records, readable, strict=True) if of.number >= kept}
    of = Journal(SERIAL, boot(9), True, kept, len(records), records[-1].dose_id, seen)
    assert not shows(of, replace(ORDER, last_dose_id=last))
