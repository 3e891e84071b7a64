"""The state of a rig for programs: plain values, units in the names, ages beside what was heard."""

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Final

from host.comparing import OpenDisagreement
from host.records import id_text, name_of
from host.reports import DeviceIdentity, Reading
from protocol import codes, typed
from protocol.texts import alarms_in

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
        "telemetry": None if state.telemetry is None else telemetry_object(state.telemetry),
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


def telemetry_object(reading: Reading[typed.Telemetry]) -> dict[str, Any]:
    """Return pressure, flow and what else is measured, for programs."""
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


def day_text(day: int) -> str | None:
    """Return a day of the rig's count as a date, None for day 0."""
    return (DAY_ZERO + timedelta(days=day)).isoformat() if day else None


def _bit_names(prefix: str, bits: int) -> list[str]:
    names = {name: value for name, value in vars(codes).items() if name.startswith(prefix)}
    return sorted(name.removeprefix(prefix).lower() for name, value in names.items() if bits & value)
