"""Host, device or both are ended at every step of an order: a sample of the sweep, and defects that it has to find."""

from collections.abc import Callable
from typing import Any

import pytest

from hil.pytest_plugin import seed
from hil.sweep.order_histories import BY_ORDER
from hil.sweep.order_report import OrderReport, order_table
from hil.sweep.orders import ENDINGS, drawn, end, steps
from host import order_events, orders
from host.comparing import LedgerComparer
from host.dosing import OrderRunner
from host.ledger import Ledger
from host.orders import OrderMachine
from host.records import OutcomeKind, final_record, zero_record
from tests.hil import rig_command

SAMPLE = 60
SEED = 1
ALL = [ending.name for ending in ENDINGS]


@pytest.mark.req("LEDGER-3", "LEDGER-5", "LEDGER-6", "LINK-5")
def test_wherever_host_or_device_end_the_order_comes_to_its_one_true_outcome(request):
    report = OrderReport(seed(request.config), SAMPLE)
    names = list(BY_ORDER)
    report.take(end(report.seed, drawn(report.seed, steps(report.seed, names), SAMPLE)))
    assert report.failed == []
    assert report.points > SAMPLE * 3 // 4
    assert set(report.orders) == set(BY_ORDER)


@pytest.mark.req("LEDGER-5")
def test_events_actions_rows_and_octets_are_steps_and_the_same_ones_each_time():
    (first,) = end(SEED, {"refused": ()})
    (second,) = end(SEED, {"refused": ()})
    assert first == second
    assert {"event Begin", "Send to be done", "intent to be written", "outcome written", "octets have left"} <= set(
        first["steps"]
    )


@pytest.mark.req("LEDGER-5")
def test_a_step_that_is_added_is_swept_by_itself(monkeypatch):
    perform = OrderRunner._perform
    before = steps(SEED, ["refused"])["refused"]

    async def noted(self, action):
        if isinstance(action, order_events.Send):
            await self.rows._recorder._ledger.append("note", {"text": "about to send"})
        await perform(self, action)

    monkeypatch.setattr(OrderRunner, "_perform", noted)
    assert steps(SEED, ["refused"])["refused"] == before + 2


def test_the_same_point_gives_the_same_verdict_whether_others_were_tried_before_it_or_not():
    point = (12, "both")
    alone = [row for row in end(SEED, {"refused": [point]}) if row["row"] == "point"]
    among = [row for row in end(SEED, {"refused": [(3, "host"), (12, "host"), point]}) if row["row"] == "point"]
    assert alone == among[-1:]


# Planted defects.


def an_order_is_sent_again_after_a_reconnect(monkeypatch):
    def sends(machine, event, now_ms):
        actions = OrderMachine._link_back(machine, event, now_ms)
        order = machine.order
        return [order_events.Send(order) if isinstance(one, order_events.Ask) else one for one in actions]

    monkeypatch.setitem(orders._RULES, order_events.LinkBack, sends)


def a_restart_of_the_device_counts_as_not_sent(monkeypatch):
    original = OrderMachine._told_not_known

    def guesses(machine, report, now_ms):
        if machine._boot != machine.order.boot:
            return machine._finish(zero_record(machine.order, OutcomeKind.NOT_SENT, ""))
        return original(machine, report, now_ms)

    monkeypatch.setattr(OrderMachine, "_told_not_known", guesses)
    # A device that has lost its journal is what makes the guess a wrong one.
    monkeypatch.setattr("device.orders.Orders.find", _forgets("device.orders.Orders.find"))


def _forgets(name: str) -> Callable[..., Any]:
    from device.orders import Orders, _values  # noqa: PLC0415
    from protocol import codes  # noqa: PLC0415

    original = Orders.find

    def find(self, dose_id):
        if dose_id == self._rules.dose.dose_id:
            return original(self, dose_id)
        return _values(dose_id, codes.DOSE_NOT_KNOWN, 0, 0, 0, 0, 0, self._rules.now_ms)

    return find


def an_outcome_is_never_written(monkeypatch):
    original = Ledger.append_all

    async def forgets(self, rows):
        return await original(self, [row for row in rows if row[0] != "outcome"] or [("note", {"text": "outcome"})])

    monkeypatch.setattr(Ledger, "append_all", forgets)


def an_outcome_is_written_twice(monkeypatch):
    original = Ledger.append_all

    async def doubles(self, rows):
        written = await original(self, rows)
        for kind, fields in rows:
            if kind == "outcome":
                # Under another id: the ledger itself refuses a second outcome of the same dose.
                await original(self, [("outcome", {**fields, "dose_id": fields["dose_id"][::-1]})])
        return written

    monkeypatch.setattr(Ledger, "append_all", doubles)


def the_order_leaves_before_its_intent_is_durable(monkeypatch):
    def begins(machine, event, now_ms):
        return [order_events.Send(machine.order), *OrderMachine._begin(machine, event, now_ms)]

    monkeypatch.setitem(orders._RULES, order_events.Begin, begins)


def open_orders_are_not_taken_up(monkeypatch):
    async def nothing(self, recorder, boot):
        return None

    monkeypatch.setattr("host.core.RigCore._take_up_open_orders", nothing)


def what_was_delivered_is_believed_to_the_last_step(monkeypatch):
    original = final_record

    def rounds(order, report):
        record = original(order, report)
        if record.outcome is OutcomeKind.PARTIAL:
            return type(record)(**{name: getattr(record, name) for name in record.__slots__} | {"emitted_steps": 0})
        return record

    monkeypatch.setattr(orders, "final_record", rounds)


def rig_and_ledger_are_not_compared(monkeypatch):
    async def nothing(self):
        return None

    monkeypatch.setattr(LedgerComparer, "compare", nothing)


DEFECTS = [
    (an_order_is_sent_again_after_a_reconnect, "flush", range(4, 12), "host", "left"),
    (a_restart_of_the_device_counts_as_not_sent, "flush", range(20, 60, 10), "both", "not_sent, but"),
    (an_outcome_is_never_written, "refused", range(10, 17, 2), "host", "0 outcomes"),
    (an_outcome_is_written_twice, "refused", range(14, 17), "device", "2 outcomes"),
    (the_order_leaves_before_its_intent_is_durable, "flush", range(3, 12), "host", "without an intent"),
    (open_orders_are_not_taken_up, "flush", range(8, 60, 12), "host", "without an outcome"),
    (what_was_delivered_is_believed_to_the_last_step, "stopped", range(20, 34, 3), "host", "left the pin"),
    (rig_and_ledger_are_not_compared, "refused", range(2, 4), "device", "not compared"),
]


@pytest.mark.req("LEDGER-3", "LEDGER-5", "LEDGER-6")
@pytest.mark.parametrize(
    ("plant", "order", "at", "ending", "words"), DEFECTS, ids=lambda value: getattr(value, "__name__", "")
)
def test_a_planted_defect_is_found(monkeypatch, plant, order, at, ending, words):
    with monkeypatch.context() as patch:
        plant(patch)
        rows = list(end(SEED, {order: [(step, ending) for step in at]}))
    told = [text for row in rows for text in row.get("failures", ())]
    assert any(words in text for text in told), told


# The report and the command.


def row(**changes):
    place = {"row": "point", "order": "flush", "step": 5, "at": "Send done", "ending": "both, answers lost"}
    return {**place, "outcome": "unknown", "failures": [], **changes}


def test_a_failure_says_how_to_have_it_again_and_what_the_order_was_at():
    report = OrderReport(3, None)
    report.take(
        [row(), row(failures=["12 steps left the pin"]), {"row": "steps", "order": "flush", "steps": ["a", "b"]}]
    )
    told = report.as_dict()
    assert (told["points"], told["failures"], told["orders"]["flush"]["outcomes"]) == (2, 1, {"unknown": 2})
    (failed,) = told["failed"]
    again = "rig hil sweep orders --seed 3 --order flush --point 5 --ending 'both, answers lost'"
    assert (failed["again"], failed["at"]) == (again, "Send done")
    assert "12 steps left the pin" in order_table(report)


def test_the_command_prints_points_and_failures():
    done = rig_command.run("hil", "sweep", "orders", "--order", "refused", "--sample", "6", "--seed", "2", "--json")
    assert done.code == 0, done.out + done.err
    told = done.json
    assert (told["seed"], told["failures"], told["failed"]) == (2, 0, [])
    assert 0 < told["points"] <= 6
    assert told["orders"]["refused"]["steps"] > 10


def test_one_point_is_tried_again():
    done = rig_command.run("hil", "sweep", "orders", "--order", "refused", "--point", "9", "--ending", "both")
    assert done.code == 0, done.out + done.err
    assert "1 points, 0 failures" in done.out


@pytest.mark.parametrize(
    ("options", "word"),
    [
        (["--order", "coffee"], "coffee"),
        (["--order", "flush", "--point", "1", "--ending", "nobody"], "nobody"),
        (["--order", "flush", "--point", "1"], "--ending"),
        (["--point", "1", "--ending", "host"], "--order"),
        (["--order", "refused", "--point", "100000", "--ending", "host"], "100000"),
    ],
)
def test_options_that_make_no_sense_are_named(options, word):
    done = rig_command.run("hil", "sweep", "orders", *options)
    assert done.code == 2
    assert word in done.err
