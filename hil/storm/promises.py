"""The bounds that the judge holds a run against, and what no firmware of this rig can see."""

from collections.abc import Mapping

NS_PER_MS = 1_000_000
NEVER_NS = 1 << 62

# Reference rig and requirements; numbers of the judge's own, so that a wrong one in the firmware is seen.
STEP_PL = 5608
MIN_DOSE_NL, MAX_DOSE_NL = 100, 100_000
MIN_RATE_NL_S, MAX_RATE_NL_S = 50, 20_000
MAX_TOTAL_NL = 500_000
CLEARING_NL = 8_600
"""What a rescue pushes to the waste first: manifold and sensors behind the valve, play, friction, the widest bore."""

SLOWEST_PERIOD_NS = 112_200_000
FASTEST_PERIOD_NS = 275_000
"""20 uL/s is a step every 280.4 us; periods are whole microseconds."""

SAFE_NS = 10_000
"""STOP-2."""

STOP_NS: Mapping[str, int] = {"twin": 10 * NS_PER_MS, "vm": 10 * NS_PER_MS, "rp2040": 5 * NS_PER_MS}
"""STOP-3."""

GRANT_NS = 40 * NS_PER_MS
"""STOP-5; one step more where a step takes longer."""

LINK_LOST_NS = 1_500 * NS_PER_MS
"""LINK-4."""

PERSON_NS = 10_100 * NS_PER_MS
"""PERMIT-4: the foot switch within 10 s of the command; a tick and a frame more."""

STANDING_NS = 25 * NS_PER_MS
"""An E-stop or a door that stood open for so long was seen by a tick, whatever the device did."""

CLOCK_SLACK_NS = 60 * NS_PER_MS
"""The device's clock, by what it says of it: told up to some ticks after it was read."""

FLOWING_NS = 150 * NS_PER_MS
"""Steps are at most 112 ms apart: an edge younger than this belongs to a dose that has not ended."""

SENSOR_NS = 300 * NS_PER_MS
"""FLOW-8: a sensor that is silent, or a supply that is away, for so long has ended the flow."""

TIP_TOLERANCE_NL = 2.0
"""Rounding of the reported interval to whole nanolitres, at both ends."""

FREE_FLOW_NL = 1000.0
"""FLOW-1: so much may flow beside a dose through a loose syringe before it is an alarm. By what has truly flowed there,
up to this and no further, an interval may be off."""

SEEN_BY_FIRMWARE = frozenset(
    {
        "emergency_stop",
        "door_open",
        "supply_dip",
        "bus_stuck",
        "sensor_silent.pressure",
        "sensor_silent.flow",
        "sensor_silent.supply",
    }
)
"""Faults under which no edge may leave once they stood for SENSOR_NS."""

NOT_SUPERVISED: Mapping[str, str] = {
    "spill": "a leak at the tip lies behind every sensor; only a large one shows in the line's resistance (FLOW-2)",
    "valve_stuck": "where the valve stands is not measured: flow to waste may be taken for flow to the patient",
    "sensor_stuck": "a reading that stands still is found out after a while, not at once (FLOW-8)",
    "sensor_drifting": "the second witness is believed within its stated gain error (FLOW-8)",
    "sensor_jumping": "readings are filtered, not judged (FLOW-8)",
}
"""Faults that falsify the reported interval without being seen, each with the reason.

The intervals of such doses are not judged. A fault leaves this table when the firmware supervises it.
"""
