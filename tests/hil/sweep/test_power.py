"""The power is cut in the history of an order, and what comes after the restart is judged: a sample of the sweep."""

import pytest

from hil.pytest_plugin import seed
from hil.sweep.cuts import OCTET, TICK, Cut
from hil.sweep.histories import BY_NAME
from hil.sweep.power import chosen, cut, drawn, places
from hil.sweep.report import Report

ON_TWIN, ON_VM, ON_RP2040 = 28, 3, 2
SEED = 1


def swept(target, seed, names, sample):
    report = Report(target, seed, sample)
    report.take(cut(target, seed, chosen(seed, names, sample)))
    return report


def ordered(rows):
    return sorted(rows, key=lambda row: (row["row"], row.get("cut", ""), row.get("index", 0)))


@pytest.mark.req("LEDGER-1", "LEDGER-2", "LEDGER-5", "DOSE-2", "DOSE-5", "DOSE-13", "STOP-1")
def test_wherever_the_power_is_cut_on_the_twin_every_promise_holds_after_the_restart(request):
    report = swept("twin", seed(request.config), list(BY_NAME), ON_TWIN)
    assert report.failed == []
    assert report.cuts > ON_TWIN * 3 // 4
    assert set(report.orders) == set(BY_NAME)
    assert report.widest_interval_steps <= report.largest_grant_steps


@pytest.mark.req("LEDGER-1", "LEDGER-5", "DOSE-2")
def test_and_in_the_micropython_vm(request):
    report = swept("vm", seed(request.config), ["stopped", "rescue", "flush"], ON_VM)
    assert report.failed == []
    assert report.cuts


@pytest.mark.rp2040
@pytest.mark.req("LEDGER-1", "LEDGER-5", "DOSE-2")
def test_and_on_the_emulated_pico(request):
    report = swept("rp2040", seed(request.config), ["flush alone"], ON_RP2040)
    assert report.failed == []
    assert report.cuts


def test_the_same_cut_gives_the_same_verdict_whether_others_were_made_before_it_or_not():
    one = Cut(OCTET, 400)
    alone = [row for row in cut("twin", SEED, {"stopped": [one]}) if row["row"] == "cut"]
    among = cut("twin", SEED, {"stopped": [Cut(OCTET, 100), Cut(TICK, 30), one]})
    assert alone == [row for row in among if (row.get("cut"), row.get("index")) == (OCTET, 400)]


def test_a_dose_that_is_cut_in_full_flow_is_known_to_an_interval_and_not_better():
    report = Report("twin", SEED, None)
    report.take(cut("twin", SEED, {"dose at 1 uL/s": [Cut(TICK, 30)]}))
    assert 0 < report.widest_interval_steps <= report.largest_grant_steps


def test_an_order_that_the_rig_refuses_is_a_failure_and_not_a_sweep_without_one(monkeypatch):
    monkeypatch.setattr("device.orders.Orders._begin", lambda *_: False)
    report = Report("twin", SEED, None)
    report.take(cut("twin", SEED, {"flush alone": []}))
    assert (report.cuts, report.failures) == (0, 1)


def test_the_places_of_a_history_are_the_same_each_time():
    found = places(SEED, ["flush alone"])
    assert found == places(SEED, ["flush alone"])
    assert found["flush alone"][OCTET] > 500
    assert found["flush alone"][TICK] > 50


def test_what_is_drawn_comes_from_all_orders_and_kinds_and_is_the_same_for_one_seed():
    found = {name: {OCTET: 500, TICK: 90} for name in "abc"}
    wanted = dict(drawn(7, found, 6))
    assert wanted == dict(drawn(7, found, 6)) != dict(drawn(8, found, 6))
    assert {name: [one.kind for one in cuts] for name, cuts in wanted.items()} == {
        name: [OCTET, TICK] for name in "abc"
    }
    assert all(one.index < found[name][one.kind] for name, cuts in wanted.items() for one in cuts)
