"""The client of ``rig serve``: what programs on this machine import to use rigs that the service keeps.

``async with ServiceClient.at("/run/nanorig/service.sock") as service: end = await service.rig("chair-1").dose(...)``.
A request that was not answered is repeated with its own key, so a command is carried out once, whatever is lost.
"""

import asyncio
import os
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

import httpx
import msgspec

from host.errors import EXIT_CODES, RigError

KEY_OCTETS: Final = 16
WAIT_S: Final = 30
"""How long one question about a command waits for its end."""

PATIENCE_S: Final = 60.0
"""How long a service that does not answer is asked again: it may be starting anew."""

AGAIN_S: Final = 0.2
STOP_PATIENCE_S: Final = 5.0
_TIMEOUT: Final = httpx.Timeout(WAIT_S + 10.0, connect=5.0)
# Of an event stream only the keep-alive lines are sure to come, every 10 s.
_STREAM_TIMEOUT: Final = httpx.Timeout(30.0, connect=5.0)


@dataclass(frozen=True, slots=True)
class ServiceEvent:
    """One thing that happened; ``id`` is where to resume, empty for a reading."""

    id: str
    kind: str
    data: dict[str, Any]


class ServiceClient:
    """A connection to the service. All methods raise ``RigError``: ``no_service``, or what the service says."""

    def __init__(self, http: httpx.AsyncClient, place: str) -> None:
        self._http = http
        self._place = place

    @classmethod
    def at(cls, socket: Path | str) -> Self:
        """Return the client of the service at a unix socket."""
        transport = httpx.AsyncHTTPTransport(uds=str(socket))
        return cls(httpx.AsyncClient(transport=transport, base_url="http://rig", timeout=_TIMEOUT), str(socket))

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Give the connection back; idempotent."""
        await self._http.aclose()

    async def rigs(self) -> list[dict[str, Any]]:
        """Return the state of every rig, with ages and sources."""
        found: list[dict[str, Any]] = (await self.ask("GET", "/v1/rigs"))["rigs"]
        return found

    def rig(self, name: str) -> "RemoteRig":
        """Return the rig of this name; whether there is one shows when it is used."""
        return RemoteRig(self, name)

    async def ask(
        self,
        method: str,
        path: str,
        body: dict[str, Any] | None = None,
        *,
        key: str | None = None,
        patience_s: float = PATIENCE_S,
    ) -> dict[str, Any]:
        """Send a request and return its answer; repeat it while the service cannot be reached, for so long."""
        loop = asyncio.get_running_loop()
        end_s = loop.time() + patience_s
        headers = {"idempotency-key": key} if key is not None else {}
        while True:
            try:
                answer = await self._http.request(method, path, json=body, headers=headers)
            except httpx.TransportError as error:
                if loop.time() > end_s:
                    raise self._gone(error) from error
                await asyncio.sleep(AGAIN_S)
                continue
            return _told(answer)

    async def events(
        self, *, rig: str | None = None, telemetry: bool = False, after: str | None = None
    ) -> AsyncIterator[ServiceEvent]:
        """Yield what happens from now on, or after the event of this id; ends with the service. See host/README.md."""
        wanted = {"rig": rig, "after": after, "telemetry": "1" if telemetry else None}
        params = {name: value for name, value in wanted.items() if value is not None}
        try:
            async with self._http.stream("GET", "/v1/events", params=params, timeout=_STREAM_TIMEOUT) as answer:
                if answer.is_error:
                    await answer.aread()
                    _told(answer)
                async for event in _events(answer.aiter_lines()):
                    yield event
        except httpx.TransportError as error:
            raise self._gone(error) from error

    def _gone(self, error: Exception) -> RigError:
        return RigError(
            "no_service",
            f"No service answers at {self._place} ({str(error) or type(error).__name__}).",
            "Start it: rig serve --config rig.toml. To stop a rig all the same: rig stop --port PORT.",
        )


class RemoteRig:
    """One rig of the service. A command returns its end: ``outcome``, ``result``, ``error``; see host/README.md."""

    def __init__(self, service: ServiceClient, name: str) -> None:
        self._service = service
        self._path = f"/v1/rigs/{name}"
        self.name = name

    async def state(self) -> dict[str, Any]:
        """Return the state, with ages and sources; what is old never reads as ready."""
        return await self._service.ask("GET", self._path)

    async def stop(self, cause: str = "operator") -> dict[str, Any]:
        """Stop the rig; returns what was seen of it. Raises ``stop_not_confirmed``: press the emergency stop."""
        told = await self._service.ask("POST", f"{self._path}/stop", {"cause": cause}, patience_s=STOP_PATIENCE_S)
        report: dict[str, Any] = told["report"]
        return report

    async def order(
        self, volume_nl: int, rate_nl_s: int, channel: str = "flush", *, key: str | None = None, **fields: Any
    ) -> dict[str, Any]:
        """Have a dose accepted; returns its command at once. ``fields`` as in the API: kind, lot, further, ..."""
        body = {"volume_nl": volume_nl, "rate_nl_s": rate_nl_s, "channel": channel, **fields}
        return await self._begin("doses", body, key)

    async def dose(self, volume_nl: int, rate_nl_s: int, channel: str = "flush", **fields: Any) -> dict[str, Any]:
        """Give a dose and return its end. Cancelling the call stops nothing: the service watches the dose."""
        return await self.ended(await self.order(volume_nl, rate_nl_s, channel, **fields))

    async def act(self, what: str, *, key: str | None = None, **body: Any) -> dict[str, Any]:
        """Have a person's act carried out (pause, resume, clear, acknowledge, ...) and return its end."""
        return await self.ended(await self._begin(what, body, key))

    async def ended(self, command: dict[str, Any]) -> dict[str, Any]:
        """Wait for the one end of a command and return it; a service that starts anew meanwhile is waited for."""
        while command["end"] is None:
            path = f"{self._path}/commands/{command['id']}?wait_s={WAIT_S}"
            try:
                command = await self._service.ask("GET", path)
            except RigError as error:
                if error.code != "ledger_closed":
                    raise
                await asyncio.sleep(AGAIN_S)
        end: dict[str, Any] = command["end"]
        return end

    async def _begin(self, what: str, body: dict[str, Any], key: str | None) -> dict[str, Any]:
        own = key if key is not None else os.urandom(KEY_OCTETS).hex()
        return await self._service.ask("POST", f"{self._path}/{what}", body, key=own)


def _told(answer: httpx.Response) -> dict[str, Any]:
    """Return the object of an answer. Raises the error that it tells."""
    try:
        told = msgspec.json.decode(answer.content, type=dict[str, Any])
    except msgspec.DecodeError as defect:
        raise RigError(
            "internal", f"The service answered {answer.status_code} without sense.", "Report it."
        ) from defect
    if not answer.is_error:
        return told
    error: dict[str, Any] = told.get("error") or {}
    code = error.get("code")
    raise RigError(
        code if code in EXIT_CODES else "internal",
        str(error.get("what")),
        str(error.get("todo")),
        reason=error.get("reason") or "",
        nearest=error.get("nearest") or 0,
    )


async def _events(lines: AsyncIterator[str]) -> AsyncIterator[ServiceEvent]:
    fields: dict[str, str] = {}
    async for line in lines:
        if line:
            name, _, value = line.partition(": ")
            fields[name] = value
        elif "data" in fields:
            yield ServiceEvent(fields.get("id", ""), fields.get("event", ""), msgspec.json.decode(fields["data"]))
            fields = {}
