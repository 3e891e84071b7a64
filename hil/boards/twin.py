"""The twin: the firmware under CPython, in this process, in virtual time, on the modelled peripherals."""

from collections.abc import Callable
from random import Random
from typing import TYPE_CHECKING, Protocol

from hil.boards.base import BoardError
from hil.boards.line import NEVER_NS
from hil.boards.mcu import RESET_FORCED, RESET_WATCHDOG, STEP_CHANNELS, AbandonedError, Mcu
from hil.plant.chips import PowerLost
from hil.plant.noise import stream
from hil.plant.rig import SimulatedRig
from hil.recorder import Recorder

if TYPE_CHECKING:
    from device.boards.interface import Heartbeat, StepGenerator

TICKS_MASK = (1 << 30) - 1
# The firmware takes no time here; one that never comes to rest would stop the clock for ever.
MAX_TURNS_AT_ONCE = 10_000


class Executive(Protocol):
    """The part of the firmware's loop that the twin drives."""

    next_tick_us: int

    def turn(self) -> bool:
        """Do one turn; True when there is nothing to do before ``next_tick_us``."""
        ...


class TwinDeviceBoard:
    """What the firmware sees of the twin: the board interface of ``device.boards``."""

    NAME = "twin"
    STEP_CHANNELS = STEP_CHANNELS

    def __init__(self, mcu: Mcu, random: Random, ticks_start_us: int = 0) -> None:
        self._mcu = mcu
        self._random = random
        self._ticks_start_us = ticks_start_us
        self.steps: tuple[StepGenerator, ...] = mcu.steps
        self.heartbeat: Heartbeat = mcu.heartbeat
        self.inputs = mcu.inputs
        self.safe_tripped = mcu.safe_tripped
        self.clear_trip = mcu.clear_trip
        self.set_valve = mcu.set_valve
        self.set_direction = mcu.set_direction
        self.set_light = mcu.set_light
        self.set_buzzer = mcu.set_buzzer
        self.set_stirrer = mcu.set_stirrer
        self.watchdog_start = mcu.watchdog_start
        self.watchdog_feed = mcu.watchdog_feed

    def uptime_us(self) -> int:
        """Return the microseconds since boot, without wrapping."""
        return (self._mcu.now_ns - self._mcu.boot_ns) // 1000 + self._ticks_start_us

    def ticks_us(self) -> int:
        """Return the clock in microseconds; wraps at 2^30."""
        mcu = self._mcu
        return ((mcu.now_ns - mcu.boot_ns) // 1000 + self._ticks_start_us) & TICKS_MASK

    def ticks_ms(self) -> int:
        """Return the clock in milliseconds; wraps at 2^30."""
        return self.uptime_us() // 1000 & TICKS_MASK

    def random(self, count: int) -> bytes:
        """Return random octets, from the bench's seed."""
        return self._random.randbytes(count)

    def reset_cause(self) -> int:
        """Return why the controller started."""
        return self._mcu.reset_cause

    def link_readinto(self, buffer: bytearray | memoryview) -> int:
        """Copy received octets into the buffer and return how many."""
        octets = self._mcu.link_read(len(buffer))
        if octets:
            buffer[: len(octets)] = octets
        return len(octets)

    def stop_heard(self) -> bool:
        """Return False: nothing here hears a frame before the firmware reads it."""
        return False

    def link_write(self, buffer: bytes | bytearray | memoryview, length: int) -> int:
        """Send octets and return how many were taken."""
        return self._mcu.link_write(bytes(buffer[:length]))

    def pressure_raw(self) -> int:
        """Read the pressure input."""
        return self._mcu.adc(0)

    def density_raw(self) -> int:
        """Read the density input."""
        return self._mcu.adc(1)

    def supply_raw(self) -> int:
        """Read the supply input."""
        return self._mcu.adc(2)

    def i2c_writeto(self, bus: int, address: int, buffer: bytes | bytearray | memoryview) -> None:
        """Write to a chip. Raises OSError when it does not acknowledge."""
        if not self._mcu.i2c_write(bus, address, bytes(buffer)):
            raise OSError(self._mcu.i2c_error())

    def i2c_readfrom_into(self, bus: int, address: int, buffer: bytearray | memoryview) -> None:
        """Read from a chip. Raises OSError when it does not acknowledge."""
        octets = self._mcu.i2c_read(bus, address, len(buffer))
        if octets is None:
            raise OSError(self._mcu.i2c_error())
        buffer[:] = octets

    def i2c_writeto_mem(self, bus: int, address: int, memory: int, buffer: bytes | bytearray | memoryview) -> None:
        """Write to a memory address of a chip. Raises OSError when it does not acknowledge."""
        self.i2c_writeto(bus, address, bytes((memory >> 8 & 0xFF, memory & 0xFF)) + bytes(buffer))

    def i2c_readfrom_mem_into(self, bus: int, address: int, memory: int, buffer: bytearray | memoryview) -> None:
        """Read from a memory address of a chip. Raises OSError when it does not acknowledge."""
        if not self._mcu.i2c_write(bus, address, bytes((memory >> 8 & 0xFF, memory & 0xFF)), stop=False):
            raise OSError(self._mcu.i2c_error())
        self.i2c_readfrom_into(bus, address, buffer)

    def idle(self, next_tick_us: int) -> None:
        """Do nothing: the twin moves its clock itself."""

    def collect(self) -> None:
        """Do nothing: the heap is that of the whole bench, which looks after it by itself."""

    def heap_free(self) -> int:
        """Return 0: there is no such figure here."""
        return 0


class TwinBoard:
    """Runs the firmware's executive turn by turn; the clock moves when one had nothing to do, and in transfers."""

    name = "twin"

    def __init__(
        self,
        rig: SimulatedRig,
        recorder: Recorder,
        executive: Callable[[TwinDeviceBoard], Executive] | None = None,
        ticks_start_us: int = 0,
    ) -> None:
        """``executive`` builds another firmware; ``ticks_start_us`` is what the device clock shows at each boot."""
        self.mcu = Mcu(rig, recorder)
        self._random = stream(rig.seed, "twin random")
        self._make_executive = executive or _firmware
        self._ticks_start_us = ticks_start_us
        self.device_board: TwinDeviceBoard | None = None
        self.executive: Executive | None = None
        self.hung = False

    @property
    def now_ns(self) -> int:
        """The time reached."""
        return self.mcu.now_ns

    def power_on(self) -> None:
        """Start the firmware."""
        self.mcu.power_on()
        self._boot()

    def power_off(self) -> None:
        """Take the supply away at this instant."""
        self.executive = None
        self.mcu.power_off()

    def close(self) -> None:
        """Let go of the firmware."""
        self.executive = None

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
            target_ns = min(due_ns, mcu.next_wake_ns(), mcu.watchdog_ns, mcu.to_host.wake_ns, until_ns)
            if target_ns > mcu.now_ns:
                mcu.advance(target_ns)
            if mcu.watchdog_ns <= mcu.now_ns:
                mcu.reset(RESET_WATCHDOG)
                self._boot()
            if mcu.now_ns >= until_ns or mcu.to_host.wake_ns <= mcu.now_ns:
                return

    def _run_turns(self) -> int:
        """Let the firmware run until it has nothing to do and return when it has again, ns."""
        try:
            for _ in range(MAX_TURNS_AT_ONCE):
                executive = self.executive
                if executive is None or self.hung:
                    return NEVER_NS
                if self._turn(executive):
                    due_ns = self._tick_ns(executive.next_tick_us)
                    if due_ns > self.mcu.now_ns:
                        return due_ns
        except PowerLost:
            self.power_off()
            return NEVER_NS
        raise BoardError(
            f"the firmware made {MAX_TURNS_AT_ONCE} turns at {self.mcu.now_ns} ns without coming to rest: a turn must "
            "return True when nothing is left to do, with next_tick_us in the future"
        )

    def _turn(self, executive: Executive) -> bool:
        try:
            return executive.turn()
        except AbandonedError:
            return False

    def _tick_ns(self, next_tick_us: int) -> int:
        """Return the bench's time of an instant of the device clock, which wraps at 2^30."""
        assert self.device_board is not None
        uptime_us = self.device_board.uptime_us()
        ahead_us = (next_tick_us - uptime_us + (1 << 29)) % (1 << 30) - (1 << 29)
        return self.mcu.boot_ns + (uptime_us + ahead_us - self._ticks_start_us) * 1000

    def _boot(self) -> None:
        self.hung = False
        self.executive = None
        self.device_board = TwinDeviceBoard(self.mcu, self._random, self._ticks_start_us)
        try:
            self.executive = self._make_executive(self.device_board)
        except PowerLost:
            self.power_off()
        except AbandonedError:
            pass  # another boot has begun in this one, or none will


def _firmware(board: TwinDeviceBoard) -> Executive:
    from device.executive import Executive as Firmware  # noqa: PLC0415 -- only this target runs it in process

    executive: Executive = Firmware(board)
    return executive


def make(
    rig: SimulatedRig,
    recorder: Recorder,
    executive: Callable[[TwinDeviceBoard], Executive] | None = None,
    ticks_start_us: int = 0,
) -> TwinBoard:
    """Build the twin."""
    return TwinBoard(rig, recorder, executive, ticks_start_us)
