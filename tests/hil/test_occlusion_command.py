"""`rig hil occlusion`: what it measures on the twin, and what it says to options that make no sense."""

import pytest

from hil.occlusion.trials import START, SUDDEN, Trial, run
from hil.occlusion.watch import watch, watch_firmware
from tests.hil import rig_command

QUICK = [Trial(SUDDEN, 50, 1_000), Trial(START, 200, 10_000)]


def rows(seed):
    return sorted(run("twin", seed, QUICK), key=lambda row: row["way"])


@pytest.mark.req("FLOW-3", "FLOW-4")
def test_the_whole_firmware_finds_a_sudden_occlusion_within_2_ul_and_sends_what_was_stored_to_the_waste():
    start, sudden = rows(4)
    assert sudden["cause"] == start["cause"] == "occlusion"
    assert sudden["outcome"] == start["outcome"] == "partial"
    assert 0 < sudden["excess_nl"] <= 2_000
    for row in (start, sudden):
        assert row["waste_nl"][0] <= row["true_waste_nl"] <= row["waste_nl"][1]
        assert row["to_patient_nl"][0] <= row["true_to_patient_nl"] <= row["to_patient_nl"][1]
        assert row["true_waste_nl"] == pytest.approx(row["stored_nl"], abs=100)
    assert start["true_to_patient_nl"] == 0


def test_the_same_seed_gives_the_same_rows():
    assert rows(5) == rows(5)


@pytest.mark.req("FLOW-1", "FLOW-2", "FLOW-3")
def test_a_healthy_rig_raises_no_alarm():
    halves = list(watch(0.1, 6))
    rigs = list(watch_firmware("twin", 0.02, 6))
    assert (len(halves), len(rigs)) == (2, 1)
    for half in (*halves, *rigs):
        assert half["doses"] > 0
        assert half["alarms"] == []


@pytest.mark.parametrize(
    ("options", "word"), [(["--target", "rp2040"], "rp2040"), (["--draw", "columns.png"], "columns.png")]
)
def test_options_that_make_no_sense_are_named(options, word):
    done = rig_command.run("hil", "occlusion", *options)
    assert done.code == 2
    assert word in done.err
