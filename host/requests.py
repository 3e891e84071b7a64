"""Checks what is asked before it leaves, and turns answers into values or clear errors."""

from typing import Final

from host.errors import RigError, UsageError
from host.link.messages import Message
from host.profiles import MAX_FURTHER, Profile
from host.records import DoseReport, name_of
from host.reports import Acknowledged, MessageT
from protocol import codes, messages, typed

# A syringe holds 1 mL; the device's own ceilings are tighter and say the nearest allowed value.
MIN_VOLUME_NL: Final = 1
MAX_VOLUME_NL: Final = 1_000_000
MIN_RATE_NL_S: Final = 1
MAX_RATE_NL_S: Final = 1_000_000
MAX_PIECE_RATE_NL_S: Final = 0xFFFF  # two octets on the wire
ID_OCTETS: Final = 8
_CHANNELS: Final = dict(codes.CHANNELS)
_KINDS: Final = dict(codes.KINDS)
# Channels from which each kind may be asked for; the others from all.
_KIND_CHANNELS: Final = {
    codes.KIND_SCREENING: frozenset({codes.CHANNEL_AGENT}),
    codes.KIND_RESCUE: frozenset({codes.CHANNEL_COUNTER_AGENT}),
}
_NEAREST_UNITS: Final = {
    codes.REASON_VOLUME_LOW: "nL",
    codes.REASON_VOLUME_HIGH: "nL",
    codes.REASON_TOTAL_HIGH: "nL",
    codes.REASON_RATE_LOW: "nL/s",
    codes.REASON_RATE_HIGH: "nL/s",
    codes.REASON_EXPIRY_TOO_FAR: "ms",
    codes.REASON_INTERVAL: "ms",
    codes.REASON_PERMIT_LIFE: "ms",
    codes.REASON_PERMIT_VOLUME: "nL",
    codes.REASON_PERMIT_RATE: "nL/s",
    codes.REASON_RESCUE_HIGH: "nL",
    codes.REASON_RESERVOIR: "nL",
    codes.REASON_SEGMENT: "nL",
    codes.REASON_WINDOW_HIGH: "nL",
    codes.REASON_PRESSURE_LIMIT: "Pa",
}


def check_dose(volume_nl: int, rate_nl_s: int, channel: str, kind: str = "dose") -> tuple[int, int]:
    """Return the numbers of channel and kind. Raises ``UsageError`` that names the bound which a number breaks."""
    check_number("volume", volume_nl, "nL", MIN_VOLUME_NL, MAX_VOLUME_NL)
    check_number("rate", rate_nl_s, "nL/s", MIN_RATE_NL_S, MAX_RATE_NL_S)
    number = check_channel(channel)
    if kind not in _KINDS:
        raise UsageError(f"There is no kind of dose {kind!r}.", f"Kinds: {', '.join(_KINDS)}.")
    allowed = _KIND_CHANNELS.get(_KINDS[kind])
    if allowed is not None and number not in allowed:
        names = ", ".join(name for name, at in _CHANNELS.items() if at in allowed)
        raise UsageError(f"A dose of kind {kind} does not come from channel {channel}.", f"Its channel: {names}.")
    return number, _KINDS[kind]


def check_profile(volume_nl: int, profile: Profile) -> None:
    """Raise ``UsageError`` for a profile that cannot go on the wire or does not fit the volume."""
    if len(profile.further) > MAX_FURTHER:
        raise UsageError(f"The profile has {len(profile.further) + 1} pieces.", f"At most {MAX_FURTHER + 1}.")
    if profile.rate_end_nl_s is not None:
        check_number("rate at the end", profile.rate_end_nl_s, "nL/s", MIN_RATE_NL_S, MAX_RATE_NL_S)
    left_nl = volume_nl
    for piece in profile.further:
        check_number("volume of a piece", piece.volume_nl, "nL", MIN_VOLUME_NL, MAX_VOLUME_NL)
        for rate_nl_s in (piece.rate_nl_s, piece.rate_end_nl_s):
            check_number("rate of a piece", rate_nl_s, "nL/s", MIN_RATE_NL_S, MAX_PIECE_RATE_NL_S)
        left_nl -= piece.volume_nl
    if left_nl <= 0:
        raise UsageError(
            "The further pieces leave nothing of the volume for the first.", "Order more, or less in them."
        )


def check_channel(channel: str) -> int:
    """Return the channel's number. Raises ``UsageError`` for a name that no channel has."""
    if channel not in _CHANNELS:
        raise UsageError(f"There is no channel {channel!r}.", f"Channels: {', '.join(_CHANNELS)}.")
    return _CHANNELS[channel]


def check_id(name: str, octets: bytes) -> bytes:
    """Return the id. Raises ``UsageError`` unless it has 8 octets."""
    if len(octets) != ID_OCTETS:
        raise UsageError(f"The {name} has {len(octets)} octets.", f"It has {ID_OCTETS}: 16 hexadecimal digits.")
    return octets


def signed_values(number: int, body: bytes, name: str) -> tuple[int | bytes, ...]:
    """Return the values of a message that was signed elsewhere. Raises ``UsageError`` for a wrong length."""
    values = messages.decode_body(number, body, 0, len(body))
    if values is None:
        raise UsageError(
            f"The {name} has {len(body)} octets, not {messages.SIZES[number]}.", "Have it signed for this schema."
        )
    return values


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


def told_result(answer: Message, asked: str) -> Acknowledged:
    """Return what became of a request. Raises ``RigError`` when it was refused."""
    if isinstance(answer, typed.Result):
        if answer.reason:
            raise refusal(asked, answer.reason, answer.nearest)
        return Acknowledged(bool(answer.person_awaited), answer.uptime_ms)
    raise _other(answer, asked)


def told(kind: type[MessageT], answer: Message, asked: str) -> MessageT:
    """Return the answer, which is of this kind. Raises ``RigError`` when the request was refused."""
    if isinstance(answer, kind):
        return answer
    raise _other(answer, asked)


def told_record(answer: Message) -> typed.Record:
    """Return a record of the journal. Raises ``RigError`` when there is no such record."""
    record = told(typed.Record, answer, "the record")
    if record.reason:
        raise refusal("the record", record.reason, 0)
    return record


def refusal(asked: str, reason: int, nearest: int) -> RigError:
    """Return the error for a request that the device refused, with the nearest allowed value where there is one."""
    what, todo = reason_text(reason, nearest)
    name = name_of("reason", reason)
    return RigError("refused", f"The rig refused {asked}: {what}.", todo, reason=name, nearest=nearest)


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
