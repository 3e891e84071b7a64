"""Secrets of programs and browsers: drawn at random, told once, kept as a hash only."""

import hmac
import re
import secrets
from hashlib import sha256
from typing import Final

SECRET_OCTETS: Final = 32
ID_OCTETS: Final = 4
# A fixed beginning, so that a scanner finds a secret that lies where none belongs.
TOKEN_PREFIX: Final = "nanorig_token_"  # noqa: S105  no secret
SESSION_PREFIX: Final = "nanorig_session_"
CSRF_PREFIX: Final = "nanorig_csrf_"
_PATTERN: Final = re.compile(r"nanorig_(?:token|session)_[A-Za-z0-9_-]{43}", re.ASCII)
_CSRF_LABEL: Final = b"nanorig csrf 1"


class SecretText:
    """A secret that shows itself to nobody who does not ask: not in logs, messages, reprs or pickles."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        """Return the secret, for the one place that hands it over."""
        return self._text

    def __repr__(self) -> str:
        return "<secret>"

    __str__ = __repr__

    def __format__(self, spec: str) -> str:
        return format("<secret>", spec)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, SecretText) and hmac.compare_digest(self._text.encode(), other._text.encode())

    __hash__ = None  # type: ignore[assignment]  # a secret is no key of a mapping, which would compare it in the open

    def __reduce__(self) -> str:
        raise TypeError("a secret is not written down")


def new_secret(prefix: str) -> SecretText:
    """Return a new secret of 256 random bits behind its prefix."""
    return SecretText(prefix + secrets.token_urlsafe(SECRET_OCTETS))


def new_id() -> str:
    """Return a new public id, 8 hexadecimal digits."""
    return secrets.token_hex(ID_OCTETS)


def digest_of(secret: str, prefix: str) -> str | None:
    """Return what is kept of a secret, 64 hexadecimal digits; None for a text that never was one of that prefix."""
    if not secret.startswith(prefix) or not _PATTERN.fullmatch(secret):
        return None
    return sha256(secret.encode("ascii")).hexdigest()


def csrf_of(session: SecretText) -> SecretText:
    """Return what a form must bring along with the session's cookie. It is computed, and stored nowhere."""
    key = session.reveal().encode("ascii")
    return SecretText(CSRF_PREFIX + hmac.new(key, _CSRF_LABEL, sha256).hexdigest())


def csrf_fits(session: SecretText, brought: str) -> bool:
    """Say whether the form belongs to the session, in a time that tells nothing."""
    return hmac.compare_digest(csrf_of(session).reveal().encode(), brought.encode("utf-8", "replace"))
