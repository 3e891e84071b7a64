"""How results read: figures with their unit, age and source."""

from collections.abc import Iterable

from host.errors import EXIT_DIFFERENT, EXIT_DONE, EXIT_REFUSED, EXIT_UNKNOWN, EXIT_UNREACHABLE, RigError
from host.records import OutcomeKind
from host.reports import Outcome, StopReport
from host.requests import reason_text
from protocol import codes
from protocol.texts import CAUSES, Text

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
    yield f"  asked       {microlitres(outcome.asked_nl)} from channel {outcome.channel}, kind {outcome.kind}"
    at_least = "at least " if outcome.outcome is OutcomeKind.UNKNOWN else ""
    yield f"  emitted     {at_least}{microlitres(outcome.emitted_nl)}, {outcome.emitted_steps} steps"
    yield f"  to patient  {volume_range(outcome.to_patient_nl)}"
    yield f"  to waste    {volume_range(outcome.waste_nl)}"
    if not outcome.recorded:
        yield "  NOT RECORDED in the ledger; the rig's journal has it, and the two are compared on the next connect"


def outcome_error(outcome: Outcome) -> RigError | None:
    """Return why a dose did not end as asked, None when it did."""
    if outcome.outcome is OutcomeKind.DELIVERED:
        return None
    if outcome.outcome is OutcomeKind.REFUSED:
        reason = dict(codes.REASONS).get(outcome.reason, 0)
        what, todo = reason_text(reason, outcome.nearest)
        return RigError("refused", f"The rig refused the dose: {what}. Nothing was given.", todo)
    if outcome.outcome is OutcomeKind.PARTIAL:
        cause = text_of(CAUSES, dict(codes.CAUSES).get(outcome.cause, 0))
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


def text_of(table: dict[int, Text], number: int) -> Text:
    """Return the text of a number; one that shows the number where there is none."""
    return table.get(number, Text(f"number {number}"))
