"""What a dose that ended leaves behind: its record, the treatment's totals, the window, the line's contents, intervals.

Every figure is an upper end, so that a dose which was lost with the power counts in full.
"""

from device.cartridges import PURGE_NL
from device.contents import LINE_NL
from device.intervals import Intervals
from device.journal_cells import CELL_LINE, CELL_TOTALS, CELL_USE
from device.play import Play
from device.treatment import NO_ID
from device.window import Window
from protocol import codes
from protocol.compat import const

TYPE_CHECKING = False
if TYPE_CHECKING:
    from device.cartridges import Cartridges
    from device.contents import Contents
    from device.dose_state import DoseState
    from device.journal import Journal
    from device.treatment import Treatment

# Places in a record of the journal.
_TREATMENT = const(1)
_KIND = const(3)
_CHANNEL = const(4)
_GRANTED_STEPS = const(10)
_PATIENT_MIN = const(11)
_PATIENT_MAX = const(12)
_WASTE_MIN = const(13)
_WASTE_MAX = const(14)
# The journal keeps the last 320 records: a cell that does not include them any more could not be brought up to date.
_STORED_ANEW = const(64)
_CHANGES = 1 << CELL_TOTALS | 1 << CELL_LINE


class Account:
    """Counts doses once each, now or after a boot; ``dirty`` has a bit (1 << CELL_) for what has to be stored."""

    def __init__(
        self, journal: "Journal", treatment: "Treatment", contents: "Contents", cartridges: "Cartridges"
    ) -> None:
        self._journal = journal
        self._treatment = treatment
        self._contents = contents
        self._cartridges = cartridges
        self.window = Window()
        self.intervals = Intervals()
        self.play = Play()
        self.dirty = 0
        self.total_nl = 0
        self._now_ms = 0

    def load(self, not_in_totals: list, not_in_line: list, window_nl: int, now_ms: int) -> None:
        """Count what the cells of the last boot do not include; every dose of an earlier boot has age zero.

        Both lists end with the newest record; the power may have gone between the storing of one cell and the other.
        """
        self._now_ms = now_ms
        self.window.age_zero(window_nl, now_ms)
        records = not_in_totals if len(not_in_totals) > len(not_in_line) else not_in_line
        for index in range(len(records)):
            record = records[index]
            left = len(records) - index
            # What the line's cell has moved already is not moved twice: all of it may have been agent.
            agent_nl = self._move(record) if left <= len(not_in_line) else record[_PATIENT_MAX]
            if left <= len(not_in_totals):
                self._count(record, agent_nl)
        if records:
            self.dirty |= _CHANGES
        if self._journal.newest:
            for channel in (codes.CHANNEL_AGENT, codes.CHANNEL_COUNTER_AGENT, codes.CHANNEL_FLUSH):
                self.intervals.ended(channel, now_ms)
        self.total_nl = 0

    def load_use(self, channel: int, records: list) -> None:
        """Take from a cartridge what its cell of the last boot does not include."""
        for record in records:
            if record[_CHANNEL] == channel:
                self._cartridges.use(channel, _taken_nl(record))
        if len(records) >= _STORED_ANEW:
            self._cartridges.all[channel].changed = True

    def accepted(self, dose: "DoseState", now_ms: int) -> bool:
        """Journal an order that was accepted; False when it must not begin."""
        return self._journal.accept(self._record(dose, now_ms))

    def ended(self, dose: "DoseState", now_ms: int) -> None:
        """Journal the outcome of a dose, then count it."""
        self._now_ms = now_ms
        record = self._record(dose, now_ms)
        self._journal.outcome(record)
        self._count(record, self._move(record))
        self._cartridges.use(dose.channel, _taken_nl(record))
        self._purged(dose)
        self._take_up_play(dose)
        if dose.to_patient and dose.pump.granted_steps:
            self.intervals.ended(dose.channel, now_ms)
        self.dirty |= _CHANGES
        journal = self._journal
        for cartridge in self._cartridges.all:
            if journal.newest - journal.includes(CELL_USE + cartridge.channel) >= _STORED_ANEW:
                cartridge.changed = True

    def pack_totals(self) -> bytes:
        """Return the treatment's totals and what the window holds, for their cell."""
        return self._treatment.pack_totals(self._journal.newest, self.window.held_nl(self._now_ms))

    def _purged(self, dose: "DoseState") -> None:
        enough = dose.asked_nl >= PURGE_NL
        if dose.kind == codes.KIND_PURGE and dose.state == codes.DOSE_DELIVERED and enough:
            self._cartridges.purged(dose.channel)

    def _take_up_play(self, dose: "DoseState") -> None:
        moved = dose.state == codes.DOSE_DELIVERED and dose.line.pushed(dose.pump.emitted_steps)[0] > 0
        if moved and not self._cartridges.all[dose.channel].exchanged:
            self.play.taken_up(dose.channel)

    def _record(self, dose: "DoseState", now_ms: int) -> tuple:
        values = dose.values(now_ms)
        return (
            (dose.dose_id, dose.treatment, dose.lot, dose.kind, dose.channel, dose.state, dose.cause)
            + values[6:10]
            + values[11:15]
            + (self._journal.boot_count, self._treatment.day, now_ms)
        )

    def _move(self, record: tuple) -> int:
        """Move what stands in the line in the order in which it went; return how much agent passed the tip, at most."""
        channel = record[_CHANNEL]
        contents = self._contents
        if record[_KIND] == codes.KIND_RESCUE:
            # The line was cleared before anything went to the patient.
            contents.push(channel, record[_WASTE_MIN], record[_WASTE_MAX], False)
            return contents.push(channel, record[_PATIENT_MIN], record[_PATIENT_MAX], True)
        agent_nl = contents.push(channel, record[_PATIENT_MIN], record[_PATIENT_MAX], True)
        contents.push(channel, record[_WASTE_MIN], record[_WASTE_MAX], False)
        return agent_nl

    def _count(self, record: tuple, agent_nl: int) -> None:
        """Count one record of which ``agent_nl`` at most was agent."""
        channel = record[_CHANNEL]
        to_patient = record[_KIND] <= codes.KIND_RESCUE
        if not to_patient:
            return
        self.total_nl += record[_PATIENT_MAX]
        least_nl = record[_PATIENT_MIN] - LINE_NL if channel == codes.CHANNEL_AGENT else 0
        # A record that cannot be read names no treatment, and may be of this one.
        if record[_TREATMENT] in (self._treatment.id, NO_ID):
            self._treatment.ended(
                record[_KIND],
                channel,
                record[_GRANTED_STEPS],
                record[_PATIENT_MAX],
                least_nl if least_nl > 0 else 0,
                agent_nl,
            )
        self.window.add(self._now_ms, agent_nl)


def _taken_nl(record: tuple) -> int:
    """Return what a dose took from its syringe at most, to the patient and to the waste."""
    return record[_PATIENT_MIN] + record[_WASTE_MAX]
