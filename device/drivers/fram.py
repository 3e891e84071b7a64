"""FRAM MB85RC256V on I2C 0x50: 32 KiB, 16-bit address, writes at bus speed, power may vanish after any octet."""

from protocol.compat import const

TYPE_CHECKING = False
if TYPE_CHECKING:
    from device.boards.interface import Board

_ADDRESS = const(0x50)
SIZE = const(32768)


class Fram:
    """Reads and writes whole buffers. Raises OSError when the part does not answer, ValueError beyond its end."""

    def __init__(self, board: "Board", bus: int) -> None:
        self._board = board
        self._bus = bus

    def read_into(self, address: int, buffer: bytearray | memoryview) -> None:
        """Fill ``buffer`` from ``address``."""
        if address < 0 or address + len(buffer) > SIZE:
            _refuse(address, len(buffer))
        self._board.i2c_readfrom_mem_into(self._bus, _ADDRESS, address, buffer)

    def write(self, address: int, buffer: bytes | bytearray | memoryview) -> None:
        """Write ``buffer`` at ``address``, first octet first."""
        if address < 0 or address + len(buffer) > SIZE:
            _refuse(address, len(buffer))
        self._board.i2c_writeto_mem(self._bus, _ADDRESS, address, buffer)


def _refuse(address: int, length: int) -> None:
    raise ValueError("FRAM address {} + {} beyond {}".format(address, length, SIZE))
