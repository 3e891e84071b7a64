"""Runs mutants, each in a forked process of its own, against the tests that enter its function."""

import gc
import os
import resource
import signal
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from time import process_time
from types import FunctionType

import pytest
from _pytest.runner import runtestprotocol

from tests.mutants.generate import Mutant, function_of
from tests.mutants.rules import test_files

KILLED = "killed"
TIMED_OUT = "timed out"
SURVIVED = "survived"
UNTESTED = "entered by no test"

# Under a mutant a test may take this much longer, in time of the processor: the machine's load is no judge.
_TIMES = 5
_AT_LEAST_S = 1.0
# One that sleeps takes none; only a clock ends it.
_CLOCK_S = 300
_MEMORY_OCTETS = 2 << 30
_EXIT_SURVIVED, _EXIT_KILLED, _EXIT_BROKEN = range(3)
_FATES = {
    _EXIT_SURVIVED: SURVIVED,
    _EXIT_KILLED: KILLED,
    -signal.SIGPROF: TIMED_OUT,
    -signal.SIGALRM: TIMED_OUT,
}
_SAY_EVERY = 200
_PROFILE = "mutants"
# Always the same examples: whether a mutant lives depends on the code and its tests, not on the draw.
_SEED = "1"


@dataclass
class Judgement:
    """What became of each mutant."""

    fates: dict[Mutant, str] = field(default_factory=dict)

    def count(self, module: str) -> Counter[str]:
        """Return how many mutants of a module met which fate."""
        return Counter(fate for mutant, fate in self.fates.items() if mutant.module == module)


class TestsFailError(Exception):
    """The tests do not pass without any mutant, so that they judge none."""


def judge(mutants: Sequence[Mutant], jobs: int) -> Judgement:
    """Run every mutant; the tests are collected and run once without any before."""
    os.environ["NANORIG_SEED"] = _SEED
    files = sorted({str(path) for mutant in mutants for path in test_files(mutant.module)})
    executor = _Executor(mutants, jobs)
    options = ["-q", "-s", "--no-header", "-p", "no:cacheprovider", f"--hypothesis-profile={_PROFILE}"]
    status = pytest.main([*options, f"--hypothesis-seed={_SEED}", *files], plugins=[executor])
    if executor.failed or status != pytest.ExitCode.OK:
        raise TestsFailError(executor.failed or f"pytest ended with {status!r} without any mutant")
    return executor.judgement


class Probe:
    """Tells whether a function was entered: stands in its place until its first call, so that nothing gets slower."""

    def __init__(self, module: str, name: str) -> None:
        self.entered_by: list[pytest.Item] = []
        self._function = function_of(module, name)
        self._code = self._function.__code__
        # A code without free variables: what it needs it finds among its constants.
        space: dict[str, FunctionType] = {}
        exec("def stand_in(*values, **named):\n    enter = 'enter'\n    return enter(*values, **named)", space)
        code = space["stand_in"].__code__
        self._stand_in = code.replace(
            co_consts=tuple(self._enter if constant == "enter" else constant for constant in code.co_consts)
        )

    def set(self) -> None:
        """Begin to wait for a call."""
        self._function.__code__ = self._stand_in

    def take_out(self) -> bool:
        """Return whether there was a call since ``set``."""
        waited = self._function.__code__ is self._stand_in
        self._function.__code__ = self._code
        return not waited

    def _enter(self, *values: object, **named: object) -> object:
        self._function.__code__ = self._code
        return self._function(*values, **named)


class _Executor:
    """The pytest plug-in: in place of pytest's own loop over the tests."""

    def __init__(self, mutants: Sequence[Mutant], jobs: int) -> None:
        self._mutants = mutants
        self._jobs = jobs
        self._seconds: dict[pytest.Item, float] = {}
        self._probes = {(mutant.module, mutant.function): Probe(mutant.module, mutant.function) for mutant in mutants}
        self._running: dict[int, Mutant] = {}
        self.judgement = Judgement()
        self.failed = ""

    @pytest.hookimpl(tryfirst=True)
    def pytest_configure(self) -> None:
        import hypothesis  # noqa: PLC0415  (its own plug-in wants to be the first to import it)

        hypothesis.settings.register_profile(
            _PROFILE,
            deadline=None,
            database=None,
            max_examples=50,
            report_multiple_bugs=False,
            phases=[hypothesis.Phase.explicit, hypothesis.Phase.generate],
            suppress_health_check=[hypothesis.HealthCheck.too_slow],
        )

    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        for item, following in _with_next(session.items):
            self._observe(item, following)
            if self.failed:
                return True
        gc.collect()
        gc.freeze()
        for mutant in self._mutants:
            self._begin(mutant)
        while self._running:
            self._end_one()
        self._control(
            [item for item in session.items if any(item in probe.entered_by for probe in self._probes.values())]
        )
        return True

    def _observe(self, item: pytest.Item, following: pytest.Item | None) -> None:
        """Run a test without any mutant: what it enters, and how long it takes."""
        for probe in self._probes.values():
            probe.set()
        begun = process_time()
        reports = runtestprotocol(item, log=False, nextitem=following)
        self._seconds[item] = process_time() - begun
        for report in reports:
            if report.failed:
                self.failed = f"{item.nodeid} fails without any mutant:\n{report.longreprtext}"
        for probe in self._probes.values():
            if probe.take_out():
                probe.entered_by.append(item)

    def _begin(self, mutant: Mutant) -> None:
        items = self._judges(mutant)
        if not items:
            self.judgement.fates[mutant] = UNTESTED
            return
        while len(self._running) >= self._jobs:
            self._end_one()
        self._running[self._fork(mutant, items)] = mutant

    def _control(self, items: list[pytest.Item]) -> None:
        """See that the tests pass in a process forked now: whatever fails them would look like a mutant noticed."""
        _, status = os.waitpid(self._fork(None, items), 0)
        if os.waitstatus_to_exitcode(status) != _EXIT_SURVIVED:
            self.failed = f"of {len(items)} tests one fails in a process of its own, without any mutant"

    def _judges(self, mutant: Mutant) -> list[pytest.Item]:
        """Return the tests that enter the mutant's function, the quickest first."""
        files = set(test_files(mutant.module))
        items = self._probes[mutant.module, mutant.function].entered_by
        return sorted((item for item in items if Path(item.path) in files), key=self._seconds.__getitem__)

    def _fork(self, mutant: Mutant | None, items: list[pytest.Item]) -> int:
        """Run the tests in a process of its own, and return its number."""
        process = os.fork()
        if process:
            return process
        status = _EXIT_BROKEN
        try:
            _bound()
            if mutant is not None:
                mutant.plant()
            passed = all(self._passes(item, following) for item, following in _with_next(items))
            status = _EXIT_SURVIVED if passed else _EXIT_KILLED
        finally:
            os._exit(status)

    def _passes(self, item: pytest.Item, following: pytest.Item | None) -> bool:
        """Whether a test passes; beyond its time it ends this process."""
        signal.setitimer(signal.ITIMER_PROF, _AT_LEAST_S + _TIMES * self._seconds[item])
        return not any(report.failed for report in runtestprotocol(item, log=False, nextitem=following))

    def _end_one(self) -> None:
        process, status = os.wait()
        code = os.waitstatus_to_exitcode(status)
        mutant = self._running.pop(process)
        if code not in _FATES:
            self.failed = f"ended with {code}: {mutant.name}"
        self.judgement.fates[mutant] = _FATES.get(code, UNTESTED)
        if len(self.judgement.fates) % _SAY_EVERY == 0:
            print(f"{len(self.judgement.fates)} of {len(self._mutants)} mutants", file=sys.stderr, flush=True)


def _with_next(items: Sequence[pytest.Item]) -> Iterator[tuple[pytest.Item, pytest.Item | None]]:
    return zip(items, [*items[1:], None], strict=True)


def _bound() -> None:
    """Let this process say nothing, take no more than its share, and end by itself."""
    nothing = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(nothing, stream)
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY_OCTETS, _MEMORY_OCTETS))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    signal.alarm(_CLOCK_S)
