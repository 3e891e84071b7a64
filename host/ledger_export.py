"""The rows of a ledger as a table or as JSON lines, for other programs. Nothing secret is in a row."""

import csv
import json
from collections.abc import Iterable, Mapping
from typing import Any, Final, TextIO

Rows = Iterable[tuple[int, Mapping[str, Any]]]

# A range [at least, at most] is two columns.
RANGES: Final = ("to_patient_nl", "waste_nl")
_COMMON: Final = [
    "sequence",
    "kind",
    "utc",
    "utc_source",
    "rig",
    "serial",
    "board",
    "firmware",
    "boot",
    "operator",
    "dose_id",
    "order_kind",
    "channel",
    "lot",
    "cartridge",
    "treatment",
    "plan",
    "patient",
    "asked_nl",
]
_INTENT: Final = ["rate_nl_s", "rate_end_nl_s", "segments", "profile", "session", "last_dose_id", "expires_ms"]
_OUTCOME: Final = [
    "outcome",
    "asked_steps",
    "emitted_steps",
    "granted_steps",
    "emitted_nl",
    "to_patient_min_nl",
    "to_patient_max_nl",
    "waste_min_nl",
    "waste_max_nl",
    "reason",
    "cause",
    "nearest",
    "detail",
    "device_uptime_ms",
    "resolved_by",
]
_OTHERS: Final = ["confirmed", "error", "report", "text", "other"]
COLUMNS: Final = (*_COMMON, *_INTENT, *_OUTCOME, *_OTHERS)
# What a spreadsheet would run as a formula.
_FORMULA_STARTS: Final = ("=", "+", "-", "@", "\t", "\r")


def write_csv(rows: Rows, file: TextIO) -> int:
    """Write a header and a line a row; returns how many rows. Opened with ``newline=""``. Raises ``OSError``."""
    writer = csv.DictWriter(file, COLUMNS, lineterminator="\r\n")
    writer.writeheader()
    count = 0
    for sequence, fields in rows:
        writer.writerow(cells(sequence, fields))
        count += 1
    return count


def write_jsonl(rows: Rows, file: TextIO) -> int:
    """Write each row as one JSON object with its number; returns how many rows. Raises ``OSError``."""
    count = 0
    for sequence, fields in rows:
        file.write(json.dumps({"sequence": sequence, **fields}) + "\n")
        count += 1
    return count


def cells(sequence: int, fields: Mapping[str, Any]) -> dict[str, str | int]:
    """Return the cells of a row by column; what has no column of its own is JSON in ``other``."""
    whole: dict[str, Any] = {**fields, "sequence": sequence}
    for name in RANGES:
        value = whole.get(name)
        if isinstance(value, list) and len(value) == 2:
            stem = name.removesuffix("_nl")
            whole[f"{stem}_min_nl"], whole[f"{stem}_max_nl"] = whole.pop(name)
    other = {name: value for name, value in whole.items() if name not in COLUMNS and value is not None}
    known = {name: _cell(value) for name, value in whole.items() if name in COLUMNS and name != "other"}
    return {**known, "other": _cell(other or None)}


def _cell(value: Any) -> str | int:
    """Return an empty cell for null, a number as it is, and a text that no spreadsheet takes for a formula."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return value
    text = value if isinstance(value, str) else json.dumps(value, sort_keys=True)
    return "'" + text if text.startswith(_FORMULA_STARTS) else text
