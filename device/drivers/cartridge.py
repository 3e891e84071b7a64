"""The memory in a cartridge: 24AA025 on I2C 0x50 + channel, 256 octets, pages of 16, 5 ms a page write (DS21210).

Layout, little-endian. A label that the filler writes once: version (1), kind: the channel it is for (1), lot (8),
serial (8), concentration in bots per nL (4), volume filled in nL (4), last day of use in days since 2000-01-01 (2); a
tag (16) over these 28 octets; a CRC-32 (4) over both, to tell what is damaged from what is forged. From octet 48 on two
pages with what is left: volume in nL (4), its complement (4), CRC-32 (4) over both and the serial.
"""

import struct
from binascii import crc32

from protocol.compat import const

TYPE_CHECKING = False
if TYPE_CHECKING:
    from device.boards.interface import Board

ADDRESS = const(0x50)
LABEL_FORMAT = "<BB8s8sIIH"
LABEL_OCTETS = const(28)
TAG_OCTETS = const(16)
SERIAL_AT = const(10)
SERIAL_OCTETS = const(8)
LEFT_AT = (48, 64)
LEFT_OCTETS = const(12)
# All that is read of a cartridge, in pieces of so many octets: 0.9 ms on the bus.
OCTETS = const(80)
PIECE = const(32)
# The number under which the tag is made: that of the message CARTRIDGE.
TAG_NUMBER = const(0x89)

_VERSION = const(1)
_TAGGED = const(44)
_CHECKED = const(48)
_PAGE = const(16)
_COMPLEMENT = const(0xFFFFFFFF)
_LARGEST_NL = const(0x3FFFFFFF)


def pack_label(kind: int, lot: bytes, serial: bytes, concentration: int, fill_nl: int, expiry_day: int) -> bytes:
    """Return the octets that the tag is made over."""
    return struct.pack(LABEL_FORMAT, _VERSION, kind, lot, serial, concentration, fill_nl, expiry_day)


def pack_memory(label: bytes, tag: bytes, left_nl: int) -> bytes:
    """Return what a whole memory begins with: OCTETS octets, the rest is erased."""
    head = label + tag
    serial = label[SERIAL_AT : SERIAL_AT + SERIAL_OCTETS]
    left = pack_left(serial, left_nl) + b"\xff" * (_PAGE - LEFT_OCTETS)
    return head + struct.pack("<I", crc32(head)) + left + left


def pack_left(serial: "bytes | bytearray", left_nl: int) -> bytes:
    """Return one copy of what is left. Allocates."""
    octets = struct.pack("<II", left_nl, _COMPLEMENT ^ left_nl)
    return octets + struct.pack("<I", crc32(serial, crc32(octets)))


def label_intact(memory: bytearray) -> bool:
    """Whether the label is the one that was written, whoever wrote it."""
    return struct.unpack_from("<I", memory, _TAGGED)[0] == crc32(memory[:_TAGGED]) and memory[0] == _VERSION


def left_of(memory: bytearray, copy: int) -> int:
    """Return what is left by one copy, nL; -1 when it is torn, damaged or of another cartridge."""
    at = LEFT_AT[copy]
    octets = memory[at : at + LEFT_OCTETS]
    left_nl: int = struct.unpack_from("<I", octets)[0]
    if left_nl > _LARGEST_NL or octets != pack_left(memory[SERIAL_AT : SERIAL_AT + SERIAL_OCTETS], left_nl):
        return -1
    return left_nl


class CartridgeMemory:
    """Reads pieces and writes pages of one cartridge. Raises OSError when it does not answer: absent, or writing."""

    def __init__(self, board: "Board", bus: int, channel: int) -> None:
        self._board = board
        self._bus = bus
        self._address = ADDRESS + channel
        self._at = bytearray(1)
        self._page = bytearray(1 + LEFT_OCTETS)

    def read_into(self, at: int, buffer: bytearray) -> None:
        """Fill ``buffer`` from octet ``at`` on. The second transfer is not tried when the first fails."""
        self._at[0] = at
        self._board.i2c_writeto(self._bus, self._address, self._at)
        self._board.i2c_readfrom_into(self._bus, self._address, buffer)

    def write_left(self, copy: int, octets: bytes) -> None:
        """Begin to write one copy of what is left; the memory does not answer for 5 ms."""
        self._page[0] = LEFT_AT[copy]
        self._page[1:] = octets
        self._board.i2c_writeto(self._bus, self._address, self._page)
