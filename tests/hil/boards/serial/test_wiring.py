"""The wiring's self-test against wires that are wrong, on a stand-in: the fault is named by its wire."""

import pytest

from hil.bench import Bench
from hil.boards.serial.probe import wire
from hil.boards.serial.stand_in import CHIPS
from hil.boards.serial.wiring import NOT_SEEN, OK, WRONG, examine
from hil.provision import Provision
from tests.hil import rig_command

SEED = 1


def examined(stand_in, swapped=None):
    stand_in.call(lambda _: stand_in.pins.swapped.update(swapped or {}))
    try:
        ports = {"board_url": stand_in.board_url, "probe_url": stand_in.probe_url, "capabilities": CHIPS}
        with Bench("serial", provision=Provision.of_seed(SEED), **ports) as bench:
            return {each.line: each for each in examine(bench)}
    finally:
        stand_in.call(lambda _: stand_in.pins.swapped.clear())


def test_right_wiring_has_no_wrong_line_and_says_what_it_could_not_see(stand_in):
    found = examined(stand_in)
    assert [each for each in found.values() if each.result not in {OK, NOT_SEEN}] == []
    assert found["STEP0"].result == NOT_SEEN
    assert {found[line].result for line in ("STEP2", "SAFE", "ESTOP", "VALVE", "HEARTBEAT")} == {OK}


def test_swapped_wires_and_a_broken_one_are_named(stand_in):
    found = examined(stand_in, {wire.BUBBLE: wire.FOOTSWITCH, wire.FOOTSWITCH: wire.BUBBLE, wire.HOME: 0})
    assert [line for line in ("BUBBLE", "FOOTSWITCH", "HOME", "ESTOP", "DOOR") if found[line].result == WRONG] == [
        "BUBBLE",
        "FOOTSWITCH",
        "HOME",
    ]
    assert "FOOTSWITCH" in found["BUBBLE"].why
    assert "broken" in found["HOME"].why


def test_a_dead_flow_chip_is_named_and_the_steps_are_not_called_wrong(stand_in):
    stand_in.call(lambda bench: bench.plant.buses.silence(0, 0x08))
    try:
        found = examined(stand_in)
    finally:
        stand_in.call(lambda bench: bench.plant.buses.silence(0, 0x08, False))
    assert found["FLOW"].result == WRONG
    assert found["STEP2"].result == NOT_SEEN


def test_a_device_that_says_nothing_is_all_there_is_to_report(stand_in):
    stand_in.call(lambda _: stand_in.pins.deafen())
    try:
        found = examined(stand_in)
    finally:
        stand_in.call(lambda _: stand_in.pins.deafen(False))
    assert [(each.line, each.result) for each in found.values()] == [("LINK", WRONG)]


@pytest.mark.parametrize(
    ("arguments", "code", "text"),
    [
        ([], 4, "--probe-url"),
        (["--probe-url", "/dev/nowhere"], 4, "--board-url"),
        (["--board-url", "/dev/nowhere", "--probe-url", "/dev/nowhere"], 4, "/dev/nowhere"),
    ],
)
def test_the_command_says_what_is_missing(arguments, code, text):
    done = rig_command.run("hil", "wiring", *arguments, "--json")
    assert done.code == code
    assert text in "".join(done.json["error"].values())
