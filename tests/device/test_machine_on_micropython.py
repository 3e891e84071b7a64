"""Alarms, interlocks, cartridges and suspension do the same under MicroPython, and their ticks allocate nothing."""

import os
import sys
from pathlib import Path

import pytest

from hil.toolchain.micropython import MicroPythonMissingError, find_or_fetch, pico_like
from tests.protocol.runners import run_process

PROGRAMS = Path(__file__).parent / "on_micropython"


def program(name: str, **settings: object) -> str:
    head = "".join(f"{key} = {value!r}\n" for key, value in settings.items())
    return head + (PROGRAMS / f"{name}.py").read_text("utf-8")


@pytest.fixture(params=["micropython", "pico-like micropython"])
def run(request, tmp_path):
    """Runs a program and returns what it printed."""
    if request.param == "micropython":
        found = find_or_fetch()
    else:
        try:
            found = pico_like()
        except MicroPythonMissingError as reason:
            pytest.skip(str(reason))
    return lambda text: run_process(found.command, text, tmp_path)


@pytest.mark.req("ALARM-1", "ALARM-2", "ALARM-3", "DOSE-10", "DOSE-11")
def test_the_machine_s_rules_do_what_they_do_under_cpython(run, tmp_path):
    seed = int(os.environ.get("NANORIG_SEED", "1")) & 0x3FFFFFFF
    print(f"seed {seed}")
    text = program("machine", SEED=seed, ROUNDS=200)
    assert run(text) == run_process([sys.executable], text, tmp_path)


def test_what_they_do_in_a_tick_allocates_nothing(run):
    assert run(program("machine_allocation")) == "0"
