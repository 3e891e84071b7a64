"""`make test-board`: the scenarios on a real board. Not run is not passed, and has an exit code of its own.

Exit codes: 0 scenarios ran and none failed; 1 one failed; 77 none could run, for want of a board or of what it needs.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import hil

EXIT_NOT_RUN = 77
"""What test drivers of other projects take for skipped, too."""

PROJECT = Path(hil.__file__).resolve().parents[1]
SCENARIOS = "hil/scenarios"

NO_BOARD = (
    "tier board: NOT RUN, no board was named.\n"
    "  make test-board BOARD=/dev/ttyUSB0 PROBE=/dev/ttyACM0 "
    "CAPABILITIES=i2c-fram,i2c-temperature,i2c-cartridges PROVISION=1\n"
    "  wiring and steps: hil/README.md, Boards: serial"
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the scenarios on the board named and say what ran."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--board-url", default="")
    parser.add_argument("--probe-url", default="")
    parser.add_argument("--capabilities", default="")
    parser.add_argument("--provision-seed", default="")
    parser.add_argument("select", nargs="*", default=[SCENARIOS], help="what pytest is to collect")
    named = parser.parse_args(arguments)
    if not named.board_url:
        print(NO_BOARD, file=sys.stderr)
        return EXIT_NOT_RUN
    with tempfile.TemporaryDirectory(prefix="nanorig-board-") as folder:
        report = Path(folder) / "report.jsonl"
        options = [f"--{name.replace('_', '-')}={getattr(named, name)}" for name in _OPTIONS if getattr(named, name)]
        command = [
            sys.executable,
            "-m",
            "pytest",
            *named.select,
            "--target=serial",
            f"--bench-report={report}",
            *options,
        ]
        code = subprocess.run(command, cwd=PROJECT, check=False).returncode
        results = _results(report)
    return _judge(code, results)


_OPTIONS = ("board_url", "probe_url", "capabilities", "provision_seed")


def _results(report: Path) -> list[str]:
    if not report.exists():
        return []
    return [json.loads(line)["result"] for line in report.read_text(encoding="utf-8").splitlines()]


def _judge(code: int, results: list[str]) -> int:
    passed, not_run = results.count("passed"), results.count("not run")
    print(f"tier board: {passed} passed, {len(results) - passed - not_run} failed, {not_run} not run", file=sys.stderr)
    if code:
        return 1
    return 0 if passed else EXIT_NOT_RUN


if __name__ == "__main__":
    raise SystemExit(main())
