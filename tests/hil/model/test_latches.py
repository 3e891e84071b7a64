"""What a person was asked, as it looks from outside: asked for, pressed, too short a press, void by a stop."""

import pytest

from hil.model import bounds
from hil.model.latches import Latches
from hil.model.voice import Said
from hil.plant.parameters import NS_PER_MS
from protocol import codes, messages

SAID = Said(messages.CLEAR, (), bytes(4), 1, b"")
LATER_NS = 1_000 * NS_PER_MS


@pytest.fixture
def asked():
    latches = Latches()
    latches.ask(0, SAID)
    return latches


def test_a_press_confirms_what_was_asked_once(asked):
    assert asked.press(LATER_NS, True) == [SAID]
    asked.release(LATER_NS + bounds.STANDING_NS)
    assert asked.press(2 * LATER_NS, True) == []


def test_after_a_press_that_no_tick_need_have_seen_the_next_one_may_confirm_it(asked):
    assert asked.press(LATER_NS, True) == [SAID]
    asked.release(LATER_NS + bounds.STANDING_NS - 1)
    assert asked.press(2 * LATER_NS, True) == [SAID]


def test_nothing_is_confirmed_when_the_time_for_it_is_over(asked):
    assert asked.press(bounds.PERSON_NS, True) == [SAID]
    asked.release(bounds.PERSON_NS)
    assert asked.press(bounds.PERSON_NS + 1, True) == []


def test_a_stop_or_a_restart_while_the_switch_is_held_leaves_nothing_to_confirm(asked):
    asked.press(LATER_NS, True)
    asked.stop(LATER_NS, codes.CAUSE_OPERATOR, 0)
    asked.release(LATER_NS)
    assert asked.press(2 * LATER_NS, True) == []
    asked.ask(2 * LATER_NS, SAID)
    asked.press(2 * LATER_NS, True)
    asked.restart(2 * LATER_NS, True)
    asked.release(2 * LATER_NS)
    assert asked.press(3 * LATER_NS, True) == []
