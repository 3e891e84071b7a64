"""The alarm table, as data: which condition is an alarm, when, how urgent, what the pump does, what keeps standing.

Conditions are bits: alarm n of ``codes`` is bit n - 1. The texts for people are in ``protocol.texts``.
Priorities follow IEC 60601-1-8: high where liquid may go where it should not, or nobody knows; medium where somebody
has to come soon; low where it is enough to know.
"""

from protocol import codes
from protocol.compat import const

# The situation: what goes on now, or what an order would make go on. A row counts in its scope only.
SCOPE_ALWAYS = const(1)
SCOPE_FLOWING = const(2)  # a dose may flow, to the waste too
SCOPE_PATIENT = const(4)  # ... to the patient
SCOPE_AGENT = const(8)  # ... and agent leaves the tip
SITUATIONS = const(16)

# What the alarm does to flow. PAUSE_AGENT leaves everything but agent alone; END ends the dose and latches nothing;
# STOP latches a stop when a dose may flow; STOP_ALWAYS at rest, too.
ACTION_NONE = const(0)
ACTION_PAUSE_AGENT = const(1)
ACTION_PAUSE = const(2)
ACTION_END = const(3)
ACTION_STOP = const(4)
ACTION_STOP_ALWAYS = const(5)

# Which orders the alarm's condition forbids while it stands.
INHIBITS_NONE = const(0)
INHIBITS_AGENT = const(1)
INHIBITS_ALL = const(2)

# An alarm that does not latch tells of a state that ends by an act of its own: a stop cleared, a dose resolved, a
# cartridge exchanged. Acknowledging it once more would say nothing.
LATCHES = const(1)
FOLLOWS = const(0)

# A contact that bounces; something that is read more rarely than once a tick.
_BOUNCE = const(10)
_SECOND = const(100)
# Three conversions of the density, two of the thermometer.
_DENSITIES = const(16)
_TEMPERATURES = const(250)
_THIN = const(20)

_ALWAYS = SCOPE_ALWAYS
_LOW, _MEDIUM, _HIGH = codes.PRIORITY_LOW, codes.PRIORITY_MEDIUM, codes.PRIORITY_HIGH
_ANY, _AGENT, _NO = INHIBITS_ALL, INHIBITS_AGENT, INHIBITS_NONE

# One row an alarm, in the order of their numbers: (alarm, scope, ticks until it trips, ticks until it counts as gone,
# priority, orders it inhibits, action, whether it latches, cause that it gives a dose or a stop). Where several trip in
# one tick the first of those with the strongest action gives the cause, so the specific stands above the general.
ROWS = (
    (
        codes.ALARM_EMERGENCY_STOP,
        _ALWAYS,
        1,
        _BOUNCE,
        _HIGH,
        _ANY,
        ACTION_STOP_ALWAYS,
        LATCHES,
        codes.CAUSE_EMERGENCY_STOP,
    ),
    (codes.ALARM_DOOR, _ALWAYS, 1, _BOUNCE, _MEDIUM, _ANY, ACTION_STOP_ALWAYS, LATCHES, codes.CAUSE_DOOR),
    (codes.ALARM_AIR, SCOPE_PATIENT, 1, _BOUNCE, _HIGH, _ANY, ACTION_STOP, LATCHES, codes.CAUSE_AIR),
    (codes.ALARM_OCCLUSION_LIMIT, SCOPE_FLOWING, 2, _BOUNCE, _HIGH, _ANY, ACTION_STOP, LATCHES, codes.CAUSE_PRESSURE),
    (codes.ALARM_OCCLUSION_SLOPE, SCOPE_FLOWING, 1, 1, _HIGH, _ANY, ACTION_STOP, LATCHES, codes.CAUSE_OCCLUSION),
    (codes.ALARM_FREE_FLOW, _ALWAYS, 1, _BOUNCE, _HIGH, _ANY, ACTION_STOP_ALWAYS, LATCHES, codes.CAUSE_FREE_FLOW),
    (codes.ALARM_REVERSE_FLOW, _ALWAYS, 1, _BOUNCE, _HIGH, _ANY, ACTION_STOP_ALWAYS, LATCHES, codes.CAUSE_REVERSE_FLOW),
    (codes.ALARM_DEVIATION, SCOPE_FLOWING, 1, 1, _HIGH, _ANY, ACTION_STOP, LATCHES, codes.CAUSE_DEVIATION),
    (codes.ALARM_LEAK, SCOPE_FLOWING, 1, 1, _HIGH, _ANY, ACTION_STOP, LATCHES, codes.CAUSE_LEAK),
    (codes.ALARM_STALL, SCOPE_FLOWING, 1, 1, _HIGH, _ANY, ACTION_STOP, LATCHES, codes.CAUSE_STALL),
    (codes.ALARM_PRESSURE_SENSOR, _ALWAYS, 3, _SECOND, _MEDIUM, _ANY, ACTION_STOP, LATCHES, codes.CAUSE_SENSOR),
    (codes.ALARM_FLOW_SENSOR, _ALWAYS, 3, _SECOND, _MEDIUM, _ANY, ACTION_STOP, LATCHES, codes.CAUSE_SENSOR),
    (
        codes.ALARM_TEMPERATURE_SENSOR,
        _ALWAYS,
        3,
        _SECOND,
        _LOW,
        _AGENT,
        ACTION_PAUSE_AGENT,
        LATCHES,
        codes.CAUSE_SENSOR,
    ),
    (
        codes.ALARM_DENSITY_SENSOR,
        _ALWAYS,
        _DENSITIES,
        _SECOND,
        _LOW,
        _AGENT,
        ACTION_PAUSE_AGENT,
        LATCHES,
        codes.CAUSE_SENSOR,
    ),
    (codes.ALARM_SUPPLY, _ALWAYS, 3, _SECOND, _MEDIUM, _ANY, ACTION_STOP, LATCHES, codes.CAUSE_SUPPLY),
    (codes.ALARM_SAFE_LINE, SCOPE_FLOWING, 1, _BOUNCE, _HIGH, _ANY, ACTION_STOP, LATCHES, codes.CAUSE_SAFE_LINE),
    (codes.ALARM_RESERVOIR_EMPTY, SCOPE_FLOWING, 2, _SECOND, _MEDIUM, _ANY, ACTION_END, LATCHES, codes.CAUSE_HOME),
    (codes.ALARM_RESERVOIR_LOW, _ALWAYS, 1, _SECOND, _LOW, _NO, ACTION_NONE, FOLLOWS, codes.CAUSE_NONE),
    (codes.ALARM_CARTRIDGE, SCOPE_PATIENT, 1, _BOUNCE, _MEDIUM, _NO, ACTION_END, LATCHES, codes.CAUSE_CARTRIDGE),
    (
        codes.ALARM_TEMPERATURE,
        _ALWAYS,
        _TEMPERATURES,
        _SECOND,
        _MEDIUM,
        _AGENT,
        ACTION_PAUSE_AGENT,
        LATCHES,
        codes.CAUSE_TEMPERATURE,
    ),
    (codes.ALARM_DENSITY, _ALWAYS, _THIN, _SECOND, _MEDIUM, _AGENT, ACTION_PAUSE_AGENT, LATCHES, codes.CAUSE_DENSITY),
    (codes.ALARM_LINK_LOST, SCOPE_FLOWING, 1, _BOUNCE, _MEDIUM, _NO, ACTION_PAUSE, LATCHES, codes.CAUSE_LINK_LOST),
    (codes.ALARM_PERMIT_GONE, _ALWAYS, 1, _BOUNCE, _MEDIUM, _NO, ACTION_PAUSE_AGENT, LATCHES, codes.CAUSE_PERMIT),
    (codes.ALARM_MONITOR_HOLD, _ALWAYS, 1, 1, _HIGH, _AGENT, ACTION_PAUSE_AGENT, FOLLOWS, codes.CAUSE_MONITOR),
    (codes.ALARM_JOURNAL, _ALWAYS, 1, _SECOND, _MEDIUM, _ANY, ACTION_STOP, LATCHES, codes.CAUSE_JOURNAL),
    (codes.ALARM_SELF_TEST, _ALWAYS, 1, 1, _MEDIUM, _ANY, ACTION_NONE, FOLLOWS, codes.CAUSE_SELF_TEST),
    (codes.ALARM_FAULT, _ALWAYS, 1, 1, _HIGH, _ANY, ACTION_STOP_ALWAYS, LATCHES, codes.CAUSE_FAULT),
    (codes.ALARM_UNRESOLVED, _ALWAYS, 1, 1, _MEDIUM, _AGENT, ACTION_NONE, FOLLOWS, codes.CAUSE_NONE),
    (codes.ALARM_PERSON_STOP, _ALWAYS, 1, 1, _LOW, _NO, ACTION_NONE, FOLLOWS, codes.CAUSE_NONE),
    (codes.ALARM_REPEATED, _ALWAYS, 1, 1, _HIGH, _ANY, ACTION_STOP_ALWAYS, LATCHES, codes.CAUSE_REPEATED),
)
ALARMS = const(30)

# The columns, one octet a row, by alarm - 1.
TRIP_TICKS = bytes([row[2] for row in ROWS])
CLEAR_TICKS = bytes([row[3] for row in ROWS])
PRIORITY = bytes([row[4] for row in ROWS])
ACTION = bytes([row[6] for row in ROWS])
CAUSE = bytes([row[8] for row in ROWS])


def _applies(action: int, situation: int) -> bool:
    """Whether there is anything the action could act on."""
    if action == ACTION_PAUSE_AGENT:
        return bool(situation & SCOPE_AGENT)
    if action == ACTION_STOP_ALWAYS:
        return True
    return action != ACTION_NONE and bool(situation & SCOPE_FLOWING)


def _bits(chosen: list) -> int:
    bits = 0
    for row in chosen:
        bits |= 1 << (row[0] - 1)
    return bits


# Bits of the rows that count, act and forbid an order, by situation.
WATCHED = tuple([_bits([row for row in ROWS if row[1] & situation]) for situation in range(SITUATIONS)])
ACTING = tuple(
    [
        _bits([row for row in ROWS if row[1] & situation and _applies(row[6], situation)])
        for situation in range(SITUATIONS)
    ]
)
FORBIDDING = tuple(
    [
        _bits(
            [
                row
                for row in ROWS
                if row[1] & situation
                and (row[5] == INHIBITS_ALL or (row[5] == INHIBITS_AGENT and situation & SCOPE_AGENT))
            ]
        )
        for situation in range(SITUATIONS)
    ]
)
STOPPING = _bits([row for row in ROWS if row[6] >= ACTION_STOP])
ENDING = _bits([row for row in ROWS if row[6] == ACTION_END])
LATCHING = _bits([row for row in ROWS if row[7] == LATCHES])
# The number of a bit, as an index into the columns.
INDEX = {1 << index: index for index in range(ALARMS)}

_ALARM_OF_OTHER_CAUSES = {
    codes.CAUSE_OPERATOR: codes.ALARM_PERSON_STOP,
    codes.CAUSE_CLINICIAN: codes.ALARM_PERSON_STOP,
    codes.CAUSE_CONSENT: codes.ALARM_PERSON_STOP,
    codes.CAUSE_PUMP: codes.ALARM_FAULT,
    codes.CAUSE_DEADLINE: codes.ALARM_FAULT,
    codes.CAUSE_RESERVOIR: codes.ALARM_RESERVOIR_EMPTY,
    codes.CAUSE_POWER: codes.ALARM_UNRESOLVED,
}


def alarm_of(cause: int) -> int:
    """Return the alarm that tells of a cause, 0 where there is none: a sensor's fault is told by the sensor's alarm."""
    if cause in _ALARM_OF_OTHER_CAUSES:
        return _ALARM_OF_OTHER_CAUSES[cause]
    if cause not in (codes.CAUSE_NONE, codes.CAUSE_SENSOR):
        for row in ROWS:
            if row[8] == cause:
                return row[0]
    return 0
