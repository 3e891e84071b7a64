"""Pieces of MicroPython on the emulated Pico: the bench image takes them over its UART, the chip records its pins."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from hil.boards.line import OCTET_NS
from hil.boards.rp2040.chip import Chip, read_image
from hil.boards.rp2040.console import Console

ACKNOWLEDGED = b"\x06"
CONTINUED = "#+\n"
BOOT_NS = 100_000_000
SLICE_NS = 1_000_000
LIMIT_NS = 20_000_000_000


class ScriptError(Exception):
    """The script raised, or did not end in time; the text is what it printed."""


@dataclass(frozen=True)
class PinChange:
    """A pin that the chip drives took another level."""

    now_ns: int
    pin: int
    level: bool


class ScriptedPico:
    """An emulated Pico with nothing but levels at its pins. Times are ns since its power-on."""

    def __init__(self, image: Path) -> None:
        """``image`` is the bench variant of the firmware image, with its .elf beside it."""
        self.changes: list[PinChange] = []
        self._answer = bytearray()
        self.chip = Chip(read_image(image), self._changed, self._octet)
        self.console = Console(self.chip, image.with_suffix(".elf"))
        self.chip.run_until(BOOT_NS)

    @property
    def now_ns(self) -> int:
        """The time reached."""
        return self.chip.now_ns

    @property
    def finished(self) -> bool:
        """Whether the script that was sent last has ended."""
        return bool(self._answer)

    def send(self, text: str) -> None:
        """Put a script on the line; it runs as time passes."""
        self.console.clear()
        self._answer.clear()
        data = text.encode()
        self.chip.uart.send_to_device(len(data).to_bytes(4, "little") + data, OCTET_NS)

    def run_for(self, duration_ns: int) -> None:
        """Let time pass."""
        self.chip.run_until(self.now_ns + duration_ns)

    def finish(self) -> str:
        """Let time pass until the script has ended; return what it printed. Raises ScriptError."""
        limit_ns = self.now_ns + LIMIT_NS
        while not self._answer and self.now_ns < limit_ns:
            self.run_for(SLICE_NS)
        text = self.console.text.replace("\r\n", "\n").strip()
        if bytes(self._answer) != ACKNOWLEDGED:
            raise ScriptError(text)
        return text

    def run(self, text: str) -> str:
        """Send a script, let it run to its end and return what it printed. Raises ScriptError."""
        self.send(text)
        return self.finish()

    def go_on(self, text: str) -> str:
        """Do the same with the names of the script before."""
        return self.run(CONTINUED + text)

    def rises(self, pin: int) -> list[int]:
        """Return the times of the rising edges at a pin."""
        return [change.now_ns for change in self.changes if change.pin == pin and change.level]

    def _changed(self, pin: int, level: bool, now_ns: int) -> None:
        self.changes.append(PinChange(now_ns, pin, level))

    def _octet(self, octet: int, _now_ns: int) -> None:
        self._answer.append(octet)
