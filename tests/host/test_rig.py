"""The client against the fake device: doses, refusals, progress, a ledger that tells it all."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from host.errors import RigError
from host.ledger import Ledger
from host.ledger_verify import verify
from host.records import OutcomeKind
from host.reports import Outcome, Progress
from host.rig import Rig
from protocol import codes, typed
from tests.host.fake_device import MAX_DOSE_NL, FakeDevice
from tests.host.line import Line, lossy, one_octet_at_a_time
from tests.host.loops import now_ms, virtual
from tests.host.world import world


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


@virtual
async def test_a_pause_longer_than_allowed_is_stopped(tmp_path: Path) -> None:
    async with world(tmp_path) as here:
        dose = asyncio.create_task(here.rig.dose(5000, 1000, max_pause_s=2.0))
        await here.flowing()
        assert (await here.rig.pause()).state == codes.DOSE_PAUSED
        assert (await dose).outcome is OutcomeKind.PARTIAL
        assert here.device.state == codes.DEVICE_STOPPED


@virtual
async def test_a_pause_longer_than_allowed_is_stopped_although_the_first_stop_does_not_land(tmp_path: Path) -> None:
    async with world(tmp_path) as here:
        dose = asyncio.create_task(here.rig.dose(5000, 1000, max_pause_s=2.0))
        await here.flowing()
        await here.rig.pause()
        await asyncio.sleep(1.5)
        out, here.line.out = here.line.out, lambda _: []
        while "stop" not in {row.fields["kind"] for row in await here.ledger.rows(2)}:
            await asyncio.sleep(0.1)
        here.line.out = out
        assert (await dose).outcome is OutcomeKind.PARTIAL
        assert here.device.state == codes.DEVICE_STOPPED
    assert [row["confirmed"] for row in here.rows("stop")][-1]


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
