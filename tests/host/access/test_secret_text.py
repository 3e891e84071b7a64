"""Secrets: drawn, shown once, compared, and never told by accident."""

import copy
import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from host.access.secret_text import (
    SESSION_PREFIX,
    TOKEN_PREFIX,
    SecretText,
    csrf_fits,
    csrf_of,
    digest_of,
    new_secret,
)

pytestmark = pytest.mark.req("SEC-4")


def test_a_secret_shows_itself_in_no_text() -> None:
    secret = new_secret(TOKEN_PREFIX)
    texts = [str(secret), repr(secret), f"{secret}", f"{secret!r:>20}", "{} {!r}".format(*[secret] * 2), str([secret])]
    assert not [text for text in texts if secret.reveal() in text]
    for write in (pickle.dumps, copy.copy):
        with pytest.raises(TypeError, match="not written down"):
            write(secret)


def test_two_secrets_differ_and_one_is_itself() -> None:
    secret = new_secret(TOKEN_PREFIX)
    assert secret != new_secret(TOKEN_PREFIX)
    assert secret == SecretText(secret.reveal())
    assert secret != secret.reveal()
    with pytest.raises(TypeError):
        hash(secret)


def test_the_digest_is_of_whole_secrets_of_their_kind_only() -> None:
    text = new_secret(TOKEN_PREFIX).reveal()
    digest = digest_of(text, TOKEN_PREFIX)
    assert digest is not None
    assert len(digest) == 64
    for other in (text + "A", text[:-1], text.replace("token", "session"), text + "\n", " " + text, text.upper(), ""):
        assert digest_of(other, TOKEN_PREFIX) is None
    assert digest_of(text, SESSION_PREFIX) is None


@given(st.text())
def test_any_text_is_a_secret_or_none_and_nothing_else(text: str) -> None:
    assert digest_of(text, TOKEN_PREFIX) is None
    assert digest_of(TOKEN_PREFIX + text, TOKEN_PREFIX) is None or len(text) == 43


@pytest.mark.req("SEC-3")
@given(st.text())
def test_a_form_fits_its_own_session_only(foreign: str) -> None:
    session, other = new_secret(SESSION_PREFIX), new_secret(SESSION_PREFIX)
    assert csrf_fits(session, csrf_of(session).reveal())
    assert not csrf_fits(session, csrf_of(other).reveal())
    assert not csrf_fits(session, foreign)
    assert session.reveal() not in csrf_of(session).reveal()
