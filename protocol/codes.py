"""The closed sets of numbers that messages carry. Texts for people are in ``protocol.texts``, not for the device."""

from protocol.compat import const

# What a DOSE_ORDER may ask for.
KIND_DOSE = const(1)
KINDS = (("dose", KIND_DOSE),)

# Pump channels (REFERENCE RIG R1).
CHANNEL_AGENT = const(0)
CHANNEL_COUNTER_AGENT = const(1)
CHANNEL_FLUSH = const(2)
CHANNELS = (("agent", CHANNEL_AGENT), ("counter_agent", CHANNEL_COUNTER_AGENT), ("flush", CHANNEL_FLUSH))

# Rate profiles.
PROFILE_CONSTANT = const(0)
PROFILES = (("constant", PROFILE_CONSTANT),)

# The state of one dose. Every state from ACCEPTED to SETTLING is transitional or flowing; the rest are final
# (REFUSED, DELIVERED, PARTIAL) or say that this boot knows nothing of the id (NOT_KNOWN).
DOSE_NOT_KNOWN = const(0)
DOSE_REFUSED = const(1)
DOSE_ACCEPTED = const(2)
DOSE_RUNNING = const(3)
DOSE_PAUSING = const(4)
DOSE_PAUSED = const(5)
DOSE_SETTLING = const(6)
DOSE_STOPPING = const(7)
DOSE_DELIVERED = const(8)
DOSE_PARTIAL = const(9)
DOSE_STATES = (
    ("not_known", DOSE_NOT_KNOWN),
    ("refused", DOSE_REFUSED),
    ("accepted", DOSE_ACCEPTED),
    ("running", DOSE_RUNNING),
    ("pausing", DOSE_PAUSING),
    ("paused", DOSE_PAUSED),
    ("settling", DOSE_SETTLING),
    ("stopping", DOSE_STOPPING),
    ("delivered", DOSE_DELIVERED),
    ("partial", DOSE_PARTIAL),
)

# The state of the device.
DEVICE_STARTING = const(0)
DEVICE_READY = const(1)
DEVICE_DOSING = const(2)
DEVICE_PAUSED = const(3)
DEVICE_STOPPED = const(4)
DEVICE_STATES = (
    ("starting", DEVICE_STARTING),
    ("ready", DEVICE_READY),
    ("dosing", DEVICE_DOSING),
    ("paused", DEVICE_PAUSED),
    ("stopped", DEVICE_STOPPED),
)

# Why flow was ended or a pause began. A cause stays latched until a person clears it.
CAUSE_NONE = const(0)
CAUSE_OPERATOR = const(1)
CAUSE_EMERGENCY_STOP = const(2)
CAUSE_DOOR = const(3)
CAUSE_AIR = const(4)
CAUSE_PRESSURE = const(5)
CAUSE_SENSOR = const(6)
CAUSE_SUPPLY = const(7)
CAUSE_SAFE_LINE = const(8)
CAUSE_PUMP = const(9)
CAUSE_DEADLINE = const(10)
CAUSE_LINK_LOST = const(11)
CAUSE_FAULT = const(12)
CAUSE_SELF_TEST = const(13)
CAUSE_HOME = const(14)
CAUSES = (
    ("none", CAUSE_NONE),
    ("operator", CAUSE_OPERATOR),
    ("emergency_stop", CAUSE_EMERGENCY_STOP),
    ("door", CAUSE_DOOR),
    ("air", CAUSE_AIR),
    ("pressure", CAUSE_PRESSURE),
    ("sensor", CAUSE_SENSOR),
    ("supply", CAUSE_SUPPLY),
    ("safe_line", CAUSE_SAFE_LINE),
    ("pump", CAUSE_PUMP),
    ("deadline", CAUSE_DEADLINE),
    ("link_lost", CAUSE_LINK_LOST),
    ("fault", CAUSE_FAULT),
    ("self_test", CAUSE_SELF_TEST),
    ("home", CAUSE_HOME),
)

# Why a request was refused. Nothing changed on the device.
REASON_NONE = const(0)
REASON_UNKNOWN_MESSAGE = const(1)
REASON_MALFORMED = const(2)
REASON_SCHEMA = const(3)
REASON_SESSION = const(4)
REASON_BOOT = const(5)
REASON_EXPIRED = const(6)
REASON_EXPIRY_TOO_FAR = const(7)
REASON_ID = const(8)
REASON_KIND = const(9)
REASON_CHANNEL = const(10)
REASON_PROFILE = const(11)
REASON_NO_PERMIT = const(12)
REASON_LAST_DOSE = const(13)
REASON_BUSY = const(14)
REASON_STOPPED = const(15)
REASON_INTERLOCK = const(16)
REASON_VOLUME_LOW = const(17)
REASON_VOLUME_HIGH = const(18)
REASON_RATE_LOW = const(19)
REASON_RATE_HIGH = const(20)
REASON_TOTAL_HIGH = const(21)
REASON_LOT = const(22)
REASON_NOT_PAUSED = const(23)
REASON_NOT_RUNNING = const(24)
REASON_NOT_STOPPED = const(25)
REASON_CAUSE_STANDS = const(26)
REASON_OUTCOMES_FULL = const(27)
REASONS = (
    ("none", REASON_NONE),
    ("unknown_message", REASON_UNKNOWN_MESSAGE),
    ("malformed", REASON_MALFORMED),
    ("schema", REASON_SCHEMA),
    ("session", REASON_SESSION),
    ("boot", REASON_BOOT),
    ("expired", REASON_EXPIRED),
    ("expiry_too_far", REASON_EXPIRY_TOO_FAR),
    ("id", REASON_ID),
    ("kind", REASON_KIND),
    ("channel", REASON_CHANNEL),
    ("profile", REASON_PROFILE),
    ("no_permit", REASON_NO_PERMIT),
    ("last_dose", REASON_LAST_DOSE),
    ("busy", REASON_BUSY),
    ("stopped", REASON_STOPPED),
    ("interlock", REASON_INTERLOCK),
    ("volume_low", REASON_VOLUME_LOW),
    ("volume_high", REASON_VOLUME_HIGH),
    ("rate_low", REASON_RATE_LOW),
    ("rate_high", REASON_RATE_HIGH),
    ("total_high", REASON_TOTAL_HIGH),
    ("lot", REASON_LOT),
    ("not_paused", REASON_NOT_PAUSED),
    ("not_running", REASON_NOT_RUNNING),
    ("not_stopped", REASON_NOT_STOPPED),
    ("cause_stands", REASON_CAUSE_STANDS),
    ("outcomes_full", REASON_OUTCOMES_FULL),
)

# Bits of the inputs field: a set bit means healthy, pressed or energised, as on the pin.
INPUT_ESTOP_HEALTHY = const(0x01)
INPUT_DOOR_CLOSED = const(0x02)
INPUT_BUBBLE_CLEAR = const(0x04)
INPUT_SAFE = const(0x08)
INPUT_HOME = const(0x10)
INPUT_FOOTSWITCH = const(0x20)
INPUT_VALVE_PATIENT = const(0x40)
INPUT_PERSON_AWAITED = const(0x80)

# Bits of the sensor_faults field: a set bit means the reading is not to be believed.
FAULT_PRESSURE = const(0x01)
FAULT_FLOW = const(0x02)
FAULT_SUPPLY = const(0x04)
FAULT_FRAM = const(0x08)
