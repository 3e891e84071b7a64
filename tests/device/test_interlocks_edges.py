"""Interlocks at the first tick, at the last one of the start, and with more than one pin low."""

import pytest

from device.alarm_table import SCOPE_ALWAYS
from device.interlocks import AIR, DOOR, ESTOP, PRESSURE_SENSOR, START_TICKS, Interlocks
from protocol import codes
from tests.device.fakes import HEALTHY_INPUTS


@pytest.fixture
def interlocks():
    return Interlocks()


def tick(interlocks, conditions, ticks=1):
    for _ in range(ticks):
        interlocks.observe(HEALTHY_INPUTS, conditions)
        interlocks.trip(SCOPE_ALWAYS)


def test_before_the_first_tick_nothing_stands_or_acts(interlocks):
    assert (interlocks.standing, interlocks.tripped, interlocks.alarm, interlocks.action) == (0, 0, 0, 0)


@pytest.mark.parametrize(
    ("conditions", "cause"),
    [
        (ESTOP | DOOR, codes.CAUSE_EMERGENCY_STOP),
        (ESTOP | DOOR | AIR, codes.CAUSE_EMERGENCY_STOP),
        (DOOR | AIR, codes.CAUSE_DOOR),
    ],
)
def test_of_two_pins_that_pull_the_safe_line_low_the_first_is_the_cause(interlocks, conditions, cause):
    interlocks.observe(HEALTHY_INPUTS, conditions)
    assert interlocks.cause_now() == cause


def test_a_sensor_is_excused_up_to_the_last_tick_of_the_start(interlocks):
    tick(interlocks, PRESSURE_SENSOR, START_TICKS - 1)
    trips_after = 3
    tick(interlocks, PRESSURE_SENSOR, trips_after - 1)
    assert not interlocks.tripped
    tick(interlocks, PRESSURE_SENSOR)
    assert interlocks.tripped == PRESSURE_SENSOR


def test_when_the_start_is_over_nothing_is_excused_any_more(interlocks):
    tick(interlocks, PRESSURE_SENSOR, START_TICKS + 10)
    tick(interlocks, PRESSURE_SENSOR | ESTOP, 2)
    assert interlocks.tripped == PRESSURE_SENSOR | ESTOP
