"""One cartridge connector: what is in it, what is left in it, and whether it is still what it was."""

import struct

from device.drivers.cartridge import (
    LABEL_FORMAT,
    LABEL_OCTETS,
    LEFT_AT,
    LEFT_OCTETS,
    OCTETS,
    PIECE,
    SERIAL_AT,
    SERIAL_OCTETS,
    TAG_OCTETS,
    CartridgeMemory,
    label_intact,
    left_of,
    pack_left,
)
from device.drivers.errors import timed_out
from protocol import codes
from protocol.compat import const

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

# Consecutive transfers, readings of the whole and writings of a copy that may fail.
TOLERATED = const(3)

_NOTHING = bytes(8)
_USE_FORMAT = "<8sIB"


class Cartridge:
    """What one connector holds: ``state`` (CARTRIDGE_), the label's fields, and ``left_nl``, what is left at least.

    ``exchanged`` says that the cartridge is, or may be, another than the one that was last purged. ``changed`` says
    that ``pack`` returns something else than it did last. Each ``step`` makes one small transfer, or none.
    """

    def __init__(self, memory: CartridgeMemory, channel: int, verify: "Callable[[bytes, bytes], bool]") -> None:
        self.channel = channel
        self.state = codes.CARTRIDGE_READING
        self.kind = 0
        self.lot = _NOTHING
        self.serial = _NOTHING
        self.concentration = 0
        self.fill_nl = 0
        self.expiry_day = 0
        self.left_nl = 0
        self.exchanged = False
        self.changed = False
        self.held = False
        self._memory = memory
        self._verify = verify
        self._used_nl = 0
        self._octets = bytearray(OCTETS)
        self._seen = memoryview(self._octets)[SERIAL_AT : SERIAL_AT + SERIAL_OCTETS]
        self._piece = bytearray(PIECE)
        self._rest = bytearray(OCTETS % PIECE)
        self._serial = bytearray(SERIAL_OCTETS)
        self._left = bytearray(LEFT_OCTETS)
        self._read = 0
        self._readings = 0
        self._failures = 0
        self._writings = 0
        self._written_nl = -1
        self._writing_nl = 0
        self._copy = 0
        self._verifying = False

    @property
    def settled(self) -> bool:
        """Whether another connector may have its turn: nothing is half read and nothing failed just now."""
        return self.state == codes.CARTRIDGE_ABSENT or (self.state != codes.CARTRIDGE_READING and not self._failures)

    def load(self, octets: bytes) -> None:
        """Take what ``pack`` has returned in an earlier boot."""
        self.serial, self._used_nl, exchanged = struct.unpack(_USE_FORMAT, octets)
        self.exchanged = bool(exchanged)

    def pack(self) -> bytes:
        """Return what has to be kept: the serial, what is gone from its fill at most, and whether a purge is due."""
        self.changed = False
        return struct.pack(_USE_FORMAT, self.serial, self._used_nl, self.exchanged)

    def use(self, volume_nl: int) -> None:
        """Take so much away. It is written back by and by; what is left never grows."""
        self._used_nl += volume_nl
        self.left_nl = max(0, self.left_nl - volume_nl)
        self.changed = True

    def purged(self) -> None:
        """What stood between this cartridge and the valve has gone to the waste."""
        if self.state == codes.CARTRIDGE_GOOD and self.exchanged:
            self.exchanged = False
            self.changed = True

    def step(self) -> None:
        """Make the next transfer."""
        self.held = False
        try:
            if self.state == codes.CARTRIDGE_READING:
                self._read_on()
            elif self._failures or self.state != codes.CARTRIDGE_GOOD or self._written_nl == self.left_nl:
                self._look()
            elif self._verifying:
                self._check_written()
            else:
                self._write()
            self._failures = 0
        except OSError as error:
            self._failed(timed_out(error))

    def _failed(self, held: bool) -> None:
        """A chip that is silent is not there; on a bus that is held nobody can be heard."""
        self.held = held
        self._failures += 1
        if self._failures >= TOLERATED:
            self._failures = 0
            self._begin(codes.CARTRIDGE_UNREADABLE if held else codes.CARTRIDGE_ABSENT)

    def _begin(self, state: int) -> None:
        if state == codes.CARTRIDGE_ABSENT and self.serial != _NOTHING and not self.exchanged:
            self.exchanged = True
            self.changed = True
        self.state = state
        self._read = 0
        self._verifying = False

    def _look(self) -> None:
        """See whether the cartridge is there, and still the same."""
        self._memory.read_into(SERIAL_AT, self._serial)
        if self.state == codes.CARTRIDGE_ABSENT or self._serial != self._seen:
            self._readings = 0
            self._begin(codes.CARTRIDGE_READING)
        elif self.state == codes.CARTRIDGE_UNREADABLE and self._readings < TOLERATED:
            self._begin(codes.CARTRIDGE_READING)

    def _read_on(self) -> None:
        """Read the next piece; a whole memory is judged in a step of its own."""
        at = self._read
        if at >= OCTETS:
            self._judge()
            return
        piece = self._piece if at + PIECE <= OCTETS else self._rest
        self._memory.read_into(at, piece)
        self._octets[at : at + len(piece)] = piece
        self._read = at + len(piece)

    def _judge(self) -> None:
        """A memory that is damaged is read once more: the bus has no check of its own."""
        memory = self._octets
        left_nl = -1
        for copy in range(len(LEFT_AT)):
            copy_nl = left_of(memory, copy)
            if copy_nl >= 0 and (left_nl < 0 or copy_nl < left_nl):
                left_nl = copy_nl
        self._readings += 1
        if left_nl < 0 or not label_intact(memory):
            self._begin(codes.CARTRIDGE_UNREADABLE)
            return
        self._readings = 0
        self._take(left_nl)
        authentic = self._verify(bytes(memory[:LABEL_OCTETS]), bytes(memory[LABEL_OCTETS : LABEL_OCTETS + TAG_OCTETS]))
        self._begin(codes.CARTRIDGE_GOOD if authentic else codes.CARTRIDGE_NOT_AUTHENTIC)

    def _take(self, copy_nl: int) -> None:
        """Take over the label; what is left is the smaller of the memory's figure and of what the journal knows."""
        known = self.serial
        _, self.kind, self.lot, self.serial, self.concentration, self.fill_nl, self.expiry_day = struct.unpack_from(
            LABEL_FORMAT, self._octets
        )
        if self.serial != known:
            self._used_nl = 0
            self.exchanged = self.exchanged or known != _NOTHING
            self.changed = True
        self.left_nl = max(0, min(copy_nl, self.fill_nl - self._used_nl))
        if self._used_nl != self.fill_nl - self.left_nl:
            # What was gone before it came to this rig is kept, too: a dose that the memory has not heard of is then not
            # hidden behind it.
            self._used_nl = self.fill_nl - self.left_nl
            self.changed = True
        both = left_of(self._octets, 0) == left_of(self._octets, 1)
        self._written_nl = copy_nl if both else -1
        self._copy = 0
        self._writings = 0

    def _write(self) -> None:
        """Both copies get the same figure; what is used meanwhile is written in the next round."""
        if self._copy == 0:
            self._writing_nl = self.left_nl
        self._memory.write_left(self._copy, pack_left(self.serial, self._writing_nl))
        self._verifying = True

    def _check_written(self) -> None:
        """A copy that stands as it should gives the other its turn."""
        self._memory.read_into(LEFT_AT[self._copy], self._left)
        self._verifying = False
        if self._left != pack_left(self.serial, self._writing_nl):
            self._writings += 1
            if self._writings >= TOLERATED:
                self._readings = TOLERATED
                self._begin(codes.CARTRIDGE_UNREADABLE)
            return
        self._writings = 0
        self._copy += 1
        if self._copy == len(LEFT_AT):
            self._copy = 0
            self._written_nl = self._writing_nl
