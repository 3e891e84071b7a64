"""The records of doses as they stand in FRAM: a ring of 320, 80 octets each; record n stands in place n mod 320.

A record is little-endian: dose id (8), number of the record (4), treatment (8), lot (8), kind, channel, state, cause
(1 each), asked nL, asked steps, emitted steps, granted steps, patient min and max nL, waste min and max nL, boot count
(4 each), day (2), uptime ms (4), flags (2), CRC-32 of all before (4). Numbers begin with 1.
"""

import struct
from binascii import crc32

from device.limits import most_of, volume_of
from protocol import codes
from protocol.compat import const

RECORD_FORMAT = "<8sI8s8sBBBBIIIIIIIIIHIHI"
RECORD_SIZE = const(80)
RECORDS = const(320)
# The ring ends with the part; below it are marks and cells.
RING = const(0x1C00)

# Flags of a record.
FORMAT_1 = const(0x0100)
RECOVERED = const(0x0001)  # made at a start, of a dose that the power left open
TORN = const(0x0002)  # stands where the power cut tore the record of the same dose

NO_ID = b"\x00" * 8
_NEVER_WRITTEN = (b"\x00" * RECORD_SIZE, b"\xff" * RECORD_SIZE)
_BODY = const(76)
_NO_STEP = (0, 0, 0, 0)


def address_of(sequence: int) -> int:
    """Return where record ``sequence`` stands."""
    return RING + sequence % RECORDS * RECORD_SIZE


def encode(buffer: bytearray, at: int, sequence: int, record: tuple, flags: int) -> None:
    """Write ``record`` (see ``journal``) as number ``sequence`` to ``buffer`` at ``at``. Allocates."""
    values = (record[0], sequence) + record[1:] + (FORMAT_1 | flags, 0)
    struct.pack_into(RECORD_FORMAT, buffer, at, *values)
    struct.pack_into("<I", buffer, at + _BODY, crc32(memoryview(buffer)[at : at + _BODY]))


def decode(octets: memoryview) -> tuple | None:
    """Return (number, flags, record) of 80 octets, None when they are not an intact record. Allocates."""
    values = struct.unpack(RECORD_FORMAT, octets)
    if values[20] != crc32(octets[:_BODY]) or not values[1]:
        return None
    return (values[1], values[19], (values[0],) + values[2:19])


def never_written(octets: bytes | bytearray | memoryview) -> bool:
    """Whether the octets are as a new part holds them: all zero or all ones."""
    return bytes(octets) in (_NEVER_WRITTEN[0][: len(octets)], _NEVER_WRITTEN[1][: len(octets)])


def recovered(accepted: tuple, emitted_steps: int, granted_steps: int) -> tuple:
    """Return the record of a dose that the power left open, of which so many steps were emitted at least / at most.

    Without a grant nothing moved, which is known exactly; else every volume lies between nothing and all granted.
    """
    if granted_steps == 0:
        return (
            accepted[:5] + (codes.DOSE_PARTIAL, codes.CAUSE_POWER) + accepted[7:9] + (0, 0) + _NO_STEP + accepted[15:]
        )
    most_nl = most_of(_nominal_of(granted_steps, accepted[7], accepted[8]))
    patient_nl = 0 if accepted[3] in (codes.KIND_PRIME, codes.KIND_PURGE, codes.KIND_CALIBRATE) else most_nl
    return (
        accepted[:5]
        + (codes.DOSE_UNKNOWN, codes.CAUSE_POWER)
        + accepted[7:9]
        + (emitted_steps, granted_steps, 0, patient_nl, 0, most_nl)
        + accepted[15:]
    )


def unreadable(dose_id: bytes, most_nl: int) -> tuple:
    """Return what must be taken for the record of a dose whose record is damaged: anything up to ``most_nl``."""
    volumes = (0, most_of(most_nl), 0, most_of(most_nl))
    return (dose_id, NO_ID, NO_ID, 0, 0, codes.DOSE_UNKNOWN, codes.CAUSE_JOURNAL, 0, 0, 0, 0) + volumes + (0, 0, 0)


def _nominal_of(steps: int, asked_nl: int, asked_steps: int) -> int:
    """Return the larger of nominal volume and what the order's own volume of a step, calibrated, makes of ``steps``."""
    nominal_nl = volume_of(steps)
    if not asked_steps:
        return nominal_nl
    ordered_nl = (steps * asked_nl + asked_steps - 1) // asked_steps
    return ordered_nl if ordered_nl > nominal_nl else nominal_nl
