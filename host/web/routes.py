"""Every address of the API, declared once: the application and its OpenAPI description are made from this."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

import msgspec
from starlette.requests import Request
from starlette.responses import Response

Handler = Callable[[Request], Awaitable[Response]]


@dataclass(frozen=True, slots=True)
class Parameter:
    """A parameter in query or header; ``schema`` as in JSON Schema."""

    name: str
    place: str
    summary: str
    schema: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Route:
    """One address: what it does, what it takes and which answers it may give.

    ``answers`` has, by status, what the answer is; every route may also give an error.
    """

    method: str
    path: str
    name: str
    summary: str
    handler: Handler
    answers: dict[int, str]
    body: type[msgspec.Struct] | None = None
    parameters: tuple[Parameter, ...] = ()
    media_type: str = "application/json"
