"""What probe and bench say to each other over the probe's USB serial port. Runs on both Pythons.

A message is a number (u8) and a body, in a frame of ``protocol.framing`` (COBS, CRC-32, 0x00). Numbers below 64 go to
the probe. Time is a counter of ticks of 0.5 us that wraps at 2^32; lines are bits of one word, in order of ``LINES``.

| number | message | body |
|---|---|---|
| 1 | HELLO | version u8, magic 4s; begins a session, never holds the octet 3 (Ctrl-C) on the wire |
| 2 | PING | token u16 |
| 3 | DRIVE | mask u16, levels u16 of the lines that the probe drives, SAFE not among them |
| 4 | ANALOGUE | pressure, density, supply u16, 0..65535 = 0..reference |
| 5 | POWER | 1 gives the device its supply, 0 cuts it |
| 6 | RESET | 1 pulls the device's RUN low, 0 lets go |
| 7 | FLOW | the 9 octets that the flow chip answers with, see ``flow_target`` |
| 64 | WELCOME | version u8, capabilities u16, ticks u32, lines u16, name 12s |
| 65 | PONG | token u16, ticks u32 when the PING was read |
| 66 | EDGES | channel u8, edges before these u32, ticks u32 of the last of those, words u32: count << 22, spacing |
| 67 | LINE | ticks u32, lines u16 after the change |
| 68 | HORIZON | ticks u32, lines u16, pulsed u16, lost u8: everything before ``ticks`` has been told |
"""

import struct

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

VERSION = 1
MAGIC = b"rigp"

HELLO, PING, DRIVE, ANALOGUE, POWER, RESET, FLOW = range(1, 8)
WELCOME, PONG, EDGES, LINE, HORIZON = range(64, 69)

TICK_NS = 500
TICKS_MASK = 0xFFFFFFFF

# The first six are codes.INPUT_ of the protocol, in its order.
LINES = (
    "ESTOP",
    "DOOR",
    "BUBBLE",
    "SAFE",
    "HOME",
    "FOOTSWITCH",
    "DIR",
    "HEARTBEAT",
    "VALVE",
    "STIRRER",
    "BUZZER",
    "RED",
    "YELLOW",
    "CYAN",
)
ESTOP, DOOR, BUBBLE, SAFE, HOME, FOOTSWITCH = 1, 2, 4, 8, 16, 32
DIRECTION, HEARTBEAT, VALVE, STIRRER, BUZZER, RED, YELLOW, CYAN = 64, 128, 256, 512, 1024, 2048, 4096, 8192
DRIVEN = ESTOP | DOOR | BUBBLE | HOME | FOOTSWITCH
"""Lines that the probe drives as it is told; SAFE follows from them and the valve without the processor."""

CAPABILITIES = ("edges", "safe", "inputs", "analogue", "power", "i2c-flow")
"""What a probe may say it can do, lowest bit first."""

FORMATS = {
    HELLO: "<BB4s",
    PING: "<BH",
    DRIVE: "<BHH",
    ANALOGUE: "<BHHH",
    POWER: "<BB",
    RESET: "<BB",
    FLOW: "<B9s",
    WELCOME: "<BBHIH12s",
    PONG: "<BHI",
    LINE: "<BIH",
    HORIZON: "<BIHHB",
}
EDGES_HEAD = "<BBII"
EDGES_HEAD_SIZE = 10
MAX_WORDS = 28
"""Words of edges that a frame holds."""

MAX_COUNT = 1023
MAX_SPACING = (1 << 22) - 1
"""Of one word, in ticks: 2.1 s. An edge after a longer pause comes in a message of its own, spacing 0, at its time."""


def pack(number: int, *values: object) -> bytes:
    """Return the payload of a message other than EDGES. Raises KeyError for an unknown number."""
    return struct.pack(FORMATS[number], number, *values)


def unpack(payload: bytes) -> "tuple[Any, ...] | None":
    """Return number and fields of a payload, None when it is no message; EDGES ends in a tuple of its words."""
    if not payload:
        return None
    number = payload[0]
    if number == EDGES:
        rest = len(payload) - EDGES_HEAD_SIZE
        if rest < 4 or rest % 4:
            return None
        words = struct.unpack_from("<%dI" % (rest // 4), payload, EDGES_HEAD_SIZE)
        return struct.unpack_from(EDGES_HEAD, payload) + (words,)
    form = FORMATS.get(number)
    if form is None or len(payload) != struct.calcsize(form):
        return None
    return struct.unpack(form, payload)


def pack_edges(channel: int, before: int, from_ticks: int, words: list[int]) -> bytes:
    """Return the payload of EDGES: at most MAX_WORDS words."""
    head = struct.pack(EDGES_HEAD, EDGES, channel, before, from_ticks)
    return head + struct.pack("<%dI" % len(words), *words)


def safe_level(lines: int) -> bool:
    """Return the level that SAFE must have: E-stop and door and (no bubble or valve released)."""
    return bool(lines & ESTOP and lines & DOOR and (lines & BUBBLE or not lines & VALVE))
