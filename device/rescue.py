"""What stands in the way of the counter-agent in an emergency, and nothing else.

Not in its way are an unknown dose, a hold, a silent monitor, a lost host, the screening, an interval, a ceiling of plan
or clinic. Who stands for it, a permit or a person, is asked when it is about to flow.
"""

from device import limits
from protocol import codes
from protocol.compat import const

# Latched stops that keep the agent, never the rescue. Every other one lies in the machine, or is a person's own.
_NOT_IN_THE_WAY = (
    codes.CAUSE_NONE,
    codes.CAUSE_MONITOR,
    codes.CAUSE_CLINICIAN,
    codes.CAUSE_CONSENT,
    codes.CAUSE_LINK_LOST,
    codes.CAUSE_PERMIT,
)


# A step that is cut off, and what each interval is rounded by.
_ROUNDING_NL = const(10)


def blocked_by(stop_cause: int) -> bool:
    """Whether a latched stop blocks all channels, the rescue, too."""
    return stop_cause not in _NOT_IN_THE_WAY


def clearing_nl(behind_nl: int, play_nl: int, error_ppm: int = limits.BORE_ERROR_PPM) -> int:
    """Return what a rescue pushes to the waste before it opens to the patient, nL: all agent behind the valve is gone.

    ``behind_nl`` is how far behind the valve agent may stand, ``play_nl`` what the screw's play may swallow. Nothing
    when no agent can stand there.
    """
    if behind_nl == 0:
        return 0
    return limits.upper_of(behind_nl + play_nl + limits.FRICTION_NL + _ROUNDING_NL, error_ppm + error_ppm // 8)


def preempts(open_kind: int) -> bool:
    """Whether a rescue ends the open dose of that kind and begins; the only one it does not is another rescue."""
    return open_kind != codes.KIND_RESCUE


class Rescue:
    """Judges an order for a rescue; ``nearest`` is the nearest allowed volume or rate."""

    def __init__(self) -> None:
        self.nearest = 0

    def judge(
        self,
        channel: int,
        service: bool,
        stop_cause: int,
        standing: int,
        treatment_open: bool,
        cartridge: int,
        volume_nl: int,
        rate_nl_s: int,
        rescued_nl: int,
        error_ppm: int = limits.BORE_ERROR_PPM,
    ) -> int:
        """Return why a rescue is refused, REASON_NONE when nothing is in its way.

        ``standing`` holds the interlock conditions of the machine, ``cartridge`` the REASON_ of the counter-agent's
        cartridge, ``rescued_nl`` what rescues have brought in this treatment at most. Order: channel, service, stop,
        interlock, treatment, cartridge, volume low, volume or total high, rate low, rate high.
        """
        self.nearest = 0
        if channel != codes.CHANNEL_COUNTER_AGENT:
            return codes.REASON_CHANNEL
        if service:
            return codes.REASON_SERVICE
        if blocked_by(stop_cause):
            return codes.REASON_STOPPED
        if standing:
            return codes.REASON_INTERLOCK
        if not treatment_open:
            return codes.REASON_NO_TREATMENT
        if cartridge != codes.REASON_NONE:
            return cartridge
        return self._judge_amounts(volume_nl, rate_nl_s, limits.MAX_RESCUE_TOTAL_NL - rescued_nl, error_ppm)

    def _judge_amounts(self, volume_nl: int, rate_nl_s: int, left_nl: int, error_ppm: int) -> int:
        most_nl = min(limits.MAX_RESCUE_NL, limits.asked_within(left_nl, error_ppm))
        if volume_nl < limits.MIN_DOSE_NL:
            return self._refuse(codes.REASON_VOLUME_LOW, limits.MIN_DOSE_NL if most_nl >= limits.MIN_DOSE_NL else 0)
        if volume_nl > most_nl:
            return self._refuse(codes.REASON_RESCUE_HIGH, most_nl if most_nl >= limits.MIN_DOSE_NL else 0)
        if rate_nl_s < limits.MIN_RATE_NL_S:
            return self._refuse(codes.REASON_RATE_LOW, limits.MIN_RATE_NL_S)
        if rate_nl_s > limits.MAX_RATE_NL_S:
            return self._refuse(codes.REASON_RATE_HIGH, limits.MAX_RATE_NL_S)
        return codes.REASON_NONE

    def _refuse(self, reason: int, nearest: int) -> int:
        self.nearest = nearest
        return reason
