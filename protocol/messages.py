"""Every message, declared once: number, name, direction, class, fields with ``struct`` code and unit.

Encoders, decoders, the host's typed classes, the schema hash that both sides compare on connect, the table in
``protocol/README.md`` and all that the controller has of it (``wire_formats``) come from this declaration. All numbers
are little-endian integers.
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
PERMIT = const(0x09)
OPEN_TREATMENT = const(0x0A)
CLOSE_TREATMENT = const(0x0B)
SET_CEILINGS = const(0x0C)
SET_DATE = const(0x0D)
HOLD = const(0x0E)
STOP = const(0x0F)
CLEAR_BY_CLINICIAN = const(0x10)
RESOLVE = const(0x11)
ACKNOWLEDGE = const(0x12)
PAUSE_AUDIO = const(0x13)
TEST_ALARMS = const(0x14)
SET_CALIBRATION = const(0x15)
GET_CALIBRATION = const(0x16)
GET_TREATMENT = const(0x17)
GET_CARTRIDGE = const(0x18)
GET_RECORD = const(0x19)
SET_KEY = const(0x1A)
SET_RIG = const(0x1B)
SET_PRESSURE_LIMIT = const(0x1C)
WELCOME = const(0x81)
PONG = const(0x82)
DOSE_STATE = const(0x83)
STATUS = const(0x84)
STOPPED = const(0x85)
REFUSED = const(0x86)
RESULT = const(0x87)
TREATMENT = const(0x88)
CARTRIDGE = const(0x89)
CALIBRATION = const(0x8A)
RECORD = const(0x8B)
TELEMETRY = const(0x90)
LINK_STATS = const(0x91)
SIGNED_STATUS = const(0x92)
ALARMS = const(0x93)

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

# Authority of a message: who may say it is proven by its last field, the first 16 octets of HMAC-SHA256 over the
# message number (one octet) and all octets of the body before the tag, under the key of the slot that the message
# belongs to. ``counter`` grows with every message of a slot within one boot.
_AUTHORITY_FIELDS = (
    ("boot", "8s", "", None, "boot nonce from WELCOME"),
    ("counter", "I", "", None, "above every counter of this slot in this boot; below 2^30"),
)
_TAG_FIELD = ("tag", "16s", "", None, "authentication tag")

_CEILING_FIELDS = (
    ("agent_dose_nl", "I", "nL", None, "ceiling of one dose of agent"),
    ("agent_rate_nl_s", "I", "nL/s", None, "ceiling of the agent's rate"),
    ("agent_total_nl", "I", "nL", None, "ceiling of all agent in one treatment"),
    ("window_nl", "I", "nL", None, "ceiling of agent in any window"),
    ("window_s", "H", "s", None, "length of the window"),
    ("counter_dose_nl", "I", "nL", None, "ceiling of one dose of counter-agent"),
    ("counter_total_nl", "I", "nL", None, "ceiling of all counter-agent in one treatment"),
    ("flush_dose_nl", "I", "nL", None, "ceiling of one flush"),
    ("flush_total_nl", "I", "nL", None, "ceiling of all flushes in one treatment"),
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
            ("lot", "8s", "", None, "lot of the cartridge"),
            ("volume_nl", "I", "nL", None, "volume asked for, of all pieces"),
            ("rate_nl_s", "I", "nL/s", None, "rate at the beginning"),
            (
                "rate_end_nl_s",
                "I",
                "nL/s",
                None,
                "rate at the end of the first piece; equal to rate_nl_s when constant",
            ),
            (
                "segments",
                "24s",
                "nL, nL/s",
                None,
                "three more pieces: volume (4 octets), rate at begin and end (2 each), zero for none",
            ),
            ("treatment", "8s", "", None, "the open treatment, all zero for what goes to waste"),
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
        PERMIT,
        "PERMIT",
        TO_DEVICE,
        REQUEST,
        (("rig", "8s", "", None, "serial of the rig, from WELCOME"),)
        + _AUTHORITY_FIELDS
        + (
            ("treatment", "8s", "", None, "the open treatment"),
            ("lot", "8s", "", None, "lot of the cartridge"),
            ("dose_id", "8s", "", None, "the one dose that may flow"),
            ("expires_ms", "I", "ms", None, "device clock at which it ends, 2 s ahead at most"),
            ("volume_nl", "I", "nL", None, "what may leave the pin under it, counted from its acceptance"),
            ("rate_nl_s", "I", "nL/s", None, "highest rate"),
            _TAG_FIELD,
        ),
    ),
    (
        OPEN_TREATMENT,
        "OPEN_TREATMENT",
        TO_DEVICE,
        REQUEST,
        _AUTHORITY_FIELDS
        + (
            ("treatment", "8s", "", None, "id of the new treatment, never all zero"),
            ("day", "H", "days", None, "date, days since 2000-01-01"),
            ("screening", "B", "", "screening", "what the screening has found"),
            ("residual_nl", "I", "nL", None, "residual burden; 2^30 - 1 when not known"),
        )
        + _CEILING_FIELDS
        + (_TAG_FIELD,),
    ),
    (
        CLOSE_TREATMENT,
        "CLOSE_TREATMENT",
        TO_DEVICE,
        REQUEST,
        _AUTHORITY_FIELDS + (("treatment", "8s", "", None, "the open treatment"), _TAG_FIELD),
    ),
    (SET_CEILINGS, "SET_CEILINGS", TO_DEVICE, REQUEST, _AUTHORITY_FIELDS + _CEILING_FIELDS + (_TAG_FIELD,)),
    (
        SET_PRESSURE_LIMIT,
        "SET_PRESSURE_LIMIT",
        TO_DEVICE,
        REQUEST,
        _AUTHORITY_FIELDS
        + (("limit_pa", "I", "Pa", None, "line pressure above which flow is stopped, 14,000 to 138,000"), _TAG_FIELD),
    ),
    (
        SET_DATE,
        "SET_DATE",
        TO_DEVICE,
        REQUEST,
        _AUTHORITY_FIELDS + (("day", "H", "days", None, "date, days since 2000-01-01"), _TAG_FIELD),
    ),
    (
        HOLD,
        "HOLD",
        TO_DEVICE,
        REQUEST,
        _AUTHORITY_FIELDS
        + (
            ("treatment", "8s", "", None, "the open treatment"),
            ("hold", "B", "", "hold", "hold: no agent; stop: the rig stops, too"),
            _TAG_FIELD,
        ),
    ),
    (CLEAR_BY_CLINICIAN, "CLEAR_BY_CLINICIAN", TO_DEVICE, REQUEST, _AUTHORITY_FIELDS + (_TAG_FIELD,)),
    (
        RESOLVE,
        "RESOLVE",
        TO_DEVICE,
        REQUEST,
        (("dose_id", "8s", "", None, "the unknown dose, which stays counted in full; a person confirms"),),
    ),
    (ACKNOWLEDGE, "ACKNOWLEDGE", TO_DEVICE, REQUEST, (("alarms", "I", "bits", None, "alarm n is bit n - 1"),)),
    (PAUSE_AUDIO, "PAUSE_AUDIO", TO_DEVICE, REQUEST, (("duration_s", "H", "s", None, "120 at most; 0 ends a pause"),)),
    (TEST_ALARMS, "TEST_ALARMS", TO_DEVICE, REQUEST, ()),
    (
        SET_CALIBRATION,
        "SET_CALIBRATION",
        TO_DEVICE,
        REQUEST,
        (
            ("dose_id", "8s", "", None, "the calibration run, delivered in this boot"),
            ("weighed_nl", "I", "nL", None, "what the technician weighed of it; a person confirms"),
        ),
    ),
    (GET_CALIBRATION, "GET_CALIBRATION", TO_DEVICE, REQUEST, (("channel", "B", "", "channel", "pump channel"),)),
    (GET_TREATMENT, "GET_TREATMENT", TO_DEVICE, REQUEST, ()),
    (GET_CARTRIDGE, "GET_CARTRIDGE", TO_DEVICE, REQUEST, (("channel", "B", "", "channel", "pump channel"),)),
    (GET_RECORD, "GET_RECORD", TO_DEVICE, REQUEST, (("sequence", "I", "", None, "number of the journal's record"),)),
    (
        SET_KEY,
        "SET_KEY",
        TO_DEVICE,
        REQUEST,
        (
            ("slot", "B", "", "slot", "key slot"),
            ("generation", "I", "", None, "above that of the key it replaces; below 2^30"),
            ("key", "32s", "", None, "the key, random"),
        ),
    ),
    (SET_RIG, "SET_RIG", TO_DEVICE, REQUEST, (("rig", "8s", "", None, "serial of the rig; set once"),)),
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
            ("rig", "8s", "", None, "serial of the rig, all zero before it is set"),
            ("last_dose_id", "8s", "", None, "last dose, of earlier boots too, all zero for none"),
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
            ("kind", "B", "", "kind", "what was asked for, 0 when not known"),
            ("channel", "B", "", "channel", "pump channel"),
            ("asked_nl", "I", "nL", None, "volume asked for"),
            (
                "asked_steps",
                "I",
                "steps",
                None,
                "micro-steps of the volume, and those that clear the line before a rescue",
            ),
            ("emitted_steps", "I", "steps", None, "steps that left the pin; a lower bound while flowing or unknown"),
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
            ("dose_id", "8s", "", None, "running or last dose, all zero for none"),
            ("dose_state", "B", "", "dose_state", "its state"),
            ("hold_cause", "B", "", "cause", "patient cause that keeps agent from flowing, none when nothing does"),
            ("unresolved_id", "8s", "", None, "unknown dose that nobody has resolved, all zero for none"),
            ("reset_cause", "B", "", None, "as the board reports it"),
            ("last_fault", "B", "", "cause", "what ended the boot before, none when nothing did"),
            ("last_state", "B", "", "device_state", "state of the device when the boot before ended"),
            ("self_test", "H", "bits", None, "SELF_TEST_ bits: parts that failed or wait for a person"),
            ("emitted_total_nl", "I", "nL", None, "to the patient since boot, all doses, upper end"),
            ("max_dose_nl", "I", "nL", None, "compiled-in ceiling of one dose"),
            ("max_rate_nl_s", "I", "nL/s", None, "compiled-in ceiling of the rate"),
            ("max_total_nl", "I", "nL", None, "compiled-in ceiling of a treatment, each channel"),
            ("pressure_limit_pa", "I", "Pa", None, "line pressure above which flow is stopped; 69,000 until it is set"),
            (
                "stored_nl",
                "I",
                "nL",
                None,
                "what the line stored when an occlusion stopped the flow, estimated; 0 for none or cleared",
            ),
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
        RESULT,
        "RESULT",
        TO_HOST,
        ANSWER,
        (
            ("number", "B", "", None, "number of the message that is answered"),
            ("reason", "B", "", "reason", "why it was refused, none when it was not"),
            ("nearest", "I", "", None, "nearest allowed value of what was refused, 0 for none"),
            ("person_awaited", "B", "", None, "1: it takes effect when a person confirms within 10 s"),
            ("uptime_ms", "I", "ms", None, "device clock, wraps at 2^30"),
        ),
    ),
    (
        TREATMENT,
        "TREATMENT",
        TO_HOST,
        ANSWER,
        (
            ("treatment", "8s", "", None, "the open treatment, all zero for none"),
            ("day", "H", "days", None, "trusted date, days since 2000-01-01; 0 for none since boot"),
            ("screening", "B", "", "screening", "what the screening has found"),
            ("hold_cause", "B", "", "cause", "patient cause that keeps agent from flowing, none when nothing does"),
            ("residual_nl", "I", "nL", None, "residual burden; 2^30 - 1 when not known"),
        )
        + _CEILING_FIELDS
        + (
            ("agent_nl", "I", "nL", None, "agent to the patient in this treatment, upper end, unknown in full"),
            ("counter_nl", "I", "nL", None, "counter-agent, likewise"),
            ("flush_nl", "I", "nL", None, "flush, likewise"),
            ("in_window_nl", "I", "nL", None, "agent in the present window, upper end"),
            ("agent_in_line_nl", "I", "nL", None, "agent that may stand in the line, at most"),
            ("uptime_ms", "I", "ms", None, "device clock, wraps at 2^30"),
        ),
    ),
    (
        CARTRIDGE,
        "CARTRIDGE",
        TO_HOST,
        ANSWER,
        (
            ("channel", "B", "", "channel", "pump channel"),
            ("state", "B", "", "cartridge_state", "what the cartridge's memory says"),
            ("kind", "B", "", "channel", "what it holds"),
            ("lot", "8s", "", None, "lot"),
            ("serial", "8s", "", None, "serial of the cartridge"),
            ("concentration", "I", "bots per nL", None, "concentration, 0 for none"),
            ("fill_nl", "I", "nL", None, "volume when it was filled"),
            ("remaining_nl", "I", "nL", None, "what is left, at least"),
            ("expiry_day", "H", "days", None, "last day of use, days since 2000-01-01"),
        ),
    ),
    (
        CALIBRATION,
        "CALIBRATION",
        TO_HOST,
        ANSWER,
        (
            ("channel", "B", "", "channel", "pump channel"),
            ("step_fl", "I", "fL", None, "volume of one micro-step, fL = 10^-6 nL"),
            ("backlash_steps", "H", "steps", None, "steps that a reversal loses"),
            ("flow_gain_ppm", "I", "ppm", None, "factor of the flow sensor's readings, 1,000,000 as delivered"),
            ("bore_error_ppm", "I", "ppm", None, "how far step_fl may be off"),
            ("made_day", "H", "days", None, "when it was made, days since 2000-01-01; 0 for never"),
            ("expiry_day", "H", "days", None, "last day of use; 0 for never made"),
        ),
    ),
    (
        RECORD,
        "RECORD",
        TO_HOST,
        ANSWER,
        (
            ("reason", "B", "", "reason", "none, or no_record"),
            ("oldest", "I", "", None, "number of the oldest record kept"),
            ("newest", "I", "", None, "number of the newest record; 0 before the first"),
            ("octets", "80s", "", None, "the record as it stands in the journal"),
        ),
    ),
    (
        TELEMETRY,
        "TELEMETRY",
        TO_HOST,
        DATAGRAM,
        _STATE_FIELDS
        + (
            ("alarm", "B", "", "alarm", "the alarm that drives light and sound, 0 for none"),
            ("dose_id", "8s", "", None, "running or last dose, all zero for none"),
            ("dose_state", "B", "", "dose_state", "its state"),
            ("emitted_steps", "I", "steps", None, "of that dose; a lower bound while flowing"),
            ("granted_steps", "I", "steps", None, "upper bound of the same"),
            ("emitted_nl", "I", "nL", None, "emitted_steps as nominal volume"),
            ("rate_nl_s", "I", "nL/s", None, "rate commanded now"),
            ("pressure_pa", "i", "Pa", None, "line pressure, filtered"),
            ("flow_nl_s", "i", "nL/s", None, "flow sensor"),
            ("temperature_mdegc", "i", "m degC", None, "liquid, by the thermometer"),
            ("density_permille", "H", "1/1000", None, "suspension of the agent, 1000 = freshly stirred"),
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
    (
        SIGNED_STATUS,
        "SIGNED_STATUS",
        TO_HOST,
        DATAGRAM,
        (("rig", "8s", "", None, "serial of the rig"),)
        + _AUTHORITY_FIELDS
        + (
            ("uptime_ms", "I", "ms", None, "device clock, wraps at 2^30"),
            ("treatment", "8s", "", None, "the open treatment, all zero for none"),
            ("dose_id", "8s", "", None, "running or last dose, all zero for none"),
            ("lot", "8s", "", None, "lot of the agent's cartridge, all zero for none that is good"),
            ("device_state", "B", "", "device_state", "state of the device"),
            ("dose_state", "B", "", "dose_state", "state of the dose"),
            ("stop_cause", "B", "", "cause", "latched cause of the stop"),
            ("hold_cause", "B", "", "cause", "patient cause that keeps agent from flowing"),
            ("emitted_steps", "I", "steps", None, "of that dose; a lower bound while flowing"),
            ("dose_max_nl", "I", "nL", None, "of that dose to the patient, at most"),
            ("agent_min_nl", "I", "nL", None, "agent to the patient in this treatment, at least"),
            ("agent_max_nl", "I", "nL", None, "agent to the patient in this treatment, at most"),
            ("counter_max_nl", "I", "nL", None, "counter-agent to the patient in this treatment, at most"),
            _TAG_FIELD,
        ),
    ),
    (
        ALARMS,
        "ALARMS",
        TO_HOST,
        DATAGRAM,
        (
            ("uptime_ms", "I", "ms", None, "device clock, wraps at 2^30"),
            ("present", "I", "bits", None, "conditions that stand now; alarm n is bit n - 1"),
            ("latched", "I", "bits", None, "alarms that are not over: the cause stands, or nobody acknowledged"),
            ("acknowledged", "I", "bits", None, "latched ones that a person acknowledged"),
            ("first", "B", "", "alarm", "the latched alarm that came first"),
            ("highest", "B", "", "alarm", "the one that drives light and sound"),
            ("priority", "B", "", "priority", "its priority"),
            ("audio_paused_s", "B", "s", None, "how long the sound stays paused"),
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
    ("alarm", codes.ALARMS),
    ("priority", codes.PRIORITIES),
    ("slot", codes.SLOTS),
    ("screening", codes.SCREENINGS),
    ("hold", codes.HOLDS),
    ("cartridge_state", codes.CARTRIDGE_STATES),
)


# What answers what, REFUSED aside. One row: (request, answer).
ANSWERS = (
    (HELLO, WELCOME),
    (PING, PONG),
    (DOSE_ORDER, DOSE_STATE),
    (GET_DOSE, DOSE_STATE),
    (PAUSE, DOSE_STATE),
    (RESUME, DOSE_STATE),
    (CLEAR, STATUS),
    (GET_STATUS, STATUS),
    (STOP, STOPPED),
    (PERMIT, RESULT),
    (OPEN_TREATMENT, RESULT),
    (CLOSE_TREATMENT, RESULT),
    (SET_CEILINGS, RESULT),
    (SET_PRESSURE_LIMIT, RESULT),
    (SET_DATE, RESULT),
    (HOLD, RESULT),
    (CLEAR_BY_CLINICIAN, RESULT),
    (RESOLVE, RESULT),
    (ACKNOWLEDGE, RESULT),
    (PAUSE_AUDIO, RESULT),
    (TEST_ALARMS, RESULT),
    (SET_CALIBRATION, RESULT),
    (GET_CALIBRATION, CALIBRATION),
    (GET_TREATMENT, TREATMENT),
    (GET_CARTRIDGE, CARTRIDGE),
    (GET_RECORD, RECORD),
    (SET_KEY, RESULT),
    (SET_RIG, RESULT),
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
