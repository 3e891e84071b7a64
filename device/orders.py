"""Orders in, doses out: a known id is answered from what is kept, a new one is judged and begins or is refused."""

from device.contents import PATIENT_LINE_NL
from device.dose_order import NO_ID, Order, OrderRules
from device.limits import volume_of
from device.lone_rescue import RATE_NL_S, volume_nl
from device.person import ACT_LONE_RESCUE, ACT_NONE, ACT_RESCUE
from device.refusals import Refusals
from protocol import codes

TYPE_CHECKING = False
if TYPE_CHECKING:
    from device.controller import Controller


class Orders:
    """Takes the values of DOSE_ORDER and gives those of DOSE_STATE."""

    def __init__(self, rules: "Controller", boot: bytes) -> None:
        self._rules = rules
        self._judge = OrderRules(rules, boot)
        self._refusals = Refusals()

    def order(self, values: tuple, session: bytes) -> tuple:
        """Judge an order and return the values of the answering DOSE_STATE.

        A known id is answered from what is stored and changes nothing; a refused one changes nothing either.
        """
        known = self.find(values[0])
        if known[1] != codes.DOSE_NOT_KNOWN:
            return known
        now_ms = self._rules.board.ticks_ms()
        order = Order(values)
        reason = self._judge.judge(order, session, now_ms)
        if reason == codes.REASON_NONE and not self._begin(order, now_ms):
            reason = codes.REASON_JOURNAL
        if reason == codes.REASON_NONE:
            return self._rules.dose.values(now_ms)
        refusal = _blank(order, codes.DOSE_REFUSED, reason, self._judge.nearest, now_ms)
        if order.dose_id != NO_ID:
            self._refusals.put(refusal)
        return refusal

    def find(self, dose_id: bytes) -> tuple:
        """Return the values of DOSE_STATE for any id: NOT_KNOWN when the device has no such dose.

        A dose is stopping until its outcome is durable: what was told as final stays so, whenever the power goes.
        """
        rules = self._rules
        now_ms = rules.board.ticks_ms()
        if dose_id == rules.dose.dose_id and dose_id != NO_ID:
            return self._durable(rules.dose.values(now_ms))
        record = rules.journal.find(dose_id)
        if record is not None:
            return self._durable(values_of(record))
        return self._refusals.get(dose_id) or _values(dose_id, codes.DOSE_NOT_KNOWN, 0, 0, 0, 0, 0, now_ms)

    def _durable(self, values: tuple) -> tuple:
        if values[1] <= codes.DOSE_STOPPING or not self._rules.journal.pending(values[0]):
            return values
        return values[:1] + (codes.DOSE_STOPPING,) + values[2:]

    def offer_rescue(self) -> None:
        """The foot switch was held: with no host to ask, offer a rescue; pressed once more, it begins."""
        rules = self._rules
        if not rules.conditions.link_is_lost() or rules.person.awaited != ACT_NONE:
            return
        if self._judge.judge_alone(self._lone_order()) == codes.REASON_NONE:
            rules.person.ask(ACT_LONE_RESCUE, (), rules.now_ms)
            rules.alarms.test(rules.now_ms)

    def rescue_alone(self) -> None:
        """Begin a rescue on a person's word alone, when nothing has come in its way since it was offered."""
        rules = self._rules
        order = self._lone_order()
        if self._judge.judge_alone(order) == codes.REASON_NONE and self._begin(order, rules.board.ticks_ms()):
            rules.person.forget()
            rules.dose.permit_by_person()

    def _lone_order(self) -> Order:
        """Return the order that nobody sent: an id of its own, behind the last dose, the amount at its worst."""
        rules = self._rules
        dose = rules.dose
        kept = rules.kept
        channel = codes.CHANNEL_COUNTER_AGENT
        open_nl = dose.values(rules.now_ms)[12] if dose.open() and dose.moves_agent else 0
        in_line_nl = min(rules.agent_in_line_nl(), PATIENT_LINE_NL)
        left_nl = rules.cartridges.available_nl(channel) - self._judge.clearing_nl(channel)
        amount_nl = volume_nl(kept.treatment, open_nl, in_line_nl, left_nl)
        return Order(
            (rules.board.random(8), rules.journal.last_dose_id, rules.boot, b"", 0, codes.KIND_RESCUE, channel)
            + (codes.PROFILE_CONSTANT, rules.cartridges.all[channel].lot, amount_nl, RATE_NL_S, RATE_NL_S)
            + (bytes(24), kept.treatment.id)
        )

    def judge_resume(self) -> int:
        """Return why the paused dose must not go on: a stop, a condition, a hold, or what its cartridge has become."""
        return self._judge.judge_resume()

    def _begin(self, order: Order, now_ms: int) -> bool:
        rules = self._rules
        dose = rules.dose
        if order.kind == codes.KIND_RESCUE:
            # In one step: the agent ends here, the counter-agent waits for nothing but its permit or a person.
            dose.end_for_rescue(now_ms)
            rules.set_valve()
        channel = order.channel
        calibration = rules.calibration
        calibration.began(order.last_dose_id)
        step_fl = calibration.step_fl(channel)
        dose.line.calibrate(
            step_fl,
            calibration.bore_error_ppm(channel),
            calibration.flow_gain_ppm(channel),
            calibration.flow_error_ppm(channel),
            rules.kept.account.play.left_nl(channel),
        )
        rules.supervision.calibrate(step_fl, calibration.flow_gain_ppm(channel))
        clear_nl = self._judge.clearing_nl(channel) if order.kind == codes.KIND_RESCUE else 0
        if not dose.accept(order, rules.board.steps[channel], clear_nl, step_fl, now_ms):
            return False
        if order.kind == codes.KIND_RESCUE:
            rules.person.ask(ACT_RESCUE, (order.dose_id,), now_ms)
        return True


def values_of(record: tuple) -> tuple:
    """Return the values of DOSE_STATE for a record of the journal."""
    return (
        (record[0], record[5], codes.REASON_NONE, record[6], record[3], record[4])
        + record[7:11]
        + (volume_of(record[9]),)
        + record[11:15]
        + (0, record[17])
    )


def _blank(order: Order, state: int, reason: int, nearest: int, now_ms: int) -> tuple:
    return _values(order.dose_id, state, reason, order.kind, order.channel, order.volume_nl, nearest, now_ms)


def _values(
    dose_id: bytes, state: int, reason: int, kind: int, channel: int, asked_nl: int, nearest: int, now_ms: int
) -> tuple:
    """Return the values of DOSE_STATE for a dose of which nothing was emitted."""
    return (dose_id, state, reason, 0, kind, channel, asked_nl, 0, 0, 0, 0, 0, 0, 0, 0, nearest, now_ms)
