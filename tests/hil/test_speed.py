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


def test_what_bounds_the_speed_is_said_for_idle_and_dosing():
    measured = speed.measure("twin", 0.5, 1, why=True)
    facts = measured.as_dict()
    assert sum(facts["idle_shares"].values()) == pytest.approx(1.0)
    assert sum(facts["dosing_shares"].values()) == pytest.approx(1.0)
    assert facts["dosing_bounded_by"].endswith("%)")
    assert "idle is bounded by" in speed.table([measured])


def test_the_vm_waits_for_its_process():
    assert speed.shares("vm", 0.5, 1)[speed.PROCESS] > 0.1


def test_a_busy_machine_is_told(monkeypatch):
    monkeypatch.setattr("os.getloadavg", lambda: (99.0, 1.0, 1.0))
    assert "load 99" in speed.table([])
    monkeypatch.setattr("os.getloadavg", lambda: (0.1, 1.0, 1.0))
    assert "busy" not in speed.table([])


def test_every_part_has_words_for_people():
    assert {*speed.PARTS, speed.PROCESS, speed.REST} == speed.MEANING.keys()
    assert speed.bounded_by({}) == ""


def test_the_command_prints_a_table_and_what_takes_the_time(capsys):
    assert speed.main(["--seconds", "0.5", "--profile"]) == 0
    lines = [line for line in capsys.readouterr().out.splitlines() if "is busy" not in line]
    assert len(lines) == 4
    assert lines[2].startswith("twin")
    assert "device" in lines[3]
