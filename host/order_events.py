"""What an order may meet and what it may ask for: the events and the actions of ``host.orders``."""

from dataclasses import dataclass
from typing import Final

from host.records import DoseReport, Order, OutcomeRecord

BY_DEVICE: Final = "device"


# Events.
@dataclass(frozen=True, slots=True)
class Begin:
    """The order is given."""


@dataclass(frozen=True, slots=True)
class IntentDurable:
    """The intent is on disk."""


@dataclass(frozen=True, slots=True)
class IntentFailed:
    """The intent could not be written, or not in time: the order never leaves, unless it is a rescue."""


@dataclass(frozen=True, slots=True)
class Told:
    """The device told the state of a dose: an answer, or by itself."""

    report: DoseReport


@dataclass(frozen=True, slots=True)
class Rejected:
    """The device's link refused the order frame itself."""

    reason: int


@dataclass(frozen=True, slots=True)
class NoAnswer:
    """The order or a question was repeated until the link gave up."""


@dataclass(frozen=True, slots=True)
class EndSeen:
    """Telemetry shows the dose in a final state; the figures are still to be asked for."""


@dataclass(frozen=True, slots=True)
class Flowing:
    """Telemetry shows how far the dose is: a lower and an upper bound of its steps."""

    emitted_steps: int
    granted_steps: int
    emitted_nl: int


@dataclass(frozen=True, slots=True)
class LinkLost:
    """The link session ended."""


@dataclass(frozen=True, slots=True)
class LinkBack:
    """A new link session stands. ``never_ran``: the journal of that device shows that it never ran the order."""

    boot: bytes
    never_ran: bool = False


@dataclass(frozen=True, slots=True)
class ResolvedBy:
    """A named person has closed an unknown dose that cannot be known any better; it stays counted in full."""

    person: str


@dataclass(frozen=True, slots=True)
class Due:
    """Nothing happened but time."""


Event = (
    Begin
    | IntentDurable
    | IntentFailed
    | Told
    | Rejected
    | NoAnswer
    | EndSeen
    | Flowing
    | LinkLost
    | LinkBack
    | ResolvedBy
    | Due
)


# Actions.
@dataclass(frozen=True, slots=True)
class WriteIntent:
    """Make the intent durable; answer with ``IntentDurable`` or ``IntentFailed``."""

    order: Order


@dataclass(frozen=True, slots=True)
class Send:
    """Send the order once, in the link session that it names; answer with ``Told``, ``Rejected`` or ``NoAnswer``."""

    order: Order


@dataclass(frozen=True, slots=True)
class Ask:
    """Ask the device for the dose; answer with ``Told`` or ``NoAnswer``."""

    dose_id: bytes


@dataclass(frozen=True, slots=True)
class WriteOutcome:
    """Append the one outcome."""

    record: OutcomeRecord


@dataclass(frozen=True, slots=True)
class WriteResolution:
    """Append the truth about an outcome that was unknown, or that a person has closed it."""

    record: OutcomeRecord
    resolved_by: str = BY_DEVICE


Action = WriteIntent | Send | Ask | WriteOutcome | WriteResolution
