"""Liquid flow sensor Sensirion SLF3S-0600F (data sheet: I2C 0x08, CRC-8 polynomial 0x31, start value 0xFF)."""

from device.drivers.errors import timed_out
from protocol.compat import const

TYPE_CHECKING = False
if TYPE_CHECKING:
    from device.boards.interface import Board

_ADDRESS = const(0x08)
_START_WATER = b"\x36\x08"
_STOP = b"\x3f\xf9"
_WORD_OCTETS = const(3)
_SCALE_PER_UL_MIN = const(10)
_SCALE_PER_DEGC = const(200)
_FLAG_AIR = const(1)
# Consecutive reads that may fail before the sensor counts as faulty; the first result takes 60 ms after start.
_TOLERATED = const(3)
_START_READS = const(20)
# A sensor that is faulty is asked every fourth time: others on the bus have their turn between two time-outs.
_RETRY_EVERY = const(4)
# Noise at rest is some ten counts: so many equal flows in a row, a second of them, are a stuck sensor.
STUCK_READS = const(100)
# The end of the scale, and what no liquid in the rig is at (-20 and 85 degC).
_FLOW_END = const(32_767)
_COLDEST = const(-4_000)
_WARMEST = const(17_000)


def _crc8_table() -> bytes:
    table = bytearray(256)
    for octet in range(256):
        crc = octet
        for _ in range(8):
            crc = ((crc << 1) ^ 0x31) & 0xFF if crc & 0x80 else (crc << 1) & 0xFF
        table[octet] = crc
    return bytes(table)


CRC8 = _crc8_table()


class FlowSensor:
    """``flow_nl_s`` and ``temperature_mdegc`` are believed only while not ``faulty``; ``air`` is the sensor's own flag.

    One read blocks for the 10 octets on the bus, 0.25 ms at 400 kHz; it allocates nothing. ``held`` says that the last
    one ended in a time-out: the bus is held, and every other transfer would cost its time-out, too.
    """

    def __init__(self, board: "Board", bus: int) -> None:
        self._board = board
        self._bus = bus
        self._reply = bytearray(9)
        self._failures = 0
        self._started = False
        self._stop_first = False
        self._fresh_reads = 0
        self._skipped = 0
        self._word = -_FLOW_END
        self._same = 0
        self.flow_nl_s = 0
        self.temperature_mdegc = 0
        self.air = False
        self.faulty = True
        self.held = False

    def read(self) -> None:
        """Take one measurement; start the sensor when it is not measuring."""
        self.held = False
        if self._skipped:
            self._skipped -= 1
            return
        try:
            if not self._started:
                self._start()
                return
            self._board.i2c_readfrom_into(self._bus, _ADDRESS, self._reply)
        except OSError as error:
            self.held = timed_out(error)
            self._failed()
            return
        reply = self._reply
        if not self._intact(reply):
            self._failed()
            return
        self._failures = 0
        self._fresh_reads = 0
        # Two's complement, high octet first.
        word = ((reply[0] ^ 0x80) << 8 | reply[1]) - 0x8000
        if word == self._word:
            if self._same < STUCK_READS:
                self._same += 1
        else:
            self._word = word
            self._same = 1
        degrees = ((reply[3] ^ 0x80) << 8 | reply[4]) - 0x8000
        self.air = bool(reply[7] & _FLAG_AIR)
        self.faulty = self._same >= STUCK_READS or abs(word) >= _FLOW_END or not _COLDEST <= degrees <= _WARMEST
        if not self.faulty:
            # 1 uL/min = 1000 / 60 nL/s; scale 10 per uL/min.
            self.flow_nl_s = word * 100 // (6 * _SCALE_PER_UL_MIN)
            self.temperature_mdegc = degrees * 1000 // _SCALE_PER_DEGC

    def _start(self) -> None:
        """Send one command. A sensor that measures since before a reset takes a stop, and then a start."""
        if self._stop_first:
            self._stop_first = False
            self._board.i2c_writeto(self._bus, _ADDRESS, _STOP)
            return
        self._stop_first = True
        self._board.i2c_writeto(self._bus, _ADDRESS, _START_WATER)
        self._stop_first = False
        self._started = True
        self._fresh_reads = _START_READS

    def _intact(self, reply: bytearray) -> bool:
        table = CRC8
        return (
            table[table[0xFF ^ reply[0]] ^ reply[1]] == reply[2]
            and table[table[0xFF ^ reply[3]] ^ reply[4]] == reply[5]
            and table[table[0xFF ^ reply[6]] ^ reply[7]] == reply[8]
        )

    def _failed(self) -> None:
        if self._fresh_reads > 0:
            self._fresh_reads -= 1
            return
        self._failures += 1
        if self._failures >= _TOLERATED:
            self.faulty = True
            self._failures = 0
            self._started = False
        if self.faulty:
            self._skipped = _RETRY_EVERY - 1
