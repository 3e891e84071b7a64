"""Fixtures of the scenarios, and the choice of those that are short enough for the emulated Pico."""

from collections.abc import Iterator

import pytest

from hil.bench import Bench
from hil.scenarios.raw_host import RawHost


def pytest_configure(config: pytest.Config) -> None:
    """Make the scenarios' marker known."""
    config.addinivalue_line("markers", "quick: a scenario short enough to run on the emulated Pico too")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out, on the emulated Pico, what would take it minutes."""
    long = {item for item in items if item.get_closest_marker("rp2040") and not item.get_closest_marker("quick")}
    here = {item for item in long if item.path.is_relative_to(config.rootpath / "hil" / "scenarios")}
    if here:
        config.hook.pytest_deselected(items=list(here))
        items[:] = [item for item in items if item not in here]


@pytest.fixture
def host(bench: Bench) -> Iterator[RawHost]:
    """A raw host, connected to a bench whose sensors have woken up."""

    async def connect() -> RawHost:
        raw = RawHost(bench.transport(), bench.seed)
        await raw.__aenter__()
        if bench.target == "serial":
            await raw.unlatched(bench.press_footswitch)
        await raw.ready()
        return raw

    raw = bench.loop.run_until_complete(connect())
    yield raw
    bench.loop.run_until_complete(raw.__aexit__())
