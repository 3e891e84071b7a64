"""The interlocks: which conditions of the alarm table stand, since when, and what has to happen to flow.

A condition trips in its scope once it stood its number of ticks, and is tripped until it was away for its number of
ticks, in scope or not: air that stopped a dose is air until it is gone.
"""

from device.alarm_table import (
    ACTING,
    ACTION,
    ALARMS,
    CAUSE,
    CLEAR_TICKS,
    ENDING,
    FORBIDDING,
    INDEX,
    STOPPING,
    TRIP_TICKS,
    WATCHED,
)
from protocol import codes
from protocol.compat import const

# One bit a condition: 1 << (ALARM_ - 1). What pins and sensors tell has a name here.
ESTOP = const(0x00000001)
DOOR = const(0x00000002)
AIR = const(0x00000004)
PRESSURE = const(0x00000008)
PRESSURE_SENSOR = const(0x00000400)
FLOW_SENSOR = const(0x00000800)
TEMPERATURE_SENSOR = const(0x00001000)
DENSITY_SENSOR = const(0x00002000)
SUPPLY = const(0x00004000)
SAFE = const(0x00008000)
HOME = const(0x00010000)
RESERVOIR_LOW = const(0x00020000)
CARTRIDGE = const(0x00040000)
TEMPERATURE = const(0x00080000)
DENSITY = const(0x00100000)
LINK_LOST = const(0x00200000)
PERMIT_GONE = const(0x00400000)
MONITOR_HOLD = const(0x00800000)
JOURNAL = const(0x01000000)
SELF_TEST = const(0x02000000)
FAULT = const(0x04000000)
UNRESOLVED = const(0x08000000)
PERSON_STOP = const(0x10000000)
REPEATED = const(0x20000000)

_AT_REST = const(1)  # the situation in which nothing flows
# The E-stop, door, bubble and SAFE bits of the inputs, all healthy.
_HEALTHY = const(0x0F)
_ESTOP_INPUT = const(0x01)
_DOOR_INPUT = const(0x02)
_BUBBLE_INPUT = const(0x04)

# Sensors wake up after a start: until each was healthy once, or as long as the self-test waits for them, they forbid
# orders and are no alarm.
_WAKING = PRESSURE_SENSOR | FLOW_SENSOR | TEMPERATURE_SENSOR | DENSITY_SENSOR | SUPPLY
START_TICKS = const(500)

# A stop is not cleared while one of these stands, whatever caused it ...
_KEEP_ANY_STOP = ESTOP | DOOR | SAFE
# ... nor while what caused it stands. Air and an empty syringe are left out: they are removed by priming.
_KEEP_STOP = {
    codes.CAUSE_PRESSURE: PRESSURE,
    codes.CAUSE_SENSOR: PRESSURE_SENSOR | FLOW_SENSOR,
    codes.CAUSE_SUPPLY: SUPPLY,
    codes.CAUSE_JOURNAL: JOURNAL,
}


class Interlocks:
    """Judges the conditions of one tick.

    ``standing`` holds those that stand now, debounced or not, in scope or not; ``tripped`` those that are alarms.
    ``alarm`` and ``action`` say which alarm acts on the present flow and how, 0 for none.
    """

    def __init__(self) -> None:
        self.standing = 0
        self.tripped = 0
        self.alarm = 0
        self.action = 0
        self._ticks = bytearray(ALARMS)
        self._counting = 0
        self._waking = _WAKING
        self._start_ticks = 0

    def observe(self, inputs: int, conditions: int) -> None:
        """Set ``standing`` from the pins (INPUT_ bits) and from conditions that others have found (bits as above)."""
        if inputs & _HEALTHY != _HEALTHY:
            missing = ~inputs & _HEALTHY
            # The SAFE line is low for a reason, and only a low line without one is a condition of its own.
            if missing & _ESTOP_INPUT:
                conditions |= ESTOP
            if missing & _DOOR_INPUT:
                conditions |= DOOR
            if missing & _BUBBLE_INPUT:
                conditions |= AIR
            if not missing & (_ESTOP_INPUT | _DOOR_INPUT | _BUBBLE_INPUT):
                conditions |= SAFE
        self.standing = conditions

    def trip(self, situation: int) -> int:
        """Count one tick in this situation (SCOPE_ bits).

        Returns the cause that ``action`` has, CAUSE_NONE when no alarm acts on flow.
        """
        counting = self.standing
        if self._waking:
            self._wake(situation)
            counting &= ~self._waking
        differing = (counting & (WATCHED[situation] | self.tripped)) ^ self.tripped
        if differing or self._counting:
            self._count(differing)
        acting = self.tripped & self.standing & ACTING[situation]
        if not acting:
            self.alarm = 0
            self.action = 0
            return codes.CAUSE_NONE
        strongest = acting & STOPPING or acting & ENDING or acting
        index = INDEX[strongest & -strongest]
        self.alarm = index + 1
        self.action = ACTION[index]
        return CAUSE[index]

    def forbids(self, situation: int) -> int:
        """Return the standing conditions that forbid an order which would make this situation (SCOPE_ bits)."""
        return self.standing & FORBIDDING[situation]

    def cause_now(self) -> int:
        """Return the cause that the standing conditions give at once, for a SAFE line that fell between two ticks."""
        explained = self.standing & (ESTOP | DOOR | AIR)
        return CAUSE[INDEX[explained & -explained]] if explained else codes.CAUSE_SAFE_LINE

    def machine_cause_stands(self, stop_cause: int = codes.CAUSE_NONE) -> bool:
        """Whether something stands on whose account a stop with this cause may not be cleared."""
        return bool(self.standing & (_KEEP_ANY_STOP | _KEEP_STOP.get(stop_cause, 0)))

    def _wake(self, situation: int) -> None:
        """Excuse no longer what is healthy by now, and nothing once a dose may flow or the start is over."""
        self._start_ticks += 1
        self._waking &= self.standing
        if self._start_ticks >= START_TICKS or situation != _AT_REST:
            self._waking = 0

    def _count(self, differing: int) -> None:
        """Count the conditions that differ from what is tripped; those that no longer do start anew."""
        ticks = self._ticks
        over = self._counting & ~differing
        while over:
            bit = over & -over
            ticks[INDEX[bit]] = 0
            over ^= bit
        self._counting = differing
        while differing:
            bit = differing & -differing
            differing ^= bit
            index = INDEX[bit]
            ticks[index] += 1
            if ticks[index] >= (CLEAR_TICKS if self.tripped & bit else TRIP_TICKS)[index]:
                ticks[index] = 0
                self.tripped ^= bit
                self._counting ^= bit
