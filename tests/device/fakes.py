"""A board of plain attributes: time is a number that the test sets, pins and octets are what it puts there."""

from protocol import codes, messages
from protocol.framing import MAX_FRAME, MAX_PAYLOAD, FrameDecoder, encode_frame
from protocol.link import HEADER_SIZE
from tests.device.chips import BUS_CARTRIDGES, THERMOMETER, Chips

HEALTHY_INPUTS = codes.INPUT_ESTOP_HEALTHY | codes.INPUT_DOOR_CLOSED | codes.INPUT_BUBBLE_CLEAR | codes.INPUT_SAFE
NO_PRESSURE_RAW = 6554
NOMINAL_SUPPLY_RAW = 47_662
FRESH_DENSITY_RAW = 64_000
# A reading that never changes is that of a stuck sensor: every so many reads one count is added.
FLICKER_READS = 50


class FakeGenerator:
    """A step generator like the state machine: a word waits a period and pulses, so many times."""

    def __init__(self, board: "FakeBoard") -> None:
        self._board = board
        self._words: list[tuple[int, int]] = []
        self._head_since_us = 0
        self._done = 0
        self.edges_us: list[int] = []
        self.cut = False
        self.armed = False
        self.most_outstanding_words = 0

    def put(self, steps: int, period_us: int) -> None:
        assert self.armed
        assert 1 <= steps <= 1023
        assert 20 <= period_us < 1 << 20
        self.advance()
        if not self._words:
            self._head_since_us = self._board.us
        self._words.append((steps, period_us))
        self.most_outstanding_words = max(self.most_outstanding_words, len(self._words))

    def advance(self) -> None:
        """Emit what is due by now."""
        while self._words:
            steps, period_us = self._words[0]
            due = min(steps, (self._board.us - self._head_since_us) // period_us)
            self.edges_us += [self._head_since_us + (i + 1) * period_us for i in range(due)]
            self._head_since_us += due * period_us
            if due < steps:
                self._words[0] = (steps - due, period_us)
                return
            self._words.pop(0)
            self._done += 1

    def outstanding_us(self) -> int:
        """How long the generator would go on without Python."""
        self.advance()
        return sum(steps * period for steps, period in self._words) - (
            self._board.us - self._head_since_us if self._words else 0
        )

    def outstanding_steps(self) -> int:
        self.advance()
        return sum(steps for steps, _ in self._words)

    def free(self) -> int:
        return 4 - len(self._words)

    def completed(self) -> int:
        self.advance()
        done, self._done = self._done, 0
        return done

    def halt(self) -> int:
        self.advance()
        left = sum(steps for steps, _ in self._words)
        self._words = []
        self._done = 0
        self.armed = False
        return left

    def arm(self) -> None:
        self.armed = True
        self.cut = False
        self._done = 0

    def dead(self) -> bool:
        return self.cut


class FakeJournal:
    """Keeps what it was told; ``broken`` takes nothing any more, ``slow`` is never idle."""

    def __init__(self) -> None:
        self.marks: list[tuple[int, int]] = []
        self.accepted: list[tuple] = []
        self.outcomes: list[tuple] = []
        self.cells: dict[int, bytes] = {}
        self.broken = False
        self.slow = False
        self.faulty = False
        self.last_dose_id = bytes(8)

    def mark(self, granted_steps: int, emitted_steps: int) -> bool:
        if not self.broken:
            self.marks.append((granted_steps, emitted_steps))
        return not self.broken

    def accept(self, record: tuple) -> None:
        self.accepted.append(record)
        self.last_dose_id = record[0]

    def outcome(self, record: tuple) -> None:
        self.outcomes.append(record)

    def store(self, cell: int, payload: bytes) -> bool:
        self.cells[cell] = bytes(payload)
        return True

    def find(self, dose_id: bytes) -> tuple | None:
        return next((record for record in reversed(self.outcomes) if record[0] == dose_id), None)

    def idle(self) -> bool:
        return not self.slow


class FakeHeartbeat:
    """Counts what it is fed."""

    def __init__(self) -> None:
        self.fed = 0
        self.stops = 0

    def feed(self) -> None:
        self.fed += 1

    def stop(self) -> None:
        self.stops += 1


class FakeBoard:
    """Every reading and every output of a board as a plain attribute."""

    NAME = "fake"

    def __init__(self) -> None:
        self.us = 0
        self.steps = tuple(FakeGenerator(self) for _ in range(3))
        self.heartbeat = FakeHeartbeat()
        self.input_bits = HEALTHY_INPUTS
        self.tripped = False
        self.pressure = NO_PRESSURE_RAW
        self.supply = NOMINAL_SUPPLY_RAW
        self.density = FRESH_DENSITY_RAW
        self.chips = Chips(lambda: self.us * 1000)
        self.light = (False, False, False)
        self.buzzer = False
        self.stirrer = False
        self.reads: dict[str, int] = {}
        self.flow_ul_min_x10 = 0
        self.flow_air = False
        self.flow_silent = False
        self.fram = bytearray(32768)
        self.fram_silent = False
        self.valve_patient = True
        self.forward: bool | None = None
        self.cause_of_reset = 0
        self.watchdog_fed = 0
        self.received = b""
        self.heard = False
        self.sent = b""

    def ticks_ms(self) -> int:
        return (self.us // 1000) & 0x3FFFFFFF

    def ticks_us(self) -> int:
        return self.us & 0x3FFFFFFF

    def random(self, count: int) -> bytes:
        return bytes(range(1, count + 1))

    def reset_cause(self) -> int:
        return self.cause_of_reset

    def link_readinto(self, buffer: bytearray) -> int:
        count = min(len(buffer), len(self.received))
        buffer[:count] = self.received[:count]
        self.received = self.received[count:]
        return count

    def stop_heard(self) -> bool:
        heard, self.heard = self.heard, False
        return heard

    def link_write(self, buffer: memoryview, length: int) -> int:
        self.sent += bytes(buffer[:length])
        return length

    def inputs(self) -> int:
        return self.input_bits

    def safe_tripped(self) -> bool:
        return self.tripped

    def clear_trip(self) -> None:
        self.tripped = False

    def flicker(self, sensor: str) -> int:
        """One count, now and then."""
        self.reads[sensor] = self.reads.get(sensor, 0) + 1
        return int(self.reads[sensor] % FLICKER_READS == 0)

    def pressure_raw(self) -> int:
        return self.pressure + self.flicker("pressure")

    def supply_raw(self) -> int:
        return self.supply + self.flicker("supply")

    def density_raw(self) -> int:
        return self.density + self.flicker("density")

    def i2c_writeto(self, bus: int, address: int, buffer: bytes) -> None:
        if bus == BUS_CARTRIDGES or address == THERMOMETER:
            self.chips.write(bus, address, buffer)
        elif self.flow_silent:
            raise OSError(5)

    def i2c_readfrom_into(self, bus: int, address: int, buffer: bytearray) -> None:
        if bus == BUS_CARTRIDGES or address == THERMOMETER:
            self.chips.read_into(bus, address, buffer)
            return
        if self.flow_silent:
            raise OSError(5)
        words = (self.flow_ul_min_x10 + self.flicker("flow") & 0xFFFF, 4400, 1 if self.flow_air else 0)
        for index, word in enumerate(words):
            buffer[index * 3 : index * 3 + 3] = word.to_bytes(2, "big") + bytes([crc8(word.to_bytes(2, "big"))])

    def i2c_writeto_mem(self, bus: int, address: int, memory: int, buffer: bytes) -> None:
        if self.fram_silent:
            raise OSError(5)
        self.fram[memory : memory + len(buffer)] = buffer

    def i2c_readfrom_mem_into(self, bus: int, address: int, memory: int, buffer: bytearray) -> None:
        if self.fram_silent:
            raise OSError(5)
        buffer[:] = self.fram[memory : memory + len(buffer)]

    def set_valve(self, patient: bool) -> None:
        self.valve_patient = patient

    def set_direction(self, forward: bool) -> None:
        self.forward = forward

    def set_light(self, red: bool, yellow: bool, cyan: bool) -> None:
        self.light = (red, yellow, cyan)

    def set_buzzer(self, on: bool) -> None:
        self.buzzer = on

    def set_stirrer(self, on: bool) -> None:
        self.stirrer = on

    def watchdog_start(self, timeout_ms: int) -> None:
        pass

    def watchdog_feed(self) -> None:
        self.watchdog_fed += 1

    def collect(self) -> None:
        pass

    def heap_free(self) -> int:
        return 0


def crc8(data: bytes) -> int:
    """CRC-8 of the sensor's data sheet, bit by bit: polynomial 0x31, start 0xFF."""
    crc = 0xFF
    for octet in data:
        crc ^= octet
        for _ in range(8):
            crc = ((crc << 1) ^ 0x31) & 0xFF if crc & 0x80 else (crc << 1) & 0xFF
    return crc


def pressure_raw(kpa: float) -> int:
    """The conversion a healthy sensor gives at ``kpa``: 10 % to 90 % of supply for 0 to 200 kPa."""
    return round(65535 * (0.1 + 0.8 * kpa / 200))


def host_frame(number: int, session: bytes, seq: int, *values: int | bytes) -> bytes:
    """A frame as the host puts it on the line."""
    payload = bytearray(MAX_PAYLOAD + 4)
    payload[0] = number
    payload[1:5] = session
    payload[5:7] = seq.to_bytes(2, "little")
    end = messages.encode_body(number, payload, HEADER_SIZE, *values)
    frame = bytearray(MAX_FRAME)
    return bytes(frame[: encode_frame(payload, end, frame)])


def frames_of(octets: bytes) -> list[tuple[int, tuple]]:
    """Number and values of every frame in ``octets``."""
    decoder = FrameDecoder()
    found = []
    start = 0
    while start < len(octets):
        start = decoder.feed(octets, start, len(octets))
        if decoder.length:
            number = decoder.buffer[0]
            values = messages.decode_body(number, decoder.buffer, HEADER_SIZE, decoder.length)
            assert values is not None
            found.append((number, values))
    return found
