"""The API of the service: states, commands and their ends, events. A stop waits for nothing that is under way."""

from collections.abc import Callable
from typing import Any, Final, Literal

import msgspec
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route as StarletteRoute

from host.errors import RigError, UsageError
from host.service.commands import MAX_KEY, Command
from host.service.service import Service
from host.service.supervisor import RigSupervisor
from host.service.works import SPECS, DoseBody, Spec, check_dose_body, give_dose
from host.web.answers import error_answer, json_answer, read_body
from host.web.events import CONTENT_TYPE, event_stream
from host.web.openapi import description
from host.web.routes import Parameter, Route
from protocol import codes

MAX_LISTED: Final = 200
MAX_WAIT_S: Final = 60
_CAUSES: Final = {
    "operator": codes.CAUSE_OPERATOR,
    "clinician": codes.CAUSE_CLINICIAN,
    "consent": codes.CAUSE_CONSENT,
}
KEY: Final = Parameter(
    "Idempotency-Key",
    "header",
    "Names this command: a repeated request with the same key starts nothing, it shows the same command.",
    {"type": "string", "minLength": 1, "maxLength": MAX_KEY, "pattern": "^[!-~]+$"},
)
COMMAND: Final = Parameter("command", "path", "Id of the command.", {"type": "string", "pattern": "^[0-9a-f]{16}$"})


WAIT: Final = Parameter(
    "wait_s",
    "query",
    "Answer when it has ended, or after so many seconds.",
    {"type": "integer", "minimum": 0, "maximum": MAX_WAIT_S},
)


class StopBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Why: an operator's stop is cleared by a person at the rig, the others by a clinician, too."""

    cause: Literal["operator", "clinician", "consent"] = "operator"


class Api:
    """The handlers of one service; ``identify`` tells who asks, or raises ``RigError``."""

    def __init__(self, service: Service, identify: Callable[[Request], str]) -> None:
        self._service = service
        self._identify = identify
        self.routes = self._routes()
        self._description = msgspec.json.encode(description(self.routes))

    def application(self) -> Starlette:
        """Return the application that a server runs."""
        routes = [StarletteRoute(route.path, _guarded(route), methods=[route.method]) for route in self.routes]
        return Starlette(routes=routes, exception_handlers={HTTPException: _http_error})

    # Questions.

    async def _rigs(self, _request: Request) -> Response:
        return json_answer({"rigs": [rig.view() for rig in self._service.rigs.values()]})

    async def _rig(self, request: Request) -> Response:
        return json_answer(self._named(request).view())

    async def _commands(self, request: Request) -> Response:
        recent = self._named(request).book.recent(MAX_LISTED)
        return json_answer({"commands": [command.as_dict() for command in recent]})

    async def _command(self, request: Request) -> Response:
        command_id = request.path_params["command"]
        wait_s = _wait_s(request)
        supervisor = self._named(request)
        await supervisor.until_ended(command_id, wait_s)
        return json_answer(supervisor.command(command_id).as_dict())

    async def _events(self, request: Request) -> Response:
        rig = request.query_params.get("rig")
        if rig is not None:
            self._service.rig(rig)
        if self._service.hub.full:
            raise RigError("too_many", "There are as many watchers as may be.", "End one, then try again.")
        after = request.headers.get("last-event-id") or request.query_params.get("after")
        readings = request.query_params.get("telemetry") == "1"
        return event_stream(self._service.hub, rig=rig, readings=readings, after=after)

    async def _openapi(self, _request: Request) -> Response:
        return Response(self._description, media_type="application/json")

    # Commands.

    async def _stop(self, request: Request) -> Response:
        body = await read_body(request, StopBody)
        report = await self._named(request).stop(_CAUSES[body.cause], self._identify(request))
        return json_answer({"confirmed": True, "report": report.as_dict()})

    async def _dose(self, request: Request) -> Response:
        supervisor = self._named(request)
        body = await read_body(request, DoseBody)
        check_dose_body(body)
        operator = self._identify(request)
        key = _key(request)
        dose_id = supervisor.new_dose_id(body.kind, key)
        command = await supervisor.begin(
            "dose",
            msgspec.to_builtins(body),
            lambda rig: give_dose(rig, body, dose_id, operator),
            operator=operator,
            key=key,
            dose_id=dose_id,
        )
        return _accepted(command)

    def _act(self, spec: Spec[Any]) -> Any:
        async def act(request: Request) -> Response:
            supervisor = self._named(request)
            body = await read_body(request, spec.body)
            spec.check(body)
            command = await supervisor.begin(
                spec.what,
                msgspec.to_builtins(body),
                lambda rig: spec.work(rig, body, supervisor.tell_person),
                operator=self._identify(request),
                key=_key(request),
            )
            return _accepted(command)

        return act

    def _named(self, request: Request) -> RigSupervisor:
        return self._service.rig(request.path_params["rig"])

    def _routes(self) -> tuple[Route, ...]:
        names = {"type": "string", "enum": list(self._service.rigs)}
        named = Parameter("rig", "path", "Name of the rig.", names)
        watched = (
            Parameter("rig", "query", "Only this rig.", names),
            Parameter("telemetry", "query", "1: the newest telemetry, too.", {"type": "string", "enum": ["0", "1"]}),
            Parameter("after", "query", "The id of the last event that was seen.", {"type": "string"}),
            Parameter("Last-Event-ID", "header", "The same, as libraries send it.", {"type": "string"}),
        )
        rig, one = "/v1/rigs/{rig}", "The rig's state, with the age of every reading."
        accepted = {202: "Accepted, with its id; its end comes as an event and is shown under the id."}
        questions = (
            Route("GET", "/v1/openapi.json", "describe", "This description.", self._openapi, {200: "OpenAPI 3.1."}),
            Route("GET", "/v1/rigs", "list_rigs", "The state of every rig.", self._rigs, {200: "All rigs."}),
            Route("GET", rig, "show_rig", "The state of one rig.", self._rig, {200: one}, None, (named,)),
            Route(
                "GET",
                f"{rig}/commands",
                "list_commands",
                f"The last {MAX_LISTED} commands, newest first.",
                self._commands,
                {200: "Commands."},
                None,
                (named,),
            ),
            Route(
                "GET",
                f"{rig}/commands/{{command}}",
                "show_command",
                "One command, and how it ended.",
                self._command,
                {200: "The command."},
                None,
                (named, COMMAND, WAIT),
            ),
            Route(
                "GET",
                "/v1/events",
                "watch",
                "What happens, as server-sent events.",
                self._events,
                {200: "Events; `gap` says that some were missed."},
                None,
                watched,
                CONTENT_TYPE,
            ),
        )
        stop = Route(
            "POST",
            f"{rig}/stop",
            "stop",
            "Stop at once; answered when the latched stop was seen.",
            self._stop,
            {200: "The latched stop was seen.", 504: "It was NOT seen: press the emergency stop at the rig."},
            StopBody,
            (named,),
        )
        dose = Route("POST", f"{rig}/doses", "dose", "Give one dose.", self._dose, accepted, DoseBody, (named, KEY))
        acts = tuple(
            Route(
                "POST",
                f"{rig}/{spec.what}",
                spec.what.replace("-", "_"),
                spec.summary,
                self._act(spec),
                accepted,
                spec.body,
                (named, KEY),
            )
            for spec in SPECS.values()
        )
        return (*questions, stop, dose, *acts)


def _guarded(route: Route) -> Any:
    async def handle(request: Request) -> Response:
        try:
            return await route.handler(request)
        except RigError as error:
            return error_answer(error)

    return handle


async def _http_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    if error.status_code == 405:
        told = RigError("method", f"{request.method} is not taken here.", "See the description of the API.")
        answer = error_answer(told)
        answer.headers.update(error.headers or {})
        return answer
    return error_answer(RigError("not_found", "There is nothing at this address.", "See /v1/openapi.json."))


def _accepted(command: Command) -> Response:
    place = f"/v1/rigs/{command.rig}/commands/{command.id}"
    return json_answer(command.as_dict(), 202, {"location": place})


def _wait_s(request: Request) -> int:
    told = request.query_params.get("wait_s", "0")
    if not (told.isascii() and told.isdecimal() and len(told) <= 3 and int(told) <= MAX_WAIT_S):
        raise UsageError(f"wait_s is {told!r}.", f"It is a whole number of seconds, 0 to {MAX_WAIT_S}.")
    return int(told)


def _key(request: Request) -> str | None:
    key = request.headers.get("idempotency-key")
    if key is not None and not (0 < len(key) <= MAX_KEY and key.isascii() and key.isprintable() and " " not in key):
        raise UsageError(
            "The Idempotency-Key is not usable.", f"1 to {MAX_KEY} printable ASCII characters without spaces."
        )
    return key
