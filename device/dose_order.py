"""Judges an order in a fixed order of checks: who asks, what is asked, the machine, the patient, the amount.

The first check that fails gives the reason; a refused order changes nothing. What a rescue has to pass instead of the
last two is in ``rescue``: its cartridge and its own ceilings, and nothing that speaks of the agent.
"""

from device import profile
from device.alarm_table import SCOPE_AGENT, SCOPE_ALWAYS, SCOPE_FLOWING, SCOPE_PATIENT
from device.clock import WRAP_MASK, ticks_diff
from device.contents import LINE_NL, PATIENT_LINE_NL
from device.dose_state import NO_ID
from device.interlocks import DENSITY, JOURNAL, LINK_LOST, MONITOR_HOLD, PERMIT_GONE, SELF_TEST, UNRESOLVED
from device.limits import MAX_DOSE_NL, MAX_EXPIRY_MS, MIN_DOSE_NL, asked_within, most_of
from device.permit import needs_permit
from device.rescue import Rescue, clearing_nl, preempts
from protocol import codes
from protocol.compat import const

TYPE_CHECKING = False
if TYPE_CHECKING:
    from device.controller import Controller

# A line that holds more than this beyond the error of the reading is not relieved yet.
_RELIEVED_PA = const(500)
# The reasons of the conditions that have one of their own, in the order in which they are told.
_REASONS = (
    (SELF_TEST, codes.REASON_SELF_TEST),
    (JOURNAL, codes.REASON_JOURNAL),
    (MONITOR_HOLD, codes.REASON_HOLD),
    (UNRESOLVED, codes.REASON_UNRESOLVED),
    (DENSITY, codes.REASON_DENSITY),
)
# What paused the dose and is over as soon as it goes on.
_ENDS_WITH_THE_PAUSE = LINK_LOST | PERMIT_GONE


class Order:
    """What a DOSE_ORDER says, and what follows from it where the line stands as it does. Allocates."""

    def __init__(self, values: tuple) -> None:
        self.dose_id = values[0]
        self.last_dose_id = values[1]
        self.boot = values[2]
        self.session = values[3]
        self.expires_ms = values[4]
        self.kind = values[5]
        self.channel = values[6]
        self.profile = values[7]
        self.lot = values[8]
        self.volume_nl = values[9]
        self.treatment = values[13]
        self.pieces = profile.pieces_of(values[7], values[9], values[10], values[11], values[12])
        self.to_patient = codes.KIND_DOSE <= values[5] <= codes.KIND_RESCUE
        # Agent that may leave the tip, at most, and whether the dose flows under a permit.
        self.agent_nl = 0
        self.by_permit = False


class OrderRules:
    """Judges orders; ``nearest`` is the nearest allowed value of what was refused."""

    def __init__(self, rules: "Controller", boot: bytes) -> None:
        self._rules = rules
        self._boot = boot
        self._rescue = Rescue()
        self.nearest = 0

    def judge(self, order: Order, session: bytes, now_ms: int) -> int:
        """Return the first reason to refuse, REASON_NONE when there is none."""
        self.nearest = 0
        reason = self._judge_identity(order, session, now_ms) or self._judge_sense(order)
        if reason:
            return reason
        if order.kind == codes.KIND_RESCUE:
            return self._judge_rescue(order)
        reason = self._judge_machine(order)
        if reason:
            return reason
        return self._judge_patient(order, now_ms) if order.to_patient else self._judge_amount(order, now_ms)

    def judge_alone(self, order: Order) -> int:
        """Return why a rescue that a person at the rig asks for, and no host, must not begin."""
        return self._judge_sense(order) or self._judge_rescue(order)

    def clearing_nl(self, channel: int) -> int:
        """Return what a rescue from ``channel`` pushes to the waste first, nL; the most while agent still flows."""
        rules = self._rules
        kept = rules.kept
        flows = rules.dose.open() and rules.dose.moves_agent
        behind_nl = LINE_NL - PATIENT_LINE_NL if flows else kept.contents.behind_valve_nl
        error_ppm = rules.calibration.bore_error_ppm(channel)
        return clearing_nl(behind_nl, kept.account.play.left_nl(channel), error_ppm)

    def judge_resume(self) -> int:
        """Return why the paused dose must not go on."""
        rules = self._rules
        dose = rules.dose
        latches = rules.latches
        situation = SCOPE_ALWAYS | SCOPE_FLOWING
        if dose.to_patient:
            situation |= SCOPE_PATIENT
        if dose.moves_agent:
            situation |= SCOPE_AGENT
        stopped = latches.machine_cause if dose.kind == codes.KIND_RESCUE else latches.stop_cause
        if stopped != codes.CAUSE_NONE:
            return codes.REASON_STOPPED
        reason = self._reason_of(rules.interlocks.forbids(situation) & ~_ENDS_WITH_THE_PAUSE)
        if reason or not dose.to_patient:
            return reason
        # What it needs was there when it was accepted, and is taken from the cartridge when it ends.
        return rules.cartridges.judge(dose.channel, dose.lot, rules.kept.treatment.day, MIN_DOSE_NL)

    def situation_of(self, order: Order) -> int:
        """Return what the order would make go on, SCOPE_ bits."""
        situation = SCOPE_ALWAYS | SCOPE_FLOWING
        if order.to_patient:
            situation |= SCOPE_PATIENT
        if order.kind != codes.KIND_RESCUE and order.agent_nl:
            situation |= SCOPE_AGENT
        return situation

    def _judge_identity(self, order: Order, session: bytes, now_ms: int) -> int:
        if order.dose_id == NO_ID:
            return codes.REASON_ID
        if order.boot != self._boot:
            return codes.REASON_BOOT
        if order.session != session:
            return codes.REASON_SESSION
        if order.expires_ms > WRAP_MASK:
            return codes.REASON_EXPIRY_TOO_FAR
        left_ms = ticks_diff(order.expires_ms, now_ms)
        if left_ms <= 0:
            return codes.REASON_EXPIRED
        if left_ms > MAX_EXPIRY_MS:
            self.nearest = (now_ms + MAX_EXPIRY_MS) & WRAP_MASK
            return codes.REASON_EXPIRY_TOO_FAR
        return codes.REASON_NONE

    def _judge_sense(self, order: Order) -> int:
        """Judge what is wrong with an order whatever the rig is doing; learn how much agent it would move."""
        if not codes.KIND_DOSE <= order.kind <= codes.KIND_CALIBRATE:
            return codes.REASON_KIND
        only = {codes.KIND_SCREENING: codes.CHANNEL_AGENT, codes.KIND_RESCUE: codes.CHANNEL_COUNTER_AGENT}
        if order.channel != only.get(order.kind, order.channel) or order.channel > codes.CHANNEL_FLUSH:
            return codes.REASON_CHANNEL
        reason, nearest = profile.judge(order.profile, order.pieces)
        if reason in (codes.REASON_PROFILE, codes.REASON_SEGMENT):
            self.nearest = nearest
            return reason
        if order.to_patient:
            contents = self._rules.kept.contents
            most_nl = most_of(min(order.volume_nl, codes.UNKNOWN_NL))
            agent = order.channel == codes.CHANNEL_AGENT
            order.agent_nl = most_nl if agent else contents.leaving(order.channel, most_nl)
            order.by_permit = order.kind == codes.KIND_RESCUE or needs_permit(
                order.kind, order.channel, contents.agent_in_line_nl
            )
        return codes.REASON_NONE

    def _judge_machine(self, order: Order) -> int:
        rules = self._rules
        if rules.service:
            return codes.REASON_SERVICE
        if rules.latches.stop_cause != codes.CAUSE_NONE:
            return codes.REASON_STOPPED
        if rules.dose.open():
            waste = not order.to_patient and rules.dose.valve_patient
            return codes.REASON_VALVE if waste else codes.REASON_BUSY
        if rules.journal.pending(rules.dose.dose_id):
            return codes.REASON_BUSY
        if order.last_dose_id != rules.journal.last_dose_id:
            return codes.REASON_LAST_DOSE
        reason = self._judge_conditions(order)
        if reason:
            return reason
        pressure = rules.pressure
        if pressure.settled_pa > _RELIEVED_PA + pressure.settled_error_pa():
            return codes.REASON_LINE_PRESSURE
        return codes.REASON_NONE

    def _judge_conditions(self, order: Order) -> int:
        """Return the reason that a standing condition of the alarm table gives."""
        if order.to_patient and self._rules.selftest.judge(order.agent_nl > 0):
            return codes.REASON_SELF_TEST
        return self._reason_of(self._rules.interlocks.forbids(self.situation_of(order)))

    def _reason_of(self, standing: int) -> int:
        for condition, reason in _REASONS:
            if standing & condition:
                return reason
        return codes.REASON_INTERLOCK if standing else codes.REASON_NONE

    def _judge_patient(self, order: Order, now_ms: int) -> int:
        rules = self._rules
        treatment = rules.kept.treatment
        reason = treatment.judge_order(order.kind, order.treatment)
        if reason == codes.REASON_NONE and order.agent_nl:
            reason = treatment.judge_agent(order.kind, order.channel, order.agent_nl)
        if reason == codes.REASON_NONE and order.channel == codes.CHANNEL_AGENT:
            reason = rules.suspension.judge()
        return reason or self._judge_cartridge(order) or self._judge_amount(order, now_ms)

    def _judge_cartridge(self, order: Order) -> int:
        rules = self._rules
        # More than any dose may be is refused by its ceiling, whatever is left in the cartridge.
        need_nl = most_of(min(order.volume_nl, MAX_DOSE_NL))
        clear_nl = self.clearing_nl(order.channel) if order.kind == codes.KIND_RESCUE else 0
        reason = rules.cartridges.judge(order.channel, order.lot, rules.kept.treatment.day, need_nl + clear_nl)
        self.nearest = asked_within(rules.cartridges.nearest - clear_nl)
        return reason

    def _judge_amount(self, order: Order, now_ms: int) -> int:
        kept = self._rules.kept
        account = kept.account
        ceilings = kept.ceilings
        if order.to_patient:
            intervals = account.intervals
            reason = intervals.judge(order.channel, now_ms)
            if reason:
                self.nearest = intervals.nearest
                return reason
        elif order.treatment != NO_ID:
            return codes.REASON_TREATMENT
        reason = ceilings.judge(
            order.kind,
            order.channel,
            order.volume_nl,
            profile.highest_rate(order.pieces),
            order.agent_nl,
            kept.treatment,
            account.window.in_window(now_ms, ceilings.window_s),
        )
        self.nearest = ceilings.nearest
        return reason or self._judge_rates(order)

    def _judge_rates(self, order: Order) -> int:
        """Judge every piece of the profile against what the pump can do."""
        reason, self.nearest = profile.judge(order.profile, order.pieces)
        return reason

    def _judge_rescue(self, order: Order) -> int:
        rules = self._rules
        if rules.dose.open() and not preempts(rules.dose.kind):
            return codes.REASON_BUSY
        if order.last_dose_id != rules.journal.last_dose_id:
            return codes.REASON_LAST_DOSE
        kept = rules.kept
        rescue = self._rescue
        reason = kept.treatment.judge_order(order.kind, order.treatment)
        if reason == codes.REASON_TREATMENT:
            return reason
        cartridge = self._judge_cartridge(order)
        reason = rescue.judge(
            order.channel,
            rules.service,
            rules.latches.machine_cause or rules.latches.stop_cause,
            rules.interlocks.forbids(self.situation_of(order)),
            kept.treatment.is_open(),
            cartridge,
            order.volume_nl,
            profile.highest_rate(order.pieces),
            kept.treatment.rescue_max_nl,
        )
        if reason != codes.REASON_RESERVOIR:
            self.nearest = rescue.nearest
        return reason or self._judge_rates(order)
