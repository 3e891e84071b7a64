"""The API over a service with fake devices: what programs send, and what they are told."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest

from host.errors import RigError, TransportError
from host.service.works import SPECS
from host.web.answers import MAX_BODY_OCTETS
from host.web.api import Api
from protocol import codes
from tests.host.loops import virtual
from tests.host.service.clinic import Clinic, clinic

RIG = "/v1/rigs/chair-1"
DOSE = {"volume_nl": 2_000, "rate_nl_s": 1_000}


def ravi(_request: Any) -> str:
    return "ravi"


class Web:
    """A program that asks, and the clinic behind the API."""

    def __init__(self, here: Clinic, client: httpx.AsyncClient) -> None:
        self.clinic = here
        self.rig = here.rig
        self.device = here.device
        self._client = client

    async def get(self, path: str, status: int = 200) -> Any:
        return self._told(await self._client.get(path), status)

    async def post(self, path: str, body: object = None, status: int = 202, key: str | None = None) -> Any:
        headers = {"idempotency-key": key} if key is not None else {}
        return self._told(await self._client.post(f"{RIG}{path}", json=body or {}, headers=headers), status)

    async def send(self, path: str, **request: Any) -> httpx.Response:
        return await self._client.post(f"{RIG}{path}", **request)

    async def ended(self, command: dict[str, Any]) -> dict[str, Any]:
        await self.rig.until_ended(command["id"])
        told = await self.get(f"{RIG}/commands/{command['id']}")
        assert told["state"] == "ended"
        return told["end"]

    def _told(self, answer: httpx.Response, status: int) -> Any:
        assert answer.status_code == status, answer.text
        assert answer.headers["content-type"] == "application/json"
        return answer.json()


@asynccontextmanager
async def web(folder, *names: str, identify=ravi, **options: Any) -> AsyncIterator[Web]:
    async with clinic(folder, *names, **options) as here:
        transport = httpx.ASGITransport(Api(here.service, identify).application(), raise_app_exceptions=True)
        async with httpx.AsyncClient(transport=transport, base_url="http://rig") as client:
            yield Web(here, client)


@virtual
async def test_the_state_of_every_rig_is_shown_with_ages_and_sources(tmp_path):
    async with web(tmp_path, "chair-1", "chair-2") as here:
        rigs = (await here.get("/v1/rigs"))["rigs"]
        assert [rig["rig"] for rig in rigs] == ["chair-1", "chair-2"]
        one = await here.get(RIG)
        assert (one["state"], one["ready"], one["telemetry"]["source"]) == ("ready", True, "telemetry")
        assert 0 <= one["telemetry"]["age_ms"] < 1_500


@pytest.mark.req("LEDGER-3")
@virtual
async def test_a_dose_is_accepted_with_an_id_and_has_one_end_under_it(tmp_path):
    async with web(tmp_path) as here:
        accepted = await here.post("/doses", DOSE)
        assert (accepted["state"], accepted["end"], accepted["operator"]) == ("accepted", None, "ravi")
        end = await here.ended(accepted)
        assert (end["outcome"], end["result"]["dose_id"]) == ("delivered", accepted["dose_id"])
        assert end["result"]["emitted_steps"] == here.device.doses[bytes.fromhex(accepted["dose_id"])].emitted_steps


@virtual
async def test_a_repeated_key_shows_the_same_command_and_another_body_under_it_is_refused(tmp_path):
    async with web(tmp_path) as here:
        first = await here.post("/doses", DOSE, key="k1")
        assert (await here.post("/doses", DOSE, key="k1"))["id"] == first["id"]
        error = (await here.post("/doses", DOSE | {"volume_nl": 3_000}, 409, key="k1"))["error"]
        assert error["code"] == "key_reused"
        await here.ended(first)
        assert len(here.device.doses) == 1


@pytest.mark.req("STOP-1")
@virtual
async def test_a_stop_is_answered_when_its_latch_was_seen_and_goes_past_what_is_under_way(tmp_path):
    async with web(tmp_path) as here:
        dose = await here.post("/doses", DOSE | {"volume_nl": 50_000})
        await here.clinic.until(lambda: here.device.current is not None and here.device.current.emitted > 10)
        told = await here.post("/stop", {"cause": "clinician"}, 200)
        assert (told["confirmed"], told["report"]["cause"]) == (True, "clinician")
        assert (await here.ended(dose))["outcome"] == "partial"
        assert (await here.get(RIG))["telemetry"]["stop_cause"] in {"none", "clinician"}


@pytest.mark.req("STOP-10")
@virtual
async def test_a_stop_that_nobody_has_seen_is_an_error_that_says_what_to_do(tmp_path):
    async with web(tmp_path) as here:
        here.clinic.line.back = lambda _: []
        error = (await here.post("/stop", status=504))["error"]
        assert error["code"] == "stop_not_confirmed"
        assert "EMERGENCY STOP" in error["todo"]


@virtual
async def test_who_asks_for_a_command_may_wait_for_its_end(tmp_path):
    async with web(tmp_path) as here:
        dose = await here.post("/doses", DOSE)
        place = f"{RIG}/commands/{dose['id']}"
        assert (await here.get(f"{place}?wait_s=0"))["end"] is None
        assert (await here.get(f"{place}?wait_s=1"))["end"] is None
        assert (await here.get(f"{place}?wait_s=30"))["end"]["outcome"] == "delivered"
        for wrong in ("61", "-1", "1.5", "x", "", "9999"):
            assert "wait_s" in (await here.get(f"{place}?wait_s={wrong}", 400))["error"]["what"]


@virtual
async def test_a_stop_is_cleared_and_a_clear_without_one_is_refused_with_the_reason(tmp_path):
    async with web(tmp_path) as here:
        await here.post("/stop", status=200)
        assert (await here.ended(await here.post("/clear")))["result"] == {"device_state": "ready"}
        end = await here.ended(await here.post("/clear"))
        assert (end["outcome"], end["error"]["reason"]) == ("refused", "not_stopped")


@virtual
async def test_a_dose_is_paused_and_goes_on(tmp_path):
    async with web(tmp_path) as here:
        dose = await here.post("/doses", DOSE | {"volume_nl": 20_000})
        await here.clinic.until(lambda: here.device.current is not None and here.device.current.emitted > 10)
        assert (await here.ended(await here.post("/pause")))["result"]["dose_state"] == "paused"
        assert (await here.ended(await here.post("/resume")))["outcome"] == "done"
        assert (await here.ended(dose))["outcome"] == "delivered"


@virtual
async def test_alarms_are_acknowledged_by_name_or_all_that_latch(tmp_path):
    async with web(tmp_path) as here:
        here.device.latched = 0b101
        end = await here.ended(await here.post("/acknowledge", {"alarms": [codes.ALARMS[1][0]]}))
        assert (end["outcome"], here.device.acknowledged) == ("done", 1 << codes.ALARMS[1][1] - 1)


@virtual
async def test_the_sound_is_paused(tmp_path):
    async with web(tmp_path) as here:
        assert (await here.ended(await here.post("/quiet", {"duration_s": 60})))["result"] == {"audio_paused_s": 60}


@pytest.mark.req("SEC-5")
@virtual
@pytest.mark.parametrize(
    ("path", "body", "said"),
    [
        ("/doses", {}, "volume_nl"),
        ("/doses", {"volume_nl": 0, "rate_nl_s": 1}, "volume_nl"),
        ("/doses", {"volume_nl": -5, "rate_nl_s": 1}, "volume_nl"),
        ("/doses", {"volume_nl": 1.5, "rate_nl_s": 1}, "volume_nl"),
        ("/doses", {"volume_nl": True, "rate_nl_s": 1}, "volume_nl"),
        ("/doses", {"volume_nl": "2000", "rate_nl_s": 1}, "volume_nl"),
        ("/doses", {"volume_nl": 1 << 70, "rate_nl_s": 1}, "volume_nl"),
        ("/doses", DOSE | {"volume_ul": 2}, "volume_ul"),
        ("/doses", DOSE | {"channel": "saline"}, "channel"),
        ("/doses", DOSE | {"kind": "bolus"}, "kind"),
        ("/doses", DOSE | {"kind": "rescue", "channel": "flush"}, "rescue"),
        ("/doses", DOSE | {"lot": "xyz"}, "lot"),
        ("/doses", DOSE | {"further": [{"volume_nl": 2_000, "rate_nl_s": 1, "rate_end_nl_s": 1}]}, "pieces"),
        ("/doses", DOSE | {"further": [{"volume_nl": 1, "rate_nl_s": 1, "rate_end_nl_s": 1}] * 4}, "further"),
        ("/doses", [1], "object"),
        ("/stop", {"cause": "tired"}, "cause"),
        ("/acknowledge", {"alarms": ["fire"]}, "fire"),
        ("/quiet", {"duration_s": 121}, "duration_s"),
        ("/quiet", {}, "duration_s"),
        ("/resolve", {"dose_id": "00", "person": "Ravi"}, "dose_id"),
        ("/resolve", {"dose_id": "00" * 8, "person": ""}, "person"),
        ("/resolve", {"dose_id": "00" * 8, "person": "  "}, "person"),
        ("/resolve", {"dose_id": "00" * 8, "person": "a\nb"}, "person"),
        ("/pause", {"dose": 1}, "dose"),
    ],
)
async def test_a_body_that_makes_no_sense_is_refused_names_what_is_wrong_and_changes_nothing(
    tmp_path, path, body, said
):
    async with web(tmp_path) as here:
        error = (await here.send(path, json=body)).json()["error"]
        assert error["code"] in {"body", "usage"}
        assert said in error["what"] + error["todo"]
        assert (await here.get(f"{RIG}/commands"))["commands"] == []
        assert here.device.doses == {}
        assert here.device.stop_frames == 0


@pytest.mark.req("SEC-5")
@virtual
@pytest.mark.parametrize(
    ("request_", "status", "code"),
    [
        ({"content": b"{"}, 400, "body"),
        ({"content": b"\xff\xfe"}, 400, "body"),
        ({"content": b'{"volume_nl": NaN}'}, 400, "body"),
        ({"content": b" " * (MAX_BODY_OCTETS + 1)}, 413, "too_large"),
        ({"data": {"volume_nl": "5"}}, 415, "body_type"),
        ({"json": DOSE, "headers": {"idempotency-key": "x" * 65}}, 400, "usage"),
        ({"json": DOSE, "headers": {"idempotency-key": "a b"}}, 400, "usage"),
        ({"json": DOSE, "headers": {"idempotency-key": ""}}, 400, "usage"),
    ],
)
async def test_octets_that_are_no_request_are_refused(tmp_path, request_, status, code):
    async with web(tmp_path) as here:
        answer = await here.send("/doses", **request_)
        assert (answer.status_code, answer.json()["error"]["code"]) == (status, code)
        assert here.device.doses == {}


@virtual
@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("/v1/rigs/chair-9", 404, "not_found"),
        ("/v1/rigs/chair-1/commands/ffff", 404, "not_found"),
        ("/v1/nothing", 404, "not_found"),
        ("/v1/rigs/chair-1/stop", 405, "method"),
        ("/v1/events?rig=chair-9", 404, "not_found"),
    ],
)
async def test_what_is_not_there_is_told(tmp_path, path, status, code):
    async with web(tmp_path) as here:
        assert (await here.get(path, status))["error"]["code"] == code


@virtual
async def test_who_cannot_be_named_does_nothing(tmp_path):
    def nobody(_request):
        raise RigError("not_identified", "Nobody says who asks.", "Say it.")

    async with web(tmp_path, identify=nobody) as here:
        for path in ("/doses", "/stop", *(f"/{what}" for what in SPECS)):
            body = {"doses": DOSE, "quiet": {"duration_s": 1}, "resolve": {"dose_id": "00" * 8, "person": "R"}}
            answer = await here.send(path, json=body.get(path[1:], {}))
            assert answer.status_code == 401
        assert (here.device.doses, here.device.stop_frames) == ({}, 0)


@pytest.mark.req("LINK-4")
@virtual
async def test_to_a_rig_that_cannot_be_reached_nothing_is_accepted_and_it_says_why(tmp_path):
    async with web(tmp_path) as here:
        here.clinic.line.cut()
        here.clinic.line.refuse = TransportError("unplugged", "The line was cut.", "Plug it in.")
        await here.clinic.until(lambda: here.rig.view()["state"] == "unreachable")
        error = (await here.post("/doses", DOSE, 503))["error"]
        assert "cut" in error["what"]
        assert (await here.get(f"{RIG}/commands"))["commands"] == []
