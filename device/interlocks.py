"""The interlocks, as data: which condition ends flow, when it counts, how long it must stand, what cause it latches."""

from device.limits import MAX_PRESSURE_PA
from protocol import codes
from protocol.compat import const

TYPE_CHECKING = False
if TYPE_CHECKING:
    from device.drivers.flow import FlowSensor
    from device.drivers.pressure import PressureSensor
    from device.drivers.supply import SupplySensor

# One bit a condition.
ESTOP = const(0x001)
DOOR = const(0x002)
AIR = const(0x004)
SAFE = const(0x008)
PRESSURE = const(0x010)
PRESSURE_SENSOR = const(0x020)
FLOW_SENSOR = const(0x040)
SUPPLY = const(0x080)
HOME = const(0x100)
FRAM = const(0x200)

_ALWAYS = const(0)
_FLOWING = const(1)
_ORDERS = const(2)

# (condition, scope, ticks it must stand, cause). The first row that trips gives the cause, so the specific stands
# above the general: the SAFE line is low for a reason, and only a low line without one is a cause of its own.
# Scope: always; only while a dose may flow; only when an order is judged.
ROWS = (
    (ESTOP, _ALWAYS, 1, codes.CAUSE_EMERGENCY_STOP),
    (DOOR, _ALWAYS, 1, codes.CAUSE_DOOR),
    (AIR, _FLOWING, 1, codes.CAUSE_AIR),
    (SAFE, _FLOWING, 1, codes.CAUSE_SAFE_LINE),
    (PRESSURE, _FLOWING, 2, codes.CAUSE_PRESSURE),
    (PRESSURE_SENSOR, _FLOWING, 3, codes.CAUSE_SENSOR),
    (FLOW_SENSOR, _FLOWING, 3, codes.CAUSE_SENSOR),
    (SUPPLY, _FLOWING, 3, codes.CAUSE_SUPPLY),
    (HOME, _FLOWING, 2, codes.CAUSE_HOME),
    (FRAM, _ORDERS, 1, codes.CAUSE_SELF_TEST),
)


class Interlocks:
    """Judges the readings of one tick. ``standing`` holds the conditions that stand now, debounced or not."""

    def __init__(self) -> None:
        self.standing = 0
        self._ticks = [0] * len(ROWS)
        self._counting = False

    def observe(
        self, inputs: int, pressure: "PressureSensor", flow: "FlowSensor", supply: "SupplySensor", fram_faulty: bool
    ) -> None:
        """Set ``standing`` from pins (INPUT_ bits) and sensors."""
        standing = 0
        if not inputs & codes.INPUT_ESTOP_HEALTHY:
            standing |= ESTOP
        if not inputs & codes.INPUT_DOOR_CLOSED:
            standing |= DOOR
        if not inputs & codes.INPUT_BUBBLE_CLEAR or flow.air:
            standing |= AIR
        if not inputs & codes.INPUT_SAFE:
            standing |= SAFE
        if inputs & codes.INPUT_HOME:
            standing |= HOME
        if pressure.faulty:
            standing |= PRESSURE_SENSOR
        elif pressure.pa > MAX_PRESSURE_PA:
            standing |= PRESSURE
        if flow.faulty:
            standing |= FLOW_SENSOR
        if not supply.healthy:
            standing |= SUPPLY
        if fram_faulty:
            standing |= FRAM
        self.standing = standing

    def trip(self, flowing: bool) -> int:
        """Count one tick and return the cause of the first row that trips, CAUSE_NONE when none does."""
        if not self.standing and not self._counting:
            return codes.CAUSE_NONE
        cause = codes.CAUSE_NONE
        self._counting = False
        ticks = self._ticks
        for index in range(len(ROWS)):
            condition, scope, needed, row_cause = ROWS[index]
            if self.standing & condition and (scope == _ALWAYS or (scope == _FLOWING and flowing)):
                self._counting = True
                if ticks[index] < needed:
                    ticks[index] += 1
                if ticks[index] >= needed and cause == codes.CAUSE_NONE:
                    cause = row_cause
            else:
                ticks[index] = 0
        return cause

    def cause_now(self) -> int:
        """Return the cause that the standing conditions give at once, for a SAFE line that fell between two ticks."""
        for condition, _, _, cause in ROWS:
            if self.standing & condition & (ESTOP | DOOR | AIR):
                return cause
        return codes.CAUSE_SAFE_LINE

    def machine_cause_stands(self) -> bool:
        """Whether a cause that always trips still stands, so that a stop may not be cleared."""
        return bool(self.standing & (ESTOP | DOOR))
