"""Evidence: which scenarios this firmware passed on this bench, signed; and what it takes to believe it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from hil import evidence_file, evidence_key, tools
from hil.evidence_file import Evidence, EvidenceError
from hil.plant import PlantParameters
from hil.pytest_recording import FAILED, NOT_RUN, PASSED
from hil.scenario_runs import RunReport, ScenarioResult, list_scenarios, run_scenarios

Runner = Callable[[str, Sequence[str], int], RunReport]
Lister = Callable[[str, Sequence[str]], list[str]]

_LONGEST_WHY = 300
_FIRST = 3


@dataclass(frozen=True, slots=True)
class Verdict:
    """Evidence that holds."""

    firmware_hash: str
    fingerprint: str
    made_utc: str
    targets: list[str]
    passed: int
    not_run: int
    requirements: list[str]

    def as_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return {
            "verified": True,
            "firmware_hash": self.firmware_hash,
            "fingerprint": self.fingerprint,
            "made_utc": self.made_utc,
            "targets": self.targets,
            "passed": self.passed,
            "not_run": self.not_run,
            "requirements": self.requirements,
        }


def make(
    key: Ed25519PrivateKey, select: str, targets: Sequence[str], seed: int, run: Runner = run_scenarios
) -> Evidence:
    """Run the scenarios and sign what came of it, failures included. Raises RigError."""
    firmware = tools.firmware_hash()
    report = run(select, targets, seed)
    if tools.firmware_hash() != firmware:
        raise EvidenceError("refused", "The firmware's sources changed while the scenarios ran.", "Run them again.")
    for each in report.results:
        if each.firmware not in {None, firmware}:
            raise EvidenceError(
                "refused",
                f"On {each.target} another firmware ran: {each.firmware}, not {firmware}.",
                "Build the image anew: make image",
            )
    return sign(statement(report, firmware), key)


def statement(report: RunReport, firmware: str) -> dict[str, Any]:
    """Return what is to be signed: integers and texts only."""
    versions: dict[str, dict[str, str]] = {}
    for each in report.results:
        versions.setdefault(each.target, {}).update(each.tools)
    return {
        "made_utc": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "firmware_hash": firmware,
        "schema": tools.schema(),
        "select": report.select,
        "seed": report.seed,
        "targets": list(report.targets),
        "tools": versions,
        "plant_parameters_sha256": plant_sha256(),
        "scenarios": [_row(each) for each in report.results],
        "requirements": proven((each.result, each.requirements) for each in report.results),
    }


def sign(statement_: dict[str, Any], key: Ed25519PrivateKey) -> Evidence:
    """Return signed evidence."""
    signature = key.sign(evidence_file.signed_octets(statement_)).hex()
    return Evidence(statement_, evidence_key.public_hex(key), signature)


def plant_sha256() -> str:
    """Return the hash over the reference rig's parameters."""
    return tools.parameters_sha256(tools.parameters_of(PlantParameters()))


def proven(results: Iterable[tuple[str, Iterable[str]]]) -> list[str]:
    """Return the requirements that a passed scenario names and no failed one."""
    passed: set[str] = set()
    failed: set[str] = set()
    for result, requirements in results:
        if result != NOT_RUN:
            (passed if result == PASSED else failed).update(requirements)
    return sorted(passed - failed)


def verify(path: Path, key: str, firmware: str | None, scenarios: Lister | None = list_scenarios) -> Verdict:
    """Believe a file or say why not. Raises RigError.

    ``key`` is the public key or its fingerprint; ``firmware`` the hash that it must be about, by default that of the
    sources here; ``scenarios`` lists what must be in it, None asks for no more than it says itself.
    """
    wanted = evidence_key.normal(key)
    evidence = evidence_file.read(path)
    said = evidence.statement
    if not evidence_key.names(wanted, evidence.public_key):
        raise EvidenceError(
            "tampered",
            f"{path} is signed with another key: {evidence_key.fingerprint(evidence.public_key)}, not {key}.",
            "Ask who made it, and for that bench's public key.",
        )
    if not _signature_holds(evidence):
        raise EvidenceError(
            "tampered", f"{path} was changed after it was signed.", "Get it again from where it was made."
        )
    expected = (firmware or tools.firmware_hash()).lower()
    if said["firmware_hash"] != expected:
        raise _refused(path, f"it is about firmware {said['firmware_hash']}, not {expected}")
    _check_results(path, evidence)
    if scenarios is not None:
        if said["plant_parameters_sha256"] != plant_sha256():
            raise _refused(path, "the plant's parameters were others than here")
        _check_complete(path, evidence, scenarios(said["select"], said["targets"]))
    results = [row["result"] for row in evidence.scenarios]
    return Verdict(
        said["firmware_hash"],
        evidence_key.fingerprint(evidence.public_key),
        said["made_utc"],
        said["targets"],
        results.count(PASSED),
        results.count(NOT_RUN),
        said["requirements"],
    )


def _signature_holds(evidence: Evidence) -> bool:
    try:
        octets = evidence_file.signed_octets(evidence.statement)
    except TypeError:
        return False  # what has no canonical text was never signed
    return evidence_key.signed(evidence.public_key, evidence.signature, octets)


def _check_results(path: Path, evidence: Evidence) -> None:
    """Raise EvidenceError unless everything that ran passed, on every target, and proves what it says."""
    rows = evidence.scenarios
    failed = [f"{row['scenario']} on {row['target']}" for row in rows if row["result"] not in {PASSED, NOT_RUN}]
    if failed:
        raise _refused(path, f"{_some(failed)} failed")
    for target in evidence.statement["targets"]:
        if not any(row["target"] == target and row["result"] == PASSED for row in rows):
            raise _refused(path, f"nothing passed on {target}")
    if evidence.statement["requirements"] != proven((row["result"], row["requirements"]) for row in rows):
        raise _refused(path, "its requirements are not those that its scenarios prove")


def _check_complete(path: Path, evidence: Evidence, nodes: list[str]) -> None:
    have = [row["node"] for row in evidence.scenarios]
    missing = [node for node in nodes if node not in set(have)]
    if missing:
        raise _refused(path, f"{_some(missing)} missing")
    strange = [node for node in have if node not in set(nodes)]
    if strange:
        raise _refused(path, f"{_some(strange)} not known here")


def _some(names: list[str]) -> str:
    rest = len(names) - _FIRST
    return ", ".join(names[:_FIRST]) + (f" and {rest} more" if rest > 0 else "")


def _refused(path: Path, why: str) -> EvidenceError:
    return EvidenceError("refused", f"{path} does not hold: {why}.", "Make the evidence anew: rig hil evidence make")


def _row(each: ScenarioResult) -> dict[str, Any]:
    first = each.why.strip().splitlines()[-1:] if each.result == FAILED else each.why.strip().splitlines()[:1]
    return {
        "scenario": each.scenario,
        "node": each.node,
        "target": each.target,
        "seed": each.seed,
        "result": each.result,
        "why": "".join(first)[:_LONGEST_WHY],
        "simulated_ms": each.simulated_ms,
        "digest": each.digest,
        "parameters_sha256": each.parameters_sha256,
        "requirements": each.requirements,
    }
