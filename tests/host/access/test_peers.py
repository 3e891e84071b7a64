"""Who is at the other end of a Unix socket."""

import os
import socket

import pytest
from hypothesis import given
from hypothesis import strategies as st

from host.access.identity import Proof, Role
from host.access.peers import Peer, PeerConfiguration, peer_identity, peer_uid
from host.errors import RigError, UsageError

pytestmark = pytest.mark.req("SEC-1")

RAVI = Peer("ravi", frozenset({Role.TECHNICIAN}))
SERVICE = Peer("service", frozenset({Role.OBSERVER}))


def test_a_configured_user_is_who_the_list_says() -> None:
    identity = peer_identity(1000, 7, PeerConfiguration({1000: RAVI}))
    assert (identity.name, identity.roles, identity.proof) == ("ravi", RAVI.roles, Proof.PEER)
    assert identity.reference == "uid 1000"


def test_the_services_own_user_is_who_is_configured_for_it_unless_it_is_listed() -> None:
    assert peer_identity(7, 7, PeerConfiguration({1000: RAVI}, SERVICE)).name == "service"
    assert peer_identity(7, 7, PeerConfiguration({7: RAVI}, SERVICE)).name == "ravi"


@given(st.integers(0, 2**32 - 1), st.integers(0, 2**32 - 1))
def test_nobody_is_known_who_is_not_configured_not_even_root(uid: int, own_uid: int) -> None:
    with pytest.raises(RigError, match=f"number {uid} is not known") as caught:
        peer_identity(uid, own_uid, PeerConfiguration())
    assert caught.value.code == "access_unauthenticated"
    if uid != own_uid:
        with pytest.raises(RigError):
            peer_identity(uid, own_uid, PeerConfiguration(own_user=SERVICE))


def test_the_kernel_names_the_other_end() -> None:
    ours, theirs = socket.socketpair(socket.AF_UNIX)
    with ours, theirs:
        assert peer_uid(ours) == os.getuid()


def test_a_network_connection_names_nobody() -> None:
    with socket.socket(socket.AF_INET) as connection, pytest.raises(RigError, match="does not tell"):
        peer_uid(connection)


@pytest.mark.req("SEC-5")
def test_a_configuration_that_cannot_be_is_refused() -> None:
    for uid in (-1, 2**32 - 1, True):
        with pytest.raises(UsageError, match="number of a user"):
            PeerConfiguration({uid: RAVI})
    with pytest.raises(UsageError, match="not a name"):
        Peer("Ravi K", frozenset({Role.OBSERVER}))
    with pytest.raises(UsageError, match="without a role"):
        Peer("ravi", frozenset())
    with pytest.raises(UsageError, match="stands alone"):
        Peer("ravi", frozenset({Role.MONITOR, Role.TECHNICIAN}))
