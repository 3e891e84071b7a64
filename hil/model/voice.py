"""The host's mouth and ears in the model: every frame exactly as wanted, sent at once, twice, late or broken.

It waits for nothing and repeats nothing by itself. What the device says is read with the storm's own decoder.
"""

from collections.abc import Callable
from dataclasses import dataclass
from struct import pack

from hil.boards.twin import TwinBoard
from hil.storm.frames import SeenFrame, seen_after_a_reset
from protocol import messages
from protocol.framing import CRC_SIZE, MAX_FRAME, encode_frame
from protocol.link import NO_SESSION

_HEADER = "<B4sH"
_LAST_SEQ = 0xFFFF
MOST_KEPT = 40


@dataclass(frozen=True, slots=True)
class Said:
    """A frame that went to the device: what it says, and its octets."""

    number: int
    values: tuple[int | bytes, ...]
    session: bytes
    seq: int
    octets: bytes


class Voice:
    """Speaks to one board. ``arriving`` hears of every intact frame, and when its last octet arrives."""

    def __init__(self, board: TwinBoard, arriving: Callable[[int, Said], None]) -> None:
        self._board = board
        self._arriving = arriving
        self._rest = b""
        self.session = NO_SESSION
        self.said: list[Said] = []
        self._seq = 0

    def say(self, number: int, *values: int | bytes, seq: int | None = None) -> Said:
        """Make a frame in the present session, under the next sequence number, and send it."""
        said = self.frame(number, *values, seq=seq)
        self.send(said)
        return said

    def frame(self, number: int, *values: int | bytes, seq: int | None = None) -> Said:
        """Make a frame in the present session without sending it."""
        if seq is None:
            seq = self._next_seq()
        session = NO_SESSION if number == messages.HELLO else self.session
        body = bytearray(messages.SIZES[number])
        messages.encode_body(number, body, 0, *values)
        payload = pack(_HEADER, number, session, seq) + body
        target = bytearray(MAX_FRAME)
        source = memoryview(bytearray(payload + bytes(CRC_SIZE)))
        octets = bytes(target[: encode_frame(source, len(payload), target)])
        said = Said(number, values, session, seq, octets)
        self.said = [*self.said[1 - MOST_KEPT :], said]
        return said

    def send(self, said: Said) -> None:
        """Send a frame now."""
        mcu = self._board.mcu
        if not mcu.powered:
            return
        self._board.host_write(said.octets)
        self._arriving(mcu.to_device.free_ns, said)

    def send_octets(self, octets: bytes) -> None:
        """Send what is no intact frame, ended so that it spoils nothing behind it."""
        if self._board.mcu.powered:
            self._board.host_write(octets + b"\0")

    def hear(self, octets: bytes) -> list[SeenFrame]:
        """Return the intact frames that have come in."""
        found = []
        *frames, self._rest = (self._rest + octets).split(b"\0")
        for frame in frames:
            seen = seen_after_a_reset(self._board.now_ns, frame + b"\0") if frame else None
            if seen is not None and seen.message is not None:
                found.append(seen)
        return found

    def begin_session(self, session: bytes) -> None:
        """The device has said WELCOME; once more to a HELLO that came twice, and then the numbers go on."""
        if session != self.session:
            self.session = session
            self._seq = 1

    def forget(self) -> None:
        """The device has lost its power: there is no session, and what was half said is lost."""
        self.session = NO_SESSION
        self._rest = b""

    def _next_seq(self) -> int:
        self._seq = self._seq % _LAST_SEQ + 1
        return self._seq
