"""Signed heads: only the holder of the key makes one, and any change in one shows."""

from dataclasses import asdict, replace

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from host.ledger_heads import Head, genuine, key_id, parse, sign

pytestmark = pytest.mark.req("LEDGER-4")

KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
PUBLIC = KEY.public_key().public_bytes_raw().hex()
HEADS = st.builds(
    Head, ledger=st.text(max_size=40), rows=st.integers(0, 2**53), hash=st.text(max_size=64), utc=st.text(max_size=30)
)


@given(HEADS)
def test_a_signed_head_is_genuine_and_comes_back_from_its_line(head: Head) -> None:
    signed = sign(head, KEY)
    assert genuine(signed, PUBLIC)
    line = signed.line()
    assert line.isascii()
    if len(line) <= 1024:
        assert parse(line) == signed


@given(HEADS, HEADS)
def test_a_signature_fits_its_own_head_only(one: Head, other: Head) -> None:
    moved = replace(sign(one, KEY), head=other)
    assert genuine(moved, PUBLIC) == (asdict(one) == asdict(other))


def test_another_key_did_not_sign_it() -> None:
    signed = sign(Head("l", 1, "h", "t"), KEY)
    other = Ed25519PrivateKey.from_private_bytes(bytes(32)).public_key().public_bytes_raw()
    assert not genuine(signed, other.hex())
    assert not genuine(replace(signed, key_id=key_id(other)), other.hex())


@pytest.mark.parametrize("key", ["", "xyz", "00" * 31, PUBLIC[:-1]])
def test_a_text_that_is_no_key_signed_nothing(key: str) -> None:
    assert not genuine(sign(Head("l", 1, "h", "t"), KEY), key)


@pytest.mark.parametrize(
    "line",
    [
        "",
        "[]",
        "null",
        '{"head":{},"key_id":"","signature":""}',
        '{"head":{"hash":"h","ledger":"l","rows":"1","utc":"t"},"key_id":"k","signature":"s"}',
        '{"head":{"hash":"h","ledger":"l","rows":true,"utc":"t"},"key_id":"k","signature":"s"}',
        '{"head": {"hash":"h","ledger":"l","rows":1,"utc":"t"},"key_id":"k","signature":"s"}',
        "x" * 2000,
    ],
)
def test_a_line_that_is_no_head_is_refused(line: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        parse(line)
