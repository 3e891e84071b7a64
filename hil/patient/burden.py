"""Burden and counter-agent, solved in closed form between two changes of what flows in.

``dB/dt = agent - k B + g B - C / T`` and ``dC/dt = counter - C / T``: free counter-agent C binds burden one to one with
the time constant T. Where no burden is left, it binds what flows in and the rest waits.
"""

from math import exp, expm1, log

_BISECTIONS = 100
_NOTHING_UL = 1e-12


def _grown(rate_per_s: float, time_s: float) -> float:
    """Return the integral of exp(-rate t) from 0 to the time."""
    return -expm1(-rate_per_s * time_s) / rate_per_s if rate_per_s else time_s


class Piece:
    """The burden over a time in which one formula holds."""

    __slots__ = ("_bound", "_burden", "_fall", "_inflow", "_lost", "duration_s")

    def __init__(
        self, duration_s: float, burden: float, inflow: float, bound: float, lost_per_s: float, fall_per_s: float
    ) -> None:
        """Start at ``burden``, with a net inflow, a binding that fades from ``bound``, and the rates of both; uL, s."""
        self.duration_s = duration_s
        self._burden = burden
        self._inflow = inflow
        self._bound = bound
        self._lost = lost_per_s
        self._fall = fall_per_s

    def at(self, time_s: float) -> float:
        """Return the burden so long after the piece's beginning, uL-equivalents."""
        lost = self._lost
        if not self._bound:
            return self._burden * exp(-lost * time_s) + self._inflow * _grown(lost, time_s)
        return (
            self._burden * exp(-lost * time_s)
            + self._inflow * _grown(lost, time_s)
            - self._bound * exp(-self._fall * time_s) * _grown(lost - self._fall, time_s)
        )

    def emptied_s(self) -> float | None:
        """Return when the burden comes to zero within the piece, or None.

        Apart from its clearance it falls as long as more is bound than flows in, and rises from then on, so its zero
        lies before that instant.
        """
        last_s = self.duration_s
        if self._bound > 0 and self._inflow > 0:
            turns_s = log(self._bound / self._inflow) / self._fall
            last_s = min(last_s, max(0.0, turns_s))
        if self.at(last_s) >= 0 or last_s <= 0:
            return None
        low_s, high_s = 0.0, last_s
        for _ in range(_BISECTIONS):
            middle_s = 0.5 * (low_s + high_s)
            if self.at(middle_s) > 0:
                low_s = middle_s
            else:
                high_s = middle_s
        return high_s


class Burden:
    """Burden and free counter-agent in the body, uL-equivalents."""

    __slots__ = ("_binding_s", "_clearance", "_growth", "_growth_left_s", "bound_ul", "burden_ul", "counter_ul")

    def __init__(
        self,
        residual_ul: float,
        clearance_per_min: float,
        growth_per_min: float,
        growth_after_s: float,
        binding_s: float,
    ) -> None:
        self.burden_ul = residual_ul
        self.counter_ul = 0.0
        self.bound_ul = 0.0
        self._clearance = clearance_per_min / 60.0
        self._growth = growth_per_min / 60.0
        self._growth_left_s = growth_after_s
        self._binding_s = binding_s

    def advance(self, duration_s: float, agent_ul_s: float, counter_ul_s: float) -> list[Piece]:
        """Let time pass with a constant inflow; return the burden in it as pieces, in order."""
        pieces: list[Piece] = []
        left_s = duration_s
        while left_s > 0:
            part_s = left_s
            growing = self._growth_left_s <= 0
            if not growing:
                part_s = min(part_s, self._growth_left_s)
            piece = self._piece(part_s, agent_ul_s, counter_ul_s, self._growth if growing else 0.0)
            pieces.append(piece)
            left_s -= piece.duration_s
            self._growth_left_s -= piece.duration_s
        return pieces

    def _piece(self, longest_s: float, agent: float, counter: float, growth: float) -> Piece:
        fall = 1.0 / self._binding_s
        if self.burden_ul <= _NOTHING_UL and self.counter_ul > 0 and self.counter_ul * fall >= agent:
            return self._cleared_piece(longest_s, agent, counter)
        lost = self._clearance - growth
        fading = self.counter_ul - counter * self._binding_s
        piece = Piece(longest_s, self.burden_ul, agent - counter, fading * fall, lost, fall)
        emptied_s = piece.emptied_s() if self.counter_ul or counter else None
        if emptied_s is not None:
            piece.duration_s = max(emptied_s, 1e-9)
        time_s = piece.duration_s
        held_ul = self.counter_ul
        self.counter_ul = max(0.0, counter * self._binding_s + fading * exp(-fall * time_s))
        self.bound_ul += held_ul + counter * time_s - self.counter_ul
        self.burden_ul = 0.0 if emptied_s is not None else max(0.0, piece.at(time_s))
        return piece

    def _cleared_piece(self, longest_s: float, agent: float, counter: float) -> Piece:
        """Let counter-agent in excess bind whatever flows in, until it can no more."""
        time_s = longest_s
        if agent > counter:
            time_s = min(time_s, max(1e-9, (self.counter_ul - agent * self._binding_s) / (agent - counter)))
        self.burden_ul = 0.0
        self.counter_ul = max(0.0, self.counter_ul + (counter - agent) * time_s)
        self.bound_ul += agent * time_s
        return Piece(time_s, 0.0, 0.0, 0.0, 0.0, 1.0)
