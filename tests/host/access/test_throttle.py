"""Wrong passwords are slowed down, by name and by source, and never for good."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from host.access.throttle import (
    FORGET_AFTER_MS,
    FREE_ATTEMPTS,
    MAX_DELAY_MS,
    MAX_KEYS,
    MAX_PROVEN,
    SOURCE_FREE_ATTEMPTS,
    Throttle,
)
from tests.host.access.conftest import Hands

pytestmark = pytest.mark.req("SEC-1")


@pytest.fixture
def throttle(hands: Hands) -> Throttle:
    return Throttle(lambda: hands.monotonic_ms)


def fail_freely(throttle: Throttle) -> None:
    for _ in range(FREE_ATTEMPTS):
        assert throttle.begin("lena", "here") == 0


def test_each_wrong_password_after_the_free_ones_waits_twice_as_long(hands: Hands, throttle: Throttle) -> None:
    fail_freely(throttle)
    waits = []
    for _ in range(7):
        waits.append(throttle.begin("lena", "here"))
        hands.go_on(waits[-1])
        assert throttle.begin("lena", "here") == 0
    assert waits == [1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000]


def test_one_that_has_to_wait_is_not_counted(hands: Hands, throttle: Throttle) -> None:
    fail_freely(throttle)
    for _ in range(100):
        assert throttle.begin("lena", "here") == 1_000
    hands.go_on(999)
    assert throttle.begin("lena", "here") == 1
    hands.go_on(1)
    assert throttle.begin("lena", "here") == 0


def test_many_at_once_are_not_all_free(throttle: Throttle) -> None:
    assert [throttle.begin("lena", f"source {n}") == 0 for n in range(10)] == [True] * FREE_ATTEMPTS + [False] * 7


def test_the_right_password_sets_the_name_free(throttle: Throttle) -> None:
    for number in range(10):
        for _ in range(FREE_ATTEMPTS):
            assert throttle.begin("lena", f"place {number}") == 0
        throttle.succeeded("lena", f"place {number}")


def test_ones_own_right_password_does_not_open_the_source_for_guessing(hands: Hands, throttle: Throttle) -> None:
    guesses = 0
    for number in range(200):
        guesses += throttle.begin(f"victim{number}", "there") == 0
        if throttle.begin("attacker", "there") == 0:
            throttle.succeeded("attacker", "there")
    assert guesses == SOURCE_FREE_ATTEMPTS


def test_an_attempt_that_nobody_could_judge_is_taken_back(throttle: Throttle) -> None:
    for _ in range(50):
        assert throttle.begin("lena", "here") == 0
        throttle.withdrawn("lena", "here")
    assert len(throttle) == 0


def test_a_name_is_forgotten_after_a_while(hands: Hands, throttle: Throttle) -> None:
    fail_freely(throttle)
    hands.go_on(FORGET_AFTER_MS)
    fail_freely(throttle)


def test_others_are_not_slowed_down(throttle: Throttle) -> None:
    for _ in range(FREE_ATTEMPTS + 1):
        throttle.begin("lena", "here")
    assert throttle.begin("lena", "here") > 0
    assert throttle.begin("ravi", "here") == 0


def test_memory_is_bounded_and_the_name_under_attack_is_kept(hands: Hands, throttle: Throttle) -> None:
    fail_freely(throttle)
    for number in range(3 * MAX_KEYS):
        throttle.begin(f"name{number}", f"source{number}")
        if number % 1000 == 999:  # attacked on and on, from everywhere
            hands.go_on(throttle.begin("lena", "elsewhere"))
            assert throttle.begin("lena", f"there {number}") == 0
    assert len(throttle) <= MAX_KEYS
    assert throttle.begin("lena", "elsewhere") > 0


def test_where_somebody_signed_in_before_others_wrong_passwords_elsewhere_do_not_count(throttle: Throttle) -> None:
    assert throttle.begin("lena", "console") == 0
    throttle.succeeded("lena", "console")
    for number in range(FREE_ATTEMPTS):
        assert throttle.begin("lena", f"attacker {number}") == 0
    assert throttle.begin("lena", "attacker") > 0
    assert throttle.begin("ravi", "console") == 0
    assert throttle.begin("lena", "console") == 0


def test_where_somebody_signed_in_before_wrong_passwords_are_slowed_down_too(throttle: Throttle) -> None:
    assert throttle.begin("lena", "console") == 0
    throttle.succeeded("lena", "console")
    for _ in range(FREE_ATTEMPTS):
        assert throttle.begin("lena", "console") == 0
    assert throttle.begin("lena", "console") == 1_000


def test_memory_of_where_people_signed_in_is_bounded(throttle: Throttle) -> None:
    for number in range(MAX_PROVEN + 10):
        throttle.succeeded(f"name{number}", "console")
    assert len(throttle._proven) == MAX_PROVEN


@given(st.lists(st.tuples(st.sampled_from("ab"), st.sampled_from("xy"), st.integers(0, 40_000), st.booleans())))
def test_nobody_ever_waits_longer_than_the_bound(attempts: list[tuple[str, str, int, bool]]) -> None:
    hands = Hands()
    throttle = Throttle(lambda: hands.monotonic_ms)
    for name, source, passed_ms, right in attempts:
        hands.go_on(passed_ms)
        wait = throttle.begin(name, source)
        assert 0 <= wait <= MAX_DELAY_MS
        if wait == 0 and right:
            throttle.succeeded(name, source)
        if wait:
            hands.go_on(wait)
            assert throttle.begin(name, source) == 0
