"""What needs nothing but the link: these run on a bare board on a cable, without a probe, sensors or a journal."""

import asyncio
import time

import pytest

from hil.bench import Bench
from hil.scenarios.raw_host import RawHost
from protocol import codes, messages

pytestmark = pytest.mark.needs()


def nonce_seed(bench: Bench) -> int:
    """Return the seed of a host that was never here: a board that nobody resets remembers the last one's questions."""
    return time.time_ns() if bench.target == "serial" else bench.seed


async def test_a_bare_board_tells_who_it_is_and_how_it_stands(bench: Bench) -> None:
    async with RawHost(bench.transport(), nonce_seed(bench)) as host:
        status = await host.status()
    assert host.welcome.schema == messages.schema_hash()
    assert status.uptime_ms > 0


@pytest.mark.req("LINK-2")
async def test_a_bare_board_opens_no_session_to_a_host_of_another_schema(bench: Bench) -> None:
    other = RawHost(bench.transport(), nonce_seed(bench), schema=b"another!")
    with pytest.raises(ConnectionError):
        await other.__aenter__()
    await other.close()


@pytest.mark.req("STOP-1")
async def test_a_bare_board_takes_a_stop_and_says_so(bench: Bench) -> None:
    async with RawHost(bench.transport(), nonce_seed(bench)) as host:
        stopped = await host.stop()
        assert stopped.cause != codes.CAUSE_NONE
        assert (await host.status()).stop_cause != codes.CAUSE_NONE


@pytest.mark.req("LINK-1")
async def test_garbage_does_not_keep_a_bare_board_from_answering(bench: Bench) -> None:
    async with RawHost(bench.transport(), nonce_seed(bench)) as host:
        for _ in range(20):
            await host.write(host.nonsense())
            await asyncio.sleep(0.01)
        assert (await host.status()).uptime_ms > 0
