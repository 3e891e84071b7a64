"""The bench's end of the probe's port: frames to messages, the handshake, and time."""

from __future__ import annotations

import select
import time
from typing import Any

from hil.boards.base import BoardError
from hil.boards.serial.capabilities import of_bits
from hil.boards.serial.clock import ProbeClock
from hil.boards.serial.port import Port
from hil.boards.serial.probe import wire
from protocol.framing import MAX_FRAME, FrameDecoder, encode_frame

HANDSHAKE_S = 2.0
RETRY_S = 0.25
SILENCE_S = 1.0
"""A probe reports every 4 ms; after this it is taken for gone."""

PING_S = 0.1
FIRST_PINGS = 8

INSTALL = "Put this project's probe program on it: see hil/README.md, Boards: serial."

Message = tuple[Any, ...]


class ProbeLink:
    """A session with the probe. Raises BoardError where there is none, or one of another version."""

    def __init__(self, port: Port) -> None:
        self.port = port
        self._decoder = FrameDecoder()
        self._inbox: list[Message] = []
        self._token = 0
        self._pings: dict[int, int] = {}
        self._pinged_s = 0.0
        self._heard_s = time.monotonic()
        self.octets = 0
        welcome = self._shake_hands()
        _, version, bits, ticks, self.lines, name = welcome
        if version != wire.VERSION:
            raise BoardError(
                f"the probe at {port.path} runs version {version} of its program, this bench speaks {wire.VERSION}. "
                f"{INSTALL}"
            )
        self.capabilities = of_bits(bits)
        self.name = name.rstrip(b"\0").decode("ascii", "replace")
        self.clock = ProbeClock(ticks)
        self._synchronise()

    @property
    def bad_frames(self) -> int:
        """Frames that did not arrive whole."""
        return self._decoder.bad_crc + self._decoder.bad_frames

    def send(self, number: int, *values: object) -> None:
        """Send one message."""
        payload = wire.pack(number, *values)
        source = bytearray(MAX_FRAME)
        source[: len(payload)] = payload
        frame = bytearray(MAX_FRAME)
        # A zero in front ends whatever stood unfinished on the line.
        self.port.write(b"\0" + frame[: encode_frame(memoryview(source), len(payload), frame)])

    def take(self, timeout_s: float = 0.0) -> list[Message]:
        """Return what the probe has said, waiting for so long where it said nothing. Raises BoardError on silence."""
        if timeout_s > 0:
            select.select([self.port], [], [], timeout_s)
        now_s = time.monotonic()
        while data := self.port.read():
            self._heard_s = now_s
            self.octets += len(data)
            self._decode(data)
        if now_s - self._heard_s > SILENCE_S:
            raise BoardError(f"the probe at {self.port.path} has said nothing for {SILENCE_S:g} s; check its cable")
        self._keep_time(now_s)
        messages, self._inbox = self._inbox, []
        return messages

    def close(self) -> None:
        """Give the port back."""
        self.port.close()

    def _decode(self, data: bytes) -> None:
        at = 0
        decoder = self._decoder
        while at < len(data):
            at = decoder.feed(data, at, len(data))
            if decoder.length:
                message = wire.unpack(bytes(decoder.buffer[: decoder.length]))
                if message is None:
                    continue
                if message[0] == wire.PONG:
                    self._pong(message)
                else:
                    self._inbox.append(message)

    def _pong(self, message: Message) -> None:
        sent_ns = self._pings.pop(message[1], None)
        if sent_ns is not None:
            self.clock.pong(sent_ns, time.monotonic_ns(), message[2])

    def _keep_time(self, now_s: float) -> None:
        if now_s - self._pinged_s < PING_S:
            return
        self._pinged_s = now_s
        self._ping()

    def _ping(self) -> None:
        self._token = self._token + 1 & 0xFFFF
        if len(self._pings) > FIRST_PINGS:
            self._pings.clear()
        self._pings[self._token] = time.monotonic_ns()
        self.send(wire.PING, self._token)

    def _shake_hands(self) -> Message:
        deadline_s = time.monotonic() + HANDSHAKE_S
        asked_s = 0.0
        while (now_s := time.monotonic()) < deadline_s:
            if now_s - asked_s > RETRY_S:
                asked_s = now_s
                self.send(wire.HELLO, wire.VERSION, wire.MAGIC)
            select.select([self.port], [], [], RETRY_S)
            data = self.port.read()
            self.octets += len(data)
            self._decode(data)
            for number, message in enumerate(self._inbox):
                if message[0] == wire.WELCOME:
                    # What came before belongs to an earlier session.
                    del self._inbox[: number + 1]
                    self._heard_s = now_s
                    return message
            self._inbox.clear()
        said = "answers, but not as a probe" if self.octets else "does not answer"
        raise BoardError(f"what is at {self.port.path} {said}; is it the probe, and not the device? {INSTALL}")

    def _synchronise(self) -> None:
        deadline_s = time.monotonic() + HANDSHAKE_S
        for _ in range(FIRST_PINGS):
            self._ping()
            waiting = self._token
            while waiting in self._pings and time.monotonic() < deadline_s:
                select.select([self.port], [], [], RETRY_S)
                self._decode(self.port.read())
        if not self.clock.synchronised:
            raise BoardError(f"the probe at {self.port.path} answers no ping; {INSTALL}")
