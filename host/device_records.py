"""The dose records of the device's journal, as GET_RECORD hands them out: 80 octets that become plain values.

Little-endian: dose id (8 octets), number of the record (4), treatment (8), lot (8), kind, channel, state, cause (1
each), asked nL, asked steps, emitted steps (at least), granted steps (at most), patient min and max nL, waste min and
max nL, count of the boot (4 each), day since 2000-01-01 (2), uptime ms (4), flags (2), CRC-32 of all before (4).
"""

import struct
from binascii import crc32
from dataclasses import dataclass
from typing import Any, Final

from host.records import FINAL_STATES, DoseReport, id_text, name_of

RECORD_OCTETS: Final = 80
# The device keeps so many; older ones are written over.
RECORDS_KEPT: Final = 320

_FORMAT: Final = struct.Struct("<8sI8s8sBBBBIIIIIIIIIHIHI")
_CHECKED_OCTETS: Final = RECORD_OCTETS - 4
_FORMAT_1: Final = 0x0100
_RECOVERED: Final = 0x0001
_TORN: Final = 0x0002


@dataclass(frozen=True, slots=True)
class DeviceRecord:
    """One dose as the device has written it down; volumes in nL as (at least, at most)."""

    number: int
    dose_id: bytes
    treatment: bytes
    lot: bytes
    kind: int
    channel: int
    state: int
    cause: int
    asked_nl: int
    asked_steps: int
    emitted_steps: int
    granted_steps: int
    patient_nl: tuple[int, int]
    waste_nl: tuple[int, int]
    boot_count: int
    day: int  # since 2000-01-01, 0 when the device did not know the date
    uptime_ms: int
    recovered: bool  # made at a start, of a dose that the power left open
    torn: bool  # stands where the power cut tore the record of the same dose
    octets: bytes

    def report(self) -> DoseReport:
        """Return it as the device tells a dose; what a record does not hold (emitted nL) stays 0."""
        return DoseReport(
            dose_id=self.dose_id,
            state=self.state,
            cause=self.cause,
            kind=self.kind,
            channel=self.channel,
            asked_nl=self.asked_nl,
            asked_steps=self.asked_steps,
            emitted_steps=self.emitted_steps,
            granted_steps=self.granted_steps,
            patient_nl=self.patient_nl,
            waste_nl=self.waste_nl,
            uptime_ms=self.uptime_ms,
        )

    def as_fields(self) -> dict[str, Any]:
        """Return every field as it stands in a ledger row, names in place of numbers; ``octets`` in hexadecimal."""
        return {
            "record": self.number,
            "order_kind": name_of("kind", self.kind),
            "channel": name_of("channel", self.channel),
            "state": name_of("dose_state", self.state),
            "cause": name_of("cause", self.cause),
            "treatment": id_text(self.treatment),
            "lot": id_text(self.lot),
            "asked_nl": self.asked_nl,
            "asked_steps": self.asked_steps,
            "emitted_steps": self.emitted_steps,
            "granted_steps": self.granted_steps,
            "to_patient_nl": list(self.patient_nl),
            "waste_nl": list(self.waste_nl),
            "boot_count": self.boot_count,
            "day": self.day,
            "device_uptime_ms": self.uptime_ms,
            "recovered": self.recovered,
            "torn": self.torn,
            "octets": self.octets.hex(),
        }


def decode(octets: bytes, number: int) -> DeviceRecord | None:
    """Return record ``number``, None when the octets are not an intact record of a dose that ended, with this number.

    A state that no ended dose has, or a format of a later firmware, is no record that could be compared.
    """
    if len(octets) != RECORD_OCTETS:
        return None
    values = _FORMAT.unpack(octets)
    flags, state = values[19], values[6]
    if values[20] != crc32(octets[:_CHECKED_OCTETS]) or values[1] != number or not number:
        return None
    if not flags & _FORMAT_1 or state not in FINAL_STATES or not any(values[0]):
        return None
    return DeviceRecord(
        number=number,
        dose_id=values[0],
        treatment=values[2],
        lot=values[3],
        kind=values[4],
        channel=values[5],
        state=state,
        cause=values[7],
        asked_nl=values[8],
        asked_steps=values[9],
        emitted_steps=values[10],
        granted_steps=values[11],
        patient_nl=(values[12], values[13]),
        waste_nl=(values[14], values[15]),
        boot_count=values[16],
        day=values[17],
        uptime_ms=values[18],
        recovered=bool(flags & _RECOVERED),
        torn=bool(flags & _TORN),
        octets=bytes(octets),
    )
