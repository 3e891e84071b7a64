"""What `rig user` does."""

import getpass
import os
import pwd
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

from host.access.gate import Gate
from host.access.identity import check_name, parse_role
from host.access.passwords import MAX_OCTETS, check_password
from host.access.policy import MATRIX
from host.access.readme import roles_text
from host.access.records import DAY_MS, User, check_person_roles
from host.access.store import MAX_OPERATOR_CHARACTERS, Store, default_store
from host.cli_run import put_json, run, say
from host.cli_user_views import (
    change_line,
    change_object,
    session_line,
    session_object,
    token_line,
    token_object,
    user_line,
    user_object,
)
from host.errors import EXIT_DIFFERENT, RigError, UsageError

_LOCAL: Final = "local:"


def local_operator() -> str:
    """Return who runs the command, as the audit names it: the operating system's user."""
    try:
        login = pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        login = str(os.getuid())
    plain = "".join(letter if letter.isascii() and letter.isprintable() else "?" for letter in login)
    return (_LOCAL + plain)[:MAX_OPERATOR_CHARACTERS]


def asked_password(name: str) -> str:
    """Return a password from the terminal, typed twice, or the one line of stdin. Raises ``UsageError``."""
    if not sys.stdin.isatty():
        return _one_line(sys.stdin.readline(4 * MAX_OCTETS))
    password = getpass.getpass(f"Password of {name}: ")
    check_password(name, password)
    if getpass.getpass("Once more: ") != password:
        raise UsageError("The two passwords differ.", "Type the same one twice.")
    return password


def add(path: Path | None, name: str, roles: list[str], *, json_output: bool) -> int:
    """Add a person; the password is asked for before anything else runs, so that Ctrl-C ends the asking."""
    wanted = check_person_roles(parse_role(role) for role in roles)
    password = asked_password(check_name(name))

    async def work() -> User:
        async with _store(path, create=True) as store, Gate(store) as gate:
            return await gate.add_user(local_operator(), name, wanted, password)

    return _tell_user(run(lambda _: work()), json_output)


def set_password(path: Path | None, name: str, *, json_output: bool) -> int:
    """Set a password anew."""
    password = asked_password(check_name(name))

    async def work() -> User:
        async with _store(path) as store, Gate(store) as gate:
            return await gate.set_password(local_operator(), name, password)

    return _tell_user(run(lambda _: work()), json_output)


async def list_users(path: Path | None, *, json_output: bool) -> int:
    """List the people."""
    async with _store(path) as store:
        users = await store.users()
    return _tell_all(store, "users", [user_object(user) for user in users], map(user_line, users), json_output)


def show_roles(*, json_output: bool) -> int:
    """Show the table of roles."""
    if json_output:
        put_json({"actions": {action: dict(row) for action, row in MATRIX.items()}})
    else:
        print(roles_text(), end="")
    return 0


async def disable(path: Path | None, name: str, *, json_output: bool) -> int:
    """Disable a person."""
    async with _store(path) as store:
        return _tell_user(await store.disable(local_operator(), name), json_output)


async def enable(path: Path | None, name: str, *, json_output: bool) -> int:
    """Enable a person again."""
    async with _store(path) as store:
        return _tell_user(await store.enable(local_operator(), name), json_output)


async def add_role(path: Path | None, name: str, role: str, *, json_output: bool) -> int:
    """Give a role."""
    async with _store(path) as store:
        return _tell_user(await store.add_role(local_operator(), name, parse_role(role)), json_output)


async def remove_role(path: Path | None, name: str, role: str, *, json_output: bool) -> int:
    """Take a role."""
    async with _store(path) as store:
        return _tell_user(await store.remove_role(local_operator(), name, parse_role(role)), json_output)


async def list_sessions(path: Path | None, name: str | None, *, json_output: bool) -> int:
    """List the sessions that go on."""
    async with _store(path) as store:
        sessions = await store.sessions(name)
    objects = [session_object(session) for session in sessions]
    return _tell_all(store, "sessions", objects, map(session_line, sessions), json_output)


async def revoke_sessions(path: Path | None, name: str, *, json_output: bool) -> int:
    """End all sessions of a person."""
    async with _store(path) as store:
        ended = await store.end_sessions(local_operator(), name)
    if json_output:
        put_json({"name": name, "sessions_ended": ended})
    else:
        print(f"{name}: {ended} sessions ended")
    return 0


async def show_audit(path: Path | None, limit: int, *, json_output: bool) -> int:
    """Show the newest changes, and check the whole chain."""
    async with _store(path) as store:
        wrong = await store.first_wrong_change()
        changes = await store.changes(limit)
    error = None if wrong is None else _tampered(store.path, wrong)
    if json_output:
        told: dict[str, Any] = {"store": str(store.path), "changes": [change_object(change) for change in changes]}
        told |= {"verified": error is None}
        put_json(told if error is None else told | {"error": _error_object(error)})
    else:
        for change in changes:
            print(change_line(change))
        say("every row is as it was written; rows cut off at the end are not seen" if error is None else str(error))
    return 0 if error is None else EXIT_DIFFERENT


async def create_token(
    path: Path | None, name: str, role: str, rigs: list[str] | None, days: int, *, json_output: bool
) -> int:
    """Make a token, and show it this once."""
    allowed = frozenset(rigs) if rigs else None
    async with _store(path) as store:
        made = await store.create_token(local_operator(), name, parse_role(role), life_ms=days * DAY_MS, rigs=allowed)
    if json_output:
        put_json({"token": token_object(made.token), "secret": made.secret.reveal()})
        return 0
    say(f"{token_line(made.token)}\nKeep it now, it is not shown again:")
    print(made.secret.reveal())
    return 0


async def list_tokens(path: Path | None, *, json_output: bool) -> int:
    """List the tokens."""
    async with _store(path) as store:
        tokens = await store.tokens()
    return _tell_all(store, "tokens", [token_object(token) for token in tokens], map(token_line, tokens), json_output)


async def revoke_token(path: Path | None, identity: str, *, json_output: bool) -> int:
    """Revoke a token."""
    async with _store(path) as store:
        token = await store.revoke_token(local_operator(), identity)
    if json_output:
        put_json({"token": token_object(token)})
    else:
        print(token_line(token))
    return 0


@asynccontextmanager
async def _store(path: Path | None, *, create: bool = False) -> AsyncIterator[Store]:
    async with await Store.open(path or default_store(), create=create) as store:
        yield store


def _tell_user(user: User, json_output: bool) -> int:
    if json_output:
        put_json({"user": user_object(user)})
    else:
        print(user_line(user))
    return 0


def _tell_all(store: Store, what: str, objects: list[dict[str, Any]], lines: Any, json_output: bool) -> int:
    if json_output:
        put_json({"store": str(store.path), what: objects})
    else:
        for line in lines:
            print(line)
    return 0


def _one_line(text: str) -> str:
    password = text.removesuffix("\n")
    if not password:
        raise UsageError("There is no password on stdin.", "Write it there as one line, or run this in a terminal.")
    return password


def _tampered(path: Path, row: int) -> RigError:
    return RigError(
        "tampered",
        f"Row {row} of the audit in {path} was changed, removed or moved.",
        "Keep the file as it is, and compare it with the last backup.",
    )


def _error_object(error: RigError) -> Mapping[str, str]:
    return {"code": error.code, "what": error.what, "todo": error.todo}
