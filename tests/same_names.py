"""The tests' names are the same at every collection: `python -m tests.same_names` collects twice and compares.

Each worker collects for itself, and they refuse to run when they disagree. A name that holds the time, a draw or the
order of a set is mostly the same in two workers that start together, and fails one run in twenty.
"""

import difflib
import os
import subprocess
import sys
from collections.abc import Sequence

import pytest

COLLECTION_TIMEOUT_S = 120


def collected(hash_seed: int, arguments: Sequence[str] = ()) -> list[str]:
    """List the tests' names as a process with this hash seed collects them. Raises RuntimeError where that fails."""
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "--collect-only", "-q", *arguments],
        capture_output=True,
        text=True,
        check=False,
        timeout=COLLECTION_TIMEOUT_S,
        env=os.environ | {"PYTHONHASHSEED": str(hash_seed)},
    )
    if done.returncode != pytest.ExitCode.OK:
        raise RuntimeError(f"the tests could not be collected:\n{done.stdout}{done.stderr}")
    return [line for line in done.stdout.splitlines() if "::" in line]


def differences(arguments: Sequence[str] = ()) -> list[str]:
    """List the names that differ between two collections, one after the other."""
    first, second = (collected(hash_seed, arguments) for hash_seed in (1, 2))
    compared = difflib.unified_diff(first, second, "first", "second", lineterm="", n=0)
    return [line for line in compared if line.startswith(("+", "-")) and "::" in line]


def main() -> int:
    """Print what differs; the exit code is 1 then."""
    found = differences()
    for line in found:
        print(line)
    if found:
        print("to do: give these parameters an id that is the same every time")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
