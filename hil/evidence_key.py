"""The bench's key: Ed25519, made once, readable by its owner alone. With it the bench signs its evidence."""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

from host.errors import UsageError

FINGERPRINT_DIGITS = 32
PUBLIC_KEY_DIGITS = 64
SIGNATURE_DIGITS = 128

_MAX_FILE = 4096
_MAKE_ONE = "Make one with: rig hil evidence key"


def default_path(environment: Mapping[str, str] = os.environ) -> Path:
    """Return where the bench's key is: in the user's state folder."""
    state = environment.get("XDG_STATE_HOME")
    return (Path(state) if state else Path.home() / ".local" / "state") / "nanorig" / "bench.key"


def make(path: Path) -> Ed25519PrivateKey:
    """Make the key and keep it in a new file that nobody else can read. Raises UsageError."""
    key = Ed25519PrivateKey.generate()
    text = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        raise UsageError(f"There is a key in {path} already.", "Use it, or move it away first.") from None
    except OSError as error:
        raise UsageError(f"The key cannot be kept in {path}: {error.strerror}.", "Name another file.") from None
    with os.fdopen(descriptor, "wb") as file:
        file.write(text)
    return key


def load(path: Path) -> Ed25519PrivateKey:
    """Read the key. Raises UsageError when there is none, others can read it, or it is no such key."""
    try:
        mode = path.stat().st_mode
        text = path.read_bytes()[: _MAX_FILE + 1]
    except FileNotFoundError:
        raise UsageError(f"This bench has no key: {path} is not there.", _MAKE_ONE) from None
    except OSError as error:
        raise UsageError(f"The key in {path} cannot be read: {error.strerror}.", "Check the file.") from None
    if stat.S_IMODE(mode) & 0o077:
        raise UsageError(f"Others than its owner can get at the key in {path}.", f"chmod 600 {path}, or make another.")
    try:
        key = load_pem_private_key(text, password=None)
    except (ValueError, TypeError):
        key = None
    if not isinstance(key, Ed25519PrivateKey):
        raise UsageError(f"{path} holds no key of a bench.", f"Move it away. {_MAKE_ONE}")
    return key


def public_hex(key: Ed25519PrivateKey) -> str:
    """Return the public key as 64 hexadecimal digits."""
    return key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw).hex()


def fingerprint(public_key: str) -> str:
    """Return the first half of the SHA-256 of a public key, 32 hexadecimal digits: short enough to be read out."""
    return sha256(bytes.fromhex(public_key)).hexdigest()[:FINGERPRINT_DIGITS]


def normal(named: str) -> str:
    """Return a public key or a fingerprint as bare small digits. Raises UsageError for anything else."""
    digits = named.replace(":", "").replace(" ", "").lower()
    if len(digits) not in {FINGERPRINT_DIGITS, PUBLIC_KEY_DIGITS} or not set(digits) <= set("0123456789abcdef"):
        raise UsageError(
            "This is neither a public key nor a fingerprint.",
            f"Give the {PUBLIC_KEY_DIGITS} or {FINGERPRINT_DIGITS} digits that rig hil evidence key prints.",
        )
    return digits


def names(named: str, public_key: str) -> bool:
    """Tell whether a public key or fingerprint in normal form is this key's."""
    return named in {public_key, fingerprint(public_key)}


def signed(public_key: str, signature: str, message: bytes) -> bool:
    """Tell whether the signature over the message is this key's."""
    try:
        Ed25519PublicKey.from_public_bytes(bytes.fromhex(public_key)).verify(bytes.fromhex(signature), message)
    except (InvalidSignature, ValueError):
        return False
    return True
