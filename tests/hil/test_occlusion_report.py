"""What is made of the rows of `rig hil occlusion`: which bounds count, the table, the picture."""

from dataclasses import replace

import pytest

from hil.occlusion.chart import draw, save
from hil.occlusion.report import BOUND_NL, Report, table
from hil.occlusion.trials import SLOW, START, SUDDEN, WAYS, planned
from host.errors import UsageError

QUIET = {"simulated_s": 3600.0, "doses": 40, "alarms": []}


def row(trial, **changes):
    return {
        "way": trial.way,
        "compliance_nl_kpa": trial.compliance_nl_kpa,
        "rate_nl_s": trial.rate_nl_s,
        "cause": "occlusion",
        "outcome": "partial",
        "excess_nl": 700,
        "stored_nl": 900,
        "after_s": 0.5,
        "to_patient_nl": [1_000, 1_500],
        "true_to_patient_nl": 1_200,
        "waste_nl": [500, 1_000],
        "true_waste_nl": 900,
    } | changes


@pytest.fixture
def report():
    rows = [row(trial) for trial in planned()]
    return Report("twin", 1, rows, [QUIET, QUIET], [QUIET], 30.0, "ab")


def changed(report, way, **changes):
    rows = list(report.rows)
    index = next(index for index, each in enumerate(rows) if each["way"] == way)
    rows[index] = rows[index] | changes
    return replace(report, rows=rows)


def test_everything_within_its_bounds_holds(report):
    assert report.held
    told = report.as_dict()
    assert told["sudden_excess_nl_max"] == 700
    assert told["false_alarms"]["supervision"] == {"hours": 2.0, "doses": 80, "alarms": 0}
    assert "every bound held" in table(report)


@pytest.mark.req("FLOW-3")
def test_a_sudden_occlusion_found_too_late_does_not_hold(report):
    late = changed(report, SUDDEN, excess_nl=BOUND_NL + 1)
    assert not late.held
    assert "2001 nL stored in excess" in table(late)


@pytest.mark.parametrize("way", [SLOW, START])
def test_the_others_are_told_and_have_no_bound(report, way):
    assert changed(report, way, excess_nl=30_000).held


@pytest.mark.parametrize("way", WAYS)
def test_an_occlusion_taken_for_something_else_does_not_hold(report, way):
    assert "not found as an occlusion but leak" in table(changed(report, way, cause="leak"))


def test_one_found_by_the_pressure_limit_is_found(report):
    assert changed(report, SLOW, cause="pressure").held


@pytest.mark.req("FLOW-4")
@pytest.mark.parametrize("what", ["to_patient_nl", "waste_nl"])
def test_a_volume_reported_wrongly_does_not_hold(report, what):
    wrong = changed(report, SUDDEN, **{f"true_{what}": 5_000})
    assert f"{what} " in wrong.problems()[0]


def test_a_false_alarm_does_not_hold(report):
    alarmed = replace(report, watches=[QUIET | {"alarms": ["leak, at rest"]}])
    assert alarmed.problems() == ["false alarm: leak, at rest"]


def test_the_picture_has_a_column_for_every_trial(report):
    assert draw(report).count("<rect") == 1 + len(planned()) + 3


def test_a_picture_that_cannot_be_written_is_told(report, tmp_path):
    with pytest.raises(UsageError):
        save(report, tmp_path / "missing" / "columns.svg")
