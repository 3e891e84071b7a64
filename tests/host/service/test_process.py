"""The real process of the service, a device behind a pseudo terminal, programs on the unix socket."""

import json
import os
import pwd
import signal
import socket
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import httpx
import pytest

from host.ledger_verify import read_rows, verify

START_S = 60
END_S = 60


class Process:
    """``rig serve`` as a clinic runs it."""

    def __init__(self, folder: Path, port: str) -> None:
        self.socket = folder / "state" / "service.sock"
        self.ledger = folder / "state" / "rigs" / "chair-1" / "ledger.sqlite3"
        self.config = folder / "rig.toml"
        self.config.write_text(
            f'[service]\nstate_folder = "{folder / "state"}"\n[[rig]]\nname = "chair-1"\nport = "{port}"\n'
        )
        self.client = httpx.Client(
            transport=httpx.HTTPTransport(uds=str(self.socket)), base_url="http://rig", timeout=30
        )
        self.start()

    def start(self) -> None:
        command = [sys.executable, "-m", "host", "serve", "--config", str(self.config), "--json"]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert json.loads(line)["socket"] == str(self.socket)

    def kill(self) -> None:
        self.process.kill()
        self._over()

    def end(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        return self._over()

    def _over(self) -> int:
        code = self.process.wait(END_S)
        assert self.process.stdout is not None
        self.process.stdout.close()
        return code

    def close(self) -> None:
        self.client.close()
        with suppress(ProcessLookupError):
            self.process.kill()
        self._over()

    def get(self, path: str) -> dict:
        return self.client.get(f"/v1/rigs/chair-1{path}").json()

    def post(self, path: str, body: dict | None = None, **headers: str) -> dict:
        return self.client.post(f"/v1/rigs/chair-1{path}", json=body or {}, headers=headers).json()

    def until(self, condition) -> None:
        end_s = time.monotonic() + START_S
        while not condition():
            assert time.monotonic() < end_s, self.get("")
            time.sleep(0.02)

    def ready(self) -> None:
        self.until(lambda: self.get("")["ready"])

    def ended(self, command_id: str) -> dict:
        self.until(lambda: self.get(f"/commands/{command_id}").get("end"))
        return self.get(f"/commands/{command_id}")["end"]

    def rows(self, *kinds: str) -> list[dict]:
        return [fields for _, fields in read_rows(self.ledger) if fields["kind"] in kinds]


@pytest.fixture
def service(tmp_path, port_device) -> Iterator[Process]:
    process = Process(tmp_path, port_device().port)
    try:
        process.ready()
        yield process
    finally:
        process.close()


@contextmanager
def events(service: Process, **headers: str) -> Iterator[Iterator[dict]]:
    """Yield what the event stream tells: id, event, data."""
    with service.client.stream("GET", "/v1/events", headers=headers) as answer:
        assert answer.headers["content-type"].startswith("text/event-stream")
        yield _parsed(answer.iter_lines())


def _parsed(lines: Iterator[str]) -> Iterator[dict]:
    told: dict[str, str] = {}
    for line in lines:
        if line.startswith(":"):
            continue
        if line:
            key, _, value = line.partition(": ")
            told[key] = value
        elif told:
            yield {**told, "data": json.loads(told["data"])}
            told = {}


@pytest.mark.req("LEDGER-3")
def test_a_program_doses_over_the_socket_and_hears_of_every_step_as_an_event(service):
    with events(service) as told:
        accepted = service.post("/doses", {"volume_nl": 2_000, "rate_nl_s": 2_000})
        seen = []
        for event in told:
            seen.append(event)
            if event["event"] == "command" and event["data"]["state"] == "ended":
                break
    assert seen[-1]["data"]["end"]["outcome"] == "delivered"
    assert [event["data"]["dose_state"] for event in seen if event["event"] == "dose"][-1] == "delivered"
    with events(service, **{"last-event-id": seen[0]["id"]}) as told:
        again = [next(told) for _ in seen[1:]]
    assert again == seen[1:]
    assert service.ended(accepted["id"])["outcome"] == "delivered"


@pytest.mark.req("SEC-1")
def test_the_socket_is_open_to_its_owner_only_and_names_who_asked(service):
    assert stat.S_IMODE(service.socket.stat().st_mode) == 0o600
    accepted = service.post("/pause")
    assert accepted["operator"] == _user()


def _user() -> str:
    return pwd.getpwuid(os.getuid()).pw_name


@pytest.mark.req("LEDGER-5")
def test_a_service_killed_in_mid_dose_tells_the_one_end_of_it_after_its_restart(service):
    accepted = service.post("/doses", {"volume_nl": 8_000, "rate_nl_s": 2_000}, **{"idempotency-key": "one"})
    service.until(lambda: service.get("")["telemetry"]["emitted_nl"] > 500)
    service.kill()
    service.start()
    # Who does not know whether it was heard asks again with the same key, until there is an answer.
    again = {"volume_nl": 8_000, "rate_nl_s": 2_000}
    service.until(lambda: service.post("/doses", again, **{"idempotency-key": "one"}).get("id") == accepted["id"])
    service.until(lambda: service.get("")["link"]["state"] == "connected" and service.get("")["telemetry"])
    if service.get("")["telemetry"]["dose_state"] == "paused":
        service.post("/resume")
    assert service.ended(accepted["id"])["outcome"] == "delivered"
    assert service.end() == 0
    assert len(service.rows("intent")) == len(service.rows("outcome")) == 1
    assert verify(service.ledger).verified


def test_a_service_that_ends_gives_socket_ledger_and_port_back(service):
    assert service.end() == 0
    assert not service.socket.exists()
    service.start()
    service.ready()


def test_a_second_service_does_not_take_the_first_ones_socket(service):
    command = [sys.executable, "-m", "host", "serve", "--config", str(service.config), "--json"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=END_S, check=False)
    assert json.loads(done.stdout)["error"]["code"] == "no_service"
    assert service.get("")["ready"]


def test_what_lies_in_the_place_of_the_socket_is_not_removed(tmp_path):
    place = tmp_path / "state" / "service.sock"
    place.parent.mkdir()
    place.write_text("a file")
    config = tmp_path / "rig.toml"
    config.write_text(f'[service]\nstate_folder = "{place.parent}"\n[[rig]]\nname = "a"\nport = "/dev/none"\n')
    done = subprocess.run(
        [sys.executable, "-m", "host", "serve", "--config", str(config), "--json"],
        capture_output=True,
        text=True,
        timeout=END_S,
        check=False,
    )
    assert "is not a socket" in json.loads(done.stdout)["error"]["what"]
    assert place.read_text() == "a file"


def test_the_socket_of_a_service_that_was_killed_is_taken_over(service):
    service.kill()
    with socket.socket(socket.AF_UNIX) as trial, pytest.raises(ConnectionRefusedError):
        trial.connect(str(service.socket))
    service.start()
    service.ready()
