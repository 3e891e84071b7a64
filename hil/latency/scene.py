"""The bench brought to where a trial begins: a connected host, a dose in any of its states."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any

from hil.bench import Bench
from hil.hosts import ready
from hil.plant.parameters import NS_PER_MS, NS_PER_S
from hil.recorder import TO_HOST
from hil.virtual_time import cancel
from host.errors import RigError
from protocol import codes, messages
from protocol.framing import FrameDecoder

if TYPE_CHECKING:
    from host.rig import Rig

FLUSH = codes.CHANNEL_FLUSH
LARGEST_NL = 100_000
SMALL_NL = 300
CALM_NL_S = 500
"""A rate whose line pressure is gone soon, for states that wait for that."""

COPIED = ("twin", "rp2040")
"""Targets that a fork copies whole. The others start anew for every trial."""

FAST_NL_S = 2000
STEADY_S = 1.6
FLOW_S = 0.3
START_LIMIT_S = 20.0
TELEMETRY_S = 0.1


class Scene:
    """One bench with a host, made and left by ``at_rest`` and ``close``."""

    def __init__(self, target: str, seed: int, **options: Any) -> None:
        self.bench = Bench(target, seed, **options)
        self.rig: Rig = self.do(_connected(self.bench))
        self.doses: list[asyncio.Task[object]] = []
        self.collections_ns: list[int] = []
        """When each collection of the heap began, where the board can tell."""
        self.do(ready(self.rig))
        # The first pings and the first telemetry are out of the way.
        self.wait(TELEMETRY_S)

    @property
    def now_ns(self) -> int:
        """The time reached."""
        return self.bench.now_ns

    @property
    def copied(self) -> bool:
        """Whether a trial runs in a copy of this, which is thrown away afterwards."""
        return self.bench.target in COPIED

    def do(self, coroutine: Coroutine[Any, Any, Any]) -> Any:
        """Run a coroutine to its end; what it started goes on whenever time does."""
        return self.bench.loop.run_until_complete(coroutine)

    def wait(self, duration_s: float) -> None:
        """Let time pass with the host alive."""
        self.do(asyncio.sleep(duration_s))

    def wait_until(self, until_ns: int) -> None:
        """Let time pass up to an instant, with the host alive, and stop exactly there."""
        if until_ns > self.now_ns:
            self.wait((until_ns - self.now_ns) / NS_PER_S)

    def close(self) -> None:
        """Let go of the bench; whatever is under way is dropped, without another octet."""
        cancel(self.bench.loop, asyncio.all_tasks(self.bench.loop))
        self.bench.close()

    # States of the device.

    def idle(self, _rate_nl_s: int = 0) -> None:
        """Nothing is asked of the device."""

    def accepted(self, rate_nl_s: int) -> None:
        """An order has just left the host: accepted within a tick, running some 20 ms later."""
        self.order(LARGEST_NL, rate_nl_s)
        self.wait(0.003)

    def running(self, rate_nl_s: int) -> None:
        """Steps leave the pin."""
        before = self.bench.edge_count(FLUSH)
        self.order(LARGEST_NL, rate_nl_s)
        while self.bench.edge_count(FLUSH) < before + 2:
            self.wait(0.005)
        if rate_nl_s >= FAST_NL_S:
            # As much pressure in the line as the rate ever gives: that is what a stop has to relieve.
            self.wait(STEADY_S)

    def pausing(self, rate_nl_s: int) -> None:
        """A pause has been asked for, the line settles."""
        self.running(rate_nl_s)
        self.wait(FLOW_S)
        self.do(self.rig.pause())

    def paused(self, _rate_nl_s: int) -> None:
        """The line has settled, the dose waits for a person."""
        self.pausing(CALM_NL_S)
        self.do(self._telemetry_says(lambda telemetry: bool(telemetry.device_state == codes.DEVICE_PAUSED)))

    def settling(self, rate_nl_s: int) -> None:
        """The last step is out, the line settles."""
        self.order(SMALL_NL, rate_nl_s)
        wanted = self.bench.edge_count(FLUSH) + SMALL_NL * 1000 // 5608
        while self.bench.edge_count(FLUSH) < wanted:
            self.wait(0.005)
        self.wait(0.02)

    def stopped(self, _rate_nl_s: int) -> None:
        """A stop is latched already."""
        self.do(self.rig.stop())

    def order(self, volume_nl: int, rate_nl_s: int) -> None:
        """Let the client order a dose; it waits for the outcome by itself."""
        dose = self.bench.loop.create_task(_ended(self.rig, volume_nl, rate_nl_s))
        self.doses.append(dose)
        self.wait(0)

    async def _telemetry_says(self, wanted: Callable[[Any], bool]) -> None:
        async with asyncio.timeout(30):
            while self.rig.telemetry is None or not wanted(self.rig.telemetry.message):  # noqa: ASYNC110
                await asyncio.sleep(0.02)

    # What the firmware does when.

    def next_telemetry_ns(self) -> int:
        """Return when the next telemetry will have left the device, judged by the last one."""
        period_ns = round(TELEMETRY_S * NS_PER_S)
        last_ns = next(
            frame.now_ns
            for frame in reversed(self.bench.recorder.frames)
            if frame.direction == TO_HOST and number_of(frame.data) == messages.TELEMETRY
        )
        return last_ns + ((self.now_ns - last_ns) // period_ns + 1) * period_ns

    def watch_collections(self) -> bool:
        """Note from now on when the firmware collects its heap; False where that takes no time."""
        chip = getattr(self.bench.board, "chip", None)
        if chip is None:
            return False
        from hil.boards.rp2040.console import symbols  # noqa: PLC0415 -- only this board has them

        elf = self.bench.board.image.with_suffix(".elf")
        chip.loop.watch(symbols(elf)["gc_collect"], lambda: self.collections_ns.append(self.bench.now_ns))
        return True

    def next_collection_ns(self, limit_s: float = 15.0) -> int:
        """Let time pass until the heap is collected; return when that began. For use in a copy."""
        known = len(self.collections_ns)
        until_ns = self.now_ns + round(limit_s * NS_PER_S)
        while len(self.collections_ns) == known:
            if self.now_ns > until_ns:
                raise RuntimeError(f"the firmware did not collect its heap within {limit_s:g} s")
            self.wait(0.01)
        return self.collections_ns[known]

    def resets_ns(self, since_ns: int) -> list[int]:
        """Return when the controller was reset after an instant."""
        board = self.bench.board
        known = board.resets_ns() if hasattr(board, "resets_ns") else [board.mcu.boot_ns]
        return [reset_ns for reset_ns in known if reset_ns > since_ns]

    def run_board(self, duration_ms: float) -> None:
        """Let time pass without the host's doing anything."""
        self.bench.run_until_ns(self.now_ns + round(duration_ms * NS_PER_MS))


async def _connected(bench: Bench) -> Rig:
    """Connect as soon as the firmware is up: from a file system it takes seconds to compile itself."""
    end_s = bench.now_s + START_LIMIT_S
    while True:
        try:
            return await bench.connect()
        except RigError:
            if bench.now_s > end_s:
                raise


async def _ended(rig: Rig, volume_nl: int, rate_nl_s: int) -> None:
    with contextlib.suppress(RigError):
        await rig.dose(volume_nl, rate_nl_s)


def number_of(octets: bytes) -> int:
    """Return the number of the message in these octets; 0 when there is none."""
    decoder = FrameDecoder()
    start = 0
    while start < len(octets):
        start = decoder.feed(octets, start, len(octets))
        if decoder.length:
            return decoder.buffer[0]
    return 0
