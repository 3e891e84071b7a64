"""Scenarios as written, on ``--target serial``, with a stand-in for both Picos; and what is skipped, by name."""

import subprocess
import sys

import pytest

from hil.boards.serial import tier
from hil.boards.serial.stand_in import CHIPS

DOSE = "hil/scenarios/test_doses.py::test_a_short_dose_is_delivered_to_the_step_and_weighs_what_was_reported"
SAFE = "hil/scenarios/test_stops.py::test_the_safe_line_cuts_the_edges_at_once_and_latches[serial-E-stop]"
STOP = "hil/scenarios/test_stops.py::test_a_stop_in_mid_dose_leaves_exactly_what_it_reports[serial-8000]"
HANG = (
    "hil/scenarios/test_stops.py::test_when_the_processor_hangs_the_flow_ends_with_the_grant_and_the_watchdog_resets_it"
)
LINK = "hil/scenarios/test_link_only.py"


def run(*arguments):
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-q", "-rs", *arguments]
    return subprocess.run(command, cwd=tier.PROJECT, capture_output=True, text=True, timeout=120, check=False)


def ports(stand_in):
    return [f"--board-url={stand_in.board_url}", f"--probe-url={stand_in.probe_url}", "--provision-seed=1"]


def test_a_dose_a_stop_and_a_fall_of_safe_pass_end_to_end(stand_in):
    done = run("--target=serial", DOSE, STOP, SAFE, *ports(stand_in), f"--capabilities={CHIPS}")
    assert "3 passed" in done.stdout, done.stdout


def test_with_a_bare_board_the_link_is_tested_and_the_rest_skipped_by_name(stand_in):
    done = run("--target=serial", LINK, DOSE, ports(stand_in)[0])
    assert "4 passed, 1 skipped" in done.stdout, done.stdout
    assert "this bench lacks edges, safe, inputs, analogue, power, i2c-flow, i2c-fram" in done.stdout


def test_a_capability_that_is_taken_away_is_named_where_it_is_missed(stand_in):
    done = run("--target=serial", DOSE, *ports(stand_in), f"--capabilities={CHIPS},-safe")
    assert "this bench lacks safe\n" in done.stdout, done.stdout


def test_what_only_a_simulation_can_do_is_skipped_by_name(stand_in):
    done = run("--target=serial", HANG, *ports(stand_in), f"--capabilities={CHIPS}")
    assert "makes sense only on twin, vm" in done.stdout, done.stdout


def test_what_turns_out_in_mid_scenario_not_to_be_possible_is_skipped_by_name(stand_in, tmp_path):
    file = tmp_path / "test_chips.py"
    file.write_text(
        "async def test_a_stuck_bus(bench):\n    bench.plant.buses.hold(0)\n"
        "async def test_a_hung_processor(bench):\n    bench.board.hang()\n"
    )
    done = run("--target=serial", str(file), *ports(stand_in), f"--capabilities={CHIPS}")
    assert "2 skipped" in done.stdout, done.stdout
    assert "serial: hold: the chips on the device's bus are real" in done.stdout
    assert "cannot be hung" in done.stdout


def test_without_a_board_nothing_is_run_and_nothing_is_passed():
    done = run("--target=serial", LINK)
    assert "4 skipped" in done.stdout
    assert "no board was named" in done.stdout


def test_the_tier_without_a_board_says_so_with_an_exit_code_of_its_own(capsys):
    assert tier.main([]) == tier.EXIT_NOT_RUN
    assert "NOT RUN" in capsys.readouterr().err


@pytest.mark.parametrize(("select", "code"), [(DOSE, tier.EXIT_NOT_RUN), (LINK, 0)], ids=["nothing ran", "passed"])
def test_the_tier_passes_only_where_something_ran(stand_in, select, code):
    assert tier.main([*ports(stand_in), "--capabilities=-edges", select]) == code


def test_the_tier_fails_where_the_board_is_not_what_was_named():
    assert tier.main(["--board-url=/dev/nowhere", LINK]) == 1
