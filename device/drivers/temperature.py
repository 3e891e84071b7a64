"""Thermometer TMP117 (data sheet SNOSD82: I2C 0x48, 16-bit registers, 7.8125 milli-degC a count).

It converts once a second and announces each conversion by a flag in the configuration register, so a chip that converts
no more is found out.
"""

from device.drivers.errors import timed_out
from protocol.compat import const

TYPE_CHECKING = False
if TYPE_CHECKING:
    from device.boards.interface import Board

_ADDRESS = const(0x48)
_TEMPERATURE = b"\x00"
_CONFIGURATION = b"\x01"
_IDENTITY = b"\x0f"
_DEVICE_ID = const(0x117)
_REVISION_MASK = const(0x0FFF)
_DATA_READY = const(0x20)  # in the first octet of the configuration
# Outside of this no liquid is in the rig, and the register's value before the first conversion is -256 degC.
_FAULT_LOW_MDEGC = const(-20_000)
_FAULT_HIGH_MDEGC = const(85_000)
# Consecutive transfers that may fail; reads without a new conversion (four reads in a second, and one conversion).
_TOLERATED = const(3)
_OVERDUE_READS = const(12)
# A count is a fourteenth of the noise of the liquid; two minutes of equal conversions are a stuck chip.
STUCK_CONVERSIONS = const(120)
# The range in which agent may be given (own).
LOW_MDEGC = const(10_000)
HIGH_MDEGC = const(35_000)


class Thermometer:
    """``mdegc`` is believed only while not ``faulty``; ``in_range`` says whether agent may be given at it.

    A read blocks for two short transfers, 0.2 ms at 400 kHz, and allocates nothing. ``held`` says that the last one
    ended in a time-out: the bus is held, and every other transfer would cost its time-out, too.
    """

    def __init__(self, board: "Board", bus: int) -> None:
        self._board = board
        self._bus = bus
        self._word = bytearray(2)
        self._identified = False
        self._failures = 0
        self._overdue = 0
        self._raw = 0x8000
        self._same = 0
        self.mdegc = 0
        self.in_range = False
        self.faulty = True
        self.held = False

    def read(self) -> None:
        """Ask whether there is a new conversion, and take it. At most one time-out."""
        self.held = False
        try:
            if not self._identified:
                self._identify()
            elif self._ready():
                self._take(self._register(_TEMPERATURE))
            else:
                self._wait()
        except OSError as error:
            self.held = timed_out(error)
            self._failures += 1
            if self._failures >= _TOLERATED:
                self._lost()

    def _register(self, number: bytes) -> int:
        self._board.i2c_writeto(self._bus, _ADDRESS, number)
        self._board.i2c_readfrom_into(self._bus, _ADDRESS, self._word)
        return (self._word[0] << 8) | self._word[1]

    def _ready(self) -> bool:
        self._register(_CONFIGURATION)
        return bool(self._word[0] & _DATA_READY)

    def _identify(self) -> None:
        """Another chip that answers here is no thermometer."""
        self._identified = self._register(_IDENTITY) & _REVISION_MASK == _DEVICE_ID
        self._failures = 0

    def _wait(self) -> None:
        self._failures = 0
        self._overdue += 1
        if self._overdue >= _OVERDUE_READS:
            self._lost()

    def _take(self, raw: int) -> None:
        self._failures = 0
        self._overdue = 0
        if raw == self._raw:
            if self._same < STUCK_CONVERSIONS:
                self._same += 1
        else:
            self._raw = raw
            self._same = 1
        count = raw - 65536 if raw & 0x8000 else raw
        mdegc = count * 1000 // 128
        if not _FAULT_LOW_MDEGC <= mdegc <= _FAULT_HIGH_MDEGC or self._same >= STUCK_CONVERSIONS:
            self.faulty = True
            self.in_range = False
            return
        self.faulty = False
        self.mdegc = mdegc
        self.in_range = LOW_MDEGC <= mdegc <= HIGH_MDEGC

    def _lost(self) -> None:
        """Believe nothing until the chip has said once more who it is and has converted."""
        self.faulty = True
        self.in_range = False
        self._identified = False
        self._failures = 0
        self._overdue = 0
