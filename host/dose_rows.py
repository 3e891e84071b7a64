"""The rows of one dose in the ledger, each behind the one that it needs. A rescue does not wait for a disk."""

import asyncio
import logging
from collections.abc import Awaitable
from dataclasses import replace
from typing import Any, Final, Protocol

from host.errors import RigError
from host.records import Order, OutcomeKind, OutcomeRecord
from protocol import codes

_LOG = logging.getLogger(__name__)

RESCUE_WAIT_S: Final = 1.0
"""So long a rescue waits for its intent to be on the disk, and who ordered it for its outcome to be."""

WRITTEN_LATE: Final = "it left before its intent was on the disk"


class Recorder(Protocol):
    """Where intents, outcomes and resolutions become durable; every call raises ``RigError`` when it could not."""

    async def intent(self, order: Order) -> None:
        """Write the intent."""

    async def outcome(self, order: Order, record: OutcomeRecord) -> None:
        """Write the one outcome."""

    async def resolution(self, order: Order, record: OutcomeRecord, resolved_by: str) -> None:
        """Write the truth about an unknown outcome, or who closed it."""


class DoseRows:
    """Writes the rows of one dose in their order.

    A row that could not be written is told by the return value; it is tried again with the next row. What is never
    written stands in the rig's journal, and comes into the ledger when the two are compared.

    Args:
        recorder: where rows go; None keeps nothing.
        order: the dose.
        intent: whether the intent stands in the ledger already.
        outcome: whether an outcome, unknown, stands there already.
    """

    def __init__(self, recorder: Recorder | None, order: Order, *, intent: bool = False, outcome: bool = False) -> None:
        self._recorder = recorder
        self._order = order
        self._has_intent = intent
        self._has_outcome = outcome
        self._late = False
        self._ended = False
        self._under_way: asyncio.Future[None] | None = None  # the intent, while it is being written
        self._rest: set[asyncio.Future[bool]] = set()  # rows that are being written, maybe with nobody waiting

    @property
    def nowhere(self) -> bool:
        """Return whether a dose has ended of which the ledger has no row at all."""
        return self._ended and not self._has_intent

    async def intent(self) -> RigError | None:
        """Write the intent; return why it is not on the disk. That of a rescue may still get there later."""
        if self._recorder is None:
            return None
        self._under_way = asyncio.ensure_future(self._recorder.intent(self._order))
        if not await self._in_time(self._under_way):
            self._late = True
            return RigError("ledger_failed", "The ledger does not answer.", "Look at the disk.")
        error = await self._intent_written()
        self._late = error is not None
        return error

    async def outcome(self, record: OutcomeRecord) -> bool:
        """Write the one outcome, behind the intent; return whether it is on the disk."""
        self._ended = self._recorder is not None
        return self._recorder is not None and await self._bounded(self._outcome(self._recorder, record))

    async def resolution(self, record: OutcomeRecord, resolved_by: str) -> bool:
        """Write the truth about an unknown outcome, or who closed it; return whether it is on the disk."""
        return self._recorder is not None and await self._bounded(self._resolution(self._recorder, record, resolved_by))

    async def close(self) -> None:
        """Wait for nothing any more; a row that is on its way to the disk gets there."""
        left: list[asyncio.Future[Any]] = [*self._rest]
        if self._under_way is not None:
            left.append(self._under_way)
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)

    async def _outcome(self, recorder: Recorder, record: OutcomeRecord) -> bool:
        if not await self._intent_stands(recorder):
            return False
        if self._late:
            detail = f"{record.detail}; {WRITTEN_LATE}" if record.detail else WRITTEN_LATE
            record = replace(record, detail=detail)
        self._has_outcome = await self._logged(recorder.outcome(self._order, record))
        return self._has_outcome

    async def _resolution(self, recorder: Recorder, record: OutcomeRecord, resolved_by: str) -> bool:
        if not self._has_outcome:
            # The first word that the ledger gets of it: known by now, or closed by a person as it stands.
            written = await self._outcome(recorder, record)
            if not written or record.outcome is not OutcomeKind.UNKNOWN:
                return written
        return await self._logged(recorder.resolution(self._order, record, resolved_by))

    async def _intent_stands(self, recorder: Recorder) -> bool:
        await self._intent_written()
        if not self._has_intent:
            self._has_intent = await self._logged(recorder.intent(self._order))
        return self._has_intent

    async def _intent_written(self) -> RigError | None:
        """Wait for the intent that is under way, if one is; return why it is not there."""
        if self._under_way is None:
            return None
        try:
            await asyncio.shield(self._under_way)
        except RigError as error:
            return error
        else:
            self._has_intent = True
            return None
        finally:
            if self._under_way.done():
                self._under_way = None

    async def _in_time(self, work: "asyncio.Future[Any]") -> bool:
        rescue = self._order.kind == codes.KIND_RESCUE
        done, _ = await asyncio.wait([work], timeout=RESCUE_WAIT_S if rescue else None)
        return bool(done)

    async def _bounded(self, write: Awaitable[bool]) -> bool:
        work = asyncio.ensure_future(write)
        self._rest.add(work)
        work.add_done_callback(self._rest.discard)
        if await self._in_time(work):
            return work.result()
        _LOG.error("dose %s: the ledger does not answer", self._order.dose_id.hex())
        return False

    async def _logged(self, write: Awaitable[None]) -> bool:
        try:
            await write
        except RigError as error:
            _LOG.error("dose %s: %s", self._order.dose_id.hex(), error)
            return False
        return True
