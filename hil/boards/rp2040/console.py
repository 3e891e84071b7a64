"""What the firmware prints, read where MicroPython hands it to its output routine: no port, no time, no other code."""

from __future__ import annotations

import struct
from pathlib import Path

from hil.boards.rp2040.chip import Chip

OUTPUT_ROUTINE = "mp_hal_stdout_tx_strn"
SRAM_START = 0x20000000
SRAM_END = 0x20042000
FLASH_BASE = 0x10000000
FLASH_END = 0x11000000
KEPT_OCTETS = 65536

# Type of the ELF section that holds the symbols, and of a symbol that is a function.
SYMBOL_TABLE = 2
FUNCTION = 2


def symbols(elf: Path) -> dict[str, int]:
    """Return the address of each named function and object in a 32-bit ELF file; bit 0 of a function's is cleared."""
    data = elf.read_bytes()
    headers_at, _, _, _, _, size, count = struct.unpack_from("<I I HHHHH", data, 0x20)
    headers = [struct.unpack_from("<10I", data, headers_at + index * size) for index in range(count)]
    _, _, _, _, start, length, names_index, *_ = next(header for header in headers if header[1] == SYMBOL_TABLE)
    names_at = headers[names_index][4]
    found = {}
    for name_at, address, _, info, _, _ in struct.iter_unpack("<IIIBBH", data[start : start + length]):
        if name_at:
            name = data[names_at + name_at : data.index(0, names_at + name_at)].decode()
            found[name] = address & ~1 if info & 15 == FUNCTION else address
    return found


class Console:
    """The text that the firmware printed since power-on, the last 64 KiB of it."""

    def __init__(self, chip: Chip, elf: Path) -> None:
        self._chip = chip
        self._text = bytearray()
        chip.loop.watch(symbols(elf)[OUTPUT_ROUTINE], self._printed)

    @property
    def text(self) -> str:
        """What was printed, with line ends as the firmware sent them."""
        return self._text.decode("utf-8", "replace")

    def clear(self) -> None:
        """Forget what was printed so far."""
        self._text.clear()

    def _printed(self) -> None:
        registers = self._chip.mcu.core.registers
        self._text += read_memory(self._chip, registers[0], registers[1])
        del self._text[:-KEPT_OCTETS]


def read_memory(chip: Chip, address: int, length: int) -> bytes:
    """Copy octets from flash or SRAM as the processor would see them; empty for any other address."""
    if SRAM_START <= address < SRAM_END:
        return bytes(chip.mcu.sram[address - SRAM_START : address - SRAM_START + length])
    if FLASH_BASE <= address < FLASH_END:
        return bytes(chip.mcu.flash[address - FLASH_BASE : address - FLASH_BASE + length])
    return b""
