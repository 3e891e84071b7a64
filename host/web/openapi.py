"""The OpenAPI 3.1 description, made from the declared routes and the types of their bodies."""

from collections.abc import Iterable
from importlib.metadata import version
from typing import Any, Final

import msgspec

from host.web.routes import Parameter, Route

_ERRORS: Final = {
    "400": "The request makes no sense; nothing was done.",
    "404": "There is no such thing.",
    "409": "Refused by a limit, an interlock or the state; nothing was done.",
    "413": "The body is too large.",
    "415": "The body is not JSON.",
    "429": "Too many at once.",
    "503": "The rig or its ledger cannot be reached now; nothing was done.",
}
_ERROR: Final = {
    "type": "object",
    "required": ["error"],
    "properties": {
        "error": {
            "type": "object",
            "required": ["code", "what", "todo"],
            "properties": {
                "code": {"type": "string", "description": "for programs"},
                "what": {"type": "string", "description": "what is wrong"},
                "todo": {"type": "string", "description": "what to do"},
                "reason": {"type": ["string", "null"], "description": "the rig's reason, where it refused"},
                "nearest": {
                    "type": ["integer", "null"],
                    "description": "the nearest allowed value, if any",
                },
            },
        }
    },
}


def description(routes: Iterable[Route]) -> dict[str, Any]:
    """Return the whole description."""
    listed = list(routes)
    bodies = [route.body for route in listed if route.body is not None]
    _, schemas = msgspec.json.schema_components(bodies, ref_template="#/components/schemas/{name}")
    paths: dict[str, dict[str, Any]] = {}
    for route in listed:
        paths.setdefault(route.path, {})[route.method.lower()] = _operation(route)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "nanorig",
            "version": version("nanorig"),
            "description": "Many rigs, one service. Volumes are nL, rates nL/s, times ms or s as named. "
            "A command is answered with 202 and its id when it is durable, and has exactly one end.",
        },
        "paths": paths,
        "components": {"schemas": {**schemas, "Error": _ERROR}},
    }


def _operation(route: Route) -> dict[str, Any]:
    answers: dict[str, Any] = {
        str(status): {"description": text, "content": {route.media_type: {"schema": {}}}}
        for status, text in route.answers.items()
    }
    for status, text in _ERRORS.items():
        answers.setdefault(status, _error(text))
    if "504" in answers:
        answers["504"] = _error(answers["504"]["description"])
    operation: dict[str, Any] = {
        "operationId": route.name,
        "summary": route.summary,
        "responses": answers,
    }
    if route.parameters:
        operation["parameters"] = [_parameter(parameter) for parameter in route.parameters]
    if route.body is not None:
        schema = {"$ref": f"#/components/schemas/{route.body.__name__}"}
        required = any(field.required for field in msgspec.structs.fields(route.body))
        operation["requestBody"] = {"required": required, "content": {"application/json": {"schema": schema}}}
    return operation


def _error(text: str) -> dict[str, Any]:
    return {"description": text, "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}}}


def _parameter(parameter: Parameter) -> dict[str, Any]:
    return {
        "name": parameter.name,
        "in": parameter.place,
        "description": parameter.summary,
        "required": parameter.place == "path",
        "schema": parameter.schema,
    }
