import pytest
from hypothesis import given
from hypothesis import strategies as st

from device import alarm_table, interlocks
from device.alarm_table import (
    ACTION_END,
    ACTION_NONE,
    ACTION_PAUSE,
    ACTION_PAUSE_AGENT,
    ACTION_STOP,
    ACTION_STOP_ALWAYS,
    ALARMS,
    ROWS,
    SCOPE_AGENT,
    SCOPE_ALWAYS,
    SCOPE_FLOWING,
    SCOPE_PATIENT,
)
from device.interlocks import START_TICKS, Interlocks
from protocol import codes
from tests.device.fakes import HEALTHY_INPUTS

AT_REST = SCOPE_ALWAYS
TO_WASTE = SCOPE_ALWAYS | SCOPE_FLOWING
RESCUE = TO_WASTE | SCOPE_PATIENT
AGENT = RESCUE | SCOPE_AGENT
SITUATIONS = (AT_REST, TO_WASTE, RESCUE, AGENT)
ALL = (1 << ALARMS) - 1


def bit_of(alarm):
    return 1 << (alarm - 1)


def awake():
    """Interlocks of a rig whose sensors have all been healthy once."""
    table = Interlocks()
    table.observe(HEALTHY_INPUTS, 0)
    table.trip(AT_REST)
    return table


def standing(*conditions):
    table = awake()
    table.observe(HEALTHY_INPUTS, sum(conditions))
    return table


def ticks_to_act(condition, situation, longest=255):
    """How many ticks until something has to happen to flow, None for never."""
    table = standing(condition)
    for tick in range(1, longest + 1):
        cause = table.trip(situation)
        if table.action != ACTION_NONE:
            return tick, table.alarm, table.action, cause
    return None


NAMES = {
    "ESTOP": codes.ALARM_EMERGENCY_STOP,
    "DOOR": codes.ALARM_DOOR,
    "AIR": codes.ALARM_AIR,
    "PRESSURE": codes.ALARM_OCCLUSION_LIMIT,
    "PRESSURE_SENSOR": codes.ALARM_PRESSURE_SENSOR,
    "FLOW_SENSOR": codes.ALARM_FLOW_SENSOR,
    "TEMPERATURE_SENSOR": codes.ALARM_TEMPERATURE_SENSOR,
    "DENSITY_SENSOR": codes.ALARM_DENSITY_SENSOR,
    "SUPPLY": codes.ALARM_SUPPLY,
    "SAFE": codes.ALARM_SAFE_LINE,
    "HOME": codes.ALARM_RESERVOIR_EMPTY,
    "RESERVOIR_LOW": codes.ALARM_RESERVOIR_LOW,
    "CARTRIDGE": codes.ALARM_CARTRIDGE,
    "TEMPERATURE": codes.ALARM_TEMPERATURE,
    "DENSITY": codes.ALARM_DENSITY,
    "LINK_LOST": codes.ALARM_LINK_LOST,
    "PERMIT_GONE": codes.ALARM_PERMIT_GONE,
    "MONITOR_HOLD": codes.ALARM_MONITOR_HOLD,
    "JOURNAL": codes.ALARM_JOURNAL,
    "SELF_TEST": codes.ALARM_SELF_TEST,
    "FAULT": codes.ALARM_FAULT,
    "UNRESOLVED": codes.ALARM_UNRESOLVED,
    "PERSON_STOP": codes.ALARM_PERSON_STOP,
    "REPEATED": codes.ALARM_REPEATED,
}


@pytest.mark.parametrize("name", NAMES)
def test_the_named_bits_are_those_of_the_alarms(name):
    assert getattr(interlocks, name) == bit_of(NAMES[name])


@pytest.mark.parametrize(
    ("missing", "condition"),
    [
        (codes.INPUT_ESTOP_HEALTHY | codes.INPUT_SAFE, interlocks.ESTOP),
        (codes.INPUT_DOOR_CLOSED | codes.INPUT_SAFE, interlocks.DOOR),
        (codes.INPUT_BUBBLE_CLEAR | codes.INPUT_SAFE, interlocks.AIR),
        (codes.INPUT_BUBBLE_CLEAR, interlocks.AIR),
        (codes.INPUT_SAFE, interlocks.SAFE),
        (codes.INPUT_ESTOP_HEALTHY | codes.INPUT_DOOR_CLOSED, interlocks.ESTOP | interlocks.DOOR),
        (0, 0),
    ],
)
def test_the_pins_are_read_and_a_low_safe_line_is_explained_by_what_pulled_it_low(missing, condition):
    table = Interlocks()
    table.observe(HEALTHY_INPUTS & ~missing, interlocks.SUPPLY)
    assert table.standing == condition | interlocks.SUPPLY


@pytest.mark.req("FLOW-7", "FLOW-8")
@pytest.mark.parametrize("situation", SITUATIONS)
@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"alarm-{row[0]}")
def test_each_condition_acts_after_its_ticks_and_only_in_its_scope(row, situation):
    alarm, scope, trip, _, _, _, action, _, cause = row
    concerned = {
        ACTION_NONE: False,
        ACTION_PAUSE_AGENT: situation == AGENT,
        ACTION_PAUSE: situation != AT_REST,
        ACTION_END: situation != AT_REST,
        ACTION_STOP: situation != AT_REST,
        ACTION_STOP_ALWAYS: True,
    }[action]
    expected = (trip, alarm, action, cause) if concerned and scope & situation else None
    assert ticks_to_act(bit_of(alarm), situation) == expected


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"alarm-{row[0]}")
def test_a_condition_that_goes_away_before_its_ticks_are_over_starts_anew(row):
    table = Interlocks()
    for _ in range(3):
        for _ in range(row[2] - 1):
            table.observe(HEALTHY_INPUTS, bit_of(row[0]))
            table.trip(AGENT)
        table.observe(HEALTHY_INPUTS, 0)
        table.trip(AGENT)
        assert table.tripped == 0


def test_a_stop_acts_at_every_tick_until_the_condition_is_gone():
    table = standing(interlocks.ESTOP)
    for _ in range(5):
        assert table.trip(AT_REST) == codes.CAUSE_EMERGENCY_STOP
        assert (table.alarm, table.action) == (codes.ALARM_EMERGENCY_STOP, ACTION_STOP_ALWAYS)
    table.observe(HEALTHY_INPUTS, 0)
    assert table.trip(AT_REST) == codes.CAUSE_NONE
    assert (table.alarm, table.action) == (0, ACTION_NONE)


@pytest.mark.parametrize(
    ("conditions", "cause"),
    [
        ((interlocks.ESTOP, interlocks.DOOR, interlocks.AIR), codes.CAUSE_EMERGENCY_STOP),
        ((interlocks.AIR, interlocks.SUPPLY), codes.CAUSE_AIR),
        ((interlocks.LINK_LOST, interlocks.JOURNAL), codes.CAUSE_JOURNAL),
        ((interlocks.CARTRIDGE, interlocks.LINK_LOST), codes.CAUSE_CARTRIDGE),
        ((interlocks.CARTRIDGE, interlocks.SUPPLY), codes.CAUSE_SUPPLY),
        ((interlocks.TEMPERATURE, interlocks.LINK_LOST), codes.CAUSE_TEMPERATURE),
    ],
)
def test_the_strongest_action_gives_the_cause_and_of_equals_the_first_row(conditions, cause):
    table = standing(*conditions)
    for _ in range(255):
        found = table.trip(AGENT)
    assert found == cause


def test_a_condition_out_of_its_scope_is_no_alarm_and_becomes_one_in_it():
    table = standing(interlocks.AIR)
    for _ in range(100):
        assert table.trip(TO_WASTE) == codes.CAUSE_NONE
    assert table.tripped == 0
    assert table.trip(RESCUE) == codes.CAUSE_AIR


@pytest.mark.req("ALARM-2")
def test_what_has_tripped_stays_tripped_until_it_is_gone_in_scope_or_not():
    table = standing(interlocks.AIR)
    table.trip(RESCUE)
    for _ in range(1_000):
        assert table.trip(AT_REST) == codes.CAUSE_NONE
    assert table.tripped == interlocks.AIR
    table.observe(HEALTHY_INPUTS, 0)
    for _ in range(ROWS[codes.ALARM_AIR - 1][3]):
        table.trip(AT_REST)
    assert table.tripped == 0


@pytest.mark.parametrize("situation", SITUATIONS)
@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"alarm-{row[0]}")
def test_an_order_is_forbidden_at_once_by_what_concerns_it(row, situation):
    alarm, scope, _, _, _, inhibits, _, _, _ = row
    concerned = inhibits == alarm_table.INHIBITS_ALL or (
        inhibits == alarm_table.INHIBITS_AGENT and situation & SCOPE_AGENT
    )
    assert standing(bit_of(alarm)).forbids(situation) == (bit_of(alarm) if concerned and scope & situation else 0)


@pytest.mark.parametrize(
    ("bit", "cause"),
    [
        (codes.INPUT_ESTOP_HEALTHY, codes.CAUSE_EMERGENCY_STOP),
        (codes.INPUT_DOOR_CLOSED, codes.CAUSE_DOOR),
        (codes.INPUT_BUBBLE_CLEAR, codes.CAUSE_AIR),
        (0, codes.CAUSE_SAFE_LINE),
    ],
)
def test_a_safe_line_that_fell_between_two_ticks_is_explained_by_the_pins(bit, cause):
    table = Interlocks()
    table.observe(HEALTHY_INPUTS & ~codes.INPUT_SAFE & ~bit, interlocks.SUPPLY)
    assert table.cause_now() == cause


@pytest.mark.req("STOP-1")
def test_emergency_stop_door_and_an_unexplained_safe_line_forbid_clearing_any_stop():
    forbidding = {row[0] for row in ROWS if standing(bit_of(row[0])).machine_cause_stands()}
    assert forbidding == {codes.ALARM_EMERGENCY_STOP, codes.ALARM_DOOR, codes.ALARM_SAFE_LINE}


@pytest.mark.req("STOP-1")
@pytest.mark.parametrize(
    ("cause", "condition"),
    [
        (codes.CAUSE_SENSOR, interlocks.PRESSURE_SENSOR),
        (codes.CAUSE_SENSOR, interlocks.FLOW_SENSOR),
        (codes.CAUSE_SUPPLY, interlocks.SUPPLY),
        (codes.CAUSE_PRESSURE, interlocks.PRESSURE),
        (codes.CAUSE_JOURNAL, interlocks.JOURNAL),
    ],
)
def test_a_stop_is_not_cleared_while_what_caused_it_stands(cause, condition):
    assert standing(condition).machine_cause_stands(cause)
    assert not standing().machine_cause_stands(cause)


@pytest.mark.parametrize("cause", [codes.CAUSE_AIR, codes.CAUSE_HOME, codes.CAUSE_CARTRIDGE])
def test_what_is_removed_by_priming_does_not_keep_the_stop(cause):
    assert not standing(interlocks.AIR, interlocks.HOME, interlocks.CARTRIDGE).machine_cause_stands(cause)


WAKING = {
    codes.ALARM_PRESSURE_SENSOR,
    codes.ALARM_FLOW_SENSOR,
    codes.ALARM_TEMPERATURE_SENSOR,
    codes.ALARM_DENSITY_SENSOR,
    codes.ALARM_SUPPLY,
}


@pytest.mark.req("FLOW-8", "ALARM-4")
class TestStart:
    """After a start a sensor that was never healthy forbids orders, and is an alarm when it had its time."""

    @pytest.mark.parametrize("alarm", sorted(WAKING))
    def test_a_sensor_that_wakes_up_late_is_an_alarm_when_the_start_is_over(self, alarm):
        table = Interlocks()
        table.observe(HEALTHY_INPUTS, bit_of(alarm))
        for _ in range(START_TICKS - 1):
            table.trip(AT_REST)
        assert table.tripped == 0
        assert table.forbids(AGENT) == bit_of(alarm)
        for _ in range(20):
            table.trip(AT_REST)
        assert table.tripped == bit_of(alarm)

    @pytest.mark.parametrize("alarm", sorted(WAKING))
    def test_one_that_was_healthy_once_is_excused_no_more(self, alarm):
        table = Interlocks()
        table.observe(HEALTHY_INPUTS, ALL)
        table.trip(AT_REST)
        table.observe(HEALTHY_INPUTS, ALL & ~bit_of(alarm))
        table.trip(AT_REST)
        table.observe(HEALTHY_INPUTS, ALL)
        for _ in range(20):
            table.trip(AT_REST)
        assert table.tripped & bit_of(alarm)

    @pytest.mark.parametrize("alarm", sorted(WAKING))
    def test_nothing_is_excused_where_a_dose_may_flow(self, alarm):
        table = Interlocks()
        table.observe(HEALTHY_INPUTS, bit_of(alarm))
        for _ in range(20):
            table.trip(AGENT)
        assert table.tripped == bit_of(alarm)

    def test_everything_else_is_an_alarm_from_the_first_tick_on(self):
        table = Interlocks()
        table.observe(HEALTHY_INPUTS, ALL)
        for _ in range(START_TICKS - 1):
            table.trip(AT_REST)
        always = {row[0] for row in ROWS if row[1] == SCOPE_ALWAYS}
        assert {alarm for alarm in range(1, ALARMS + 1) if table.tripped & bit_of(alarm)} == always - WAKING


class SlowInterlocks:
    """The rule in the plainest form: a counter a row, every row at every tick."""

    def __init__(self):
        self.tripped = set()
        self.away = dict.fromkeys(range(1, ALARMS + 1), 0)

    def trip(self, conditions, situation):
        for alarm, scope, trip, clear, *_ in ROWS:
            stands = bool(conditions & bit_of(alarm))
            if alarm in self.tripped:
                self.away[alarm] = 0 if stands else self.away[alarm] + 1
                if self.away[alarm] >= clear:
                    self.tripped.discard(alarm)
                    self.away[alarm] = 0
            else:
                self.away[alarm] = self.away[alarm] + 1 if stands and scope & situation else 0
                if self.away[alarm] >= trip:
                    self.tripped.add(alarm)
                    self.away[alarm] = 0
        return sum(bit_of(alarm) for alarm in self.tripped)


@given(st.lists(st.tuples(st.integers(0, ALL), st.sampled_from(SITUATIONS), st.integers(1, 300)), max_size=12))
def test_counting_only_what_differs_comes_to_the_same_as_counting_every_row(phases):
    table, slow = awake(), SlowInterlocks()
    for conditions, situation, ticks in phases:
        for _ in range(ticks):
            table.observe(HEALTHY_INPUTS, conditions)
            cause = table.trip(situation)
            assert table.tripped == slow.trip(conditions, situation)
            assert (cause == codes.CAUSE_NONE) is (table.action == ACTION_NONE)
