"""Every message, declared once: number, name, direction, class, fields with ``struct`` code and unit.

Encoders, decoders, the host's typed classes, the schema hash that both sides compare on connect and the table in
``protocol/README.md`` all come from this declaration. All numbers are little-endian integers.
"""

import struct
from binascii import hexlify
from hashlib import sha256

from protocol import codes
from protocol.compat import const

# Message numbers: host to device below 0x80, device to host from 0x80.
HELLO = const(0x01)
PING = const(0x02)
DOSE_ORDER = const(0x03)
GET_DOSE = const(0x04)
PAUSE = const(0x05)
RESUME = const(0x06)
CLEAR = const(0x07)
GET_STATUS = const(0x08)
STOP = const(0x0F)
WELCOME = const(0x81)
PONG = const(0x82)
DOSE_STATE = const(0x83)
STATUS = const(0x84)
STOPPED = const(0x85)
REFUSED = const(0x86)
TELEMETRY = const(0x90)
LINK_STATS = const(0x91)

# Classes. A request is retransmitted until its answer comes, and answered from the cache when it is repeated; a
# datagram is neither; a stop is acted on at once, in any state, with any session and sequence number.
REQUEST = "request"
ANSWER = "answer"
DATAGRAM = "datagram"
URGENT = "urgent"

TO_DEVICE = "to device"
TO_HOST = "to host"

_STATE_FIELDS = (
    ("uptime_ms", "I", "ms", None, "device clock, wraps at 2^30"),
    ("device_state", "B", "", "device_state", "state of the device"),
    ("stop_cause", "B", "", "cause", "latched cause of the stop, none when not stopped"),
    ("pause_cause", "B", "", "cause", "why the running dose is paused, none when it is not"),
    ("inputs", "B", "bits", None, "INPUT_ bits, as on the pins"),
    ("sensor_faults", "B", "bits", None, "FAULT_ bits"),
)

# One row a message: (number, name, direction, class, fields); one field: (name, struct code, unit, enumeration, text).
MESSAGES = (
    (
        HELLO,
        "HELLO",
        TO_DEVICE,
        REQUEST,
        (
            ("host_nonce", "4s", "", None, "random, echoed in WELCOME"),
            ("schema", "8s", "", None, "schema hash of the host"),
        ),
    ),
    (PING, "PING", TO_DEVICE, DATAGRAM, (("token", "I", "", None, "echoed in PONG; any number below 2^30"),)),
    (
        DOSE_ORDER,
        "DOSE_ORDER",
        TO_DEVICE,
        REQUEST,
        (
            ("dose_id", "8s", "", None, "random, never all zero, never used again"),
            ("last_dose_id", "8s", "", None, "the last dose its sender knows of, all zero for none"),
            ("boot", "8s", "", None, "boot nonce from WELCOME"),
            ("session", "4s", "", None, "session nonce from WELCOME"),
            ("expires_ms", "I", "ms", None, "device clock after which the order is refused"),
            ("kind", "B", "", "kind", "what is asked for"),
            ("channel", "B", "", "channel", "pump channel"),
            ("profile", "B", "", "profile", "rate profile"),
            ("lot", "8s", "", None, "lot of the cartridge, all zero for saline"),
            ("volume_nl", "I", "nL", None, "volume asked for"),
            ("rate_nl_s", "I", "nL/s", None, "rate asked for"),
        ),
    ),
    (GET_DOSE, "GET_DOSE", TO_DEVICE, REQUEST, (("dose_id", "8s", "", None, "the dose asked about"),)),
    (PAUSE, "PAUSE", TO_DEVICE, REQUEST, (("dose_id", "8s", "", None, "the running dose"),)),
    (
        RESUME,
        "RESUME",
        TO_DEVICE,
        REQUEST,
        (("dose_id", "8s", "", None, "the paused dose; resumes on the foot switch within 10 s"),),
    ),
    (CLEAR, "CLEAR", TO_DEVICE, REQUEST, ()),
    (GET_STATUS, "GET_STATUS", TO_DEVICE, REQUEST, ()),
    (STOP, "STOP", TO_DEVICE, URGENT, (("cause", "B", "", "cause", "operator, or why the host stops"),)),
    (
        WELCOME,
        "WELCOME",
        TO_HOST,
        ANSWER,
        (
            ("host_nonce", "4s", "", None, "from HELLO"),
            ("session", "4s", "", None, "nonce of this link session"),
            ("boot", "8s", "", None, "boot counter (4 octets) and random (4 octets)"),
            ("schema", "8s", "", None, "schema hash of the device"),
            ("firmware", "8s", "", None, "first octets of the SHA-256 of the firmware's sources"),
            ("implementation", "12s", "", None, "Python that runs the firmware, zero-padded"),
            ("version", "12s", "", None, "its version, zero-padded"),
            ("board", "12s", "", None, "board the firmware runs on, zero-padded"),
            ("last_dose_id", "8s", "", None, "last dose of this boot, all zero for none"),
            ("uptime_ms", "I", "ms", None, "device clock, wraps at 2^30"),
            ("tick_ms", "B", "ms", None, "period of the control tick"),
        ),
    ),
    (
        PONG,
        "PONG",
        TO_HOST,
        DATAGRAM,
        (
            ("token", "I", "", None, "from PING"),
            ("uptime_ms", "I", "ms", None, "device clock, wraps at 2^30"),
        ),
    ),
    (
        DOSE_STATE,
        "DOSE_STATE",
        TO_HOST,
        ANSWER,
        (
            ("dose_id", "8s", "", None, "the dose"),
            ("state", "B", "", "dose_state", "its state"),
            ("reason", "B", "", "reason", "why the request was refused, none when it was not"),
            ("cause", "B", "", "cause", "what ended or paused the dose"),
            ("channel", "B", "", "channel", "pump channel"),
            ("asked_nl", "I", "nL", None, "volume asked for"),
            ("asked_steps", "I", "steps", None, "micro-steps that make the volume"),
            ("emitted_steps", "I", "steps", None, "steps that left the pin; a lower bound while flowing"),
            ("granted_steps", "I", "steps", None, "upper bound of the same; equal to emitted_steps at rest"),
            ("emitted_nl", "I", "nL", None, "emitted_steps as nominal volume"),
            ("patient_min_nl", "I", "nL", None, "volume through the tip, at least"),
            ("patient_max_nl", "I", "nL", None, "volume through the tip, at most"),
            ("waste_min_nl", "I", "nL", None, "volume to waste, at least"),
            ("waste_max_nl", "I", "nL", None, "volume to waste, at most"),
            ("nearest", "I", "nL, nL/s or ms", None, "nearest allowed value of what was refused, 0 for none"),
            ("uptime_ms", "I", "ms", None, "device clock, wraps at 2^30"),
        ),
    ),
    (
        STATUS,
        "STATUS",
        TO_HOST,
        ANSWER,
        _STATE_FIELDS
        + (
            ("reason", "B", "", "reason", "why the request was refused, none when it was not"),
            ("dose_id", "8s", "", None, "running or last dose of this boot, all zero for none"),
            ("dose_state", "B", "", "dose_state", "its state"),
            ("reset_cause", "B", "", None, "as the board reports it"),
            ("emitted_total_nl", "I", "nL", None, "emitted since boot, all doses"),
            ("max_dose_nl", "I", "nL", None, "ceiling of one dose"),
            ("max_rate_nl_s", "I", "nL/s", None, "ceiling of the rate"),
            ("max_total_nl", "I", "nL", None, "ceiling of all doses since boot"),
        ),
    ),
    (
        STOPPED,
        "STOPPED",
        TO_HOST,
        DATAGRAM,
        (
            ("cause", "B", "", "cause", "latched cause, the first one"),
            ("was_stopped", "B", "", None, "1 when the stop was latched before"),
            ("latency_us", "I", "us", None, "from the stop seen by the firmware to the step gate shut"),
            ("dose_id", "8s", "", None, "dose that was ended, all zero for none"),
            ("emitted_steps", "I", "steps", None, "emitted of that dose, exact"),
            ("uptime_ms", "I", "ms", None, "device clock, wraps at 2^30"),
        ),
    ),
    (
        REFUSED,
        "REFUSED",
        TO_HOST,
        ANSWER,
        (
            ("number", "B", "", None, "number of the refused message"),
            ("reason", "B", "", "reason", "why"),
            ("schema", "8s", "", None, "schema hash of the device"),
        ),
    ),
    (
        TELEMETRY,
        "TELEMETRY",
        TO_HOST,
        DATAGRAM,
        _STATE_FIELDS
        + (
            ("dose_id", "8s", "", None, "running or last dose of this boot, all zero for none"),
            ("dose_state", "B", "", "dose_state", "its state"),
            ("emitted_steps", "I", "steps", None, "of that dose; a lower bound while flowing"),
            ("granted_steps", "I", "steps", None, "upper bound of the same"),
            ("emitted_nl", "I", "nL", None, "emitted_steps as nominal volume"),
            ("rate_nl_s", "I", "nL/s", None, "rate commanded now"),
            ("pressure_pa", "i", "Pa", None, "line pressure, filtered"),
            ("flow_nl_s", "i", "nL/s", None, "flow sensor"),
            ("temperature_mdegc", "i", "m degC", None, "liquid at the flow sensor"),
            ("supply_mv", "H", "mV", None, "motor and valve supply"),
        ),
    ),
    (
        LINK_STATS,
        "LINK_STATS",
        TO_HOST,
        DATAGRAM,
        (
            ("frames_in", "I", "frames", None, "valid frames received"),
            ("bad_crc", "I", "frames", None, "dropped: CRC"),
            ("bad_frames", "I", "frames", None, "dropped: COBS, length or unknown number"),
            ("duplicates", "I", "frames", None, "requests answered from the cache"),
            ("dropped", "I", "frames", None, "dropped: queue full"),
            ("ticks", "I", "ticks", None, "ticks run since boot"),
            ("ticks_late", "I", "ticks", None, "ticks that began more than half a period late"),
            ("tick_mean_us", "I", "us", None, "mean of the last second"),
            ("tick_max_us", "I", "us", None, "worst since boot"),
            ("heap_free", "I", "octets", None, "free heap after the last collection, 0 where there is no such figure"),
        ),
    ),
)

ENUMERATIONS = (
    ("kind", codes.KINDS),
    ("channel", codes.CHANNELS),
    ("profile", codes.PROFILES),
    ("dose_state", codes.DOSE_STATES),
    ("device_state", codes.DEVICE_STATES),
    ("cause", codes.CAUSES),
    ("reason", codes.REASONS),
)


def _formats() -> dict[int, str]:
    return {row[0]: "<" + "".join([field[1] for field in row[4]]) for row in MESSAGES}


FORMATS = _formats()
SIZES = {number: struct.calcsize(form) for number, form in FORMATS.items()}
CLASSES = {row[0]: row[3] for row in MESSAGES}
DIRECTIONS = {row[0]: row[2] for row in MESSAGES}


def encode_body(number: int, buffer: bytearray | memoryview, offset: int, *values: int | bytes) -> int:
    """Write the body of message ``number`` at ``offset`` and return the offset behind it.

    The values come in the order of the declaration. Raises ``KeyError`` for an unknown number.
    """
    struct.pack_into(FORMATS[number], buffer, offset, *values)
    return offset + SIZES[number]


def decode_body(
    number: int, buffer: bytes | bytearray | memoryview, offset: int, end: int
) -> tuple[int | bytes, ...] | None:
    """Return the values of message ``number`` from ``buffer[offset:end]``, or None when number or length is wrong."""
    if SIZES.get(number) != end - offset:
        return None
    return struct.unpack_from(FORMATS[number], buffer, offset)


def schema_hash() -> bytes:
    """Return 8 octets that differ when any message, field, unit, enumeration or the frame layout differs."""
    digest = sha256(b"nanorig frame 1")
    for number, name, direction, kind, fields in MESSAGES:
        digest.update("{} {} {} {}\n".format(number, name, direction, kind).encode())
        for field in fields:
            digest.update("{} {} {} {}\n".format(field[0], field[1], field[2], field[3]).encode())
    for enumeration, members in ENUMERATIONS:
        for name, number in members:
            digest.update("{} {} {}\n".format(enumeration, name, number).encode())
    return digest.digest()[:8]


def schema_hex() -> str:
    """Return ``schema_hash()`` as 16 hexadecimal digits."""
    return hexlify(schema_hash()).decode()
