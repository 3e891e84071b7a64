"""What a burden above its threshold does: ``dI/dt = (S max(0, B - B0)^h - I) / tau``."""

from math import exp, sqrt

from hil.patient.burden import Piece

LONGEST_S = 2.0
"""What is integrated at once: against 60 s and more, in which anything changes, three points are exact to 1e-9."""

_GAUSS = ((0.5 * (1.0 - sqrt(0.6)), 5.0 / 18.0), (0.5, 8.0 / 18.0), (0.5 * (1.0 + sqrt(0.6)), 5.0 / 18.0))
_BISECTIONS = 40


class Response:
    """One response with its own sensitivity, driven by the burden."""

    __slots__ = ("_exponent", "_rate", "_sensitivity", "_threshold", "level")

    def __init__(self, sensitivity: float, threshold_ul: float, exponent: float, time_constant_s: float) -> None:
        self._sensitivity = sensitivity
        self._threshold = threshold_ul
        self._exponent = exponent
        self._rate = 1.0 / time_constant_s
        self.level = 0.0

    def advance(self, piece: Piece, from_s: float, duration_s: float) -> None:
        """Follow the burden over a part of a piece that is not longer than ``LONGEST_S``."""
        self.level *= exp(-self._rate * duration_s)
        above = piece.at(from_s) > self._threshold
        above_then = piece.at(from_s + duration_s) > self._threshold
        if not (above or above_then):
            return
        first_s, last_s = 0.0, duration_s
        if above != above_then:
            # The drive begins or ends with a kink: only the part above the threshold is smooth.
            crossing_s = self._crossing(piece, from_s, duration_s, above)
            first_s, last_s = (0.0, crossing_s) if above else (crossing_s, duration_s)
        length_s = last_s - first_s
        driven = 0.0
        for place, weight in _GAUSS:
            time_s = first_s + place * length_s
            excess = piece.at(from_s + time_s) - self._threshold
            if excess > 0:
                driven += weight * excess**self._exponent * exp(self._rate * (time_s - duration_s))
        self.level += driven * length_s * self._sensitivity * self._rate

    def _crossing(self, piece: Piece, from_s: float, duration_s: float, above: bool) -> float:
        low_s, high_s = 0.0, duration_s
        for _ in range(_BISECTIONS):
            middle_s = 0.5 * (low_s + high_s)
            if (piece.at(from_s + middle_s) > self._threshold) == above:
                low_s = middle_s
            else:
                high_s = middle_s
        return high_s
