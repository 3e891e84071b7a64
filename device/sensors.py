"""Every sensor in its turn: what a tick reads, never two time-outs of a bus in one tick, and what it means.

A bus that is held costs 2 ms to find out. Whoever finds it ends the traffic of the tick on both buses; a sensor that is
faulty is asked more rarely, so that the others have their turn.
"""

from device.drivers.density import DensitySensor
from device.drivers.flow import FlowSensor
from device.drivers.pressure import PressureSensor
from device.drivers.supply import LOW_RAW, SupplySensor
from device.drivers.temperature import Thermometer
from device.interlocks import (
    AIR,
    DENSITY_SENSOR,
    FLOW_SENSOR,
    PRESSURE,
    PRESSURE_SENSOR,
    SUPPLY,
    TEMPERATURE,
    TEMPERATURE_SENSOR,
)
from protocol import codes
from protocol.compat import const

TYPE_CHECKING = False
if TYPE_CHECKING:
    from device.boards.interface import Board
    from device.cartridges import Cartridges
    from device.pressure_limit import PressureLimit

# In ticks. Each has a tick of its own: no two of these fall together. What takes a bus is read in odd ticks, in which
# the pump may wait.
_CYCLE = const(10)
_SUPPLY_AT = const(2)
_DENSITY_AT = const(3)
_DENSITY_AGAIN = const(8)
_CARTRIDGES_AT = const(5)
_CARTRIDGES_AGAIN = const(9)
_TEMPERATURE_CYCLE = const(50)
_TEMPERATURE_AT = const(17)
_TEMPERATURE_AGAIN = const(37)

BUS_BOARD = const(0)
BUS_CARTRIDGES = const(1)


class Sensors:
    """The sensors by name. ``conditions`` are the interlock conditions that the latest readings mean.

    ``bus_held``: a transfer of this tick ended in a time-out; nobody else may use a bus before the next tick.
    """

    def __init__(self, board: "Board", cartridges: "Cartridges", pressure_limit: "PressureLimit") -> None:
        self._board = board
        self._cartridges = cartridges
        self._pressure_limit = pressure_limit
        self.pressure = PressureSensor()
        self.flow = FlowSensor(board, BUS_BOARD)
        self.supply = SupplySensor()
        self.density = DensitySensor()
        self.temperature = Thermometer(board, BUS_BOARD)
        self.conditions = 0
        self.bus_held = False
        self._rare = SUPPLY | DENSITY_SENSOR | TEMPERATURE_SENSOR

    def read(self, tick: int) -> None:
        """Read what is due in the tick of this number."""
        board = self._board
        pressure = self.pressure
        flow = self.flow
        pressure.take(board.pressure_raw())
        flow.read()
        self.bus_held = flow.held
        phase = tick % _CYCLE
        if phase in (_DENSITY_AT, _DENSITY_AGAIN):
            self.density.take(board.density_raw())
            self._interpret()
        elif phase in (_CARTRIDGES_AT, _CARTRIDGES_AGAIN):
            if not self.bus_held:
                self._cartridges.poll()
                self.bus_held = self._cartridges.held
        elif phase == _SUPPLY_AT:
            self.supply.take(board.supply_raw())
            self._interpret()
        elif tick % _TEMPERATURE_CYCLE in (_TEMPERATURE_AT, _TEMPERATURE_AGAIN) and not self.bus_held:
            self.temperature.read()
            self.bus_held = self.temperature.held
            self._interpret()
        conditions = self._rare
        if pressure.faulty:
            conditions |= PRESSURE_SENSOR
        elif pressure.pa > self._pressure_limit.pa:
            conditions |= PRESSURE
        if flow.faulty:
            conditions |= FLOW_SENSOR
        if flow.air:
            conditions |= AIR
        self.conditions = conditions

    def supplied(self) -> bool:
        """Whether motor and valve have their supply at this instant: asked in every tick in which steps may leave.

        One that is low counts like a reading by the clock; one that is not leaves those alone.
        """
        raw = self._board.supply_raw()
        if raw >= LOW_RAW:
            return True
        self.supply.take(raw)
        self._interpret()
        return False

    def faults(self) -> int:
        """Return the FAULT_ bits of the sensors and of the cartridges' memories."""
        return (
            (codes.FAULT_PRESSURE if self.pressure.faulty else 0)
            | (codes.FAULT_FLOW if self.flow.faulty else 0)
            | (0 if self.supply.healthy else codes.FAULT_SUPPLY)
            | (codes.FAULT_TEMPERATURE if self.temperature.faulty else 0)
            | (codes.FAULT_DENSITY if self.density.faulty else 0)
            | (codes.FAULT_CARTRIDGE if self._cartridges.faulty() else 0)
        )

    def _interpret(self) -> None:
        """Find what the readings mean that are not taken every tick."""
        conditions = 0 if self.supply.healthy else SUPPLY
        if self.density.faulty:
            conditions |= DENSITY_SENSOR
        if self.temperature.faulty:
            conditions |= TEMPERATURE_SENSOR
        elif not self.temperature.in_range:
            conditions |= TEMPERATURE
        self._rare = conditions
