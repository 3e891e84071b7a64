"""The file of the bench's evidence, version 1: one JSON object with a statement and its signature.

Signed is the text "nanorig evidence 1", a line end, and the statement as canonical JSON. The schema is closed.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hil.evidence_key import PUBLIC_KEY_DIGITS, SIGNATURE_DIGITS
from host.canonical import canonical_json
from host.errors import RigError

FORMAT = "nanorig evidence"
VERSION = 1
MAX_FILE = 16_000_000
ALGORITHM = "ed25519"

_NAME_ANOTHER = "Name a file that rig hil evidence make wrote."
_MAKE_ANEW = "Make the evidence anew: rig hil evidence make"

_TOP = {"format": str, "version": int, "statement": dict, "signature": dict}
_SIGNATURE = {"algorithm": str, "public_key": str, "signature": str}
_STATEMENT = {
    "made_utc": str,
    "firmware_hash": str,
    "schema": str,
    "select": str,
    "seed": int,
    "targets": list,
    "tools": dict,
    "plant_parameters_sha256": str,
    "scenarios": list,
    "requirements": list,
}
_SCENARIO = {
    "scenario": str,
    "node": str,
    "target": str,
    "seed": int,
    "result": str,
    "why": str,
    "simulated_ms": int,
    "digest": (str, type(None)),
    "parameters_sha256": (str, type(None)),
    "requirements": list,
}


class EvidenceError(RigError):
    """Evidence that proves nothing here: what does not match."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """What was run, how it ended, and whose word that is."""

    statement: dict[str, Any]
    public_key: str
    signature: str

    @property
    def scenarios(self) -> list[dict[str, Any]]:
        """The rows, one a scenario and target."""
        rows: list[dict[str, Any]] = self.statement["scenarios"]
        return rows


def signed_octets(statement: Mapping[str, Any]) -> bytes:
    """Return what the signature is over."""
    return f"{FORMAT} {VERSION}\n{canonical_json(statement)}".encode("ascii")


def write(evidence: Evidence, path: Path) -> None:
    """Write the file. Raises EvidenceError."""
    signature = {"algorithm": ALGORITHM, "public_key": evidence.public_key, "signature": evidence.signature}
    value = {"format": FORMAT, "version": VERSION, "statement": evidence.statement, "signature": signature}
    try:
        path.write_text(json.dumps(value, indent=1) + "\n", encoding="utf-8")
    except OSError as error:
        raise EvidenceError("usage", f"{path} cannot be written: {error.strerror}.", "Name another file.") from None


def read(path: Path) -> Evidence:
    """Read a file; says nothing about its signature. Raises EvidenceError for one that is none, cut off, or newer."""
    try:
        with path.open("rb") as file:
            octets = file.read(MAX_FILE + 1)
    except FileNotFoundError:
        raise EvidenceError("usage", f"There is no evidence {path}.", "Check the name.") from None
    except OSError as error:
        raise EvidenceError("usage", f"{path} cannot be read: {error.strerror}.", "Check the file.") from None
    value = _parse(path, octets)
    version = value.get("version")
    if type(version) is int and version > VERSION:
        raise EvidenceError(
            "usage",
            f"{path} was made by a newer bench: version {version}; this one reads up to {VERSION}.",
            "Use the bench that made it, or a newer one.",
        )
    _check(path, "the file", value, _TOP)
    if version != VERSION:
        raise _altered(path, f"its version is {version}")
    statement, signature = value["statement"], value["signature"]
    _check(path, "the signature", signature, _SIGNATURE)
    if signature["algorithm"] != ALGORITHM:
        raise _altered(path, f"it is signed by {signature['algorithm']!r}, not {ALGORITHM}")
    for name, digits in (("public_key", PUBLIC_KEY_DIGITS), ("signature", SIGNATURE_DIGITS)):
        if len(signature[name]) != digits or not set(signature[name]) <= set("0123456789abcdef"):
            raise _altered(path, f"its {name} is not {digits} hexadecimal digits")
    _check(path, "the statement", statement, _STATEMENT)
    for number, row in enumerate(statement["scenarios"], 1):
        _check(path, f"scenario {number}", row, _SCENARIO)
    return Evidence(statement, signature["public_key"], signature["signature"])


def _parse(path: Path, octets: bytes) -> dict[str, Any]:
    foreign = EvidenceError("usage", f"{path} is no evidence of the bench.", _NAME_ANOTHER)
    if len(octets) > MAX_FILE:
        raise foreign
    begins = octets.lstrip()[:200]
    try:
        value = json.loads(octets)
    except (ValueError, RecursionError):
        if begins.startswith(b"{") and FORMAT.encode() in begins:
            raise EvidenceError("tampered", f"{path} is not whole: it ends too soon.", _MAKE_ANEW) from None
        raise foreign from None
    if not isinstance(value, dict) or value.get("format") != FORMAT:
        raise foreign
    return value


def _check(path: Path, what: str, value: Any, schema: Mapping[str, Any]) -> None:
    if not isinstance(value, dict):
        raise _altered(path, f"{what} is no object")
    if value.keys() != schema.keys():
        raise _altered(path, f"{what}: {', '.join(sorted(value.keys() ^ schema.keys()))} missing or unknown")
    for name, kinds in schema.items():
        if not isinstance(value[name], kinds) or (isinstance(value[name], bool) and kinds is int):
            raise _altered(path, f"{what}: {name} is of a wrong type")


def _altered(path: Path, why: str) -> EvidenceError:
    return EvidenceError("tampered", f"{path} is not as it was written: {why}.", _MAKE_ANEW)
