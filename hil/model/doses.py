"""Every order that went to the device, and what became of it at the pin."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from hil.model import bounds
from protocol import codes, typed


@dataclass
class Dose:
    """One id: its order, its edges at the pin in all boots, its volume through the tip, and how it ended."""

    order: typed.DoseOrder
    arrived_ns: int
    bad: str = ""
    """Why the order must be refused, where it must."""

    count: int = 0
    tip_count: int = 0
    """Of these, the edges while the valve stood on the patient."""

    tip_nl: float = 0.0
    accepted: bool = False
    final: typed.DoseState | None = None
    kept: bool = True
    """Whether the journal was whole when that was told."""

    agent_ahead_nl: float = 0.0
    """Agent in what it pushes out of the tip, in truth, as the line stood when it was accepted."""

    confirmed_ns: int = -1
    """When a person stood for its permit."""

    boots: set[bytes] = field(default_factory=set)

    @property
    def kind(self) -> int:
        """What was asked for."""
        return self.order.kind

    @property
    def channel(self) -> int:
        """From where."""
        return self.order.channel

    @property
    def most_edges(self) -> int:
        """All that may leave the pin: what was asked, and what clears the line before a rescue."""
        clearing_nl = bounds.CLEARING_NL if self.kind == codes.KIND_RESCUE else 0
        return bounds.steps_of(self.order.volume_nl + clearing_nl)

    @property
    def to_patient(self) -> bool:
        """Whether it is meant for the patient."""
        return self.order.kind in bounds.PATIENT_KINDS

    @property
    def moves_agent(self) -> bool:
        """Whether agent leaves the tip with it, by what stood in the line in truth."""
        agent = self.channel == codes.CHANNEL_AGENT or self.agent_ahead_nl > bounds.ROUNDING_NL
        return self.to_patient and agent

    @property
    def needs_permit(self) -> bool:
        """Whether it flows under a permit only."""
        if self.kind == codes.KIND_RESCUE:
            return self.confirmed_ns < 0
        if self.kind == codes.KIND_DOSE and self.channel == codes.CHANNEL_FLUSH:
            return self.moves_agent
        return self.kind in (codes.KIND_DOSE, codes.KIND_SCREENING)


def differing(one: typed.DoseState, other: typed.DoseState) -> list[str]:
    """Return the fields of an outcome that have changed; when it was told, and why a request was refused, are none."""
    names = (
        "state",
        "cause",
        "kind",
        "channel",
        "asked_nl",
        "asked_steps",
        "emitted_steps",
        "granted_steps",
        "patient_min_nl",
        "patient_max_nl",
        "waste_min_nl",
        "waste_max_nl",
    )
    return [name for name in names if getattr(one, name) != getattr(other, name)]


def wrong_in_outcome(dose: Dose, told: typed.DoseState) -> Iterator[tuple[str, str]]:
    """Yield the promises that an outcome breaks, each with what it says and what pin and tip have had."""
    name = told.dose_id.hex()
    least, most = told.emitted_steps, told.granted_steps
    if told.state != codes.DOSE_UNKNOWN:
        most = least
    if not least <= dose.count <= most:
        yield "steps reported", f"{name}: {least} to {most} steps reported, the pin had {dose.count}"
    if dose.to_patient and dose.tip_nl > told.patient_max_nl + bounds.ROUNDING_NL:
        yield "volume to the patient", f"{name}: {told.patient_max_nl} nL at most, the tip had {dose.tip_nl:.1f}"
