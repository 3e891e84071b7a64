"""Values of STATUS, and of the state that it shares with TELEMETRY, in the order of their declaration."""

from device.limits import MAX_DOSE_NL, MAX_RATE_NL_S, MAX_TOTAL_NL
from device.person import ACT_NONE
from protocol import codes

TYPE_CHECKING = False
if TYPE_CHECKING:
    from device.controller import Controller


def state_values(controller: "Controller") -> tuple:
    """Return the values that STATUS and TELEMETRY begin with."""
    dose = controller.dose
    inputs = controller.inputs
    if dose.valve_patient:
        inputs |= codes.INPUT_VALVE_PATIENT
    if controller.person.awaited != ACT_NONE:
        inputs |= codes.INPUT_PERSON_AWAITED
    paused = codes.DOSE_PAUSING <= dose.state <= codes.DOSE_PAUSED
    return (
        controller.now_ms,
        controller.device_state(),
        controller.latches.stop_cause,
        dose.cause if paused else codes.CAUSE_NONE,
        inputs,
        _faults(controller),
    )


def _faults(controller: "Controller") -> int:
    """Return the FAULT_ bits."""
    journal = codes.FAULT_FRAM | codes.FAULT_JOURNAL if controller.journal.faulty else 0
    return controller.sensors.faults() | journal


def status_values(controller: "Controller", reason: int) -> tuple:
    """Return the values of STATUS with the reason why the request was refused."""
    dose = controller.dose
    kept = controller.kept
    return state_values(controller) + (
        reason,
        dose.dose_id,
        controller.orders.find(dose.dose_id)[1],
        controller.latches.hold_cause,
        kept.first_unresolved(),
        controller.board.reset_cause(),
        controller.journal.last_fault,
        controller.journal.last_state,
        controller.selftest.bits,
        kept.account.total_nl,
        MAX_DOSE_NL,
        MAX_RATE_NL_S,
        MAX_TOTAL_NL,
        kept.pressure_limit.pa,
        controller.latches.stored_nl,
    )
