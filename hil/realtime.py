"""A bench that runs by the wall clock in a thread of its own, its UART behind a pseudo-terminal.

Bench time follows the monotonic clock. When the machine is late, bench time slips: what was missed is left out and
counted, never made up for in a burst, so that the firmware sees an even clock.
"""

import os
import select
import threading
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from types import TracebackType
from typing import Any, Self, TypeVar

from hil.bench import Bench
from hil.pseudo_terminal import LINE_BAUD, PseudoTerminal

SLICE_NS = 2_000_000
"""Bench time between two looks at the clock."""

BUSY_SLICE_NS = 500_000
"""The same while octets pass, so that an answer does not wait for its slice."""

BUSY_FOR_NS = 5_000_000

SLIP_NS = 20_000_000
"""Lateness that is left out: two ticks. Less is caught up with."""

CALL_TIMEOUT_S = 30

Result = TypeVar("Result")


class RealTimeBench:
    """A bench in real time. What others want of the bench goes through `call()`, which runs between two slices."""

    def __init__(self, make_bench: Callable[[], Bench]):
        self.port = PseudoTerminal()
        self.slips = 0
        """How often bench time was set back because the machine was late."""
        self.slipped_ns = 0
        self.error: BaseException | None = None
        """What ended the thread, if something did: for instance a crash of the firmware's process."""
        self._make_bench = make_bench
        self._calls: deque[tuple[Callable[[Bench], Any], Future[Any]]] = deque()
        self._wake_reader, self._wake_writer = os.pipe()
        os.set_blocking(self._wake_writer, False)
        self._stopping = False
        self._started: Future[None] = Future()
        self._thread = threading.Thread(target=self._run, name="bench", daemon=True)

    def start(self) -> Self:
        """Boot the bench. Raises what its construction raises."""
        self._thread.start()
        self._started.result()
        return self

    def close(self) -> None:
        """Stop time, end the firmware and remove the port."""
        self._stopping = True
        self._wake()
        if self._thread.ident is not None:
            self._thread.join()
        self.port.close()
        if self._wake_reader >= 0:
            os.close(self._wake_reader)
            os.close(self._wake_writer)
            self._wake_reader = -1

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    @property
    def url(self) -> str:
        """The transport URL of the port."""
        return f"serial://{self.port.path}?baud={LINE_BAUD}"

    def call(self, function: Callable[[Bench], Result]) -> Result:
        """Run a function on the bench, in its thread, and return its result.

        Raises what the function raises, and RuntimeError when the bench has ended.
        """
        future: Future[Result] = Future()
        if self._thread.ident is not None and not self._thread.is_alive():
            raise RuntimeError("the bench has ended") from self.error
        self._calls.append((function, future))
        self._wake()
        return future.result(CALL_TIMEOUT_S)

    def unplug(self) -> None:
        """Pull the serial cable."""
        self.call(lambda _bench: self.port.unplug())

    def plug(self) -> None:
        """Put the serial cable in again, under the same name."""
        self.call(lambda _bench: self.port.plug())

    def _wake(self) -> None:
        if self._wake_writer >= 0:
            os.write(self._wake_writer, b"\0")

    def _run(self) -> None:
        try:
            bench = self._make_bench()
        except BaseException as error:  # noqa: BLE001 handed to start()
            self._started.set_exception(error)
            return
        self._started.set_result(None)
        try:
            self._follow_the_clock(bench)
        except BaseException as error:  # noqa: BLE001 kept for whoever asks
            self.error = error
        finally:
            self._answer_the_last()
            self.port.unplug()
            bench.close()

    def _follow_the_clock(self, bench: Bench) -> None:
        board = bench.board
        offset_ns = time.monotonic_ns() - board.now_ns
        busy_until_ns = 0
        while not self._stopping:
            target_ns = time.monotonic_ns() - offset_ns
            late_ns = target_ns - board.now_ns
            if late_ns > SLIP_NS:
                self.slips += 1
                self.slipped_ns += late_ns
                offset_ns += late_ns
                target_ns = board.now_ns
            if self._advance(bench, target_ns):
                busy_until_ns = target_ns + BUSY_FOR_NS
            octets = self.port.read()
            if octets:
                board.host_write(octets)
                busy_until_ns = target_ns + BUSY_FOR_NS
            self._do_calls(bench)
            pause_ns = BUSY_SLICE_NS if target_ns < busy_until_ns else SLICE_NS
            self._wait(target_ns + pause_ns + offset_ns - time.monotonic_ns())

    def _advance(self, bench: Bench, until_ns: int) -> bool:
        """Let bench time pass and hand out what the device has sent. True when there was something."""
        board = bench.board
        sent = False
        while board.now_ns < until_ns:
            board.run_until(until_ns)
            octets = board.host_read()
            if octets:
                self.port.write(octets)
                sent = True
        return sent

    def _do_calls(self, bench: Bench) -> None:
        while self._calls:
            function, future = self._calls.popleft()
            try:
                future.set_result(function(bench))
            except Exception as error:  # noqa: BLE001 handed to the caller
                future.set_exception(error)

    def _answer_the_last(self) -> None:
        while self._calls:
            _, future = self._calls.popleft()
            future.set_exception(RuntimeError("the bench has ended"))

    def _wait(self, pause_ns: int) -> None:
        """Sleep until the pause is over, the host sends, or someone calls."""
        waited_for = [self._wake_reader]
        if self.port.is_open():
            # A port that nobody has open would wake the thread all the time.
            waited_for.append(self.port.fileno())
        ready, _, _ = select.select(waited_for, [], [], max(0, pause_ns) / 1e9)
        if self._wake_reader in ready:
            os.read(self._wake_reader, 4096)
