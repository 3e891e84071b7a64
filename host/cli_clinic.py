"""What `rig treatment` does: questions about the treatment, and messages of the clinic handed on from files."""

from pathlib import Path
from typing import Final

from host.acts import not_confirmed
from host.cli_run import put_json, run, say
from host.cli_state_views import pressure_limit_line, treatment_lines
from host.errors import UsageError
from host.rig import Rig
from host.state_objects import treatment_object
from protocol import codes, messages, typed

_NUMBERS: Final = {
    "open_treatment": messages.OPEN_TREATMENT,
    "close_treatment": messages.CLOSE_TREATMENT,
    "set_ceilings": messages.SET_CEILINGS,
    "set_pressure_limit": messages.SET_PRESSURE_LIMIT,
    "set_date": messages.SET_DATE,
    "clear_by_clinician": messages.CLEAR_BY_CLINICIAN,
}
_MAX_OCTETS: Final = 4096


def show(url: str, *, json_output: bool) -> int:
    """Show the open treatment."""
    return run(lambda _: _show(url, json_output))


async def _show(url: str, json_output: bool) -> int:
    async with Rig.connect(url) as rig:
        treatment = await rig.treatment()
    if json_output:
        put_json({"rig": url, "treatment": treatment_object(treatment)})
    else:
        for line in treatment_lines(treatment):
            print(line)
    return 0


def hand_on(url: str, act: str, file: Path, *, json_output: bool) -> int:
    """Hand a signed message on to the rig, and wait for the person where it needs one."""
    signed = signed_body(file, messages.SIZES[_NUMBERS[act]])
    return run(lambda _: _hand_on(url, act, signed, json_output))


async def _hand_on(url: str, act: str, signed: bytes, json_output: bool) -> int:
    async with Rig.connect(url) as rig:
        taken = await getattr(rig, act)(signed)
        if taken.person_awaited:
            say("Release and press the foot switch within 10 s.")
            await rig.confirmed("Nothing has changed")
        treatment = await rig.treatment()
        status = await rig.status()
    if taken.person_awaited and not _took_effect(act, signed, treatment, status):
        raise not_confirmed("Nothing has changed")
    if json_output:
        told = {"treatment": treatment_object(treatment), "pressure_limit_pa": status.pressure_limit_pa}
        put_json({"rig": url, "done": act} | told)
    else:
        if act == "set_pressure_limit":
            print(pressure_limit_line(status))
        for line in treatment_lines(treatment):
            print(line)
    return 0


def signed_body(file: Path, size: int) -> bytes:
    """Return the octets of a signed message. Raises ``UsageError`` when the file holds anything else."""
    try:
        with file.open("rb") as source:
            data = source.read(_MAX_OCTETS)
    except OSError as error:
        raise UsageError(f"{file} cannot be read: {error.strerror}.", "Name the file that the clinic gave.") from error
    if len(data) == size:
        return data
    try:
        octets = bytes.fromhex(data.decode("ascii"))
    except ValueError:
        octets = b""
    if len(octets) != size:
        raise UsageError(f"{file} does not hold such a message.", f"It has {size} octets, or twice as many digits.")
    return octets


def _took_effect(act: str, signed: bytes, treatment: typed.Treatment, status: typed.Status) -> bool:
    """Whether the rig shows what the message asked for; of the clinic's ceilings it shows nothing."""
    if act == "open_treatment":
        values = messages.decode_body(messages.OPEN_TREATMENT, signed, 0, len(signed))
        assert values is not None
        return treatment.treatment == typed.OpenTreatment.from_values(values).treatment
    if act == "set_pressure_limit":
        values = messages.decode_body(messages.SET_PRESSURE_LIMIT, signed, 0, len(signed))
        assert values is not None
        return status.pressure_limit_pa == typed.SetPressureLimit.from_values(values).limit_pa
    if act == "close_treatment":
        return not any(treatment.treatment)
    if act == "clear_by_clinician":
        return treatment.hold_cause == codes.CAUSE_NONE
    return True
