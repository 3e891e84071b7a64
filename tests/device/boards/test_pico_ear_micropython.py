"""The same ear in the real MicroPython, as a process and on the emulated Pico, whose viper code is the board's."""

from pathlib import Path

import pytest

from hil.toolchain.micropython import MicroPythonMissingError, find_or_fetch, pico_like
from tests.protocol.runners import EmulatedPico, run_process

PROGRAM = Path(__file__).with_name("ear_program.py").read_text("utf-8")


@pytest.mark.req("STOP-3")
@pytest.mark.parametrize("find", [find_or_fetch, pico_like], ids=["micropython", "pico-like micropython"])
def test_it_hears_exactly_the_stops_that_the_link_acts_on(find, tmp_path):
    try:
        command = find().command
    except MicroPythonMissingError as reason:
        pytest.skip(str(reason))
    assert run_process(command, PROGRAM, tmp_path).startswith("heard")


@pytest.mark.rp2040
@pytest.mark.req("STOP-3")
def test_it_does_so_on_the_pico():
    assert EmulatedPico().run("ROUNDS = 40\n" + PROGRAM).startswith("heard")
