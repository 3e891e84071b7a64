"""The pytest plugin, seen from a run of its own."""

import subprocess
import sys

import pytest

PREFACE = """
import asyncio
import pytest

class Still:
    def __init__(self, board):
        self.next_tick_us = 0
        self.board = board
    def turn(self):
        self.next_tick_us = (self.board.ticks_us() + 10_000) & 0x3FFFFFFF
        return True

pytestmark = pytest.mark.bench(executive=Still)
"""


@pytest.fixture
def run_pytest(tmp_path):
    def run(test, *arguments):
        (tmp_path / "test_it.py").write_text(PREFACE + test)
        (tmp_path / "pytest.ini").write_text("[pytest]\nmarkers =\n    rp2040: the emulated Pico\n")
        command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-v", *arguments, "test_it.py"]
        return subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False)

    return run


def test_a_coroutine_runs_on_the_benchs_clock(run_pytest):
    done = run_pytest("""
async def test_it(bench, plant):
    await asyncio.sleep(100)
    assert bench.now_ns == 100_000_000_000 == plant.now_ns
""")
    assert "test_it[twin] PASSED" in done.stdout
    assert "bench: target twin, seed" in done.stdout


def test_a_leaked_task_fails_the_test(run_pytest):
    done = run_pytest("""
async def test_it(bench):
    bench.task = asyncio.create_task(asyncio.sleep(1000))
""")
    assert done.returncode == 1
    assert "LeakedTasksError" in done.stdout


def test_plain_functions_move_time_themselves(run_pytest):
    done = run_pytest("""
def test_it(bench):
    bench.run_for(2)
    assert bench.now_s == 2
""")
    assert "1 passed" in done.stdout


def test_every_target_asked_for_is_run_and_skips_what_is_not_meant_for_it(run_pytest):
    test = """
@pytest.mark.only("twin")
async def test_it(bench):
    await asyncio.sleep(1)
"""
    done = run_pytest(test, "--target", "twin,vm", "--target", "rp2040")
    assert "test_it[twin] PASSED" in done.stdout
    assert "test_it[vm] SKIPPED" in done.stdout
    assert "test_it[rp2040] SKIPPED" in done.stdout


def test_an_unknown_target_is_told_at_once(run_pytest):
    done = run_pytest("def test_it(): pass", "--target", "pico")
    assert done.returncode == 4
    assert "choose from twin, vm, rp2040" in done.stderr


def test_the_seed_reaches_the_bench(run_pytest):
    done = run_pytest(
        """
def test_it(bench):
    assert bench.seed == 42
""",
        "--seed",
        "42",
    )
    assert "1 passed" in done.stdout
    assert "seed 42" in done.stdout


def test_a_test_without_a_bench_is_left_alone(run_pytest):
    done = run_pytest("def test_it(): pass", "--target", "twin,vm")
    assert "test_it.py::test_it PASSED" in done.stdout
