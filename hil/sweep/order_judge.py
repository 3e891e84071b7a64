"""What came of an order whose host, device or both were ended: the rows on the disk against what the plant has seen."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from host.device_records import DeviceRecord
from host.ledger_verify import read_rows, verify

RESTING_NL = 1.0
"""What may leave a tip whose valve stands on waste, and rounding."""

NOTHING = ("refused", "not_sent")
KNOWN = ("delivered", "partial")


@dataclass(slots=True)
class Seen:
    """What the plant saw of the order: step edges at the pin, liquid at the tip, nL; and the steps it asks for."""

    edges: int
    tip_nl: float
    edges_after_end: int = 0
    """Of these, how many came although host or device were ended, or the device had been reset."""


@dataclass(slots=True)
class OrderJudge:
    """Judges one ledger file; ``failures`` says in words what does not hold."""

    path: Path
    rows_before: int
    failures: list[str] = field(default_factory=list)
    outcome: str = "none"

    def judge(self, seen: Seen, records: list[DeviceRecord | None], problems: list[str]) -> list[str]:
        """Compare; ``records`` are those of the device since the order, ``problems`` what the host finds itself."""
        self.failures += problems
        verdict = verify(self.path)
        self.failures += [f"the ledger does not verify: {finding}" for finding in verdict.findings]
        of_kind: dict[str, list[dict[str, Any]]] = {}
        for number, fields in read_rows(self.path):
            if number > self.rows_before:
                of_kind.setdefault(fields["kind"], []).append(fields)
        if seen.edges_after_end:
            self.failures.append(f"{seen.edges_after_end} steps left the pin by themselves after the end")
        self._judge_rows(of_kind, seen, records)
        return self.failures

    def _judge_rows(
        self, of_kind: dict[str, list[dict[str, Any]]], seen: Seen, records: list[DeviceRecord | None]
    ) -> None:
        intents, outcomes = of_kind.get("intent", []), of_kind.get("outcome", [])
        resolutions = of_kind.get("resolution", [])
        if len(records) > 1 or None in records:
            self.failures.append(f"the device has {len(records)} records of one order, or one that cannot be read")
        if not intents:
            if seen.edges or records or outcomes:
                self.failures.append(f"{seen.edges} steps and {len(records)} records without an intent")
            return
        if len(intents) != 1 or len(outcomes) != 1 or len(resolutions) > 1:
            told = f"{len(intents)} intents, {len(outcomes)} outcomes, {len(resolutions)} resolutions"
            self.failures.append(f"of one order there are {told}")
            return
        last = (resolutions or outcomes)[-1]
        self.outcome = last["outcome"]
        self._judge_outcome(last, seen, records[0] if records else None)

    def _judge_outcome(self, told: dict[str, Any], seen: Seen, record: DeviceRecord | None) -> None:
        outcome = told["outcome"]
        if outcome in NOTHING and (seen.edges or record is not None):
            self.failures.append(f"{outcome}, but {seen.edges} steps left the pin")
        if outcome in KNOWN and told["emitted_steps"] != seen.edges:
            self.failures.append(f"{outcome} with {told['emitted_steps']} steps, but {seen.edges} left the pin")
        if outcome == "unknown" and not told["emitted_steps"] <= seen.edges <= told["granted_steps"]:
            span = f"{told['emitted_steps']} to {told['granted_steps']}"
            self.failures.append(f"unknown with {span} steps, but {seen.edges} left the pin")
        least_nl, most_nl = told["to_patient_nl"]
        if not least_nl - RESTING_NL <= seen.tip_nl <= most_nl + RESTING_NL:
            self.failures.append(f"{least_nl} to {most_nl} nL to the patient, but {seen.tip_nl:.1f} nL passed the tip")
        if outcome in KNOWN and record is None:
            self.failures.append(f"{outcome}, but the device has no record of it")
        if record is not None and record.dose_id.hex() != told["dose_id"]:
            self.failures.append("the device's record is that of another dose")
        if record is not None and record.emitted_steps != told["emitted_steps"]:
            self.failures.append(f"{told['emitted_steps']} steps here, {record.emitted_steps} in the device's record")
