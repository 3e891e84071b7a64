"""Runs the programs of ``on_micropython``: as a process of the Unix port, or on the emulated Pico."""

import subprocess
from pathlib import Path

from hil.boards.rp2040 import IMAGE_FOLDER, current_image
from hil.boards.rp2040.chip import Chip, read_image
from hil.boards.rp2040.console import Console
from tests.protocol.frames import vectors

ROOT = Path(__file__).parents[2]
PROGRAMS = Path(__file__).parent / "on_micropython"
TIME_LIMIT_S = 120

BOOT_NS = 300_000_000
OCTET_NS = 10_851
SLICE_NS = 20_000_000
# Of the emulated Pico's own time.
PICO_LIMIT_NS = 120_000_000_000
ACK = b"\x06"


def program(name: str, **settings: object) -> str:
    """Return the text of a program, with its settings in front."""
    head = "".join(f"{key} = {value!r}\n" for key, value in settings.items())
    return head + (PROGRAMS / f"{name}.py").read_text("utf-8")


def golden_rows() -> list[tuple[str, dict]]:
    """Return all golden vectors, each with the name of its file."""
    return [(name, row) for name in ("messages", "payloads", "rejects") for row in vectors(name)]


def run_process(command: list[str], text: str, folder: Path) -> str:
    """Run a program under a Python given by its command and return what it printed."""
    path = folder / "program.py"
    path.write_text(text, "utf-8")
    environment = {"MICROPYPATH": f"{ROOT}:.frozen", "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [*command, str(path)], env=environment, capture_output=True, text=True, timeout=TIME_LIMIT_S, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout.strip()


class EmulatedPico:
    """An emulated Pico with the bench's image, which runs the programs that come over its UART."""

    def __init__(self) -> None:
        image = current_image(IMAGE_FOLDER.with_name("bench-image"), "bench")
        self._answer = bytearray()
        self._chip = Chip(
            read_image(image), lambda pin, level, now_ns: None, lambda octet, _: self._answer.append(octet)
        )
        self._console = Console(self._chip, image.with_suffix(".elf"))
        self._chip.run_until(BOOT_NS)

    def run(self, text: str) -> str:
        """Run a program and return what it printed."""
        # No file system there: what the program takes from the module beside it goes in front.
        lines = text.splitlines()
        if any("on_micropython.device_end" in line for line in lines):
            text = program("device_end") + "\n".join(line for line in lines if "device_end" not in line)
        self._answer.clear()
        self._console.clear()
        data = text.encode()
        self._chip.uart.send_to_device(len(data).to_bytes(4, "little") + data, OCTET_NS)
        limit_ns = self._chip.now_ns + PICO_LIMIT_NS
        while not self._answer and self._chip.now_ns < limit_ns:
            self._chip.run_until(self._chip.now_ns + SLICE_NS)
        assert self._answer == ACK, self._console.text
        return self._console.text.replace("\r\n", "\n").strip()
