"""Device journal against host ledger: rules without wire, clock or disk. What was read goes in, findings come out.

The invariants (LEDGER-3, LEDGER-6):
- a record is compared once: what comes out says up to which one, and the next comparison goes on behind it;
- every record is agreed, foreign (another host's, or a person's alone at the rig), a disagreement, or still pending
  because this host has not written its own last word yet; nothing is left out in between;
- what cannot be read, and what is gone, disagrees;
- that an order never ran is said only when a whole, healthy journal of the same rig reaches back behind it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final

from host.device_records import DeviceRecord
from host.ledger_queries import DoseRows
from host.records import DoseReport, Order, OutcomeKind, final_record, id_text, name_of

# The first octets of a boot nonce count the boots.
_COUNTER_OCTETS: Final = 4
_INTENT_FIELDS: Final = ("order_kind", "channel", "lot", "treatment", "asked_nl")


class Problem(StrEnum):
    """What sort of disagreement it is."""

    DIFFERS = "differs"  # both know the dose and say different things of it
    MISSING = "missing"  # the ledger says that it ran, and the device does not know it
    UNREADABLE = "unreadable"  # a record cannot be read
    GAP = "gap"  # records were written over before they were compared
    BACKWARDS = "backwards"  # the journal ends before what was compared: another one, or an older or erased copy
    CHANGED = "changed"  # the record compared last is another one now


@dataclass(frozen=True, slots=True)
class Journal:
    """What was read of a device's journal. ``records`` has each number that was asked for; None: could not be read."""

    serial: str
    boot: bytes
    healthy: bool  # by the device's own self-test
    oldest: int
    newest: int
    last_dose_id: bytes
    records: Mapping[int, DeviceRecord | None]


@dataclass(frozen=True, slots=True)
class Position:
    """Up to where a rig was compared: number of that record, and its octets in hexadecimal (empty: not read)."""

    number: int
    octets: str


@dataclass(frozen=True, slots=True)
class Disagreement:
    """One thing about which device and ledger disagree; ``what`` says it in words, with both sides' figures."""

    problem: Problem
    what: str
    number: int | None = None
    dose_id: bytes | None = None
    record: DeviceRecord | None = None


@dataclass(slots=True)
class Comparison:
    """What came out. ``position`` is the new one; ``whole`` is False while records wait to be compared."""

    position: Position
    agreed: int = 0
    foreign: list[DeviceRecord] = field(default_factory=list)
    disagreements: list[Disagreement] = field(default_factory=list)
    whole: bool = True


def compare(journal: Journal, position: Position, known: Mapping[bytes, DoseRows]) -> Comparison:
    """Compare the records behind ``position`` with what the ledger knows of their doses.

    A journal that is not the one compared before is not compared record by record: it says so and begins anew at its
    newest record.
    """
    found = Comparison(position)
    broken = another_journal(journal, position)
    if broken is not None:
        found.disagreements.append(broken)
        found.position = baseline(journal)
        return found
    if position.octets and position.number in journal.records and journal.records[position.number] is None:
        found.disagreements.append(_unreadable(position.number))
        found.position = _position(journal, position.number)
    first = max(position.number + 1, journal.oldest)
    if first > position.number + 1:
        found.disagreements.append(_gap(position.number + 1, first - 1))
    for number in range(first, journal.newest + 1):
        if number not in journal.records or not _compare_one(journal, number, known, found):
            found.whole = False
            break
    return found


def baseline(journal: Journal) -> Position:
    """Return the position at the newest record: whatever is older is not compared any more."""
    return _position(journal, journal.newest)


def missing(dose_id: bytes, rows: DoseRows) -> Disagreement:
    """Return the disagreement about a dose that ran by the ledger and that the device does not know."""
    told = rows.last_word or {}
    what = f"the ledger says {_in_words(told)} of dose {dose_id.hex()}; the rig's journal has no record of it"
    return Disagreement(Problem.MISSING, what, dose_id=dose_id)


def shows_never_ran(journal: Journal, order: Order, rows: DoseRows, *, broken_at: int) -> bool:
    """Tell whether the journal shows that an order of an earlier boot never ran, and so never will.

    The device takes an order only behind the dose that it names as the last one. So it is shown when every record from
    that one on is intact, and none is the order's.

    Args:
        journal: of the device that is connected, as read in this link session.
        order: the order.
        rows: what the ledger says of it.
        broken_at: number of the newest ledger row that tells of another or an older journal in this rig, 0 for none.
    """
    if not journal.healthy or journal.serial != rows.intent.get("serial") or broken_at > rows.sequence:
        return False
    if boot_count(journal.boot) <= boot_count(order.boot) or journal.last_dose_id == order.dose_id:
        return False
    if rows.outcome is not None and rows.outcome["emitted_steps"]:
        return False  # somebody saw it run
    return _reaches_behind(journal, order)


def _reaches_behind(journal: Journal, order: Order) -> bool:
    """Look from the newest record back to the one that the order names, or to the first one there ever was."""
    for number in range(journal.newest, 0, -1):
        record = journal.records.get(number)
        if record is None or record.dose_id == order.dose_id:
            return False
        if record.dose_id == order.last_dose_id:
            return True
    return not any(order.last_dose_id)


def boot_count(boot: bytes) -> int:
    """Return which boot of its device it is."""
    return int.from_bytes(boot[:_COUNTER_OCTETS], "little")


def another_journal(journal: Journal, position: Position) -> Disagreement | None:
    """Return why this is not the journal that was compared up to ``position``; None when nothing speaks against it."""
    number = position.number
    if number > journal.newest:
        what = (
            f"the rig's journal ends with record {journal.newest}, but record {number} was compared before: it is "
            "another journal, or an older or erased copy"
        )
        return Disagreement(Problem.BACKWARDS, what, number)
    record = journal.records.get(number)
    if record is None or not position.octets or record.octets.hex() == position.octets:
        return None
    what = (
        f"record {number} of the rig's journal is another one than when it was compared (dose {record.dose_id.hex()})"
    )
    return Disagreement(Problem.CHANGED, what, number, record.dose_id, record)


def _gap(first: int, last: int) -> Disagreement:
    what = f"records {first} to {last} of the rig's journal were written over before this ledger could compare them"
    return Disagreement(Problem.GAP, what, first)


def _unreadable(number: int) -> Disagreement:
    what = f"record {number} of the rig's journal cannot be read; what it held is not known"
    return Disagreement(Problem.UNREADABLE, what, number)


def _compare_one(journal: Journal, number: int, known: Mapping[bytes, DoseRows], found: Comparison) -> bool:
    """Compare one record; False when this host's own last word of it is still to come."""
    record = journal.records[number]
    if record is None:
        found.disagreements.append(_unreadable(number))
    elif record.dose_id not in known:
        found.foreign.append(record)
    else:
        rows = known[record.dose_id]
        differences = _differences(journal.serial, record, rows)
        if differences and _still_open(rows):
            return False
        if differences:
            found.disagreements.append(_differs(record, rows, differences))
        else:
            found.agreed += 1
    found.position = _position(journal, number)
    return True


def _still_open(rows: DoseRows) -> bool:
    told = rows.last_word
    return told is None or (rows.resolution is None and told["outcome"] == OutcomeKind.UNKNOWN)


def _differences(serial: str, record: DeviceRecord, rows: DoseRows) -> list[str]:
    """Return the names of what differs."""
    intent, told = rows.intent, rows.last_word
    device = {**record.as_fields(), "serial": serial}
    # Early rows have the numbers of kinds instead of their names, and rows of old versions lack some fields.
    differing = [
        name
        for name in ("serial", *_INTENT_FIELDS)
        if intent.get(name) is not None and str(intent[name]) not in {str(device[name]), _number(record, name)}
    ]
    if told is None:
        return [*differing, "outcome"]
    expected = _expected(record)
    if _covers(told, expected):
        return differing
    return differing + [name for name, value in expected.items() if told.get(name) != value]


def _number(record: DeviceRecord, name: str) -> str:
    return str({"order_kind": record.kind, "channel": record.channel}.get(name, ""))


def _expected(record: DeviceRecord) -> dict[str, Any]:
    """Return the figures of the outcome that this host would write for the record."""
    report: DoseReport = record.report()
    order = Order(record.dose_id, b"", b"", 0, record.channel, record.asked_nl, 0)
    outcome = final_record(order, report)
    return {
        "outcome": str(outcome.outcome),
        "cause": name_of("cause", outcome.cause),
        "asked_steps": outcome.asked_steps,
        "emitted_steps": outcome.emitted_steps,
        "granted_steps": outcome.granted_steps,
        "to_patient_nl": list(outcome.to_patient_nl),
        "waste_nl": list(outcome.waste_nl),
    }


def _covers(told: Mapping[str, Any], expected: Mapping[str, Any]) -> bool:
    """Tell whether both call the dose unknown and the ledger counts at least as much as the device."""
    if not told["outcome"] == expected["outcome"] == OutcomeKind.UNKNOWN:
        return False
    volumes = ("to_patient_nl", "waste_nl")
    return all(told[name][0] <= expected[name][0] and expected[name][1] <= told[name][1] for name in volumes)


def _differs(record: DeviceRecord, rows: DoseRows, names: Sequence[str]) -> Disagreement:
    told = rows.last_word or {}
    expected = _expected(record)
    what = (
        f"of dose {record.dose_id.hex()} the ledger says {_in_words(told)}, record {record.number} of the rig's "
        f"journal {_in_words(expected)}; different: {', '.join(names)}"
    )
    return Disagreement(Problem.DIFFERS, what, record.number, record.dose_id, record)


def _in_words(figures: Mapping[str, Any]) -> str:
    least, most = figures.get("to_patient_nl", (0, 0))
    steps = f"{figures.get('emitted_steps')} of {figures.get('asked_steps')} steps"
    return f"{figures.get('outcome')}, {steps}, {least} to {most} nL to the patient"


def _position(journal: Journal, number: int) -> Position:
    record = journal.records.get(number)
    return Position(number, "" if record is None else record.octets.hex())


def as_fields(disagreement: Disagreement) -> dict[str, Any]:
    """Return a disagreement as it stands in a ledger row."""
    return {
        "problem": str(disagreement.problem),
        "what": disagreement.what,
        "record": disagreement.number,
        "dose_id": None if disagreement.dose_id is None else id_text(disagreement.dose_id),
        "device": None if disagreement.record is None else disagreement.record.as_fields(),
    }
