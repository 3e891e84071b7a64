"""A service whose ledger is full, read-only, locked, torn, changed by hand or hung: agent waits, a person does not.

New agent is refused with the reason, a stop and a rescue work, and what happened meanwhile is in the ledger afterwards.
"""

import asyncio
import json
import sqlite3
import subprocess
import sys
import threading
from contextlib import closing

import pytest

from host.ledger import Ledger
from host.ledger_verify import read_rows, verify
from host.service.works import DoseBody
from host.telemetry_database import HOUR_MS
from protocol import codes
from tests.host.fake_device import FakeDevice
from tests.host.ledgers import make_format_1
from tests.host.loops import now_ms, real, virtual
from tests.host.service.bad_disks import ledger_of, ordered, rows_of, still_works, until_recorded
from tests.host.service.clinic import clinic
from tests.host.test_ledger_disk import UNSHARE, mounted

pytestmark = pytest.mark.req("LEDGER-3", "RESCUE-1")


def on_bad_disk(step, folder):
    command = [*UNSHARE, sys.executable, "-m", "tests.host.service.bad_disks", step, folder]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=240)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def check_still_works(told, code):
    """The agent was refused for this reason; the rescue ran once, and the stop was seen."""
    assert told["agent"] == code
    rescue = told["rescue"]
    assert (rescue["end"]["outcome"], rescue["recorded"]) == ("delivered", False)
    assert (rescue["end"]["result"]["emitted_nl"], rescue["end"]["result"]["recorded"]) == (2_994, False)
    assert told["again"]["id"] == rescue["id"]
    assert told["executed"] == [rescue["dose_id"]]
    assert told["stop"]["seen_in"] == "STOPPED"
    assert not told["ready"]


@mounted
def test_a_disk_that_fills_up_costs_no_rescue_and_the_rescue_comes_into_the_ledger_when_there_is_room(tmp_path):
    told = on_bad_disk("full", tmp_path)
    check_still_works(told, "ledger_full")
    assert told["findings"] == []
    assert told["after"]["end"]["outcome"] == "delivered"
    rescue, after = told["commands"]
    assert (rescue["command"], rescue["operator"]) == (told["rescue"]["id"], "ravi")
    assert told["ends"][0]["end"] == told["rescue"]["end"]
    (foreign,) = told["foreign"]
    assert (foreign["dose_id"], foreign["order_kind"]) == (rescue["dose_id"], "rescue")
    assert [intent["dose_id"] for intent in told["intents"]] == [after["dose_id"]]


@mounted
def test_a_disk_that_is_full_at_the_start_costs_no_rescue_either(tmp_path):
    told = on_bad_disk("full_from_the_start", tmp_path)
    check_still_works(told, "ledger_full")
    assert told["problem"] == "ledger_full"
    assert told["findings"] == []
    assert told["after"]["end"]["outcome"] == "delivered"
    assert [command["command"] for command in told["commands"]] == [told["rescue"]["id"], told["after"]["id"]]
    assert told["ends"][0]["end"] == told["rescue"]["end"]


@mounted
def test_a_disk_that_is_read_only_costs_no_rescue(tmp_path):
    told = on_bad_disk("read_only", tmp_path)
    check_still_works(told, "ledger_read_only")
    assert told["problem"] == "ledger_read_only"


def by_hand(path, statement):
    with closing(sqlite3.connect(path)) as database:
        for (trigger,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
            database.execute(f"DROP TRIGGER {trigger}")
        database.execute(statement)
        database.commit()


def tear(path):
    octets = path.read_bytes()
    path.write_bytes(octets[: len(octets) - 4096])


def replace_a_row(path):
    by_hand(
        path,
        "REPLACE INTO entry (sequence, body, previous, hash)"
        " SELECT sequence, replace(body, '1000', '1001'), previous, hash FROM entry"
        ' WHERE body LIKE \'%"kind":"intent"%\'',
    )


DAMAGE = {
    "a torn last page": (tear, "ledger_corrupt"),
    "a row changed by hand": (replace_a_row, "ledger_corrupt"),
    "the last rows removed, against the heads": (
        lambda path: by_hand(path, "DELETE FROM entry WHERE sequence > 3"),
        "ledger_corrupt",
    ),
    "a newer format": (lambda path: by_hand(path, "PRAGMA user_version = 99"), "ledger_newer"),
}


@pytest.mark.req("LEDGER-4")
@pytest.mark.parametrize(("damage", "code"), DAMAGE.values(), ids=DAMAGE)
@virtual
async def test_a_ledger_that_was_damaged_or_changed_takes_no_row_and_costs_no_rescue(tmp_path, damage, code):
    state, heads = tmp_path / "state", tmp_path / "heads"
    async with clinic(state, heads=heads) as here:
        await ordered(here, DoseBody(1_000, 2_000, "flush"))
    damage(ledger_of(state))
    damaged = ledger_of(state).read_bytes()
    async with clinic(state, heads=heads, devices={"chair-1": FakeDevice(now_ms)}, connect=False) as here:
        await here.until(lambda: here.rig.view()["state"] == "ready" and here.rig.problem)
        told = await still_works(here)
        assert here.rig.view()["ledger"]["problem"]["code"] == code
    check_still_works(told, code)
    assert ledger_of(state).read_bytes() == damaged


@virtual
async def test_a_ledger_of_an_older_format_is_migrated_and_the_service_goes_on(tmp_path):
    path = ledger_of(tmp_path)
    path.parent.mkdir(parents=True)
    make_format_1(path)
    async with clinic(tmp_path) as here:
        told = await ordered(here, DoseBody(1_000, 2_000, "flush"))
        assert told["end"]["outcome"] == "delivered"
    assert verify(path).verified


@real
async def test_a_ledger_that_another_process_holds_costs_no_rescue_and_is_taken_when_it_is_free(tmp_path):
    async with await Ledger.open(ledger_of(tmp_path)), clinic(tmp_path, connect=False) as here:
        await here.until(lambda: here.rig.view()["state"] == "ready" and here.rig.problem)
        check_still_works(await still_works(here), "ledger_locked")


@real
async def test_a_rescue_does_not_wait_for_a_disk_that_hangs_and_is_recorded_when_it_goes_on(tmp_path):
    async with clinic(tmp_path) as here:
        goes_on = threading.Event()
        hung = asyncio.ensure_future(here.rig.ledger.read(lambda _: goes_on.wait(60)))
        here.device.permits = True
        told = await ordered(here, DoseBody(3_000, 3_000, "counter_agent", "rescue"), key="r")
        assert (told["end"]["outcome"], told["recorded"]) == ("delivered", False)
        goes_on.set()
        await hung
        await until_recorded(here, told["id"])
        await here.until(lambda: here.rig.view()["ready"])
    assert [row["dose_id"] for row in rows_of(ledger_of(tmp_path), "intent")] == [told["dose_id"]]
    (outcome,) = rows_of(ledger_of(tmp_path), "outcome")
    assert (outcome["outcome"], outcome["detail"]) == ("delivered", "it left before its intent was on the disk")
    assert [row["command"] for row in rows_of(ledger_of(tmp_path), "command", "command_end")] == [told["id"]] * 2
    assert verify(ledger_of(tmp_path)).verified


@real
async def test_an_order_that_is_no_rescue_waits_for_a_disk_that_hangs_and_a_stop_does_not(tmp_path):
    async with clinic(tmp_path) as here:
        goes_on = threading.Event()
        hung = asyncio.ensure_future(here.rig.ledger.read(lambda _: goes_on.wait(60)))
        flush = asyncio.ensure_future(ordered(here, DoseBody(1_000, 2_000, "flush")))
        stop = asyncio.ensure_future(here.rig.stop(codes.CAUSE_OPERATOR, "ravi"))
        await here.until(lambda: here.device.state == codes.DEVICE_STOPPED)
        assert not flush.done()
        assert here.device.executed == []
        goes_on.set()
        await hung
        assert (await stop).seen_in == "STOPPED"
        assert (await flush)["end"]["outcome"] == "refused"


@pytest.mark.parametrize("jump_ms", [366 * 24 * HOUR_MS, -366 * 24 * HOUR_MS], ids=["a year ahead", "a year back"])
@virtual
async def test_a_clock_that_jumps_by_a_year_costs_nothing_and_is_told(tmp_path, jump_ms):
    async with clinic(tmp_path) as here:
        before = await ordered(here, DoseBody(1_000, 2_000, "flush"))
        clock_ns = here.rig.ledger._clock_ns
        here.rig.ledger._clock_ns = lambda: clock_ns() + jump_ms * 1_000_000
        after = await ordered(here, DoseBody(1_000, 2_000, "flush"))
        here.device.permits = True
        rescue = await ordered(here, DoseBody(3_000, 3_000, "counter_agent", "rescue"))
        assert (await here.rig.stop(codes.CAUSE_OPERATOR, "ravi")).seen_in == "STOPPED"
    assert [told["end"]["outcome"] for told in (before, after, rescue)] == ["delivered"] * 3
    marked = [row["kind"] for _, row in read_rows(ledger_of(tmp_path)) if row["utc_source"] != "host clock"]
    assert marked == ([] if jump_ms > 0 else ["command"])
    assert verify(ledger_of(tmp_path)).verified
    async with clinic(tmp_path) as here:
        known = here.rig.command(rescue["id"]).as_dict()
        assert known == json.loads(json.dumps(rescue))
