"""One patient in time: inflow in, burden, response and vital signs out."""

from collections import deque
from collections.abc import Callable

from hil.patient.burden import Burden, Piece
from hil.patient.parameters import PatientParameters
from hil.patient.response import LONGEST_S, Response
from hil.patient.vital_signs import Sample, VitalSigns

US_PER_S = 1_000_000
SEVERE = 1.0
"""Responses above this, the present and the delayed one together, are a severe reaction."""


class _Delayed:
    """A response to the burden as it was a dead time ago: the same inflow, played back."""

    def __init__(self, burden: Burden, response: Response, delay_us: int) -> None:
        self._burden = burden
        self.response = response
        self._wait_us = delay_us
        self._inflows: deque[list[float]] = deque()  # duration_us, agent, counter

    def advance(self, duration_us: int, agent_ul_s: float, counter_ul_s: float) -> None:
        last = self._inflows[-1] if self._inflows else None
        if last is not None and last[1] == agent_ul_s and last[2] == counter_ul_s:
            last[0] += duration_us
        else:
            self._inflows.append([duration_us, agent_ul_s, counter_ul_s])
        if self._wait_us:
            waited_us = min(self._wait_us, duration_us)
            self._wait_us -= waited_us
            duration_us -= waited_us
        while duration_us > 0:
            first = self._inflows[0]
            part_us = min(duration_us, first[0])
            for piece in self._burden.advance(part_us / US_PER_S, first[1], first[2]):
                follow(piece, (self.response,))
            first[0] -= part_us
            if first[0] <= 0:
                self._inflows.popleft()
            duration_us -= int(part_us)


def follow(piece: Piece, responses: tuple[Response, ...]) -> None:
    """Let responses follow the burden over a whole piece."""
    done_s = 0.0
    while done_s < piece.duration_s:
        part_s = min(LONGEST_S, piece.duration_s - done_s)
        for response in responses:
            response.advance(piece, done_s, part_s)
        done_s += part_s


class Patient:
    """A body that takes what flows in, and the signs that a monitor takes of it once a second.

    Time is in microseconds since admission. The result does not depend on how time is cut.
    """

    def __init__(
        self,
        parameters: PatientParameters,
        seed: int = 1,
        vital_signs: VitalSigns | None = None,
        *,
        monitored: bool = True,
    ) -> None:
        """Without ``monitored`` no samples are taken, which is several times as fast."""
        p = self.parameters = parameters
        self.now_us = 0
        self.agent_ul = 0.0
        self.counter_ul = 0.0
        self.peak = 0.0
        self.severe_at_s: float | None = None
        self.vital_signs = vital_signs or VitalSigns(seed)
        self.samples: list[Sample] = []
        self.on_sample: list[Callable[[Sample], None]] = []
        self._monitored = monitored
        self._sample_us = US_PER_S
        self._burden = self._new_burden()
        self._response = Response(p.sensitivity, p.threshold_ul, p.exponent, p.response_s)
        self._delayed: _Delayed | None = None
        if p.delayed_sensitivity:
            response = Response(p.delayed_sensitivity, p.threshold_ul, p.exponent, p.response_s)
            self._delayed = _Delayed(self._new_burden(), response, round(p.delay_s * US_PER_S))

    def _new_burden(self) -> Burden:
        p = self.parameters
        return Burden(p.residual_ul, p.clearance_per_min, p.growth_per_min, p.growth_after_s, p.binding_s)

    @property
    def now_s(self) -> float:
        """Time since admission, s."""
        return self.now_us / US_PER_S

    @property
    def burden_ul(self) -> float:
        """Burden, uL-equivalents."""
        return self._burden.burden_ul

    @property
    def free_counter_ul(self) -> float:
        """Counter-agent in the body that has bound nothing yet, uL."""
        return self._burden.counter_ul

    @property
    def bound_ul(self) -> float:
        """Burden that the counter-agent has bound so far, uL-equivalents."""
        return self._burden.bound_ul

    @property
    def response(self) -> float:
        """The present response I."""
        return self._response.level

    @property
    def delayed_response(self) -> float:
        """The delayed effect D."""
        return self._delayed.response.level if self._delayed else 0.0

    @property
    def reaction(self) -> float:
        """Both responses together, as the vital signs show them."""
        return self.response + self.delayed_response

    @property
    def severe(self) -> bool:
        """Tell whether the reaction is, or has been, severe."""
        return self.severe_at_s is not None

    def advance(self, duration_s: float, agent_ul_s: float = 0.0, counter_ul_s: float = 0.0) -> None:
        """Let time pass, in whole microseconds, with a constant inflow. Raises ValueError for a negative one."""
        self.advance_us(round(duration_s * US_PER_S), agent_ul_s, counter_ul_s)

    def advance_us(self, duration_us: int, agent_ul_s: float = 0.0, counter_ul_s: float = 0.0) -> None:
        """Let time pass with a constant inflow."""
        if duration_us < 0 or agent_ul_s < 0 or counter_ul_s < 0:
            raise ValueError("neither time nor what flows in can be negative")
        until_us = self.now_us + duration_us
        while self.now_us < until_us:
            part_us = min(until_us, self._sample_us) - self.now_us
            self._live(part_us, agent_ul_s, counter_ul_s)
            if self.now_us == self._sample_us:
                self._sample_us += US_PER_S
                if self._monitored:
                    self._sample()

    def _live(self, duration_us: int, agent_ul_s: float, counter_ul_s: float) -> None:
        duration_s = duration_us / US_PER_S
        before = self.reaction
        for piece in self._burden.advance(duration_s, agent_ul_s, counter_ul_s):
            follow(piece, (self._response,))
        if self._delayed is not None:
            self._delayed.advance(duration_us, agent_ul_s, counter_ul_s)
        self.agent_ul += agent_ul_s * duration_s
        self.counter_ul += counter_ul_s * duration_s
        reaction = self.reaction
        if reaction > self.peak:
            self.peak = reaction
            if reaction > SEVERE and self.severe_at_s is None:
                # The crossing lies within a second at most: a straight line finds it to some milliseconds.
                share = (SEVERE - before) / (reaction - before)
                self.severe_at_s = self.now_us / US_PER_S + max(0.0, share) * duration_s
        self.now_us += duration_us

    def _sample(self) -> None:
        sample = self.vital_signs.sample(self.now_us // 1000, self.reaction, self.burden_ul)
        if sample is None:
            return
        if self.on_sample:
            for listener in self.on_sample:
                listener(sample)
        else:
            self.samples.append(sample)
