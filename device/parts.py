"""What the controller is made of: sensors, rules and what is kept. Built once, in the order of their needs."""

from device.alarms import Alarms
from device.authority import Authority
from device.calibration import Calibration
from device.dose import DoseMachine
from device.drivers.fram import Fram
from device.interlocks import Interlocks
from device.journal import Journal
from device.kept import Kept
from device.line import LineAccount
from device.permit import PermitGate
from device.person import Person
from device.pump import Pump
from device.selftest import SelfTest
from device.sensors import BUS_BOARD, Sensors
from device.supervision import Supervision
from device.suspension import Suspension
from protocol import codes

TYPE_CHECKING = False
if TYPE_CHECKING:
    from device.boards.interface import Board


class Parts:
    """Sensors and rules around one board. The constructor reads the whole journal: it blocks."""

    def __init__(self, board: "Board") -> None:
        self.board = board
        self.now_ms = board.ticks_ms()
        self.journal = Journal(Fram(board, BUS_BOARD))
        self.journal.begin()
        self.boot = self.journal.boot_count.to_bytes(4, "little") + board.random(4)
        self.kept = Kept(board, self.journal)
        self.kept.load(self.now_ms)
        self.latches = self.kept.latches
        self.cartridges = self.kept.cartridges
        self.sensors = Sensors(board, self.cartridges, self.kept.pressure_limit)
        self.pressure = self.sensors.pressure
        self.flow = self.sensors.flow
        self.authority = Authority(self.kept.keys, self.boot)
        self.calibration = Calibration(self.journal, self.kept.treatment)
        self.gate = PermitGate()
        self.pump = Pump(board.steps[codes.CHANNEL_FLUSH], self.journal)
        self.dose = DoseMachine(self.pump, LineAccount(), self.pressure, self.flow, self.gate, self.kept.account)
        self.interlocks = Interlocks()
        self.supervision = Supervision(self.pressure, self.flow)
        self.suspension = Suspension()
        self.selftest = SelfTest(self.now_ms)
        self.selftest.journal(self.journal.faulty)
        self.alarms = Alarms()
        self.person = Person()
