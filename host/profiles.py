"""How the rate goes over one dose: constant, a ramp, or up to four pieces, each with a rate that changes evenly."""

from dataclasses import dataclass
from struct import pack
from typing import Final

from protocol import codes

MAX_FURTHER: Final = 3
SEGMENTS_OCTETS: Final = 24
NO_SEGMENTS: Final = bytes(SEGMENTS_OCTETS)


@dataclass(frozen=True, slots=True)
class Piece:
    """One more piece of a dose: its volume in nL, its rate at begin and end in nL/s."""

    volume_nl: int
    rate_nl_s: int
    rate_end_nl_s: int


@dataclass(frozen=True, slots=True)
class Profile:
    """How the rate goes on from the one that a dose begins with.

    ``rate_end_nl_s`` is that at the end of the first piece, None where it stays. ``further`` pieces follow the first,
    which has what they leave of the volume.
    """

    rate_end_nl_s: int | None = None
    further: tuple[Piece, ...] = ()

    @property
    def number(self) -> int:
        """Return the profile's number on the wire."""
        if self.further:
            return codes.PROFILE_SEGMENTS
        return codes.PROFILE_CONSTANT if self.rate_end_nl_s is None else codes.PROFILE_RAMP

    def segments(self) -> bytes:
        """Return the further pieces as they go on the wire."""
        packed = [pack("<IHH", piece.volume_nl, piece.rate_nl_s, piece.rate_end_nl_s) for piece in self.further]
        return b"".join(packed).ljust(SEGMENTS_OCTETS, b"\0")


CONSTANT: Final = Profile()
