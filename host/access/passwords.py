"""Passwords: which are refused, how they are kept (Argon2id), and that a wrong one takes as long for anybody."""

import secrets
import unicodedata
from typing import Final

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError, VerifyMismatchError

from host.errors import RigError, UsageError

MIN_CHARACTERS: Final = 12
# Bounds the work of one attempt; in octets, because that is what is hashed.
MAX_OCTETS: Final = 256
MIN_DISTINCT: Final = 5
MIN_NAME_IN_PASSWORD: Final = 3
# Runs that people type along: a password that is a piece of one, either way, is obvious.
_RUNS: Final = (
    "0123456789" * 3,
    "1234567890" * 3,
    "abcdefghijklmnopqrstuvwxyz" * 2,
    "qwertyuiopasdfghjklzxcvbnm",
    "qwertzuiopasdfghjklyxcvbnm",
)
# The word for the thing itself, with anything short around it, is what is tried first.
_OBVIOUS_WORDS: Final = ("password", "passwort", "passw0rd", "letmein", "welcome", "nanorig", "changeme")
_MAX_AROUND_A_WORD: Final = 6
_TODO: Final = f"Choose {MIN_CHARACTERS} characters or more; four words that do not belong together do."


def canonical_password(password: str) -> str:
    """Return the one form of a password, however the keyboard composes its letters."""
    return unicodedata.normalize("NFKC", password)


def check_password(name: str, password: str) -> None:
    """Refuse what is too short, too long or obvious. Raises ``UsageError``, which never repeats the password."""
    text = canonical_password(password)
    if len(text) < MIN_CHARACTERS:
        raise UsageError(f"The password has fewer than {MIN_CHARACTERS} characters.", _TODO)
    if _octets(text) > MAX_OCTETS:
        raise UsageError(f"The password is longer than {MAX_OCTETS} octets.", "Choose a shorter one.")
    if any(unicodedata.category(each) in {"Cc", "Cs"} for each in text):
        raise UsageError("The password has a control character.", "Type it, do not paste it.")
    flaw = _flaw(name, text.casefold())
    if flaw:
        raise UsageError(f"The password is easily guessed: it {flaw}.", _TODO)


# Memory and passes are those of RFC 9106 for little memory; one lane, so that a sign-in takes one core and a stop finds
# the others free.
TIME_COST: Final = 3
MEMORY_KIB: Final = 65_536
LANES: Final = 1


class Passwords:
    """Makes and checks Argon2id hashes; both take tenths of a second and belong into a thread of their own."""

    def __init__(self, hasher: PasswordHasher | None = None) -> None:
        self._hasher = hasher or PasswordHasher(TIME_COST, MEMORY_KIB, LANES)
        # What nobody's password fits, so that an unknown name costs what a known one does.
        self._nobody = self._hasher.hash(secrets.token_hex())

    def make(self, password: str) -> str:
        """Return the hash to keep, with salt and parameters in it."""
        return self._hasher.hash(canonical_password(password))

    def fits(self, kept: str | None, password: str) -> bool:
        """Say whether the password is the one of the hash; None is nobody's, and costs as much.

        Raises ``RigError`` ``access_store_corrupt`` for a text that is no hash.
        """
        text = canonical_password(password)
        if _octets(text) > MAX_OCTETS:
            text = ""
        try:
            self._hasher.verify(kept if kept is not None else self._nobody, text)
        except VerifyMismatchError:
            return False
        except (InvalidHashError, VerificationError) as error:
            raise RigError(
                "access_store_corrupt",
                "What is kept of a password is no hash of one.",
                "Set the password anew: rig user password NAME",
            ) from error
        return kept is not None

    def outdated(self, kept: str) -> bool:
        """Say whether a hash was made with other parameters than are used now."""
        return self._hasher.check_needs_rehash(kept)


def _octets(text: str) -> int:
    return len(text.encode("utf-8", "surrogatepass"))


def _flaw(name: str, text: str) -> str:
    if len(name) >= MIN_NAME_IN_PASSWORD and (name in text or name[::-1] in text):
        return "contains the name"
    if len(set(text)) < MIN_DISTINCT:
        return f"has fewer than {MIN_DISTINCT} different characters"
    if text in (text + text)[1:-1]:
        return "repeats itself"
    if any(text in run or text[::-1] in run for run in _RUNS):
        return "is a row of the keyboard or the alphabet"
    if any(word in text and len(text) - len(word) <= _MAX_AROUND_A_WORD for word in _OBVIOUS_WORDS):
        return "is an obvious word with little around it"
    return ""
