"""What a link does to frames: how often each thing goes wrong, drawn from a seed, so that a run can be run again."""

from dataclasses import dataclass
from random import Random

from hil.plant.noise import stream
from hil.plant.parameters import NS_PER_S

_LONGEST_FRAME = 256  # octets without a delimiter are passed on in pieces of this size
_LONGEST_GARBAGE = 40


@dataclass(frozen=True, slots=True)
class LinkFaults:
    """What a link does to frames. The shares are chances per frame, 0 to 1; one frame suffers at most one fault."""

    drop: float = 0.0
    duplicate: float = 0.0
    delay: float = 0.0
    corrupt: float = 0.0
    reorder: float = 0.0
    garbage: float = 0.0  # random octets come in front of the frame
    max_delay_s: float = 0.2
    cut_after_octets: int | None = None  # nothing passes after so many octets in this direction

    @property
    def harmless(self) -> bool:
        """Tell whether every octet passes as it is."""
        return self == LinkFaults(max_delay_s=self.max_delay_s)


@dataclass(frozen=True, slots=True)
class Piece:
    """Octets that come out of a faulty link, so many ns after they went in."""

    delay_ns: int
    data: bytes


class FaultyDirection:
    """One direction of a link: octets in, pieces out, in the order in which they are to be sent."""

    def __init__(self, faults: LinkFaults, random: Random) -> None:
        self._faults = faults
        self._random = random
        self._partial = bytearray()
        self._held: bytes | None = None
        self._octets = 0
        self.cut = False
        self.struck: dict[str, int] = {}  # how often each fault happened

    def take(self, data: bytes) -> list[Piece]:
        """Pass octets through the link."""
        if self._faults.harmless:
            return [Piece(0, data)] if data else []
        pieces: list[Piece] = []
        self._partial += data
        while (end := self._partial.find(0) + 1) or len(self._partial) >= _LONGEST_FRAME:
            end = end or _LONGEST_FRAME
            pieces += self._pass(bytes(self._partial[:end]))
            del self._partial[:end]
        limit = self._faults.cut_after_octets
        if limit is not None and not self.cut and self._octets + len(self._partial) >= limit:
            # A cut inside a frame lets the octets before it through.
            pieces.append(Piece(0, self._count(bytes(self._partial))))
            self._partial.clear()
        return [piece for piece in pieces if piece.data]

    def _pass(self, frame: bytes) -> list[Piece]:
        fault = self._draw()
        held, self._held = self._held, None
        released = [Piece(0, self._count(held))] if held is not None else []
        if fault == "drop":
            return released
        if fault == "reorder" and held is None:
            self._held = frame
            return released
        delay_ns = 0
        if fault == "corrupt":
            frame = self._flip(frame)
        elif fault == "duplicate":
            frame += frame
        elif fault == "garbage":
            frame = self._random.randbytes(self._random.randint(1, _LONGEST_GARBAGE)) + frame
        elif fault == "delay":
            delay_ns = round(self._random.uniform(0.0, self._faults.max_delay_s) * NS_PER_S)
        return [Piece(delay_ns, self._count(frame)), *released]

    def _draw(self) -> str | None:
        chance = self._random.random()
        for name in ("drop", "duplicate", "delay", "corrupt", "reorder", "garbage"):
            chance -= getattr(self._faults, name)
            if chance < 0:
                self.struck[name] = self.struck.get(name, 0) + 1
                return name
        return None

    def _flip(self, frame: bytes) -> bytes:
        octets = bytearray(frame)
        octets[self._random.randrange(len(octets))] ^= 1 << self._random.randrange(8)
        return bytes(octets)

    def _count(self, data: bytes) -> bytes:
        limit = self._faults.cut_after_octets
        if limit is None:
            return data
        passed = data[: max(0, limit - self._octets)]
        self._octets += len(passed)
        self.cut = self._octets >= limit
        return passed


def faulty_direction(faults: LinkFaults, seed: int, name: str) -> FaultyDirection:
    """Build one direction with its own generator."""
    return FaultyDirection(faults, stream(seed, f"link {name}"))
