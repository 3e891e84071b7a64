"""Some mutants of the rules, drawn by the seed of this run; ``make mutants`` runs them all."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
SAMPLE = 30


def run(*arguments):
    command = [sys.executable, "-m", "tests.mutants.run", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


def test_a_sample_of_the_mutants_is_noticed_but_for_the_listed_survivors():
    result = run("--sample", str(SAMPLE), "--seed", os.environ["NANORIG_SEED"])
    assert result.returncode == 0, result.stdout + result.stderr
