"""What a dose is and how far it has come: order, state, steps and volumes. How it goes on is in ``dose``."""

from device.limits import MAX_RATE_NL_S, steps_of, volume_of
from protocol import codes
from protocol.compat import const

TYPE_CHECKING = False
if TYPE_CHECKING:
    from device.account import Account
    from device.boards.interface import StepGenerator
    from device.dose_order import Order
    from device.drivers.flow import FlowSensor
    from device.drivers.pressure import PressureSensor
    from device.line import LineAccount
    from device.permit import PermitGate
    from device.pump import Pump

NO_ID = b"\x00" * 8
# Before any moment of the clock.
NEVER = const(-1)


class DoseState:
    """The running or last dose. Volumes in nL, times in ms of the device's clock."""

    def __init__(
        self,
        pump: "Pump",
        line: "LineAccount",
        pressure: "PressureSensor",
        flow: "FlowSensor",
        gate: "PermitGate",
        account: "Account",
    ) -> None:
        self.pump = pump
        self.line = line
        self._pressure = pressure
        self._flow = flow
        self._gate = gate
        self._account = account
        self._since_ms = 0
        # When the pressure was low enough first, after the state was entered; 0 for not yet.
        self._low_ms = 0
        self._permitted_ms = NEVER
        self._valving = False
        # The first steps of a rescue clear the line to the waste; while the valve turns after them, nothing moves.
        self._clear_steps = 0
        # What had left when the supply was last there, while it is not; -1 while it is.
        self._dip_from = -1
        self._turning = False
        # What the pump pushed in the last tick: whoever halts it first leaves the line's account to the dose.
        self._inflow_nl_s = 0
        self.dose_id = NO_ID
        self.treatment = NO_ID
        self.lot = NO_ID
        self.kind = 0
        self.channel = 0
        self.state = codes.DOSE_NOT_KNOWN
        self.cause = codes.CAUSE_NONE
        self.asked_nl = 0
        self.to_patient = False
        self.needs_permit = False
        self.moves_agent = False
        self.valve_patient = False

    def open(self) -> bool:
        """Whether the dose has not ended yet."""
        return codes.DOSE_ACCEPTED <= self.state <= codes.DOSE_STOPPING

    def active(self) -> bool:
        """Whether liquid may move on behalf of the dose."""
        return codes.DOSE_ACCEPTED <= self.state <= codes.DOSE_STOPPING and self.state != codes.DOSE_PAUSED

    def to_tip(self) -> bool:
        """Whether the next step goes to the patient, and not to the waste to clear the line."""
        return self.to_patient and self.pump.emitted_steps >= self._clear_steps

    def powered(self) -> bool:
        """Whether motor and valve want their supply."""
        state = self.state
        if state == codes.DOSE_ACCEPTED:
            return self._valving
        # Not looked for in a tuple, which would be allocated.
        return codes.DOSE_RUNNING <= state <= codes.DOSE_PAUSING or state == codes.DOSE_SETTLING

    def supplied(self, up: bool) -> None:
        """Motor and valve have their supply now, or not.

        What left since they last had it may have moved nothing, and the valve may have stood on waste.
        """
        if up:
            self._doubt(self.pump.granted_steps)
        elif self._dip_from < 0:
            self._dip_from = self.pump.emitted_steps
            if self.valve_patient:
                pressure = self._pressure
                self.line.interrupted(pressure.pa, pressure.error_pa(), self._inflow_nl_s)

    def unsupplied(self) -> bool:
        """Whether the supply was away when it was last looked at."""
        return self._dip_from >= 0

    def _doubt(self, steps: int) -> None:
        """Doubt what left since the supply was last there, up to ``steps``."""
        if self._dip_from >= 0:
            self.line.doubt(steps - self._dip_from)
            self._dip_from = -1

    def rate_nl_s(self) -> int:
        """Return the rate commanded now, in nL/s."""
        return self.pump.rate_nl_s if self.pump.running else 0

    def accept(self, order: "Order", generator: "StepGenerator", clear_nl: int, step_fl: int, now_ms: int) -> bool:
        """Take an order that was judged good; nothing moves before the journal holds it. False when it does not.

        ``clear_nl`` go to the waste first, on top of what is ordered.
        """
        self._clear_steps = steps_of(clear_nl, step_fl)
        steps = self._clear_steps + steps_of(order.volume_nl, step_fl)
        pieces = order.pieces
        if clear_nl:
            pieces = [(clear_nl, MAX_RATE_NL_S, MAX_RATE_NL_S)] + pieces
        self.dose_id = order.dose_id
        self.treatment = order.treatment
        self.lot = order.lot
        self.kind = order.kind
        self.channel = order.channel
        self.asked_nl = order.volume_nl
        self.to_patient = order.to_patient
        self.needs_permit = order.by_permit
        self.moves_agent = order.agent_nl > 0 and order.kind != codes.KIND_RESCUE
        self.cause = codes.CAUSE_NONE
        self._gate.drop()
        self.pump.load(generator, pieces, steps, step_fl)
        self.line.open(self.to_patient, self._clear_steps)
        self._dip_from = -1
        self._wait(now_ms)
        if self._account.accepted(self, now_ms):
            return True
        self.state = codes.DOSE_REFUSED
        return False

    def _wait(self, now_ms: int) -> None:
        """Wait for journal, permit and valve."""
        self._valving = False
        self._permitted_ms = NEVER
        self._enter(codes.DOSE_ACCEPTED, now_ms)

    def _enter(self, state: int, now_ms: int) -> None:
        self.state = state
        self._since_ms = now_ms
        self._low_ms = 0
        self._turning = False

    def _pushed_nl(self, steps: int) -> int:
        return self.line.pushed(steps)[1] if steps > 0 else 0

    def values(self, now_ms: int) -> tuple:
        """Return the values of DOSE_STATE for the running or last dose.

        While the dose is open, its volume to the patient lies between nothing and everything granted.
        """
        pump = self.pump
        line = self.line
        if self.open():
            most_nl = self._pushed_nl(pump.granted_steps)
            patient_nl = self._pushed_nl(pump.granted_steps - self._clear_steps) if self.to_patient else 0
            volumes = (0, patient_nl, 0, most_nl)
        else:
            volumes = (line.patient_min_nl, line.patient_max_nl, line.waste_min_nl, line.waste_max_nl)
        return (
            self.dose_id,
            self.state,
            codes.REASON_NONE,
            self.cause,
            self.kind,
            self.channel,
            self.asked_nl,
            pump.asked_steps,
            pump.emitted_steps,
            pump.granted_steps,
            volume_of(pump.emitted_steps),
            volumes[0],
            volumes[1],
            volumes[2],
            volumes[3],
            0,
            now_ms,
        )
