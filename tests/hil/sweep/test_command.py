"""`rig hil sweep power`: what it prints, and what it says to options that make no sense."""

import pytest

from tests.hil import rig_command


def test_a_sample_prints_cuts_failures_and_intervals():
    done = rig_command.run("hil", "sweep", "power", "--seed", "2", "--order", "flush alone", "--sample", "4", "--json")
    assert done.code == 0, done.out + done.err
    told = done.json
    assert (told["target"], told["seed"], told["cuts"], told["failures"]) == ("twin", 2, 4, 0)
    assert told["largest_grant_steps"] > 0
    assert told["wall_s"] > 0


def test_one_cut_is_made_again():
    options = ["--order", "flush alone", "--cut", "octet", "--index", "250"]
    done = rig_command.run("hil", "sweep", "power", *options)
    assert done.code == 0, done.out + done.err
    assert "1 cuts, 0 failures" in done.out


@pytest.mark.parametrize(
    ("options", "word"),
    [
        (["--target", "pico"], "pico"),
        (["--order", "coffee"], "coffee"),
        (["--order", "flush", "--cut", "bit", "--index", "1"], "bit"),
        (["--cut", "octet", "--index", "1"], "--order"),
        (["--order", "flush", "--cut", "octet"], "--index"),
    ],
)
def test_options_that_make_no_sense_are_named(options, word):
    done = rig_command.run("hil", "sweep", "power", *options)
    assert done.code == 2
    assert word in done.err
