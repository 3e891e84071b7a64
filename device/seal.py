"""The seal of an image: how the firmware finds out at start that the flash holds what was built.

On the first page of 256 octets behind the image stand a mark of 8 octets, the image's length and its CRC-32, both of 4
octets, little-endian. The mark stands complemented in this file: the code that looks for it must not be taken for it.
"""

import struct
from binascii import crc32

from protocol.compat import const

PAGE = const(256)
_SEAL_OCTETS = const(16)
_FLASH_AT = const(0x10000000)
# The file system begins here: 1408 KiB before the end of 2 MiB.
_FLASH_OCTETS = const(0xA0000)
_COMPLEMENT = const(0xFF)
_MARK = b"\x6b\x5e\x91\x3d\x8d\x96\x98\xe4"


def sealed(image: bytes) -> bytes:
    """Return the image, filled up to a whole page, with its seal behind it."""
    image += b"\xff" * (-len(image) % PAGE)
    mark = bytes([octet ^ _COMPLEMENT for octet in _MARK])
    return image + mark + struct.pack("<II", len(image), crc32(image))


def intact(flash: "bytearray | memoryview") -> bool:
    """Whether the flash begins with an image and its seal. Takes some 50 ms on a Pico."""
    first = _MARK[0] ^ _COMPLEMENT
    for at in range(PAGE, len(flash) - _SEAL_OCTETS + 1, PAGE):
        if flash[at] == first and _marked(flash, at):
            length, crc = struct.unpack_from("<II", flash, at + len(_MARK))
            return length == at and crc == crc32(memoryview(flash)[:at])
    return False


def image_intact() -> bool:
    """Whether the image that runs is the one that was built. Where there is none, the sources are what they are."""
    try:
        import device._build  # type: ignore[import-not-found, unused-ignore]  # noqa: F401
    except ImportError:
        return True
    from uctypes import bytearray_at

    return intact(bytearray_at(_FLASH_AT, _FLASH_OCTETS))


def _marked(flash: "bytearray | memoryview", at: int) -> bool:
    for index in range(len(_MARK)):  # noqa: SIM110 -- a generator would be allocated
        if flash[at + index] ^ _COMPLEMENT != _MARK[index]:
            return False
    return True
