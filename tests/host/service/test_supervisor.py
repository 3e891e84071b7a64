"""A service over fake devices: what one rig suffers, no other notices; what was accepted has one end."""

import asyncio
import sqlite3
from contextlib import closing

import pytest

from host.errors import RigError, TransportError
from host.ledger import Ledger
from host.ledger_verify import read_rows, verify
from host.service.commands import CommandBook
from host.service.service import Service
from host.service.works import DoseBody, give_dose
from host.telemetry_database import rigs
from protocol import codes
from tests.host.fake_device import FakeDevice
from tests.host.loops import now_ms, virtual
from tests.host.service.bad_disks import ordered
from tests.host.service.clinic import clinic, config

GONE = TransportError("unplugged", "The line was cut.", "Plug it in.")


async def order(rig, volume_nl=5_000, rate_nl_s=1_000, key=None):
    body = DoseBody(volume_nl, rate_nl_s)
    dose_id = rig.new_dose_id()

    async def give(client):
        return await give_dose(client, body, dose_id, "ravi")

    return await rig.begin("dose", {"volume_nl": volume_nl}, give, operator="ravi", key=key, dose_id=dose_id)


def rows(folder, *kinds, rig="chair-1"):
    path = folder / "rigs" / rig / "ledger.sqlite3"
    return [fields for _, fields in read_rows(path) if fields["kind"] in kinds]


def end_of(rig, command):
    known = rig.book.get(command.id)
    assert known is not None
    assert known.end is not None
    return known.end


async def flowing(here):
    await here.until(lambda: here.device.current is not None and here.device.current.emitted > 10)


@pytest.mark.req("LEDGER-3")
@virtual
async def test_a_dose_is_accepted_then_delivered_and_both_stand_in_the_ledger(tmp_path):
    async with clinic(tmp_path) as here:
        accepted = await order(here.rig)
        assert accepted.end is None
        await here.rig.until_ended(accepted.id)
        end = end_of(here.rig, accepted)
        assert (end["outcome"], end["result"]["dose_id"]) == ("delivered", accepted.dose_id)
    assert [row["kind"] for row in rows(tmp_path, "command", "intent", "outcome", "command_end")] == [
        "command",
        "intent",
        "outcome",
        "command_end",
    ]
    assert {row["operator"] for row in rows(tmp_path, "intent", "outcome")} == {"ravi"}
    assert verify(tmp_path / "rigs" / "chair-1" / "ledger.sqlite3").verified


@virtual
async def test_a_refused_dose_ends_as_refused_with_the_rigs_reason(tmp_path):
    async with clinic(tmp_path) as here:
        accepted = await order(here.rig, volume_nl=900_000)
        await here.rig.until_ended(accepted.id)
        end = end_of(here.rig, accepted)
        assert (end["outcome"], end["result"]["reason"]) == ("refused", "volume_high")


@virtual
async def test_a_repeated_key_gives_one_dose(tmp_path):
    async with clinic(tmp_path) as here:
        first = await order(here.rig, key="k")
        again = await order(here.rig, key="k")
        assert again.id == first.id
        await here.rig.until_ended(first.id)
        assert len(here.device.doses) == 1


@pytest.mark.req("LEDGER-3")
@virtual
async def test_a_repeated_key_shows_its_command_though_the_rig_is_gone(tmp_path):
    async with clinic(tmp_path) as here:
        first = await order(here.rig, key="k")
        await here.rig.until_ended(first.id)
        here.line.refuse = GONE
        here.line.cut()
        await here.until(lambda: here.rig.view()["state"] == "unreachable")
        assert (await order(here.rig, key="k")).id == first.id
        with pytest.raises(RigError, match="cut"):
            await order(here.rig, key="another")


@pytest.mark.req("STOP-1", "STOP-10")
@virtual
async def test_a_stop_ends_a_dose_and_names_who_stopped(tmp_path):
    async with clinic(tmp_path) as here:
        accepted = await order(here.rig)
        await flowing(here)
        report = await here.rig.stop(codes.CAUSE_OPERATOR, "meera")
        assert report.cause == "operator"
        await here.rig.until_ended(accepted.id)
        assert end_of(here.rig, accepted)["outcome"] == "partial"
    (row,) = rows(tmp_path, "stop")
    assert (row["operator"], row["confirmed"]) == ("meera", True)


@pytest.mark.req("STOP-1")
@virtual
async def test_a_rig_that_was_never_reached_can_be_stopped_as_soon_as_it_can_be(tmp_path):
    async with clinic(tmp_path, connect=False) as here:
        here.line.refuse = GONE
        await here.heard("link")
        stopping = asyncio.create_task(here.rig.stop(codes.CAUSE_OPERATOR, "ravi"))
        await asyncio.sleep(1)
        assert not stopping.done()
        here.line.refuse = None
        assert (await stopping).cause == "operator"


@pytest.mark.req("STOP-10")
@virtual
async def test_a_stop_that_nobody_has_seen_fails_loudly(tmp_path):
    async with clinic(tmp_path, connect=False) as here:
        here.line.refuse = GONE
        with pytest.raises(RigError) as caught:
            await here.rig.stop(codes.CAUSE_OPERATOR, "ravi")
        assert caught.value.code == "stop_not_confirmed"
        assert (await here.heard("stop"))["confirmed"] is False


@virtual
async def test_a_rig_that_cannot_be_reached_is_tried_again_and_never_reads_as_ready(tmp_path):
    async with clinic(tmp_path, connect=False) as here:
        here.line.refuse = GONE
        await here.heard("link")
        view = here.rig.view()
        assert (view["state"], view["ready"]) == ("unreachable", False)
        assert view["link"]["error"]["code"] == "unplugged"
        with pytest.raises(RigError, match="cut"):
            await order(here.rig)
        here.line.refuse = None
        await here.connected()
        assert here.rig.view()["ready"]


@pytest.mark.req("LINK-4")
@virtual
async def test_a_rig_that_says_nothing_more_is_stale_before_it_is_unreachable(tmp_path):
    async with clinic(tmp_path) as here:
        here.line.back = lambda _: []
        await here.until(lambda: here.rig.view()["state"] != "ready")
        assert here.rig.view()["state"] == "stale"
        assert here.rig.view()["telemetry"]["age_ms"] > 1_500
        await here.until(lambda: here.rig.view()["state"] == "unreachable")


@virtual
async def test_what_one_rig_suffers_no_other_notices(tmp_path):
    async with clinic(tmp_path, "chair-1", "chair-2") as here:
        other = here.service.rig("chair-2")
        accepted = await order(other)
        here.line.cut()
        here.line.refuse = GONE
        await other.until_ended(accepted.id)
        assert end_of(other, accepted)["outcome"] == "delivered"
        assert here.rig.view()["state"] == "unreachable"
    assert rows(tmp_path, "outcome") == []
    assert len(rows(tmp_path, "outcome", rig="chair-2")) == 1


@virtual
async def test_a_defect_in_one_supervisor_begins_it_anew_and_harms_no_other(tmp_path, monkeypatch):
    load, failing = CommandBook.load, ["chair-1"]

    async def fail_once(book, ledger):
        if failing and book._rig in failing:
            failing.clear()
            raise RuntimeError("a defect")
        return await load(book, ledger)

    monkeypatch.setattr(CommandBook, "load", fail_once)
    async with clinic(tmp_path, "chair-1", "chair-2") as here:
        assert (await here.heard("trouble"))["error"]["code"] == "internal"
        accepted = await order(here.rig)
        await here.rig.until_ended(accepted.id)
        assert end_of(here.rig, accepted)["outcome"] == "delivered"
        assert here.service.rig("chair-2").problem is None


@pytest.mark.req("LEDGER-5")
@virtual
async def test_a_service_that_goes_pauses_the_dose_and_the_next_one_tells_its_end(tmp_path):
    device = FakeDevice(now_ms)
    async with clinic(tmp_path, devices={"chair-1": device}) as here:
        accepted = await order(here.rig)
        await flowing(here)
    assert device.current.state == codes.DOSE_PAUSED
    assert rows(tmp_path, "command_end", "outcome") == []
    device.current.state = codes.DOSE_RUNNING
    async with clinic(tmp_path, devices={"chair-1": device}) as here:
        await here.until(lambda: here.rig.book.get(accepted.id).end is not None)
        assert end_of(here.rig, accepted)["outcome"] == "delivered"
    assert len(rows(tmp_path, "outcome")) == len(rows(tmp_path, "command_end")) == 1
    assert len(device.doses) == 1


@pytest.mark.req("LEDGER-5")
@virtual
async def test_a_command_whose_order_never_left_ends_as_not_sent_at_the_next_start(tmp_path):
    async with clinic(tmp_path) as here:

        async def never(_rig):
            await asyncio.Event().wait()

        accepted = await here.rig.begin("dose", {}, never, operator="ravi", dose_id=b"dose0001")
        other = await here.rig.begin("pause", {}, never, operator="ravi")
    async with clinic(tmp_path) as here:
        await here.until(lambda: here.rig.book.get(other.id).end and here.rig.book.get(accepted.id).end)
        assert end_of(here.rig, accepted)["outcome"] == "not_sent"
        assert end_of(here.rig, other)["outcome"] == "unknown"
        assert here.device.doses == {}


@pytest.mark.req("LEDGER-3")
@virtual
@pytest.mark.parametrize(("recorded", "outcome"), [(False, "not_sent"), (True, "unknown")])
async def test_a_dose_whose_link_broke_is_unknown_only_when_its_order_may_have_left(tmp_path, recorded, outcome):
    async with clinic(tmp_path) as here:

        async def breaks(rig):
            if recorded:
                await here.rig.ledger.append("intent", {"dose_id": b"dose0001".hex(), "rig": "chair-1"})
            raise RigError("link_lost", "The link was lost.", "Wait.")

        accepted = await here.rig.begin("dose", {}, breaks, operator="ravi", dose_id=b"dose0001")
        await here.rig.until_ended(accepted.id)
        assert end_of(here.rig, accepted)["outcome"] == outcome


@virtual
async def test_a_ledger_that_fails_at_the_start_is_told_by_its_own_name_and_tried_again(tmp_path, monkeypatch):
    load, failing = CommandBook.load, [True]

    async def fail_once(book, ledger):
        if failing:
            failing.clear()
            raise RigError("ledger_full", "The disk is full.", "Make room.")
        return await load(book, ledger)

    monkeypatch.setattr(CommandBook, "load", fail_once)
    async with clinic(tmp_path) as here:
        assert (await here.heard("trouble"))["error"]["code"] == "ledger_full"
        assert here.rig.view()["ready"]


@pytest.mark.req("LEDGER-3")
@virtual
async def test_without_a_ledger_nothing_is_dosed_and_a_stop_works(tmp_path):
    (tmp_path / "rigs" / "chair-1" / "ledger.sqlite3").mkdir(parents=True)
    async with clinic(tmp_path, connect=False) as here:
        assert (await here.heard("trouble"))["error"]["code"].startswith("ledger_")
        with pytest.raises(RigError) as caught:
            await order(here.rig)
        assert caught.value.code.startswith("ledger_")
        assert (await here.rig.stop(codes.CAUSE_OPERATOR, "ravi")).cause == "operator"


@pytest.mark.req("LEDGER-6")
@virtual
async def test_what_rig_and_ledger_disagree_about_is_in_the_state_of_the_rig(tmp_path):
    device = FakeDevice(now_ms)
    async with clinic(tmp_path, devices={"chair-1": device}) as here:
        await here.rig.until_ended((await order(here.rig)).id)
        assert here.rig.view()["ledger"] == {"problem": None, "not_compared": None, "disagreements": []}
    device.journal.clear()
    device.doses.clear()
    async with clinic(tmp_path, devices={"chair-1": device}) as here:
        (found,) = here.rig.view()["ledger"]["disagreements"]
        assert found["problem"] == "missing"


@virtual
async def test_telemetry_of_every_rig_is_kept_beside_the_ledgers(tmp_path):
    async with clinic(tmp_path, "chair-1", "chair-2") as here:
        store = here.service.telemetry
        assert store is not None
        await here.until(lambda: store.report().written + store.report().queued >= 4)
    with closing(sqlite3.connect(tmp_path / "telemetry.sqlite3")) as database:
        assert rigs(database) == ["chair-1", "chair-2"]


@pytest.mark.req("LEDGER-4")
@virtual
async def test_signed_heads_go_to_the_folder_that_was_named_and_bind_every_row(tmp_path):
    async with clinic(tmp_path / "state", heads=tmp_path / "heads") as here:
        accepted = await order(here.rig)
        await here.rig.until_ended(accepted.id)
    verdict = verify(tmp_path / "state/rigs/chair-1/ledger.sqlite3", head_file=tmp_path / "heads/chair-1.heads")
    assert verdict.verified
    assert verdict.witnessed_rows == verdict.rows > 4


@pytest.mark.req("LEDGER-5", "RESCUE-1")
@virtual
async def test_a_rescue_that_left_without_a_row_before_the_service_ended_is_asked_for_at_the_rig(tmp_path):
    device = FakeDevice(now_ms)
    async with clinic(tmp_path, devices={"chair-1": device}) as here:
        device.permits = True
        gone = await ordered(here, DoseBody(3_000, 3_000, "counter_agent", "rescue"), key="r")
        lost = here.rig.new_dose_id("rescue", "never left")
    # As a service leaves it that ended between the row of its command and what became of it.
    path = tmp_path / "rigs/chair-1/ledger.sqlite3"
    kept = [row for _, row in read_rows(path) if row["kind"] in {"note", "command"}]
    path.unlink()
    async with await Ledger.open(path) as ledger:
        fields = {key: value for key, value in kept[-1].items() if key not in {"kind", "utc", "utc_source"}}
        await ledger.append("command", fields)
        await ledger.append("command", {**fields, "command": "0" * 16, "key": "never left", "dose_id": lost.hex()})
    async with clinic(tmp_path, devices={"chair-1": device}) as here:
        for command_id in (gone["id"], "0" * 16):
            await here.rig.until_ended(command_id)
        found = here.rig.command(gone["id"]).as_dict()["end"]
        assert (found["outcome"], found["result"]["emitted_nl"]) == ("delivered", 2_994)
        assert here.rig.command("0" * 16).as_dict()["end"]["outcome"] == "not_sent"
    assert len(device.executed) == 1


def test_the_id_of_a_rescue_is_made_of_its_key_and_of_nothing_else_twice(tmp_path):
    supervisor = Service(config(tmp_path, "chair-1", "chair-2")).rig
    one, two = supervisor("chair-1"), supervisor("chair-2")
    made = [one.new_dose_id("rescue", "k"), one.new_dose_id("rescue", "l"), two.new_dose_id("rescue", "k")]
    drawn = [
        one.new_dose_id("dose", "k"),
        one.new_dose_id("dose", "k"),
        one.new_dose_id("rescue"),
        one.new_dose_id("rescue"),
    ]
    assert len({*made, *drawn}) == len(made) + len(drawn)
    assert one.new_dose_id("rescue", "k") == made[0]
