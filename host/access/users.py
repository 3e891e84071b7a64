"""Users in the store: what one transaction does with them. Each function is given an open transaction."""

import sqlite3
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Final

from host.access import audit
from host.access.identity import Role, check_name
from host.access.records import User, check_person_roles, roles_text, user_of
from host.errors import RigError, UsageError

MAX_USERS: Final = 1_000
_USERS: Final = "SELECT name, roles, disabled, created_ms, changed_ms FROM user"


@dataclass(frozen=True, slots=True)
class Act:
    """Who changes something, and when (UTC, ms)."""

    connection: sqlite3.Connection = field(repr=False)
    operator: str
    now_ms: int

    def record(self, act: str, subject: str, **detail: object) -> None:
        """Append it to the audit, in the same transaction."""
        audit.record(self.connection, self.now_ms, self.operator, act, subject, detail)


def listed(connection: sqlite3.Connection) -> list[User]:
    """Return all users, by name."""
    return [user_of(row) for row in connection.execute(_USERS + " ORDER BY name")]


def found(connection: sqlite3.Connection, name: str) -> User | None:
    """Return the user of that name."""
    row = connection.execute(_USERS + " WHERE name = ?", (name,)).fetchone()
    return None if row is None else user_of(row)


def password_of(connection: sqlite3.Connection, name: str) -> str | None:
    """Return what is kept of the password of a user that is not disabled."""
    row = connection.execute("SELECT password FROM user WHERE name = ? AND disabled = 0", (name,)).fetchone()
    return None if row is None else str(row[0])


def add(act: Act, name: str, roles: Iterable[Role], kept_password: str) -> User:
    """Add a user; the first one has to be a supervisor."""
    wanted = check_person_roles(roles)
    check_name(name)
    users = listed(act.connection)
    if not users and Role.SUPERVISOR not in wanted:
        raise UsageError("The first user has to be a supervisor.", "Add one with --role supervisor.")
    if len(users) >= MAX_USERS:
        raise RigError("access_full", f"There are {MAX_USERS} users already.", "No more can be kept.")
    if _taken(act.connection, name):
        raise RigError("access_exists", f"The name {name} is taken.", "Choose another; names are never used twice.")
    act.connection.execute(
        "INSERT INTO user (name, roles, password, disabled, created_ms, changed_ms) VALUES (?, ?, ?, 0, ?, ?)",
        (name, roles_text(wanted), kept_password, act.now_ms, act.now_ms),
    )
    act.record("add_user", name, roles=roles_text(wanted))
    return User(name, wanted, False, act.now_ms, act.now_ms)


def set_password(act: Act, name: str, kept_password: str) -> User:
    """Set a password anew; all sessions of the user end."""
    user = known(act.connection, name)
    act.connection.execute(
        "UPDATE user SET password = ?, changed_ms = ? WHERE name = ?", (kept_password, act.now_ms, name)
    )
    ended = end_sessions(act, name)
    act.record("set_password", name, sessions_ended=ended)
    return known(act.connection, user.name)


def rehash(connection: sqlite3.Connection, name: str, before: str, after: str) -> bool:
    """Keep the same password by newer parameters, unless it was changed meanwhile; return whether it was done."""
    done = connection.execute("UPDATE user SET password = ? WHERE name = ? AND password = ?", (after, name, before))
    return done.rowcount == 1


def add_role(act: Act, name: str, role: Role) -> User:
    """Give a user one more role."""
    return _change_roles(act, name, "add_role", role, lambda roles: roles | {role})


def remove_role(act: Act, name: str, role: Role) -> User:
    """Take a role from a user, who keeps one at least."""
    return _change_roles(act, name, "remove_role", role, lambda roles: roles - {role})


def disable(act: Act, name: str) -> User:
    """Let a user in no more; all sessions end."""
    user = known(act.connection, name)
    if user.disabled:
        return user
    _keep_a_supervisor(act.connection, user, frozenset())
    act.connection.execute("UPDATE user SET disabled = 1, changed_ms = ? WHERE name = ?", (act.now_ms, name))
    ended = end_sessions(act, name)
    act.record("disable_user", name, sessions_ended=ended)
    return known(act.connection, name)


def enable(act: Act, name: str) -> User:
    """Let a disabled user in again, with the password of before."""
    user = known(act.connection, name)
    if not user.disabled:
        return user
    act.connection.execute("UPDATE user SET disabled = 0, changed_ms = ? WHERE name = ?", (act.now_ms, name))
    act.record("enable_user", name)
    return known(act.connection, name)


def known(connection: sqlite3.Connection, name: str) -> User:
    """Return the user. Raises ``RigError`` ``access_missing``."""
    user = found(connection, check_name(name))
    if user is None:
        raise RigError("access_missing", f"There is no user {name}.", "See who there is: rig user list")
    return user


def end_sessions(act: Act, name: str) -> int:
    """End all sessions of a user that go on; return how many."""
    done = act.connection.execute(
        "UPDATE session SET revoked_ms = ? WHERE name = ? AND revoked_ms IS NULL", (act.now_ms, name)
    )
    return done.rowcount


def _taken(connection: sqlite3.Connection, name: str) -> bool:
    query = "SELECT 1 FROM user WHERE name = ? UNION SELECT 1 FROM token WHERE name = ?"
    return connection.execute(query, (name, name)).fetchone() is not None


def _change_roles(
    act: Act, name: str, what: str, role: Role, change: Callable[[frozenset[Role]], frozenset[Role]]
) -> User:
    user = known(act.connection, name)
    wanted = check_person_roles(change(user.roles))
    if wanted == user.roles:
        return user
    _keep_a_supervisor(act.connection, user, wanted)
    act.connection.execute(
        "UPDATE user SET roles = ?, changed_ms = ? WHERE name = ?", (roles_text(wanted), act.now_ms, name)
    )
    act.record(what, name, role=str(role), roles=roles_text(wanted))
    return known(act.connection, name)


def _keep_a_supervisor(connection: sqlite3.Connection, user: User, wanted: frozenset[Role]) -> None:
    """Refuse what leaves nobody who may manage users."""
    if Role.SUPERVISOR in wanted or Role.SUPERVISOR not in user.roles or user.disabled:
        return
    others = (each for each in listed(connection) if each.name != user.name and not each.disabled)
    if not any(Role.SUPERVISOR in each.roles for each in others):
        raise RigError(
            "access_last_supervisor",
            f"{user.name} is the only supervisor who can sign in.",
            "Make somebody else supervisor first.",
        )
