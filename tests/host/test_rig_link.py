"""The client over lost links, restarts of the device and of the host: what became of a dose is found out."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from host.errors import RigError, TransportError
from host.ledger import Ledger
from host.ledger_verify import read_rows, verify
from host.link.reconnector import LinkState
from host.records import OutcomeKind
from host.reports import Progress
from host.rig import Rig
from protocol import codes
from tests.host.fake_device import LOTS, FakeDevice
from tests.host.line import Line
from tests.host.loops import now_ms, virtual
from tests.host.world import world


@pytest.mark.req("LINK-6")
@virtual
async def test_an_old_session_is_renewed_when_no_dose_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with world(tmp_path) as here:
        monkeypatch.setattr("protocol.link_host.RENEW_MS", 60_000)
        await asyncio.sleep(55)
        dose = asyncio.create_task(here.rig.dose(20_000, 1000))
        await asyncio.sleep(15)
        assert here.line.opened == 1
        assert (await dose).outcome is OutcomeKind.DELIVERED
        await asyncio.sleep(3)
        assert here.line.opened == 2
        assert (await here.rig.dose(1000, 1000)).outcome is OutcomeKind.DELIVERED


@pytest.mark.req("LEDGER-3")
@virtual
async def test_a_link_lost_while_the_intent_is_written_sends_nothing(tmp_path: Path) -> None:
    async with world(tmp_path) as here:
        recorder = here.rig._core.recorder
        assert recorder is not None
        write = recorder.intent

        async def slow(order: Any) -> None:
            await write(order)
            here.line.cut()
            await here.until(lambda: here.rig.link.state is not LinkState.CONNECTED)

        recorder.intent = slow  # type: ignore[method-assign]
        outcome = await here.rig.dose(1000, 1000)
        assert outcome.outcome is OutcomeKind.NOT_SENT
        assert here.device.executed == []


@pytest.mark.req("LINK-4", "LINK-5", "LEDGER-3")
@virtual
async def test_a_dose_over_a_short_break_is_paused_resumed_by_a_person_and_delivered(tmp_path: Path) -> None:
    news: list[Progress] = []
    async with world(tmp_path) as here:
        dose = asyncio.create_task(here.rig.dose(5000, 1000, on_progress=news.append))
        await here.flowing()
        here.line.cut()
        here.line.out = lambda _: []
        await here.until(lambda: here.device.state == codes.DEVICE_PAUSED)
        here.line.out = lambda data: [data]
        await here.until(lambda: here.rig.link.state is LinkState.CONNECTED)
        await here.rig.resume()
        outcome = await dose
        assert outcome.outcome is OutcomeKind.DELIVERED
        assert len(here.device.executed) == 1
    assert any(item.source == "link lost" for item in news)
    assert [row["outcome"] for row in here.rows("outcome")] == ["delivered"]


@pytest.mark.req("LEDGER-3", "LINK-4")
@virtual
async def test_unplugging_in_mid_dose_ends_unknown_and_the_truth_comes_later(tmp_path: Path) -> None:
    async with world(tmp_path) as here:
        dose = asyncio.create_task(here.rig.dose(12_500, 1000))
        await here.flowing()
        here.line.cut()
        here.line.refuse = _gone()
        outcome = await dose
        assert outcome.outcome is OutcomeKind.UNKNOWN
        assert outcome.to_patient_nl[1] >= 12_500
        assert here.device.current is not None
        here.device._end(codes.DOSE_PARTIAL, codes.CAUSE_DEADLINE)
        here.line.refuse = None
        while "resolution" not in {row.fields["kind"] for row in await here.ledger.rows(2)}:
            await asyncio.sleep(0.1)
    unknown, truth = here.rows("outcome", "resolution")
    assert unknown["outcome"] == "unknown"
    assert truth["outcome"] == "partial"
    assert truth["emitted_steps"] == here.device.last.emitted_steps
    assert verify(here.path).verified


@pytest.mark.req("LEDGER-3", "LINK-4")
@virtual
async def test_nobody_closes_a_dose_that_the_rig_has_only_paused(tmp_path: Path) -> None:
    async with world(tmp_path) as here:
        dose = asyncio.create_task(here.rig.dose(12_500, 1000))
        await here.flowing()
        here.line.cut()
        here.line.refuse = _gone()
        dose_id = bytes.fromhex((await dose).dose_id)
        here.line.refuse = None
        await here.until(lambda: here.rig.link.state is LinkState.CONNECTED)
        with pytest.raises(RigError) as caught:
            await here.rig.close_unknown(dose_id, "Dr. Okafor")
        assert "has not ended: the rig says that it is paused" in caught.value.what
        assert "Stop the rig" in caught.value.todo
        assert here.rows("resolution") == []
        await here.rig.stop()
        while "resolution" not in {row.fields["kind"] for row in await here.ledger.rows(2)}:
            await asyncio.sleep(0.1)
    (truth,) = here.rows("resolution")
    assert truth["outcome"] == "partial"
    assert truth["emitted_steps"] == here.device.last.emitted_steps


@pytest.mark.req("LEDGER-3")
@virtual
async def test_what_the_rig_knows_counts_although_a_person_closes_the_dose_as_unknown(tmp_path: Path) -> None:
    async with world(tmp_path) as here:
        dose = asyncio.create_task(here.rig.dose(12_500, 1000))
        await here.flowing()
        here.line.cut()
        here.line.refuse = _gone()
        dose_id = bytes.fromhex((await dose).dose_id)
        here.line.refuse = None
        await here.until(lambda: here.rig.link.state is LinkState.CONNECTED)
        runner = here.rig._core.known_runner(dose_id)
        assert runner is not None
        # All that would tell it unasked, and the answers to what the order itself asks, are lost.
        runner._spawn = lambda *_: None  # type: ignore[method-assign]
        here.device.mute_datagrams = True
        here.device._end(codes.DOSE_PARTIAL, codes.CAUSE_DEADLINE)
        await here.rig.close_unknown(dose_id, "Dr. Okafor")
    (truth,) = here.rows("resolution")
    assert (truth["outcome"], truth["resolved_by"]) == ("partial", "device")
    assert truth["emitted_steps"] == here.device.last.emitted_steps


def _gone() -> Any:
    return TransportError("port_unknown", "There is no port.", "Plug it in.")


@pytest.mark.req("LEDGER-3")
@virtual
async def test_a_restart_in_mid_dose_ends_unknown(tmp_path: Path) -> None:
    async with world(tmp_path) as here:
        dose = asyncio.create_task(here.rig.dose(12_500, 1000))
        await here.flowing()
        here.device.boot()
        outcome = await dose
        assert outcome.outcome is OutcomeKind.UNKNOWN
        assert len(here.device.executed) == 1
        assert (await here.rig.dose(1000, 1000)).outcome is OutcomeKind.DELIVERED


@pytest.mark.req("LEDGER-3")
@virtual
async def test_a_restart_with_a_journal_is_asked_and_told(tmp_path: Path) -> None:
    async with world(tmp_path, FakeDevice(now_ms, remember=True)) as here:
        dose = asyncio.create_task(here.rig.dose(12_500, 1000))
        await here.flowing()
        here.device._end(codes.DOSE_PARTIAL, codes.CAUSE_FAULT)
        here.device.boot()
        assert (await dose).outcome is OutcomeKind.PARTIAL


@pytest.mark.req("LEDGER-3")
@virtual
async def test_an_order_that_never_arrived_is_not_sent(tmp_path: Path) -> None:
    async with world(tmp_path) as here:
        here.line.out = lambda _: []
        dose = asyncio.create_task(here.rig.dose(12_500, 1000, lot=LOTS[codes.CHANNEL_FLUSH]))
        await asyncio.sleep(1)
        here.line.cut()
        here.line.out = lambda data: [data]
        outcome = await dose
        assert outcome.outcome is OutcomeKind.NOT_SENT
        assert here.device.executed == []


@pytest.mark.req("LEDGER-3", "LEDGER-5", "LINK-5")
@virtual
async def test_a_host_that_was_killed_asks_about_its_open_order_and_sends_nothing(tmp_path: Path) -> None:
    device = FakeDevice(now_ms)
    async with Line(device) as line:
        async with await Ledger.open(tmp_path / "ledger") as ledger:
            rig = Rig(line.open, ledger)
            await rig.open()
            dose = asyncio.create_task(rig.dose(5000, 5000))
            await asyncio.sleep(0.2)
            # What a kill leaves behind: an intent, no outcome, a device that goes on.
            await rig.close()
            with pytest.raises(RigError) as caught:
                await dose
            assert caught.value.code == "closed"
        assert device.current is not None
        device._end(codes.DOSE_PARTIAL, codes.CAUSE_DEADLINE)
        async with await Ledger.open(tmp_path / "ledger") as ledger, Rig(line.open, ledger):
            pass
    rows = [fields for _, fields in read_rows(tmp_path / "ledger")]
    assert [row["kind"] for row in rows] == ["note", "compared", "intent", "outcome", "compared"]
    assert rows[3]["outcome"] == "partial"
    assert len(device.executed) == 1


@pytest.mark.req("LEDGER-3")
@virtual
async def test_a_dose_found_paused_after_a_restart_of_the_host_can_be_followed_to_its_end(tmp_path: Path) -> None:
    device = FakeDevice(now_ms)
    async with Line(device) as line:
        async with await Ledger.open(tmp_path / "ledger") as ledger:
            rig = Rig(line.open, ledger)
            await rig.open()
            dose = asyncio.create_task(rig.dose(5000, 1000))
            await asyncio.sleep(1)
            await rig.close()
            await asyncio.gather(dose, return_exceptions=True)
        await asyncio.sleep(3)
        assert device.state == codes.DEVICE_PAUSED
        async with await Ledger.open(tmp_path / "ledger") as ledger, Rig(line.open, ledger) as rig:
            report = await rig.resume()
            outcome = await rig.follow(report.dose_id)
    assert outcome.outcome is OutcomeKind.DELIVERED
    assert [fields["kind"] for _, fields in read_rows(tmp_path / "ledger")] == ["note", "compared", "intent", "outcome"]


@virtual
async def test_a_dose_of_nobodys_ledger_can_be_followed_too() -> None:
    async with Line(FakeDevice(now_ms)) as line:
        first = Rig(line.open)
        await first.open()
        dose = asyncio.create_task(first.dose(5000, 1000))
        await asyncio.sleep(1)
        await first.close()
        await asyncio.gather(dose, return_exceptions=True)
        await asyncio.sleep(3)
        async with Rig(line.open) as rig:
            report = await rig.resume()
            assert (await rig.follow(report.dose_id)).outcome is OutcomeKind.DELIVERED


@pytest.mark.req("LEDGER-3")
@virtual
async def test_an_unknown_dose_blocks_the_agent_on_its_rig(tmp_path: Path) -> None:
    async with world(tmp_path) as here:
        dose = asyncio.create_task(here.rig.dose(12_500, 1000))
        await here.flowing()
        here.device.boot()
        assert (await dose).outcome is OutcomeKind.UNKNOWN
        with pytest.raises(RigError) as caught:
            await here.rig.dose(1000, 1000, "agent")
        assert caught.value.code == "unknown_open"
        assert caught.value.exit_code == 3


@virtual
async def test_a_dose_that_happened_meanwhile_is_known_after_the_reconnect(tmp_path: Path) -> None:
    async with world(tmp_path) as here:
        await here.rig.dose(1000, 1000)
        here.line.cut()
        await here.until(lambda: here.rig.link.state is LinkState.WAITING)
        await here.until(lambda: here.rig.link.state is LinkState.CONNECTED)
        assert (await here.rig.dose(1000, 1000)).outcome is OutcomeKind.DELIVERED
