"""The same files under the real MicroPython: vectors, random streams, the model of the link, what is allocated."""

import os

import pytest

from hil.toolchain.micropython import MicroPythonMissingError, find_or_fetch, pico_like
from protocol import messages
from tests.protocol.runners import golden_rows, program, run_process


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
    return lambda name, **settings: run_process(found.command, program(name, **settings), tmp_path)


def seed() -> int:
    value = int(os.environ.get("NANORIG_SEED", "1")) & 0x3FFFFFFF
    print(f"seed {value}")
    return value


@pytest.mark.req("LINK-1", "LINK-2")
def test_it_makes_and_takes_the_golden_vectors_and_has_the_same_schema_hash(run):
    rows = golden_rows()
    assert run("vectors", ROWS=rows) == f"{len(rows)} {messages.schema_hex()}"


@pytest.mark.req("LINK-1")
def test_random_streams_and_flipped_bits_give_counted_errors(run):
    assert run("fuzz", SEED=seed()).startswith("bad crc")


@pytest.mark.req("LINK-1", "LINK-3", "LINK-5", "DOSE-2", "STOP-1")
def test_both_ends_keep_their_rules_over_a_bad_line(run):
    assert run("model", SEED=seed()).endswith("stops")


def test_viper_is_what_makes_the_loops_fast(run):
    times = {name: float(value) for name, value in map(str.split, run("speed").splitlines())}
    # Some twenty times; a machine under load may measure less.
    for loop in ("stuff", "unstuff", "collect"):
        assert times[loop] * 3 < times[f"{loop}-bytecode"]


def test_an_idle_turn_and_a_part_of_a_frame_allocate_nothing(run):
    idle, ping, ask, repeat, part = map(int, run("allocation").split())
    assert (idle, part) == (0, 0)
    # Small objects only: tuples, slices, argument lists. Nothing as large as a frame's buffers.
    assert max(ping, ask, repeat) <= 2048
