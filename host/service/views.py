"""What programs are shown of a rig: plain values with units, ages and sources. What is old never reads as ready."""

from dataclasses import fields
from typing import Any, Final

from host.errors import RigError
from host.link.reconnector import LinkNews, LinkState
from host.records import id_text, name_of
from host.reports import Outcome, Reading
from host.rig import Rig
from host.state_objects import alarms_object, telemetry_object
from protocol import codes, typed

FRESH_MS: Final = 1_500
"""Telemetry comes ten times a second; a device that was not heard for so long has paused by itself."""

UNREACHABLE: Final = "unreachable"
STALE: Final = "stale"
_OUTCOME_FIELDS: Final = tuple(field.name for field in fields(Outcome))


def error_object(error: RigError) -> dict[str, Any]:
    """Return an error for programs."""
    return {
        "code": error.code,
        "what": error.what,
        "todo": error.todo,
        "reason": error.reason or None,
        "nearest": error.nearest or None,
    }


def link_object(news: LinkNews) -> dict[str, Any]:
    """Return the state of the link, and why it is not up."""
    return {
        "state": str(news.state),
        "error": error_object(news.error) if news.error is not None else None,
        "retry_in_ms": round(news.retry_in_s * 1000) if news.retry_in_s is not None else None,
    }


def rig_object(name: str, rig: Rig | None, link: LinkNews, ledger_problem: RigError | None) -> dict[str, Any]:
    """Return the state of a rig as far as it was heard; ``state`` is that of the device only while it is fresh."""
    telemetry = rig.telemetry if rig is not None else None
    alarms = rig.alarms if rig is not None else None
    state = _state(link, telemetry.message if telemetry is not None else None, telemetry.age_s if telemetry else 0.0)
    return {
        "rig": name,
        "state": state,
        "ready": state == name_of("device_state", codes.DEVICE_READY) and ledger_problem is None,
        "link": link_object(link),
        "device": rig.identity.as_dict() if rig is not None and rig.identity is not None else None,
        "telemetry": _telemetry(telemetry.message, telemetry_object(telemetry)) if telemetry is not None else None,
        "alarms": {**alarms_object(alarms), "source": "alarms"} if alarms is not None else None,
        "statistics": rig.link_statistics() if rig is not None else {},
        "ledger": {
            "problem": error_object(ledger_problem) if ledger_problem is not None else None,
            "not_compared": rig.not_compared or None if rig is not None else None,
            "disagreements": [found.as_dict() for found in rig.disagreements] if rig is not None else [],
        },
    }


def telemetry_event(message: typed.Telemetry) -> dict[str, Any]:
    """Return telemetry that has just come."""
    return _telemetry(message, telemetry_object(Reading(message, 0.0)))


def dose_event(message: typed.DoseState) -> dict[str, Any]:
    """Return what the device told of a dose."""
    return {
        "dose_id": message.dose_id.hex(),
        "dose_state": name_of("dose_state", message.state),
        "cause": name_of("cause", message.cause),
        "kind": name_of("kind", message.kind),
        "channel": name_of("channel", message.channel),
        "asked_nl": message.asked_nl,
        "emitted_steps": message.emitted_steps,
        "emitted_nl": message.emitted_nl,
        "to_patient_nl": [message.patient_min_nl, message.patient_max_nl],
        "waste_nl": [message.waste_min_nl, message.waste_max_nl],
    }


def outcome_object(row: dict[str, Any]) -> dict[str, Any]:
    """Return the outcome of a dose from its row in the ledger, with the fields of ``Outcome``."""
    named = {**row, "kind": row["order_kind"], "recorded": True}
    return {name: named.get(name) for name in _OUTCOME_FIELDS}


def _state(link: LinkNews, telemetry: typed.Telemetry | None, age_s: float) -> str:
    if link.state is not LinkState.CONNECTED:
        return UNREACHABLE
    if telemetry is None or age_s * 1000 > FRESH_MS:
        return STALE
    return name_of("device_state", telemetry.device_state)


def _telemetry(message: typed.Telemetry, measured: dict[str, Any]) -> dict[str, Any]:
    return {
        **measured,
        "source": "telemetry",
        "uptime_ms": message.uptime_ms,
        "device_state": name_of("device_state", message.device_state),
        "stop_cause": name_of("cause", message.stop_cause),
        "pause_cause": name_of("cause", message.pause_cause),
        "alarm": name_of("alarm", message.alarm) if message.alarm else None,
        "dose_id": id_text(message.dose_id),
        "dose_state": name_of("dose_state", message.dose_state),
    }
