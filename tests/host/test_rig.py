"""The client against the fake device: doses, stops, lost links, restarts, a ledger that tells it all."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from host.errors import RigError, TransportError
from host.ledger import Ledger
from host.ledger_verify import read_rows, verify
from host.link.reconnector import LinkState
from host.records import OutcomeKind
from host.reports import Outcome, Progress
from host.rig import Rig
from protocol import codes, typed
from tests.host.fake_device import MAX_DOSE_NL, FakeDevice
from tests.host.line import Line, lossy, one_octet_at_a_time
from tests.host.loops import now_ms, virtual


class World:
    """A rig, its line, its device and its ledger."""

    def __init__(self, line: Line, rig: Rig, ledger: Ledger) -> None:
        self.line = line
        self.device = line.device
        self.rig = rig
        self.ledger = ledger
        self.path = ledger.path

    def rows(self, *kinds: str) -> list[dict[str, Any]]:
        return [fields for _, fields in read_rows(self.path) if fields["kind"] in kinds]

    async def until(self, condition: Callable[[], bool]) -> None:
        while not condition():
            await asyncio.sleep(0.01)

    async def flowing(self) -> None:
        await self.until(lambda: self.device.current is not None and self.device.current.emitted > 10)


@asynccontextmanager
async def world(path: Path, device: FakeDevice | None = None, **line_options: Any) -> AsyncIterator[World]:
    async with (
        Line(device or FakeDevice(now_ms), **line_options) as line,
        await Ledger.open(path / "ledger") as ledger,
        Rig(line.open, ledger, operator="tester") as rig,
    ):
        yield World(line, rig, ledger)


@pytest.mark.req("LEDGER-3", "DOSE-8", "GOV-3")
@virtual
async def test_a_dose_ends_delivered_with_the_devices_figures(tmp_path: Path) -> None:
    async with world(tmp_path) as here:
        outcome = await here.rig.dose(12_500, 1000)
        truth = here.device.last
    assert outcome.outcome is OutcomeKind.DELIVERED
    assert outcome.emitted_steps == truth.emitted_steps == outcome.asked_steps
    assert outcome.to_patient_nl[0] <= outcome.emitted_nl <= outcome.to_patient_nl[1]
    assert outcome.recorded
    intent, written = here.rows("intent", "outcome")
    assert (intent["dose_id"], intent["asked_nl"], intent["operator"]) == (outcome.dose_id, 12_500, "tester")
    assert (written["outcome"], written["emitted_steps"]) == ("delivered", truth.emitted_steps)
    assert written["firmware"] == b"firmware".hex()
    assert verify(here.path).verified


@pytest.mark.parametrize("quality", [one_octet_at_a_time, lossy(5, 0.15)], ids=["octets", "lossy"])
@pytest.mark.req("LINK-3", "DOSE-2")
@virtual
async def test_doses_over_a_bad_line_are_given_once_each(tmp_path: Path, quality: Any) -> None:
    async with world(tmp_path, out=quality, back=quality) as here:
        outcomes = [await here.rig.dose(500, 2000) for _ in range(10)]
        assert {outcome.outcome for outcome in outcomes} == {OutcomeKind.DELIVERED}
        assert len(here.device.executed) == 10


@virtual
async def test_a_lost_final_message_is_made_up_for_by_asking(tmp_path: Path) -> None:
    async with world(tmp_path) as here:
        here.device.mute_datagrams = True
        assert (await here.rig.dose(2000, 1000)).outcome is OutcomeKind.DELIVERED


@virtual
async def test_a_progress_callback_that_fails_does_not_end_the_watch(tmp_path: Path) -> None:
    calls: list[Progress] = []

    def fail(news: Progress) -> None:
        calls.append(news)
        raise ValueError("broken display")

    async with world(tmp_path) as here:
        assert (await here.rig.dose(2000, 1000, on_progress=fail)).outcome is OutcomeKind.DELIVERED
    assert len(calls) == 1


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


@pytest.mark.req("DOSE-4")
@virtual
async def test_a_refusal_is_an_outcome_with_its_reason_and_the_nearest_value(tmp_path: Path) -> None:
    async with world(tmp_path) as here:
        outcome = await here.rig.dose(MAX_DOSE_NL + 1, 1000)
        assert (outcome.outcome, outcome.reason, outcome.nearest) == (OutcomeKind.REFUSED, "volume_high", MAX_DOSE_NL)
        assert (await here.rig.dose(1000, 1000, "agent")).reason == "no_permit"
        assert here.device.executed == []


@pytest.mark.req("SEC-5")
@pytest.mark.parametrize(
    ("volume", "rate", "channel"),
    [(0, 1, "flush"), (-1, 1, "flush"), (1_000_001, 1, "flush"), (1, 0, "flush"), (1, 1, "tea"), (1.5, 1, "flush")],
)
@virtual
async def test_a_request_without_sense_is_a_usage_error_and_leaves_no_row(
    tmp_path: Path, volume: int, rate: int, channel: str
) -> None:
    async with world(tmp_path) as here:
        with pytest.raises(RigError) as caught:
            await here.rig.dose(volume, rate, channel)
        assert caught.value.exit_code == 2
    assert here.rows("intent") == []


@virtual
async def test_progress_tells_volume_rate_and_age_until_the_end(tmp_path: Path) -> None:
    news: list[Progress] = []
    async with world(tmp_path) as here:
        await here.rig.dose(3000, 1000, on_progress=news.append)
    volumes = [item.emitted_nl for item in news]
    assert volumes == sorted(volumes)
    assert news[-1].state == "delivered"
    assert any(item.rate_nl_s == 1000 and item.pressure_pa == 2000 for item in news)
    assert all(item.age_s <= 0.7 for item in news)


@pytest.mark.req("STOP-1", "STOP-10")
@virtual
async def test_a_stop_while_a_dose_is_awaited_ends_it_partial(tmp_path: Path) -> None:
    async with world(tmp_path) as here:
        dose = asyncio.create_task(here.rig.dose(12_500, 1000))
        await here.flowing()
        report = await here.rig.stop()
        outcome = await dose
        assert outcome.outcome is OutcomeKind.PARTIAL
        assert outcome.cause == "operator"
        assert outcome.emitted_steps == report.emitted_steps == here.device.last.emitted_steps
        assert report.device_latency_us == 123
    (row,) = here.rows("stop")
    assert row["confirmed"]
    assert row["report"]["device_latency_us"] == 123


@pytest.mark.req("STOP-1", "STOP-10")
@virtual
async def test_a_stop_is_repeated_until_the_latch_was_seen(tmp_path: Path) -> None:
    async with world(tmp_path) as here:
        lost = iter(range(9))
        here.line.out = lambda data: [] if next(lost, None) is not None else [data]
        report = await here.rig.stop()
        assert report.frames_sent > 3
        assert here.device.state == codes.DEVICE_STOPPED


@pytest.mark.req("STOP-10")
@virtual
async def test_a_stop_whose_answer_is_lost_is_seen_in_telemetry(tmp_path: Path) -> None:
    async with world(tmp_path) as here:
        here.line.back = lambda data: [frame + b"\0" for frame in data.split(b"\0")[:-1] if len(frame) > 40]
        report = await here.rig.stop()
        assert report.seen_in == "TELEMETRY"
        assert report.device_latency_us is None


@pytest.mark.req("STOP-10")
@virtual
async def test_a_stop_that_is_never_seen_fails_loudly_and_is_recorded(tmp_path: Path) -> None:
    async with world(tmp_path) as here:
        here.line.out = lambda _: []
        with pytest.raises(RigError) as caught:
            await here.rig.stop()
        assert caught.value.code == "stop_not_confirmed"
        assert "EMERGENCY STOP" in caught.value.todo
    (row,) = here.rows("stop")
    assert not row["confirmed"]
    assert row["error"] == "stop_not_confirmed"


@pytest.mark.req("STOP-1")
@virtual
async def test_a_stop_does_not_wait_for_the_next_attempt_to_connect(tmp_path: Path) -> None:
    async with world(tmp_path) as here:
        here.line.refuse = None
        here.line.cut()
        await here.until(lambda: here.rig.link.state is LinkState.WAITING)
        report = await here.rig.stop()
        assert report.frames_sent >= 1
        assert here.device.state == codes.DEVICE_STOPPED


@pytest.mark.req("STOP-1")
@virtual
async def test_a_stop_works_before_the_client_is_opened() -> None:
    device = FakeDevice(now_ms)
    async with Line(device) as line:
        await Rig(line.open).stop()
        assert device.state == codes.DEVICE_STOPPED


@pytest.mark.req("STOP-1", "LINK-2")
@virtual
async def test_a_stop_works_with_firmware_of_another_schema() -> None:
    device = FakeDevice(now_ms, schema=b"another!")
    async with Line(device) as line:
        rig = Rig(line.open)
        with pytest.raises(RigError):
            await rig.open()
        await rig.stop()
        assert device.state == codes.DEVICE_STOPPED


@virtual
async def test_cancelling_a_dose_stops_the_rig(tmp_path: Path) -> None:
    async with world(tmp_path) as here:
        dose = asyncio.create_task(here.rig.dose(12_500, 1000))
        await here.flowing()
        dose.cancel()
        with pytest.raises(asyncio.CancelledError):
            await dose
        assert here.device.state == codes.DEVICE_STOPPED
    assert [row["outcome"] for row in here.rows("outcome")] == ["partial"]


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
        while not (rows := await here.ledger.rows(1)) or rows[0].fields["kind"] != "resolution":
            await asyncio.sleep(0.1)
    unknown, truth = here.rows("outcome", "resolution")
    assert unknown["outcome"] == "unknown"
    assert truth["outcome"] == "partial"
    assert truth["emitted_steps"] == here.device.last.emitted_steps
    assert verify(here.path).verified


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
        dose = asyncio.create_task(here.rig.dose(12_500, 1000))
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
    assert [row["kind"] for row in rows] == ["note", "intent", "outcome"]
    assert rows[2]["outcome"] == "partial"
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
    assert [fields["kind"] for _, fields in read_rows(tmp_path / "ledger")] == ["note", "intent", "outcome"]


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
async def test_an_intent_that_cannot_be_recorded_sends_nothing(tmp_path: Path) -> None:
    async with world(tmp_path) as here:
        await here.ledger.close()
        with pytest.raises(RigError) as caught:
            await here.rig.dose(1000, 1000)
        assert caught.value.code == "ledger_closed"
        await asyncio.sleep(1)
        assert here.device.executed == []
        assert (await here.rig.stop()).cause == "operator"


@pytest.mark.req("LEDGER-3")
@virtual
async def test_an_outcome_that_cannot_be_recorded_says_so_and_is_asked_for_again(tmp_path: Path) -> None:
    async with world(tmp_path) as here:
        dose = asyncio.create_task(here.rig.dose(3000, 1000))
        await here.flowing()
        await here.ledger.close()
        outcome = await dose
        assert outcome.outcome is OutcomeKind.DELIVERED
        assert not outcome.recorded
        await here.rig.close()
        async with await Ledger.open(here.path) as ledger, Rig(here.line.open, ledger):
            pass
    assert [row["outcome"] for row in here.rows("outcome")] == ["delivered"]


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
async def test_a_pause_longer_than_allowed_is_stopped(tmp_path: Path) -> None:
    async with world(tmp_path) as here:
        dose = asyncio.create_task(here.rig.dose(5000, 1000, max_pause_s=2.0))
        await here.flowing()
        assert (await here.rig.pause()).state == codes.DOSE_PAUSED
        assert (await dose).outcome is OutcomeKind.PARTIAL
        assert here.device.state == codes.DEVICE_STOPPED


Act = Callable[[Rig], Awaitable[Any]]


@pytest.mark.parametrize(
    ("act", "reason"),
    [(Rig.pause, "not running"), (Rig.resume, "not paused"), (Rig.clear, "nothing to clear")],
)
@virtual
async def test_an_act_that_makes_no_sense_now_is_refused_in_words(tmp_path: Path, act: Act, reason: str) -> None:
    async with world(tmp_path) as here:
        with pytest.raises(RigError) as caught:
            await act(here.rig)
        assert caught.value.code == "refused"
        assert reason in caught.value.what


@virtual
async def test_status_telemetry_and_identity_tell_who_is_there(tmp_path: Path) -> None:
    async with world(tmp_path) as here:
        assert (await here.rig.status()).device_state == codes.DEVICE_READY
        async with asyncio.timeout(1):
            await here.rig.wait_for(lambda message: isinstance(message, typed.Telemetry))
        await asyncio.sleep(0.05)
        reading = here.rig.telemetry
        assert reading is not None
        assert 0.04 < reading.age_s < 0.1
        identity = here.rig.identity
        assert identity is not None
        assert (identity.board, identity.implementation, identity.version) == ("arithmetic", "fake", "1.2.3")
        assert here.rig.link_statistics()["bad_crc"] == 0


@virtual
async def test_without_a_connection_nothing_is_asked(tmp_path: Path) -> None:
    async with Line(FakeDevice(now_ms)) as line:
        rig = Rig(line.open)
        for attempt in (rig.status(), rig.dose(1000, 1000)):
            with pytest.raises(RigError) as caught:
                await attempt
            assert caught.value.code == "not_connected"
        assert rig.identity is None
        assert rig.telemetry is None
        assert rig.link_statistics() == {}


@virtual
async def test_two_doses_at_once_the_second_is_refused_by_the_device(tmp_path: Path) -> None:
    async with world(tmp_path) as here:
        first = asyncio.create_task(here.rig.dose(3000, 1000))
        await here.flowing()
        second: Outcome = await here.rig.dose(1000, 1000)
        assert (second.outcome, second.reason) == (OutcomeKind.REFUSED, "busy")
        assert (await first).outcome is OutcomeKind.DELIVERED


@virtual
async def test_a_dose_that_happened_meanwhile_is_known_after_the_reconnect(tmp_path: Path) -> None:
    async with world(tmp_path) as here:
        await here.rig.dose(1000, 1000)
        here.line.cut()
        await here.until(lambda: here.rig.link.state is LinkState.WAITING)
        await here.until(lambda: here.rig.link.state is LinkState.CONNECTED)
        assert (await here.rig.dose(1000, 1000)).outcome is OutcomeKind.DELIVERED
