"""The commands that a rig takes from programs: what each is told, how it is checked, how it is carried out."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Annotated, Any, Final, Generic, Literal, TypeVar

import msgspec
from msgspec import UNSET, Meta, UnsetType

from host.acts import PERSON_S, not_confirmed
from host.errors import RigError, UsageError
from host.link.messages import Message
from host.profiles import CONSTANT, MAX_FURTHER, Piece, Profile
from host.records import name_of
from host.requests import (
    MAX_PIECE_RATE_NL_S,
    MAX_RATE_NL_S,
    MAX_VOLUME_NL,
    check_dose,
    check_profile,
)
from host.rig import Rig
from host.service.commands import done, dose_end
from protocol import codes, typed
from protocol.texts import alarms_in

MAX_PERSON: Final = 64
MAX_ALARMS: Final = 64
_ALARMS: Final = dict(codes.ALARMS)

Id = Annotated[str, Meta(pattern="^[0-9a-f]{16}$", description="8 octets, hexadecimal")]
VolumeNl = Annotated[int, Meta(ge=1, le=MAX_VOLUME_NL, description="nL")]
RateNlS = Annotated[int, Meta(ge=1, le=MAX_RATE_NL_S, description="nL/s")]
AlarmName = Annotated[str, Meta(extra_json_schema={"enum": list(_ALARMS)})]
PieceRateNlS = Annotated[int, Meta(ge=1, le=MAX_PIECE_RATE_NL_S, description="nL/s")]


class PieceBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """One more piece of a dose: its volume, its rate at begin and end."""

    volume_nl: VolumeNl
    rate_nl_s: PieceRateNlS
    rate_end_nl_s: PieceRateNlS


class DoseBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """One dose. The rate stays, or goes evenly to ``rate_end_nl_s``; ``further`` pieces are part of the volume."""

    volume_nl: VolumeNl
    rate_nl_s: RateNlS
    channel: Literal["agent", "counter_agent", "flush"] = "flush"
    kind: Literal["dose", "screening", "rescue", "prime", "purge", "calibrate"] = "dose"
    rate_end_nl_s: RateNlS | UnsetType = UNSET
    further: Annotated[tuple[PieceBody, ...], Meta(max_length=MAX_FURTHER)] = ()
    lot: Id | UnsetType = UNSET
    treatment: Id | UnsetType = UNSET
    max_pause_s: Annotated[int, Meta(ge=1, le=86_400)] | UnsetType = UNSET


class NoBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Nothing has to be told."""


class AcknowledgeBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Alarms by name; none means all that latch and wait for it."""

    alarms: Annotated[tuple[AlarmName, ...], Meta(max_length=MAX_ALARMS)] = ()


class QuietBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How long the sound is kept quiet; 0 ends a pause."""

    duration_s: Annotated[int, Meta(ge=0, le=120)]


class ResolveBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The unknown dose, and the person who closes it."""

    dose_id: Id
    person: Annotated[str, Meta(min_length=1, max_length=MAX_PERSON, pattern=r"^[^\x00-\x1f]*\S[^\x00-\x1f]*$")]


Body = TypeVar("Body", bound=msgspec.Struct)
Tell = Callable[[str], None]
Result = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Spec(Generic[Body]):
    """One command. ``check`` raises ``UsageError``; ``work`` returns the end and tells a person what to do."""

    what: str
    summary: str
    body: type[Body]
    work: Callable[[Rig, Body, Tell], Awaitable[Result]]
    check: Callable[[Body], object] = lambda _: None


def profile_of(body: DoseBody) -> Profile:
    """Return the profile that a body tells."""
    further = tuple(Piece(piece.volume_nl, piece.rate_nl_s, piece.rate_end_nl_s) for piece in body.further)
    if body.rate_end_nl_s is UNSET and not further:
        return CONSTANT
    return Profile(None if body.rate_end_nl_s is UNSET else body.rate_end_nl_s, further)


def check_dose_body(body: DoseBody) -> None:
    """Raise ``UsageError`` for what no dose can be."""
    check_dose(body.volume_nl, body.rate_nl_s, body.channel, body.kind)
    check_profile(body.volume_nl, profile_of(body))


async def give_dose(rig: Rig, body: DoseBody, dose_id: bytes, operator: str) -> Result:
    """Give a dose to its end."""
    outcome = await rig.dose(
        body.volume_nl,
        body.rate_nl_s,
        body.channel,
        kind=body.kind,
        profile=profile_of(body),
        lot=None if body.lot is UNSET else bytes.fromhex(body.lot),
        treatment=None if body.treatment is UNSET else bytes.fromhex(body.treatment),
        max_pause_s=None if body.max_pause_s is UNSET else body.max_pause_s,
        dose_id=dose_id,
        operator=operator,
    )
    return dose_end(outcome.as_dict())


async def _pause(rig: Rig, _body: NoBody, _tell: Tell) -> Result:
    report = await rig.pause()
    return done({"dose_id": report.dose_id.hex(), "dose_state": name_of("dose_state", report.state)})


async def _resume(rig: Rig, _body: NoBody, tell: Tell) -> Result:
    def goes_on(message: Message) -> bool:
        return isinstance(message, typed.Telemetry) and message.dose_state != codes.DOSE_PAUSED

    report = await rig.resume()
    if report.state == codes.DOSE_PAUSED:
        tell("Release and press the foot switch within 10 s to let the dose go on.")
        await _seen(rig, goes_on, "The dose does not go on")
        report = await rig.get_dose(report.dose_id)
    return done({"dose_id": report.dose_id.hex(), "dose_state": name_of("dose_state", report.state)})


async def _clear(rig: Rig, _body: NoBody, tell: Tell) -> Result:
    def cleared(message: Message) -> bool:
        return isinstance(message, typed.Telemetry) and message.device_state != codes.DEVICE_STOPPED

    state = await rig.clear()
    if state.device_state == codes.DEVICE_STOPPED:
        tell("Release and press the foot switch within 10 s to clear the stop.")
        await _seen(rig, cleared, "The stop was not cleared")
        state = await rig.status()
    return done({"device_state": name_of("device_state", state.device_state)})


async def _test_alarms(rig: Rig, _body: NoBody, tell: Tell) -> Result:
    await rig.test_alarms()
    tell("Look for the three lights and listen; when all were there, press the foot switch within 10 s.")
    await rig.confirmed("Light and sound stay unconfirmed")
    if (await rig.status()).self_test & codes.SELF_TEST_LIGHT_SOUND:
        raise not_confirmed("Light and sound stay unconfirmed")
    return done({"light_and_sound": "confirmed"})


async def _acknowledge(rig: Rig, body: AcknowledgeBody, _tell: Tell) -> Result:
    bits = sum({1 << (_ALARMS[name] - 1) for name in body.alarms})
    if not bits:
        told = rig.alarms
        if told is None:
            raise RigError("no_answer", "The rig has told no alarms yet.", "Try again, or name them.")
        bits = told.message.latched & ~told.message.acknowledged
    if bits:
        await rig.acknowledge(bits)
    return done({"acknowledged": [name_of("alarm", number) for number in alarms_in(bits)]})


def _check_alarms(body: AcknowledgeBody) -> None:
    for name in body.alarms:
        if name not in _ALARMS:
            raise UsageError(f"There is no alarm {name!r}.", f"Alarms: {', '.join(_ALARMS)}.")


async def _quiet(rig: Rig, body: QuietBody, _tell: Tell) -> Result:
    await rig.pause_audio(body.duration_s)
    return done({"audio_paused_s": body.duration_s})


async def _resolve(rig: Rig, body: ResolveBody, tell: Tell) -> Result:
    await rig.close_unknown(bytes.fromhex(body.dose_id), body.person, tell)
    return done({"dose_id": body.dose_id, "closed_by": body.person})


async def _seen(rig: Rig, predicate: Callable[[Message], bool], what: str) -> None:
    try:
        async with asyncio.timeout(PERSON_S):
            await rig.wait_for(predicate)
    except TimeoutError:
        raise not_confirmed(what) from None


SPECS: Final[dict[str, Spec[Any]]] = {
    spec.what: spec
    for spec in (
        Spec("pause", "Pause the running dose.", NoBody, _pause),
        Spec("resume", "Let the paused dose go on, with the foot switch.", NoBody, _resume),
        Spec("clear", "Clear a latched stop of the machine, with the foot switch.", NoBody, _clear),
        Spec("acknowledge", "Acknowledge alarms.", AcknowledgeBody, _acknowledge, _check_alarms),
        Spec("quiet", "Pause the sound of alarms.", QuietBody, _quiet),
        Spec("test-alarms", "Try light and sound, confirmed with the foot switch.", NoBody, _test_alarms),
        Spec("resolve", "Close an unknown dose in a person's name; it stays counted in full.", ResolveBody, _resolve),
    )
}
