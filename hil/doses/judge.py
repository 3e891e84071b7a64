"""What the ledger and the device's journal say of each dose, against the steps at the pin and the liquid at the tip."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from host.device_records import DeviceRecord

RESTING_NL = 1.0
"""What may leave a tip whose valve stands on waste, and rounding."""

NOTHING = ("refused", "not_sent")
KNOWN = ("delivered", "partial")
DOUBLED, LOST, UNACCOUNTED, UNKNOWN_OPEN = SORTS = ("doubled", "lost", "unaccounted", "unknown_open")


@dataclass(frozen=True, slots=True)
class Seen:
    """What the plant saw of one order: step edges at its pin, liquid at the tip, nL."""

    dose_id: str
    trouble: str
    edges: int
    tip_nl: float


@dataclass(slots=True)
class Verdict:
    """How many doses went wrong in which way; ``said`` tells it in words."""

    doses: int = 0
    wrong: Counter[str] = field(default_factory=Counter)
    outcomes: Counter[str] = field(default_factory=Counter)
    said: list[str] = field(default_factory=list)

    def find(self, sort: str, dose_id: str, text: str) -> None:
        """Count something that is wrong."""
        self.wrong[sort] += 1
        self.said.append(f"{sort}: dose {dose_id}: {text}")


def judge(
    seen: Iterable[Seen],
    rows: Iterable[Mapping[str, Any]],
    records: Mapping[str, list[DeviceRecord]],
    *,
    journal_from: str | None = None,
) -> Verdict:
    """Judge all orders of one rig.

    Args:
        seen: by the plant, in the order in which they were given.
        rows: of the ledger, oldest first.
        records: of the device's journal by dose id, as far back as it keeps them.
        journal_from: the first order whose record the journal would still keep; None for all.
    """
    verdict = Verdict()
    of_dose: dict[str, dict[str, list[Mapping[str, Any]]]] = {}
    for row in rows:
        if "dose_id" in row:
            of_dose.setdefault(row["dose_id"], {}).setdefault(row["kind"], []).append(row)
    kept = journal_from is None
    for one in seen:
        kept = kept or one.dose_id == journal_from
        verdict.doses += 1
        _judge_one(verdict, one, of_dose.pop(one.dose_id, {}), records.get(one.dose_id, []), kept=kept)
    for dose_id in of_dose:
        verdict.find(UNACCOUNTED, dose_id, "nobody ordered it, and the ledger tells of it")
    return verdict


def _judge_one(
    verdict: Verdict,
    seen: Seen,
    rows: Mapping[str, list[Mapping[str, Any]]],
    records: list[DeviceRecord],
    *,
    kept: bool,
) -> None:
    intents, outcomes, resolutions = (rows.get(kind, []) for kind in ("intent", "outcome", "resolution"))
    if len(records) > 1 or len(intents) > 1:
        verdict.find(DOUBLED, seen.dose_id, f"{len(intents)} intents, {len(records)} records of the device")
    if len(intents) != 1 or len(outcomes) != 1 or len(resolutions) > 1:
        told = f"{len(intents)} intents, {len(outcomes)} outcomes, {len(resolutions)} resolutions"
        verdict.find(LOST, seen.dose_id, told)
        return
    last = (resolutions or outcomes)[-1]
    outcome = last["outcome"]
    reason = last["reason"] if outcome == "refused" else ""
    verdict.outcomes[f"{outcome}: {reason}" if reason else outcome] += 1
    if outcome == "unknown" and not resolutions:
        verdict.find(UNKNOWN_OPEN, seen.dose_id, "neither the device nor a person has told what became of it")
    if outcome in NOTHING:
        if seen.edges or records:
            verdict.find(LOST, seen.dose_id, f"{outcome}, but {seen.edges} steps left the pin")
        return
    _judge_steps(verdict, seen, last)
    if kept and outcome in KNOWN and not records:
        verdict.find(LOST, seen.dose_id, f"{outcome}, but the device has no record of it")
    for record in records:
        if record.emitted_steps != last["emitted_steps"]:
            told = f"{last['emitted_steps']} steps here, {record.emitted_steps} in the device's record"
            verdict.find(UNACCOUNTED, seen.dose_id, told)


def _judge_steps(verdict: Verdict, seen: Seen, told: Mapping[str, Any]) -> None:
    least, most = told["emitted_steps"], told["granted_steps"]
    if told["outcome"] in KNOWN:
        most = least
    if seen.edges > most:
        verdict.find(DOUBLED, seen.dose_id, f"{told['outcome']} with {least} to {most} steps, {seen.edges} at the pin")
    elif seen.edges < least:
        verdict.find(LOST, seen.dose_id, f"{told['outcome']} with {least} to {most} steps, {seen.edges} at the pin")
    least_nl, most_nl = told["to_patient_nl"]
    if not least_nl - RESTING_NL <= seen.tip_nl <= most_nl + RESTING_NL:
        span = f"{least_nl} to {most_nl} nL to the patient"
        verdict.find(UNACCOUNTED, seen.dose_id, f"{told['outcome']}, {span}, but {seen.tip_nl:.1f} nL passed the tip")
