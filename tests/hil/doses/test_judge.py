"""Ledger rows and device records of doses against what the plant saw of them."""

from dataclasses import dataclass
from typing import Any

import pytest

from hil.doses.judge import DOUBLED, LOST, UNACCOUNTED, UNKNOWN_OPEN, Seen, judge

ID = "00000000000000a1"
INTENT = {"kind": "intent", "dose_id": ID}


@dataclass(frozen=True)
class Record:
    emitted_steps: int


def told(outcome: str, least: int, most: int, kind: str = "outcome", nl: tuple[int, int] = (0, 0)) -> dict[str, Any]:
    reason = "interval" if outcome == "refused" else "none"
    steps = {"emitted_steps": least, "granted_steps": most, "to_patient_nl": nl}
    return {"kind": kind, "dose_id": ID, "outcome": outcome, "reason": reason, **steps}


DELIVERED = told("delivered", 100, 100)
UNKNOWN = told("unknown", 40, 90)


def wrong(edges: int, rows: list[Any], records: list[int], tip_nl: float = 0.0, **options: Any) -> list[str]:
    of_device: dict[str, Any] = {ID: [Record(steps) for steps in records]}
    verdict = judge([Seen(ID, "none", edges, tip_nl)], rows, of_device, **options)
    assert len(verdict.said) == sum(verdict.wrong.values())
    return sorted(verdict.wrong.elements())


@pytest.mark.parametrize(
    ("edges", "rows", "records"),
    [
        (100, [INTENT, DELIVERED], [100]),
        (0, [INTENT, told("refused", 0, 0)], []),
        (0, [INTENT, told("not_sent", 0, 0)], []),
        (60, [INTENT, UNKNOWN, told("partial", 60, 60, "resolution")], [60]),
        (60, [INTENT, UNKNOWN, told("unknown", 40, 90, "resolution")], []),
    ],
)
def test_what_agrees_is_not_wrong(edges, rows, records):
    assert wrong(edges, rows, records) == []


@pytest.mark.req("LEDGER-3")
@pytest.mark.parametrize(
    ("edges", "rows", "records", "sort"),
    [
        (200, [INTENT, DELIVERED], [100], DOUBLED),
        (91, [INTENT, UNKNOWN, told("unknown", 40, 90, "resolution")], [], DOUBLED),
        (100, [INTENT, DELIVERED], [100, 100], DOUBLED),
        (100, [INTENT, INTENT, DELIVERED], [100], DOUBLED),
        (99, [INTENT, DELIVERED], [100], LOST),
        (1, [INTENT, told("refused", 0, 0)], [], LOST),
        (1, [INTENT, told("not_sent", 0, 0)], [], LOST),
        (0, [INTENT, told("not_sent", 0, 0)], [0], LOST),
        (100, [INTENT, DELIVERED], [], LOST),
        (100, [INTENT], [100], LOST),
        (100, [], [100], LOST),
        (100, [INTENT, DELIVERED, DELIVERED], [100], LOST),
        (100, [INTENT, DELIVERED], [99], UNACCOUNTED),
        (60, [INTENT, UNKNOWN], [], UNKNOWN_OPEN),
    ],
)
def test_what_does_not_agree_is_counted_by_its_sort(edges, rows, records, sort):
    assert sort in wrong(edges, rows, records)


@pytest.mark.req("LEDGER-1")
@pytest.mark.parametrize(("tip_nl", "found"), [(38.9, [UNACCOUNTED]), (39.0, []), (91.0, []), (91.1, [UNACCOUNTED])])
def test_what_passed_the_tip_lies_in_the_interval_that_was_told(tip_nl, found):
    assert wrong(100, [INTENT, told("delivered", 100, 100, nl=(40, 90))], [100], tip_nl) == found


def test_a_record_that_the_journal_has_overwritten_is_not_missed():
    assert wrong(100, [INTENT, DELIVERED], [], journal_from="00000000000000b2") == []
    assert wrong(100, [INTENT, DELIVERED], [], journal_from=ID) == [LOST]


def test_a_dose_that_nobody_ordered_is_unaccounted():
    verdict = judge([], [INTENT, DELIVERED], {})
    assert verdict.wrong[UNACCOUNTED] == 1
