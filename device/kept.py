"""What outlives the power: loaded from the journal's cells at start-up, stored again when it changes.

What the rules do not pack themselves: the rig's serial, 8 octets; the unresolved doses, up to 8 ids.
"""

from device.account import Account
from device.authority import Keys, differ, pack_key
from device.cartridges import Cartridges
from device.ceilings import Ceilings, unpack_row
from device.contents import Contents
from device.drivers.cartridge import TAG_NUMBER
from device.journal_cells import (
    CELL_CEILINGS,
    CELL_KEY,
    CELL_LINE,
    CELL_PRESSURE_LIMIT,
    CELL_RIG,
    CELL_STOP,
    CELL_TOTALS,
    CELL_TREATMENT,
    CELL_UNRESOLVED,
    CELL_USE,
)
from device.latches import Latches
from device.pressure_limit import PressureLimit
from device.sensors import BUS_CARTRIDGES
from device.treatment import NO_ID, Treatment
from protocol import codes
from protocol.compat import const

TYPE_CHECKING = False
if TYPE_CHECKING:
    from device.boards.interface import Board
    from device.journal import Journal

_SLOTS = const(4)
_ID_OCTETS = const(8)
_MAX_UNRESOLVED = const(8)
# What ``changed`` is told of, in the order in which it is stored.
_CHANGING = (CELL_TOTALS, CELL_LINE, CELL_TREATMENT, CELL_CEILINGS, CELL_PRESSURE_LIMIT, CELL_UNRESOLVED)


class Kept:
    """Owns the rules whose state is kept, and the journal's cells that they are kept in."""

    def __init__(self, board: "Board", journal: "Journal") -> None:
        self.journal = journal
        self.keys = Keys()
        self.rig = NO_ID
        self.latches = Latches()
        self.ceilings = Ceilings()
        self.pressure_limit = PressureLimit()
        self.treatment = Treatment()
        self.contents = Contents()
        self.cartridges = Cartridges(board, BUS_CARTRIDGES, self._verify_label)
        self.account = Account(journal, self.treatment, self.contents, self.cartridges)
        self.unresolved = b""
        self._dirty = 0

    def load(self, now_ms: int) -> None:
        """Take everything as the last boot left it, and count the doses that its cells do not include yet. Blocks."""
        journal = self.journal
        for slot in range(_SLOTS):
            self.keys.restore(slot, journal.load(CELL_KEY + slot))
        self.rig = journal.load(CELL_RIG) or NO_ID
        payload = journal.load(CELL_STOP)
        if payload is not None:
            self.latches.unpack(payload)
        plan = self.treatment.unpack(journal.load(CELL_TREATMENT))
        self.ceilings.restore(unpack_row(journal.load(CELL_CEILINGS)), plan)
        self.pressure_limit.unpack(journal.load(CELL_PRESSURE_LIMIT))
        self.contents.unpack(journal.load(CELL_LINE))
        for cartridge in self.cartridges.all:
            payload = journal.load(CELL_USE + cartridge.channel)
            if payload is not None:
                cartridge.load(payload)
            self.account.load_use(cartridge.channel, journal.records_after(CELL_USE + cartridge.channel))
        window_nl = self.treatment.unpack_totals(journal.load(CELL_TOTALS))[1]
        self.account.load(journal.records_after(CELL_TOTALS), journal.records_after(CELL_LINE), window_nl, now_ms)
        self._load_unresolved()

    def changed(self, cell: int) -> None:
        """Let the cell be stored as soon as the journal has room."""
        self._dirty |= 1 << cell

    def step(self) -> None:
        """Store one cell that has changed, when there is one and the journal has room. Allocates then."""
        latches = self.latches
        # A stop is the first thing that must outlive the power; that it was cleared, the last.
        if latches.dirty and (not latches.cleared or self.journal.idle()):
            if self.journal.store(CELL_STOP, latches.pack()):
                return
            latches.dirty = True
        for cartridge in self.cartridges.all:
            if cartridge.changed:
                cartridge.changed = not self.journal.store(CELL_USE + cartridge.channel, cartridge.pack())
                return
        dirty = self._dirty | self.account.dirty
        if not dirty:
            return
        for cell in _CHANGING:
            if dirty & (1 << cell):
                if self.journal.store(cell, self._pack(cell)):
                    self._dirty &= ~(1 << cell)
                    self.account.dirty &= ~(1 << cell)
                return

    def line_unknown(self) -> None:
        """Nobody knows any more what stands in the line: everything may be agent."""
        self.contents.unknown()
        self.changed(CELL_LINE)

    def set_key(self, slot: int, generation: int, key: bytes) -> int:
        """Keep a key and use it from now on; return a REASON_ code."""
        reason = self.keys.judge(slot, generation, key)
        if reason != codes.REASON_NONE:
            return reason
        if not self.journal.store(CELL_KEY + slot, pack_key(generation, key)):
            return codes.REASON_JOURNAL
        self.keys.load(slot, generation, key)
        return codes.REASON_NONE

    def set_rig(self, rig: bytes) -> int:
        """Keep the rig's serial, once; return a REASON_ code."""
        if rig == NO_ID or self.rig not in (NO_ID, rig):
            return codes.REASON_RIG
        if not self.journal.store(CELL_RIG, rig):
            return codes.REASON_JOURNAL
        self.rig = rig
        return codes.REASON_NONE

    def first_unresolved(self) -> bytes:
        """Return the id of an unknown dose that nobody has resolved, all zero for none."""
        return self.unresolved[:_ID_OCTETS] or NO_ID

    def resolve(self, dose_id: bytes) -> int:
        """Take an unknown dose as resolved: it stays counted in full; return a REASON_ code."""
        ids = self._unresolved_ids()
        if dose_id not in ids:
            return codes.REASON_ID
        self.unresolved = b"".join([other for other in ids if other != dose_id])
        self.changed(CELL_UNRESOLVED)
        return codes.REASON_NONE

    def judge_resolve(self, dose_id: bytes) -> int:
        """Return a REASON_ code for resolving the dose."""
        return codes.REASON_NONE if dose_id in self._unresolved_ids() else codes.REASON_ID

    def _verify_label(self, octets: bytes, tag: bytes) -> bool:
        keys = self.keys
        if not keys.has(codes.SLOT_CARTRIDGE):
            return False
        return not differ(keys.tag(codes.SLOT_CARTRIDGE, TAG_NUMBER, octets, len(octets)), tag, 0)

    def _unresolved_ids(self) -> list:
        octets = self.unresolved
        return [octets[at : at + _ID_OCTETS] for at in range(0, len(octets), _ID_OCTETS)]

    def _load_unresolved(self) -> None:
        payload = self.journal.load(CELL_UNRESOLVED) or b""
        self.unresolved = payload.replace(NO_ID, b"")
        recovered = self.journal.recovered
        if recovered is None:
            return
        # Volume that may have gone to the patient is what has to be resolved; waste is waste.
        if recovered[5] == codes.DOSE_UNKNOWN and recovered[12] > 0 and recovered[0] not in self._unresolved_ids():
            self.unresolved = (recovered[0] + self.unresolved)[: _MAX_UNRESOLVED * _ID_OCTETS]
        self.changed(CELL_UNRESOLVED)

    def _pack(self, cell: int) -> bytes:
        if cell == CELL_TOTALS:
            return self.account.pack_totals()
        if cell == CELL_LINE:
            return self.contents.pack()
        if cell == CELL_TREATMENT:
            return self.treatment.pack(self.ceilings.plan)
        if cell == CELL_CEILINGS:
            return self.ceilings.pack_clinic()
        if cell == CELL_PRESSURE_LIMIT:
            return self.pressure_limit.pack()
        return self.unresolved or NO_ID
