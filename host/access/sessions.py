"""Browser sessions in the store: what one transaction does with them. Each function is given an open transaction."""

import sqlite3
from typing import Final

from host.access import users
from host.access.records import DAY_MS, SESSION_IDLE_MS, SESSION_LIFE_MS, NewSession, Session, session_of
from host.access.secret_text import SESSION_PREFIX, csrf_of, digest_of, new_id, new_secret
from host.access.users import Act
from host.errors import RigError

MAX_SESSIONS_OF_ONE: Final = 20
MAX_SOURCE_CHARACTERS: Final = 64
# Ended sessions are kept so long for whoever looks into what happened, ms; the audit names them for ever.
KEEP_ENDED_MS: Final = 30 * DAY_MS
_SESSIONS: Final = "SELECT id, name, source, created_ms, expires_ms, revoked_ms, last_used_ms FROM session"
_INSERT: Final = """
    INSERT INTO session (id, name, source, created_ms, expires_ms, revoked_ms, last_used_ms, digest)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?)
"""


def open_new(act: Act, name: str, kept_password: str, source: str) -> NewSession:
    """Open a session for a user whose password was just found right; ``kept_password`` is the hash that it fitted.

    Refused when the user was disabled or the password changed meanwhile. Too many sessions end the oldest used one.
    """
    if users.password_of(act.connection, name) != kept_password:
        raise RigError("access_unauthenticated", "The password was changed just now.", "Sign in with the new one.")
    source = source[:MAX_SOURCE_CHARACTERS].encode("ascii", "backslashreplace").decode("ascii")
    _tidy(act, name)
    secret, identity = new_secret(SESSION_PREFIX), new_id()
    row = (identity, name, source, act.now_ms, act.now_ms + SESSION_LIFE_MS, None, act.now_ms)
    digest = digest_of(secret.reveal(), SESSION_PREFIX)
    act.connection.execute(_INSERT, (*row, digest))
    act.record("sign_in", name, session=identity, source=source)
    session = session_of(row)
    return NewSession(session, session.identity(users.known(act.connection, name)), secret, csrf_of(secret))


def end(act: Act, identity: str) -> Session:
    """End one session."""
    row = act.connection.execute(_SESSIONS + " WHERE id = ?", (identity,)).fetchone()
    if row is None:
        raise RigError("access_missing", "There is no such session.", "See which there are: rig user sessions")
    session = session_of(row)
    if session.revoked_ms is None:
        act.connection.execute("UPDATE session SET revoked_ms = ? WHERE id = ?", (act.now_ms, identity))
        act.record("end_session", session.name, session=identity)
    return session


def listed(connection: sqlite3.Connection, name: str | None, now_ms: int) -> list[Session]:
    """Return the sessions that go on, of one user or of all, oldest first."""
    rows = connection.execute(_SESSIONS + " WHERE revoked_ms IS NULL ORDER BY created_ms, id")
    going_on = [session for session in map(session_of, rows) if not session.refusal(now_ms)]
    return [session for session in going_on if name in {None, session.name}]


def by_digest(connection: sqlite3.Connection, digest: str) -> Session | None:
    """Return the session with that digest, ended ones too."""
    row = connection.execute(_SESSIONS + " WHERE digest = ?", (digest,)).fetchone()
    return None if row is None else session_of(row)


def touch(connection: sqlite3.Connection, identity: str, now_ms: int) -> None:
    """Note that a session was used; one that has ended does not go on by that."""
    connection.execute(
        "UPDATE session SET last_used_ms = max(last_used_ms, ?) WHERE id = ? AND revoked_ms IS NULL",
        (now_ms, identity),
    )


def _tidy(act: Act, name: str) -> None:
    """Forget what ended long ago, and make room for one more session of the user."""
    act.connection.execute(
        "DELETE FROM session WHERE min(ifnull(revoked_ms, expires_ms), expires_ms) < ?", (act.now_ms - KEEP_ENDED_MS,)
    )
    going_on = listed(act.connection, name, act.now_ms)
    going_on.sort(key=lambda session: session.last_used_ms)
    for session in going_on[: max(0, len(going_on) - MAX_SESSIONS_OF_ONE + 1)]:
        end(act, session.id)


# An idle session ends before its life does: else the idle bound would never count.
assert SESSION_IDLE_MS < SESSION_LIFE_MS
