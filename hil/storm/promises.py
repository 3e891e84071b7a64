"""The bounds that the judge holds a run against, and what the present firmware does not promise yet."""

from collections.abc import Mapping

NS_PER_MS = 1_000_000
NEVER_NS = 1 << 62

# Reference rig and requirements; numbers of the judge's own, so that a wrong one in the firmware is seen.
STEP_PL = 5608
MIN_DOSE_NL, MAX_DOSE_NL = 100, 100_000
MIN_RATE_NL_S, MAX_RATE_NL_S = 50, 20_000
MAX_TOTAL_NL = 500_000
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

FLOWING_NS = 150 * NS_PER_MS
"""Steps are at most 112 ms apart: an edge younger than this belongs to a dose that has not ended."""

SENSOR_NS = 300 * NS_PER_MS
"""FLOW-8: a sensor that is silent, or a supply that is away, for so long has ended the flow."""

TIP_TOLERANCE_NL = 2.0
"""Rounding of the reported interval to whole nanolitres, at both ends."""

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

UNRELIEVED = "line_not_relieved"
RELIEVED_NL = 5.0
"""So little may be stored in the line when a dose is accepted; a device whose line is relieved has less."""

NOT_SUPERVISED_YET: Mapping[str, str] = {
    "leak": "flow is not compared with the line's model yet (FLOW-2): what leaks is counted as to the patient",
    "motor_stalled": "steps that move nothing show only in the flow, which is not compared with the steps yet (FLOW-2)",
    "spill": "a leak at the tip lies behind every sensor; what the line model does not show is not seen (FLOW-2)",
    "valve_stuck": "where the valve stands is not measured: flow to waste is taken for flow to the patient (FLOW-2)",
    "clog": "the slope of the pressure is not judged yet: what is stored is known at the limit alone (FLOW-3)",
    "syringe_loose": "steps that move nothing, or flow without steps (FLOW-1, FLOW-2)",
    "syringe_empty": "the end switch ends the flow, what was not displaced before is not known (FLOW-6)",
    "syringe_exchanged": "cartridges are not read yet (DOSE-10): a step of another bore counts as one of the nominal",
    "supply_dip": "a dip shorter than three readings of the supply loses steps that are counted as emitted (FLOW-2)",
    "sensor_stuck": "a reading that does not change reads as healthy (FLOW-8 holds for silence and range alone)",
    "sensor_drifting": "the second witness is believed within its stated gain error (FLOW-8)",
    "sensor_jumping": "readings are filtered, not judged (FLOW-8)",
    UNRELIEVED: "a dose may begin while the line still holds pressure, right after a power cut say (DOSE-8)",
    "bubble": "air in the line is taken for liquid until it reaches a sensor (FLOW-5)",
}
"""Faults, and one state of the line, that falsify the reported interval without being seen, each with the reason.

The intervals of such doses are not judged. A fault leaves this table when the firmware supervises it.
"""
