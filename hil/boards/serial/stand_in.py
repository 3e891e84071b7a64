"""A stand-in for the two Picos, where there are none: a simulated device and a simulated probe behind two ports.

The device is a bench of its own in real time, its UART behind a pseudo-terminal; the probe runs the program of the real
one (``probe.session``) on the simulated pins. It proves the bench's side and that program; it says nothing about a real
Pico, its cables, or the state machines of ``probe.stamps``.
"""

from __future__ import annotations

import argparse
import signal
from collections.abc import Callable
from functools import wraps
from heapq import heappop, heappush
from typing import Any

from hil.bench import Bench
from hil.boards.serial.probe import wire
from hil.boards.serial.probe.session import Session
from hil.plant.rig import SimulatedRig
from hil.plant.sensor_faults import STUCK
from hil.pseudo_terminal import PseudoTerminal
from hil.realtime import RealTimeBench

CHIPS = "i2c-fram,i2c-temperature,i2c-cartridges"
"""What the simulated device brings beside its probe."""

_CAPABILITIES = (1 << len(wire.CAPABILITIES)) - 1


class SimulatedPins:
    """What ``probe.session`` asks of its hardware, at the pins of a bench."""

    name = "stand-in"
    capabilities = _CAPABILITIES

    def __init__(self, bench: Bench) -> None:
        self._bench = bench
        self._rig: SimulatedRig = bench.plant
        self._running = self._supply = True
        self._held = self._deaf = False
        self._changes: list[tuple[int, int, int, int]] = []
        self._number = 0
        self._runs: list[list[tuple[int, int, int]]] = [[], [], []]
        self._counts = [0, 0, 0]
        self._last_ticks = [0, 0, 0]
        self._lines = self._told = 0
        self._pulsed = 0
        self._flow = bytes(9)
        self.swapped: dict[int, int] = {}
        """Wires that were put into each other's place: line bits by line bits, for trying the self-test."""
        self._tap()
        self.drive(wire.DRIVEN, 0)

    def begin(self) -> None:
        """Forget what was not told."""
        while self.next_line() is not None:
            pass
        for channel in range(3):
            self._counts[channel] += sum(count for _, _, count in self._runs[channel])
            self._runs[channel].clear()

    def ticks(self) -> int:
        """Return the counter."""
        return self._ticks(self._bench.now_ns)

    def lines(self) -> int:
        """Return the levels now."""
        return self._lines

    def pulsed(self) -> int:
        """Return the lines that carry PWM now."""
        return self._pulsed

    def drive(self, mask: int, levels: int) -> int:
        """Set lines as the rig's electronics would."""
        rig = self._rig
        for bit in (wire.ESTOP, wire.DOOR, wire.BUBBLE, wire.HOME, wire.FOOTSWITCH):
            if mask & bit:
                self._set(rig, self.swapped.get(bit, bit), bool(levels & bit))
        self._change(rig.now_ns, mask, levels)
        return self.ticks()

    def next_line(self) -> tuple[int, int] | None:
        """Return the next change of a line, and all lines after it."""
        if not self._changes:
            return None
        now_ns, _, mask, levels = heappop(self._changes)
        self._told = self._told & ~mask | levels
        return self._ticks(now_ns), self._told

    def mark(self) -> None:
        """Nothing comes while edges are told here."""

    def edges(self, channel: int, octets: bytearray) -> tuple[int, int, int]:
        """Fill ``octets`` with words of edges that were not told yet."""
        words = memoryview(octets).cast("I")
        runs = self._runs[channel]
        before, from_ticks, filled = self._counts[channel], self._last_ticks[channel], 0
        while runs and filled < len(words):
            first, spacing, count = runs[0]
            gap = first - self._last_ticks[channel]
            if filled == 0 and not 0 < gap <= wire.MAX_SPACING:
                from_ticks, gap = first, 0
            elif not 0 < gap <= wire.MAX_SPACING:
                break
            part = min(count, wire.MAX_COUNT) if gap == spacing else 1
            words[filled] = part << 22 | gap
            filled += 1
            self._counts[channel] += part
            self._last_ticks[channel] = first + (part - 1) * spacing
            runs[0] = (first + part * spacing, spacing, count - part)
            if count == part:
                runs.pop(0)
        return before, from_ticks & wire.TICKS_MASK, filled

    def lost(self) -> int:
        """Return channels with lost edges: none here."""
        return 0

    def analogue(self, pressure: int, density: int, supply: int) -> None:
        """Hold the analogue inputs."""
        for channel, level in enumerate((pressure, density, supply)):
            self._rig.sensors.hold_adc(channel, level)

    def power(self, on: bool) -> None:
        """Give or cut the device's supply."""
        self._supply = on
        self._run_or_not()

    def reset(self, low: bool) -> None:
        """Hold the device in reset, or let it start."""
        self._held = low
        self._run_or_not()

    def deafen(self, deaf: bool = True) -> None:
        """Let the device have no supply whatever the probe does."""
        self._deaf = deaf
        self._run_or_not()

    def flow(self, octets: bytes) -> None:
        """Set what the flow chip answers with."""
        self._flow = octets

    def _run_or_not(self) -> None:
        run = self._supply and not self._held and not self._deaf
        if run != self._running:
            self._running = run
            (self._bench.power_on if run else self._bench.power_off)()

    def _ticks(self, now_ns: int) -> int:
        return now_ns // wire.TICK_NS & wire.TICKS_MASK

    def _set(self, rig: SimulatedRig, line: int, high: bool) -> None:
        if line == wire.ESTOP:
            rig.press_estop(not high)
        elif line == wire.DOOR:
            rig.open_door(not high)
        elif line == wire.BUBBLE:
            rig.put_bubble(not high)
        elif line == wire.FOOTSWITCH:
            rig.press_footswitch(high)
        elif line == wire.HOME:
            rig.spoil("home", STUCK, float(high))

    def _tap(self) -> None:
        rig: Any = self._rig
        _after(rig, "step_edges", self._stepped)
        _after(rig, "heartbeat_edges", self._beat)
        _after(rig, "set_valve", lambda now_ns, high: self._change(now_ns, wire.VALVE, wire.VALVE * high))
        _after(rig, "set_direction", lambda now_ns, high: self._change(now_ns, wire.DIRECTION, wire.DIRECTION * high))
        _after(rig, "set_light", self._lit)
        _after(rig, "set_buzzer", lambda _, on: self._pwm(wire.BUZZER, on))
        _after(rig, "set_stirrer", lambda _, on: self._pwm(wire.STIRRER, on))
        chip = rig.flow_chip
        real_read = chip.read

        def read(count: int, now_ns: int) -> bytes | None:
            return None if real_read(count, now_ns) is None else self._flow[:count]

        chip.read = read

    def _change(self, now_ns: int, mask: int, levels: int) -> None:
        self._number += 1
        lines = self._lines & ~mask | levels & mask
        self._lines = lines | wire.SAFE if wire.safe_level(lines) else lines & ~wire.SAFE
        mask |= wire.SAFE
        heappush(self._changes, (now_ns, self._number, mask, self._lines & mask))

    def _stepped(self, channel: int, first_ns: int, period_ns: int, count: int) -> None:
        runs = self._runs[channel]
        if period_ns % wire.TICK_NS == 0:
            runs.append((first_ns // wire.TICK_NS, period_ns // wire.TICK_NS, count))
        else:
            runs += [((first_ns + number * period_ns) // wire.TICK_NS, 0, 1) for number in range(count)]

    def _beat(self, first_ns: int, period_ns: int, count: int) -> None:
        for number in range(count):
            high = not self._lines & wire.HEARTBEAT
            self._change(first_ns + number * period_ns, wire.HEARTBEAT, wire.HEARTBEAT * high)

    def _lit(self, now_ns: int, red: bool, yellow: bool, cyan: bool) -> None:
        levels = wire.RED * red | wire.YELLOW * yellow | wire.CYAN * cyan
        self._change(now_ns, wire.RED | wire.YELLOW | wire.CYAN, levels)

    def _pwm(self, line: int, on: bool) -> None:
        self._pulsed = self._pulsed | line if on else self._pulsed & ~line


def _after(owner: Any, name: str, look: Callable[..., object]) -> None:
    inner = getattr(owner, name)

    @wraps(inner)
    def call(*arguments: Any) -> Any:
        result = inner(*arguments)
        look(*arguments)
        return result

    setattr(owner, name, call)


class StandIn(RealTimeBench):
    """Two ports with a simulated device and a simulated probe behind them, until closed."""

    def __init__(self, target: str = "twin", seed: int = 1) -> None:
        super().__init__(lambda: Bench(target, seed))
        self.probe_port = PseudoTerminal()
        self.pins: SimulatedPins | None = None
        self._session: Session | None = None

    @property
    def board_url(self) -> str:
        """The device's port."""
        return f"serial://{self.port.path}"

    @property
    def probe_url(self) -> str:
        """The probe's port."""
        return f"serial://{self.probe_port.path}"

    def close(self) -> None:
        """End both."""
        super().close()
        self.probe_port.close()

    def _advance(self, bench: Bench, until_ns: int) -> bool:
        if self.pins is None:
            self.pins = SimulatedPins(bench)
            self._session = Session(self.pins, self._say)
        assert self._session is not None
        sent = super()._advance(bench, until_ns)
        octets = self.probe_port.read()
        if octets:
            self._session.receive(octets, len(octets))
        self._session.turn()
        # A probe looks at its port all the time.
        return sent or self._session.open

    def _say(self, buffer: bytearray, length: int) -> None:
        self.probe_port.write(bytes(buffer[:length]))


def main() -> int:
    """Serve a stand-in until Ctrl-C; print pytest's options for it."""
    options = argparse.ArgumentParser(description=main.__doc__)
    options.add_argument("--target", default="twin", choices=("twin", "vm"))
    options.add_argument("--seed", default=1, type=int)
    named = options.parse_args()
    with StandIn(named.target, named.seed) as stand_in:
        ports = f"--board-url {stand_in.board_url} --probe-url {stand_in.probe_url}"
        print(f"{ports} --capabilities {CHIPS} --provision-seed {named.seed}", flush=True)
        try:
            signal.pause()
        except KeyboardInterrupt:
            return 0
    return 0


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    raise SystemExit(main())
