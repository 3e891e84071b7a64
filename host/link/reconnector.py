"""Keeps a connection up: connects, waits for its end, backs off, connects again. Announces every state."""

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import StrEnum

from host.errors import RigError
from host.link.connection import Connection

_LOG = logging.getLogger(__name__)


class LinkState(StrEnum):
    """What a person is told of the link."""

    CONNECTING = "connecting"
    CONNECTED = "connected"
    WAITING = "waiting"  # until the next attempt
    CLOSED = "closed"


@dataclass(frozen=True, slots=True)
class LinkNews:
    """A change of the link's state; ``error`` is why it is not connected."""

    state: LinkState
    error: RigError | None = None
    retry_in_s: float | None = None


@dataclass(frozen=True, slots=True)
class BackOff:
    """Delays between attempts: doubling from ``first_s`` to ``longest_s``, each drawn from its upper half."""

    first_s: float = 0.1
    longest_s: float = 5.0

    def delay_s(self, attempt: int, chance: float) -> float:
        """Return the delay before attempt number ``attempt`` (0 is the first repetition); ``chance`` lies in [0, 1)."""
        ceiling_s = min(self.longest_s, self.first_s * float(1 << min(attempt, 30)))
        return ceiling_s * (0.5 + chance / 2)


DEFAULT_BACK_OFF = BackOff()


class Reconnector:
    """Owns the present connection of one rig.

    Args:
        connect: makes one open connection or raises ``RigError``.
        on_connected: awaited with every new connection before it is announced; reconciliation happens here.
        on_lost: called with why, when a connection that was announced ended.
        on_news: called with every change of state; must not raise and not block.
        chance: draws from [0, 1).
    """

    def __init__(
        self,
        connect: Callable[[], Awaitable[Connection]],
        *,
        on_connected: Callable[[Connection], Awaitable[None]],
        on_lost: Callable[[RigError | None], None],
        on_news: Callable[[LinkNews], None],
        back_off: BackOff = DEFAULT_BACK_OFF,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self._connect = connect
        self._on_connected = on_connected
        self._on_lost = on_lost
        self._on_news = on_news
        self._back_off = back_off
        self._chance = chance
        self._hurry = asyncio.Event()
        self._connection: Connection | None = None
        self._task: asyncio.Task[None] | None = None
        self.news = LinkNews(LinkState.CLOSED)

    async def start(self) -> None:
        """Connect once, raising what is wrong; from then on every loss is mended in the background."""
        assert self._task is None, "started once"
        try:
            connection = await self._attempt()
        except BaseException:
            self._announce(LinkNews(LinkState.CLOSED))
            raise
        self._task = asyncio.create_task(self._keep(connection), name="reconnector")

    def begin(self) -> None:
        """Connect in the background, for as long as it takes; from then on every loss is mended."""
        assert self._task is None, "started once"
        self._task = asyncio.create_task(self._keep_from_the_first(), name="reconnector")

    def hurry(self) -> None:
        """Make the next attempt now."""
        self._hurry.set()

    async def close(self) -> None:
        """End the connection and the attempts; idempotent."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
            self._task = None
        # A task that was cancelled before its first step has closed nothing.
        if self._connection is not None:
            await self._connection.close()
            self._connection = None
        self._announce(LinkNews(LinkState.CLOSED))

    async def _attempt(self) -> Connection:
        self._announce(LinkNews(LinkState.CONNECTING))
        connection = await self._connect()
        try:
            await self._on_connected(connection)
        except BaseException:
            await connection.close()
            raise
        self._connection = connection
        self._announce(LinkNews(LinkState.CONNECTED))
        return connection

    async def _keep_from_the_first(self) -> None:
        try:
            connection = await self._attempt()
        except RigError as error:
            connection = await self._again(error)
        await self._keep(connection)

    async def _keep(self, connection: Connection) -> None:
        while True:
            error = await self._watch(connection)
            connection = await self._again(error)

    async def _watch(self, connection: Connection) -> RigError | None:
        try:
            return await connection.wait_ended()
        finally:
            await connection.close()
            self._on_lost(connection.error)

    async def _again(self, error: RigError | None) -> Connection:
        attempt = 0
        while True:
            await self._pause(attempt, error)
            try:
                return await self._attempt()
            except RigError as failure:
                error = failure
                attempt += 1

    async def _pause(self, attempt: int, error: RigError | None) -> None:
        delay_s = self._back_off.delay_s(attempt, self._chance())
        self._announce(LinkNews(LinkState.WAITING, error, delay_s))
        timer = asyncio.get_running_loop().call_later(delay_s, self._hurry.set)
        try:
            await self._hurry.wait()
        finally:
            timer.cancel()
            self._hurry.clear()

    def _announce(self, news: LinkNews) -> None:
        if news != self.news:
            _LOG.debug("link %s: %s", news.state, news.error)
            self.news = news
            self._on_news(news)
