"""What requests are answered with: one JSON object, or one error that says what is wrong and what to do."""

from typing import Any, Final, TypeVar

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from host.errors import EXIT_REFUSED, EXIT_USAGE, RigError
from host.service.views import error_object

Body = TypeVar("Body", bound=msgspec.Struct)

MAX_BODY_OCTETS: Final = 16_384
JSON_TYPE: Final = "application/json"
_STATUS: Final = {
    "not_identified": 401,
    "not_found": 404,
    "method": 405,
    "too_large": 413,
    "body_type": 415,
    "too_many": 429,
    "stop_not_confirmed": 504,
}
REFUSED: Final = 409
BAD_REQUEST: Final = 400
UNAVAILABLE: Final = 503


def json_answer(value: dict[str, Any], status: int = 200, headers: dict[str, str] | None = None) -> Response:
    """Return an object as the answer."""
    return Response(msgspec.json.encode(value), status, {"cache-control": "no-store", **(headers or {})}, JSON_TYPE)


def error_answer(error: RigError) -> Response:
    """Return an error as the answer; nothing was done."""
    return json_answer({"error": error_object(error)}, status_of(error))


def status_of(error: RigError) -> int:
    """Return the HTTP status of an error."""
    if error.code in _STATUS:
        return _STATUS[error.code]
    if error.code.startswith("ledger_"):
        return UNAVAILABLE
    return {EXIT_USAGE: BAD_REQUEST, EXIT_REFUSED: REFUSED}.get(error.exit_code, UNAVAILABLE)


async def read_body(request: Request, kind: type[Body]) -> Body:
    """Return the body of a request; none is an empty object. Raises ``RigError`` that names what is wrong with it."""
    octets = b""
    async for part in request.stream():
        octets += part
        if len(octets) > MAX_BODY_OCTETS:
            raise RigError("too_large", f"The body has more than {MAX_BODY_OCTETS} octets.", "Send less.")
    told = request.headers.get("content-type", JSON_TYPE).partition(";")[0].strip().lower()
    if octets and told != JSON_TYPE:
        raise RigError("body_type", f"The body is {told!r}.", f"Send {JSON_TYPE}.")
    try:
        return msgspec.convert(_with_whole_numbers(msgspec.json.decode(octets or b"{}")), kind, strict=True)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise RigError("body", f"The body cannot be taken: {error}.", "See the description of the API.") from error


def _with_whole_numbers(value: Any) -> Any:
    """Make 93.0 the integer that it is in JSON; what is no whole number stays, and is refused by its type."""
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, dict):
        return {key: _with_whole_numbers(item) for key, item in value.items()}
    return [_with_whole_numbers(item) for item in value] if isinstance(value, list) else value
