"""The rules answer the same under the real MicroPython as under CPython, and a tick of theirs allocates nothing."""

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


@pytest.mark.req("DOSE-5", "DOSE-6", "PERMIT-1", "PERMIT-2", "RESCUE-4")
def test_the_rules_answer_as_they_do_under_cpython(run, tmp_path):
    seed = int(os.environ.get("NANORIG_SEED", "1")) & 0x3FFFFFFF
    print(f"seed {seed}")
    text = program("rules", SEED=seed, ROUNDS=30)
    assert run(text) == run_process([sys.executable], text, tmp_path)


def test_what_the_rules_do_in_a_tick_allocates_nothing(run):
    assert run(program("rules_allocation")) == "0"
