"""The client stops the fake device, whatever stands between them."""

import asyncio
from pathlib import Path

import pytest

from host.errors import RigError
from host.link.reconnector import LinkState
from host.records import OutcomeKind
from host.rig import Rig
from protocol import codes
from tests.host.fake_device import FakeDevice
from tests.host.line import Line
from tests.host.loops import now_ms, virtual
from tests.host.world import world


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
