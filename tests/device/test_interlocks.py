from typing import Any

import pytest

from device import interlocks
from device.interlocks import ROWS, Interlocks
from protocol import codes
from tests.device.fakes import HEALTHY_INPUTS


class Reading:
    """A sensor as the interlocks see it."""

    def __init__(self, **values):
        self.__dict__.update({"pa": 0, "faulty": False, "air": False, "healthy": True} | values)


HEALTHY: dict[str, Any] = {
    "inputs": HEALTHY_INPUTS,
    "pressure": Reading(),
    "flow": Reading(),
    "supply": Reading(),
    "fram_faulty": False,
}

# How each condition looks at the pins and sensors.
TRIPPED: dict[int, dict[str, Any]] = {
    interlocks.ESTOP: {"inputs": HEALTHY_INPUTS & ~codes.INPUT_ESTOP_HEALTHY},
    interlocks.DOOR: {"inputs": HEALTHY_INPUTS & ~codes.INPUT_DOOR_CLOSED},
    interlocks.AIR: {"inputs": HEALTHY_INPUTS & ~codes.INPUT_BUBBLE_CLEAR},
    interlocks.SAFE: {"inputs": HEALTHY_INPUTS & ~codes.INPUT_SAFE},
    interlocks.PRESSURE: {"pressure": Reading(pa=69_001)},
    interlocks.PRESSURE_SENSOR: {"pressure": Reading(faulty=True)},
    interlocks.FLOW_SENSOR: {"flow": Reading(faulty=True)},
    interlocks.SUPPLY: {"supply": Reading(healthy=False)},
    interlocks.HOME: {"inputs": HEALTHY_INPUTS | codes.INPUT_HOME},
    interlocks.FRAM: {"fram_faulty": True},
}


def observed(table, condition=None):
    table.observe(**{**HEALTHY, **(TRIPPED[condition] if condition else {})})
    return table


def ticks_to_trip(condition, flowing):
    table = Interlocks()
    for tick in range(1, 20):
        cause = observed(table, condition).trip(flowing)
        if cause != codes.CAUSE_NONE:
            return tick, cause
    return None


def test_every_row_has_a_way_to_be_tripped():
    assert {row[0] for row in ROWS} == set(TRIPPED)


@pytest.mark.req("FLOW-7", "FLOW-8")
@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"0x{row[0]:03x}")
def test_each_condition_trips_its_cause_after_its_ticks_and_only_in_its_scope(row):
    condition, scope, needed, cause = row
    assert ticks_to_trip(condition, flowing=True) == (None if scope == interlocks._ORDERS else (needed, cause))
    assert ticks_to_trip(condition, flowing=False) == ((needed, cause) if scope == interlocks._ALWAYS else None)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"0x{row[0]:03x}")
def test_a_condition_that_goes_away_before_its_ticks_are_over_starts_anew(row):
    condition, _, needed, _ = row
    table = Interlocks()
    for _ in range(5):
        for _ in range(needed - 1):
            assert observed(table, condition).trip(True) == codes.CAUSE_NONE
        assert observed(table).trip(True) == codes.CAUSE_NONE
        assert table.standing == 0


@pytest.mark.parametrize("condition", TRIPPED, ids=hex)
def test_every_standing_condition_is_seen_at_once_when_an_order_is_judged(condition):
    assert observed(Interlocks(), condition).standing == condition


def test_air_is_seen_by_either_sensor():
    table = Interlocks()
    table.observe(HEALTHY_INPUTS, Reading(), Reading(air=True), Reading(), False)
    assert table.standing == interlocks.AIR


def test_the_pressure_limit_is_the_last_allowed_pressure():
    table = Interlocks()
    table.observe(HEALTHY_INPUTS, Reading(pa=69_000), Reading(), Reading(), False)
    assert table.standing == 0


def test_a_low_safe_line_is_explained_by_the_switch_that_pulled_it_low():
    low = HEALTHY_INPUTS & ~codes.INPUT_SAFE
    table = Interlocks()
    for bit, cause in (
        (codes.INPUT_ESTOP_HEALTHY, codes.CAUSE_EMERGENCY_STOP),
        (codes.INPUT_DOOR_CLOSED, codes.CAUSE_DOOR),
        (codes.INPUT_BUBBLE_CLEAR, codes.CAUSE_AIR),
        (0, codes.CAUSE_SAFE_LINE),
    ):
        table.observe(low & ~bit, Reading(), Reading(), Reading(), False)
        assert table.cause_now() == cause


def test_only_emergency_stop_and_door_forbid_clearing_while_they_stand():
    standing = [condition for condition in TRIPPED if observed(Interlocks(), condition).machine_cause_stands()]
    assert standing == [interlocks.ESTOP, interlocks.DOOR]
