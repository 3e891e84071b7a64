"""A rescue when nobody is left to order one: the host is silent, and a person stands at the rig.

Two deliberate acts: the foot switch held down for five seconds, which light and sound acknowledge, then released and
pressed once more within ten. The amount is not asked for but taken at its worst: all agent that may be in the patient
or stand in the line, and what fills the line before the counter-agent comes out of the tip.
"""

from device import limits
from device.clock import ticks_diff
from device.contents import LINE_NL
from protocol import codes
from protocol.compat import const

TYPE_CHECKING = False
if TYPE_CHECKING:
    from device.treatment import Treatment

HOLD_MS = const(5_000)
# The line's dead volume has passed the tip in 2.2 s; the pressure stays at a seventh of its limit in the default line.
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

    ``open_agent_nl`` is the upper end of a dose of agent that has not ended, ``in_line_nl`` the agent that may stand in
    the line, ``available_nl`` what the cartridge has. A residual burden that nobody knows counts as the ceiling.
    """
    given_nl = treatment.agent_max_nl + open_agent_nl
    residual_nl = limits.MAX_RESCUE_NL if treatment.residual_nl == codes.UNKNOWN_NL else treatment.residual_nl
    if given_nl + residual_nl == 0:
        return 0
    left_nl = limits.asked_within(limits.MAX_RESCUE_TOTAL_NL - treatment.rescue_max_nl, limits.BORE_ERROR_PPM)
    wanted_nl = min(given_nl + residual_nl + in_line_nl + LINE_NL, limits.MAX_RESCUE_NL)
    most_nl = min(wanted_nl, left_nl, limits.asked_within(available_nl, limits.BORE_ERROR_PPM))
    return most_nl if most_nl >= limits.MIN_DOSE_NL else 0
