"""What is made of weighed doses: bias, variation, which limits count, the table, the picture."""

import pytest

from hil.accuracy.chart import draw, save
from hil.accuracy.report import Report, table
from hil.accuracy.rigs import DEFAULT, DRAWN
from host.errors import UsageError

FLOW = {
    "rate_nl_s": 50,
    "doses": [[0, 2003, 17832], [2015, 4018, 17832]],
    "gaps_s": [12.0],
    "start_up_pct": {"60": -30.0, "120": None},
    "stabilised_s": 60.0,
    "second_hour_error_pct": -0.6,
    "trumpet": [
        {"minutes": 2, "most_pct": 1.0, "least_pct": -10.0},
        {"minutes": 31, "most_pct": 0.1, "least_pct": -1.0},
    ],
    "trumpet_in_a_dose": [{"minutes": 2, "most_pct": 1.0, "least_pct": -1.0}],
}


def dose(asked_nl, weighed_nl, **changes):
    told_nl = [weighed_nl - 50, weighed_nl + 50]
    return {
        "asked_nl": asked_nl,
        "steps": 1,
        "weighed_nl": weighed_nl,
        "true_nl": weighed_nl,
        "told_nl": told_nl,
    } | changes


def row(seed=1, grain=DEFAULT, doses=None, **changes):
    return {
        "seed": seed,
        "grain": grain,
        "step_error_pct": 0.01,
        "told_step_error_pct": 0.1,
        "doses": doses or [dose(1_000, 990), dose(1_000, 1_000)],
    } | changes


def report(*rows, flow=None):
    return Report("twin", 1, list(rows) or [row()], flow)


def test_bias_is_the_mean_error_and_cv_the_deviation_of_a_rig():
    figures = report().figures(DEFAULT, 1_000)
    assert figures["bias_pct_mean"] == -0.5
    assert figures["cv_pct_mean"] == pytest.approx(0.711, abs=0.001)
    assert figures["told_width_pct"] == 10
    assert (figures["commercial_pct"], figures["goal_pct"]) == ([5, 4], [1, 0.8])
    assert (figures["within_commercial"], figures["within_goal"]) == (1, 1)


def test_the_worst_rig_is_named():
    figures = report(row(1), row(2, doses=[dose(1_000, 970), dose(1_000, 1_010)])).figures(DEFAULT, 1_000)
    assert (figures["bias_worst_seed"], figures["cv_worst_seed"]) == (2, 2)


def test_a_dose_outside_of_what_was_told_does_not_hold():
    outside = report(row(grain=DRAWN, doses=[dose(1_000, 1_000, told_nl=[1_010, 1_020]), dose(1_000, 1_000)]))
    assert not outside.held
    assert "has not told" in outside.problems()[0]


def test_the_commercial_limits_count_for_the_reference_rigs_friction_only():
    off = [dose(10_000, 10_150), dose(10_000, 10_150)]
    assert report(row(grain=DRAWN, doses=off)).held
    assert not report(row(doses=off)).held


def test_a_calibration_beyond_its_own_error_does_not_hold():
    assert "step" in report(row(step_error_pct=0.2)).problems()[0]


def test_the_table_and_the_picture_tell_every_volume_grain_and_the_trumpet():
    both = report(row(), row(grain=DRAWN), flow=FLOW)
    told = table(both)
    for word in ("1 uL", "20 nL", "0 to 100 nL", "gaps of 12 s", "trumpet", "every bound held"):
        assert word in told
    picture = draw(both)
    assert "Trumpet" in picture
    assert "-10 %" in picture


def test_a_picture_that_cannot_be_written_is_a_usage_error(tmp_path):
    with pytest.raises(UsageError, match="nowhere"):
        save(report(), tmp_path / "nowhere" / "dots.svg")
