-- Who may sign in. A user is never removed, only disabled: a name that stands in a ledger is given to nobody else.
CREATE TABLE user (
    name       TEXT PRIMARY KEY,
    roles      TEXT NOT NULL,
    password   TEXT NOT NULL,
    disabled   INTEGER NOT NULL CHECK (disabled IN (0, 1)),
    created_ms INTEGER NOT NULL,
    changed_ms INTEGER NOT NULL
) STRICT;

-- What programs bring along. `digest` is the SHA-256 of the token; `rigs` a JSON array, NULL for all.
CREATE TABLE token (
    id           TEXT PRIMARY KEY,
    digest       TEXT NOT NULL UNIQUE,
    name         TEXT NOT NULL,
    role         TEXT NOT NULL,
    rigs         TEXT,
    created_ms   INTEGER NOT NULL,
    expires_ms   INTEGER NOT NULL,
    revoked_ms   INTEGER,
    last_used_ms INTEGER
) STRICT;

-- What browsers bring along. `digest` is the SHA-256 of the cookie's value.
CREATE TABLE session (
    id           TEXT PRIMARY KEY,
    digest       TEXT NOT NULL UNIQUE,
    name         TEXT NOT NULL REFERENCES user (name),
    source       TEXT NOT NULL,
    created_ms   INTEGER NOT NULL,
    expires_ms   INTEGER NOT NULL,
    revoked_ms   INTEGER,
    last_used_ms INTEGER NOT NULL
) STRICT;
CREATE INDEX session_of ON session (name);

-- Who changed what. `body` is canonical JSON without any secret; `hash` chains it to `previous`.
CREATE TABLE audit (
    sequence INTEGER PRIMARY KEY,
    body     TEXT NOT NULL,
    previous TEXT NOT NULL,
    hash     TEXT NOT NULL
) STRICT;

CREATE TRIGGER audit_is_never_changed BEFORE UPDATE ON audit
BEGIN SELECT RAISE(ABORT, 'the audit is append-only'); END;

CREATE TRIGGER audit_is_never_removed BEFORE DELETE ON audit
BEGIN SELECT RAISE(ABORT, 'the audit is append-only'); END;

-- Also refuses REPLACE from a connection without recursive_triggers: no row may take a number that is given.
CREATE TRIGGER audit_is_appended BEFORE INSERT ON audit
WHEN NEW.sequence IS NOT (SELECT ifnull(max(sequence), 0) + 1 FROM audit)
BEGIN SELECT RAISE(ABORT, 'the audit is append-only'); END;

CREATE TRIGGER users_are_never_removed BEFORE DELETE ON user
BEGIN SELECT RAISE(ABORT, 'a user is disabled, not removed'); END;
