"""The runs of a test module's defects: started together, and each awaited by the test that it belongs to."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from tempfile import TemporaryDirectory
from typing import Self

import pytest

from tests.planting import child
from tests.planting.defect import ROOT, Defect, Job, jobs_of

# Far more than any suite takes, on a busy machine too.
BOUND_S = 120

_NOTICED = int(pytest.ExitCode.TESTS_FAILED)
_PASSED = int(pytest.ExitCode.OK)
_MEANINGS = {
    _PASSED: "every test passed",
    _NOTICED: "a test failed",
    int(pytest.ExitCode.INTERRUPTED): "the tests were not run, or not to the end",
    int(pytest.ExitCode.INTERNAL_ERROR): "pytest itself failed",
    int(pytest.ExitCode.USAGE_ERROR): "pytest does not find the tests",
    int(pytest.ExitCode.NO_TESTS_COLLECTED): "there was no test to run",
    child.EXIT_PLACE: "there is not one place to break",
    child.EXIT_UNSEEN: "the tests do not import what was to be broken",
    child.EXIT_PROCESS: "the tests start another process",
    child.EXIT_IMPORT: "an import failed, not a test",
    child.EXIT_BROKEN: "the tests could not be started",
    -signal.SIGALRM: "the tests took too long",
}


@dataclass(frozen=True)
class Result:
    """How a run ended, and what it said."""

    code: int
    said: str

    def __str__(self) -> str:
        return f"{_MEANINGS.get(self.code, f'the run ended with {self.code}')}\n{self.said}"


class ServerError(Exception):
    """The process that runs the tests ended too early."""


class Runs:
    """Runs of tests in other processes, one for each defect or suite: begun when it is made, ended by ``with``."""

    def __init__(self, jobs: Mapping[Defect | str, Job], seconds: int = BOUND_S) -> None:
        self._order = list(jobs)
        self._results: dict[Defect | str, Result] = {}
        self._folder = TemporaryDirectory(prefix="planted-", ignore_cleanup_errors=True)
        self._server = subprocess.Popen(
            [sys.executable, "-m", "tests.planting.server"],
            cwd=ROOT,
            # Two runs of one defect differ in nothing: not in what is drawn, and not in the order of a set.
            env=os.environ | {"NANORIG_SEED": child.SEED, "PYTHONHASHSEED": child.SEED},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        asked = {
            "jobs": [asdict(job) for job in jobs.values()],
            "folder": self._folder.name,
            "seconds": seconds,
            "at_a_time": os.cpu_count() or 1,
        }
        self._server.stdin.write(json.dumps(asked))
        self._server.stdin.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        # The server leads a session of its own: what it forked ends with it, even where it has ended badly itself.
        if self._server.poll() != 0:
            with suppress(ProcessLookupError):
                os.killpg(self._server.pid, signal.SIGKILL)
        self._server.wait()
        self._server.stdout.close()
        self._folder.cleanup()

    def result(self, asked: Defect | str) -> Result:
        """Wait for a run to end, and return how it did. Raises ServerError."""
        while asked not in self._results:
            line = self._server.stdout.readline()
            if not line:
                raise ServerError(f"ended with {self._server.wait()}, and with no word of {asked}")
            number, code, said = json.loads(line)
            self._results[self._order[number]] = Result(code, said)
        return self._results[asked]

    def must_notice(self, defect: Defect) -> None:
        """Fail unless a test that ran against the defect failed."""
        result = self.result(defect)
        assert result.code == _NOTICED, str(result)

    def must_pass(self, suite: str) -> None:
        """Fail unless each of the suite's tests passes where nothing is broken."""
        result = self.result(suite)
        assert result.code == _PASSED, str(result)


@contextmanager
def running(
    request: pytest.FixtureRequest, defects: Sequence[Defect], sources: str, tests: str, seconds: int = BOUND_S
) -> Iterator[Runs]:
    """Run those defects and suites that the selected tests of this module have as their parameters."""
    jobs = jobs_of(defects, sources, tests)
    items = [item for item in request.session.items if item.path == request.path and hasattr(item, "callspec")]
    named = [value for item in items for value in item.callspec.params.values()]
    # A defect ends at the first failure, a suite runs whole: begun last, it would leave a processor idle at the end.
    named.sort(key=lambda value: isinstance(value, Defect))
    with Runs({value: jobs[value] for value in named if value in jobs}, seconds) as runs:
        yield runs
