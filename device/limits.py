"""Compiled-in ceilings of the rig, and what a volume is in steps.

An order beyond a ceiling is refused with the nearest allowed value, never clipped.
"""

from protocol.compat import const

# One micro-step of the 1 mL syringe (bore 4.78 mm, lead 1 mm, 3200 micro-steps a mm; reference rig R1), nominal, in pL
# and fL (10^-6 nL), and how far it may be off. Calibration replaces them.
STEP_PL = const(5608)
STEP_FL = const(5_608_000)
BORE_ERROR_PPM = const(10_000)
# What the plunger's friction held back in an earlier dose may come with this one: a grain of 100 nL, at worst half as
# much again (reference rig R1).
FRICTION_NL = const(150)

MIN_DOSE_NL = const(100)
MAX_DOSE_NL = const(100_000)
# 9 to 3566 micro-steps a second (reference rig R1).
MIN_RATE_NL_S = const(50)
MAX_RATE_NL_S = const(20_000)
# Half a syringe: no treatment gives more than this from one channel, whatever is asked.
MAX_TOTAL_NL = const(500_000)
# The window of the agent. A longer one is not kept (256 outcomes, one every 10 s); a shorter one would bound one dose.
MIN_WINDOW_S = const(60)
MAX_WINDOW_S = const(2560)
# From the end of a dose to a patient to the start of the next one on that channel.
MIN_INTERVAL_MS = const(10_000)
# A screening micro-dose.
MIN_SCREENING_NL = const(1_000)
MAX_SCREENING_NL = const(2_000)
# A rescue, and all of them in one treatment. Neither plan nor clinic makes these wider or narrower.
MAX_RESCUE_NL = const(60_000)
MAX_RESCUE_TOTAL_NL = const(120_000)
# A permit lives no longer than this on the device's clock.
MAX_PERMIT_MS = const(2_000)
# Occlusion limit of the line pressure: what a clinic may set, and what holds until it does (Open PCA Pump, ECRI).
MIN_PRESSURE_LIMIT_PA = const(14_000)
MAX_PRESSURE_LIMIT_PA = const(138_000)
PRESSURE_LIMIT_PA = const(69_000)
# An order older than this is nobody's present wish.
MAX_EXPIRY_MS = const(60_000)


def steps_of(volume_nl: int, step_fl: int = STEP_FL) -> int:
    """Return the micro-steps that make ``volume_nl``, rounded down: a dose is never more than was asked.

    Not for the tick: the product leaves the small integers.
    """
    return volume_nl * 1_000_000 // step_fl


def steps_within(volume_nl: int, step_fl: int = STEP_FL, error_ppm: int = BORE_ERROR_PPM) -> int:
    """Return the micro-steps that are at most ``volume_nl`` even if each is as large as its error allows."""
    return volume_nl * 1_000_000 // (step_fl + step_fl * error_ppm // 1_000_000 + 1)


def volume_of(steps: int, step_fl: int = STEP_FL) -> int:
    """Return the volume in nL of ``steps`` micro-steps (at most 189,000, nearly a full syringe), rounded down."""
    # In two parts, exact, and within the small integers.
    return (steps * (step_fl // 1000) + steps * (step_fl % 1000) // 1000) // 1000


def upper_of(volume_nl: int, error_ppm: int = BORE_ERROR_PPM) -> int:
    """Return the most that a volume computed from steps can be: a bore too wide by its error, and both roundings."""
    return volume_nl + volume_nl * ((error_ppm + 99) // 100) // 10_000 + 2


def most_of(volume_nl: int, error_ppm: int = BORE_ERROR_PPM) -> int:
    """Return the most that a dose of ``volume_nl`` can bring to the patient: its upper end and the friction's grain."""
    return upper_of(volume_nl, error_ppm) + FRICTION_NL


def asked_within(most_nl: int, error_ppm: int = BORE_ERROR_PPM) -> int:
    """Return the largest volume whose ``most_of`` is not above ``most_nl``; 0 when there is none."""
    left_nl = most_nl - 2 - FRICTION_NL
    if left_nl <= 0:
        return 0
    volume_nl = left_nl * 10_000 // (10_000 + (error_ppm + 99) // 100)
    # Rounding may hide one more, never two.
    if most_of(volume_nl + 1, error_ppm) <= most_nl:
        volume_nl += 1
    return volume_nl
