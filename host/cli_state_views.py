"""How the state of a rig reads: every figure with its unit, its age and its source."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Final

from host.cli_views import microlitres, text_of
from host.comparing import OpenDisagreement
from host.records import id_text, name_of
from host.reports import DeviceIdentity, Reading
from protocol import codes, typed
from protocol.texts import (
    ALARMS,
    CARTRIDGE_STATES,
    CAUSES,
    DEVICE_STATES,
    DOSE_STATES,
    INPUTS,
    PRIORITIES,
    SCREENINGS,
    SELF_TEST,
    SENSOR_FAULTS,
    Text,
    alarms_in,
)

DAY_ZERO: Final = date(2000, 1, 1)
_CEILINGS: Final = (
    "agent_dose_nl",
    "agent_rate_nl_s",
    "agent_total_nl",
    "window_nl",
    "window_s",
    "counter_dose_nl",
    "counter_total_nl",
    "flush_dose_nl",
    "flush_total_nl",
)
_TOTALS: Final = ("agent_nl", "counter_nl", "flush_nl", "in_window_nl", "agent_in_line_nl")


@dataclass(frozen=True, slots=True)
class RigState:
    """What was asked and heard of a rig."""

    url: str
    identity: DeviceIdentity
    status: typed.Status
    treatment: typed.Treatment
    cartridges: list[typed.Cartridge]
    telemetry: Reading[typed.Telemetry] | None
    alarms: Reading[typed.Alarms] | None
    disagreements: list[OpenDisagreement]
    not_compared: str


def status_lines(state: RigState) -> Iterable[str]:
    """Yield the state of a rig."""
    identity, status = state.identity, state.status
    serial = f", serial {identity.serial}" if identity.serial is not None else ", without a serial"
    yield f"rig         {state.url}{serial}"
    yield f"firmware    {identity.firmware} on {identity.implementation} {identity.version}, board {identity.board}"
    yield f"state       {text_of(DEVICE_STATES, status.device_state).what}"
    for label, table, number in (
        ("stop cause ", CAUSES, status.stop_cause),
        ("paused for ", CAUSES, status.pause_cause),
        ("agent held ", CAUSES, status.hold_cause),
        ("last fault ", CAUSES, status.last_fault),
    ):
        if number:
            text = text_of(table, number)
            yield f"{label} {text.what}. {text.todo}".rstrip()
    if any(status.unresolved_id):
        yield f"UNRESOLVED  dose {status.unresolved_id.hex()}: {text_of(DOSE_STATES, codes.DOSE_UNKNOWN).todo}"
    for found in state.disagreements:
        yield f"DISAGREES   ledger row {found.row}, {found.utc}: {found.what}"
    if state.not_compared:
        yield f"ledger      NOT COMPARED with the rig's journal: {state.not_compared}"
    yield from alarm_lines(state.alarms)
    yield f"inputs      {', '.join(_bits(INPUTS, status.inputs)) or 'none set'}"
    if status.sensor_faults:
        yield f"faults      {', '.join(_bits(SENSOR_FAULTS, status.sensor_faults))}"
    if status.self_test:
        yield f"self-test   {', '.join(_bits(SELF_TEST, status.self_test))}"
    if any(status.dose_id):
        yield f"last dose   {status.dose_id.hex()}: {text_of(DOSE_STATES, status.dose_state).what}"
    yield f"since boot  {microlitres(status.emitted_total_nl)} to the patient at most (status, now)"
    yield (
        f"ceilings    {microlitres(status.max_dose_nl)} a dose at {status.max_rate_nl_s / 1000:g} uL/s,"
        f" {microlitres(status.max_total_nl)} a treatment, compiled in"
    )
    yield pressure_limit_line(status)
    if status.stored_nl:
        stored = microlitres(status.stored_nl)
        yield f"stored      {stored} in the line as an occlusion ended the flow, the device's estimate (status, now)"
    yield from treatment_lines(state.treatment)
    for cartridge in state.cartridges:
        yield cartridge_line(cartridge)
    if state.telemetry is not None:
        yield from _telemetry_lines(state.telemetry)


def pressure_limit_line(status: typed.Status) -> str:
    """Return one line about the occlusion limit."""
    return (
        f"limit       {status.pressure_limit_pa / 1000:g} kPa of line pressure, above it flow is stopped (status, now)"
    )


def alarm_lines(alarms: Reading[typed.Alarms] | None) -> Iterable[str]:
    """Yield every latched alarm: what it is, whether it stands and was acknowledged, what to do."""
    if alarms is None:
        yield "alarms      not told"
        return
    message = alarms.message
    age = f"(alarms, {alarms.age_s:.1f} s old)"
    if not message.latched:
        yield f"alarms      none {age}"
        return
    yield f"alarms      priority {text_of(PRIORITIES, message.priority).what} {age}"
    for number in alarms_in(message.latched):
        bit = 1 << (number - 1)
        stands = "stands" if message.present & bit else "was there"
        seen = "acknowledged" if message.acknowledged & bit else "NOT ACKNOWLEDGED"
        text = text_of(ALARMS, number)
        first = ", came first" if number == message.first else ""
        yield f"  {name_of('alarm', number)}: {text.what}; {stands}, {seen}{first}. {text.todo}".rstrip()


def treatment_lines(treatment: typed.Treatment) -> Iterable[str]:
    """Yield the open treatment."""
    day = day_text(treatment.day) or "no date that may be trusted"
    if not any(treatment.treatment):
        yield f"treatment   none is open; {day} (treatment, now)"
        return
    residual = "not known" if treatment.residual_nl == codes.UNKNOWN_NL else microlitres(treatment.residual_nl)
    yield f"treatment   {treatment.treatment.hex()}, {day} (treatment, now)"
    yield f"  screening {text_of(SCREENINGS, treatment.screening).what}, residual burden {residual}"
    if treatment.hold_cause:
        yield f"  AGENT HELD: {text_of(CAUSES, treatment.hold_cause).what}"
    for name, given_nl, dose_nl, total_nl in (
        ("agent", treatment.agent_nl, treatment.agent_dose_nl, treatment.agent_total_nl),
        ("counter-agent", treatment.counter_nl, treatment.counter_dose_nl, treatment.counter_total_nl),
        ("flush", treatment.flush_nl, treatment.flush_dose_nl, treatment.flush_total_nl),
    ):
        yield (
            f"  {name:<13} {microlitres(given_nl)} at most to the patient, of {microlitres(total_nl)};"
            f" {microlitres(dose_nl)} a dose"
        )
    yield (
        f"  window        {microlitres(treatment.in_window_nl)} of {microlitres(treatment.window_nl)}"
        f" in {treatment.window_s} s; {microlitres(treatment.agent_in_line_nl)} of agent in the line at most"
    )


def cartridge_line(cartridge: typed.Cartridge) -> str:
    """Return one line about a cartridge."""
    channel = name_of("channel", cartridge.channel)
    state = text_of(CARTRIDGE_STATES, cartridge.state)
    if cartridge.state != codes.CARTRIDGE_GOOD:
        return f"cartridge   {channel}: {state.what}. {state.todo}".rstrip()
    return (
        f"cartridge   {channel}: {state.what}, lot {cartridge.lot.hex()}, serial {cartridge.serial.hex()}, at least"
        f" {microlitres(cartridge.remaining_nl)} of {microlitres(cartridge.fill_nl)}, to be used by"
        f" {day_text(cartridge.expiry_day)} (cartridge, now)"
    )


def day_text(day: int) -> str | None:
    """Return a day of the rig's count as a date, None for day 0."""
    return (DAY_ZERO + timedelta(days=day)).isoformat() if day else None


def _telemetry_lines(reading: Reading[typed.Telemetry]) -> Iterable[str]:
    message = reading.message
    source = f"(telemetry, {reading.age_s:.1f} s old)"
    yield f"pressure    {message.pressure_pa / 1000:.1f} kPa {source}"
    yield f"flow        {message.flow_nl_s / 1000:.3f} uL/s {source}"
    yield f"temperature {message.temperature_mdegc / 1000:.1f} degC {source}"
    yield f"suspension  {message.density_permille / 10:.1f} % of freshly stirred {source}"
    yield f"supply      {message.supply_mv / 1000:.2f} V {source}"


def status_object(state: RigState, link: dict[str, Any]) -> dict[str, Any]:
    """Return the state of a rig for programs; units stand in the names."""
    status = state.status
    return {
        "rig": state.url,
        "device": state.identity.as_dict(),
        "status": {
            "device_state": name_of("device_state", status.device_state),
            "stop_cause": name_of("cause", status.stop_cause),
            "pause_cause": name_of("cause", status.pause_cause),
            "hold_cause": name_of("cause", status.hold_cause),
            "last_fault": name_of("cause", status.last_fault),
            "last_state": name_of("device_state", status.last_state),
            "unresolved_id": id_text(status.unresolved_id),
            "inputs": _bit_names("INPUT_", status.inputs),
            "sensor_faults": _bit_names("FAULT_", status.sensor_faults),
            "self_test": _bit_names("SELF_TEST_", status.self_test),
            "dose_id": id_text(status.dose_id),
            "dose_state": name_of("dose_state", status.dose_state),
            "emitted_total_nl": status.emitted_total_nl,
            "max_dose_nl": status.max_dose_nl,
            "max_rate_nl_s": status.max_rate_nl_s,
            "max_total_nl": status.max_total_nl,
            "pressure_limit_pa": status.pressure_limit_pa,
            "stored_nl": status.stored_nl,
            "uptime_ms": status.uptime_ms,
        },
        "disagreements": [found.as_dict() for found in state.disagreements],
        "not_compared": state.not_compared or None,
        "alarms": None if state.alarms is None else alarms_object(state.alarms),
        "treatment": treatment_object(state.treatment),
        "cartridges": [cartridge_object(cartridge) for cartridge in state.cartridges],
        "telemetry": None if state.telemetry is None else _telemetry_object(state.telemetry),
        "link": link,
    }


def alarms_object(reading: Reading[typed.Alarms]) -> dict[str, Any]:
    """Return the alarms for programs."""
    message = reading.message
    return {
        "age_ms": round(reading.age_s * 1000),
        "present": [name_of("alarm", number) for number in alarms_in(message.present)],
        "latched": [name_of("alarm", number) for number in alarms_in(message.latched)],
        "acknowledged": [name_of("alarm", number) for number in alarms_in(message.acknowledged)],
        "first": name_of("alarm", message.first) if message.first else None,
        "highest": name_of("alarm", message.highest) if message.highest else None,
        "priority": name_of("priority", message.priority),
        "audio_paused_s": message.audio_paused_s,
    }


def treatment_object(treatment: typed.Treatment) -> dict[str, Any]:
    """Return the treatment for programs."""
    known = treatment.residual_nl != codes.UNKNOWN_NL
    return {
        "id": id_text(treatment.treatment),
        "date": day_text(treatment.day),
        "screening": name_of("screening", treatment.screening),
        "hold_cause": name_of("cause", treatment.hold_cause),
        "residual_nl": treatment.residual_nl if known else None,
        "ceilings": {name: getattr(treatment, name) for name in _CEILINGS},
        "given": {name: getattr(treatment, name) for name in _TOTALS},
    }


def cartridge_object(cartridge: typed.Cartridge) -> dict[str, Any]:
    """Return a cartridge for programs."""
    return {
        "channel": name_of("channel", cartridge.channel),
        "state": name_of("cartridge_state", cartridge.state),
        "lot": id_text(cartridge.lot),
        "serial": id_text(cartridge.serial),
        "remaining_nl": cartridge.remaining_nl,
        "fill_nl": cartridge.fill_nl,
        "concentration_per_nl": cartridge.concentration,
        "expiry": day_text(cartridge.expiry_day),
    }


def _telemetry_object(reading: Reading[typed.Telemetry]) -> dict[str, Any]:
    message = reading.message
    return {
        "age_ms": round(reading.age_s * 1000),
        "emitted_nl": message.emitted_nl,
        "rate_nl_s": message.rate_nl_s,
        "pressure_pa": message.pressure_pa,
        "flow_nl_s": message.flow_nl_s,
        "temperature_mdegc": message.temperature_mdegc,
        "density_permille": message.density_permille,
        "supply_mv": message.supply_mv,
    }


def _bits(table: dict[int, Text], bits: int) -> list[str]:
    return [text.what for bit, text in table.items() if bits & bit]


def _bit_names(prefix: str, bits: int) -> list[str]:
    names = {name: value for name, value in vars(codes).items() if name.startswith(prefix)}
    return sorted(name.removeprefix(prefix).lower() for name, value in names.items() if bits & value)
