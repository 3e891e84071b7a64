"""Checks what is asked before it leaves, and turns answers into values or clear errors."""

from typing import Final

from host.errors import RigError, UsageError
from host.link.messages import Message
from host.records import DoseReport
from protocol import codes, typed

# A syringe holds 1 mL; the device's own ceilings are tighter and say the nearest allowed value.
MIN_VOLUME_NL: Final = 1
MAX_VOLUME_NL: Final = 1_000_000
MIN_RATE_NL_S: Final = 1
MAX_RATE_NL_S: Final = 1_000_000
_CHANNELS: Final = dict(codes.CHANNELS)
_NEAREST_UNITS: Final = {
    codes.REASON_VOLUME_LOW: "nL",
    codes.REASON_VOLUME_HIGH: "nL",
    codes.REASON_TOTAL_HIGH: "nL",
    codes.REASON_RATE_LOW: "nL/s",
    codes.REASON_RATE_HIGH: "nL/s",
    codes.REASON_EXPIRY_TOO_FAR: "ms",
}


def check_dose(volume_nl: int, rate_nl_s: int, channel: str) -> int:
    """Return the channel's number. Raises ``UsageError`` that names the bound which a number breaks."""
    check_number("volume", volume_nl, "nL", MIN_VOLUME_NL, MAX_VOLUME_NL)
    check_number("rate", rate_nl_s, "nL/s", MIN_RATE_NL_S, MAX_RATE_NL_S)
    if channel not in _CHANNELS:
        raise UsageError(f"There is no channel {channel!r}.", f"Channels: {', '.join(_CHANNELS)}.")
    return _CHANNELS[channel]


def check_number(name: str, value: int, unit: str, least: int, most: int) -> None:
    """Raise ``UsageError`` unless the value is a whole number within its bounds."""
    if isinstance(value, bool) or not isinstance(value, int):
        raise UsageError(f"The {name} is {value!r}, not a whole number of {unit}.", f"Give a whole number of {unit}.")
    if not least <= value <= most:
        raise UsageError(f"The {name} of {value} {unit} is out of bounds.", f"Allowed: {least} to {most} {unit}.")


def told_dose(answer: Message, asked: str) -> DoseReport:
    """Return the report in the answer to a request about a dose. Raises ``RigError`` when it was refused."""
    if isinstance(answer, typed.DoseState):
        if answer.reason and answer.state != codes.DOSE_REFUSED:
            raise refusal(asked, answer.reason, answer.nearest)
        return DoseReport.from_message(answer)
    raise _other(answer, asked)


def told_status(answer: Message, asked: str) -> typed.Status:
    """Return the status in the answer. Raises ``RigError`` when the request was refused."""
    if isinstance(answer, typed.Status):
        if answer.reason:
            raise refusal(asked, answer.reason, 0)
        return answer
    raise _other(answer, asked)


def refusal(asked: str, reason: int, nearest: int) -> RigError:
    """Return the error for a request that the device refused, with the nearest allowed value where there is one."""
    what, todo = reason_text(reason, nearest)
    return RigError("refused", f"The rig refused {asked}: {what}.", todo)


def reason_text(reason: int, nearest: int) -> tuple[str, str]:
    """Return why in words, and what to do."""
    from protocol.texts import REASONS  # noqa: PLC0415  words are needed only when something is wrong

    text = REASONS.get(reason)
    what, todo = (text.what, text.todo) if text is not None else (f"reason {reason}", "")
    if nearest:
        todo = f"{todo} The nearest allowed value is {nearest} {_NEAREST_UNITS.get(reason, '')}".rstrip() + "."
    return what, todo.strip()


def _other(answer: Message, asked: str) -> RigError:
    if isinstance(answer, typed.Refused):
        return refusal(asked, answer.reason, 0)
    return RigError(
        "internal", f"The rig answered {asked} with {type(answer).__name__}.", "This is a defect: report it."
    )
