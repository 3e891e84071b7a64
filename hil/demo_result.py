"""What the demonstration found, and whether the plant agrees with what the firmware reported."""

from dataclasses import asdict, dataclass, field
from typing import Any

from hil.issuer import PermitService
from host.reports import DeviceIdentity, Outcome
from protocol import typed

ISSUER = "simulated, keys drawn for this run"

SCALE_NOISE_NL = 6.0
"""Three standard deviations of the scale's noise (REFERENCE RIG R1: 2 nL)."""

BALANCE_NL = 1.0
"""What the plant may lose or make by rounding before it is no judge any more."""

EXIT_JUDGED_WRONG = 1
EXIT_DIFFERENT = 7


@dataclass(frozen=True, slots=True)
class Plan:
    """What the demonstration does."""

    target: str
    volume_nl: int
    rate_nl_s: int
    stop_after_nl: int | None
    seed: int


@dataclass(frozen=True, slots=True)
class Stop:
    """One stop: its latency at the pin is the plant's word, the other two are the device's and the host's."""

    cause: str
    latency_us: int
    """From the stop frame complete at the device to the last step edge, bench time; 0 when no edge followed."""

    device_latency_us: int | None
    round_trip_us: int


@dataclass(frozen=True, slots=True)
class Measurement:
    """What the plant says when all is over."""

    edges: int
    weighed_nl: float
    balance_error_nl: float
    stop_latencies_us: list[int]
    simulated_s: float
    agent_nl: float = 0.0
    """Of what left the tip, the agent: it stood behind the flush with which the line was primed."""


@dataclass(frozen=True, slots=True)
class Authority:
    """What passed between the rig and the simulated monitor."""

    granted: int
    refused: dict[str, int]
    too_late: int
    """Permits for a dose that had just ended, as the rig's next signed status showed."""

    verified: int
    distrusted: int

    @classmethod
    def of(cls, service: PermitService) -> "Authority":
        """Return the counts of a service that has ended."""
        return cls(service.granted, dict(service.refusals), service.too_late, service.verified, service.distrusted)


@dataclass(frozen=True, slots=True)
class Totals:
    """What the rig counts in the treatment, upper ends, nL."""

    treatment: str
    agent_nl: int
    counter_nl: int
    flush_nl: int
    in_window_nl: int
    agent_in_line_nl: int

    @classmethod
    def of(cls, told: typed.Treatment) -> "Totals":
        """Return the totals that the rig told."""
        given = (told.agent_nl, told.counter_nl, told.flush_nl)
        return cls(told.treatment.hex(), *given, told.in_window_nl, told.agent_in_line_nl)


@dataclass(frozen=True, slots=True)
class Result:
    """The whole demonstration, and what is wrong with it."""

    plan: Plan
    identity: DeviceIdentity
    outcome: Outcome
    stops: list[Stop]
    measured: Measurement
    authority: Authority
    totals: Totals
    ledger_rows: int
    ledger_verified: bool
    slips: int
    slipped_ms: float
    problems: list[str] = field(default_factory=list)

    @property
    def exit_code(self) -> int:
        """0 when the dose ended as asked and the plant agrees, 1 when it disagrees, 7 when the dose ended otherwise."""
        if self.problems:
            return EXIT_JUDGED_WRONG
        return 0 if self.outcome.outcome == expected(self.plan) else EXIT_DIFFERENT

    def as_dict(self) -> dict[str, Any]:
        """Return plain values for JSON; nL, steps, us."""
        outcome = self.outcome
        return {
            "target": self.plan.target,
            "seed": self.plan.seed,
            "firmware": {
                "implementation": self.identity.implementation,
                "version": self.identity.version,
                "hash": self.identity.firmware,
                "board": self.identity.board,
            },
            "dose": {
                "id": outcome.dose_id,
                "kind": outcome.kind,
                "channel": outcome.channel,
                "lot": outcome.lot,
                "asked_nl": outcome.asked_nl,
                "asked_steps": outcome.asked_steps,
                "emitted_nl": outcome.emitted_nl,
                "emitted_steps": outcome.emitted_steps,
                "to_patient_nl": list(outcome.to_patient_nl),
                "waste_nl": list(outcome.waste_nl),
                "weighed_nl": round(self.measured.weighed_nl),
                "outcome": str(outcome.outcome),
                "reason": outcome.reason,
                "cause": outcome.cause,
            },
            "edges_counted": self.measured.edges,
            "balance_error_nl": round(self.measured.balance_error_nl, 6) + 0.0,  # never -0.0
            "stops": [asdict(stop) for stop in self.stops],
            "permits": {
                "issuer": ISSUER,
                "granted": self.authority.granted,
                "refused": self.authority.refused,
                "too_late": self.authority.too_late,
                "signed_statuses_verified": self.authority.verified,
                "signed_statuses_distrusted": self.authority.distrusted,
            },
            "treatment": {**asdict(self.totals), "agent_through_the_tip_nl": round(self.measured.agent_nl)},
            "ledger": {"rows": self.ledger_rows, "verified": self.ledger_verified},
            "bench": {
                "simulated_s": round(self.measured.simulated_s, 3),
                "slips": self.slips,
                "slipped_ms": round(self.slipped_ms, 3),
            },
            "problems": self.problems,
        }


def expected(plan: Plan) -> str:
    """Return the outcome that the plan asks for."""
    return "delivered" if plan.stop_after_nl is None else "partial"


def judge(result: Result) -> list[str]:
    """Return what the plant and the ledger hold against the firmware's report."""
    problems = []
    outcome, measured = result.outcome, result.measured
    if outcome.emitted_steps != measured.edges:
        problems.append(
            f"the firmware reports {outcome.emitted_steps} emitted steps, the bench counted {measured.edges} at the pin"
        )
    least_nl, most_nl = outcome.to_patient_nl
    if not least_nl - SCALE_NOISE_NL <= measured.weighed_nl <= most_nl + SCALE_NOISE_NL:
        problems.append(
            f"the scale shows {measured.weighed_nl:.0f} nL, outside of the {least_nl} to {most_nl} nL reported "
            f"(and {SCALE_NOISE_NL:g} nL of noise)"
        )
    if len(result.stops) < (result.plan.stop_after_nl is not None):
        problems.append("no stop frame was seen at the device")
    if abs(measured.balance_error_nl) > BALANCE_NL:
        problems.append(f"the plant has lost {measured.balance_error_nl:.3f} nL: it is no judge of this dose")
    if result.authority.distrusted:
        problems.append(f"{result.authority.distrusted} signed statuses could not be believed")
    if measured.edges and not result.authority.granted:
        problems.append("agent flowed without a permit")
    if measured.agent_nl > result.totals.agent_nl + SCALE_NOISE_NL:
        problems.append(
            f"{measured.agent_nl:.0f} nL of agent left the tip, and the rig counts {result.totals.agent_nl} nL at most"
        )
    if not result.ledger_verified:
        problems.append("the ledger does not verify")
    return problems
