"""How the alarm table's columns are made out of its rows. The rules run once, at import; here they are asked again."""

import pytest

from device import alarm_table as table
from device.alarm_table import ROWS, SCOPE_AGENT, SCOPE_ALWAYS, SCOPE_FLOWING, SCOPE_PATIENT, SITUATIONS

WITH_AGENT = {situation for situation in range(SITUATIONS) if situation & SCOPE_AGENT}
FLOWING = {situation for situation in range(SITUATIONS) if situation & SCOPE_FLOWING}
ACTS_IN = {
    table.ACTION_NONE: set(),
    table.ACTION_PAUSE_AGENT: WITH_AGENT,
    table.ACTION_PAUSE: FLOWING,
    table.ACTION_END: FLOWING,
    table.ACTION_STOP: FLOWING,
    table.ACTION_STOP_ALWAYS: set(range(SITUATIONS)),
}


@pytest.mark.parametrize("action", ACTS_IN)
def test_an_action_applies_where_there_is_something_to_act_on(action):
    applies = [table._applies(action, situation) for situation in range(SITUATIONS)]
    assert applies == [situation in ACTS_IN[action] for situation in range(SITUATIONS)]


def test_every_alarm_is_the_bit_of_its_number():
    assert [table._bits([row]) for row in ROWS] == [1 << (row[0] - 1) for row in ROWS]
    assert table._bits(list(ROWS)) == (1 << len(ROWS)) - 1
    assert table._bits([]) == 0


def test_at_rest_only_what_stops_always_acts():
    stops_always = [row for row in ROWS if row[6] == table.ACTION_STOP_ALWAYS]
    assert table.ACTING[SCOPE_ALWAYS] == table._bits(stops_always)


def test_what_counts_to_the_patient_only_is_not_watched_while_it_goes_to_waste():
    to_waste = SCOPE_ALWAYS | SCOPE_FLOWING
    to_patient = [row for row in ROWS if row[1] == SCOPE_PATIENT]
    assert table.WATCHED[to_waste | SCOPE_PATIENT] ^ table.WATCHED[to_waste] == table._bits(to_patient)
