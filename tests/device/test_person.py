import pytest

from device.person import ACT_CLEAR, ACT_NONE, ACT_OPEN_TREATMENT, ACT_RESCUE, ACT_RESUME, WINDOW_MS, Person
from protocol import codes

pytestmark = pytest.mark.req("PERMIT-4")


@pytest.fixture
def person():
    asked = Person()
    asked.ask(ACT_CLEAR, (), 1_000)
    return asked


def test_released_and_then_pressed_confirms_the_act_once(person):
    assert person.tick(False, 1_010) == ACT_NONE
    assert person.tick(True, 1_020) == ACT_CLEAR
    assert person.tick(True, 1_030) == ACT_NONE


def test_a_switch_that_was_pressed_all_along_confirms_nothing(person):
    assert all(person.tick(True, moment) == ACT_NONE for moment in range(1_010, 12_000, 10))


def test_a_press_within_the_window_counts_and_one_after_it_does_not(person):
    person.tick(False, 1_010)
    assert person.tick(True, 1_000 + WINDOW_MS) == ACT_CLEAR
    person.ask(ACT_CLEAR, (), 1_000)
    person.tick(False, 1_010)
    assert person.tick(True, 1_001 + WINDOW_MS) == ACT_NONE
    assert person.awaited == ACT_NONE


def test_nothing_is_confirmed_that_was_not_asked():
    person = Person()
    assert person.tick(False, 0) == ACT_NONE
    assert person.tick(True, 10) == ACT_NONE


def test_another_act_is_refused_while_one_waits(person):
    assert person.ask(ACT_RESUME, (), 1_020) == codes.REASON_PERSON_BUSY
    person.tick(False, 1_030)
    assert person.tick(True, 1_040) == ACT_CLEAR


def test_the_same_act_asked_for_again_wants_its_own_release(person):
    person.tick(False, 1_010)
    assert person.ask(ACT_CLEAR, (), 1_020) == codes.REASON_NONE
    assert person.tick(True, 1_030) == ACT_NONE
    person.tick(False, 1_040)
    assert person.tick(True, 1_050) == ACT_CLEAR


@pytest.mark.req("RESCUE-3")
def test_a_rescue_waits_for_no_other_act_and_no_other_act_takes_its_place(person):
    assert person.ask(ACT_RESCUE, (), 1_020) == codes.REASON_NONE
    assert person.ask(ACT_CLEAR, (), 1_030) == codes.REASON_PERSON_BUSY
    person.tick(False, 1_040)
    assert person.tick(True, 1_050) == ACT_RESCUE


def test_the_act_is_confirmed_with_the_values_it_was_asked_with(person):
    person.forget()
    person.ask(ACT_OPEN_TREATMENT, (b"values",), 1_000)
    person.tick(False, 1_010)
    assert person.tick(True, 1_020) == ACT_OPEN_TREATMENT
    assert person.values == (b"values",)


def test_a_forgotten_command_is_not_confirmed(person):
    person.tick(False, 1_010)
    person.forget()
    assert person.tick(True, 1_020) == ACT_NONE


def test_the_window_holds_across_the_wrap_of_the_clock():
    person = Person()
    person.ask(ACT_CLEAR, (), (1 << 30) - 100)
    person.tick(False, (1 << 30) - 90)
    assert person.tick(True, 50) == ACT_CLEAR
