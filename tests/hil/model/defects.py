"""Defects planted in the firmware of this process, and the promises of which the model must see one broken."""

from collections.abc import Callable
from dataclasses import dataclass

import device.dose_order
import device.rescue
from device.account import Account
from device.authority import Authority
from device.ceilings import Ceilings
from device.conditions import Conditions
from device.controller import Controller
from device.dose import DoseMachine
from device.interlocks import UNRESOLVED
from device.journal import Journal
from device.latches import Latches
from device.orders import Orders
from device.permit import PermitGate, needs_permit
from device.person import ACT_NONE, Person
from device.window import Window
from protocol import codes


@dataclass(frozen=True)
class Defect:
    """What is wrong, and of which violations one must be found.

    ``seed``: of examples among which it is found within some ten steps; those of any other seed find it later.
    """

    plant: Callable
    rules: tuple[str, ...]
    seed: int | None = None

    @property
    def name(self) -> str:
        return self.plant.__name__


def the_permit_never_expires(patch):
    patch.setattr(PermitGate, "left_ms", lambda self, now_ms: 2_000 if self._held else 0)


def the_volume_of_a_permit_is_ignored(patch):
    offer = PermitGate.offer

    def generous(self, *arguments):
        reason = offer(self, *arguments)
        if reason == codes.REASON_NONE:
            self.step_limit = 1 << 28
        return reason

    patch.setattr(PermitGate, "offer", generous)


def a_permit_is_heard_again_and_again(patch):
    """An old permit counts from what was emitted when it is said again."""
    check = Authority.check

    def forgetful(self, slot, number, body, length):
        self._heard[slot] = -1
        return check(self, slot, number, body, length)

    patch.setattr(Authority, "check", forgetful)


def any_tag_will_do(patch):
    patch.setattr("device.authority.differ", lambda tag, body, at: False)


def agent_goes_through_flush_without_a_permit(patch):
    needs = needs_permit
    patch.setattr(
        device.dose_order,
        "needs_permit",
        lambda kind, channel, in_line: channel != codes.CHANNEL_FLUSH and needs(kind, channel, in_line),
    )


def the_window_forgets_what_is_unknown(patch):
    """Of the treatment's total it knows, so that only the window is too wide."""
    patch.setattr(Window, "age_zero", lambda self, volume_nl, now_ms: None)
    count = Account._count

    def forgetful(self, record, agent_nl):
        add, self.window.add = self.window.add, lambda now_ms, nl: None
        try:
            count(self, record, 0 if record[5] == codes.DOSE_UNKNOWN else agent_nl)
        finally:
            self.window.add = add
        if record[5] != codes.DOSE_UNKNOWN:
            self.window.add(self._now_ms, agent_nl)

    patch.setattr(Account, "_count", forgetful)


def a_total_is_lost_with_the_power(patch):
    load = Account.load
    patch.setattr(
        Account, "load", lambda self, totals, line, window_nl, now_ms: load(self, [], line, window_nl, now_ms)
    )


def the_ceiling_of_a_treatment_is_ignored(patch):
    judge_left = Ceilings._judge_left

    def lenient(self, counts_nl, left_nl, reason, error_ppm):
        if reason != codes.REASON_TOTAL_HIGH:
            judge_left(self, counts_nl, left_nl, reason, error_ppm)

    patch.setattr(Ceilings, "_judge_left", lenient)


def a_stop_is_cleared_without_anybody(patch):
    def tick(self, pressed, now_ms):
        act, self.awaited = self.awaited, ACT_NONE
        return act

    patch.setattr(Person, "tick", tick)


def a_foot_that_was_there_before_counts(patch):
    tick = Person.tick

    def careless(self, pressed, now_ms):
        self._released = True
        return tick(self, pressed, now_ms)

    patch.setattr(Person, "tick", careless)


def a_stop_does_not_outlive_the_power(patch):
    patch.setattr(Latches, "unpack", lambda self, octets: None)


def a_hold_lets_the_dose_go_on(patch):
    def hold(self, cause):
        self.latches.hold(cause)

    patch.setattr(Controller, "hold", hold)
    patch.setattr("device.alarm_table.ACTING", (0,) * 16)
    patch.setattr("device.interlocks.ACTING", (0,) * 16)


def an_unknown_dose_keeps_nothing(patch):
    find = Conditions._find_slow
    patch.setattr(Conditions, "_find_slow", lambda self: find(self) & ~UNRESOLVED)


def an_id_is_forgotten_with_the_power(patch):
    patch.setattr(Journal, "find", lambda self, dose_id: None)


def an_outcome_is_told_before_it_is_kept(patch):
    patch.setattr(Journal, "pending", lambda self, dose_id: False)


def a_known_id_runs_again(patch):
    find = Orders.find

    def order(self, values, session):
        self.find = lambda dose_id: find(self, bytes(8))
        try:
            return begin(self, (values[0], self._rules.journal.last_dose_id, *values[2:]), session)
        finally:
            del self.find

    begin = Orders.order
    patch.setattr(Orders, "order", order)


def a_hold_keeps_the_rescue(patch):
    patch.setattr(device.rescue, "_NOT_IN_THE_WAY", (codes.CAUSE_NONE,))


def an_unknown_dose_keeps_the_rescue(patch):
    judge = device.dose_order.OrderRules._judge_rescue

    def careful(self, order):
        return codes.REASON_UNRESOLVED if self._rules.kept.unresolved else judge(self, order)

    patch.setattr(device.dose_order.OrderRules, "_judge_rescue", careful)


def a_paused_dose_goes_on_by_itself(patch):
    tick = DoseMachine.tick

    def restless(self, now_ms, *rest):
        if self.state == codes.DOSE_PAUSED:
            self.resume(now_ms)
        return tick(self, now_ms, *rest)

    patch.setattr(DoseMachine, "tick", restless)


def the_door_is_left_to_the_hardware(patch):
    """Nobody looks at it, and what SAFE has cut is no stop."""
    observe = Controller._observe

    def blind(self):
        inputs = self.board.inputs
        self.board.inputs = lambda: inputs() | 0x0B
        try:
            observe(self)
        finally:
            self.board.inputs = inputs

    def revive(self):
        self.board.clear_trip()

    patch.setattr(Controller, "_observe", blind)
    patch.setattr(Controller, "tripped", revive)


AGENT = ("agent without a permit", "faster than the permit")
PERSON = ("edges after a stop", "edges after a hold", "edges of agent while", "rescue without permit or person")
DEFECTS = (
    Defect(the_permit_never_expires, AGENT, seed=3),
    Defect(the_volume_of_a_permit_is_ignored, AGENT, seed=4),
    Defect(a_permit_is_heard_again_and_again, AGENT, seed=16),
    Defect(any_tag_will_do, (*AGENT, *PERSON, "treatment or ceilings without a person", "edges after"), seed=5),
    Defect(agent_goes_through_flush_without_a_permit, AGENT, seed=23),
    Defect(the_window_forgets_what_is_unknown, ("counted too little: window", "ceiling: agent in the window"), seed=5),
    Defect(a_total_is_lost_with_the_power, ("counted too little",), seed=3),
    Defect(the_ceiling_of_a_treatment_is_ignored, ("ceiling:",), seed=12),
    Defect(
        a_stop_is_cleared_without_anybody,
        (*PERSON, "edges after", "treatment or ceilings without a person"),
        seed=1,
    ),
    Defect(
        a_foot_that_was_there_before_counts, (*PERSON, "edges after", "treatment or ceilings without a person"), seed=9
    ),
    Defect(a_stop_does_not_outlive_the_power, ("edges after",), seed=17),
    Defect(a_hold_lets_the_dose_go_on, ("edges after a hold", *AGENT)),
    Defect(an_unknown_dose_keeps_nothing, ("edges of agent while",), seed=3),
    Defect(an_id_is_forgotten_with_the_power, ("an id forgotten",), seed=3),
    Defect(an_outcome_is_told_before_it_is_kept, ("an outcome changed",), seed=8),
    Defect(
        a_known_id_runs_again, ("an ended dose goes on", "edges", "an outcome changed", "two doses at once"), seed=10
    ),
    Defect(a_hold_keeps_the_rescue, ("a rescue is refused",), seed=15),
    Defect(an_unknown_dose_keeps_the_rescue, ("a rescue is refused",), seed=16),
    Defect(
        a_paused_dose_goes_on_by_itself,
        ("edges after a pause", "agent without a permit", "flow without a link"),
        seed=3,
    ),
    Defect(the_door_is_left_to_the_hardware, ("edges",), seed=2),
)
