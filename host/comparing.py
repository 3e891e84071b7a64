"""Compares device journal and ledger: reads both, writes down what came out, and blocks the agent on a disagreement."""

import asyncio
import logging
import sqlite3
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from host import comparison, ledger_queries
from host.comparison import Comparison, Disagreement, Journal, Position
from host.device_records import RECORDS_KEPT, DeviceRecord, decode
from host.errors import RigError, UsageError
from host.ledger import Ledger
from host.link.messages import Message
from host.records import PATIENT_KINDS, Order
from host.reports import DeviceIdentity
from protocol import codes, messages, typed

_LOG = logging.getLogger(__name__)

# A comparison takes no longer than this; the next one goes on where it ended.
COMPARE_S: Final = 3.0
# Disagreements that are kept in mind and told; more than this are in the ledger.
MAX_TOLD: Final = 32
# A record that nobody answered for is asked for so often.
ATTEMPTS: Final = 2

Request = Callable[..., Awaitable[Message]]


@dataclass(frozen=True, slots=True)
class OpenDisagreement:
    """A disagreement that no person has acknowledged: ``row`` is its number in the ledger."""

    row: int
    utc: str
    problem: str
    what: str

    def as_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return {"row": self.row, "utc": self.utc, "problem": self.problem, "what": self.what}


@dataclass(frozen=True, slots=True)
class _LedgerSide:
    """What the ledger said before the journal was read."""

    position: Position | None
    row: int  # number of the row that says so, 0 for none
    broken_at: int


class LedgerComparer:
    """Compares the ledger with the rig that is connected. ``read``, then ``compare``, both once a connect.

    Args:
        ledger: of this host.
        rig: the rig's name in the ledger.
        operator: who works here.
        request: sends a request over the present connection.
    """

    def __init__(self, ledger: Ledger, rig: str, operator: str, request: Request) -> None:
        self._ledger = ledger
        self._rig = rig
        self._operator = operator
        self._request = request
        self._identity: DeviceIdentity | None = None
        self._journal: Journal | None = None
        self._side: _LedgerSide | None = None
        self.disagreements: list[OpenDisagreement] = []
        self.undone = "the rig was not connected yet"  # why not all is compared; empty when it is

    async def read(self, welcome: typed.Welcome, open_orders: Mapping[bytes, Order]) -> dict[bytes, bool]:
        """Read what there is to be compared; return of each open order whether the journal shows that it never ran.

        Takes ``COMPARE_S`` at most, raises nothing: what could not be read is compared later, and blocks until then.
        """
        self._identity = DeviceIdentity.from_welcome(welcome)
        self._journal = self._side = None
        self.undone = "the rig was not compared yet"
        try:
            async with asyncio.timeout(COMPARE_S):
                await self._read(welcome, open_orders)
                return await self._never_ran(open_orders)
        except TimeoutError:
            self._undone(f"the rig's journal was not read within {COMPARE_S:g} s")
        except RigError as error:
            self._undone(error.what)
        return {}

    async def compare(self) -> None:
        """Compare what was read with the ledger as it is now, and write down what came out. Raises nothing."""
        journal, side = self._journal, self._side
        if journal is None or side is None:
            return
        try:
            async with asyncio.timeout(COMPARE_S):
                await self._compare(journal, side)
                await self._recall(journal.serial)
        except TimeoutError:
            self._undone(f"the comparison did not end within {COMPARE_S:g} s")
        except RigError as error:
            self._undone(error.what)

    def check(self, kind: int, channel: int) -> None:
        """Raise ``RigError`` when agent is asked for, to a patient, while both disagree or are not compared."""
        if channel != codes.CHANNEL_AGENT or kind not in PATIENT_KINDS:
            return
        if self.disagreements:
            first = self.disagreements[0]
            raise RigError(
                "ledgers_disagree",
                f"Rig and ledger disagree in {len(self.disagreements)} points; first: {first.what}.",
                f"Find out what was given, then have a person acknowledge it: rig ledger acknowledge "
                f"{self.disagreements[-1].row} --person NAME",
            )
        if self.undone:
            raise RigError(
                "not_compared",
                f"The doses in the rig's journal are not compared with the ledger: {self.undone}.",
                "No agent is dosed until they are: order again, or connect the rig anew.",
            )

    async def acknowledge(self, row: int, person: str) -> list[OpenDisagreement]:
        """Write down that a person knows the disagreements up to ledger row ``row``; return them."""
        if not person.strip():
            raise UsageError("Nobody was named.", "Name the person who acknowledges the disagreement.")
        known = [found for found in self.disagreements if found.row <= row]
        identity = self._identity
        if not any(found.row == row for found in known) or identity is None:
            rows = ", ".join(str(found.row) for found in self.disagreements) or "none"
            raise UsageError(f"Ledger row {row} is no open disagreement of this rig.", f"Open ones: {rows}.")
        fields = {"up_to": row, "acknowledged_by": person.strip()}
        await self._ledger.append("acknowledgement", {**self._common(identity), **fields})
        self.disagreements = [found for found in self.disagreements if found.row > row]
        return known

    async def _read(self, welcome: typed.Welcome, open_orders: Mapping[bytes, Order]) -> None:
        assert self._identity is not None
        serial = self._identity.serial
        if serial is None:
            raise RigError("refused", "the rig has no serial", "Give it one in service mode.")
        # Known even when nothing of the journal can be read.
        await self._recall(serial)
        side = await self._ledger.read(lambda database: _side(database, serial))
        status = await self._asked(typed.Status, messages.GET_STATUS)
        number = side.position.number if side.position is not None else 0
        first = await self._asked(typed.Record, messages.GET_RECORD, number)
        records: dict[int, DeviceRecord | None] = {}
        if number and first.oldest <= number <= first.newest:
            records[number] = _decoded(first, number)
        self._side = side
        self._journal = Journal(
            serial=serial,
            boot=welcome.boot,
            healthy=not status.self_test & codes.SELF_TEST_JOURNAL,
            oldest=first.oldest,
            newest=first.newest,
            last_dose_id=welcome.last_dose_id,
            records=records,
        )
        await self._read_records(self._journal, records, number if side.position is not None else first.newest - 1)
        await self._read_back(self._journal, records, welcome.boot, open_orders)

    async def _read_records(self, journal: Journal, records: dict[int, DeviceRecord | None], after: int) -> None:
        for number in range(max(after + 1, journal.oldest, 1), journal.newest + 1)[:RECORDS_KEPT]:
            await self._read_record(records, number)

    async def _read_back(
        self,
        journal: Journal,
        records: dict[int, DeviceRecord | None],
        boot: bytes,
        open_orders: Mapping[bytes, Order],
    ) -> None:
        """Read back to what the open orders of earlier boots name as the dose before them."""
        sought = {order.last_dose_id for order in open_orders.values() if order.boot != boot}
        for number in range(journal.newest, max(journal.oldest, 1) - 1, -1)[:RECORDS_KEPT]:
            if not sought:
                return
            await self._read_record(records, number)
            record = records[number]
            if record is None:
                return
            sought.discard(record.dose_id)

    async def _read_record(self, records: dict[int, DeviceRecord | None], number: int) -> None:
        if number not in records:
            records[number] = _decoded(await self._asked(typed.Record, messages.GET_RECORD, number), number)

    async def _asked(self, kind: type[Any], number: int, *values: int | bytes) -> Any:
        """Return the answer. Raises ``RigError`` when none comes, or another one."""
        for attempt in range(ATTEMPTS):
            try:
                answer = await self._request(number, *values)
                break
            except RigError as error:
                if error.code != "no_answer" or attempt == ATTEMPTS - 1:
                    raise
        if not isinstance(answer, kind):
            raise RigError("refused", f"the rig answered {type(answer).__name__} instead of {kind.__name__}", "")
        return answer

    async def _never_ran(self, open_orders: Mapping[bytes, Order]) -> dict[bytes, bool]:
        journal, side = self._journal, self._side
        assert journal is not None
        assert side is not None
        earlier = {dose_id: order for dose_id, order in open_orders.items() if order.boot != journal.boot}
        if not earlier or _is_another(journal, side):
            return {}
        rows = await self._ledger.read(lambda database: ledger_queries.doses(database, earlier))
        return {
            dose_id: comparison.shows_never_ran(journal, order, rows[dose_id], broken_at=side.broken_at)
            for dose_id, order in earlier.items()
            if dose_id in rows
        }

    async def _compare(self, journal: Journal, side: _LedgerSide) -> None:
        ids = {record.dose_id for record in journal.records.values() if record is not None}
        known = await self._ledger.read(lambda database: ledger_queries.doses(database, ids))
        if side.position is None:
            found = Comparison(comparison.baseline(journal))
        else:
            found = comparison.compare(journal, side.position, known)
            if not _is_another(journal, side):
                found.disagreements += await self._missing(journal, side.row)
        if side.position is None or found.position != side.position or found.disagreements:
            await self._write(found, first=side.position is None)
        waiting = (
            f"records {found.position.number + 1} to {journal.newest} of the rig's journal are still to be compared"
        )
        self.undone = "" if found.whole else waiting
        self._journal = self._side = None

    async def _missing(self, journal: Journal, row: int) -> list[Disagreement]:
        """Return the doses that ran by the ledger, since it was compared, and that the device does not know."""
        serial = journal.serial
        told = await self._ledger.read(lambda database: ledger_queries.told_after(database, serial, row, RECORDS_KEPT))
        read = {record.dose_id for record in journal.records.values() if record is not None}
        unknown = []
        for dose_id in dict.fromkeys(told):
            if dose_id not in read:
                answer = await self._asked(typed.DoseState, messages.GET_DOSE, dose_id)
                unknown += [dose_id] if answer.state == codes.DOSE_NOT_KNOWN else []
        rows = await self._ledger.read(lambda database: ledger_queries.doses(database, unknown))
        return [comparison.missing(dose_id, of_dose) for dose_id, of_dose in rows.items()]

    async def _write(self, found: Comparison, *, first: bool) -> None:
        """Write all that came out in one transaction: killed in between, the next comparison finds the same again."""
        assert self._identity is not None
        common = self._common(self._identity)
        rows: list[tuple[str, dict[str, Any]]] = [
            ("foreign", {**common, "dose_id": record.dose_id.hex(), **record.as_fields()}) for record in found.foreign
        ]
        rows += [("disagreement", {**common, **comparison.as_fields(item)}) for item in found.disagreements]
        counts = {"agreed": found.agreed, "foreign": len(found.foreign), "disagreements": len(found.disagreements)}
        position = {"baseline": first, "record": found.position.number, "octets": found.position.octets or None}
        await self._ledger.append_all([*rows, ("compared", {**common, **position, **counts})])
        for record in found.foreign:
            _LOG.warning("dose %s in the rig's journal is none of this ledger's", record.dose_id.hex())
        for item in found.disagreements:
            _LOG.error("rig and ledger disagree: %s", item.what)

    async def _recall(self, serial: str) -> None:
        found = await self._ledger.read(lambda base: ledger_queries.open_disagreements(base, serial, MAX_TOLD))
        self.disagreements = [
            OpenDisagreement(row, fields["utc"], fields["problem"], fields["what"]) for row, fields in found
        ]

    def _undone(self, why: str) -> None:
        self.undone = why.rstrip(".")
        _LOG.warning("rig and ledger are not compared: %s", self.undone)

    def _common(self, identity: DeviceIdentity) -> dict[str, Any]:
        return {
            "rig": self._rig,
            "serial": identity.serial,
            "boot": identity.boot,
            "operator": self._operator,
        }


def _side(database: sqlite3.Connection, serial: str) -> _LedgerSide:
    found = ledger_queries.last_compared(database, serial)
    broken_at = ledger_queries.last_break(database, serial)
    if found is None:
        return _LedgerSide(None, 0, broken_at)
    row, fields = found
    return _LedgerSide(Position(fields["record"], fields["octets"] or ""), row, broken_at)


def _is_another(journal: Journal, side: _LedgerSide) -> bool:
    return side.position is not None and comparison.another_journal(journal, side.position) is not None


def _decoded(answer: typed.Record, number: int) -> DeviceRecord | None:
    return None if answer.reason else decode(answer.octets, number)
