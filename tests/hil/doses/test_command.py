"""The command `rig hil doses`."""

import pytest

from hil.doses.judge import SORTS
from hil.doses.report import DosesReport, doses_table, spread
from tests.hil.rig_command import run


def test_it_prints_doses_and_what_is_wrong_with_them_as_json():
    done = run("hil", "doses", "--count", "6", "--loss", "0.1", "--seed", "2", "--json")
    assert done.code == 0
    told = done.json
    assert (told["doses"], told["seed"], told["loss"], told["rigs"]) == (6, 2, 0.1, 1)
    assert [told[sort] for sort in SORTS] == [0, 0, 0, 0]
    assert told["held"]


@pytest.mark.parametrize("loss", ["-0.1", "0.31", "much"])
def test_a_loss_that_makes_no_sense_is_told(loss):
    done = run("hil", "doses", "--count", "1", "--loss", loss)
    assert done.code == 2
    assert "loss" in done.err


def test_a_report_does_not_hold_when_a_dose_is_missing_or_something_is_said():
    report = DosesReport(1, 0.2, 2)
    row = {"rig": 1000, "doses": 2, "wrong": {}, "outcomes": {"delivered": 2}, "said": [], "troubles": {"stop": 1}}
    row |= {"stops_ms": [0.5], "latched_ms": [31.0], "frames_struck": 7, "simulated_s": 12.0}
    report.take([row])
    assert report.held
    assert "2 delivered" in doses_table(report)
    assert "max 31.0 ms of 1" in doses_table(report)
    report.said.append("rig 1000: the ledger does not verify")
    assert not report.held
    assert not DosesReport(1, 0.2, 2).held


def test_a_spread_is_by_nearest_rank():
    assert spread([3.0, 1.0, 2.0]) == {"count": 3, "p50": 2.0, "p99": 3.0, "max": 3.0}
    assert spread([]) == {"count": 0, "p50": None, "p99": None, "max": None}
