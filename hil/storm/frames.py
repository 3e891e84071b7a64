"""Frames on the wire, read with code of its own: a decoder that the judge shares with the device shares its errors."""

from binascii import crc32
from dataclasses import dataclass
from struct import unpack, unpack_from

from protocol import messages, typed

_HEADER_OCTETS = 7
_CRC_OCTETS = 4


@dataclass(frozen=True, slots=True)
class SeenFrame:
    """One intact frame, at the instant its last octet arrived. ``message`` is None for a body that makes no sense."""

    now_ns: int
    number: int
    session: bytes
    seq: int
    message: typed.Message | None
    octets: bytes


_KINDS = {kind.NUMBER: kind for kind in typed.Message.__subclasses__()}


def payload_of(octets: bytes) -> bytes | None:
    """Return what the frame carries, undone from COBS and checked by its CRC; None when it is not intact."""
    data = octets[:-1]
    payload = bytearray()
    at = 0
    while at < len(data):
        code = data[at]
        block = data[at + 1 : at + code]
        if code == 0 or len(block) != code - 1 or 0 in block:
            return None
        payload += block
        at += code
        if code < 0xFF and at < len(data):
            payload.append(0)
    if len(payload) < _HEADER_OCTETS + _CRC_OCTETS:
        return None
    body = bytes(payload[:-_CRC_OCTETS])
    return body if crc32(body) == unpack("<I", payload[-_CRC_OCTETS:])[0] else None


def seen(now_ns: int, octets: bytes) -> SeenFrame | None:
    """Return the intact frame at the end of these octets, None when there is none."""
    payload = payload_of(octets)
    if payload is None:
        return None
    number, session, seq = unpack_from("<B4sH", payload)
    return SeenFrame(now_ns, number, session, seq, _message(number, payload[_HEADER_OCTETS:]), octets)


def seen_after_a_reset(now_ns: int, octets: bytes) -> SeenFrame | None:
    """Return the intact frame at the end of these octets, whatever was cut off in front of it."""
    return next(filter(None, (seen(now_ns, octets[start:]) for start in range(len(octets)))), None)


def _message(number: int, body: bytes) -> typed.Message | None:
    kind = _KINDS.get(number)
    if kind is None or len(body) != messages.SIZES[number]:
        return None
    values = messages.decode_body(number, body, 0, len(body))
    return None if values is None else kind.from_values(values)
