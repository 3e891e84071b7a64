"""Passwords: which are refused, and how they are kept."""

import unicodedata
from contextlib import suppress

import pytest
from argon2 import PasswordHasher
from hypothesis import given
from hypothesis import strategies as st

from host.access.passwords import MAX_OCTETS, Passwords, check_password
from host.errors import RigError, UsageError
from tests.host.access.conftest import PASSWORD, cheap


@pytest.mark.req("SEC-5")
@pytest.mark.parametrize(
    ("password", "said"),
    [
        ("", "fewer than 12 characters"),
        ("a1b2c3d4e5f", "fewer than 12 characters"),
        ("x" * (MAX_OCTETS + 1), "longer than 256 octets"),
        ("abcd efgh\tijkl mnop", "control character"),
        ("abcd efgh ijkl\ud800mnop", "control character"),
        ("lena und ihr Fahrrad", "contains the name"),
        ("LENA und ihr Fahrrad", "contains the name"),
        ("das ist anel rueckwaerts", "contains the name"),
        ("aaaaaaaaaaaaaaaa", "fewer than 5 different characters"),
        ("abcabcabcabcabca", "fewer than 5 different characters"),
        ("horse7horse7", "repeats itself"),
        ("123456789012", "row of the keyboard"),
        ("210987654321", "row of the keyboard"),
        ("qwertyuiopas", "row of the keyboard"),
        ("abcdefghijklmnop", "row of the keyboard"),
        ("Password12345", "obvious word"),
        ("passwort2026!", "obvious word"),
    ],
)
def test_a_password_that_is_easily_guessed_is_refused_and_not_repeated(password: str, said: str) -> None:
    with pytest.raises(UsageError, match=said) as caught:
        check_password("lena", password)
    if password:
        assert password not in str(caught.value)


@pytest.mark.parametrize(
    "password", [PASSWORD, "correct horse battery", "Schlüsselbund 7 Äpfel", "🦷 and five others.."]
)
def test_a_long_password_of_any_script_is_taken(password: str) -> None:
    check_password("lena", password)


@given(st.text(max_size=40))
def test_any_text_is_taken_or_refused_clearly(password: str) -> None:
    with suppress(UsageError):
        check_password("lena", password)
        assert len(unicodedata.normalize("NFKC", password)) >= 12


def test_a_hash_is_argon2id_salted_and_fits_its_password_only() -> None:
    passwords = cheap()
    kept = passwords.make(PASSWORD)
    assert kept.startswith("$argon2id$")
    assert kept != passwords.make(PASSWORD)
    assert passwords.fits(kept, PASSWORD)
    assert not passwords.fits(kept, PASSWORD + " ")
    assert not passwords.fits(kept, PASSWORD + "x" * MAX_OCTETS)


def test_the_same_letters_composed_differently_are_the_same_password() -> None:
    passwords = cheap()
    assert passwords.fits(passwords.make("Schlu\u0308ssel und Bund"), "Schl\u00fcssel und Bund")


def test_the_shipped_memory_and_passes_are_those_of_rfc_9106_for_little_memory_in_one_lane() -> None:
    kept = Passwords().make(PASSWORD)
    assert "m=65536,t=3,p=1" in kept


def test_nobodys_password_costs_one_whole_verification_and_fits_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    passwords = cheap()
    verified: list[str] = []
    verify, others = PasswordHasher.verify, passwords.make("another password")

    def counting(hasher: PasswordHasher, kept: str, password: str) -> bool:
        verified.append(kept)
        return verify(hasher, kept, password)

    monkeypatch.setattr(PasswordHasher, "verify", counting)
    monkeypatch.delattr(PasswordHasher, "hash")  # and no work besides
    assert not passwords.fits(None, PASSWORD)
    assert not passwords.fits(others, PASSWORD)
    nobodys, lenas = verified
    assert nobodys.rsplit("$", 2)[0] == lenas.rsplit("$", 2)[0]  # the same work


def test_a_hash_of_other_parameters_is_outdated() -> None:
    kept = cheap(time_cost=1).make(PASSWORD)
    assert not cheap(time_cost=1).outdated(kept)
    assert cheap(time_cost=2).outdated(kept)
    assert cheap(time_cost=2).fits(kept, PASSWORD)


@pytest.mark.parametrize("kept", ["", "plain text", "$argon2id$v=19$m=8,t=1,p=1$AAAA", "$2b$12$abcdefghijklmnopqrstuv"])
def test_what_is_no_hash_is_damage_not_a_wrong_password(kept: str) -> None:
    with pytest.raises(RigError) as caught:
        cheap().fits(kept, PASSWORD)
    assert caught.value.code == "access_store_corrupt"
