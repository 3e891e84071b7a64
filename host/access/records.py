"""What the store keeps of users, tokens and sessions, as values without any secret, and read back with suspicion."""

import json
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

from host.access.identity import (
    PERSON_ROLES,
    PROGRAM_ROLES,
    Identity,
    Proof,
    Role,
    check_name,
    check_rigs,
    check_roles,
    parse_role,
    shown,
)
from host.access.secret_text import SecretText
from host.errors import UsageError

# A session ends when nobody used it for so long, and in any case after a working day, ms.
SESSION_IDLE_MS: Final = 30 * 60_000
SESSION_LIFE_MS: Final = 12 * 3_600_000
DAY_MS: Final = 86_400_000
MAX_TIME_MS: Final = 253_402_300_799_999  # the end of the year 9999


@dataclass(frozen=True, slots=True)
class User:
    """A person. Times are UTC, ms."""

    name: str
    roles: frozenset[Role]
    disabled: bool
    created_ms: int
    changed_ms: int


@dataclass(frozen=True, slots=True)
class Token:
    """A program's way in: ``rigs`` are the only ones it may act on, None: all. Times are UTC, ms."""

    id: str
    name: str
    role: Role
    rigs: frozenset[str] | None
    created_ms: int
    expires_ms: int
    revoked_ms: int | None
    last_used_ms: int | None

    def refusal(self, now_ms: int) -> str:
        """Return why it opens nothing; nothing when it does."""
        if self.revoked_ms is not None:
            return f"The token {self.id} was revoked."
        return f"The token {self.id} has expired." if now_ms >= self.expires_ms else ""

    def identity(self) -> Identity:
        """Return who brings it along."""
        return Identity(self.name, frozenset({self.role}), Proof.TOKEN, self.rigs, self.id)


@dataclass(frozen=True, slots=True)
class Session:
    """A browser that a user signed in with, from ``source``. Times are UTC, ms."""

    id: str
    name: str
    source: str
    created_ms: int
    expires_ms: int
    revoked_ms: int | None
    last_used_ms: int

    @property
    def ends_ms(self) -> int:
        """Return when it ends unless it is used before."""
        return min(self.expires_ms, self.last_used_ms + SESSION_IDLE_MS)

    def refusal(self, now_ms: int) -> str:
        """Return why it opens nothing; nothing when it does."""
        if self.revoked_ms is not None:
            return "The session was ended."
        return "The session has expired." if now_ms >= self.ends_ms else ""

    def identity(self, user: User) -> Identity:
        """Return who is signed in, with the roles of now."""
        return Identity(self.name, user.roles, Proof.SESSION, None, self.id)


@dataclass(frozen=True, slots=True)
class NewToken:
    """A token just made, with the text that is told this once."""

    token: Token
    secret: SecretText


@dataclass(frozen=True, slots=True)
class NewSession:
    """A session just opened: ``secret`` is for the cookie alone, ``csrf`` for the forms of that browser."""

    session: Session
    identity: Identity
    secret: SecretText
    csrf: SecretText


def check_person_roles(roles: Iterable[Role]) -> frozenset[Role]:
    """Return the roles of a user. Raises ``UsageError`` for none and for a program's."""
    found = check_roles(frozenset(roles))
    if not found <= PERSON_ROLES:
        raise UsageError(
            f"{min(found - PERSON_ROLES)} is a role of programs.", "Make a token for it: rig user token create"
        )
    return found


def check_program_role(role: Role) -> Role:
    """Return the role of a token. Raises ``UsageError`` for one in which a person decides."""
    if role not in PROGRAM_ROLES:
        raise UsageError(
            f"A program cannot be a {role}: that is a person who decides.",
            f"Roles of programs: {', '.join(each for each in Role if each in PROGRAM_ROLES)}.",
        )
    return role


def roles_text(roles: Iterable[Role]) -> str:
    """Return roles as they are kept: in the order of ``Role``, comma between."""
    kept = frozenset(roles)
    return ",".join(role for role in Role if role in kept)


def rigs_text(rigs: frozenset[str] | None) -> str | None:
    """Return an allow-list as it is kept."""
    return None if rigs is None else json.dumps(sorted(rigs))


class DamagedRowError(Exception):
    """A row holds what no version of this program wrote; the message says what, and no secret."""


def user_of(row: Any) -> User:
    """Return a user from its row without the password. Raises ``DamagedRowError``."""
    name, roles, disabled, created_ms, changed_ms = row
    check_time(f"user {shown(name)}", created_ms, changed_ms)
    with _suspicion(f"user {shown(name)}"):
        found = check_person_roles(parse_role(role) for role in roles.split(","))
        return User(check_name(name), found, bool(disabled), created_ms, changed_ms)


def token_of(row: Any) -> Token:
    """Return a token from its row without the digest. Raises ``DamagedRowError``."""
    identity, name, role, rigs, *times = row
    check_time(f"token {shown(identity)}", *times)
    with _suspicion(f"token {shown(identity)}"):
        allowed = None if rigs is None else check_rigs(_texts(rigs))
        return Token(identity, check_name(name), check_program_role(parse_role(role)), allowed, *times)


def session_of(row: Any) -> Session:
    """Return a session from its row without the digest. Raises ``DamagedRowError``."""
    found = Session(*row)
    check_time(f"session {shown(found.id)}", found.created_ms, found.expires_ms, found.revoked_ms, found.last_used_ms)
    with _suspicion(f"session {shown(found.id)}"):
        check_name(found.name)
    return found


@contextmanager
def _suspicion(what: str) -> Iterator[None]:
    """Make damage of what is wrong with a row: whoever asks did not write it."""
    try:
        yield
    except UsageError as error:
        raise DamagedRowError(f"{what}: {error.what}") from error
    except ValueError:
        raise DamagedRowError(f"{what}: its list of rigs cannot be read") from None


def check_time(what: str, *times_ms: object) -> None:
    """Refuse a moment (UTC, ms) that no clock tells. Raises ``DamagedRowError``."""
    for time_ms in times_ms:
        if time_ms is not None and not (isinstance(time_ms, int) and 0 <= time_ms <= MAX_TIME_MS):
            raise DamagedRowError(f"{what}: it has a time that never was")


def _texts(text: str) -> list[str]:
    found = json.loads(text)
    if not isinstance(found, list) or not all(isinstance(each, str) for each in found):
        raise ValueError("no list of texts")
    return found
