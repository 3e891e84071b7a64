"""Turns what happens on one rig into ledger rows, and rows back into orders that are still open."""

import logging
import os
from dataclasses import dataclass
from typing import Any, Final

from host.errors import RigError
from host.ledger import Ledger
from host.profiles import NO_SEGMENTS
from host.records import PATIENT_KINDS, Order, OutcomeRecord, id_text, name_of
from host.reports import DeviceIdentity, StopReport
from protocol import codes, typed

_LOG = logging.getLogger(__name__)

_UNKNOWN_LOOKED_AT: Final = 1
_CHANNELS: Final = dict(codes.CHANNELS)
_KINDS: Final = dict(codes.KINDS)
_PROFILES: Final = dict(codes.PROFILES)


@dataclass(frozen=True, slots=True)
class StoredOrder:
    """An order read back from its intent."""

    order: Order
    unknown: bool  # True when its outcome stands as unknown, False when it has none


def operator_name() -> str:
    """Return who works here, as far as the system tells."""
    return os.environ.get("USER", "")


class RigRecorder:
    """Writes the rows of one rig. What this version cannot know yet stands as null, so that nobody reads a guess."""

    def __init__(self, ledger: Ledger, rig: str, operator: str) -> None:
        self._ledger = ledger
        self._rig = rig
        self._operator = operator
        self._identity: DeviceIdentity | None = None

    def meet(self, welcome: typed.Welcome) -> None:
        """Take the device's word of who it is."""
        self._identity = DeviceIdentity.from_welcome(welcome)

    async def intent(self, order: Order) -> None:
        """Write the intent; on return it is on the disk."""
        await self._ledger.append("intent", {**self._common(order), **_order_fields(order)})

    async def outcome(self, order: Order, record: OutcomeRecord) -> None:
        """Write the one outcome."""
        await self._ledger.append("outcome", {**self._common(order), **_record_fields(record)})

    async def resolution(self, order: Order, record: OutcomeRecord, resolved_by: str) -> None:
        """Write the truth that came after an unknown outcome, or that a person has closed it as it stands."""
        fields = {**self._common(order), **_record_fields(record), "resolved_by": resolved_by}
        await self._ledger.append("resolution", fields)

    async def stop(self, cause: int, report: StopReport | None, error: RigError | None, operator: str = "") -> bool:
        """Write a stop and what was seen of it; tell whether it could be. A stop is not undone by a full disk."""
        fields: dict[str, Any] = {
            "rig": self._rig,
            "operator": operator or self._operator,
            "cause": name_of("cause", cause),
            "confirmed": report is not None,
            "error": error.code if error is not None else None,
            "report": report.as_dict() if report is not None else None,
            "boot": self._identity.boot if self._identity is not None else None,
        }
        try:
            await self._ledger.append("stop", fields)
        except RigError as failure:
            _LOG.error("the stop was not recorded: %s", failure)
            return False
        return True

    async def check_unknown(self, kind: int, channel: int) -> None:
        """Raise ``RigError`` when agent is asked for, to a patient, while a dose of this rig is unknown."""
        if channel != codes.CHANNEL_AGENT or kind not in PATIENT_KINDS:
            return
        boot = self._identity.boot if self._identity is not None else ""
        found = await self._ledger.open_doses(self._rig, boot, _UNKNOWN_LOOKED_AT)
        if found:
            raise RigError(
                "unknown_open",
                f"What became of dose {found[0][0]['dose_id']} on this rig is unknown; it counts in full.",
                "No agent is dosed until it is resolved: connect the rig so that it can be asked. Where the rig itself "
                "does not know, a person has to resolve it: rig resolve",
            )

    async def open_orders(self, boot: bytes, limit: int) -> list[StoredOrder]:
        """Return the orders of this rig, or of this boot, whose end is not known."""
        found = await self._ledger.open_doses(self._rig, boot.hex(), limit)
        return [StoredOrder(_order(fields), unknown) for fields, unknown in found]

    def _common(self, order: Order) -> dict[str, Any]:
        identity = self._identity
        return {
            "rig": self._rig,
            "board": identity.board if identity is not None else None,
            "firmware": identity.firmware if identity is not None else None,
            "serial": identity.serial if identity is not None else None,
            "boot": order.boot.hex(),
            "operator": order.operator or self._operator,
            "dose_id": order.dose_id.hex(),
            "order_kind": name_of("kind", order.kind),
            "channel": name_of("channel", order.channel),
            "lot": id_text(order.lot),
            "cartridge": id_text(order.cartridge),
            "treatment": id_text(order.treatment),
            "plan": None,
            "patient": None,
            "asked_nl": order.volume_nl,
        }


def _order_fields(order: Order) -> dict[str, Any]:
    return {
        "session": order.session.hex(),
        "last_dose_id": order.last_dose_id.hex(),
        "expires_ms": order.expires_ms,
        "profile": name_of("profile", order.profile),
        "rate_nl_s": order.rate_nl_s,
        "rate_end_nl_s": order.rate_end_nl_s,
        "segments": order.segments.hex() if any(order.segments) else None,
    }


def _order(fields: dict[str, Any]) -> Order:
    return Order(
        dose_id=bytes.fromhex(fields["dose_id"]),
        boot=bytes.fromhex(fields["boot"]),
        session=bytes.fromhex(fields["session"]),
        expires_ms=fields["expires_ms"],
        channel=_CHANNELS[fields["channel"]],
        volume_nl=fields["asked_nl"],
        rate_nl_s=fields["rate_nl_s"],
        last_dose_id=bytes.fromhex(fields["last_dose_id"]),
        kind=_number(_KINDS, fields["order_kind"]),
        profile=_number(_PROFILES, fields["profile"]),
        lot=_id(fields["lot"]),
        rate_end_nl_s=fields.get("rate_end_nl_s"),
        segments=bytes.fromhex(fields.get("segments") or "") or NO_SEGMENTS,
        treatment=_id(fields.get("treatment")),
        cartridge=_id(fields["cartridge"]),
        operator=fields["operator"],
    )


def _number(names: dict[str, int], told: str | int) -> int:
    """Return a number from its name; early rows have the number itself."""
    return names[told] if isinstance(told, str) else told


def _id(text: str | None) -> bytes:
    return bytes.fromhex(text or "00" * 8)


def _record_fields(record: OutcomeRecord) -> dict[str, Any]:
    return {
        "outcome": str(record.outcome),
        "asked_steps": record.asked_steps,
        "emitted_steps": record.emitted_steps,
        "granted_steps": record.granted_steps,
        "emitted_nl": record.emitted_nl,
        "to_patient_nl": list(record.to_patient_nl),
        "waste_nl": list(record.waste_nl),
        "reason": name_of("reason", record.reason),
        "cause": name_of("cause", record.cause),
        "nearest": record.nearest,
        "detail": record.detail,
        "device_uptime_ms": record.device_uptime_ms,
    }
