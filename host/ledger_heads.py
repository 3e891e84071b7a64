"""Signed heads: what a ledger held at a moment, said so that nobody without its key can say it otherwise.

A head is canonical JSON of ``hash`` (of the last row), ``ledger`` (its id), ``rows`` (how many) and ``utc``. Signed is
the text ``nanorig head 1``, LF, and that JSON, with Ed25519. Every hash covers all rows before it, so one head binds
the whole ledger up to its row.
"""

import json
from dataclasses import asdict, dataclass
from hashlib import sha256
from typing import Any, Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from host.canonical import canonical_json

HEAD_FORMAT: Final = "nanorig head 1"
KEY_ID_DIGITS: Final = 16
MAX_LINE_OCTETS: Final = 1024


@dataclass(frozen=True, slots=True)
class Head:
    """How far a ledger reached: its id, the number of rows, the hash of the last one, and the time (ISO 8601)."""

    ledger: str
    rows: int
    hash: str
    utc: str


@dataclass(frozen=True, slots=True)
class SignedHead:
    """A head, the id of the key that signed it, and the signature in hexadecimal digits."""

    head: Head
    key_id: str
    signature: str

    def line(self) -> str:
        """Return the one line that a witness keeps, without its end."""
        return canonical_json({"head": asdict(self.head), "key_id": self.key_id, "signature": self.signature})


def key_id(public_key: bytes) -> str:
    """Return the id of a public key of 32 octets: the first 16 digits of its SHA-256."""
    return sha256(public_key).hexdigest()[:KEY_ID_DIGITS]


def sign(head: Head, key: Ed25519PrivateKey) -> SignedHead:
    """Return the head with a signature."""
    return SignedHead(head, key_id(key.public_key().public_bytes_raw()), key.sign(_signed_text(head)).hex())


def genuine(signed: SignedHead, public_key: str) -> bool:
    """Return whether the holder of this key (64 hexadecimal digits) signed this head; a text that is no key did not."""
    try:
        octets = bytes.fromhex(public_key)
        if signed.key_id != key_id(octets):
            return False
        Ed25519PublicKey.from_public_bytes(octets).verify(bytes.fromhex(signed.signature), _signed_text(signed.head))
    except (InvalidSignature, ValueError):
        return False
    return True


def parse(line: str) -> SignedHead:
    """Return the signed head of a line, its signature unchecked. Raises ``ValueError`` for anything else."""
    if len(line) > MAX_LINE_OCTETS:
        raise ValueError("a head is shorter")
    fields = json.loads(line)
    if not isinstance(fields, dict) or fields.keys() != {"head", "key_id", "signature"}:
        raise ValueError("not a signed head")
    signed = SignedHead(_head(fields["head"]), str(fields["key_id"]), str(fields["signature"]))
    if signed.line() != line:
        raise ValueError("not in canonical form")
    return signed


def _head(fields: Any) -> Head:
    if not isinstance(fields, dict) or fields.keys() != {"ledger", "rows", "hash", "utc"}:
        raise ValueError("not a head")
    if type(fields["rows"]) is not int or not all(isinstance(fields[name], str) for name in ("ledger", "hash", "utc")):
        raise ValueError("not a head")
    return Head(**fields)


def _signed_text(head: Head) -> bytes:
    return f"{HEAD_FORMAT}\n{canonical_json(asdict(head))}".encode("ascii")
