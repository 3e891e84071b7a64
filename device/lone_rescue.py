"""A rescue when nobody is left to order one: the host is silent, and a person stands at the rig.

Two deliberate acts: the foot switch held down for five seconds, which light and sound acknowledge, then released and
pressed once more within ten. The amount is not asked for but taken at its worst: all agent that may be in the patient
or stand between valve and tip, and what fills that line before the counter-agent comes out of the tip. Agent behind
the valve goes to the waste first (``rescue.clearing_nl``).
"""

from device import limits
from device.clock import ticks_diff
from device.contents import PATIENT_LINE_NL
from protocol import codes
from protocol.compat import const

TYPE_CHECKING = False
if TYPE_CHECKING:
    from device.treatment import Treatment

HOLD_MS = const(5_000)
# The patient line's volume passes the tip in 0.6 s; in the default line the pressure stays at a seventh of its limit.
RATE_NL_S = const(5_000)


class HeldSwitch:
    """Tells when the foot switch has been held for HOLD_MS without a break, once each time."""

    def __init__(self) -> None:
        self.down = False
        self._since_ms = 0
        self._told = False

    def tick(self, pressed: bool, now_ms: int) -> bool:
        """Take the level of one tick; True in the tick in which it has been held for long enough."""
        if not pressed:
            self.down = self._told = False
        elif not self.down:
            self.down = True
            self._since_ms = now_ms
        elif not self._told and ticks_diff(now_ms, self._since_ms) >= HOLD_MS:
            self._told = True
            return True
        return False


def volume_nl(treatment: "Treatment", open_agent_nl: int, in_line_nl: int, available_nl: int) -> int:
    """Return what such a rescue gives, nL; 0 when no agent can have come to the patient, or nothing is left to give.

    ``open_agent_nl`` is the upper end of a dose of agent that has not ended, ``in_line_nl`` the agent that may stand
    between valve and tip, ``available_nl`` what the cartridge has for the patient. A residual burden that nobody knows
    counts as the ceiling.
    """
    given_nl = treatment.agent_max_nl + open_agent_nl
    residual_nl = limits.MAX_RESCUE_NL if treatment.residual_nl == codes.UNKNOWN_NL else treatment.residual_nl
    if given_nl + residual_nl == 0:
        return 0
    left_nl = limits.asked_within(limits.MAX_RESCUE_TOTAL_NL - treatment.rescue_max_nl, limits.BORE_ERROR_PPM)
    wanted_nl = min(given_nl + residual_nl + in_line_nl + PATIENT_LINE_NL, limits.MAX_RESCUE_NL)
    most_nl = min(wanted_nl, left_nl, limits.asked_within(available_nl, limits.BORE_ERROR_PPM))
    return most_nl if most_nl >= limits.MIN_DOSE_NL else 0
