"""Judges a run: every edge in its place, what was reported against what was counted and what left the tip."""

from hil.faults import vocabulary as v
from hil.faults.inject import Struck
from hil.storm import promises
from hil.storm.evidence import Evidence, Told
from hil.storm.walk import Walk
from hil.violation import Violation
from protocol import codes, typed

BALANCE_NL = 0.01
MOST_VIOLATIONS = 20


def judge(evidence: Evidence) -> list[Violation]:
    """Return every promise that did not hold, in the order of time; the first of each rule comes first."""
    walk = Walk(evidence)
    walk.run()
    found = [*walk.violations, *evidence.findings]
    found += _sensors(evidence)
    found += _tip(evidence, walk)
    found += _outcomes(evidence, walk)
    found.sort(key=lambda violation: violation.now_ns)
    return found[:MOST_VIOLATIONS]


def _sensors(evidence: Evidence) -> list[Violation]:
    """No edge while something stands that the firmware must have seen."""
    found = []
    edges = sorted(edge for edges in evidence.edges.values() for edge in edges)
    for fault, begin_ns, end_ns in lasted(evidence):
        name = fault.KIND + (f".{fault.sensor}" if isinstance(fault, v.SensorFault) else "")
        if name in promises.SEEN_BY_FIRMWARE and not (isinstance(fault, v.BusFault) and fault.bus):
            late = [edge for edge in edges if begin_ns + promises.SENSOR_NS < edge <= end_ns]
            if late:
                found.append(
                    Violation(
                        f"flow under {name}",
                        late[0],
                        f"{len(late)} edges, the first {(late[0] - begin_ns) / 1e6:.0f} ms after it began",
                    )
                )
    return found


def _tip(evidence: Evidence, walk: Walk) -> list[Violation]:
    """What left the tip lies in every interval that the device reported, while a dose is open and when it has ended."""
    found = []
    blind = [span for span in lasted(evidence) if span[0].KIND in promises.NOT_SUPERVISED]
    heard: set[typed.Message] = set()
    for told in evidence.told:
        report = told.message
        if not isinstance(report, typed.DoseState) or report in heard:
            continue  # an answer given again tells what was
        heard.add(report)
        begun = walk.accepted.get(report.dose_id)
        if (
            begun is None
            or not codes.DOSE_ACCEPTED <= report.state <= codes.DOSE_PARTIAL
            or told.now_ns < begun.now_ns
            or told.now_ns > _first_end_ns(walk, begun)
            or report.kind == codes.KIND_RESCUE  # the dose that it ended still relieves its pressure when it begins
        ):
            continue
        if any(first <= told.now_ns and last >= begun.now_ns for _, first, last in blind):
            continue
        tip_nl = told.tip_nl - begun.tip_nl
        least, most = report.patient_min_nl, report.patient_max_nl
        free_nl = min(max(told.fed_nl - begun.fed_nl, -promises.FREE_FLOW_NL), promises.FREE_FLOW_NL)
        lowest_nl = least + min(free_nl, 0.0) - promises.TIP_TOLERANCE_NL
        if not lowest_nl <= tip_nl <= most + max(free_nl, 0.0) + promises.TIP_TOLERANCE_NL:
            text = (
                f"dose {report.dose_id.hex()}: {least} to {most} nL reported to the patient, the tip had {tip_nl:.1f}"
            )
            found.append(Violation("volume to the patient", told.now_ns, text))
    return found


def _first_end_ns(walk: Walk, begun: Told) -> int:
    """Return when the dose was first said to have ended; what is said of it later was true then."""
    assert isinstance(begun.message, typed.DoseState)
    ended = walk.ended.get(begun.message.dose_id)
    return promises.NEVER_NS if ended is None else ended.now_ns


def _outcomes(evidence: Evidence, walk: Walk) -> list[Violation]:
    """What the host wrote down agrees with the pin."""
    found = []
    for row in evidence.outcomes:
        dose_id, outcome = row["dose_id"], row["outcome"]
        counted = walk.counted.get(bytes.fromhex(dose_id), 0)
        emitted = row.get("emitted_steps", 0)
        # What was asked and never answered for may be a rescue, which clears the line before.
        most_nl = row["asked_nl"] + (promises.CLEARING_NL if row["channel"] == codes.CHANNEL_COUNTER_AGENT else 0)
        wrong = {
            "delivered": counted != emitted,
            "partial": counted != emitted,
            "refused": counted > 0,
            "not_sent": counted > 0,
            "unknown": not emitted <= counted <= max(row.get("granted_steps", 0), most_nl * 1000 // promises.STEP_PL),
        }.get(outcome, True)
        if wrong:
            text = f"dose {dose_id} is {outcome} with {emitted} steps, the pin had {counted}"
            found.append(Violation("outcome", evidence.end_ns, text))
    return found


def lasted(evidence: Evidence) -> list[tuple[v.Fault, int, int]]:
    """Return every lasting fault that struck, with the instants at which it began and ended."""
    open_faults: list[Struck] = []
    found = []
    for struck in evidence.struck:
        if not isinstance(struck.fault, v.Lasting):
            continue
        if struck.begins:
            open_faults.append(struck)
            continue
        begun = next((other for other in open_faults if other.fault == struck.fault), None)
        if begun is not None:
            open_faults.remove(begun)
            found.append((begun.fault, begun.now_ns, struck.now_ns))
    return found + [(struck.fault, struck.now_ns, evidence.end_ns) for struck in open_faults]
