"""The journal under the real MicroPython."""

from pathlib import Path

import pytest

from hil.toolchain.micropython import MicroPythonMissingError, find_or_fetch, pico_like
from tests.protocol.runners import run_process

STOP = b"\x02\x00"
PROGRAM = (Path(__file__).parent / "on_micropython" / "journal.py").read_text("utf-8")


@pytest.fixture(params=["micropython", "pico-like micropython"])
def lines(request, tmp_path):
    """What the program printed."""
    try:
        found = find_or_fetch() if request.param == "micropython" else pico_like()
    except MicroPythonMissingError as reason:
        pytest.skip(str(reason))
    return run_process(found.command, PROGRAM, tmp_path).splitlines()


@pytest.mark.req("LEDGER-1")
def test_it_recovers_an_open_dose(lines):
    assert lines[:2] == [f"False 2 10 49 59 {STOP!r} {0x3FFFFFFF}", "True None"]


def test_marks_and_idle_steps_allocate_nothing_and_the_journal_is_small(lines):
    marks, idle_steps, held = map(int, lines[2].split())
    assert (marks, idle_steps) == (0, 0)
    # Half of it on a microcontroller, whose words are half as long.
    assert held < 10_000
