"""Fixtures that put a test on the bench: ``--target`` chooses the board, ``--seed`` everything that is random.

A test that uses ``bench`` (or ``rig``, ``plant``) runs once on each target; as a coroutine it runs on the bench's
clock, and a task that it leaves behind fails it.
"""

import inspect
import os
from collections.abc import Iterator
from typing import Any

import pytest

TARGETS = ("twin", "vm", "rp2040")
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
        help=f"boards to run bench tests on, of {', '.join(TARGETS)} (default {DEFAULT_TARGET}); may be repeated",
    )
    group.addoption(
        "--seed",
        type=int,
        default=None,
        help=f"seed of everything random on the bench (default ${SEED_VARIABLE}, else {DEFAULT_SEED})",
    )


def pytest_report_header(config: pytest.Config) -> str:
    """Say what the bench runs on, so that a failing run can be run again."""
    return f"bench: target {','.join(targets(config))}, seed {seed(config)}"


def pytest_configure(config: pytest.Config) -> None:
    """Refuse unknown targets at once; make the markers known."""
    unknown = [name for name in targets(config) if name not in TARGETS]
    if unknown:
        raise pytest.UsageError(f"--target {','.join(unknown)}: choose from {', '.join(TARGETS)}")
    config.addinivalue_line(
        "markers", "bench(**options): options for this test's Bench, such as parameters or a board's own"
    )
    config.addinivalue_line("markers", "only(*targets): the targets that this test makes sense on")


def targets(config: pytest.Config) -> list[str]:
    """Return the targets asked for, in order, each once."""
    given = config.getoption("--target") or [DEFAULT_TARGET]
    return list(dict.fromkeys(name.strip() for item in given for name in item.split(",") if name.strip()))


def seed(config: pytest.Config) -> int:
    """Return the seed of everything random on the bench."""
    given: int | None = config.getoption("--seed")
    return int(os.environ.get(SEED_VARIABLE, DEFAULT_SEED)) if given is None else given


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run every test that uses the bench on each target."""
    if "target" not in metafunc.fixturenames:
        return
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
    for marker in reversed(list(request.node.iter_markers("bench"))):
        options.update(marker.kwargs)
    with Bench(target, **options) as built:
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


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    """Run a coroutine on the clock of its bench."""
    bench: Any = pyfuncitem.funcargs.get("bench")
    if bench is None or not inspect.iscoroutinefunction(pyfuncitem.obj):
        return None
    names = pyfuncitem._fixtureinfo.argnames
    bench.run(pyfuncitem.obj(**{name: pyfuncitem.funcargs[name] for name in names}))
    return True
