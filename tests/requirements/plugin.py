"""What every test run does: say and spread its seed, and refuse a test that names an unknown requirement."""

import json
import os
import random
from pathlib import Path

import pytest

from tests.requirements.catalogue import load

SEED_VARIABLE = "NANORIG_SEED"
SEED_BITS = 32
NIGHT_EXAMPLES = 5000


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the option that the requirement matrix is made with."""
    parser.addoption("--proofs", metavar="FILE", help="write which test names which requirement, as JSON")


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """Settle the seed and Hypothesis's settings, before Hypothesis reads its own options."""
    import hypothesis  # noqa: PLC0415  (its own plug-in wants to be the first to import it)

    seed = os.environ.setdefault(SEED_VARIABLE, str(random.SystemRandom().getrandbits(SEED_BITS)))
    if not seed.isdecimal():
        raise pytest.UsageError(f"{SEED_VARIABLE}={seed} is not a whole number of 0 or more")
    if config.getoption("hypothesis_seed") is None:
        config.option.hypothesis_seed = seed
    # No deadline for an example: it would judge the machine's load. Tests that claim a speed measure it themselves.
    hypothesis.settings.register_profile("nanorig", deadline=None, print_blob=True)
    hypothesis.settings.register_profile("night", deadline=None, print_blob=True, max_examples=NIGHT_EXAMPLES)
    hypothesis.settings.load_profile("nanorig")


def pytest_report_header() -> str:
    """Say how to repeat the run."""
    seed = os.environ[SEED_VARIABLE]
    return f"seed: {seed} ({SEED_VARIABLE}={seed} repeats this run)"


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Note what the tests name, and stop the run where there is no such requirement."""
    proofs: dict[str, list[str]] = {}
    for item in items:
        for name in dict.fromkeys(name for marker in item.iter_markers("req") for name in marker.args):
            proofs.setdefault(name, []).append(item.nodeid.split("[")[0])
    unknown = [name for name in proofs if name not in load().requirements]
    if unknown:
        raise pytest.UsageError("\n".join(f"no requirement is called {name!r}: {proofs[name][0]}" for name in unknown))
    target = config.getoption("proofs")
    if target is not None:
        once = {name: list(dict.fromkeys(tests)) for name, tests in proofs.items()}
        Path(target).write_text(json.dumps(once), encoding="utf-8")
