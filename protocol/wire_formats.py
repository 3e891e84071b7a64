"""What the controller has of the declaration: message numbers, sizes, formats and the schema hash.

Written by ``python -m protocol.generate``. The tables are constants, which a frozen module leaves in flash.
"""

import struct

from protocol.compat import const

HELLO = const(0x01)
PING = const(0x02)
DOSE_ORDER = const(0x03)
GET_DOSE = const(0x04)
PAUSE = const(0x05)
RESUME = const(0x06)
CLEAR = const(0x07)
GET_STATUS = const(0x08)
STOP = const(0x0F)
PERMIT = const(0x09)
OPEN_TREATMENT = const(0x0A)
CLOSE_TREATMENT = const(0x0B)
SET_CEILINGS = const(0x0C)
SET_PRESSURE_LIMIT = const(0x1C)
SET_DATE = const(0x0D)
HOLD = const(0x0E)
CLEAR_BY_CLINICIAN = const(0x10)
RESOLVE = const(0x11)
ACKNOWLEDGE = const(0x12)
PAUSE_AUDIO = const(0x13)
TEST_ALARMS = const(0x14)
SET_CALIBRATION = const(0x15)
GET_CALIBRATION = const(0x16)
GET_TREATMENT = const(0x17)
GET_CARTRIDGE = const(0x18)
GET_RECORD = const(0x19)
SET_KEY = const(0x1A)
SET_RIG = const(0x1B)
WELCOME = const(0x81)
PONG = const(0x82)
DOSE_STATE = const(0x83)
STATUS = const(0x84)
STOPPED = const(0x85)
REFUSED = const(0x86)
RESULT = const(0x87)
TREATMENT = const(0x88)
CARTRIDGE = const(0x89)
CALIBRATION = const(0x8A)
RECORD = const(0x8B)
TELEMETRY = const(0x90)
LINK_STATS = const(0x91)
SIGNED_STATUS = const(0x92)
ALARMS = const(0x93)

SCHEMA = b"\x17\x6f\xb6\x93\x7b\x03\x73\x25"

# The size of a number that is no message.
UNUSED = const(255)

# By message number: the octets of the body, and how ``struct`` packs it.
# fmt: off
SIZES = (
    b"\xff\x0c\x04\x57\x08\x08\x08\x00\x00\x48\x4d\x24\x3e\x1e\x25\x01"
    b"\x1c\x08\x04\x02\x00\x0c\x01\x00\x01\x04\x25\x08\x20\xff\xff\xff"
    b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"
    b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"
    b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"
    b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"
    b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"
    b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"
    b"\xff\x59\x08\x39\x39\x16\x0a\x0b\x4a\x21\x13\x59\xff\xff\xff\xff"
    b"\x33\x28\x58\x14\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"
    b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"
    b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"
    b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"
    b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"
    b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"
    b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"
)
FORMATS = (
    "", "<4s8s", "<I", "<8s8s8s4sIBBB8sIII24s8s",
    "<8s", "<8s", "<8s", "<",
    "<", "<8s8sI8s8s8sIII16s", "<8sI8sHBIIIIIHIIII16s", "<8sI8s16s",
    "<8sIIIIIHIIII16s", "<8sIH16s", "<8sI8sB16s", "<B",
    "<8sI16s", "<8s", "<I", "<H",
    "<", "<8sI", "<B", "<",
    "<B", "<I", "<BI32s", "<8s",
    "<8sII16s", "", "", "",
    "", "", "", "",
    "", "", "", "",
    "", "", "", "",
    "", "", "", "",
    "", "", "", "",
    "", "", "", "",
    "", "", "", "",
    "", "", "", "",
    "", "", "", "",
    "", "", "", "",
    "", "", "", "",
    "", "", "", "",
    "", "", "", "",
    "", "", "", "",
    "", "", "", "",
    "", "", "", "",
    "", "", "", "",
    "", "", "", "",
    "", "", "", "",
    "", "", "", "",
    "", "", "", "",
    "", "", "", "",
    "", "", "", "",
    "", "", "", "",
    "", "<4s4s8s8s8s12s12s12s8s8sIB", "<II", "<8sBBBBBIIIIIIIIIII",
    "<IBBBBBB8sBB8sBBBHIIIIII", "<BBI8sII", "<BB8s", "<BBIBI",
    "<8sHBBIIIIIHIIIIIIIIII", "<BBB8s8sIIIH", "<BIHIIHH", "<BII80s",
    "", "", "", "",
    "<IBBBBBB8sBIIIIiiiHH", "<IIIIIIIIII", "<8s8sII8s8s8sBBBBIIIII16s", "<IIIIBBBB",
)
# fmt: on


def encode_body(number: int, buffer: bytearray | memoryview, offset: int, *values: int | bytes) -> int:
    """Write the body of message ``number`` at ``offset`` and return the offset behind it.

    The values come in the order of the declaration.
    """
    struct.pack_into(FORMATS[number], buffer, offset, *values)
    return offset + SIZES[number]


def decode_body(
    number: int, buffer: bytes | bytearray | memoryview, offset: int, end: int
) -> tuple[int | bytes, ...] | None:
    """Return the values of message ``number`` from ``buffer[offset:end]``, or None when number or length is wrong."""
    if SIZES[number] != end - offset:
        return None
    return struct.unpack_from(FORMATS[number], buffer, offset)


def schema_hash() -> bytes:
    """Return the 8 octets that differ when any message, field, unit, enumeration or the frame layout differs."""
    return SCHEMA
