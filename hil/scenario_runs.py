"""Runs tests on the bench with pytest, in a process of its own, and reads what it left behind."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import hil
from hil.pytest_recording import FAILED, NOT_RUN, PASSED
from host.errors import RigError, UsageError

PROJECT = Path(hil.__file__).resolve().parents[1]
SCENARIOS = "hil/scenarios"
SEED_VARIABLE = "NANORIG_SEED"

_OK, _TESTS_FAILED, _USAGE, _NOTHING = 0, 1, 4, 5
_SAID_LINES = 12
_LONGEST_SELECT = 2000


@dataclass(frozen=True, slots=True)
class ScenarioResult:
    """One scenario on one target."""

    node: str
    scenario: str
    """Its name without the target: the same on every board."""

    target: str
    seed: int
    result: str
    """passed, failed, or not run."""

    why: str
    simulated_ms: int
    wall_ms: int
    requirements: list[str]
    recording: str | None
    digest: str | None
    """Of every edge and every frame."""

    parameters_sha256: str | None
    firmware: str | None
    """The hash that the firmware reported, None when no host asked."""

    tools: dict[str, str]

    def as_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class RunReport:
    """All scenarios of one run, in their order."""

    targets: list[str]
    seed: int
    select: str
    results: list[ScenarioResult]

    def count(self, result: str) -> int:
        """Return how many ended so."""
        return sum(each.result == result for each in self.results)

    @property
    def held(self) -> bool:
        """Whether something passed and nothing failed."""
        return self.count(PASSED) > 0 and not self.count(FAILED)

    def as_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return {
            "targets": self.targets,
            "seed": self.seed,
            "select": self.select,
            "passed": self.count(PASSED),
            "failed": self.count(FAILED),
            "not_run": self.count(NOT_RUN),
            "scenarios": [each.as_dict() for each in self.results],
        }


def run_scenarios(
    select: str,
    targets: Sequence[str],
    seed: int,
    record: Path | None = None,
    *,
    image: Path | None = None,
    root: Path = PROJECT,
) -> RunReport:
    """Run the scenarios that ``select`` names, all with an empty one. Raises RigError when none could be run."""
    with tempfile.TemporaryDirectory(prefix="nanorig-run-") as folder:
        report = Path(folder) / "report.jsonl"
        options = ["--target", ",".join(targets), "--seed", str(seed), f"--bench-report={report}"]
        if record is not None:
            options.append(f"--record={record.absolute()}")
        if image is not None:
            options.append(f"--image={image.absolute()}")
        done = _pytest([*selection(select, root), *options], root, seed)
        results = (
            [ScenarioResult(**json.loads(line)) for line in report.read_text(encoding="utf-8").splitlines()]
            if (report.exists())
            else []
        )
    if done.returncode not in {_OK, _TESTS_FAILED}:
        raise _could_not_run(select, done)
    if not results:
        raise _nothing(select)
    return RunReport(list(targets), seed, select, results)


def list_scenarios(select: str, targets: Sequence[str], *, root: Path = PROJECT) -> list[str]:
    """Return the node ids that ``select`` names on these targets. Raises RigError when there are none."""
    options = ["--target", ",".join(targets), "--collect-only"]
    done = _pytest([*selection(select, root), *options], root, 1)
    if done.returncode != _OK:
        raise _could_not_run(select, done)
    return [line for line in done.stdout.splitlines() if "::" in line]


def selection(select: str, root: Path = PROJECT) -> list[str]:
    """Return pytest's arguments for a file, a node id, or words of a scenario's name. Raises UsageError."""
    if not select:
        return [SCENARIOS]
    if len(select) > _LONGEST_SELECT or not select.isprintable() or select.startswith("-"):
        raise UsageError("This selects no scenario.", _HOW_TO_SELECT)
    file = select.partition("::")[0]
    if "::" in select or file.endswith(".py"):
        if (root / file).is_file():
            return [select]
        beside = f"{SCENARIOS}/{file}"
        if (root / beside).is_file():
            return [f"{SCENARIOS}/{select}"]
        raise UsageError(f"There is no scenario file {file}.", _HOW_TO_SELECT)
    return [SCENARIOS, "-k", select]


_HOW_TO_SELECT = "Name a file, a node id, or words of a name such as 'stop and not hang'; rig hil run --list shows all."


def _pytest(arguments: list[str], root: Path, seed: int) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--no-header", *arguments]
    environment = {**os.environ, SEED_VARIABLE: str(seed)}
    # A run inside of a test run is none of that run's business.
    environment.pop("PYTEST_CURRENT_TEST", None)
    environment.pop("PYTEST_ADDOPTS", None)
    return subprocess.run(command, cwd=root, capture_output=True, text=True, check=False, env=environment)


def _nothing(select: str) -> RigError:
    return UsageError(f"No scenario is called {select!r} on this target.", _HOW_TO_SELECT)


def _could_not_run(select: str, done: subprocess.CompletedProcess[str]) -> RigError:
    if done.returncode == _NOTHING:
        return _nothing(select)
    said = [line for line in (done.stderr + done.stdout).splitlines() if line.strip()]
    wrong = next((line for line in said if line.startswith("ERROR:")), "")
    if done.returncode == _USAGE and wrong:
        return UsageError(f"{select!r} selects no scenario: {wrong.removeprefix('ERROR:').strip()}.", _HOW_TO_SELECT)
    return RigError("internal", "The scenarios could not be run:\n" + "\n".join(said[-_SAID_LINES:]), "")
