-- Format 1. One row a fact, never changed and never removed. `body` is canonical JSON; `hash` chains it to `previous`.
CREATE TABLE entry (
    sequence INTEGER PRIMARY KEY,
    body     TEXT NOT NULL,
    previous TEXT NOT NULL,
    hash     TEXT NOT NULL,
    kind     TEXT GENERATED ALWAYS AS (json_extract(body, '$.kind')) VIRTUAL,
    rig      TEXT GENERATED ALWAYS AS (json_extract(body, '$.rig')) VIRTUAL,
    boot     TEXT GENERATED ALWAYS AS (json_extract(body, '$.boot')) VIRTUAL,
    dose_id  TEXT GENERATED ALWAYS AS (json_extract(body, '$.dose_id')) VIRTUAL
) STRICT;

-- At most one intent, one outcome and one resolution a dose.
CREATE UNIQUE INDEX one_of_each ON entry (dose_id, kind) WHERE kind IN ('intent', 'outcome', 'resolution');

CREATE TRIGGER rows_are_never_changed BEFORE UPDATE ON entry
BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END;

CREATE TRIGGER rows_are_never_removed BEFORE DELETE ON entry
BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END;

-- Also refuses REPLACE from a connection without recursive_triggers: no row may take a number that is given.
CREATE TRIGGER rows_are_appended BEFORE INSERT ON entry
WHEN NEW.sequence IS NOT (SELECT ifnull(max(sequence), 0) + 1 FROM entry)
  OR NEW.previous IS NOT (SELECT ifnull(max(hash), '0000000000000000000000000000000000000000000000000000000000000000')
                          FROM entry WHERE sequence = NEW.sequence - 1)
  OR EXISTS (SELECT 1 FROM entry WHERE dose_id = json_extract(NEW.body, '$.dose_id')
             AND kind = json_extract(NEW.body, '$.kind') AND kind IN ('intent', 'outcome', 'resolution'))
BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END;
