"""The firmware from the file system of a stock MicroPython image, as with a flashed Pico and mpremote.

A stock image mounts the littlefs at the end of the flash and runs the main.py on it. This makes that file system with
device/, protocol/ and a main.py, and looks hard at the image before it believes it.
"""

from __future__ import annotations

import re
import struct
from pathlib import Path

from hil.boards.base import BoardError
from hil.boards.rp2040.chip import FLASH_SIZE, FLASH_START, read_image
from hil.toolchain.image import PROTOCOL_MODULES, REPOSITORY

BLOCK = 512
MAGIC_START, MAGIC_SECOND, MAGIC_END = 0x0A324655, 0x9E5D5157, 0x0AB16F30
FLAG_NOT_FLASH, FLAG_FAMILY = 0x0001, 0x2000
FAMILY_RP2040 = 0xE48BFF56
FAMILIES = {0xE48BFF59: "RP2350", 0xE48BFF5A: "RP2350 (RISC-V)", 0xE48BFF57: "any chip of the RP2 family"}
PAYLOAD_MOST = 476

FILE_SYSTEM_AT = 0xA0000
FILE_SYSTEM_BLOCK = 4096
LEAST_OCTETS = 200_000
"""No MicroPython for this chip is smaller."""

OLDEST = (1, 25)
BANNER = re.compile(rb"MicroPython v(\d+)\.(\d+)[^;\0]{0,60}")
NAME = b"MicroPython"

MAIN = """\
import gc
gc.threshold(2048)
from device.main import main
main()
"""


class ImageError(BoardError):
    """The file is no image that could be run: what is wrong with it and what to do."""


def check_image(path: Path) -> None:
    """Look at an image before anything is built on it. Raises ImageError."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise ImageError(f"{path} cannot be read: {error.strerror}") from None
    blocks = [_block(path, data, start) for start in range(0, len(data), BLOCK)]
    if not blocks:
        raise ImageError(f"{path} is empty")
    _check_complete(path, blocks)
    flash = read_image(path)
    if len(flash) > FILE_SYSTEM_AT:
        raise ImageError(f"{path} reaches {len(flash)} octets into the flash, where the file system begins")
    _check_micropython(path, flash)


def _block(path: Path, data: bytes, start: int) -> tuple[int, int, int]:
    """Return number, count and address of one UF2 block."""
    block = data[start : start + BLOCK]
    if start == 0 and block[:4] != struct.pack("<I", MAGIC_START):
        raise ImageError(f"{path} is not a UF2 file; take the .uf2 of MicroPython for the Raspberry Pi Pico")
    if len(block) < BLOCK:
        raise ImageError(f"{path} is cut off in its block {start // BLOCK}; fetch it again")
    first, second, flags, address, size, number, count, family = struct.unpack_from("<8I", block)
    if (first, second) != (MAGIC_START, MAGIC_SECOND) or block[-4:] != struct.pack("<I", MAGIC_END):
        raise ImageError(f"{path} is damaged in its block {start // BLOCK}; fetch it again")
    if flags & FLAG_FAMILY and family != FAMILY_RP2040:
        raise ImageError(f"{path} is for {FAMILIES.get(family, f'family {family:#x}')}, not for the RP2040 of the Pico")
    if flags & FLAG_NOT_FLASH or not FLASH_START <= address < FLASH_START + FLASH_SIZE or size > PAYLOAD_MOST:
        raise ImageError(f"{path} does not go into the Pico's flash (address {address:#x} in block {start // BLOCK})")
    return number, count, address


def _check_complete(path: Path, blocks: list[tuple[int, int, int]]) -> None:
    count = blocks[0][1]
    if len(blocks) < count:
        raise ImageError(f"{path} is cut off: it has {len(blocks)} of {count} blocks; fetch it again")
    numbers = {number for number, _, _ in blocks}
    if numbers != set(range(count)) or min(address for _, _, address in blocks) != FLASH_START:
        raise ImageError(f"{path} is incomplete: blocks are missing or doubled, or it does not begin the flash")


def _check_micropython(path: Path, flash: bytes) -> None:
    if len(flash) < LEAST_OCTETS or NAME not in flash:
        raise ImageError(f"{path} is no MicroPython ({len(flash)} octets of flash)")
    banner = BANNER.search(flash)
    if banner and (int(banner[1]), int(banner[2])) < OLDEST:
        wanted = ".".join(map(str, OLDEST))
        raise ImageError(f"{path} is {banner[0].decode(errors='replace')}; the firmware needs {wanted} or newer")


def flash_with_firmware(image: Path, repository: Path = REPOSITORY) -> bytes:
    """Return the flash of a Pico with this image and the firmware's sources on its file system. Raises ImageError."""
    check_image(image)
    flash = read_image(image)
    return flash + b"\xff" * (FILE_SYSTEM_AT - len(flash)) + file_system(repository)


def file_system(repository: Path) -> bytes:
    """Return the littlefs, as MicroPython makes and mounts it."""
    try:
        from littlefs import LittleFS  # noqa: PLC0415 -- only who runs another image needs it
    except ImportError:
        raise ImageError("--image needs the Python package littlefs-python: pip install littlefs-python") from None
    count = (FLASH_SIZE - FILE_SYSTEM_AT) // FILE_SYSTEM_BLOCK
    files = LittleFS(
        block_size=FILE_SYSTEM_BLOCK, block_count=count, read_size=32, prog_size=256, disk_version=0x00020000
    )
    for name, source in firmware_files(repository).items():
        folder = str(Path(name).parent)
        if folder != ".":
            files.makedirs(folder, exist_ok=True)
        with files.open(name, "wb") as file:
            file.write(source)
    return bytes(files.context.buffer)


def firmware_files(repository: Path) -> dict[str, bytes]:
    """Return what a user would copy onto the Pico: name to contents."""
    device = (path for path in sorted((repository / "device").rglob("*.py")) if "__pycache__" not in path.parts)
    paths = [*device, *(repository / "protocol" / name for name in PROTOCOL_MODULES)]
    files = {path.relative_to(repository).as_posix(): path.read_bytes() for path in paths}
    return {**files, "main.py": MAIN.encode()}
