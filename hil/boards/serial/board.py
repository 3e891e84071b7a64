"""The board on a cable, in real time. What the bench calls now is the probe's last report, some 10 ms ago.

Everything the bench shows belongs to one instant: the plant has seen every edge up to it, and octets from the device
are kept back until it is reached. What the bench does, it does to the device at once, that much later.
"""

from __future__ import annotations

import select
import time
from collections import deque
from collections.abc import Iterable
from typing import Any

from hil.boards.base import BoardError
from hil.boards.line import OCTET_NS
from hil.boards.serial.capabilities import NotHereError
from hil.boards.serial.happenings import Happenings
from hil.boards.serial.port import Port
from hil.boards.serial.probe import wire
from hil.boards.serial.probe_link import ProbeLink
from hil.boards.serial.rig import FollowingRig
from hil.plant.parameters import NS_PER_MS
from hil.plant.sensors import ADC_DENSITY, ADC_PRESSURE, ADC_SUPPLY
from hil.recorder import TO_DEVICE, TO_HOST, Recorder

DRIVE_EVERY_NS = 10 * NS_PER_MS
"""Analogue levels and the flow go to the probe a hundred times a second."""

WAIT_S = 0.05
SETTLE_S = 1.0
RESET_S = 0.02
SAFE_LOOKS = 5
"""So many reports in a row must show a SAFE that its inputs do not explain before its wire is called wrong."""

FLOW_OCTETS = 9


class SerialBoard:
    """A device and, where there is one, a probe. Without a probe there is only the link, and no plant moves."""

    name = "serial"

    def __init__(
        self,
        rig: FollowingRig,
        recorder: Recorder,
        device: Port,
        probe: ProbeLink | None,
        capabilities: Iterable[str],
    ) -> None:
        self.capabilities = frozenset(capabilities)
        self._rig = rig
        self._recorder = recorder
        self._device = device
        self._probe = probe
        self._now_ns = 0
        self._horizon_ns = 0
        self._octets: deque[tuple[int, bytes]] = deque()
        self._start_ns = time.monotonic_ns()
        self._next_drive_ns = 0
        self._wrong_safe = 0
        self._powered = False
        self._happenings: Happenings | None = None
        if probe is not None:
            self._happenings = Happenings(probe.clock, self._edges, rig.follow)
            self._wire(rig, probe)

    @property
    def now_ns(self) -> int:
        """The time that the plant has reached."""
        return self._now_ns

    def power_on(self) -> None:
        """Start the firmware anew where the probe can: reset or supply. Else the device runs on as it is."""
        self._rig.power_on_controller(self._rig.now_ns)
        self._rig.flow_chip.write(self._rig.flow_chip.START, self._rig.now_ns)
        self._powered = True
        if self._probe is not None and "power" in self.capabilities:
            self._probe.send(wire.RESET, 1)
            self._probe.send(wire.POWER, 1)
            self._drive_levels(self._probe)
            time.sleep(RESET_S)
            self._forget_octets()
            self._probe.send(wire.RESET, 0)

    def power_off(self) -> None:
        """Cut the device's supply. Raises NotHereError where the bench cannot."""
        if self._probe is None or "power" not in self.capabilities:
            raise NotHereError("this bench cannot cut the device's supply: it lacks the capability power")
        self._probe.send(wire.POWER, 0)
        self._powered = False
        self._rig.power_off_controller(self._rig.now_ns)

    def hang(self) -> None:
        """Raise NotHereError: nothing outside can hang a real processor."""
        raise NotHereError("the processor of a real board cannot be hung from outside")

    def close(self) -> None:
        """Leave a tripped rig behind and give the ports back."""
        try:
            if self._probe is not None:
                self._probe.send(wire.DRIVE, wire.DRIVEN, 0)
        except BoardError:
            pass  # it is gone already, and trips by itself
        finally:
            if self._probe is not None:
                self._probe.close()
            self._device.close()

    def run_until(self, until_ns: int) -> None:
        """Wait until ``until_ns``, or until octets for the host are due. Raises BoardError when a port is gone."""
        while True:
            self._look(0.0)
            due_ns = self._octets[0][0] if self._octets else until_ns
            target_ns = min(until_ns, max(due_ns, self._now_ns))
            self._advance(min(target_ns, self._horizon_ns))
            if self._now_ns >= target_ns:
                return
            self._look(WAIT_S if self._probe else min(WAIT_S, (target_ns - self._horizon_ns) / 1e9))

    def host_write(self, data: bytes) -> None:
        """Send octets to the device now. Frames are noted at the earliest instant at which they can have arrived."""
        begin_ns = max(self._now_ns, self._earliest_ns())
        self._device.write(data)
        begin = 0
        while begin < len(data):
            end = data.find(0, begin) + 1 or len(data)
            self._recorder.frame(TO_DEVICE, begin_ns + end * OCTET_NS, data[begin:end])
            begin = end

    def host_read(self) -> bytes:
        """Take the octets that had left the device by now."""
        taken = b""
        while self._octets and self._octets[0][0] <= self._now_ns:
            taken += self._octets.popleft()[1]
        if taken:
            self._recorder.frame(TO_HOST, self._now_ns, taken)
        return taken

    # Between the ports and the plant.

    def _wire(self, rig: FollowingRig, probe: ProbeLink) -> None:
        """Take over the lines and wait until they stand as the rig wants them. Raises BoardError."""
        wanted = rig.attach(self._drive, probe.lines)
        self._drive(wanted)
        deadline_s = time.monotonic() + SETTLE_S
        while (rig.wanted ^ probe.lines) & wire.DRIVEN:
            if time.monotonic() > deadline_s:
                names = named((rig.wanted ^ probe.lines) & wire.DRIVEN)
                raise BoardError(f"{names} will not take the level that the probe drives; run: rig hil wiring")
            self._look(WAIT_S)

    def _drive(self, wanted: int) -> None:
        assert self._probe is not None
        self._probe.send(wire.DRIVE, wire.DRIVEN, wanted)

    def _look(self, timeout_s: float) -> None:
        """Take what has come over both ports."""
        ports = [self._device] if self._probe is None else [self._device, self._probe.port]
        select.select(ports, [], [], max(0.0, timeout_s))
        if self._probe is None:
            self._horizon_ns = time.monotonic_ns() - self._start_ns
        else:
            for message in self._probe.take():
                self._take(self._probe, message)
        data = self._device.read()
        if data and self._powered:
            self._octets.append((self._arrived_ns(), data))

    def _take(self, probe: ProbeLink, message: tuple[Any, ...]) -> None:
        assert self._happenings is not None
        number = message[0]
        if number == wire.EDGES:
            self._happenings.edges(message)
        elif number == wire.LINE:
            self._happenings.lines(message)
            probe.lines = message[2]
        elif number == wire.HORIZON:
            _, ticks, lines, pulsed, lost = message
            if lost:
                raise BoardError(f"step edges came too fast for the probe; channels {lost:03b} (bits) have lost times")
            self._horizon_ns = probe.clock.reached(ticks)
            probe.lines = lines
            self._judge_safe(lines)
            self._rig.pulsed(self._rig.now_ns, pulsed)

    def _judge_safe(self, lines: int) -> None:
        wrong = "safe" in self.capabilities and wire.safe_level(lines) != bool(lines & wire.SAFE)
        self._wrong_safe = self._wrong_safe + 1 if wrong else 0
        if self._wrong_safe >= SAFE_LOOKS:
            level = "high" if lines & wire.SAFE else "low"
            raise BoardError(f"SAFE stays {level} whatever its inputs say: look at GP15, or run: rig hil wiring")

    def _advance(self, until_ns: int) -> None:
        """Bring the plant to an instant that the probe has told everything about."""
        if until_ns <= self._now_ns:
            return
        if self._happenings is not None:
            self._happenings.hand_over(until_ns)
        self._rig.advance(until_ns)
        self._now_ns = until_ns
        if self._probe is not None and until_ns >= self._next_drive_ns:
            self._next_drive_ns = until_ns + DRIVE_EVERY_NS
            self._drive_levels(self._probe)

    def _drive_levels(self, probe: ProbeLink) -> None:
        rig = self._rig
        if "analogue" in self.capabilities:
            levels = [rig.adc(channel, rig.now_ns) for channel in (ADC_PRESSURE, ADC_DENSITY, ADC_SUPPLY)]
            probe.send(wire.ANALOGUE, *levels)
        if "i2c-flow" in self.capabilities:
            octets = rig.flow_chip.read(FLOW_OCTETS, rig.now_ns)
            if octets:
                probe.send(wire.FLOW, octets)

    def _edges(self, channel: int, first_ns: int, period_ns: int, count: int) -> None:
        self._recorder.step_edges(channel, first_ns, period_ns, count)
        rig = self._rig
        if rig.watchful:
            # Each step may bring the next change of an input nearer.
            for number in range(count):
                rig.step_edges(channel, first_ns + number * period_ns, 1, 1)
        else:
            rig.step_edges(channel, first_ns, max(1, period_ns), count)

    def _earliest_ns(self) -> int:
        now_ns = time.monotonic_ns()
        return now_ns - self._start_ns if self._probe is None else self._probe.clock.earliest(now_ns)

    def _arrived_ns(self) -> int:
        now_ns = time.monotonic_ns()
        return now_ns - self._start_ns if self._probe is None else max(self._now_ns, self._probe.clock.at(now_ns))

    def _forget_octets(self) -> None:
        while self._device.read():
            pass
        self._octets.clear()


def named(lines: int) -> str:
    """Return the names of lines for people."""
    return ", ".join(name for number, name in enumerate(wire.LINES) if lines >> number & 1)
