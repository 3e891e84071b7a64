"""Which firmware this is: a hash over its own sources, and the Python that runs it.

A product image carries the hash in ``device/_build.py``; anywhere else it is taken from the files beside this one, so
every way to run the same sources reports the same hash.
"""

import os
import sys
from hashlib import sha256

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

_PROTOCOL_SOURCES = (
    "__init__.py",
    "codes.py",
    "compat.py",
    "framing.py",
    "link.py",
    "link_buffers.py",
    "link_device.py",
    "wire_formats.py",
)
_FOLDERS = ("", "boards/", "drivers/")


def firmware_hash() -> bytes:
    """Return the first 8 octets of the SHA-256 over the firmware's sources, names and contents in sorted order."""
    try:
        from device._build import FIRMWARE_HASH  # type: ignore[import-not-found, unused-ignore]
    except ImportError:
        return hash_sources(__file__[: -len("identity.py")])
    return FIRMWARE_HASH


def hash_sources(device_folder: str) -> bytes:
    """Return the hash of the sources in ``device_folder`` (with a trailing slash) and in ``protocol`` beside it."""
    digest = sha256()
    for folder in _FOLDERS:
        for name in sorted(os.listdir(device_folder + folder or ".")):
            if name.endswith(".py") and name != "_build.py":
                _add(digest.update, "device/" + folder + name, device_folder + folder + name)
    for name in _PROTOCOL_SOURCES:
        _add(digest.update, "protocol/" + name, device_folder + "../protocol/" + name)
    return digest.digest()[:8]


def _add(update: "Callable[[bytes | bytearray], None]", name: str, path: str) -> None:
    update(name.encode())
    chunk = bytearray(512)
    with open(path, "rb") as source:
        while True:
            count = source.readinto(chunk)
            if not count:
                return
            update(chunk[:count])


def implementation() -> tuple:
    """Return name and version of the running Python as octets, at most 12 each."""
    version = ".".join([str(part) for part in sys.implementation.version[:3]])
    return (sys.implementation.name.encode()[:12], version.encode()[:12])
