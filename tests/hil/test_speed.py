"""The benchmark's own arithmetic."""

import pytest

from hil import speed
from hil.speed import Speed


def test_a_measurement_tells_idle_and_dosing():
    measured = speed.measure("twin", 1.0, 1)
    assert measured.target == "twin"
    assert measured.idle > 0
    assert measured.dosing > 0


def test_a_goal_is_met_or_missed():
    assert Speed("twin", 200.0, 51.0, 50.0).goal_met
    assert not Speed("twin", 200.0, 49.0, 50.0).goal_met
    assert Speed("rp2040", 2.0, 0.1, None).goal_met
    assert "MISSED" in speed.table([Speed("twin", 200.0, 49.0, 50.0)])


def test_shares_make_a_whole():
    shares = speed.shares("twin", 0.5, 1)
    assert sum(shares.values()) == pytest.approx(1.0)
    assert shares["device"] > 0
    assert shares["hil/plant"] > 0


def test_the_command_prints_a_table_and_what_takes_the_time(capsys):
    assert speed.main(["--seconds", "0.5", "--profile"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 4
    assert lines[2].startswith("twin")
    assert "device" in lines[3]
