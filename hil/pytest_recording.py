"""What the pytest plugin leaves behind: recordings of bench tests, and one line a test for `rig hil run`."""

from __future__ import annotations

import json
import re
from collections.abc import Generator
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

FOLDER = "build/recordings"
"""Where failing runs leave their recordings, below pytest's root folder."""

MOST_KEPT = 100
"""Recordings in that folder; of more, the oldest are removed. One that was asked for with --record stays."""

SECTION = "bench recording"
PASSED = "passed"
FAILED = "failed"
NOT_RUN = "not run"

_LONGEST_NAME = 120
_LONGEST_REASON = 2000


class _Run:
    """One bench test while it runs."""

    def __init__(self, target: str | None) -> None:
        self.target = target
        self.tape: Any = None
        self.result = PASSED
        self.why = ""
        self.wall_s = 0.0
        self.recording: Path | None = None


_RUN = pytest.StashKey[_Run]()


def watch(item: pytest.Item, bench: Any) -> None:
    """Begin to note what happens on a test's bench."""
    from hil.tape import Tape  # noqa: PLC0415 -- a run without bench tests loads nothing of it

    run = item.stash.setdefault(_RUN, _Run(bench.target))
    run.tape = Tape(bench)


def watch_faults(item: pytest.Item, injector: Any) -> None:
    """Note the faults that a test brings about."""
    item.stash[_RUN].tape.watch_faults(injector)


def recording_name(node: str, target: str, seed: int) -> str:
    """Return the file name of a test's recording: readable, and another for every test."""
    from hil.recording_file import SUFFIX  # noqa: PLC0415

    readable = re.sub(r"[^A-Za-z0-9]+", "-", node.rpartition("/")[2]).strip("-")[:_LONGEST_NAME]
    unique = sha256(f"{node} {target} {seed}".encode()).hexdigest()[:8]
    return f"{readable}-{unique}{SUFFIX}"


class BenchReports:
    """Writes recordings and the report of a pytest run."""

    def __init__(self, config: pytest.Config, seed: int) -> None:
        self._config = config
        self._seed = seed
        self._folder: str | None = config.getoption("--record")
        report: str | None = config.getoption("--bench-report")
        self._report = None if report is None else Path(report)
        if self._report is not None:
            try:
                self._report.write_text("", encoding="utf-8")
            except OSError as error:
                raise pytest.UsageError(f"--bench-report {self._report}: {error.strerror}") from None

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Judge each phase of a test; leave a recording where it failed."""
        report = yield
        run = self._run(item)
        if run is None:
            return report
        run.wall_s += call.duration
        if report.failed:
            run.result = FAILED
            run.why = run.why or report.longreprtext[-_LONGEST_REASON:]
            self._record(item, run, report)
        elif report.skipped and run.result == PASSED:
            run.result = NOT_RUN
            run.why = _reason(report)
        if report.when == "teardown":
            if self._folder is not None:
                self._record(item, run, report)
            self._tell(item, run)
        return report

    def _run(self, item: pytest.Item) -> _Run | None:
        run = item.stash.get(_RUN, None)
        callspec = getattr(item, "callspec", None)
        if run is None and callspec is not None and "target" in callspec.params:
            # Its bench was never built: it was skipped, or could not be.
            run = item.stash[_RUN] = _Run(str(callspec.params["target"]))
        return run

    def _record(self, item: pytest.Item, run: _Run, report: pytest.TestReport) -> None:
        """Write the recording of a test, once."""
        if run.tape is None or run.recording is not None:
            return
        from hil import recording_file  # noqa: PLC0415

        folder = Path(self._folder or FOLDER)
        name = recording_name(item.nodeid, run.tape.bench.target, run.tape.bench.seed)
        path = self._config.invocation_params.dir / folder if self._folder else self._config.rootpath / folder
        try:
            recording_file.write(run.tape.recording(item.nodeid, run.result, run.why), path / name)
        except Exception as error:  # noqa: BLE001 -- whatever is wrong with the recording must not hide the failure
            report.sections.append((SECTION, f"could not be written: {error}"))
            return
        if not self._folder:
            _forget_the_oldest(path)
        run.recording = path / name
        shown = _shown(run.recording)
        report.sections.append((SECTION, f"recording: {shown}\nreplay it: rig hil replay {shown}"))

    def _tell(self, item: pytest.Item, run: _Run) -> None:
        if self._report is None:
            return
        line: dict[str, Any] = {
            "node": item.nodeid,
            "scenario": _without_target(item),
            "target": run.target,
            "seed": self._seed,
            "result": run.result,
            "why": run.why,
            "simulated_ms": 0,
            "wall_ms": round(run.wall_s * 1000),
            "requirements": list(dict.fromkeys(name for mark in item.iter_markers("req") for name in mark.args)),
            "recording": None if run.recording is None else str(run.recording),
            "digest": None,
            "parameters_sha256": None,
            "firmware": None,
            "tools": {},
        }
        if run.tape is not None:
            line |= _of_the_bench(run.tape)
        with self._report.open("a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")


def _of_the_bench(tape: Any) -> dict[str, Any]:
    from hil import tools  # noqa: PLC0415

    bench = tape.bench
    return {
        "seed": bench.seed,
        "simulated_ms": bench.now_ns // 1_000_000,
        "digest": bench.recorder.digest(),
        "parameters_sha256": tools.parameters_sha256(tools.parameters_of(bench.plant.parameters)),
        "firmware": tape.firmware_reported(),
        "tools": tools.versions(bench.board),
    }


def _without_target(item: pytest.Item) -> str:
    """Return the test's name without its target: the same on every board."""
    callspec = getattr(item, "callspec", None)
    if callspec is None or "target" not in callspec.params:
        return item.nodeid
    base = item.nodeid.partition("[")[0]
    parts = callspec.id.split("-")
    target = str(callspec.params["target"])
    if target in parts:
        parts.remove(target)
    return f"{base}[{'-'.join(parts)}]" if parts else base


def _forget_the_oldest(folder: Path) -> None:
    """Keep the newest recordings of failed runs: a folder that nobody asked for does not grow without end."""
    from hil.recording_file import SUFFIX  # noqa: PLC0415

    found = sorted(folder.glob(f"*{SUFFIX}"), key=lambda path: path.stat().st_mtime_ns)
    for path in found[:-MOST_KEPT]:
        path.unlink(missing_ok=True)


def _reason(report: pytest.TestReport) -> str:
    if isinstance(report.longrepr, tuple):
        return str(report.longrepr[2]).removeprefix("Skipped: ")
    return str(getattr(report, "wasxfail", report.longrepr or ""))


def _shown(path: Path) -> str:
    """Return a path as a person would type it here."""
    return str(path.relative_to(Path.cwd())) if path.is_relative_to(Path.cwd()) else str(path)
