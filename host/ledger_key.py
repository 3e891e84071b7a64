"""The key that signs a ledger's heads: a file beside the ledger, for its owner only; never logged, never exported."""

import logging
import os
import stat
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from host.ledger_copy import FILE_MODE, replacing

_LOG = logging.getLogger(__name__)

KEY_OCTETS: Final = 32
KEY_SUFFIX: Final = ".key"
UNREADABLE_SUFFIX: Final = ".unreadable"


@dataclass(frozen=True, slots=True)
class LedgerKey:
    """A key, and whether it was made just now because there was none that could be read."""

    private: Ed25519PrivateKey
    made: bool

    @property
    def public_hex(self) -> str:
        """Return the public key, 64 hexadecimal digits."""
        return self.private.public_key().public_bytes_raw().hex()


def load_or_make(ledger: Path, random_octets: Callable[[int], bytes] = os.urandom) -> LedgerKey:
    """Return the key of the ledger, made where there is none. Raises ``OSError``.

    A file that is no key is kept under another name and a new key made: old heads stay checkable with the public keys
    in the rows, and a lost signing key must not keep a rig from recording.
    """
    path = key_file(ledger)
    try:
        octets = _read(path)
    except FileNotFoundError:
        return LedgerKey(_make(path, random_octets), made=True)
    if len(octets) != KEY_OCTETS:
        aside = path.with_name(path.name + UNREADABLE_SUFFIX)
        path.replace(aside)
        _LOG.error("%s is no key of a ledger; it was kept as %s and a new one made", path, aside)
        return LedgerKey(_make(path, random_octets), made=True)
    return LedgerKey(Ed25519PrivateKey.from_private_bytes(octets), made=False)


def key_file(ledger: Path) -> Path:
    """Return where the key of a ledger is."""
    return ledger.with_name(ledger.name + KEY_SUFFIX)


def _read(path: Path) -> bytes:
    with path.open("rb") as file:
        if stat.S_IMODE(os.fstat(file.fileno()).st_mode) & ~FILE_MODE:
            _LOG.warning("%s could be read by others; now it cannot, but a copy may exist", path)
            os.fchmod(file.fileno(), FILE_MODE)
        return file.read(KEY_OCTETS + 1)


def _make(path: Path, random_octets: Callable[[int], bytes]) -> Ed25519PrivateKey:
    octets = random_octets(KEY_OCTETS)
    with replacing(path) as part:
        part.write_bytes(octets)
    return Ed25519PrivateKey.from_private_bytes(octets)
