"""Who was let in lately."""

from hypothesis import given
from hypothesis import strategies as st

from host.access.identity import Identity, Proof, Role
from host.access.known import MAX_KNOWN, Known

LENA = Identity("lena", frozenset({Role.OBSERVER}), Proof.TOKEN)


def test_memory_is_bounded_and_the_latest_are_kept() -> None:
    known = Known()
    for number in range(MAX_KNOWN + 10):
        known.keep(str(number), LENA, 1_000)
    assert len(known) == MAX_KNOWN
    assert known.find("9", 0) is None
    assert known.find(str(MAX_KNOWN + 9), 0) == LENA


@given(st.integers(0, 100), st.integers(0, 100))
def test_nobody_is_known_after_the_end(ends_ms: int, now_ms: int) -> None:
    known = Known()
    known.keep("a", LENA, ends_ms)
    assert (known.find("a", now_ms) == LENA) is (now_ms < ends_ms)
    known.forget("a")
    known.forget("a")
    assert known.find("a", 0) is None
