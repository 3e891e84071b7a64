"""Tokens of programs in the store: what one transaction does with them. Each function is given an open transaction."""

import sqlite3
from typing import Final

from host.access import users
from host.access.identity import Role, check_name, check_rigs
from host.access.records import DAY_MS, NewToken, Token, check_program_role, rigs_text, token_of
from host.access.secret_text import TOKEN_PREFIX, digest_of, new_id, new_secret
from host.access.users import Act
from host.errors import RigError, UsageError

MAX_TOKENS: Final = 1_000
MIN_LIFE_MS: Final = 60_000
MAX_LIFE_MS: Final = 366 * DAY_MS
_TOKENS: Final = "SELECT id, name, role, rigs, created_ms, expires_ms, revoked_ms, last_used_ms FROM token"
_INSERT: Final = """
    INSERT INTO token (id, name, role, rigs, created_ms, expires_ms, revoked_ms, last_used_ms, digest)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
"""


def create(act: Act, name: str, role: Role, rigs: frozenset[str] | None, life_ms: int) -> NewToken:
    """Make a token for the program ``name``; a name has one role, and is nobody's who signs in with a password."""
    check_program_role(role)
    if not MIN_LIFE_MS <= life_ms <= MAX_LIFE_MS:
        raise UsageError(f"A token cannot live for {life_ms} ms.", "It lives for 1 min at least, 366 days at most.")
    _check_program_name(act.connection, name, role)
    secret, identity = new_secret(TOKEN_PREFIX), new_id()
    allowed = rigs_text(None if rigs is None else check_rigs(rigs))
    row = (identity, name, str(role), allowed, act.now_ms, act.now_ms + life_ms, None, None)
    digest = digest_of(secret.reveal(), TOKEN_PREFIX)
    act.connection.execute(_INSERT, (*row, digest))
    limits = sorted(rigs) if rigs is not None else None
    act.record("create_token", name, token=identity, role=str(role), rigs=limits, expires_ms=act.now_ms + life_ms)
    return NewToken(token_of(row), secret)


def revoke(act: Act, identity: str) -> Token:
    """Let a token open nothing any more."""
    token = _known(act.connection, identity)
    if token.revoked_ms is not None:
        return token
    act.connection.execute("UPDATE token SET revoked_ms = ? WHERE id = ?", (act.now_ms, identity))
    act.record("revoke_token", token.name, token=identity)
    return _known(act.connection, identity)


def listed(connection: sqlite3.Connection) -> list[Token]:
    """Return all tokens, oldest first."""
    return [token_of(row) for row in connection.execute(_TOKENS + " ORDER BY created_ms, id")]


def by_digest(connection: sqlite3.Connection, digest: str) -> Token | None:
    """Return the token with that digest, revoked and expired ones too."""
    row = connection.execute(_TOKENS + " WHERE digest = ?", (digest,)).fetchone()
    return None if row is None else token_of(row)


def touch(connection: sqlite3.Connection, identity: str, now_ms: int) -> None:
    """Note that a token was used."""
    connection.execute(
        "UPDATE token SET last_used_ms = max(ifnull(last_used_ms, 0), ?) WHERE id = ? AND revoked_ms IS NULL",
        (now_ms, identity),
    )


def _check_program_name(connection: sqlite3.Connection, name: str, role: Role) -> None:
    if users.found(connection, check_name(name)) is not None:
        raise RigError("access_exists", f"{name} is a user.", "Give the program a name of its own.")
    of_name = [token for token in listed(connection) if token.name == name]
    if any(token.role is not role for token in of_name):
        raise RigError(
            "access_exists", f"{name} is a {of_name[0].role} already.", "Give the other program a name of its own."
        )
    if connection.execute("SELECT count(*) FROM token").fetchone()[0] >= MAX_TOKENS:
        raise RigError("access_full", f"There are {MAX_TOKENS} tokens already.", "No more can be kept.")


def _known(connection: sqlite3.Connection, identity: str) -> Token:
    row = connection.execute(_TOKENS + " WHERE id = ?", (identity,)).fetchone()
    if row is None:
        raise RigError("access_missing", "There is no such token.", "See which there are: rig user token list")
    return token_of(row)
