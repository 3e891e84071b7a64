"""A sample of the doses over a bad link, and defects that it has to find."""

from functools import partial

import pytest

from device.journal_marks import Marks
from hil.doses.judge import DOUBLED, LOST, SORTS
from hil.doses.life import live
from hil.doses.planned import CABLE, CUT, STOP, planned
from hil.doses.report import DosesReport
from hil.latency.forks import in_copies
from hil.plant.noise import stream
from hil.pytest_plugin import seed
from host.orders import OrderMachine
from host.records import OutcomeKind, zero_record

LOSS = 0.2


def lived(seed: int, doses: int, rigs: int = 2) -> DosesReport:
    report = DosesReport(seed, LOSS, doses * rigs)
    report.take(in_copies([partial(live, seed, number, doses, LOSS) for number in range(rigs)], 2))
    return report


@pytest.mark.req("LEDGER-3", "LEDGER-5", "LINK-5", "STOP-1")
def test_over_a_link_that_loses_a_fifth_every_dose_is_given_once_and_accounted_for(request):
    report = lived(seed(request.config), 40)
    assert report.said == []
    assert report.held
    assert {CUT, CABLE, STOP} <= {trouble for trouble, count in report.troubles.items() if count}
    assert report.outcomes["delivered"] > 20
    assert report.frames_struck > 1_000
    assert 0 < len(report.stops_ms) <= len(report.latched_ms) == report.troubles[STOP]


def test_one_seed_is_one_run():
    first, second = lived(3, 10, 1).as_dict(), lived(3, 10, 1).as_dict()
    assert first == second


def test_every_sort_of_trouble_is_drawn():
    random = stream(1, "doses")
    drawn = [planned(random) for _ in range(200)]
    assert {CUT, CABLE, STOP} < {order.trouble for order in drawn}
    assert {"prime", "purge", "dose"} == {order.kind for order in drawn}
    assert len({order.dose_id for order in drawn}) == len(drawn)


def test_a_device_that_marks_no_grant_is_found(monkeypatch):
    monkeypatch.setattr(Marks, "write", lambda *_: True)
    report = lived(1, 40)
    assert report.wrong[DOUBLED]
    assert not report.held


def test_a_host_that_takes_unknown_for_nothing_given_is_found(monkeypatch):
    def hopeful(machine, _record):
        return machine._finish(zero_record(machine.order, OutcomeKind.NOT_SENT, "it does not answer"))

    monkeypatch.setattr(OrderMachine, "_write_unknown", hopeful)
    report = lived(1, 40)
    assert report.wrong[LOST]
    assert not report.held
    assert set(report.wrong) <= set(SORTS)
