"""The rows of one dose: each behind the one that it needs, and no disk in the way of a rescue."""

import asyncio
from dataclasses import replace

import pytest

from host.dose_rows import RESCUE_WAIT_S, WRITTEN_LATE, DoseRows
from host.errors import RigError
from host.records import OutcomeKind, zero_record
from protocol import codes
from tests.host.loops import virtual
from tests.host.test_orders import ORDER

RESCUE = replace(ORDER, kind=codes.KIND_RESCUE, channel=codes.CHANNEL_COUNTER_AGENT)
FULL = RigError("ledger_full", "The disk is full.", "Make room.")


class Disk:
    """Where the rows go: as long as ``failing`` they do not, as long as ``slow`` is not set they do not come back."""

    def __init__(self):
        self.rows = []
        self.failing = False
        self.quick = asyncio.Event()
        self.quick.set()

    async def intent(self, order):
        await self._write("intent")

    async def outcome(self, order, record):
        await self._write("outcome", str(record.outcome), record.detail)

    async def resolution(self, order, record, resolved_by):
        await self._write("resolution", str(record.outcome), resolved_by)

    async def _write(self, *row):
        await self.quick.wait()
        if self.failing:
            raise FULL
        self.rows.append(row)


def delivered(order):
    return replace(zero_record(order, OutcomeKind.DELIVERED, ""), asked_steps=3, emitted_steps=3)


def unknown(order):
    return zero_record(order, OutcomeKind.UNKNOWN, "nobody knows")


@virtual
async def test_an_order_waits_for_its_intent_however_long_the_disk_takes():
    disk = Disk()
    disk.quick.clear()
    rows = DoseRows(disk, ORDER)
    writing = asyncio.create_task(rows.intent())
    await asyncio.sleep(100 * RESCUE_WAIT_S)
    assert not writing.done()
    disk.quick.set()
    assert await writing is None
    assert disk.rows == [("intent",)]


@pytest.mark.req("LEDGER-3")
@virtual
async def test_an_intent_that_could_not_be_written_is_told():
    disk = Disk()
    disk.failing = True
    assert await DoseRows(disk, ORDER).intent() is FULL


@virtual
async def test_a_rescue_leaves_though_its_intent_hangs_and_both_rows_come_when_the_disk_does():
    disk = Disk()
    disk.quick.clear()
    rows = DoseRows(disk, RESCUE)
    async with asyncio.timeout(2 * RESCUE_WAIT_S):
        error = await rows.intent()
    assert error is not None
    assert error.code == "ledger_failed"
    async with asyncio.timeout(2 * RESCUE_WAIT_S):
        assert not await rows.outcome(delivered(RESCUE))
    assert rows.nowhere
    disk.quick.set()
    while len(disk.rows) < 2:
        await asyncio.sleep(0.01)
    assert disk.rows == [("intent",), ("outcome", "delivered", WRITTEN_LATE)]
    await asyncio.sleep(0)
    assert not rows.nowhere


@virtual
async def test_a_rescue_whose_intent_failed_gets_both_rows_at_its_end_when_there_is_room_again():
    disk = Disk()
    disk.failing = True
    rows = DoseRows(disk, RESCUE)
    assert await rows.intent() is FULL
    disk.failing = False
    assert await rows.outcome(replace(delivered(RESCUE), detail="a word"))
    assert disk.rows == [("intent",), ("outcome", "delivered", f"a word; {WRITTEN_LATE}")]
    assert not rows.nowhere


@virtual
async def test_no_outcome_is_written_without_its_intent():
    disk = Disk()
    disk.failing = True
    rows = DoseRows(disk, RESCUE)
    await rows.intent()
    assert not await rows.outcome(delivered(RESCUE))
    assert disk.rows == []
    assert rows.nowhere


@virtual
async def test_the_truth_about_an_unknown_that_was_never_written_is_the_outcome():
    disk = Disk()
    rows = DoseRows(disk, ORDER)
    await rows.intent()
    disk.failing = True
    assert not await rows.outcome(unknown(ORDER))
    disk.failing = False
    assert await rows.resolution(delivered(ORDER), "device")
    assert disk.rows == [("intent",), ("outcome", "delivered", "")]


@virtual
async def test_a_person_who_closes_an_unknown_that_was_never_written_is_named_behind_it():
    disk = Disk()
    rows = DoseRows(disk, ORDER)
    await rows.intent()
    disk.failing = True
    await rows.outcome(unknown(ORDER))
    disk.failing = False
    assert await rows.resolution(unknown(ORDER), "ravi")
    assert disk.rows[1:] == [("outcome", "unknown", "nobody knows"), ("resolution", "unknown", "ravi")]


@virtual
async def test_an_order_found_in_the_ledger_gets_no_second_intent_and_no_second_outcome():
    disk = Disk()
    rows = DoseRows(disk, ORDER, intent=True, outcome=True)
    assert await rows.resolution(delivered(ORDER), "device")
    assert disk.rows == [("resolution", "delivered", "device")]


@virtual
async def test_without_a_ledger_nothing_is_recorded_and_nothing_is_missing():
    rows = DoseRows(None, RESCUE)
    assert await rows.intent() is None
    assert not await rows.outcome(delivered(RESCUE))
    assert not rows.nowhere


@virtual
async def test_closing_waits_for_no_disk():
    disk = Disk()
    disk.quick.clear()
    rows = DoseRows(disk, RESCUE)
    await rows.intent()
    await rows.outcome(delivered(RESCUE))
    async with asyncio.timeout(RESCUE_WAIT_S):
        await rows.close()
    assert disk.rows == []
