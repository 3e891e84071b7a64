"""How results read: figures with their unit, age and source."""

from collections.abc import Iterable
from typing import Any

from host.errors import EXIT_DIFFERENT, EXIT_DONE, EXIT_REFUSED, EXIT_UNKNOWN, EXIT_UNREACHABLE, RigError
from host.records import OutcomeKind, name_of
from host.reports import DeviceIdentity, Outcome, Reading, StopReport
from host.requests import reason_text
from protocol import codes, typed
from protocol.texts import CAUSES, DEVICE_STATES, DOSE_STATES, INPUTS, SENSOR_FAULTS, Text

OUTCOME_EXIT_CODES = {
    OutcomeKind.DELIVERED: EXIT_DONE,
    OutcomeKind.PARTIAL: EXIT_DIFFERENT,
    OutcomeKind.REFUSED: EXIT_REFUSED,
    OutcomeKind.NOT_SENT: EXIT_UNREACHABLE,
    OutcomeKind.UNKNOWN: EXIT_UNKNOWN,
}


def microlitres(volume_nl: int) -> str:
    """Return a volume for people."""
    return f"{volume_nl / 1000:.3f} uL"


def volume_range(volume_nl: tuple[int, int]) -> str:
    """Return a range of volumes for people."""
    least, most = volume_nl
    return microlitres(least) if least == most else f"{least / 1000:.3f} to {most / 1000:.3f} uL"


def outcome_lines(outcome: Outcome) -> Iterable[str]:
    """Yield the summary of a dose."""
    yield f"dose {outcome.dose_id}: {outcome.outcome.upper()}"
    yield f"  asked       {microlitres(outcome.asked_nl)} from channel {outcome.channel}"
    at_least = "at least " if outcome.outcome is OutcomeKind.UNKNOWN else ""
    yield f"  emitted     {at_least}{microlitres(outcome.emitted_nl)}, {outcome.emitted_steps} steps"
    yield f"  to patient  {volume_range(outcome.to_patient_nl)}"
    yield f"  to waste    {volume_range(outcome.waste_nl)}"
    if not outcome.recorded:
        yield "  NOT RECORDED: the ledger could not be written; the rig is asked again on the next connect"


def outcome_error(outcome: Outcome) -> RigError | None:
    """Return why a dose did not end as asked, None when it did."""
    if outcome.outcome is OutcomeKind.DELIVERED:
        return None
    if outcome.outcome is OutcomeKind.REFUSED:
        reason = dict(codes.REASONS).get(outcome.reason, 0)
        what, todo = reason_text(reason, outcome.nearest)
        return RigError("refused", f"The rig refused the dose: {what}. Nothing was given.", todo)
    if outcome.outcome is OutcomeKind.PARTIAL:
        cause = _text(CAUSES, dict(codes.CAUSES).get(outcome.cause, 0))
        return RigError("partial", f"The dose ended early: {cause.what}.", cause.todo)
    if outcome.outcome is OutcomeKind.NOT_SENT:
        return RigError("not_sent", f"Nothing was given: {outcome.detail}.", "Order again if it is still wanted.")
    return RigError(
        "unknown",
        f"What was given is NOT KNOWN: {outcome.detail}. It counts as {volume_range(outcome.to_patient_nl)}.",
        "Do not repeat the dose. Look at the rig, connect it, then: rig status (which asks it again).",
    )


def stop_line(report: StopReport) -> str:
    """Return one line about a stop that was seen."""
    latency = f", device latency {report.device_latency_us} us" if report.device_latency_us is not None else ""
    before = "was stopped already" if report.was_stopped else "stopped"
    return (
        f"{before}: latched, cause {report.cause} (seen in {report.seen_in} after {report.round_trip_us / 1000:.1f} ms"
        f"{latency}, {report.frames_sent} frames)"
    )


def status_lines(url: str, identity: DeviceIdentity, status: typed.Status, reading: Reading | None) -> Iterable[str]:
    """Yield the state of a rig."""
    yield f"rig         {url}"
    yield f"firmware    {identity.firmware} on {identity.implementation} {identity.version}, board {identity.board}"
    yield f"state       {_text(DEVICE_STATES, status.device_state).what}"
    for label, table, number in (
        ("stop cause", CAUSES, status.stop_cause),
        ("paused for", CAUSES, status.pause_cause),
    ):
        if number:
            text = _text(table, number)
            yield f"{label}  {text.what}. {text.todo}".rstrip()
    yield f"inputs      {', '.join(_bits(INPUTS, status.inputs)) or 'none set'}"
    if status.sensor_faults:
        yield f"faults      {', '.join(_bits(SENSOR_FAULTS, status.sensor_faults))}"
    if any(status.dose_id):
        yield f"last dose   {status.dose_id.hex()}: {_text(DOSE_STATES, status.dose_state).what}"
    yield f"since boot  {microlitres(status.emitted_total_nl)} emitted"
    yield (
        f"ceilings    {microlitres(status.max_dose_nl)} a dose at {status.max_rate_nl_s / 1000:g} uL/s,"
        f" {microlitres(status.max_total_nl)} since boot"
    )
    if reading is not None:
        yield from _telemetry_lines(reading)


def _telemetry_lines(reading: Reading) -> Iterable[str]:
    message = reading.message
    source = f"(telemetry, {reading.age_s:.1f} s old)"
    yield f"pressure    {message.pressure_pa / 1000:.1f} kPa {source}"
    yield f"flow        {message.flow_nl_s / 1000:.3f} uL/s {source}"
    yield f"temperature {message.temperature_mdegc / 1000:.1f} degC {source}"
    yield f"supply      {message.supply_mv / 1000:.2f} V {source}"


def status_object(
    url: str, identity: DeviceIdentity, status: typed.Status, reading: Reading | None, link: dict[str, Any]
) -> dict[str, Any]:
    """Return the state of a rig for programs; units stand in the names."""
    return {
        "rig": url,
        "device": identity.as_dict(),
        "status": {
            "device_state": name_of("device_state", status.device_state),
            "stop_cause": name_of("cause", status.stop_cause),
            "pause_cause": name_of("cause", status.pause_cause),
            "inputs": _bit_names("INPUT_", status.inputs),
            "sensor_faults": _bit_names("FAULT_", status.sensor_faults),
            "dose_id": status.dose_id.hex() if any(status.dose_id) else None,
            "dose_state": name_of("dose_state", status.dose_state),
            "emitted_total_nl": status.emitted_total_nl,
            "max_dose_nl": status.max_dose_nl,
            "max_rate_nl_s": status.max_rate_nl_s,
            "max_total_nl": status.max_total_nl,
            "uptime_ms": status.uptime_ms,
        },
        "telemetry": None if reading is None else _telemetry_object(reading),
        "link": link,
    }


def _telemetry_object(reading: Reading) -> dict[str, Any]:
    message = reading.message
    return {
        "age_ms": round(reading.age_s * 1000),
        "emitted_nl": message.emitted_nl,
        "rate_nl_s": message.rate_nl_s,
        "pressure_pa": message.pressure_pa,
        "flow_nl_s": message.flow_nl_s,
        "temperature_mdegc": message.temperature_mdegc,
        "supply_mv": message.supply_mv,
    }


def _text(table: dict[int, Text], number: int) -> Text:
    return table.get(number, Text(f"number {number}"))


def _bits(table: dict[int, Text], bits: int) -> list[str]:
    return [text.what for bit, text in table.items() if bits & bit]


def _bit_names(prefix: str, bits: int) -> list[str]:
    names = {name: value for name, value in vars(codes).items() if name.startswith(prefix)}
    return sorted(name.removeprefix(prefix).lower() for name, value in names.items() if bits & value)
