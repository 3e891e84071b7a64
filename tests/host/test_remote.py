"""The client of the service against the real server on a real unix socket, fake devices behind it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from host.errors import RigError
from host.remote import ServiceClient
from host.web.api import Api
from host.web.server import peer_name, serving
from tests.host.fake_device import FakeDevice
from tests.host.loops import now_ms, real
from tests.host.service.clinic import Clinic, clinic


@asynccontextmanager
async def served(folder: Path, **options) -> AsyncIterator[Clinic]:
    async with clinic(folder, **options) as here, serving(Api(here.service, peer_name).application(), folder / "sock"):
        yield here
        here.service.hub.end()


@pytest.mark.req("LEDGER-3")
@real
async def test_a_program_doses_and_gets_the_one_end(tmp_path):
    async with served(tmp_path) as here, ServiceClient.at(tmp_path / "sock") as service:
        end = await service.rig("chair-1").dose(1_000, 5_000)
        assert (end["outcome"], end["result"]["asked_nl"]) == ("delivered", 1_000)
        assert len(here.device.doses) == 1
        await here.until(lambda: here.rig.view()["ready"])
        (state,) = await service.rigs()
        assert (state["rig"], state["telemetry"]["source"]) == ("chair-1", "telemetry")


@pytest.mark.req("STOP-1")
@real
async def test_a_program_stops_what_it_doses(tmp_path):
    async with served(tmp_path) as here, ServiceClient.at(tmp_path / "sock") as service:
        rig = service.rig("chair-1")
        command = await rig.order(50_000, 1_000)
        await here.until(lambda: here.device.current is not None and here.device.current.emitted > 10)
        assert (await rig.stop("clinician"))["cause"] == "clinician"
        assert (await rig.ended(command))["outcome"] == "partial"
        assert (await rig.act("clear"))["outcome"] == "done"


@real
async def test_what_the_service_refuses_is_the_same_error_here(tmp_path):
    async with served(tmp_path), ServiceClient.at(tmp_path / "sock") as service:
        with pytest.raises(RigError) as caught:
            await service.rig("chair-9").state()
        assert (caught.value.code, caught.value.todo) == ("not_found", "Rigs: chair-1.")
        with pytest.raises(RigError, match="volume_nl"):
            await service.rig("chair-1").dose(0, 1_000)


@real
async def test_events_come_as_they_happen_and_are_resumed_after_the_last_one_seen(tmp_path):
    async with served(tmp_path) as here, ServiceClient.at(tmp_path / "sock") as service:
        seen = []

        async def watch(after=None):
            async for event in service.events(rig="chair-1", after=after):
                seen.append(event)  # noqa: PERF401  each is looked at while the next is waited for

        watching = asyncio.create_task(watch())
        await service.rig("chair-1").dose(500, 5_000)
        await here.until(lambda: any(event.kind == "command" and event.data["end"] for event in seen))
        watching.cancel()
        await asyncio.gather(watching, return_exceptions=True)
        first, rest = seen[0], seen[1:]
        seen.clear()
        watching = asyncio.create_task(watch(first.id))
        await here.until(lambda: len(seen) >= len(rest))
        assert seen[: len(rest)] == rest
        watching.cancel()
        await asyncio.gather(watching, return_exceptions=True)


@pytest.mark.req("LEDGER-5")
@real
async def test_a_program_outlives_a_service_that_starts_anew_in_mid_dose(tmp_path):
    device = FakeDevice(now_ms)
    async with ServiceClient.at(tmp_path / "sock") as service:
        rig = service.rig("chair-1")
        async with served(tmp_path, devices={"chair-1": device}) as here:
            command = await rig.order(4_000, 2_000)
            await here.until(lambda: device.current is not None and device.current.emitted > 10)
        ending = asyncio.create_task(rig.ended(command))
        await asyncio.sleep(0.5)
        async with served(tmp_path, devices={"chair-1": device}, connect=False) as here:
            await here.until(lambda: here.rig.view()["state"] == "paused")
            await rig.act("resume")
            assert (await ending)["outcome"] == "delivered"
    assert len(device.doses) == 1


@real
async def test_where_no_service_answers_the_error_says_how_to_start_one_and_how_to_stop(tmp_path):
    async with ServiceClient.at(tmp_path / "sock") as service:
        with pytest.raises(RigError) as caught:
            await service.ask("GET", "/v1/rigs", patience_s=0.5)
        assert caught.value.code == "no_service"
        assert "rig serve" in caught.value.todo
        assert "rig stop" in caught.value.todo
        with pytest.raises(RigError, match="No service answers"):
            async for _ in service.events():
                pass
