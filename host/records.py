"""What is asked of a rig and what became of it: plain values, the same in memory, in the ledger and in reports."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from host.profiles import NO_SEGMENTS
from protocol import codes, messages, typed

CLOCK_WRAP_MS: Final = 1 << 30  # of the device's clock
# The device accepts an order this long after it was made, by its own clock.
ORDER_LIFE_MS: Final = 5_000
NO_DOSE: Final = bytes(8)
NO_LOT: Final = bytes(8)
NO_TREATMENT: Final = bytes(8)
NO_CARTRIDGE: Final = bytes(8)
FINAL_STATES: Final = frozenset({codes.DOSE_REFUSED, codes.DOSE_DELIVERED, codes.DOSE_PARTIAL, codes.DOSE_UNKNOWN})
# What goes to a patient, and so belongs to a treatment.
PATIENT_KINDS: Final = frozenset({codes.KIND_DOSE, codes.KIND_SCREENING, codes.KIND_RESCUE})

LOST_POWER: Final = "the rig lost its power while the dose was under way"

_NAMES: Final = {
    enumeration: {number: name for name, number in members} for enumeration, members in messages.ENUMERATIONS
}


def name_of(enumeration: str, number: int) -> str:
    """Return the name of a number from ``protocol.codes``; a number without a name is shown as it is."""
    return _NAMES[enumeration].get(number, str(number))


def id_text(octets: bytes) -> str | None:
    """Return an id of 8 octets in hexadecimal, None for all zero."""
    return octets.hex() if any(octets) else None


class OutcomeKind(StrEnum):
    """How an order ended, as far as can be known."""

    DELIVERED = "delivered"
    PARTIAL = "partial"
    REFUSED = "refused"
    NOT_SENT = "not_sent"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class DoseReport:
    """What the device told of one dose; see DOSE_STATE in protocol/README.md."""

    dose_id: bytes
    state: int
    reason: int = 0
    cause: int = 0
    kind: int = 0
    channel: int = 0
    asked_nl: int = 0
    asked_steps: int = 0
    emitted_steps: int = 0
    granted_steps: int = 0
    emitted_nl: int = 0
    patient_nl: tuple[int, int] = (0, 0)
    waste_nl: tuple[int, int] = (0, 0)
    nearest: int = 0
    uptime_ms: int = 0

    @classmethod
    def from_message(cls, message: typed.DoseState) -> "DoseReport":
        """Return the report that the message carries."""
        return cls(
            dose_id=message.dose_id,
            state=message.state,
            reason=message.reason,
            cause=message.cause,
            kind=message.kind,
            channel=message.channel,
            asked_nl=message.asked_nl,
            asked_steps=message.asked_steps,
            emitted_steps=message.emitted_steps,
            granted_steps=message.granted_steps,
            emitted_nl=message.emitted_nl,
            patient_nl=(message.patient_min_nl, message.patient_max_nl),
            waste_nl=(message.waste_min_nl, message.waste_max_nl),
            nearest=message.nearest,
            uptime_ms=message.uptime_ms,
        )

    @property
    def final(self) -> bool:
        """Return whether the dose can change no more."""
        return self.state in FINAL_STATES


@dataclass(frozen=True, slots=True)
class Order:
    """One dose order as it goes on the wire, in nL, nL/s and ms of the device's clock."""

    dose_id: bytes
    boot: bytes
    session: bytes
    expires_ms: int
    channel: int
    volume_nl: int
    rate_nl_s: int
    last_dose_id: bytes = NO_DOSE
    kind: int = codes.KIND_DOSE
    profile: int = codes.PROFILE_CONSTANT
    lot: bytes = NO_LOT
    rate_end_nl_s: int | None = None  # None: as at the beginning
    segments: bytes = NO_SEGMENTS
    treatment: bytes = NO_TREATMENT
    cartridge: bytes = NO_CARTRIDGE  # serial, told by the rig when the order was made; not on the wire
    operator: str = ""  # who asked, where it is not the client's one operator; not on the wire

    def values(self) -> tuple[int | bytes, ...]:
        """Return the values of DOSE_ORDER in the order of its declaration."""
        return (
            self.dose_id,
            self.last_dose_id,
            self.boot,
            self.session,
            self.expires_ms,
            self.kind,
            self.channel,
            self.profile,
            self.lot,
            self.volume_nl,
            self.rate_nl_s,
            self.rate_nl_s if self.rate_end_nl_s is None else self.rate_end_nl_s,
            self.segments,
            self.treatment,
        )

    def expired_at(self, uptime_ms: int) -> bool:
        """Tell whether the device, whose clock shows ``uptime_ms`` in the order's boot, can not accept it any more.

        An expiry further ahead than an order lives lies in truth behind: the clock has wrapped since.
        """
        left_ms = (self.expires_ms - uptime_ms) % CLOCK_WRAP_MS
        return left_ms > ORDER_LIFE_MS


@dataclass(frozen=True, slots=True)
class OutcomeRecord:
    """The figures of an outcome, in steps and nL. Of an unknown dose the upper ends count in full."""

    dose_id: bytes
    outcome: OutcomeKind
    asked_nl: int
    asked_steps: int = 0
    emitted_steps: int = 0
    granted_steps: int = 0
    emitted_nl: int = 0
    to_patient_nl: tuple[int, int] = (0, 0)
    waste_nl: tuple[int, int] = (0, 0)
    reason: int = codes.REASON_NONE
    cause: int = codes.CAUSE_NONE
    nearest: int = 0
    detail: str = ""
    device_uptime_ms: int | None = None


def final_record(order: Order, report: DoseReport) -> OutcomeRecord:
    """Return the outcome that a final report tells. Delivered is said only of a dose whose steps are all out.

    Of a dose that the device itself calls unknown the figures are its interval, and the upper end counts.
    """
    detail = ""
    if report.state == codes.DOSE_UNKNOWN:
        outcome, detail = OutcomeKind.UNKNOWN, LOST_POWER
    elif report.state == codes.DOSE_REFUSED:
        outcome = OutcomeKind.REFUSED
    elif report.state == codes.DOSE_DELIVERED and report.emitted_steps >= report.asked_steps:
        outcome = OutcomeKind.DELIVERED
    else:
        outcome = OutcomeKind.PARTIAL
    return OutcomeRecord(
        dose_id=order.dose_id,
        outcome=outcome,
        asked_nl=order.volume_nl,
        asked_steps=report.asked_steps,
        emitted_steps=report.emitted_steps,
        granted_steps=report.granted_steps,
        emitted_nl=report.emitted_nl,
        to_patient_nl=report.patient_nl,
        waste_nl=report.waste_nl,
        reason=report.reason,
        cause=report.cause,
        nearest=report.nearest,
        detail=detail,
        device_uptime_ms=report.uptime_ms,
    )


def zero_record(order: Order, outcome: OutcomeKind, detail: str, *, reason: int = codes.REASON_NONE) -> OutcomeRecord:
    """Return the outcome of an order that certainly moved nothing."""
    return OutcomeRecord(order.dose_id, outcome, order.volume_nl, reason=reason, detail=detail)


def unknown_record(order: Order, last: DoseReport | None, detail: str) -> OutcomeRecord:
    """Return the outcome of an order that may have run: at least what was last told, at most all that was asked."""
    seen = last or DoseReport(order.dose_id, codes.DOSE_NOT_KNOWN)
    return OutcomeRecord(
        dose_id=order.dose_id,
        outcome=OutcomeKind.UNKNOWN,
        asked_nl=order.volume_nl,
        asked_steps=seen.asked_steps,
        emitted_steps=seen.emitted_steps,
        granted_steps=max(seen.asked_steps, seen.granted_steps),
        emitted_nl=seen.emitted_nl,
        to_patient_nl=(seen.patient_nl[0], max(order.volume_nl, seen.patient_nl[1])),
        waste_nl=(seen.waste_nl[0], max(order.volume_nl, seen.waste_nl[1])),
        detail=detail,
    )
