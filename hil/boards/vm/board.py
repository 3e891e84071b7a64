"""Serves the firmware in the MicroPython process: its commands go to the peripherals, their state goes back.

The process and the bench move in lock step. The process waits in a call, or the bench waits for its next one; the clock
moves only while the firmware idles or waits for a bus. One state vector a wake-up is all that an idle turn costs.
"""

import struct
from collections.abc import Callable

from hil.boards.base import BoardError
from hil.boards.line import NEVER_NS
from hil.boards.mcu import RESET_FORCED, RESET_WATCHDOG, STEP_CHANNELS, TRANSMIT_BUFFER, AbandonedError, Mcu
from hil.boards.vm import opcodes as op
from hil.boards.vm.process import VmProcess
from hil.plant.chips import PowerLost
from hil.plant.noise import stream
from hil.plant.rig import SimulatedRig
from hil.recorder import Recorder
from hil.toolchain.micropython import MicroPython

TICKS_MASK = (1 << 30) - 1
MAX_CALLS_AT_ONCE = 10_000
"""The firmware takes no time here; one that never idles would stop the clock for ever."""

_VECTOR = struct.Struct("<IIBBHHH3B3BBBHH")
assert _VECTOR.size == op.VECTOR_SIZE

_NO_FIELD = struct.Struct("<")
_OCTET = struct.Struct("<B")
_WORD = struct.Struct("<H")
_LONG = struct.Struct("<I")
_PUT = struct.Struct("<BHI")
_IDLE = struct.Struct("<IH")
_I2C = struct.Struct("<BBHHH")


class VmBoard:
    """Runs the firmware in MicroPython; the peripherals and the time are the bench's."""

    name = "vm"

    def __init__(
        self,
        rig: SimulatedRig,
        recorder: Recorder,
        micropython: MicroPython,
        heap_kib: int,
        hang_timeout_s: float,
        ticks_start_us: int = 0,
    ) -> None:
        """``ticks_start_us`` is the device clock at each boot; the rest is the process's."""
        self.mcu = mcu = Mcu(rig, recorder)
        self.micropython = micropython
        self.hung = False
        self.calls = 0
        """Calls of the firmware that were answered: each is a round trip between the processes."""
        self._random = stream(rig.seed, "vm random")
        self._heap_kib = heap_kib
        self._hang_timeout_s = hang_timeout_s
        self._ticks_start_us = ticks_start_us
        self._process: VmProcess | None = None
        self._due_ns = NEVER_NS
        self._room = 0
        self._look = False
        self._inputs = 0
        self._inputs_changed(mcu.now_ns, mcu.inputs())
        rig.on_inputs.append(self._inputs_changed)
        heartbeat = mcu.heartbeat
        self._commands: dict[int, tuple[struct.Struct, Callable[..., object]]] = {
            op.PUT: (_PUT, self._put),
            op.ARM: (_OCTET, lambda channel: mcu.steps[channel].arm()),
            op.VALVE: (_OCTET, lambda level: mcu.set_valve(level == 1)),
            op.DIRECTION: (_OCTET, lambda level: mcu.set_direction(level == 1)),
            op.LIGHT: (_OCTET, lambda bits: mcu.set_light(bits & 1 != 0, bits & 2 != 0, bits & 4 != 0)),
            op.BUZZER: (_OCTET, lambda level: mcu.set_buzzer(level == 1)),
            op.STIRRER: (_OCTET, lambda level: mcu.set_stirrer(level == 1)),
            op.HEARTBEAT_FEED: (_NO_FIELD, heartbeat.feed),
            op.HEARTBEAT_STOP: (_NO_FIELD, heartbeat.stop),
            op.CLEAR_TRIP: (_NO_FIELD, mcu.clear_trip),
            op.WATCHDOG_START: (_LONG, mcu.watchdog_start),
            op.WATCHDOG_FEED: (_NO_FIELD, mcu.watchdog_feed),
        }

    @property
    def now_ns(self) -> int:
        """The time reached."""
        return self.mcu.now_ns

    @property
    def pid(self) -> int | None:
        """The number of the firmware's process, None without power."""
        return self._process.pid if self._process is not None else None

    def power_on(self) -> None:
        """Start the process. Raises BoardError when the firmware does not come up."""
        self.mcu.power_on()
        self._boot()

    def power_off(self) -> None:
        """Kill the process at this instant; the FRAM is the rig's and stays."""
        self._end_process()
        self.mcu.power_off()

    def close(self) -> None:
        """End the process."""
        self._end_process()

    def reset(self) -> None:
        """Pull the reset pin."""
        self.mcu.reset(RESET_FORCED)
        self._boot()

    def hang(self) -> None:
        """Let the processor hang from now on, until it is reset."""
        self.hung = True
        self.mcu.abandon()

    def host_write(self, data: bytes) -> None:
        """Put octets from the host onto the line."""
        self.mcu.host_write(data)

    def host_read(self) -> bytes:
        """Take the octets that have reached the host."""
        return self.mcu.host_read()

    def run_until(self, until_ns: int) -> None:
        """Run the firmware up to ``until_ns``, or up to octets for the host."""
        mcu = self.mcu
        while True:
            due_ns = self._run_turns()
            octets_ns = mcu.to_device.wake_ns
            to_host_ns = mcu.to_host.wake_ns
            target_ns = min(due_ns, mcu.next_wake_ns(), mcu.watchdog_ns, to_host_ns, until_ns)
            if target_ns > mcu.now_ns:
                mcu.advance(target_ns)
                if octets_ns <= target_ns:
                    self._look = True
            if mcu.watchdog_ns <= mcu.now_ns:
                mcu.reset(RESET_WATCHDOG)
                self._boot()
            if mcu.now_ns >= until_ns or mcu.to_host.wake_ns <= mcu.now_ns:
                return

    def _run_turns(self) -> int:
        """Let the firmware run if it has something to do, and return when it has again, ns."""
        try:
            for _ in range(MAX_CALLS_AT_ONCE):
                if self._process is None or self.hung:
                    return NEVER_NS
                if self._due_ns > self.mcu.now_ns and not self._look:
                    return self._due_ns
                self._wake()
        except PowerLost:
            self.power_off()
            return NEVER_NS
        except BaseException:
            # Out of step with the process: it is of no further use.
            self._end_process()
            raise
        raise BoardError(
            f"the firmware idled {MAX_CALLS_AT_ONCE} times at {self.mcu.now_ns} ns without a time in the future"
        )

    def _wake(self) -> None:
        """Answer the call in which the firmware idles, and serve it until it idles again."""
        self._look = False
        self._send_vector()
        try:
            self._serve()
        except AbandonedError:
            return  # what ran is gone, or hangs in its call for ever
        # Octets that came while a transfer took its time are as good as those that wake the firmware.
        if self._room and self.mcu.link_waiting:
            self._look = True

    def _boot(self) -> None:
        self._end_process()
        self.hung = False
        self._process = VmProcess(self.micropython, self._heap_kib, self._hang_timeout_s)
        try:
            self._serve()
        except PowerLost:
            self.power_off()
        except AbandonedError:
            pass
        except BaseException:
            self._end_process()
            raise

    def _end_process(self) -> None:
        if self._process is not None:
            self._process.close()
            self._process = None
        self._due_ns = NEVER_NS
        self._look = False

    # What the firmware says.

    def _serve(self) -> None:
        """Do what the firmware says, call by call, until it idles."""
        process = self._process
        assert process is not None
        for _ in range(MAX_CALLS_AT_ONCE):
            message = process.receive()
            self.calls += 1
            at = self._do_commands(message)
            if message[at] == op.IDLE:
                due_us, self._room = _IDLE.unpack_from(message, at + 1)
                self._due_ns = self._time_of(due_us)
                return
            self._answer(process, message, at)
        raise BoardError(f"the firmware made {MAX_CALLS_AT_ONCE} calls at {self.mcu.now_ns} ns without idling")

    def _do_commands(self, message: bytes) -> int:
        """Do every command that has no answer and return the offset of the call behind them."""
        at = 0
        commands = self._commands
        while True:
            code = message[at]
            command = commands.get(code)
            if command is not None:
                form, do = command
                do(*form.unpack_from(message, at + 1))
                at += 1 + form.size
            elif code == op.LINK:
                (count,) = _WORD.unpack_from(message, at + 1)
                self.mcu.link_write(message[at + 3 : at + 3 + count])
                at += 3 + count
            else:
                return at

    def _answer(self, process: VmProcess, message: bytes, at: int) -> None:
        code = message[at]
        if code == op.I2C:
            self._send_vector(self._transfer(message, at + 1))
        elif code == op.SYNC:
            (self._room,) = _WORD.unpack_from(message, at + 1)
            self._send_vector()
        elif code == op.HALT:
            self._room = 0
            self._send_vector(_LONG.pack(self.mcu.steps[message[at + 1]].halt()))
        elif code == op.RANDOM:
            process.send(self._random.randbytes(message[at + 1]))
        else:
            raise BoardError(f"the firmware's board sent an unknown call {code}")

    def _put(self, channel: int, steps: int, period_us: int) -> None:
        self.mcu.steps[channel].put(steps, period_us)

    def _transfer(self, message: bytes, at: int) -> bytes:
        bus, address, written, read, self._room = _I2C.unpack_from(message, at)
        mcu = self.mcu
        at += _I2C.size
        octets: bytes | None = b""
        if written and not mcu.i2c_write(bus, address, message[at : at + written], stop=not read):
            octets = None
        if read and octets is not None:
            octets = mcu.i2c_read(bus, address, read)
        if octets is None:
            return bytes((mcu.i2c_error(),)) + bytes(read)
        return b"\0" + octets

    # What the firmware is told.

    def _send_vector(self, before: bytes = b"") -> None:
        process = self._process
        assert process is not None
        mcu = self.mcu
        first, second, third = mcu.steps
        octets = mcu.link_read(self._room) if self._room else b""
        if octets and len(octets) == self._room:
            self._look = True
        uptime_us = self._uptime_us()
        vector = _VECTOR.pack(
            uptime_us // 1000 & TICKS_MASK,
            uptime_us & TICKS_MASK,
            mcu.inputs(),
            mcu.safe_tripped(),
            mcu.adc(0),
            mcu.adc(1),
            mcu.adc(2),
            first.free(),
            second.free(),
            third.free(),
            first.completed(),
            second.completed(),
            third.completed(),
            first.dead() | second.dead() << 1 | third.dead() << 2,
            mcu.reset_cause,
            max(0, TRANSMIT_BUFFER - mcu.to_host.in_flight(mcu.now_ns)),
            len(octets),
        )
        process.send(before + vector + octets)

    def _uptime_us(self) -> int:
        return (self.mcu.now_ns - self.mcu.boot_ns) // 1000 + self._ticks_start_us

    def _time_of(self, ticks_us: int) -> int:
        """Return the bench's time of an instant of the device clock, which wraps at 2^30."""
        uptime_us = self._uptime_us()
        ahead_us = (ticks_us - uptime_us + (1 << 29)) % (1 << 30) - (1 << 29)
        return self.mcu.boot_ns + (uptime_us + ahead_us - self._ticks_start_us) * 1000

    def _inputs_changed(self, now_ns: int, inputs: int) -> None:  # noqa: ARG002
        if inputs != self._inputs:
            self._inputs = inputs
            self._look = True


assert STEP_CHANNELS == 3
