"""A UART with a host at its other end, and a main loop that is interrupted wherever the test wants it."""

import sys
from collections.abc import Iterable
from types import FrameType
from typing import Any

from device.boards import pico_ear
from device.boards.pico_ear import Ear


class FakeUart:
    """What the firmware can see of a UART: a ring of octets and an interrupt. ``room`` is what the ring holds."""

    def __init__(self, room: int = 1024) -> None:
        self.ring = bytearray()
        self.lost = b""
        self.triggers = 0
        self.masked = False
        self._room = room
        self._pending = False
        self._handler: Any = None

    def irq(self, handler: Any, trigger: int, hard: bool) -> "FakeUart":
        assert hard
        self._handler = handler
        self.triggers = trigger
        return self

    def trigger(self, triggers: int) -> None:
        self.triggers = triggers

    def any(self) -> int:
        return len(self.ring)

    def readinto(self, buffer: bytearray, count: int) -> int | None:
        assert self.masked, "read outside the interrupt"
        assert count <= len(self.ring), "would wait"
        buffer[:count] = self.ring[:count]
        del self.ring[:count]
        return count

    def arrive(self, octets: bytes) -> None:
        """Let octets come in, with an interrupt as soon as none is masked."""
        room = self._room - len(self.ring)
        self.ring += octets[:room]
        self.lost += octets[room:]
        self._pending = True
        if not self.masked:
            self.interrupt()

    def interrupt(self) -> None:
        self._pending = False
        if self.triggers:
            self.masked = True
            self._handler(self)
            self.masked = False

    def mask(self) -> bool:
        before, self.masked = self.masked, True
        return before

    def unmask(self, before: bool) -> None:
        self.masked = before
        if self._pending and not before:
            self.interrupt()


class Line:
    """An ear at a UART. ``cuts`` counts how often the steps were cut."""

    def __init__(self, room: int = 1024) -> None:
        self.uart = FakeUart(room)
        self.cuts = 0
        self.ear = Ear(self.uart, self._cut, self.uart.mask, self.uart.unmask)
        self.ear.listen(self.uart)

    def _cut(self) -> None:
        self.cuts += 1

    def read(self, size: int = 256) -> bytes:
        """One turn of the main loop."""
        buffer = bytearray(size)
        return bytes(buffer[: self.ear.readinto(buffer)])

    def read_all(self, size: int = 256) -> bytes:
        octets = b""
        while more := self.read(size):
            octets += more
        return octets


class Interrupted:
    """Lets the next piece arrive at chosen steps of the ear's own code, counted in instructions of this Python."""

    def __init__(self, line: Line, arrivals: Iterable[tuple[int, bytes]]) -> None:
        self._line = line
        self._arrivals = sorted(arrivals, key=lambda arrival: arrival[0])
        self._step = 0

    def __enter__(self) -> "Interrupted":
        sys.settrace(self._enter)
        return self

    def __exit__(self, *_: object) -> None:
        sys.settrace(None)

    @property
    def left(self) -> list[bytes]:
        """What has not arrived yet."""
        return [piece for _, piece in self._arrivals]

    def _enter(self, frame: FrameType, _event: str, _argument: object) -> Any:
        if frame.f_code.co_filename != pico_ear.__file__:
            return None
        frame.f_trace_opcodes = True
        return self._instruction

    def _instruction(self, _frame: FrameType, event: str, _argument: object) -> Any:
        if event == "opcode":
            self._step += 1
            while self._arrivals and self._arrivals[0][0] <= self._step:
                _, piece = self._arrivals.pop(0)
                # The interrupt itself is not interrupted.
                sys.settrace(None)
                self._line.uart.arrive(piece)
                sys.settrace(self._enter)
        return self._instruction
