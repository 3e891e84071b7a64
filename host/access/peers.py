"""Whom the operating system names at the other end of a Unix socket."""

import socket
import struct
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final

from host.access.identity import PERSON_ROLES, PROGRAM_ROLES, Identity, Proof, Role, check_name, check_roles
from host.errors import RigError, UsageError

# struct ucred of Linux: process, user and group, 32 bits each.
_CREDENTIALS: Final = struct.Struct("=iII")
MAX_UID: Final = 2**32 - 2


@dataclass(frozen=True, slots=True)
class Peer:
    """Who a user of the operating system is here. Raises ``UsageError`` for a name or roles that cannot be."""

    name: str
    roles: frozenset[Role]

    def __post_init__(self) -> None:
        check_name(self.name)
        check_roles(self.roles)
        if not (self.roles <= PERSON_ROLES or self.roles <= PROGRAM_ROLES):
            raise UsageError(f"{self.name} mixes roles of people and programs.", "Give each its own user.")


@dataclass(frozen=True, slots=True)
class PeerConfiguration:
    """Who may come over a Unix socket: users by number, and the service's own user. Nobody else is known.

    A user that is listed by number is who the list says, also when it is the service's own.
    """

    users: Mapping[int, Peer] = field(default_factory=lambda: MappingProxyType({}))
    own_user: Peer | None = None

    def __post_init__(self) -> None:
        for uid in self.users:
            if isinstance(uid, bool) or not 0 <= uid <= MAX_UID:
                raise UsageError(f"{uid} is not the number of a user.", f"A number is 0 to {MAX_UID}.")


def peer_identity(uid: int, own_uid: int, configuration: PeerConfiguration) -> Identity:
    """Return who the user is. Raises ``RigError`` ``access_unauthenticated`` for one that is not configured."""
    peer = configuration.users.get(uid)
    if peer is None and uid == own_uid:
        peer = configuration.own_user
    if peer is None:
        raise RigError(
            "access_unauthenticated",
            f"The user with number {uid} is not known here.",
            "Have the supervisor add the number to the configured users, or sign in with a token.",
        )
    return Identity(peer.name, peer.roles, Proof.PEER, reference=f"uid {uid}")


def peer_uid(connection: socket.socket) -> int:
    """Return the user at the other end of a Unix socket, as the kernel names it. Raises ``RigError``."""
    option = getattr(socket, "SO_PEERCRED", None)
    if option is None or connection.family is not socket.AF_UNIX:
        raise RigError(
            "access_unauthenticated",
            "This connection does not tell which user is at its other end.",
            "Use a Unix socket on Linux, or sign in with a token.",
        )
    data = connection.getsockopt(socket.SOL_SOCKET, option, _CREDENTIALS.size)
    uid: int = _CREDENTIALS.unpack(data)[1]
    return uid
