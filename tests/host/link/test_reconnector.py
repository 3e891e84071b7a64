"""Losing and finding the link again."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from host.errors import RigError, TransportError
from host.link.connection import Connection
from host.link.reconnector import BackOff, LinkNews, LinkState, Reconnector
from tests.host.fake_device import FakeDevice
from tests.host.line import Line
from tests.host.loops import now_ms, virtual

GONE = TransportError("port_unknown", "There is no port.", "Plug it in.")


@given(st.integers(0, 10_000), st.floats(0, 1, exclude_max=True))
def test_the_delay_is_bounded_on_both_sides(attempt: int, chance: float) -> None:
    back_off = BackOff(first_s=0.1, longest_s=5.0)
    assert 0.05 <= back_off.delay_s(attempt, chance) <= 5.0


def test_the_delay_doubles_up_to_its_longest() -> None:
    back_off = BackOff(first_s=0.1, longest_s=1.0)
    assert [back_off.delay_s(attempt, 1.0) for attempt in range(5)] == pytest.approx([0.1, 0.2, 0.4, 0.8, 1.0])


class World:
    """A reconnector on a line, and what it said."""

    def __init__(self, line: Line) -> None:
        self.line = line
        self.news: list[LinkNews] = []
        self.connected: list[Connection] = []
        self.lost: list[RigError | None] = []
        self.reconnector = Reconnector(
            self._connect,
            on_connected=self._on_connected,
            on_lost=self.lost.append,
            on_news=self.news.append,
            chance=lambda: 0.5,
        )

    async def _connect(self) -> Connection:
        connection = Connection(await self.line.open(), host_nonce=b"%4d" % self.line.opened, on_message=lambda _: None)
        try:
            await connection.open()
        except BaseException:
            await connection.close()
            raise
        return connection

    async def _on_connected(self, connection: Connection) -> None:
        self.connected.append(connection)

    def states(self) -> list[LinkState]:
        return [news.state for news in self.news]


@virtual
async def test_the_first_failure_is_told_to_the_caller() -> None:
    async with Line(FakeDevice(now_ms)) as line:
        line.refuse = GONE
        world = World(line)
        with pytest.raises(RigError) as caught:
            await world.reconnector.start()
        assert caught.value is GONE
        assert world.states() == [LinkState.CONNECTING, LinkState.CLOSED]
        await world.reconnector.close()


@virtual
async def test_a_lost_link_is_found_again_and_every_state_announced() -> None:
    async with Line(FakeDevice(now_ms)) as line:
        world = World(line)
        await world.reconnector.start()
        line.refuse = GONE
        line.cut()
        await asyncio.sleep(2)
        assert world.reconnector.news.state is LinkState.WAITING
        assert world.reconnector.news.error is GONE
        line.refuse = None
        await asyncio.sleep(5)
        assert world.reconnector.news.state is LinkState.CONNECTED
        assert len(world.connected) == 2
        assert world.states()[:5] == [
            LinkState.CONNECTING,
            LinkState.CONNECTED,
            LinkState.WAITING,
            LinkState.CONNECTING,
            LinkState.WAITING,
        ]
        assert [error.code for error in world.lost if error] == ["unplugged"]
        await world.reconnector.close()
        assert world.states()[-1] is LinkState.CLOSED


@virtual
async def test_hurrying_does_not_wait_for_the_delay() -> None:
    async with Line(FakeDevice(now_ms)) as line:
        world = World(line)
        await world.reconnector.start()
        line.refuse = GONE
        line.cut()
        await asyncio.sleep(20)
        line.refuse = None
        before_ms = now_ms()
        world.reconnector.hurry()
        while world.reconnector.news.state is not LinkState.CONNECTED:
            await asyncio.sleep(0.001)
        assert now_ms() - before_ms < 50
        await world.reconnector.close()


@virtual
async def test_closing_while_waiting_leaves_nothing_behind() -> None:
    async with Line(FakeDevice(now_ms)) as line:
        world = World(line)
        await world.reconnector.start()
        line.refuse = GONE
        line.cut()
        await asyncio.sleep(1)
        await world.reconnector.close()
        await world.reconnector.close()
