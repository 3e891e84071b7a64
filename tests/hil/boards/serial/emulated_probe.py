"""The probe's program on the emulated RP2040: its own files, as they would lie on the second Pico."""

from pathlib import Path

import hil
from hil.boards.rp2040.scripts import CONTINUED, ScriptedPico

ROOT = Path(hil.__file__).parents[1]
FILES = ("wire.py", "stamps.py", "session.py", "pins.py")
FOLDER = "hil/boards/serial/probe"
ESTOP, DOOR, BUBBLE, SAFE, VALVE = 12, 13, 14, 15, 17
DIRECTION, HEARTBEAT, SUPPLY = 5, 6, 10
STEP0 = 2

# The image has no file system of its own: one that holds the probe's files in memory.
MOUNT = """
import sys, vfs
class Files:
    files = {}
    def mount(self, readonly, mkfs): pass
    def stat(self, path):
        path = path.strip("/")
        if path in self.files:
            return (0x8000,) + (0,) * 9
        for name in self.files:
            if name.startswith(path + "/"):
                return (0x4000,) + (0,) * 9
        raise OSError(2)
    def open(self, path, mode):
        import io
        return io.BytesIO(self.files[path.strip("/")])
sys.modules["held"] = Files
vfs.mount(Files(), "/held")
sys.path.append("/held")
"""

START = """
import sys, gc, time
for name in ("wire", "stamps", "session", "pins"):
    __import__("hil.boards.serial.probe." + name)
    sys.modules["held"].files["hil/boards/serial/probe/" + name + ".py"] = b""
    gc.collect()
from hil.boards.serial.probe import wire
from hil.boards.serial.probe.pins import ProbePins
pins = ProbePins()
pins.begin()
import struct
octets = bytearray(4 * wire.MAX_WORDS)
def words(count):
    return struct.unpack_from("<%dI" % count, octets)
def told(channel):
    pins.mark()
    while True:
        before, from_ticks, count = pins.edges(channel, octets)
        if not count:
            return
        at = from_ticks
        for word in words(count):
            for _ in range(word >> 22):
                at += word & wire.MAX_SPACING
                yield at
"""


class EmulatedProbe:
    """An emulated Pico with the probe's program loaded and ``pins`` built."""

    def __init__(self, image: Path) -> None:
        self.pico = ScriptedPico(image)
        self.chip = self.pico.chip
        self.run(MOUNT)
        for name in FILES:
            source = (ROOT / FOLDER / name).read_bytes()
            self.run(f"import sys\nsys.modules['held'].files['{FOLDER}/{name}'] = {source!r}")
        self.run(START)
        self.pico.changes.clear()

    def run(self, text: str) -> str:
        return self.pico.run(text)

    def go_on(self, text: str) -> str:
        return self.pico.go_on(text)

    def begin(self, text: str) -> None:
        """Start a script that goes on with the names of the one before, and give it time to begin."""
        self.pico.send(CONTINUED + text)
        self.pico.run_for(3_000_000)

    def finish(self) -> str:
        return self.pico.finish()

    def pulse(self, pin: int, at_ns: int, high_ns: int = 4_000) -> int:
        """Make a pulse as the step machine does; return when it rose."""
        self.chip.run_until(at_ns)
        rose_ns = self.chip.now_ns
        self.chip.set_input(pin, True)
        self.chip.run_until(rose_ns + high_ns)
        self.chip.set_input(pin, False)
        return rose_ns

    def falls(self, pin: int) -> list[int]:
        return [change.now_ns for change in self.pico.changes if change.pin == pin and not change.level]

    def level(self, pin: int) -> bool:
        levels = [change.level for change in self.pico.changes if change.pin == pin]
        return levels[-1] if levels else False
