"""What is asked of the rows of a ledger: plain functions over its open database, run by ``Ledger.read``."""

import json
import sqlite3
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any, Final

from host.ledger_row import Row

# So many ids stand in one question to the database.
_IDS_AT_ONCE: Final = 200


@dataclass(frozen=True, slots=True)
class DoseRows:
    """What the ledger says of one dose: the fields of its rows, None where there is none."""

    sequence: int  # number of the intent's row
    intent: dict[str, Any]
    outcome: dict[str, Any] | None
    resolution: dict[str, Any] | None

    @property
    def last_word(self) -> dict[str, Any] | None:
        """Return the resolution, else the outcome."""
        return self.resolution or self.outcome


def open_doses(database: sqlite3.Connection, rig: str, boot: str, limit: int) -> list[tuple[dict[str, Any], bool]]:
    """Return the newest ``limit`` intents of the rig or the boot that are open (False) or unknown (True), in order."""
    found = database.execute(_OPEN_DOSES, (rig, boot, limit)).fetchall()
    return [(json.loads(body), bool(unknown)) for body, unknown in reversed(found)]


def commands(database: sqlite3.Connection, limit: int) -> list[Row]:
    """Return the newest ``limit`` rows of commands and their ends, oldest first."""
    found = database.execute(_COMMANDS, (limit,)).fetchall()
    return [Row(sequence, json.loads(body), digest) for sequence, body, digest in reversed(found)]


def outcome_of(database: sqlite3.Connection, dose_id: str) -> dict[str, Any] | None:
    """Return the last word on a dose, its resolution or else its outcome; None when there is none."""
    found = database.execute(_LAST_WORD, (dose_id,)).fetchone()
    return json.loads(found[1]) if found is not None and found[0] != "intent" else None


def doses(database: sqlite3.Connection, ids: Collection[bytes]) -> dict[bytes, DoseRows]:
    """Return what the ledger says of these doses; a dose without an intent is not in the result."""
    found: dict[bytes, DoseRows] = {}
    wanted = sorted(ids)
    for at in range(0, len(wanted), _IDS_AT_ONCE):
        part = [dose_id.hex() for dose_id in wanted[at : at + _IDS_AT_ONCE]]
        rows: dict[str, dict[str, tuple[int, dict[str, Any]]]] = {}
        statement = _DOSES.format(",".join("?" * len(part)))
        for sequence, dose_id, kind, body in database.execute(statement, part):
            rows.setdefault(dose_id, {})[kind] = (sequence, json.loads(body))
        for dose_id, of_dose in rows.items():
            if "intent" in of_dose:
                sequence, intent = of_dose["intent"]
                outcome, resolution = (of_dose.get(kind, (0, None))[1] for kind in ("outcome", "resolution"))
                found[bytes.fromhex(dose_id)] = DoseRows(sequence, intent, outcome, resolution)
    return found


def last_compared(database: sqlite3.Connection, serial: str) -> tuple[int, dict[str, Any]] | None:
    """Return number and fields of the rig's newest ``compared`` row, None when it was never compared."""
    found = database.execute(_LAST_COMPARED, (serial,)).fetchone()
    return None if found is None else (found[0], json.loads(found[1]))


def told_after(database: sqlite3.Connection, serial: str, sequence: int, limit: int) -> list[bytes]:
    """Return the doses of the rig of which a row after ``sequence`` says that they ran, oldest first."""
    found = database.execute(_TOLD_AFTER, (sequence, serial, limit)).fetchall()
    return [bytes.fromhex(dose_id) for (dose_id,) in found]


def open_disagreements(database: sqlite3.Connection, serial: str, limit: int) -> list[tuple[int, dict[str, Any]]]:
    """Return number and fields of the rig's newest ``limit`` disagreements that nobody acknowledged, oldest first."""
    acknowledged = database.execute(_ACKNOWLEDGED, (serial,)).fetchone()[0] or 0
    found = database.execute(_DISAGREEMENTS, (acknowledged, serial, limit)).fetchall()
    return [(sequence, json.loads(body)) for sequence, body in reversed(found)]


def last_break(database: sqlite3.Connection, serial: str) -> int:
    """Return the number of the newest row that tells of another or an older journal in this rig, 0 for none."""
    return int(database.execute(_LAST_BREAK, (serial,)).fetchone()[0] or 0)


_OPEN_DOSES: Final = """
    WITH intent AS (
        SELECT sequence, dose_id FROM entry WHERE kind = 'intent' AND rig = ?
        UNION SELECT sequence, dose_id FROM entry WHERE kind = 'intent' AND boot = ?),
    open AS (
        SELECT sequence, EXISTS (SELECT 1 FROM entry WHERE dose_id = intent.dose_id AND kind = 'outcome') AS is_unknown,
               EXISTS (SELECT 1 FROM entry WHERE dose_id = intent.dose_id AND kind = 'resolution') AS is_resolved
        FROM intent
        WHERE NOT EXISTS (SELECT 1 FROM entry
                          WHERE dose_id = intent.dose_id AND kind = 'outcome' AND outcome IS NOT 'unknown'))
    SELECT body, is_unknown FROM entry JOIN open USING (sequence)
    WHERE NOT (is_unknown AND is_resolved) ORDER BY sequence DESC LIMIT ?
"""
_COMMANDS: Final = """
    SELECT sequence, body, hash FROM entry
    WHERE kind IN ('command', 'command_end') ORDER BY sequence DESC LIMIT ?
"""
_LAST_WORD: Final = """
    SELECT kind, body FROM entry
    WHERE dose_id = ? AND kind IN ('intent', 'outcome', 'resolution') ORDER BY sequence DESC LIMIT 1
"""
_DOSES: Final = """
    SELECT sequence, dose_id, kind, body FROM entry
    WHERE dose_id IN ({}) AND kind IN ('intent', 'outcome', 'resolution')
"""
_LAST_COMPARED: Final = """
    SELECT sequence, body FROM entry
    WHERE kind = 'compared' AND json_extract(body, '$.serial') = ? ORDER BY sequence DESC LIMIT 1
"""
_TOLD_AFTER: Final = """
    SELECT dose_id FROM entry
    WHERE sequence > ? AND kind IN ('outcome', 'resolution') AND json_extract(body, '$.serial') = ?
      AND json_extract(body, '$.outcome') IN ('delivered', 'partial')
    ORDER BY sequence LIMIT ?
"""
_ACKNOWLEDGED: Final = """
    SELECT max(json_extract(body, '$.up_to')) FROM entry
    WHERE kind = 'acknowledgement' AND json_extract(body, '$.serial') = ?
"""
_DISAGREEMENTS: Final = """
    SELECT sequence, body FROM entry
    WHERE sequence > ? AND kind = 'disagreement' AND json_extract(body, '$.serial') = ?
    ORDER BY sequence DESC LIMIT ?
"""
_LAST_BREAK: Final = """
    SELECT max(sequence) FROM entry
    WHERE kind = 'disagreement' AND json_extract(body, '$.serial') = ?
      AND json_extract(body, '$.problem') IN ('backwards', 'changed')
"""
