"""Ceilings at three levels: plan within clinic within compiled-in. Zero until set, and zero forbids.

A row has the nine ceilings in the order of SET_CEILINGS. All three levels bind at once; the window that binds is the
smallest volume in the longest time of any.
"""

import struct

from device import limits
from protocol import codes
from protocol.compat import const

TYPE_CHECKING = False
if TYPE_CHECKING:
    from device.treatment import Treatment

ROW_FORMAT = "<IIIIHIIII"
UNSET = (0, 0, 0, 0, 0, 0, 0, 0, 0)  # type: tuple
# What a clinic may allow at most; of the window's length, at least.
LOOSEST = (
    limits.MAX_DOSE_NL,
    limits.MAX_RATE_NL_S,
    limits.MAX_TOTAL_NL,
    limits.MAX_TOTAL_NL,
    limits.MIN_WINDOW_S,
    limits.MAX_DOSE_NL,
    limits.MAX_TOTAL_NL,
    limits.MAX_DOSE_NL,
    limits.MAX_TOTAL_NL,
)
_AGENT_DOSE = const(0)
_AGENT_RATE = const(1)
_AGENT_TOTAL = const(2)
_WINDOW_NL = const(3)
_WINDOW_S = const(4)
# By channel: where the row holds its ceiling of one dose and of a treatment.
_DOSE_OF = (0, 5, 7)
_TOTAL_OF = (2, 6, 8)


class Ceilings:
    """Judges rows against the level above, and doses against all levels; ``nearest`` is the nearest allowed value.

    ``row`` is what binds now: nothing is allowed until clinic and plan are both set.
    """

    def __init__(self) -> None:
        self.clinic = UNSET
        self.plan = UNSET
        self.row = UNSET
        self.nearest = 0
        self._most_nl = 0
        self._reason = 0

    @property
    def window_s(self) -> int:
        """Length of the window that binds now, s; 0 while agent is forbidden."""
        return self.row[_WINDOW_S]

    def judge_clinic(self, values: tuple) -> int:
        """Return REASON_LOOSER when a value is looser than compiled in; ``nearest`` is for the first such value."""
        return self._judge_row(values, LOOSEST)

    def set_clinic(self, values: tuple) -> int:
        """Set the clinic's ceilings when ``judge_clinic`` allows; an open plan stays bound by the stricter of both."""
        reason = self.judge_clinic(values)
        if reason == codes.REASON_NONE:
            self.restore(values, self.plan)
        return reason

    def judge_plan(self, values: tuple) -> int:
        """Return REASON_CEILING_UNSET before the clinic's are set, REASON_LOOSER when a value is looser than theirs."""
        self.nearest = 0
        if self.clinic == UNSET:
            return codes.REASON_CEILING_UNSET
        return self._judge_row(values, self.clinic)

    def set_plan(self, values: tuple) -> int:
        """Set the plan's ceilings when ``judge_plan`` allows."""
        reason = self.judge_plan(values)
        if reason == codes.REASON_NONE:
            self.restore(self.clinic, values)
        return reason

    def clear_plan(self) -> None:
        """Forget the plan's ceilings: nothing is allowed until the next ones."""
        self.restore(self.clinic, UNSET)

    def restore(self, clinic: tuple, plan: tuple) -> None:
        """Take rows as they were kept; whatever they say, what binds is within the compiled-in ceilings."""
        self.clinic = clinic
        self.plan = plan
        self.row = tuple([_strictest(index, clinic[index], plan[index]) for index in range(len(UNSET))])

    def pack_clinic(self) -> bytes:
        """Return the clinic's row for the journal's cell."""
        return struct.pack(ROW_FORMAT, *self.clinic)

    def judge(
        self,
        kind: int,
        channel: int,
        volume_nl: int,
        rate_nl_s: int,
        agent_nl: int,
        totals: "Treatment",
        in_window_nl: int,
        error_ppm: int = limits.BORE_ERROR_PPM,
    ) -> int:
        """Return why a dose of any kind but RESCUE is refused, REASON_NONE when every ceiling allows it.

        ``rate_nl_s`` is the highest of the profile; ``agent_nl`` the agent that counter-agent or flush may push through
        the tip, at most (unheeded for the agent's channel); ``in_window_nl`` what counts in the window already.
        Order: unset, volume low, volume high, total, window, rate low, rate high. ``nearest`` is a volume or a rate
        that all of them allow, 0 when there is none.
        """
        self.nearest = 0
        self._reason = codes.REASON_NONE
        if kind in (codes.KIND_PRIME, codes.KIND_PURGE, codes.KIND_CALIBRATE):
            self._most_nl = limits.MAX_DOSE_NL
            self._bound(volume_nl > limits.MAX_DOSE_NL, codes.REASON_VOLUME_HIGH, limits.MAX_DOSE_NL)
            return self._answer(limits.MIN_DOSE_NL, volume_nl, limits.MAX_RATE_NL_S, rate_nl_s)
        agent = channel == codes.CHANNEL_AGENT or agent_nl > 0
        if not self._is_set(channel) or (agent and not self._is_set(codes.CHANNEL_AGENT)):
            return codes.REASON_CEILING_UNSET
        lowest_nl = self._judge_dose(kind, channel, volume_nl)
        counts_nl = limits.most_of(volume_nl, error_ppm)
        if channel == codes.CHANNEL_AGENT:
            agent_nl = counts_nl
        else:
            self._judge_pushed(agent_nl, error_ppm)
            left_nl = self.row[_TOTAL_OF[channel]] - totals.counted_nl(channel)
            self._judge_left(counts_nl, left_nl, codes.REASON_TOTAL_HIGH, error_ppm)
        if agent:
            left_nl = self.row[_AGENT_TOTAL] - totals.counted_nl(codes.CHANNEL_AGENT)
            self._judge_left(agent_nl, left_nl, codes.REASON_TOTAL_HIGH, error_ppm)
            self._judge_left(agent_nl, self.row[_WINDOW_NL] - in_window_nl, codes.REASON_WINDOW_HIGH, error_ppm)
        return self._answer(lowest_nl, volume_nl, self.row[_AGENT_RATE] if agent else limits.MAX_RATE_NL_S, rate_nl_s)

    def _judge_row(self, values: tuple, loosest: tuple) -> int:
        self.nearest = 0
        for index in range(len(UNSET)):
            allowed = _nearest_in_row(index, values[index], loosest[index])
            if allowed != values[index]:
                self.nearest = allowed
                return codes.REASON_LOOSER
        return codes.REASON_NONE

    def _is_set(self, channel: int) -> bool:
        row = self.row
        if channel == codes.CHANNEL_AGENT and not (row[_AGENT_RATE] and row[_WINDOW_NL] and row[_WINDOW_S]):
            return False
        return row[_DOSE_OF[channel]] > 0 and row[_TOTAL_OF[channel]] > 0

    def _judge_dose(self, kind: int, channel: int, volume_nl: int) -> int:
        """Bound one dose by the row, a micro-dose by its own ceiling, too; return the smallest volume of the kind."""
        lowest_nl = limits.MIN_DOSE_NL
        self._most_nl = self.row[_DOSE_OF[channel]]
        if kind == codes.KIND_SCREENING:
            lowest_nl = limits.MIN_SCREENING_NL
            self._most_nl = min(self._most_nl, limits.MAX_SCREENING_NL)
        self._bound(volume_nl > self._most_nl, codes.REASON_VOLUME_HIGH, self._most_nl)
        return lowest_nl

    def _judge_pushed(self, agent_nl: int, error_ppm: int) -> None:
        """Bound what is pushed at once by the ceiling of one dose of agent."""
        if agent_nl > 0:
            dose_nl = self.row[_AGENT_DOSE]
            self._bound(agent_nl > limits.most_of(dose_nl, error_ppm), codes.REASON_VOLUME_HIGH, dose_nl)

    def _judge_left(self, counts_nl: int, left_nl: int, reason: int, error_ppm: int) -> None:
        # A volume whose most is within what is left brings no more agent than that, wherever the agent stands.
        self._bound(counts_nl > left_nl, reason, limits.asked_within(left_nl, error_ppm))

    def _bound(self, beyond: bool, reason: int, most_nl: int) -> None:
        """Keep the first reason and the smallest bound."""
        if beyond and self._reason == codes.REASON_NONE:
            self._reason = reason
        if most_nl < self._most_nl:
            self._most_nl = most_nl

    def _answer(self, lowest_nl: int, volume_nl: int, highest_nl_s: int, rate_nl_s: int) -> int:
        reason = self._reason
        if volume_nl < lowest_nl:
            reason = codes.REASON_VOLUME_LOW
        if reason != codes.REASON_NONE:
            if self._most_nl >= lowest_nl:
                self.nearest = lowest_nl if volume_nl < lowest_nl else self._most_nl
            return reason
        if rate_nl_s < limits.MIN_RATE_NL_S:
            reason = codes.REASON_RATE_LOW
        elif rate_nl_s > highest_nl_s:
            reason = codes.REASON_RATE_HIGH
        if reason != codes.REASON_NONE and highest_nl_s >= limits.MIN_RATE_NL_S:
            self.nearest = limits.MIN_RATE_NL_S if reason == codes.REASON_RATE_LOW else highest_nl_s
        return reason


def unpack_row(payload: bytes | None) -> tuple:
    """Return the row that ``pack_clinic`` made, all zero when there is none."""
    if payload is None or len(payload) != struct.calcsize(ROW_FORMAT):
        return UNSET
    return struct.unpack(ROW_FORMAT, payload)


def _nearest_in_row(index: int, value: int, loosest: int) -> int:
    """Return ``value`` when it is no looser than ``loosest``, else the nearest that is not. Zero is always allowed."""
    if index != _WINDOW_S:
        return min(value, loosest)
    if value == 0 or loosest == 0:
        return 0
    # The same volume in a shorter time is looser; a time beyond what is kept cannot be promised.
    return min(max(value, loosest), limits.MAX_WINDOW_S)


def _strictest(index: int, clinic: int, plan: int) -> int:
    if index != _WINDOW_S:
        return min(clinic, plan, LOOSEST[index])
    longest_s = max(clinic, plan, limits.MIN_WINDOW_S)
    if clinic == 0 or plan == 0 or longest_s > limits.MAX_WINDOW_S:
        return 0
    return longest_s
