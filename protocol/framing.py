"""Frames on the wire: COBS(payload + CRC-32 of it, little-endian) + 0x00, at most 128 octets with the delimiter.

CRC-32 is that of zlib and Ethernet (``binascii.crc32``). COBS as by Cheshire and Baker (1999); a frame is too short for
its 254-octet blocks. The octet loops are viper code under MicroPython and the same source under CPython.
"""

from binascii import crc32

from protocol import compat as micropython
from protocol.compat import const, ptr8

MAX_FRAME = const(128)
"""Longest frame in octets: one COBS code, payload, CRC, delimiter."""

CRC_SIZE = const(4)
MAX_PAYLOAD = const(122)
"""Longest payload in octets: a longest frame without code, CRC and delimiter."""

DELIMITER = const(0)

# What crc32 makes of any payload followed by its own CRC; below 2^30, so that comparing allocates nothing.
_RESIDUE = const(0x2144DF1C)
# COBS code, one octet of payload and the CRC, without the delimiter.
_SHORTEST = const(6)
_LONGEST = const(127)


@micropython.viper
def _stuff(source: ptr8, length: int, crc: int, target: ptr8) -> int:
    """Append the CRC to ``source[:length]``, write COBS of both and the delimiter to ``target``, return its length."""
    source[length] = crc & 0xFF
    source[length + 1] = (crc >> 8) & 0xFF
    source[length + 2] = (crc >> 16) & 0xFF
    source[length + 3] = (crc >> 24) & 0xFF
    end = length + 4
    code_at = 0
    out = 1
    at = 0
    while at < end:
        octet = source[at]
        if octet == 0:
            target[code_at] = out - code_at
            code_at = out
        else:
            target[out] = octet
        out += 1
        at += 1
    target[code_at] = out - code_at
    target[out] = 0
    return out + 1


@micropython.viper
def _unstuff(buffer: ptr8, length: int) -> int:
    """Undo COBS in place and return the new length, 0 when the codes do not end where the frame does."""
    code = int(buffer[0])
    at = 1
    while at < length:
        octet = int(buffer[at])
        if at == code:
            code = at + octet
            octet = 0
        buffer[at - 1] = octet
        at += 1
    if code == length:
        return length - 1
    return 0


@micropython.viper
def _collect(chunk: ptr8, start: int, end: int, buffer: ptr8, fill: int) -> int:
    """Copy ``chunk[start:end]`` up to a delimiter to ``buffer[fill:127]``; return where the delimiter is, else end."""
    while start < end:
        octet = chunk[start]
        if octet == 0:
            break
        if fill < 127:
            buffer[fill] = octet
            fill += 1
        start += 1
    return start


@micropython.viper
def copy_octets(source: ptr8, length: int, target: ptr8) -> int:
    """Copy ``source[:length]`` to ``target`` without the objects that slices would cost. Checks no length."""
    at = 0
    while at < length:
        target[at] = source[at]
        at += 1
    return at


def encode_frame(source: memoryview, length: int, target: bytearray | memoryview) -> int:
    """Write the frame of the payload ``source[:length]`` to ``target`` and return the frame's length.

    ``source`` needs room for 4 octets of CRC behind the payload, ``target`` for ``length + 6``. Raises ``ValueError``
    for a payload that is empty, too long for a frame, or without that room.
    """
    if not 0 < length <= MAX_PAYLOAD or len(source) < length + 4 or len(target) < length + 6:
        raise ValueError("payload length")
    return _stuff(source, length, crc32(source[:length]), target)


class FrameDecoder:
    """Finds frames in a stream of octets, in one buffer, whatever the octets are.

    After ``feed`` a ``length`` above 0 says that ``buffer[:length]`` holds the payload of a valid frame, until the next
    ``feed``. ``bad_crc`` counts frames whose CRC is wrong, ``bad_frames`` those with bad COBS or a bad length.
    """

    def __init__(self) -> None:
        self.buffer = bytearray(MAX_FRAME)
        self.length = 0
        self.bad_crc = 0
        self.bad_frames = 0
        self._view = memoryview(self.buffer)
        # Octets since the last delimiter; stays above _LONGEST when they are too many.
        self._fill = 0

    def feed(self, chunk: bytes | bytearray | memoryview, start: int, end: int) -> int:
        """Take ``chunk[start:end]`` up to and including the next delimiter and return where to go on.

        Allocates one small object a frame, none otherwise. Never raises.
        """
        self.length = 0
        if start < 0 or end > len(chunk):
            start = max(start, 0)
            end = min(end, len(chunk))
        if start >= end:
            return end
        fill = self._fill
        stop = _collect(chunk, start, end, self.buffer, fill)
        fill += stop - start
        if stop == end:
            self._fill = fill if fill <= _LONGEST else _LONGEST + 1
            return end
        self._fill = 0
        if fill:
            self._finish(fill)
        return stop + 1

    def _finish(self, fill: int) -> None:
        if fill < _SHORTEST or fill > _LONGEST:
            self.bad_frames += 1
            return
        length = _unstuff(self.buffer, fill)
        if length == 0:
            self.bad_frames += 1
        elif crc32(self._view[:length]) != _RESIDUE:
            self.bad_crc += 1
        else:
            self.length = length - CRC_SIZE
