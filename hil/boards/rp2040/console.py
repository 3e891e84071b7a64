"""What the firmware prints, read where MicroPython hands it to its output routine: no port, no time, no change of code."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

from hil.boards.rp2040.chip import Chip

OUTPUT_ROUTINE = "mp_hal_stdout_tx_strn"
SRAM_START = 0x20000000
SRAM_END = 0x20042000
FLASH_BASE = 0x10000000
FLASH_END = 0x11000000
KEPT_OCTETS = 65536


def symbols(elf: Path) -> dict[str, int]:
    """Return the address of each named function and object in an ELF file; bit 0 of a function's is cleared."""
    sections = importlib.import_module("elftools.elf.elffile")
    with elf.open("rb") as file:
        table = sections.ELFFile(file).get_section_by_name(".symtab")
        named = [symbol for symbol in table.iter_symbols() if symbol.name]
        return {symbol.name: _address(symbol) for symbol in named}


def _address(symbol: Any) -> int:
    address = int(symbol["st_value"])
    return address & ~1 if symbol["st_info"]["type"] == "STT_FUNC" else address


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
