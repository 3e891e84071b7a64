"""The board under MicroPython's Unix port: the firmware's commands go to the bench, the bench's state comes back.

Run as a script with the number of the socket to the bench. Outputs gather in a buffer and leave with the next call;
inputs are those of the last state vector. Python takes no time on this board: the clock moves in idle() and in I2C
transfers only.
Allocates in constructors and in random() only.
"""

import gc
import struct
import sys

import opcodes as op

TYPE_CHECKING = False
if TYPE_CHECKING:
    from device.boards import interface
    from device.boards.interface import Buffer

STEP_CHANNELS = 3
_NOTHING = bytearray(0)


class BenchGoneError(Exception):
    """The bench closed the socket: this process has nothing left to run for."""


class Wire:
    """The socket to the bench: commands gather, a call sends them and waits for its answer."""

    def __init__(self, descriptor: int) -> None:
        self._socket = open(descriptor, "rb")  # noqa: SIM115 open as long as the process runs
        self._message = bytearray(op.MESSAGE_ROOM)
        self._length = 2
        self.vector = bytearray(op.VECTOR_SIZE)
        self.received = bytearray(op.RECEIVE_ROOM)
        self.received_at = 0
        self.received_end = 0
        self._word = bytearray(4)
        self._one = bytearray(1)
        self.generators: tuple[StepGenerator, ...] = ()

    def command(self, code: int, form: str, *values: int) -> None:
        """Queue one command."""
        size = 1 + struct.calcsize(form)
        if self._length + size > op.MESSAGE_ROOM - 64:
            self.sync()
        message = self._message
        at = self._length
        message[at] = code
        struct.pack_into(form, message, at + 1, *values)
        self._length = at + size

    def octets(self, buffer: "Buffer", length: int) -> None:
        """Append octets to the command that was queued last; the caller keeps to `room()`."""
        message = self._message
        at = self._length
        for index in range(length):
            message[at + index] = buffer[index]
        self._length = at + length

    def room(self) -> int:
        """Return how many octets still fit beside a command and a call."""
        return op.MESSAGE_ROOM - 128 - self._length

    def idle(self, next_tick_us: int) -> None:
        """Give the turn to the bench until octets arrive or the time comes."""
        self.command(op.IDLE, "<IH", next_tick_us, self._receive_room())
        self._call()
        self._take_vector()

    def sync(self) -> None:
        """Send what is queued and take the state as it is now."""
        message = self._message
        message[self._length] = op.SYNC
        struct.pack_into("<H", message, self._length + 1, self._receive_room())
        self._length += 3
        self._call()
        self._take_vector()

    def halt(self, channel: int) -> int:
        """Stop the channel's generator and return the steps that did not leave the pin."""
        self.command(op.HALT, "<B", channel)
        self._call()
        self._take(self._word, 4)
        self._take_vector()
        word = self._word
        return word[0] | word[1] << 8 | word[2] << 16 | word[3] << 24

    def i2c(self, bus: int, address: int, memory: int, written: "Buffer", into: bytearray | memoryview) -> int:
        """Do one transfer: an optional 16-bit memory address and octets out, then octets in. Return 0 or errno.

        The clock moves by the transfer's bus time, so the state is taken anew.
        """
        count = (2 if memory >= 0 else 0) + len(written)
        if count > op.MESSAGE_ROOM // 2:
            raise ValueError("I2C write too long")
        if count > self.room():
            self.sync()
        self.command(op.I2C, "<BBHHH", bus, address, count, len(into), self._receive_room())
        if memory >= 0:
            self._word[0] = memory >> 8
            self._word[1] = memory & 0xFF
            self.octets(self._word, 2)
        self.octets(written, len(written))
        self._call()
        self._take(self._one, 1)
        if len(into):
            self._take(into, len(into))
        error = self._one[0]
        self._take_vector()
        return error

    def random(self, count: int) -> bytes:
        """Return octets drawn by the bench, so that its seed decides."""
        self.command(op.RANDOM, "<B", count)
        self._call()
        octets = bytearray(count)
        self._take(octets, count)
        return bytes(octets)

    def _receive_room(self) -> int:
        # New octets are taken only into an empty buffer: what waits keeps its place in the bench's ring.
        return op.RECEIVE_ROOM if self.received_at == self.received_end else 0

    def _call(self) -> None:
        message = self._message
        length = self._length - 2
        message[0] = length & 0xFF
        message[1] = length >> 8
        self._socket.write(message, self._length)
        self._length = 2

    def _take(self, buffer: bytearray | memoryview, count: int) -> None:
        if self._socket.readinto(buffer, count) != count:
            raise BenchGoneError

    def _take_vector(self) -> None:
        vector = self.vector
        self._take(vector, op.VECTOR_SIZE)
        count = vector[op.RECEIVED] | vector[op.RECEIVED + 1] << 8
        if count:
            self._take(self.received, count)
            self.received_at = 0
            self.received_end = count
        for generator in self.generators:
            generator.update(vector)


class StepGenerator:
    """One channel's step generator, mirrored: exact after each call, never too much room in between."""

    def __init__(self, wire: Wire, channel: int) -> None:
        self._wire = wire
        self._channel = channel
        self._free = 0
        self._completed = 0

    def update(self, vector: bytearray) -> None:
        """Take over the state that the bench told."""
        self._free = vector[op.FREE + self._channel]
        self._completed += vector[op.COMPLETED + self._channel]

    def put(self, steps: int, period_us: int) -> None:
        """Queue one word: `steps` times wait `period_us`, then one pulse."""
        self._free -= 1
        self._wire.command(op.PUT, "<BHI", self._channel, steps, period_us)

    def free(self) -> int:
        """Return how many words fit now."""
        return self._free

    def completed(self) -> int:
        """Return how many words have finished since the last call."""
        count = self._completed
        self._completed = 0
        return count

    def halt(self) -> int:
        """Stop at once and return the steps that did not leave the pin. A round trip."""
        left = self._wire.halt(self._channel)
        self._completed = 0
        return left

    def arm(self) -> None:
        """Make the generator ready, with an empty FIFO. A round trip."""
        self._wire.command(op.ARM, "<B", self._channel)
        self._wire.sync()
        self._completed = 0

    def dead(self) -> bool:
        """Return whether SAFE fell while there were steps to emit."""
        return self._wire.vector[op.DEAD] >> self._channel & 1 == 1


class Heartbeat:
    """The counted toggles that feed motor and valve."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire

    def feed(self) -> None:
        """Top up the toggles that are outstanding."""
        self._wire.command(op.HEARTBEAT_FEED, "<")

    def stop(self) -> None:
        """Let no further edge out."""
        self._wire.command(op.HEARTBEAT_STOP, "<")


class VmBoard:
    """The board interface of the firmware, offered by the bench."""

    NAME = "vm"
    STEP_CHANNELS = STEP_CHANNELS

    def __init__(self, descriptor: int) -> None:
        self._wire = Wire(descriptor)
        self._vector = self._wire.vector
        generators = tuple([StepGenerator(self._wire, channel) for channel in range(STEP_CHANNELS)])
        self._wire.generators = generators
        self.steps: "tuple[interface.StepGenerator, ...]" = generators
        self.heartbeat: "interface.Heartbeat" = Heartbeat(self._wire)
        self._wire.sync()

    def ticks_ms(self) -> int:
        """Return milliseconds; wrap at 2^30."""
        return self._word(op.NOW_MS) | self._word(op.NOW_MS + 2) << 16

    def ticks_us(self) -> int:
        """Return microseconds; wrap at 2^30."""
        return self._word(op.NOW_US) | self._word(op.NOW_US + 2) << 16

    def random(self, count: int) -> bytes:
        """Return random octets. Allocates."""
        return self._wire.random(count)

    def reset_cause(self) -> int:
        """Return 0 power on, 1 forced, 2 soft, 3 watchdog."""
        return self._vector[op.RESET_CAUSE]

    def link_readinto(self, buffer: bytearray) -> int:
        """Copy received octets and return their count, 0 when there are none."""
        wire = self._wire
        start = wire.received_at
        count = min(len(buffer), wire.received_end - start)
        received = wire.received
        for index in range(count):
            buffer[index] = received[start + index]
        wire.received_at = start + count
        return count

    def stop_heard(self) -> bool:
        """Return False: nothing here hears a frame before the firmware reads it."""
        return False

    def link_write(self, buffer: "Buffer", length: int) -> int:
        """Queue octets for the host and return how many were accepted."""
        room = self._word(op.TRANSMIT_ROOM)
        count = min(length, room, self._wire.room())
        if count <= 0:
            return 0
        self._wire.command(op.LINK, "<H", count)
        self._wire.octets(buffer, count)
        room -= count
        self._vector[op.TRANSMIT_ROOM] = room & 0xFF
        self._vector[op.TRANSMIT_ROOM + 1] = room >> 8
        return count

    def inputs(self) -> int:
        """Return the INPUT_ bits of the pins."""
        return self._vector[op.INPUTS]

    def safe_tripped(self) -> bool:
        """Return whether SAFE was low at any time since `clear_trip()`."""
        return self._vector[op.TRIPPED] != 0

    def clear_trip(self) -> None:
        """Forget the trip. A round trip, since SAFE may still be low."""
        self._wire.command(op.CLEAR_TRIP, "<")
        self._wire.sync()

    def pressure_raw(self) -> int:
        """Return the pressure input, 0 to 65535 of the supply."""
        return self._word(op.PRESSURE)

    def density_raw(self) -> int:
        """Return the density input, 0 to 65535 of the supply."""
        return self._word(op.DENSITY)

    def supply_raw(self) -> int:
        """Return the motor supply, 65535 is 16.5 V."""
        return self._word(op.SUPPLY)

    def i2c_writeto(self, bus: int, address: int, buffer: "Buffer") -> None:
        """Write octets. Raises OSError when not acknowledged."""
        self._transfer(bus, address, -1, buffer, _NOTHING)

    def i2c_readfrom_into(self, bus: int, address: int, buffer: bytearray) -> None:
        """Read octets. Raises OSError when not acknowledged."""
        self._transfer(bus, address, -1, _NOTHING, buffer)

    def i2c_writeto_mem(self, bus: int, address: int, memory: int, buffer: "Buffer") -> None:
        """Write octets to a 16-bit memory address. Raises OSError when not acknowledged."""
        self._transfer(bus, address, memory, buffer, _NOTHING)

    def i2c_readfrom_mem_into(self, bus: int, address: int, memory: int, buffer: bytearray | memoryview) -> None:
        """Read octets from a 16-bit memory address. Raises OSError when not acknowledged."""
        self._transfer(bus, address, memory, _NOTHING, buffer)

    def set_valve(self, patient: bool) -> None:
        """Switch the outlet valve to the patient, or release it."""
        self._wire.command(op.VALVE, "<B", 1 if patient else 0)

    def set_direction(self, forward: bool) -> None:
        """Set the direction of all channels."""
        self._wire.command(op.DIRECTION, "<B", 1 if forward else 0)

    def set_light(self, red: bool, yellow: bool, cyan: bool) -> None:
        """Set the alarm light."""
        self._wire.command(op.LIGHT, "<B", (1 if red else 0) | (2 if yellow else 0) | (4 if cyan else 0))

    def set_buzzer(self, on: bool) -> None:
        """Switch the buzzer."""
        self._wire.command(op.BUZZER, "<B", 1 if on else 0)

    def set_stirrer(self, on: bool) -> None:
        """Switch the stirrer."""
        self._wire.command(op.STIRRER, "<B", 1 if on else 0)

    def watchdog_start(self, timeout_ms: int) -> None:
        """Start the watchdog; nothing stops it."""
        self._wire.command(op.WATCHDOG_START, "<I", timeout_ms)

    def watchdog_feed(self) -> None:
        """Feed the watchdog."""
        self._wire.command(op.WATCHDOG_FEED, "<")

    def idle(self, next_tick_us: int) -> None:
        """Let time pass until octets arrive or `next_tick_us` comes."""
        self._wire.idle(next_tick_us)

    def collect(self) -> None:
        """Collect the heap."""
        gc.collect()

    def heap_free(self) -> int:
        """Return the free octets of the heap, of objects twice as wide as on a Pico."""
        return gc.mem_free()

    def _word(self, offset: int) -> int:
        return self._vector[offset] | self._vector[offset + 1] << 8

    def _transfer(self, bus: int, address: int, memory: int, written: "Buffer", into: bytearray | memoryview) -> None:
        error = self._wire.i2c(bus, address, memory, written, into)
        if error:
            raise OSError(error)


if __name__ == "__main__":
    from device.main import main

    # The compiler's leavings would split the heap.
    gc.collect()
    try:
        main(VmBoard(int(sys.argv[1])))
    except BenchGoneError:
        sys.exit(0)
