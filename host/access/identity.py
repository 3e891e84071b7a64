"""An identity: a name, its roles, how it was proven, and the rigs it is limited to."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from host.errors import UsageError

MAX_NAME_CHARACTERS: Final = 32
MAX_RIG_CHARACTERS: Final = 64
MAX_RIGS: Final = 64
_NAME: Final = re.compile(r"[a-z][a-z0-9._-]*", re.ASCII)
_RIG: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:/@-]*", re.ASCII)


class Role(StrEnum):
    """What somebody is to the service. A person may have several roles, a program has exactly one."""

    OBSERVER = "observer"
    TECHNICIAN = "technician"
    CLINICIAN = "clinician"
    SUPERVISOR = "supervisor"
    MONITOR = "monitor"
    AUTOMATION = "automation"
    BENCH = "bench"


PERSON_ROLES: Final = frozenset({Role.OBSERVER, Role.TECHNICIAN, Role.CLINICIAN, Role.SUPERVISOR})
# What only programs are. Such a role stands alone: with a person's role beside it, a monitor could start a dose.
MACHINE_ROLES: Final = frozenset(Role) - PERSON_ROLES
# A program may also watch; it is never given a role in which a person decides.
PROGRAM_ROLES: Final = MACHINE_ROLES | {Role.OBSERVER}


class Proof(StrEnum):
    """How an identity was proven."""

    SESSION = "session"
    TOKEN = "token"  # noqa: S105  a kind of proof
    PEER = "peer"
    CERTIFICATE = "certificate"


@dataclass(frozen=True, slots=True)
class Identity:
    """Somebody whose identity was proven. Raises ``UsageError`` for a name, role or rig that cannot be.

    ``rigs`` are the only rigs it may act on, None: all. ``reference`` is the public id of the session or token.
    """

    name: str
    roles: frozenset[Role]
    proof: Proof
    rigs: frozenset[str] | None = None
    reference: str = ""

    def __post_init__(self) -> None:
        check_name(self.name)
        check_roles(self.roles)
        if self.rigs is not None:
            check_rigs(self.rigs)

    def __str__(self) -> str:
        return f"{self.name} ({', '.join(role for role in Role if role in self.roles)})"


def check_name(name: str) -> str:
    """Return the name. Raises ``UsageError`` when it could be mistaken for another, or does not fit in a line."""
    if not name or len(name) > MAX_NAME_CHARACTERS or not _NAME.fullmatch(name):
        raise UsageError(
            f"{shown(name)} is not a name here.",
            f"A name has 1 to {MAX_NAME_CHARACTERS} characters of a-z 0-9 . _ - and begins with a letter.",
        )
    return name


def check_rigs(rigs: Iterable[str]) -> frozenset[str]:
    """Return the rigs of an allow-list. Raises ``UsageError`` for an empty or too long one, and for a name unfit."""
    found = frozenset(rigs)
    if not 1 <= len(found) <= MAX_RIGS:
        raise UsageError(f"The list names {len(found)} rigs.", f"Name 1 to {MAX_RIGS} rigs, or leave the list out.")
    for rig in sorted(found):
        if len(rig) > MAX_RIG_CHARACTERS or not _RIG.fullmatch(rig):
            raise UsageError(
                f"{shown(rig)} is not the name of a rig.",
                f"It has 1 to {MAX_RIG_CHARACTERS} characters of A-Z a-z 0-9 . _ : / @ -.",
            )
    return found


def check_roles(roles: frozenset[Role]) -> frozenset[Role]:
    """Return the roles. Raises ``UsageError`` for none, and for a program's role beside another."""
    if not roles:
        raise UsageError("An identity without a role may do nothing.", f"Roles: {', '.join(Role)}.")
    if roles & MACHINE_ROLES and len(roles) > 1:
        machine = min(roles & MACHINE_ROLES)
        raise UsageError(f"The role {machine} stands alone.", "Give a program one role, and people their own names.")
    return roles


def parse_role(text: str) -> Role:
    """Return the role of that name. Raises ``UsageError``."""
    try:
        return Role(text)
    except ValueError:
        raise UsageError(f"There is no role {shown(text)}.", f"Roles: {', '.join(Role)}.") from None


def shown(text: str) -> str:
    """Return a foreign text as it may stand in a message: quoted, ASCII, no control characters, not long."""
    cut = text if len(text) <= MAX_RIG_CHARACTERS else text[:MAX_RIG_CHARACTERS] + "..."
    return ascii(cut)
