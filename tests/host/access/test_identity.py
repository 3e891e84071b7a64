"""What a name, a role and a list of rigs may be."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from host.access.identity import Identity, Proof, Role, check_name, parse_role, shown
from host.errors import UsageError

pytestmark = pytest.mark.req("SEC-5")

OBSERVER = frozenset({Role.OBSERVER})


@pytest.mark.parametrize(
    "name",
    [
        "", " ", "lena meyer", "lena ", "Lena", "lena\n", "lena\x00", "lena\x1b[31m", "l" * 33, "9lena",
        "-lena", ".lena",
        "lenа",  # a Cyrillic letter at its end
        "lena\u200b", "ⅼena", "léna", "lena;drop", "lena/..", "lena:x", "\u202elena",
    ],
)  # fmt: skip
def test_a_name_that_could_be_mistaken_is_refused_and_shown_in_plain_letters(name: str) -> None:
    with pytest.raises(UsageError) as caught:
        check_name(name)
    assert str(caught.value).isascii()
    assert str(caught.value).isprintable()
    assert "a-z 0-9" in caught.value.todo


@given(st.text(max_size=40))
def test_what_passes_as_a_name_is_short_and_of_plain_letters(text: str) -> None:
    try:
        name = check_name(text)
    except UsageError:
        return
    assert 1 <= len(name) <= 32
    assert set(name) <= set("abcdefghijklmnopqrstuvwxyz0123456789._-")


@given(st.text())
def test_a_foreign_text_is_shown_short_in_one_line_of_plain_letters(text: str) -> None:
    said = shown(text)
    assert said.isascii()
    assert said.isprintable()
    assert len(said) <= 10 * 67 + 2


@pytest.mark.parametrize("rigs", [[], [""], ["a b"], ["rig\n"], ["r" * 65], ["rig‑1"], [f"rig{n}" for n in range(65)]])
def test_a_list_of_rigs_that_names_no_rig_is_refused(rigs: list[str]) -> None:
    with pytest.raises(UsageError, match="rig"):
        Identity("lena", OBSERVER, Proof.TOKEN, frozenset(rigs))


@pytest.mark.req("SEC-1")
@pytest.mark.parametrize("machine", [Role.MONITOR, Role.AUTOMATION, Role.BENCH])
@pytest.mark.parametrize("other", list(Role))
def test_a_role_of_machines_stands_alone(machine: Role, other: Role) -> None:
    if other is not machine:
        with pytest.raises(UsageError, match="stands alone"):
            Identity("lena", frozenset({machine, other}), Proof.TOKEN)


def test_an_identity_without_a_role_is_none() -> None:
    with pytest.raises(UsageError, match="without a role"):
        Identity("lena", frozenset(), Proof.SESSION)


def test_an_unknown_role_is_refused_with_the_known_ones() -> None:
    with pytest.raises(UsageError) as caught:
        parse_role("root")
    assert all(role in caught.value.todo for role in Role)
