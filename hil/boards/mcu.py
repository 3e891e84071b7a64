"""The microcontroller's peripherals, without the processor: what the twin and the VM run the firmware on.

Time moves only in ``advance``, which bus transfers call too. Edges are exact to the nanosecond, SAFE acts between two
of them without any firmware, and the UART carries one octet in ten bit times.
"""

from hil.boards.heartbeat import HeartbeatModel
from hil.boards.line import NEVER_NS, OCTET_NS, UartLine
from hil.boards.step_generator import StepGeneratorModel
from hil.plant.parameters import NS_PER_MS
from hil.plant.rig import SimulatedRig
from hil.recorder import TO_DEVICE, TO_HOST, Recorder
from protocol import codes

RECEIVE_RING = 4096
TRANSMIT_BUFFER = 2048
STEP_CHANNELS = 3

EIO = 5
ETIMEDOUT = 110

I2C_TIMEOUT_NS = 2 * NS_PER_MS
"""A transfer on a bus that is held low ends with an error after this."""

RESET_POWER_ON = 0
RESET_FORCED = 1
RESET_SOFT = 2
RESET_WATCHDOG = 3


class AbandonedError(BaseException):
    """The processor lost its power, was reset or hangs since a transfer began: what ran on it does not go on.

    Not an ``Exception``: no firmware can catch it.
    """


class Mcu:
    """Pins, step generators, heartbeat, UART and watchdog of one controller that is wired to a simulated rig."""

    def __init__(self, rig: SimulatedRig, recorder: Recorder) -> None:
        self._rig = rig
        self._recorder = recorder
        self.now_ns = rig.now_ns
        self.boot_ns = rig.now_ns
        self.steps = tuple(StepGeneratorModel() for _ in range(STEP_CHANNELS))
        self.heartbeat = HeartbeatModel()
        self.to_device = UartLine()
        self.to_host = UartLine()
        self.powered = False
        self.reset_cause = RESET_POWER_ON
        self.receive_overflow = 0
        self.watchdog_ns = NEVER_NS
        self._watchdog_ns = 0
        self._ring = bytearray()
        self._tripped = False
        self._life = 0
        self._timed_out = False
        self._safe = bool(rig.inputs(rig.now_ns) & codes.INPUT_SAFE)
        rig.on_inputs.append(self._inputs_changed)

    # Power and reset.

    def power_on(self) -> None:
        """Give the controller its supply; outputs are low, step generators halted."""
        self.powered = True
        self._rig.power_on_controller(self.now_ns)
        self._restart(RESET_POWER_ON)

    def power_off(self) -> None:
        """Take the supply away: outputs fall, octets on both lines are lost."""
        self.powered = False
        self.abandon()
        self._release_outputs()
        self.to_device.clear()
        self._rig.power_off_controller(self.now_ns)

    def reset(self, cause: int) -> None:
        """Reset the controller: outputs fall, its peripherals and buffers forget everything."""
        self.abandon()
        self._release_outputs()
        self._restart(cause)

    def abandon(self) -> None:
        """Let nothing of what runs on the processor go on: a transfer under way ends in AbandonedError."""
        self._life += 1

    def _restart(self, cause: int) -> None:
        self.reset_cause = cause
        self.boot_ns = self.now_ns
        self._tripped = False
        for generator in self.steps:
            generator.set_safe(self._safe)

    def _release_outputs(self) -> None:
        now_ns = self.now_ns
        for generator in self.steps:
            generator.reset()
        self.heartbeat.stop()
        self.watchdog_ns = NEVER_NS
        self._watchdog_ns = 0
        self._ring.clear()
        self.to_host.cut(now_ns)
        rig = self._rig
        rig.set_valve(now_ns, False)
        rig.set_direction(now_ns, False)
        rig.set_light(now_ns, False, False, False)
        rig.set_buzzer(now_ns, False)
        rig.set_stirrer(now_ns, False)

    # Time.

    def advance(self, until_ns: int, life: int | None = None) -> None:
        """Let time pass: edges out, octets in, inputs changed at their instant; no further than the end of a life."""
        rig = self._rig
        while self.now_ns < until_ns and (life is None or life == self._life):
            event_ns = rig.next_event_ns()
            target_ns = until_ns if event_ns is None else min(event_ns, until_ns)
            if rig.watchful:
                # A step may bring the next event nearer: edge by edge, then.
                target_ns = min(target_ns, *(generator.next_ns for generator in self.steps))
            self._emit(max(target_ns, self.now_ns))  # an event happens in it, after the edges before it

    def next_wake_ns(self) -> int:
        """Return when there is next something that the firmware would see between two ticks: octets or an input."""
        wake_ns = self.to_device.wake_ns
        event_ns = self._rig.next_event_ns()
        return wake_ns if event_ns is None else min(wake_ns, event_ns)

    def _emit(self, until_ns: int) -> None:
        rig = self._rig
        self.now_ns = until_ns
        beat = self.heartbeat.advance(until_ns)
        if beat is not None:
            rig.heartbeat_edges(*beat)
        runs = []
        for channel, generator in enumerate(self.steps):
            if not generator.running:
                generator.now_ns = until_ns
                continue
            for first_ns, period_ns, count in generator.advance(until_ns):
                runs.append((first_ns, channel, period_ns, count))
        if runs:
            if any(run[1] != runs[0][1] for run in runs):
                runs = _single_edges(runs)
            for first_ns, channel, period_ns, count in runs:
                self._recorder.step_edges(channel, first_ns, period_ns, count)
                rig.step_edges(channel, first_ns, period_ns, count)
        rig.advance(until_ns)
        if self.to_device.wake_ns <= until_ns:
            self._receive()

    def _inputs_changed(self, now_ns: int, inputs: int) -> None:  # noqa: ARG002
        safe = bool(inputs & codes.INPUT_SAFE)
        if safe == self._safe:
            return
        self._safe = safe
        if not safe:
            self._tripped = True
        for generator in self.steps:
            generator.set_safe(safe)

    # Link: the device's end.

    def link_read(self, limit: int) -> bytes:
        """Take up to ``limit`` octets from the receive ring."""
        if self.to_device.next_ns <= self.now_ns:
            self._receive()
        ring = self._ring
        if not ring:
            return b""
        octets = bytes(ring[:limit])
        del ring[:limit]
        return octets

    @property
    def link_waiting(self) -> bool:
        """Tell whether octets wait in the receive ring."""
        return bool(self._ring)

    def link_write(self, data: bytes) -> int:
        """Send octets; return how many the transmit buffer took."""
        accepted = min(len(data), TRANSMIT_BUFFER - self.to_host.in_flight(self.now_ns))
        if accepted > 0:
            self.to_host.send(data[:accepted], self.now_ns)
        return max(0, accepted)

    def _receive(self) -> None:
        octets = self.to_device.take(self.now_ns)
        if not octets or not self.powered:
            return
        room = RECEIVE_RING - len(self._ring)
        if len(octets) > room:
            self.receive_overflow += len(octets) - room
        self._ring += octets[:room]

    # Link: the host's end.

    def host_write(self, data: bytes) -> None:
        """Put octets from the host onto the line. A frame is recorded with the time at which its last octet arrives."""
        line = self.to_device
        line.send(data, self.now_ns)
        begin = 0
        while begin < len(data):
            end = data.find(0, begin) + 1 or len(data)
            self._recorder.frame(TO_DEVICE, line.free_ns - (len(data) - end) * OCTET_NS, data[begin:end])
            begin = end

    def host_read(self) -> bytes:
        """Take the octets that have reached the host."""
        octets = self.to_host.take(self.now_ns)
        if octets:
            self._recorder.frame(TO_HOST, self.now_ns, octets)
        return octets

    # Inputs and outputs.

    def inputs(self) -> int:
        """Return the digital inputs as ``codes.INPUT_`` bits."""
        return self._rig.inputs(self.now_ns)

    def safe_tripped(self) -> bool:
        """Tell whether SAFE is low, or was at any time since the last ``clear_trip``."""
        return self._tripped or not self._safe

    def clear_trip(self) -> None:
        """Forget that SAFE was low."""
        self._tripped = False

    def adc(self, channel: int) -> int:
        """Read an analogue input, 0..65535."""
        return self._rig.adc(channel, self.now_ns)

    def i2c_write(self, bus: int, address: int, data: bytes, stop: bool = True) -> bool:
        """Make a write transfer in its true time; False when it was not acknowledged or the bus is held.

        Without ``stop`` a read follows after a repeated start. Raises AbandonedError, and PowerLost in the octet after
        which the power goes.
        """
        buses = self._rig.buses
        self._timed_out = buses.stuck(bus)
        if self._timed_out:
            self._spend(I2C_TIMEOUT_NS)
            return False
        listens = buses.listens(bus, address, self.now_ns)
        self._spend(buses.edge_ns() + buses.octets_ns(1 + len(data) if listens else 1))
        acknowledged = self._rig.i2c_write(bus, address, data, self.now_ns)
        if stop or not acknowledged:
            self._spend(buses.edge_ns())
        return acknowledged

    def i2c_read(self, bus: int, address: int, count: int) -> bytes | None:
        """Make a read transfer in its true time; None when it was not acknowledged or the bus is held.

        What is read is what was there when the address had gone out. Raises AbandonedError.
        """
        buses = self._rig.buses
        self._timed_out = buses.stuck(bus)
        if self._timed_out:
            self._spend(I2C_TIMEOUT_NS)
            return None
        self._spend(buses.edge_ns() + buses.octets_ns(1))
        octets = self._rig.i2c_read(bus, address, count, self.now_ns)
        self._spend((buses.octets_ns(count) if octets is not None else 0) + buses.edge_ns())
        return octets

    def i2c_error(self) -> int:
        """Return the error number that the controller reports for the last transfer, which failed."""
        return ETIMEDOUT if self._timed_out else EIO

    def _spend(self, duration_ns: int) -> None:
        """Let time pass in which the processor waits: edges go out, octets come in, and what befalls the rig does."""
        life = self._life
        self.advance(self.now_ns + duration_ns, life)
        if life != self._life:
            raise AbandonedError

    def set_valve(self, patient: bool) -> None:
        """Set the valve pin."""
        self._rig.set_valve(self.now_ns, patient)

    def set_direction(self, forward: bool) -> None:
        """Set the direction pin."""
        self._rig.set_direction(self.now_ns, forward)

    def set_light(self, red: bool, yellow: bool, cyan: bool) -> None:
        """Set the alarm light."""
        self._rig.set_light(self.now_ns, red, yellow, cyan)

    def set_buzzer(self, on: bool) -> None:
        """Switch the buzzer."""
        self._rig.set_buzzer(self.now_ns, on)

    def set_stirrer(self, on: bool) -> None:
        """Switch the stirrer."""
        self._rig.set_stirrer(self.now_ns, on)

    # Watchdog.

    def watchdog_start(self, timeout_ms: int) -> None:
        """Start the watchdog; nothing but a reset stops it again."""
        self._watchdog_ns = timeout_ms * NS_PER_MS
        self.watchdog_feed()

    def watchdog_feed(self) -> None:
        """Push the watchdog's reset into the future."""
        if self._watchdog_ns:
            self.watchdog_ns = self.now_ns + self._watchdog_ns


def _single_edges(runs: list[tuple[int, int, int, int]]) -> list[tuple[int, int, int, int]]:
    """Return the edges of several channels one by one in the order of time."""
    return sorted(
        (first_ns + number * period_ns, channel, period_ns, 1)
        for first_ns, channel, period_ns, count in runs
        for number in range(count)
    )
