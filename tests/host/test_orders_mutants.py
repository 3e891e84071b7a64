"""Planted defects in the order rules: the model of any order of events has to catch every one of them."""

import os
import random
from collections.abc import Callable
from dataclasses import replace

import pytest

from host import order_events, orders
from host.order_events import Action, Event
from host.orders import OrderMachine, OrderState
from host.records import Order, OutcomeKind, final_record, zero_record
from protocol import codes
from tests.host.test_orders_model import MAX_KILLS, MAX_LOSSES, MAX_RESTARTS, OrderWorld

Rule = Callable[[OrderMachine, Event, int], list[Action]]

WALKS = 20_000
STEPS = 40


class Chance:
    """Draws for a rule what Hypothesis would draw; a plain walk is a hundred times faster, and misses nothing here."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)

    def coin(self) -> bool:
        return self._random.random() < 0.5

    def below(self, bound: int) -> int:
        return self._random.randrange(bound)


def steps_of(world: OrderWorld, chance: Chance) -> list[Callable[[], object]]:
    """Return what can happen next."""
    device = world.device
    possible: list[tuple[bool, Callable[[], object]]] = [
        (world.writing, lambda: world.intent_is_written(worked=chance.below(8) > 0)),
        (world.machine is not None and world.kills < MAX_KILLS, lambda: world.host_is_killed(durable=chance.coin())),
        (world.machine is None and world.intent, world.host_starts_again),
        (world.machine is not None, lambda: world.time_passes(chance.below(6000))),
        (world.link_up, world.nobody_answers),
        (world.link_up and world.losses < MAX_LOSSES, world.link_is_lost),
        (not world.link_up and world.machine is not None, world.link_is_back),
        # What goes over the wire comes more often than the rest: it is what orders meet.
        *[(bool(world.to_device), lambda: world.at_device(*world.to_device.pop(chance.below(len(world.to_device)))))]
        * 3,
        (bool(world.to_device), world.a_frame_to_the_device_is_lost),
        *[(bool(world.to_host), world.an_answer_reaches_the_host)] * 3,
        (bool(world.to_host), world.an_answer_is_lost),
        (device.dose is not None and not device.dose.final, lambda: world.dose_ends(chance.below(179), told=True)),
        (
            device.dose is not None and device.dose.state == codes.DOSE_ACCEPTED,
            lambda: world.dose_begins_to_flow(told=chance.coin()),
        ),
        (
            device.boot <= MAX_RESTARTS,
            lambda: world.device_restarts(journal=chance.coin(), accepted=chance.coin()),
        ),
        (not world.link_up, lambda: world.the_journal_can_be_read(read=chance.coin())),
    ]
    return [step for allowed, step in possible if allowed]


def walk(seed: int) -> None:
    """Let one world go its way, and check it after every step."""
    chance = Chance(seed)
    world = OrderWorld()
    world.order(start_ms=0)
    for _ in range(STEPS):
        steps = steps_of(world, chance)
        if not steps:
            break  # the host was killed before anything was written down
        steps[chance.below(len(steps))]()
        world.nothing_runs_twice()
        world.the_order_is_sent_once_at_most()
        world.nothing_is_called_harmless_that_ran()
        world.what_is_told_is_what_happened()
        world.what_nobody_knows_is_closed_by_nobody()
    world.teardown()


def walk_many(seed: int, walks: int) -> None:
    for number in range(walks):
        walk(seed + number)


def assert_caught(seed: int) -> None:
    with pytest.raises(AssertionError):
        walk_many(seed, WALKS)


def sends_again_after_a_lost_link(machine: OrderMachine, event: Event, now_ms: int) -> list[Action]:
    actions = OrderMachine._link_back(machine, event, now_ms)
    return [order_events.Send(machine.order) if isinstance(action, order_events.Ask) else action for action in actions]


def sends_before_the_intent_is_durable(machine: OrderMachine, event: Event, now_ms: int) -> list[Action]:
    return [*OrderMachine._begin(machine, event, now_ms), order_events.Send(machine.order)]


def sends_although_the_intent_failed(machine: OrderMachine, event: Event, now_ms: int) -> list[Action]:
    return OrderMachine._intent_durable(machine, event, now_ms)


def calls_a_timeout_not_sent(machine: OrderMachine, event: Event, now_ms: int) -> list[Action]:
    actions = OrderMachine._due(machine, event, now_ms)
    if actions and isinstance(actions[0], order_events.WriteOutcome):
        return [order_events.WriteOutcome(zero_record(machine.order, OutcomeKind.NOT_SENT, ""))]
    return actions


def ends_not_known_as_not_sent(machine: OrderMachine, event: Event, now_ms: int) -> list[Action]:
    assert isinstance(event, order_events.Told)
    if event.report.state == codes.DOSE_NOT_KNOWN and machine.state is OrderState.ASKING:
        return machine._finish(zero_record(machine.order, OutcomeKind.NOT_SENT, ""))
    return OrderMachine._told(machine, event, now_ms)


def writes_an_outcome_for_every_report(machine: OrderMachine, event: Event, now_ms: int) -> list[Action]:
    actions = OrderMachine._told(machine, event, now_ms)
    if machine.state is OrderState.DONE:
        machine.state = OrderState.ACTIVE
    return actions


def believes_in_delivery(machine: OrderMachine, event: Event, now_ms: int) -> list[Action]:
    assert isinstance(event, order_events.Told)
    if event.report.state == codes.DOSE_RUNNING:
        return machine._finish(zero_record(machine.order, OutcomeKind.DELIVERED, ""))
    return OrderMachine._told(machine, event, now_ms)


def takes_the_devices_unknown_for_the_truth(machine: OrderMachine, event: Event, now_ms: int) -> list[Action]:
    assert isinstance(event, order_events.Told)
    if event.report.state == codes.DOSE_UNKNOWN and machine.state is OrderState.UNKNOWN:
        return machine._finish(final_record(machine.order, event.report))
    return OrderMachine._told(machine, event, now_ms)


def takes_the_devices_unknown_for_partial(machine: OrderMachine, event: Event, now_ms: int) -> list[Action]:
    assert isinstance(event, order_events.Told)
    if event.report.state == codes.DOSE_UNKNOWN:
        event = order_events.Told(replace(event.report, state=codes.DOSE_PARTIAL, emitted_steps=90))
    return OrderMachine._told(machine, event, now_ms)


def takes_every_restart_for_a_proof(machine: OrderMachine, event: Event, now_ms: int) -> list[Action]:
    assert isinstance(event, order_events.LinkBack)
    return OrderMachine._link_back(machine, replace(event, never_ran=True), now_ms)


def believes_the_journal_in_nothing(machine: OrderMachine, event: Event, now_ms: int) -> list[Action]:
    assert isinstance(event, order_events.LinkBack)
    return OrderMachine._link_back(machine, replace(event, never_ran=False), now_ms)


def forgets_to_ask(machine: OrderMachine, event: Event, now_ms: int) -> list[Action]:
    OrderMachine._link_back(machine, event, now_ms)
    return []


MUTANTS: list[tuple[type[Event], Rule]] = [
    (order_events.LinkBack, sends_again_after_a_lost_link),
    (order_events.Begin, sends_before_the_intent_is_durable),
    (order_events.IntentFailed, sends_although_the_intent_failed),
    (order_events.Due, calls_a_timeout_not_sent),
    (order_events.Told, ends_not_known_as_not_sent),
    (order_events.Told, writes_an_outcome_for_every_report),
    (order_events.Told, believes_in_delivery),
    (order_events.Told, takes_the_devices_unknown_for_the_truth),
    (order_events.Told, takes_the_devices_unknown_for_partial),
    (order_events.LinkBack, forgets_to_ask),
    (order_events.LinkBack, takes_every_restart_for_a_proof),
    (order_events.LinkBack, believes_the_journal_in_nothing),
]


@pytest.fixture
def seed() -> int:
    return int(os.environ["NANORIG_SEED"])


@pytest.mark.req("LEDGER-3", "LEDGER-5")
def test_without_a_defect_every_walk_is_clean(seed: int) -> None:
    walk_many(seed, WALKS // 10)


@pytest.mark.req("LEDGER-3")
@pytest.mark.parametrize(("event", "rule"), MUTANTS, ids=lambda value: value.__name__)
def test_the_model_catches(event: type[Event], rule: Rule, monkeypatch: pytest.MonkeyPatch, seed: int) -> None:
    monkeypatch.setitem(orders._RULES, event, rule)
    assert_caught(seed)


@pytest.mark.req("LEDGER-3")
def test_the_model_catches_an_expiry_that_is_not_waited_for(monkeypatch: pytest.MonkeyPatch, seed: int) -> None:
    monkeypatch.setattr(Order, "expired_at", lambda self, uptime_ms: True)
    assert_caught(seed)


@pytest.mark.req("LEDGER-3")
def test_the_model_catches_another_boot_taken_for_the_same(monkeypatch: pytest.MonkeyPatch, seed: int) -> None:
    original = OrderMachine._link_back

    def same_boot(machine: OrderMachine, event: Event, now_ms: int) -> list[Action]:
        assert isinstance(event, order_events.LinkBack)
        return original(machine, replace(event, boot=machine.order.boot), now_ms)

    monkeypatch.setitem(orders._RULES, order_events.LinkBack, same_boot)
    assert_caught(seed)
