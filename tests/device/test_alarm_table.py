import pytest

from device import alarm_table
from device.alarm_table import (
    ACTION_END,
    ACTION_NONE,
    ACTION_PAUSE,
    ACTION_PAUSE_AGENT,
    ACTION_STOP,
    ACTION_STOP_ALWAYS,
    FOLLOWS,
    INHIBITS_AGENT,
    INHIBITS_ALL,
    ROWS,
    SCOPE_AGENT,
    SCOPE_ALWAYS,
    SCOPE_FLOWING,
    SCOPE_PATIENT,
    alarm_of,
)
from protocol import codes, texts

pytestmark = pytest.mark.req("ALARM-1")

AT_REST = SCOPE_ALWAYS
TO_WASTE = SCOPE_ALWAYS | SCOPE_FLOWING
RESCUE = TO_WASTE | SCOPE_PATIENT
AGENT = RESCUE | SCOPE_AGENT
BY_ALARM = {row[0]: row for row in ROWS}


def test_there_is_one_row_an_alarm_in_the_order_of_their_numbers():
    assert [row[0] for row in ROWS] == [number for _, number in codes.ALARMS]
    assert len(ROWS) == alarm_table.ALARMS


def test_every_alarm_has_a_text_and_what_to_do():
    for _, alarm in codes.ALARMS:
        assert texts.ALARMS[alarm].what
        assert texts.ALARMS[alarm].todo


def test_the_bits_fit_a_small_integer_of_the_controller():
    assert max(alarm_table.INDEX) == 1 << 29
    assert max(*alarm_table.WATCHED, *alarm_table.ACTING, *alarm_table.FORBIDDING) < 1 << 30


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"alarm-{row[0]}")
def test_what_a_row_says_is_possible(row):
    _, scope, trip, clear, priority, inhibits, action, latching, cause = row
    assert scope in (SCOPE_ALWAYS, SCOPE_FLOWING, SCOPE_PATIENT, SCOPE_AGENT)
    assert 1 <= trip <= 255
    assert 1 <= clear <= 255
    assert codes.PRIORITY_LOW <= priority <= codes.PRIORITY_HIGH
    assert inhibits <= INHIBITS_ALL
    assert action <= ACTION_STOP_ALWAYS
    assert latching in (0, 1)
    assert cause in dict(map(reversed, codes.CAUSES))
    assert cause != codes.CAUSE_NONE or action == ACTION_NONE


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"alarm-{row[0]}")
def test_what_stops_flow_keeps_orders_away_while_it_stands_and_latches(row):
    if row[6] >= ACTION_STOP:
        assert row[5] == INHIBITS_ALL
        assert row[7] != FOLLOWS


@pytest.mark.req("FLOW-1")
def test_free_and_reverse_flow_are_of_high_priority_and_stop_at_rest_too():
    for alarm in (codes.ALARM_FREE_FLOW, codes.ALARM_REVERSE_FLOW):
        assert BY_ALARM[alarm][4] == codes.PRIORITY_HIGH
        assert BY_ALARM[alarm][6] == ACTION_STOP_ALWAYS


@pytest.mark.req("RESCUE-1")
def test_only_causes_in_the_machine_stop_or_forbid_a_rescue():
    free = {
        codes.ALARM_TEMPERATURE_SENSOR,
        codes.ALARM_DENSITY_SENSOR,
        codes.ALARM_RESERVOIR_LOW,
        codes.ALARM_TEMPERATURE,
        codes.ALARM_DENSITY,
        codes.ALARM_PERMIT_GONE,
        codes.ALARM_MONITOR_HOLD,
        codes.ALARM_UNRESOLVED,
        codes.ALARM_PERSON_STOP,
    }
    in_the_way = alarm_table.FORBIDDING[RESCUE] | alarm_table.ACTING[RESCUE]
    assert {alarm for _, alarm in codes.ALARMS if not in_the_way >> (alarm - 1) & 1} == free


@pytest.mark.req("RESCUE-1")
def test_a_lost_link_forbids_no_order():
    assert not alarm_table.FORBIDDING[AGENT] >> (codes.ALARM_LINK_LOST - 1) & 1


@pytest.mark.req("PERMIT-5")
def test_air_does_not_keep_a_dry_line_from_being_primed():
    air = 1 << (codes.ALARM_AIR - 1)
    assert not (alarm_table.FORBIDDING[TO_WASTE] | alarm_table.ACTING[TO_WASTE] | alarm_table.WATCHED[AT_REST]) & air
    assert alarm_table.FORBIDDING[RESCUE] & alarm_table.ACTING[RESCUE] & air


def test_at_rest_only_what_stops_always_acts():
    assert {row[0] for row in ROWS if alarm_table.ACTING[AT_REST] >> (row[0] - 1) & 1} == {
        row[0] for row in ROWS if row[6] == ACTION_STOP_ALWAYS
    }


@pytest.mark.parametrize("situation", [TO_WASTE, RESCUE])
def test_what_concerns_the_agent_alone_leaves_other_flow_and_other_orders_alone(situation):
    for row in ROWS:
        if row[6] == ACTION_PAUSE_AGENT:
            assert not alarm_table.ACTING[situation] >> (row[0] - 1) & 1
        if row[5] == INHIBITS_AGENT:
            assert not alarm_table.FORBIDDING[situation] >> (row[0] - 1) & 1
            assert alarm_table.FORBIDDING[AGENT] >> (row[0] - 1) & 1


@pytest.mark.parametrize("situation", [TO_WASTE, RESCUE, AGENT])
def test_while_something_flows_every_action_in_scope_acts(situation):
    for alarm, scope, _, _, _, _, action, _, _ in ROWS:
        if scope & situation and action in (ACTION_PAUSE, ACTION_END, ACTION_STOP, ACTION_STOP_ALWAYS):
            assert alarm_table.ACTING[situation] >> (alarm - 1) & 1


def test_every_cause_of_a_stop_has_its_alarm():
    told_by_the_sensor = {codes.CAUSE_SENSOR}
    no_alarm = {codes.CAUSE_NONE, codes.CAUSE_RESCUE} | told_by_the_sensor
    for _, cause in codes.CAUSES:
        assert (alarm_of(cause) == 0) is (cause in no_alarm), cause


def test_the_alarm_of_a_row_is_that_of_its_cause():
    for row in ROWS:
        if row[8] not in (codes.CAUSE_NONE, codes.CAUSE_SENSOR):
            assert alarm_of(row[8]) == row[0]
