"""Rate over a dose: up to four pieces one after the other, in each of which the rate changes linearly with time.

Within a piece of ``n`` steps from rate ``a`` to rate ``b`` the square of the rate is linear in the steps emitted:
``a * a + (b * b - a * a) * step / n``. So the rate is known at every step, in small integers, without a clock.
"""

from struct import unpack

from device.limits import MAX_RATE_NL_S, MIN_DOSE_NL, MIN_RATE_NL_S
from protocol import codes
from protocol.compat import const

# Four of an order, and one that clears the line before a rescue.
MAX_PIECES = const(5)
_NO_SEGMENTS = b"\x00" * 24
_SEGMENTS = "<IHHIHHIHH"
_SEGMENT_FIELDS = const(3)
# Newton's rule comes closer by half at worst and ends on the root long before this.
_ROOT_ROUNDS = const(24)


def pieces_of(profile: int, volume_nl: int, rate_nl_s: int, rate_end_nl_s: int, segments: bytes) -> list:
    """Return (volume_nl, rate at begin, rate at end) of every piece of an order; an empty list when it makes no sense.

    The order's own volume is of all pieces together; the first piece is what the others leave. Allocates.
    """
    if profile == codes.PROFILE_SEGMENTS:
        return _segments_of(volume_nl, rate_nl_s, rate_end_nl_s, segments)
    if segments != _NO_SEGMENTS or (profile == codes.PROFILE_CONSTANT and rate_end_nl_s != rate_nl_s):
        return []
    return [(volume_nl, rate_nl_s, rate_end_nl_s)]


def _segments_of(volume_nl: int, rate_nl_s: int, rate_end_nl_s: int, segments: bytes) -> list:
    values = unpack(_SEGMENTS, segments)
    further = []
    ended = False
    for first in range(0, len(values), _SEGMENT_FIELDS):
        piece = values[first : first + _SEGMENT_FIELDS]
        if piece == (0, 0, 0):
            ended = True
        elif ended:
            return []
        else:
            further.append(piece)
            volume_nl -= piece[0]
    return [(volume_nl, rate_nl_s, rate_end_nl_s)] + further if further else []


def judge(profile: int, pieces: list) -> tuple:
    """Return (REASON_ code, nearest allowed value) for the pieces of an order."""
    if not codes.PROFILE_CONSTANT <= profile <= codes.PROFILE_SEGMENTS:
        return (codes.REASON_PROFILE, 0)
    if not pieces:
        return (codes.REASON_SEGMENT, 0)
    for volume_nl, begin_nl_s, end_nl_s in pieces:
        if len(pieces) > 1 and volume_nl < MIN_DOSE_NL:
            return (codes.REASON_SEGMENT, MIN_DOSE_NL)
        if begin_nl_s < MIN_RATE_NL_S or end_nl_s < MIN_RATE_NL_S:
            return (codes.REASON_RATE_LOW, MIN_RATE_NL_S)
        if begin_nl_s > MAX_RATE_NL_S or end_nl_s > MAX_RATE_NL_S:
            return (codes.REASON_RATE_HIGH, MAX_RATE_NL_S)
    return (codes.REASON_NONE, 0)


def highest_rate(pieces: list) -> int:
    """Return the highest rate of all pieces, nL/s."""
    return max([max(begin_nl_s, end_nl_s) for _, begin_nl_s, end_nl_s in pieces])


class Profile:
    """The rate of one dose at each of its steps. ``rate_at`` allocates nothing."""

    def __init__(self) -> None:
        self._count = 0
        self._piece = 0
        self._guess_nl_s = MIN_RATE_NL_S
        self._first_step = [0] * (MAX_PIECES + 1)
        # The square of the rate where a piece begins, what a step adds to it, and the rest of that division.
        self._square = [0] * MAX_PIECES
        self._slope = [0] * MAX_PIECES
        self._rest = [0] * MAX_PIECES
        self.constant = True
        self.first_rate_nl_s = 0

    def load(self, pieces: list, steps: int) -> None:
        """Take the pieces of a dose that has so many ``steps`` in all."""
        self._count = len(pieces)
        self._piece = 0
        self._guess_nl_s = self.first_rate_nl_s = pieces[0][1]
        self.constant = len(pieces) == 1 and pieces[0][1] == pieces[0][2]
        volume_nl = sum([piece[0] for piece in pieces])
        before_nl = 0
        for index in range(self._count):
            self._first_step[index] = steps * before_nl // volume_nl
            before_nl += pieces[index][0]
            self._load_piece(index, pieces[index], steps * before_nl // volume_nl - self._first_step[index])
        self._first_step[self._count] = steps

    def _load_piece(self, index: int, piece: tuple, steps: int) -> None:
        square = piece[1] * piece[1]
        difference = piece[2] * piece[2] - square
        self._square[index] = square
        self._slope[index] = difference // steps if steps else 0
        self._rest[index] = difference % steps if steps else 0

    def rate_at(self, step: int) -> int:
        """Return the rate in nL/s after ``step`` steps of the dose."""
        if self.constant:
            return self.first_rate_nl_s
        piece = self._piece
        first = self._first_step
        while piece > 0 and step < first[piece]:
            piece -= 1
        while piece + 1 < self._count and step >= first[piece + 1]:
            piece += 1
        self._piece = piece
        into = step - first[piece]
        square = self._square[piece] + self._slope[piece] * into
        # Both factors of the rest are steps of one dose, at most 17,832: the product stays below 2^30.
        square += self._rest[piece] * into // (first[piece + 1] - first[piece])
        self._guess_nl_s = _root(square, self._guess_nl_s)
        return self._guess_nl_s


def _root(square: int, guess: int) -> int:
    """Return the whole root of ``square`` (1 or more), found from a ``guess`` near it."""
    for _ in range(_ROOT_ROUNDS):
        better = (guess + square // guess) >> 1
        if guess <= better <= guess + 1:
            break
        guess = better
    return guess + 1 if (guess + 1) * (guess + 1) <= square else guess
