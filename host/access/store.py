"""The store of identities: users, tokens, sessions and the audit of their changes, in a file of its own.

Several processes may have it open. What a change was, and who made it, is in the same transaction as the change.
"""

import sqlite3
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Final, TypeVar

from host.access import audit, sessions, store_errors, tokens, users
from host.access.audit import Change
from host.access.clock import ForwardClock
from host.access.database import Database
from host.access.identity import Role
from host.access.records import DamagedRowError, NewSession, NewToken, Session, Token, User, check_time
from host.access.secret_text import SecretText
from host.access.store_file import MIGRATIONS
from host.access.users import Act
from host.errors import UsageError
from host.places import default_ledger

Result = TypeVar("Result")

MAX_OPERATOR_CHARACTERS: Final = 64


def default_store() -> Path:
    """Return where the store is when nobody names it: beside the ledger."""
    return default_ledger().with_name("access.sqlite3")


class Store:
    """An open store. Made by ``open``; ``close`` gives the file back.

    ``operator`` is who asks for a change, for the audit. All methods raise ``RigError`` and have then changed nothing.
    They take what ``Passwords.make`` returned, never a password.
    """

    def __init__(self, database: Database, clock: ForwardClock) -> None:
        self.path = database.path
        self.clock = clock
        self._database = database

    @classmethod
    async def open(
        cls,
        path: Path,
        *,
        clock: ForwardClock | None = None,
        create: bool = True,
        migrations: Sequence[Path] = MIGRATIONS,
    ) -> "Store":
        """Open the store at ``path``, made when there is none and ``create`` says so. Raises ``RigError``."""
        store = cls(await Database.open(path, create=create, migrations=migrations), clock or ForwardClock())
        try:
            store.clock.not_before(await store._read(_latest_moment_ms))
        except BaseException:
            await store.close()
            raise
        return store

    async def __aenter__(self) -> "Store":
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Finish what is under way and give the file back; idempotent."""
        await self._database.close()

    # Users.

    async def users(self) -> list[User]:
        """Return all users, by name."""
        return await self._read(users.listed)

    async def add_user(self, operator: str, name: str, roles: Iterable[Role], kept_password: str) -> User:
        """Add a user; the first one has to be a supervisor."""
        wanted = frozenset(roles)
        return await self._change(operator, lambda act: users.add(act, name, wanted, kept_password))

    async def set_password(self, operator: str, name: str, kept_password: str) -> User:
        """Set a password anew; all sessions of the user end."""
        return await self._change(operator, lambda act: users.set_password(act, name, kept_password))

    async def add_role(self, operator: str, name: str, role: Role) -> User:
        """Give a user one more role, from the next request on."""
        return await self._change(operator, lambda act: users.add_role(act, name, role))

    async def remove_role(self, operator: str, name: str, role: Role) -> User:
        """Take a role from a user, from the next request on."""
        return await self._change(operator, lambda act: users.remove_role(act, name, role))

    async def disable(self, operator: str, name: str) -> User:
        """Let a user in no more, and end all sessions."""
        return await self._change(operator, lambda act: users.disable(act, name))

    async def enable(self, operator: str, name: str) -> User:
        """Let a disabled user in again."""
        return await self._change(operator, lambda act: users.enable(act, name))

    async def password_of(self, name: str) -> SecretText | None:
        """Return the hash of a user who may sign in, None for anybody else."""
        kept = await self._read(lambda connection: users.password_of(connection, name))
        return None if kept is None else SecretText(kept)

    async def rehash(self, name: str, before: SecretText, after: str) -> bool:
        """Keep the same password by newer parameters, unless it was changed meanwhile; return whether it was done."""
        return await self._write(lambda connection: users.rehash(connection, name, before.reveal(), after))

    # Tokens.

    async def tokens(self) -> list[Token]:
        """Return all tokens, revoked and expired ones too, oldest first."""
        return await self._read(tokens.listed)

    async def create_token(
        self, operator: str, name: str, role: Role, *, life_ms: int, rigs: frozenset[str] | None = None
    ) -> NewToken:
        """Make a token for a program; its text is in the answer and nowhere else."""
        return await self._change(operator, lambda act: tokens.create(act, name, role, rigs, life_ms))

    async def revoke_token(self, operator: str, identity: str) -> Token:
        """Let a token open nothing any more, from the next request on."""
        return await self._change(operator, lambda act: tokens.revoke(act, identity))

    async def token_by(self, digest: str, *, urgent: bool = False) -> Token | None:
        """Return the token with that digest, ended ones too; ``urgent`` is never one too many."""
        return await self._read(lambda connection: tokens.by_digest(connection, digest), urgent=urgent)

    async def touch_token(self, identity: str) -> None:
        """Note that a token was used now."""
        await self._write(lambda connection: tokens.touch(connection, identity, self.clock.now_ms()))

    # Sessions.

    async def open_session(self, name: str, kept_password: SecretText, source: str) -> NewSession:
        """Open a session for a user whose password fitted ``kept_password``; its secrets are told this once."""
        return await self._change(name, lambda act: sessions.open_new(act, name, kept_password.reveal(), source))

    async def sessions(self, name: str | None = None) -> list[Session]:
        """Return the sessions that go on, of one user or of all, oldest first."""
        return await self._read(lambda connection: _sessions(connection, name, self.clock.now_ms()))

    async def session_by(self, digest: str, *, urgent: bool = False) -> tuple[Session, User] | None:
        """Return the session with that digest, ended ones too, and its user as of now; ``urgent`` as for a token."""
        return await self._read(lambda connection: _session_and_user(connection, digest), urgent=urgent)

    async def end_session(self, operator: str, identity: str) -> Session:
        """End one session, from the next request on."""
        return await self._change(operator, lambda act: sessions.end(act, identity))

    async def end_sessions(self, operator: str, name: str) -> int:
        """End all sessions of a user; return how many went on."""
        return await self._change(operator, lambda act: _end_sessions(act, name))

    async def touch_session(self, identity: str) -> None:
        """Note that a session was used now."""
        await self._write(lambda connection: sessions.touch(connection, identity, self.clock.now_ms()))

    # The audit.

    async def changes(self, limit: int) -> list[Change]:
        """Return the newest changes, oldest first."""
        return await self._read(lambda connection: audit.newest(connection, limit))

    async def first_wrong_change(self) -> int | None:
        """Return the first row of the audit that was changed, removed or moved; None when the chain is whole."""
        return await self._read(audit.first_wrong)

    async def _change(self, operator: str, work: Callable[[Act], Result]) -> Result:
        if not 1 <= len(operator) <= MAX_OPERATOR_CHARACTERS or not operator.isascii() or not operator.isprintable():
            raise UsageError("Who asks for the change has no name that can be recorded.", "Name the operator.")
        return await self._write(lambda connection: work(Act(connection, operator, self.clock.now_ms())))

    async def _write(self, work: Callable[[sqlite3.Connection], Result]) -> Result:
        try:
            return await self._database.write(work)
        except DamagedRowError as error:
            raise store_errors.corrupt(self.path, str(error)) from error

    async def _read(self, work: Callable[[sqlite3.Connection], Result], *, urgent: bool = False) -> Result:
        try:
            return await self._database.read(work, urgent=urgent)
        except DamagedRowError as error:
            raise store_errors.corrupt(self.path, str(error)) from error


def _session_and_user(connection: sqlite3.Connection, digest: str) -> tuple[Session, User] | None:
    session = sessions.by_digest(connection, digest)
    if session is None:
        return None
    user = users.found(connection, session.name)
    if user is None:
        raise DamagedRowError(f"the user of the session {session.id} is gone")
    return session, user


def _sessions(connection: sqlite3.Connection, name: str | None, now_ms: int) -> list[Session]:
    if name is not None:
        users.known(connection, name)
    return sessions.listed(connection, name, now_ms)


def _end_sessions(act: Act, name: str) -> int:
    users.known(act.connection, name)
    ended = users.end_sessions(act, name)
    act.record("end_sessions", name, sessions_ended=ended)
    return ended


def _latest_moment_ms(connection: sqlite3.Connection) -> int:
    """Return the latest moment that the store knows to have been, UTC, ms."""
    moments = connection.execute(
        "SELECT max(last_used_ms) FROM token UNION ALL SELECT max(last_used_ms) FROM session"
        " UNION ALL SELECT max(json_extract(body, '$.utc_ms')) FROM audit"
    )
    found = [moment or 0 for (moment,) in moments]
    check_time("the store", *found)
    return max(found)
