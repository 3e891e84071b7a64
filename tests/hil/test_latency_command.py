"""`rig hil latency` on the boards that need no emulator, and what it says to options that make no sense."""

import pytest

from hil.latency.measure import trials
from hil.rp2040_options import prepared
from hil.toolchain.image_sources import BuildError
from host.errors import RigError
from tests.hil import rig_command

SMALL = ("--instants", "6", "--stops", "12", "--hangs", "2", "--json")


@pytest.mark.req("STOP-2", "STOP-3", "STOP-4", "STOP-5", "STOP-11")
def test_on_the_twin_every_bound_holds(tmp_path):
    picture = tmp_path / "stops.svg"
    done = rig_command.run("hil", "latency", "--target", "twin", "--seed", "3", *SMALL, "--draw", str(picture))
    assert done.code == 0, done.out + done.err
    told = done.json
    assert told["safe_line"]["instants"] == 6
    assert told["stop_frame_us"]["n"] == told["host_call_us"]["n"] == 12
    assert told["hang"]["n"] == 2
    assert picture.read_text().startswith("<svg")


def rows(target, **counts):
    found = trials(target, 5, counts.get("instants", 2), counts.get("stops", 9), counts.get("hangs", 1))
    return sorted(found, key=lambda row: str(sorted(row.items())))


def test_the_same_seed_gives_the_same_trials():
    assert rows("twin", instants=10) == rows("twin", instants=10)


@pytest.mark.req("STOP-2", "STOP-5")
def test_a_board_that_cannot_be_copied_starts_anew_for_every_trial():
    found = rows("vm")
    assert len(found) == 12
    assert not any(row.get("late_edges") for row in found)


@pytest.mark.parametrize(
    ("options", "word"),
    [
        (["--target", "pico"], "pico"),
        (["--draw", "stops.png"], "stops.png"),
        (["--target", "twin", "--image", "x.uf2"], "--image"),
        (["--target", "rp2040", "--image", "no/such.uf2"], "no/such.uf2"),
    ],
)
def test_options_that_make_no_sense_are_named(options, word):
    done = rig_command.run("hil", "latency", *options)
    assert done.code == 2
    assert word in done.err


@pytest.mark.parametrize("command", ["ticks", "steps"])
def test_what_takes_no_time_is_not_measured(command):
    done = rig_command.run("hil", command, "--target", "twin")
    assert done.code == 2
    assert "rp2040" in done.err


def test_a_missing_tool_chain_is_said_and_the_target_not_run(monkeypatch):
    def missing(*_):
        raise BuildError("missing: cmake (package cmake)", 3)

    monkeypatch.setattr("hil.boards.rp2040.current_image", missing)
    monkeypatch.setattr("hil.boards.rp2040.native.load", lambda: None)
    with pytest.raises(RigError, match=r"Not run: .*cmake"):
        prepared("rp2040")
    prepared("twin")
