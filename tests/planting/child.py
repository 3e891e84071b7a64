"""What a forked process does: it runs tests against broken sources, and its exit code says how that went."""

import os
import random
import signal
import sys
import traceback
from typing import Any

import pytest

from tests.planting.defect import ROOT, Job, PlaceError
from tests.planting.serving import TextFinder

# Beyond pytest's own codes.
EXIT_PLACE = 70
EXIT_UNSEEN = 71
EXIT_PROCESS = 72
EXIT_IMPORT = 73
EXIT_BROKEN = 74

_PROFILE = "planted"
# The same examples each time: whether a defect is noticed depends on the code and its tests, not on the draw.
SEED = "1"
_OPTIONS = (
    "-x",
    "-q",
    "-p",
    "no:cacheprovider",
    "-W",
    "ignore:Module already imported so cannot be rewritten:pytest.PytestAssertRewriteWarning",
    f"--hypothesis-seed={SEED}",
    f"--hypothesis-profile={_PROFILE}",
)
_STARTS = ("subprocess.Popen", "os.fork", "os.forkpty", "os.posix_spawn", "os.exec", "os.system")


def run(job: Job, output: int, folder: str, seconds: int) -> int:
    """Run the job's tests, in at most so many seconds; return the exit code.

    What they say goes to an open file, what they write to a folder that nobody else uses.
    """
    _redirect(output)
    signal.alarm(seconds)
    random.seed(int(SEED))
    try:
        finder = TextFinder(ROOT, job.texts())
        finder.install()
        return _run_tests([f"--basetemp={folder}", job.tests], finder)
    except PlaceError as error:
        print(error)
        return EXIT_PLACE
    except BaseException:  # noqa: BLE001  (nothing may get back to where the process was forked)
        traceback.print_exc()
        return EXIT_BROKEN
    finally:
        sys.stdout.flush()
        sys.stderr.flush()


def _redirect(output: int) -> None:
    nothing = os.open(os.devnull, os.O_RDONLY)
    for file, stream in ((nothing, 0), (output, 1), (output, 2)):
        os.dup2(file, stream)


def _run_tests(arguments: list[str], finder: TextFinder) -> int:
    watch = Watch(finder)
    sys.addaudithook(watch.audit)
    code = int(pytest.main([*_OPTIONS, *arguments], plugins=[watch]))
    if watch.started:
        print(f"{watch.started}: another process would load the sources on the disk")
        return EXIT_PROCESS
    if finder.missing and code in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED):
        print(f"not imported from a text: {', '.join(sorted(finder.missing))}")
        return EXIT_UNSEEN
    return EXIT_IMPORT if watch.import_failed and code == pytest.ExitCode.TESTS_FAILED else code


class Watch:
    """The pytest plug-in that settles finder and examples, and notes what makes a failure prove nothing."""

    def __init__(self, finder: TextFinder) -> None:
        self._finder = finder
        self.import_failed = False
        self.started = ""

    def audit(self, event: str, details: Any) -> None:
        """Refuse to start another process. Raises RuntimeError."""
        if event in _STARTS:
            self.started = f"{event} {details!r}"
            raise RuntimeError("a test that runs against a text cannot start a process")

    @pytest.hookimpl(tryfirst=True)
    def pytest_load_initial_conftests(self) -> None:
        # Pytest has put its own finder first, which reads every file that it rewrites the assertions of.
        self._finder.come_first()

    @pytest.hookimpl(tryfirst=True)
    def pytest_configure(self) -> None:
        import hypothesis  # noqa: PLC0415  (its own plug-in wants to be the first to import it)

        # No database: what a broken source fails on is no example for the project's own tests.
        phases = [hypothesis.Phase.explicit, hypothesis.Phase.generate]
        hypothesis.settings.register_profile(_PROFILE, deadline=None, database=None, phases=phases)

    def pytest_exception_interact(self, call: pytest.CallInfo[Any]) -> None:
        raised = call.excinfo.type if call.excinfo else None
        if raised is not None and issubclass(raised, ImportError | SyntaxError):
            self.import_failed = True
