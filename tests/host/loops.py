"""Runs a coroutine in virtual time or in real time; a task that it leaves behind fails the test."""

import asyncio
import functools
import selectors
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

Result = TypeVar("Result")


class _Skipping(selectors.BaseSelector):
    """A selector that never sleeps: where nothing is ready it moves the loop's time on."""

    def __init__(self, inner: selectors.BaseSelector) -> None:
        self._inner = inner
        self.now_s = 0.0

    def register(self, fileobj: Any, events: int, data: Any = None) -> selectors.SelectorKey:
        return self._inner.register(fileobj, events, data)

    def unregister(self, fileobj: Any) -> selectors.SelectorKey:
        return self._inner.unregister(fileobj)

    def modify(self, fileobj: Any, events: int, data: Any = None) -> selectors.SelectorKey:
        return self._inner.modify(fileobj, events, data)

    def get_map(self) -> Any:
        return self._inner.get_map()

    def close(self) -> None:
        self._inner.close()

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is None:
            raise RuntimeError("nothing will ever happen: every task waits for another")
        self.now_s += max(0.0, timeout)
        return self._inner.select(0)


class VirtualLoop(asyncio.SelectorEventLoop):
    """An event loop whose time moves only when nothing is left to do."""

    def __init__(self) -> None:
        self._skipping = _Skipping(selectors.DefaultSelector())
        super().__init__(self._skipping)

    def time(self) -> float:
        return 1000.0 + self._skipping.now_s

    def run_in_executor(self, executor: Any, func: Callable[..., Any], *args: Any) -> Any:  # type: ignore[override]
        done = self.create_future()
        try:
            done.set_result(func(*args))
        except Exception as error:  # noqa: BLE001  as an executor does
            done.set_exception(error)
        return done


def run(coroutine: Coroutine[Any, Any, Result], *, real_time: bool = False) -> Result:
    """Run to the end, with a bound, and fail when a task is left behind."""
    factory = asyncio.new_event_loop if real_time else VirtualLoop
    with asyncio.Runner(loop_factory=factory, debug=real_time) as runner:
        return runner.run(_bounded(coroutine, 30.0 if real_time else 100_000.0))


async def _bounded(coroutine: Coroutine[Any, Any, Result], seconds: float) -> Result:
    unexpected: list[str] = []
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(lambda _, context: unexpected.append(str(context)))
    async with asyncio.timeout(seconds):
        result = await coroutine
    await asyncio.sleep(0)
    left = [task.get_name() for task in asyncio.all_tasks() if task is not asyncio.current_task()]
    assert not left, f"tasks left behind: {left}"
    assert not unexpected, unexpected
    return result


def now_ms() -> int:
    """Return the running loop's time in ms."""
    return int(asyncio.get_running_loop().time() * 1000)


def virtual(test: Callable[..., Coroutine[Any, Any, None]]) -> Callable[..., None]:
    """Let an async test run in virtual time."""

    @functools.wraps(test)
    def run_test(*args: Any, **kwargs: Any) -> None:
        run(test(*args, **kwargs))

    return run_test


def real(test: Callable[..., Coroutine[Any, Any, None]]) -> Callable[..., None]:
    """Let an async test run in real time, for what threads, ports and processes do."""

    @functools.wraps(test)
    def run_test(*args: Any, **kwargs: Any) -> None:
        run(test(*args, **kwargs), real_time=True)

    return run_test
