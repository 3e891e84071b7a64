"""The description is true: every address is in it, and whatever is sent is answered as it says."""

import asyncio
import socket
import threading
from collections.abc import Iterator
from types import SimpleNamespace

import httpx
import pytest
import schemathesis
import uvicorn
from hypothesis import HealthCheck, given, settings
from schemathesis import GenerationMode
from schemathesis.core import NOT_SET
from schemathesis.specs.openapi.checks import positive_data_acceptance

from host.web.api import Api
from tests.host.service.clinic import clinic

START_S = 60


class Background:
    """A service with one fake rig behind a TCP port of this machine, in a loop and thread of its own."""

    def __init__(self, folder) -> None:
        self._folder = folder
        self._ready = threading.Event()
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listening.getsockname()[1]}"
        self.thread = threading.Thread(target=lambda: asyncio.run(self._run()), name="clinic")

    def start(self) -> None:
        self.thread.start()
        assert self._ready.wait(START_S)

    def done(self) -> tuple[int, int]:
        """Return how many commands were accepted and stop frames arrived so far."""
        return len(self.clinic.rig.book.recent(1 << 20)), self.clinic.device.stop_frames

    def end(self) -> None:
        self._server.should_exit = True
        self.thread.join(START_S)

    async def _run(self) -> None:
        async with clinic(self._folder, "chair-1") as self.clinic:
            self.api = Api(self.clinic.service, lambda _: "fuzz")
            self._server = uvicorn.Server(uvicorn.Config(self.api.application(), log_config=None, lifespan="off"))
            self._ready.set()
            await self._server.serve(sockets=[self._listening])


@pytest.fixture(scope="module")
def background(tmp_path_factory) -> Iterator[Background]:
    background = Background(tmp_path_factory.mktemp("clinic"))
    background.start()
    yield background
    background.end()


@pytest.fixture(scope="module")
def api_schema(background):
    return schemathesis.openapi.from_url(f"{background.url}/v1/openapi.json")


# The routes are declared: no service that runs is needed to name them.
DECLARED = Api(SimpleNamespace(rigs={"chair-1": None}), lambda _: "").routes
OPERATIONS = [(route.method, route.path) for route in DECLARED if route.name != "watch"]
WITH_BODY = [(route.method, route.path) for route in DECLARED if route.body is not None]
FUZZ = settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck))


def test_every_address_is_described_and_nothing_else(background):
    description = httpx.get(f"{background.url}/v1/openapi.json").json()
    described = {(method.upper(), path) for path, ways in description["paths"].items() for method in ways}
    assert described == {(route.method, route.path) for route in background.api.routes}
    names = [way["operationId"] for ways in description["paths"].values() for way in ways.values()]
    assert len(names) == len(set(names))


@pytest.mark.req("SEC-5")
@pytest.mark.parametrize(("method", "path"), OPERATIONS)
def test_whatever_the_description_allows_is_answered_as_it_says(background, api_schema, method, path):
    statuses = set()

    @given(case=api_schema[path][method].as_strategy(generation_mode=GenerationMode.POSITIVE))
    @FUZZ
    def answered_as_described(case):
        # Which kind comes from which channel, and what pieces leave of a volume, no schema says.
        across_fields = [positive_data_acceptance] if path.endswith("/doses") else []
        answer = case.call_and_validate(excluded_checks=across_fields)
        statuses.add(answer.status_code)

    answered_as_described()
    assert statuses & {200, 202} or "{command}" in path
    assert all(status < 500 for status in statuses)


@pytest.mark.req("SEC-5")
@pytest.mark.parametrize(("method", "path"), WITH_BODY)
def test_what_the_description_does_not_allow_is_refused_and_changes_nothing(background, api_schema, method, path):
    @given(case=api_schema[path][method].as_strategy(generation_mode=GenerationMode.NEGATIVE))
    @FUZZ
    def refused(case):
        before = background.done()
        answer = case.call_and_validate()
        if case.body is not NOT_SET:
            assert 400 <= answer.status_code < 500
            assert background.done() == before

    refused()
