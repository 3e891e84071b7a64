"""The numbers that the model judges by: its own, so that a wrong one in the firmware is seen. Volumes nL, times ns."""

from hil.plant.parameters import NS_PER_MS
from protocol import codes

STEP_FL = 5_608_000
BORE_SHARE = 0.01
FRICTION_NL = 152.0
"""A grain that an earlier dose left in the plunger, and roundings."""

ROUNDING_NL = 2.0

STOP_NS = 10 * NS_PER_MS
"""STOP-3."""

SAFE_NS = 10_000
"""STOP-2."""

DIP_NS = 10 * NS_PER_MS
"""A dip of the supply that is shorter may lie between two ticks: nobody sees what its steps have not moved."""

STANDING_NS = 25 * NS_PER_MS
"""An E-stop or a door that stood open for so long was seen by a tick."""

FLOWING_NS = 150 * NS_PER_MS
"""Steps are at most 112 ms apart: an edge younger than this belongs to a dose that has not ended."""

HOLD_NS = 20 * NS_PER_MS
GRANT_NS = 40 * NS_PER_MS
SLOWEST_PERIOD_NS = 115 * NS_PER_MS
FASTEST_PERIOD_NS = 270_000
PERSON_NS = 10_100 * NS_PER_MS
"""PERMIT-4: within 10 s; a tick and a frame more."""

LINK_LOST_NS = 1_500 * NS_PER_MS
"""LINK-4."""

PERMIT_SLACK_NS = 1_500_000
"""The device's clock is read in whole milliseconds."""

DURABLE_NS = 300 * NS_PER_MS
"""What was latched for so long outlives the power."""

MAX_PERMIT_MS = 2_000
RESCUE_NL = 60_000
RESCUE_TOTAL_NL = 120_000
SCREENING_NL = 2_000
PURGE_NL = 8_000
CLEARING_NL = 8_600
"""What a rescue pushes to the waste first: manifold and sensors behind the valve, play, friction, the widest bore."""

BEFORE_TIP_NL = 3_000
"""Between valve and tip: the agent in it is all that a rescue pushes into the patient."""
UNSET = (0,) * 9
LOOSEST = (100_000, 20_000, 500_000, 500_000, 60, 100_000, 500_000, 100_000, 500_000)
"""Compiled in, in the order of SET_CEILINGS; of the window's length the shortest."""

WINDOW_S = 4
LONGEST_WINDOW_S = 2560

PATIENT_KINDS = (codes.KIND_DOSE, codes.KIND_SCREENING, codes.KIND_RESCUE)
OPEN_STATES = range(codes.DOSE_ACCEPTED, codes.DOSE_STOPPING + 1)
FINAL_STATES = (codes.DOSE_DELIVERED, codes.DOSE_PARTIAL, codes.DOSE_UNKNOWN)
PATIENT_CAUSES = (codes.CAUSE_MONITOR, codes.CAUSE_CLINICIAN, codes.CAUSE_CONSENT)
SPARING_RESCUE = (*PATIENT_CAUSES, codes.CAUSE_LINK_LOST, codes.CAUSE_PERMIT)


def most_of(volume_nl: float) -> float:
    """Return the most that a dose of so much can bring: the widest bore, and the friction's grain."""
    return volume_nl * (1 + BORE_SHARE) + FRICTION_NL


def steps_of(volume_nl: int) -> int:
    """Return the nominal steps of a volume."""
    return volume_nl * 1_000_000 // STEP_FL


def strictest(clinic: tuple[int, ...], plan: tuple[int, ...]) -> tuple[int, ...]:
    """Return what binds: the smaller of each, of the window's length the longer; nothing where it cannot be kept."""
    row = [min(values) for values in zip(clinic, plan, LOOSEST, strict=True)]
    longest_s = max(clinic[WINDOW_S], plan[WINDOW_S], LOOSEST[WINDOW_S])
    promised = clinic[WINDOW_S] and plan[WINDOW_S] and longest_s <= LONGEST_WINDOW_S
    row[WINDOW_S] = longest_s if promised else 0
    return tuple(row)
