"""Fixtures that put a test on the bench: ``--target`` chooses the board, ``--seed`` everything that is random.

A test that uses ``bench`` (or ``rig``, ``plant``, ``patient``, ``faults``) runs once on each target; as a coroutine it
runs on the bench's clock, and a task that it leaves behind fails it. One that fails leaves a recording behind, and with
``--record DIR`` every one does.
"""

import inspect
import os
import re
from collections.abc import Iterator
from importlib import import_module
from typing import Any

import pytest

from hil import pytest_recording, pytest_rp2040, pytest_serial

DEFAULT_TARGET = "twin"
DEFAULT_SEED = 1
SEED_VARIABLE = "NANORIG_SEED"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the bench's options."""
    group = parser.getgroup("bench")
    group.addoption(
        "--target",
        action="append",
        default=None,
        metavar="NAME[,NAME]",
        help=f"boards to run bench tests on, such as twin, vm, rp2040 (default {DEFAULT_TARGET}); may be repeated",
    )
    group.addoption(
        "--seed",
        type=int,
        default=None,
        help=f"seed of everything random on the bench (default ${SEED_VARIABLE}, else {DEFAULT_SEED})",
    )
    group.addoption(
        "--record",
        metavar="DIR",
        default=None,
        help=f"leave a recording of every bench test there (default: of those that fail, in {pytest_recording.FOLDER})",
    )
    group.addoption(
        "--bench-report",
        metavar="FILE",
        default=None,
        help="write one line of JSON a bench test: what ran, how it ended, what it proves, where its recording is",
    )
    pytest_serial.addoption(group)
    pytest_rp2040.addoption(group)


def pytest_report_header(config: pytest.Config) -> str:
    """Say what the bench runs on, so that a failing run can be run again."""
    return f"bench: target {','.join(targets(config))}, seed {seed(config)}"


def pytest_configure(config: pytest.Config) -> None:
    """Refuse unknown targets at once; make the markers known."""
    _refuse_unknown(targets(config))
    config.addinivalue_line(
        "markers", "bench(**options): options for this test's Bench, such as parameters or a board's own"
    )
    config.addinivalue_line("markers", "patient(who): the patient of this test's bench, by name or parameters")
    config.addinivalue_line("markers", "only(*targets): the targets that this test makes sense on")
    pytest_serial.configure(config)
    config.pluginmanager.register(pytest_recording.BenchReports(config, seed(config)), "nanorig bench reports")


def targets(config: pytest.Config) -> list[str]:
    """Return the targets asked for, in order, each once."""
    given = config.getoption("--target") or [DEFAULT_TARGET]
    return list(dict.fromkeys(name.strip() for item in given for name in item.split(",") if name.strip()))


def _refuse_unknown(names: list[str]) -> None:
    if names == [DEFAULT_TARGET]:
        return
    from hil.boards.base import TARGETS  # noqa: PLC0415 -- a run without bench tests loads nothing of it

    unknown = [name for name in names if name not in TARGETS]
    if unknown or not names:
        raise pytest.UsageError(f"--target {','.join(unknown)}: choose from {', '.join(TARGETS)}")


def seed(config: pytest.Config) -> int:
    """Return the seed of everything random on the bench."""
    given: int | None = config.getoption("--seed")
    if given is not None:
        return given
    named = os.environ.get(SEED_VARIABLE, str(DEFAULT_SEED))
    if not named.isdecimal():
        raise pytest.UsageError(f"{SEED_VARIABLE}={named} is not a whole number of 0 or more")
    return int(named)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run every test that uses the bench on each target."""
    if "target" not in metafunc.fixturenames:
        return
    if any("target" in re.split(r"\W+", str(mark.args[0])) for mark in metafunc.definition.iter_markers("parametrize")):
        return  # the test chooses its targets itself
    only = metafunc.definition.get_closest_marker("only")
    parameters = []
    for name in targets(metafunc.config):
        marks: list[Any] = [pytest.mark.rp2040] if name == "rp2040" else []
        if only is not None and name not in only.args:
            marks.append(pytest.mark.skip(reason=f"makes sense only on {', '.join(only.args)}"))
        parameters.append(pytest.param(name, marks=marks))
    metafunc.parametrize("target", parameters, scope="function", indirect=True)


@pytest.fixture
def target(request: pytest.FixtureRequest) -> str:
    """The board this test runs on."""
    name: str = request.param
    return name


@pytest.fixture
def bench(request: pytest.FixtureRequest, target: str) -> Iterator[Any]:
    """A bench with a powered board; ``@pytest.mark.bench(...)`` gives it other options."""
    from hil.bench import Bench  # noqa: PLC0415 -- a run without bench tests loads nothing of it

    options: dict[str, Any] = {"seed": seed(request.config)}
    if target == pytest_serial.TARGET:
        pytest_serial.skip_what_cannot_be(request)
        options |= pytest_serial.options(request.config)
    if target == pytest_rp2040.TARGET:
        options |= pytest_rp2040.options(request.config)
    for marker in reversed(list(request.node.iter_markers("bench"))):
        options.update(marker.kwargs)
    try:
        built = Bench(target, **options)
    except Exception as error:
        if missing := missing_tools(error):
            pytest.skip(f"{target} cannot run here: {missing}")
        raise
    with built:
        pytest_rp2040.boot(built)
        pytest_recording.watch(request.node, built)
        yield built


@pytest.fixture
def plant(bench: Any) -> Any:
    """The simulated rig of the bench."""
    return bench.plant


@pytest.fixture
def rig(bench: Any) -> Iterator[Any]:
    """A rig client that is connected to the bench."""
    client = bench.loop.run_until_complete(bench.connect())
    try:
        yield client
    finally:
        bench.loop.run_until_complete(client.__aexit__(None, None, None))


@pytest.fixture
def faults(request: pytest.FixtureRequest, bench: Any) -> Any:
    """What brings faults about on the bench: ``plan``, ``begin``, ``end``, ``mend`` of ``hil.faults.inject``."""
    injector = _part("hil.faults.inject", "Injector", "faults")(bench)
    pytest_recording.watch_faults(request.node, injector)
    return injector


@pytest.fixture
def patient(request: pytest.FixtureRequest, bench: Any) -> Any:
    """The patient at the tip of the bench's line, from the bench's seed; ``@pytest.mark.patient(...)`` chooses who."""
    marker = request.node.get_closest_marker("patient")
    chosen = () if marker is None else marker.args
    return _part("hil.patient", "at_the_tip", "patient")(bench, *chosen)


def _part(module: str, name: str, fixture: str) -> Any:
    """Return a part of the bench that not every installation has. Raises UsageError where it is missing."""
    try:
        return getattr(import_module(module), name)
    except (ModuleNotFoundError, AttributeError):
        raise pytest.UsageError(f"the fixture {fixture} needs {module}.{name}, which is not here") from None


def missing_tools(error: BaseException | None) -> str:
    """Return which tools a board lacks on this machine, empty when it failed for another reason."""
    from hil.toolchain.debian import FetchError  # noqa: PLC0415
    from hil.toolchain.image import EXIT_TOOLS_MISSING  # noqa: PLC0415
    from hil.toolchain.image_sources import BuildError  # noqa: PLC0415
    from hil.toolchain.micropython import MicroPythonMissingError  # noqa: PLC0415

    while error is not None:
        if isinstance(error, MicroPythonMissingError | FetchError):
            return str(error)
        if isinstance(error, BuildError) and error.code == EXIT_TOOLS_MISSING:
            return str(error)
        error = error.__cause__
    return ""


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    """Run a coroutine on the clock of its bench."""
    bench: Any = pyfuncitem.funcargs.get("bench")
    if bench is None or not inspect.iscoroutinefunction(pyfuncitem.obj):
        return None
    names = pyfuncitem._fixtureinfo.argnames
    try:
        bench.run(pyfuncitem.obj(**{name: pyfuncitem.funcargs[name] for name in names}))
    except Exception as error:
        if bench.target == pytest_serial.TARGET:
            pytest_serial.skip_what_turned_out_not_to_be(error)
        raise
    return True
