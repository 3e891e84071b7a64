"""An asyncio event loop whose clock is the bench's: waiting costs no time, and the same seed gives the same run.

When nothing is ready, the bench runs to the next timer or to octets for the host, whichever comes first. Nothing else
can wake a coroutine: there are no sockets, no processes and no threads here, and work for an executor is done at once.
"""

import asyncio
import math
from asyncio import base_events
from collections.abc import Callable, Coroutine
from contextvars import Context
from typing import Any, Protocol, TypeVar, TypeVarTuple

from hil.plant.parameters import NS_PER_S

T = TypeVar("T")
Ts = TypeVarTuple("Ts")

_RESOLUTION_S = 0.4e-9  # less than one step of the clock: no timer fires before its nanosecond
# So long may every coroutine wait for octets alone, with no timer set, before it counts as waiting for ever.
SILENCE_LIMIT_S = 60
# A run that takes longer than this on the bench's clock is taken for one that never ends.
RUN_LIMIT_S = 24 * 3600


class WaitsForeverError(RuntimeError):
    """No timer is set, nothing is ready and no octets come: the coroutines wait for each other."""


class LeakedTasksError(RuntimeError):
    """Tasks are still running although what started them has ended."""


class Clock(Protocol):
    """The part of the bench that moves time."""

    @property
    def now_ns(self) -> int:
        """The time reached."""
        ...

    def advance(self, until_ns: int) -> bool:
        """Run to ``until_ns``, or up to octets for a reader; True when there were any."""
        ...


class VirtualTimeLoop(base_events.BaseEventLoop):
    """Event loop on the bench's clock."""

    def __init__(self, bench: Clock) -> None:
        super().__init__()
        self._bench = bench
        self._selector = self  # the base class asks it for events when nothing is ready
        self._clock_resolution = _RESOLUTION_S
        self._limit_ns: int | None = None

    def time(self) -> float:
        """Return the bench's time in seconds."""
        return self._bench.now_ns / NS_PER_S

    def call_at(
        self,
        when: float,
        callback: Callable[[*Ts], object],
        *args: *Ts,
        context: Context | None = None,
    ) -> asyncio.TimerHandle:
        """Let a wait, even one that is nothing but a remainder of rounding, take a nanosecond: else it never ended."""
        if when > self.time() and self._ns(when) <= self._bench.now_ns:
            when = (self._bench.now_ns + 1) / NS_PER_S
        return super().call_at(when, callback, *args, context=context)

    @staticmethod
    def _ns(when: float) -> int:
        return math.ceil(round(when * NS_PER_S, 3))

    def select(self, timeout: float | None) -> list[Any]:
        """Let the bench run for as long as nothing is ready."""
        if timeout is None:
            self._wait_for_octets()
        elif timeout > 0:
            self._advance(self._next_timer_ns())
        return []

    def limit(self, until_ns: int | None) -> None:
        """Raise WaitsForeverError when the bench's clock passes this."""
        self._limit_ns = until_ns

    def run_in_executor(  # type: ignore[override]
        self,
        executor: Any,  # noqa: ARG002
        func: Callable[..., Any],
        *args: Any,
    ) -> asyncio.Future[Any]:
        """Call the function at once: it takes no time on the bench's clock."""
        future: asyncio.Future[Any] = self.create_future()
        try:
            future.set_result(func(*args))
        except Exception as error:  # noqa: BLE001 -- it belongs to whoever awaits the future
            future.set_exception(error)
        return future

    def _next_timer_ns(self) -> int:
        timer: asyncio.TimerHandle = self._scheduled[0]  # type: ignore[attr-defined]
        return self._ns(timer.when())

    def _advance(self, until_ns: int) -> bool:
        if self._limit_ns is not None and until_ns > self._limit_ns:
            raise WaitsForeverError(
                f"not done after {self._limit_ns / NS_PER_S:g} s on the bench's clock; waiting: {self._waiting()}"
            )
        return self._bench.advance(until_ns)

    def _wait_for_octets(self) -> None:
        until_ns = self._bench.now_ns + SILENCE_LIMIT_S * NS_PER_S
        # Octets that nobody reads are no reason to wait on.
        while not (self._ready or self._scheduled):  # type: ignore[attr-defined]
            if not self._advance(until_ns) and self._bench.now_ns >= until_ns:
                raise WaitsForeverError(
                    f"nothing is ready, no timer is set and no octets came for {SILENCE_LIMIT_S} s; "
                    f"waiting: {self._waiting()}"
                )

    def _waiting(self) -> str:
        return ", ".join(sorted(str(task.get_coro()) for task in asyncio.all_tasks(self))) or "nobody"

    def _process_events(self, event_list: list[Any]) -> None:
        """Nothing comes from outside."""

    def _write_to_self(self) -> None:
        """There is no other thread that could have to wake the loop."""


def run(bench: Clock, coroutine: Coroutine[Any, Any, T], limit_s: float = RUN_LIMIT_S) -> T:
    """Run a coroutine on a new loop until it ends. Raises LeakedTasksError when it left tasks behind."""
    loop = VirtualTimeLoop(bench)
    try:
        return complete(loop, coroutine, limit_s)
    finally:
        close(loop)


def complete(loop: VirtualTimeLoop, coroutine: Coroutine[Any, Any, T], limit_s: float = RUN_LIMIT_S) -> T:
    """Run a coroutine until it ends. Raises LeakedTasksError when there are more tasks afterwards than before."""
    before = asyncio.all_tasks(loop)
    loop.limit(round((loop.time() + limit_s) * NS_PER_S))
    try:
        result = loop.run_until_complete(coroutine)
    except BaseException:
        cancel(loop, asyncio.all_tasks(loop) - before)
        raise
    leaked = asyncio.all_tasks(loop) - before
    if leaked:
        names = ", ".join(sorted(str(task.get_coro()) for task in leaked))
        cancel(loop, leaked)
        raise LeakedTasksError(f"still running: {names}; await or cancel what you start")
    return result


def cancel(loop: VirtualTimeLoop, tasks: set[asyncio.Task[Any]]) -> None:
    """Cancel tasks and let them end."""
    for task in tasks:
        task.cancel()
    if tasks:
        loop.run_until_complete(asyncio.gather(*tasks, return_exceptions=True))


def close(loop: VirtualTimeLoop) -> None:
    """Cancel what is left and close the loop."""
    if not loop.is_closed():
        cancel(loop, asyncio.all_tasks(loop))
        loop.run_until_complete(loop.shutdown_asyncgens())
        loop.close()
