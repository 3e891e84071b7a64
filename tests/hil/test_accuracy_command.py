"""`rig hil accuracy`: what it measures, and what it says to options that make no sense."""

from dataclasses import replace
from pathlib import Path

import pytest

from hil.accuracy.command import accuracy_command
from hil.accuracy.doses import QUICK, Plan, measure, measured
from hil.accuracy.flow import EVERY_S, RATE_NL_S, judged, trumpet
from hil.accuracy.report import Report
from hil.accuracy.rigs import DEFAULT, DRAWN, GRAINS, drawn
from tests.hil import in_process

SHORT = Plan(volumes_nl=(1_000, 10_000), times=2, rate_nl_s=5_000, runs=1, run_nl=50_000, run_nl_s=20_000)


@pytest.mark.req("DOSE-8")
def test_after_its_own_calibration_a_rig_doses_what_it_is_asked_and_tells_an_interval_that_holds_it():
    report = Report("twin", 2, list(measure("twin", [drawn(2, DEFAULT), drawn(3, DRAWN)], SHORT)))
    assert report.problems() == []
    for row in report.rows:
        assert abs(row["step_error_pct"]) <= row["told_step_error_pct"] < 0.5
    assert abs(report.figures(DEFAULT, 10_000)["bias_pct_mean"]) < 1


def test_the_same_seed_gives_the_same_rig_and_the_same_steps_on_twin_and_vm():
    twin, vm = (measured(target, drawn(3, DRAWN), QUICK) for target in ("twin", "vm"))
    assert twin["emitted_steps"] == vm["emitted_steps"] > 0
    assert [dose["steps"] for dose in twin["doses"]] == [dose["steps"] for dose in vm["doses"]]


@pytest.mark.rp2040
def test_the_emulated_pico_emits_the_steps_that_the_twin_emits():
    plan = replace(QUICK, times=1)
    twin, pico = (measured(target, drawn(3, DRAWN), plan) for target in ("twin", "rp2040"))
    assert twin["emitted_steps"] == pico["emitted_steps"] > 0
    assert [dose["steps"] for dose in twin["doses"]] == [dose["steps"] for dose in pico["doses"]]


def test_rigs_are_drawn_from_the_range_to_be_tried_and_two_grains_share_bore_and_backlash():
    for seed in range(50):
        rigs = [drawn(seed, grain) for grain in GRAINS]
        assert rigs[0].bore_error == rigs[1].bore_error
        assert rigs[0].backlash_nl == rigs[1].backlash_nl
        assert abs(rigs[0].bore_error) <= 0.01
        assert 0 <= rigs[0].backlash_nl <= 270
        assert rigs[0].stick_slip_nl == 20
        assert 0 <= rigs[1].stick_slip_nl <= 100


def test_the_trumpet_of_an_even_flow_is_flat_and_a_gap_opens_its_narrow_end():
    even = [(at * EVERY_S, float(at * EVERY_S * RATE_NL_S)) for at in range(121)]
    assert all((row["most_pct"], row["least_pct"]) == (0, 0) for row in trumpet(even))
    gap_nl = 12 * RATE_NL_S
    gapped = [(at_s, weight_nl - (gap_nl if at_s >= 1800 else 0)) for at_s, weight_nl in even]
    narrow, *_, wide = trumpet(gapped)
    assert (narrow["minutes"], narrow["least_pct"]) == (2, -10)
    assert wide["least_pct"] > -1


def test_a_flow_is_judged_from_its_first_order_and_over_its_second_half():
    curve = [(at * 30.0, max(0.0, (at * 30 - 60) * 50.0)) for at in range(121)]
    told = judged(curve, [(0.0, 1_990.0, 1), (2_000.0, 3_600.0, 1)], 3_600)
    assert told["stabilised_s"] == 90
    assert told["gaps_s"] == [10]
    assert told["start_up_pct"]["60"] == -100
    assert told["second_hour_error_pct"] == 0


@pytest.mark.parametrize(
    ("options", "word"), [({"target": "serial"}, "serial"), ({"draw": Path("dots.png")}, "dots.png")]
)
def test_options_that_make_no_sense_are_named(options, word):
    done = in_process.call(accuracy_command, **options)
    assert done.code == 2
    assert word in in_process.said(done)


def test_the_command_tells_its_figures_as_json_and_draws_them(tmp_path):
    picture = tmp_path / "dots.svg"
    done = in_process.call(accuracy_command, quick=True, seeds=1, json_output=True, draw=picture)
    assert done.code == 0, done.err
    assert [row["volume_nl"] for row in done.json["accuracy"]["default"]] == [1_000]
    assert done.json["held"]
    assert picture.read_text().startswith("<svg")
