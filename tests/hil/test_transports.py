"""`twin://` and `vm://`: a rig that comes with its URL, for as long as the process lives."""

import asyncio
from collections.abc import Iterator

import pytest

from hil import transports
from host.errors import RigError
from host.rig import Rig
from tests.hil.rig_command import run


@pytest.fixture(autouse=True)
def _no_bench_is_left() -> Iterator[None]:
    yield
    transports.close_all()


async def boot(url: str) -> bytes:
    async with Rig.connect(url) as rig:
        await rig.status()
        assert rig.welcome is not None
        return rig.welcome.boot


@pytest.mark.parametrize("scheme", ["twin", "vm"])
def test_a_url_brings_its_own_rig_and_a_second_connection_finds_the_same(scheme: str) -> None:
    url = f"{scheme}://?seed=3"
    assert asyncio.run(boot(url)) == asyncio.run(boot(url))


def test_another_seed_is_another_rig() -> None:
    assert asyncio.run(boot("twin://?seed=3")) != asyncio.run(boot("twin://?seed=4"))


@pytest.mark.parametrize("url", ["twin://?seed=x", "twin://host", "twin://?speed=3", "vm://?seed=-1"])
def test_a_url_with_other_options_is_refused(url: str) -> None:
    with pytest.raises(RigError, match="seed") as refused:
        asyncio.run(boot(url))
    assert refused.value.code == "url"


def test_the_emulated_pico_says_that_it_has_no_port() -> None:
    with pytest.raises(RigError, match="slower than real time"):
        asyncio.run(boot("rp2040://"))


def test_the_rig_command_takes_such_a_url_and_leaves_nothing_behind() -> None:
    done = run("status", "--port", "vm://", "--json")
    assert done.code == 0, done.err
    assert done.err == ""
