"""The closed sets of numbers that messages carry. Texts for people are in ``protocol.texts``, not for the device."""

from protocol.compat import const

# What a DOSE_ORDER may ask for. DOSE, SCREENING and RESCUE go to the patient; PRIME, PURGE and CALIBRATE to waste only.
KIND_DOSE = const(1)
KIND_SCREENING = const(2)
KIND_RESCUE = const(3)
KIND_PRIME = const(4)
KIND_PURGE = const(5)
KIND_CALIBRATE = const(6)
KINDS = (
    ("dose", KIND_DOSE),
    ("screening", KIND_SCREENING),
    ("rescue", KIND_RESCUE),
    ("prime", KIND_PRIME),
    ("purge", KIND_PURGE),
    ("calibrate", KIND_CALIBRATE),
)

# Pump channels (REFERENCE RIG R1).
CHANNEL_AGENT = const(0)
CHANNEL_COUNTER_AGENT = const(1)
CHANNEL_FLUSH = const(2)
CHANNELS = (("agent", CHANNEL_AGENT), ("counter_agent", CHANNEL_COUNTER_AGENT), ("flush", CHANNEL_FLUSH))

# Rate profiles: one rate; a rate that changes linearly with time; up to four pieces one after the other.
PROFILE_CONSTANT = const(0)
PROFILE_RAMP = const(1)
PROFILE_SEGMENTS = const(2)
PROFILES = (
    ("constant", PROFILE_CONSTANT),
    ("ramp", PROFILE_RAMP),
    ("segments", PROFILE_SEGMENTS),
)

# The state of one dose. Every state from ACCEPTED to STOPPING is transitional or flowing; REFUSED, DELIVERED, PARTIAL
# and UNKNOWN are final; UNKNOWN: the power was lost, what was given lies in the interval told. NOT_KNOWN says that the
# device has no such dose.
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
DOSE_UNKNOWN = const(10)
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
    ("unknown", DOSE_UNKNOWN),
)

# The state of the device.
DEVICE_STARTING = const(0)
DEVICE_READY = const(1)
DEVICE_DOSING = const(2)
DEVICE_PAUSED = const(3)
DEVICE_STOPPED = const(4)
DEVICE_SERVICE = const(5)
DEVICE_STATES = (
    ("starting", DEVICE_STARTING),
    ("ready", DEVICE_READY),
    ("dosing", DEVICE_DOSING),
    ("paused", DEVICE_PAUSED),
    ("stopped", DEVICE_STOPPED),
    ("service", DEVICE_SERVICE),
)

# Why flow was ended or a pause began. A cause stays latched until a person clears it; MONITOR, CLINICIAN and CONSENT
# are patient causes, which a clinician clears.
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
CAUSE_MONITOR = const(15)
CAUSE_CLINICIAN = const(16)
CAUSE_CONSENT = const(17)
CAUSE_PERMIT = const(18)
CAUSE_FREE_FLOW = const(19)
CAUSE_REVERSE_FLOW = const(20)
CAUSE_DEVIATION = const(21)
CAUSE_OCCLUSION = const(22)
CAUSE_CARTRIDGE = const(23)
CAUSE_RESERVOIR = const(24)
CAUSE_TEMPERATURE = const(25)
CAUSE_DENSITY = const(26)
CAUSE_JOURNAL = const(27)
CAUSE_RESCUE = const(28)
CAUSE_POWER = const(29)
CAUSE_REPEATED = const(30)
CAUSE_STALL = const(31)
CAUSE_LEAK = const(32)
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
    ("monitor", CAUSE_MONITOR),
    ("clinician", CAUSE_CLINICIAN),
    ("consent", CAUSE_CONSENT),
    ("permit", CAUSE_PERMIT),
    ("free_flow", CAUSE_FREE_FLOW),
    ("reverse_flow", CAUSE_REVERSE_FLOW),
    ("deviation", CAUSE_DEVIATION),
    ("occlusion", CAUSE_OCCLUSION),
    ("cartridge", CAUSE_CARTRIDGE),
    ("reservoir", CAUSE_RESERVOIR),
    ("temperature", CAUSE_TEMPERATURE),
    ("density", CAUSE_DENSITY),
    ("journal", CAUSE_JOURNAL),
    ("rescue", CAUSE_RESCUE),
    ("power", CAUSE_POWER),
    ("repeated", CAUSE_REPEATED),
    ("stall", CAUSE_STALL),
    ("leak", CAUSE_LEAK),
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
REASON_NO_TREATMENT = const(28)
REASON_TREATMENT = const(29)
REASON_CEILING_UNSET = const(30)
REASON_WINDOW_HIGH = const(31)
REASON_INTERVAL = const(32)
REASON_SCREENING = const(33)
REASON_CARTRIDGE = const(34)
REASON_CARTRIDGE_AUTHENTIC = const(35)
REASON_CARTRIDGE_EXPIRED = const(36)
REASON_NO_DATE = const(37)
REASON_RESERVOIR = const(38)
REASON_DENSITY = const(39)
REASON_PURGE = const(40)
REASON_UNRESOLVED = const(41)
REASON_AUTHENTICATION = const(42)
REASON_REPLAYED = const(43)
REASON_NO_KEY = const(44)
REASON_PERMIT_LIFE = const(45)
REASON_RIG = const(46)
REASON_PERMIT_VOLUME = const(47)
REASON_PERMIT_RATE = const(48)
REASON_SERVICE = const(49)
REASON_LOOSER = const(50)
REASON_VALVE = const(51)
REASON_JOURNAL = const(52)
REASON_SELF_TEST = const(53)
REASON_SUPPLY_ON = const(54)
REASON_SERVICE_ONLY = const(55)
REASON_LINE_PRESSURE = const(56)
REASON_RESCUE_HIGH = const(57)
REASON_NO_RECORD = const(58)
REASON_AUTHORITY = const(59)
REASON_HOLD = const(60)
REASON_NOT_CALIBRATED = const(61)
REASON_PERSON_BUSY = const(62)
REASON_TREATMENT_OPEN = const(63)
REASON_ALARM_STANDS = const(64)
REASON_NO_ALARM = const(65)
REASON_SEGMENT = const(66)
REASON_PRESSURE_LIMIT = const(67)
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
    ("no_treatment", REASON_NO_TREATMENT),
    ("treatment", REASON_TREATMENT),
    ("ceiling_unset", REASON_CEILING_UNSET),
    ("window_high", REASON_WINDOW_HIGH),
    ("interval", REASON_INTERVAL),
    ("screening", REASON_SCREENING),
    ("cartridge", REASON_CARTRIDGE),
    ("cartridge_authentic", REASON_CARTRIDGE_AUTHENTIC),
    ("cartridge_expired", REASON_CARTRIDGE_EXPIRED),
    ("no_date", REASON_NO_DATE),
    ("reservoir", REASON_RESERVOIR),
    ("density", REASON_DENSITY),
    ("purge", REASON_PURGE),
    ("unresolved", REASON_UNRESOLVED),
    ("authentication", REASON_AUTHENTICATION),
    ("replayed", REASON_REPLAYED),
    ("no_key", REASON_NO_KEY),
    ("permit_life", REASON_PERMIT_LIFE),
    ("rig", REASON_RIG),
    ("permit_volume", REASON_PERMIT_VOLUME),
    ("permit_rate", REASON_PERMIT_RATE),
    ("service", REASON_SERVICE),
    ("looser", REASON_LOOSER),
    ("valve", REASON_VALVE),
    ("journal", REASON_JOURNAL),
    ("self_test", REASON_SELF_TEST),
    ("supply_on", REASON_SUPPLY_ON),
    ("service_only", REASON_SERVICE_ONLY),
    ("line_pressure", REASON_LINE_PRESSURE),
    ("rescue_high", REASON_RESCUE_HIGH),
    ("no_record", REASON_NO_RECORD),
    ("authority", REASON_AUTHORITY),
    ("hold", REASON_HOLD),
    ("not_calibrated", REASON_NOT_CALIBRATED),
    ("person_busy", REASON_PERSON_BUSY),
    ("treatment_open", REASON_TREATMENT_OPEN),
    ("alarm_stands", REASON_ALARM_STANDS),
    ("no_alarm", REASON_NO_ALARM),
    ("segment", REASON_SEGMENT),
    ("pressure_limit", REASON_PRESSURE_LIMIT),
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
FAULT_TEMPERATURE = const(0x10)
FAULT_DENSITY = const(0x20)
FAULT_CARTRIDGE = const(0x40)
FAULT_JOURNAL = const(0x80)

# Key slots. A key is written in service mode and never read.
SLOT_MONITOR = const(0)
SLOT_CLINIC = const(1)
SLOT_CARTRIDGE = const(2)
SLOT_STATUS = const(3)
SLOTS = (
    ("monitor", SLOT_MONITOR),
    ("clinic", SLOT_CLINIC),
    ("cartridge", SLOT_CARTRIDGE),
    ("status", SLOT_STATUS),
)

# What a screening has found. Without PASSED, agent is given as a screening micro-dose only.
SCREENING_UNKNOWN = const(0)
SCREENING_PASSED = const(1)
SCREENING_FAILED = const(2)
SCREENINGS = (
    ("unknown", SCREENING_UNKNOWN),
    ("passed", SCREENING_PASSED),
    ("failed", SCREENING_FAILED),
)

# What a HOLD of the monitor asks for.
HOLD_HOLD = const(1)
HOLD_STOP = const(2)
HOLDS = (("hold", HOLD_HOLD), ("stop", HOLD_STOP))

# What a cartridge's memory says.
CARTRIDGE_ABSENT = const(0)
CARTRIDGE_READING = const(1)
CARTRIDGE_UNREADABLE = const(2)
CARTRIDGE_NOT_AUTHENTIC = const(3)
CARTRIDGE_GOOD = const(4)
CARTRIDGE_STATES = (
    ("absent", CARTRIDGE_ABSENT),
    ("reading", CARTRIDGE_READING),
    ("unreadable", CARTRIDGE_UNREADABLE),
    ("not_authentic", CARTRIDGE_NOT_AUTHENTIC),
    ("good", CARTRIDGE_GOOD),
)

# A volume or burden that nobody knows.
UNKNOWN_NL = const(0x3FFFFFFF)

# Alarms, one a row of the alarm table. In a field of bits, alarm n is bit n - 1: all 30 fit in a small integer.
ALARM_EMERGENCY_STOP = const(1)
ALARM_DOOR = const(2)
ALARM_AIR = const(3)
ALARM_OCCLUSION_LIMIT = const(4)
ALARM_OCCLUSION_SLOPE = const(5)
ALARM_FREE_FLOW = const(6)
ALARM_REVERSE_FLOW = const(7)
ALARM_DEVIATION = const(8)
ALARM_LEAK = const(9)
ALARM_STALL = const(10)
ALARM_PRESSURE_SENSOR = const(11)
ALARM_FLOW_SENSOR = const(12)
ALARM_TEMPERATURE_SENSOR = const(13)
ALARM_DENSITY_SENSOR = const(14)
ALARM_SUPPLY = const(15)
ALARM_SAFE_LINE = const(16)
ALARM_RESERVOIR_EMPTY = const(17)
ALARM_RESERVOIR_LOW = const(18)
ALARM_CARTRIDGE = const(19)
ALARM_TEMPERATURE = const(20)
ALARM_DENSITY = const(21)
ALARM_LINK_LOST = const(22)
ALARM_PERMIT_GONE = const(23)
ALARM_MONITOR_HOLD = const(24)
ALARM_JOURNAL = const(25)
ALARM_SELF_TEST = const(26)
ALARM_FAULT = const(27)
ALARM_UNRESOLVED = const(28)
ALARM_PERSON_STOP = const(29)
ALARM_REPEATED = const(30)
ALARMS = (
    ("emergency_stop", ALARM_EMERGENCY_STOP),
    ("door", ALARM_DOOR),
    ("air", ALARM_AIR),
    ("occlusion_limit", ALARM_OCCLUSION_LIMIT),
    ("occlusion_slope", ALARM_OCCLUSION_SLOPE),
    ("free_flow", ALARM_FREE_FLOW),
    ("reverse_flow", ALARM_REVERSE_FLOW),
    ("deviation", ALARM_DEVIATION),
    ("leak", ALARM_LEAK),
    ("stall", ALARM_STALL),
    ("pressure_sensor", ALARM_PRESSURE_SENSOR),
    ("flow_sensor", ALARM_FLOW_SENSOR),
    ("temperature_sensor", ALARM_TEMPERATURE_SENSOR),
    ("density_sensor", ALARM_DENSITY_SENSOR),
    ("supply", ALARM_SUPPLY),
    ("safe_line", ALARM_SAFE_LINE),
    ("reservoir_empty", ALARM_RESERVOIR_EMPTY),
    ("reservoir_low", ALARM_RESERVOIR_LOW),
    ("cartridge", ALARM_CARTRIDGE),
    ("temperature", ALARM_TEMPERATURE),
    ("density", ALARM_DENSITY),
    ("link_lost", ALARM_LINK_LOST),
    ("permit_gone", ALARM_PERMIT_GONE),
    ("monitor_hold", ALARM_MONITOR_HOLD),
    ("journal", ALARM_JOURNAL),
    ("self_test", ALARM_SELF_TEST),
    ("fault", ALARM_FAULT),
    ("unresolved", ALARM_UNRESOLVED),
    ("person_stop", ALARM_PERSON_STOP),
    ("repeated", ALARM_REPEATED),
)

# Priority of an alarm; the highest one drives light and sound.
PRIORITY_NONE = const(0)
PRIORITY_LOW = const(1)
PRIORITY_MEDIUM = const(2)
PRIORITY_HIGH = const(3)
PRIORITIES = (
    ("none", PRIORITY_NONE),
    ("low", PRIORITY_LOW),
    ("medium", PRIORITY_MEDIUM),
    ("high", PRIORITY_HIGH),
)

# Bits of the self_test field: a set bit names a part that failed, or that a person has not confirmed yet.
SELF_TEST_IMAGE = const(0x001)
SELF_TEST_HEAP = const(0x002)
SELF_TEST_JOURNAL = const(0x004)
SELF_TEST_PRESSURE = const(0x008)
SELF_TEST_FLOW = const(0x010)
SELF_TEST_TEMPERATURE = const(0x020)
SELF_TEST_DENSITY = const(0x040)
SELF_TEST_SUPPLY = const(0x080)
SELF_TEST_WATCHDOG = const(0x100)
SELF_TEST_LIGHT_SOUND = const(0x200)
