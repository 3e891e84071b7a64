"""The link between a host and the board's UART."""

import asyncio

import pytest

from hil.bench import Bench
from hil.boards.line import OCTET_NS
from hil.faults import LinkFaults
from hil.virtual_time import WaitsForeverError
from host.errors import TransportError


class Echo:
    """Answers every octet with itself."""

    def __init__(self, board):
        self.board = board
        self.next_tick_us = 0
        self.buffer = bytearray(64)

    def turn(self):
        count = self.board.link_readinto(self.buffer)
        self.board.link_write(self.buffer, count)
        self.next_tick_us = (self.board.ticks_us() + 10_000) & 0x3FFFFFFF
        return count == 0


@pytest.fixture
def bench():
    with Bench("twin", executive=Echo) as bench:
        yield bench


def test_octets_go_to_the_device_and_back_at_the_lines_speed(bench):
    async def main():
        transport = bench.transport()
        await transport.write(b"nanobots\0")
        octets = await transport.read()
        await transport.close()
        return octets, bench.now_ns

    assert bench.run(main()) == (b"nanobots\0", 18 * OCTET_NS)


def test_octets_that_came_while_nobody_read_are_kept(bench):
    async def main():
        transport = bench.transport()
        await transport.write(b"one\0")
        await asyncio.sleep(1)
        await transport.write(b"two\0")
        await asyncio.sleep(1)
        return await transport.read()

    assert bench.run(main()) == b"one\0two\0"


def test_run_for_keeps_octets_for_the_transport(bench):
    async def main():
        transport = bench.transport()
        await transport.write(b"one\0")
        bench.run_for(1.0)
        return await transport.read()

    assert bench.run(main()) == b"one\0"


def test_a_closed_transport_takes_and_gives_nothing(bench):
    async def main():
        transport = bench.transport()
        await transport.close()
        with pytest.raises(TransportError, match="closed"):
            await transport.write(b"x")
        with pytest.raises(TransportError, match="closed"):
            await transport.read()
        await transport.close()

    bench.run(main())


def test_a_reader_that_waits_learns_that_the_cable_was_pulled(bench):
    async def main():
        transport = bench.transport()
        asyncio.get_running_loop().call_later(1.0, bench.link.unplug)
        with pytest.raises(TransportError, match="unplugged") as caught:
            await transport.read()
        assert caught.value.code == "unplugged"
        with pytest.raises(TransportError, match="unplugged"):
            bench.transport()
        bench.link.plug()
        await bench.transport().close()

    bench.run(main())


def test_opening_the_port_again_ends_the_first_transport(bench):
    async def main():
        first, second = bench.transport(), bench.transport()
        with pytest.raises(TransportError, match="opened by somebody else"):
            await first.read()
        await first.close()
        await second.write(b"x\0")
        return await second.read()

    assert bench.run(main()) == b"x\0"


def test_a_silent_device_and_no_timer_is_waiting_for_ever(bench):
    async def main():
        await bench.transport().read()

    with pytest.raises(WaitsForeverError, match="main"):
        bench.run(main())


def test_faults_strike_in_both_directions(bench):
    bench.set_link_faults(LinkFaults(drop=1.0))

    async def lost():
        transport = bench.transport()
        await transport.write(b"x\0")
        async with asyncio.timeout(1):
            return await transport.read()

    with pytest.raises(TimeoutError):
        bench.run(lost())
    bench.set_link_faults(None, LinkFaults(duplicate=1.0))
    assert bench.run(lost()) == b"x\0x\0"


def test_delayed_octets_come_late(bench):
    bench.set_link_faults(LinkFaults(delay=1.0, max_delay_s=0.5), LinkFaults(delay=1.0, max_delay_s=0.5))

    async def main():
        transport = bench.transport()
        await transport.write(b"x\0")
        octets = await transport.read()
        return octets, bench.now_s

    octets, now_s = bench.run(main())
    assert octets == b"x\0"
    assert 0.001 < now_s < 1.1


def test_a_cut_after_an_octet_ends_the_transport(bench):
    bench.set_link_faults(LinkFaults(cut_after_octets=3))

    async def main():
        transport = bench.transport()
        await transport.write(b"abcdef\0")
        with pytest.raises(TransportError, match="unplugged"):
            await transport.read()

    bench.run(main())
    bench.run_for(0.1)
    assert bench.board.executive.buffer[:3] == b"abc"
    assert bench.board.executive.buffer[3] == 0


def test_two_readers_of_one_transport_are_an_error(bench):
    async def main():
        transport = bench.transport()
        reader = asyncio.create_task(transport.read())
        await asyncio.sleep(0)
        with pytest.raises(RuntimeError, match="two coroutines"):
            await transport.read()
        await transport.write(b"x\0")
        return await reader

    assert bench.run(main()) == b"x\0"
