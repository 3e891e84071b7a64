"""The supervision under the real MicroPython: it answers as here, and a tick of it allocates nothing."""

import os
import sys
from pathlib import Path

import pytest

from hil.toolchain.micropython import MicroPythonMissingError, find_or_fetch, pico_like
from tests.protocol.runners import run_process

SEED = int(os.environ.get("NANORIG_SEED", "1"))


@pytest.fixture(params=["micropython", "pico-like micropython"])
def run_there(request, tmp_path):
    """Runs a program and returns what it printed."""
    if request.param == "micropython":
        found = find_or_fetch()
    else:
        try:
            found = pico_like()
        except MicroPythonMissingError as reason:
            pytest.skip(str(reason))
    return lambda text: run_process(found.command, text, tmp_path)


def test_it_answers_under_micropython_as_it_does_here_and_allocates_nothing(run_there, tmp_path):
    text = (Path(__file__).parent / "on_micropython" / "supervision.py").read_text("utf-8")
    text = f"SEED = {SEED & 0x3FFFFFFF}\n{text}"
    told = run_there(text)
    assert told == run_process([sys.executable], text, tmp_path)
    assert told.endswith(" 0")
