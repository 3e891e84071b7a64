"""What the rig client hands to those who use it."""

from dataclasses import asdict, dataclass
from typing import Any, Generic, TypeVar

from host.records import Order, OutcomeKind, OutcomeRecord, id_text, name_of
from protocol import typed

MessageT = TypeVar("MessageT", bound=typed.Message)


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a dose ended: volumes in nL, ranges as (at least, at most), steps exact unless the outcome is unknown."""

    dose_id: str
    outcome: OutcomeKind
    kind: str
    channel: str
    lot: str | None
    treatment: str | None
    asked_nl: int
    asked_steps: int
    emitted_steps: int
    emitted_nl: int
    to_patient_nl: tuple[int, int]
    waste_nl: tuple[int, int]
    reason: str
    cause: str
    nearest: int
    detail: str
    recorded: bool  # whether it stands in a ledger; if not, the rig's journal has it, and the two are compared

    @classmethod
    def from_record(cls, record: OutcomeRecord, order: Order, *, recorded: bool) -> "Outcome":
        """Return the outcome of the order with names in place of numbers."""
        return cls(
            dose_id=record.dose_id.hex(),
            outcome=record.outcome,
            kind=name_of("kind", order.kind),
            channel=name_of("channel", order.channel),
            lot=id_text(order.lot),
            treatment=id_text(order.treatment),
            asked_nl=record.asked_nl,
            asked_steps=record.asked_steps,
            emitted_steps=record.emitted_steps,
            emitted_nl=record.emitted_nl,
            to_patient_nl=record.to_patient_nl,
            waste_nl=record.waste_nl,
            reason=name_of("reason", record.reason),
            cause=name_of("cause", record.cause),
            nearest=record.nearest,
            detail=record.detail,
            recorded=recorded,
        )

    def as_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class StopReport:
    """A stop whose latch was seen. The device's part of the latency is its own word; the round trip is the host's."""

    cause: str
    was_stopped: bool | None  # None when it cannot be told: an earlier frame of this stop may have latched it
    device_latency_us: int | None  # None when the latch was seen in telemetry only
    round_trip_us: int
    frames_sent: int
    dose_id: str | None
    emitted_steps: int | None
    seen_in: str  # STOPPED or TELEMETRY

    def as_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Reading(Generic[MessageT]):
    """The last message of its kind and its age at the time of asking, in seconds."""

    message: MessageT
    age_s: float

    @property
    def source(self) -> str:
        """Return which message the figures come from."""
        return type(self.message).__name__


@dataclass(frozen=True, slots=True)
class Acknowledged:
    """The rig took a request. It takes effect at once, or when a person presses the foot switch within 10 s."""

    person_awaited: bool
    uptime_ms: int


@dataclass(frozen=True, slots=True)
class Progress:
    """Where a dose stands. ``emitted_nl`` counts steps that left the pin; ``age_s`` is the age of the figures."""

    dose_id: str
    state: str
    cause: str
    asked_nl: int
    emitted_nl: int
    rate_nl_s: int | None
    pressure_pa: int | None
    age_s: float
    source: str  # the message the figures come from, or "link lost"


@dataclass(frozen=True, slots=True)
class DeviceIdentity:
    """What a device says of itself on connect."""

    board: str
    implementation: str
    version: str
    firmware: str  # hash of its sources, hexadecimal
    schema: str
    boot: str
    session: str
    tick_ms: int
    serial: str | None  # of the rig, None before it was set

    @classmethod
    def from_welcome(cls, welcome: typed.Welcome) -> "DeviceIdentity":
        """Return the identity in the welcome."""
        return cls(
            board=_text(welcome.board),
            implementation=_text(welcome.implementation),
            version=_text(welcome.version),
            firmware=welcome.firmware.hex(),
            schema=welcome.schema.hex(),
            boot=welcome.boot.hex(),
            session=welcome.session.hex(),
            tick_ms=welcome.tick_ms,
            serial=id_text(welcome.rig),
        )

    def as_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return asdict(self)


def _text(padded: bytes) -> str:
    return padded.rstrip(b"\0").decode("ascii", "replace")
