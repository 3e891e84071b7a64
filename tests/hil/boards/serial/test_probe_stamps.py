"""The probe's state machines and its DMA, on the emulated RP2040: what it counts, when, and how soon SAFE follows."""

from itertools import pairwise
from random import Random

import pytest

from hil.boards.rp2040 import IMAGE_FOLDER, current_image
from hil.boards.serial.probe import wire
from protocol.framing import FrameDecoder
from tests.hil.boards.serial.emulated_probe import (
    BUBBLE,
    DIRECTION,
    DOOR,
    ESTOP,
    HEARTBEAT,
    SAFE,
    STEP0,
    SUPPLY,
    VALVE,
    EmulatedProbe,
)

pytestmark = pytest.mark.rp2040

FASTEST_NS = 50_000
NS_PER_MS = 1_000_000
SAFE_LIMIT_NS = 10_000
HEALTHY = wire.ESTOP | wire.DOOR | wire.BUBBLE


@pytest.fixture
def probe():
    return EmulatedProbe(current_image(IMAGE_FOLDER.with_name("bench-image"), "bench"))


def numbers(text):
    return [int(word) for word in text.split()]


def gaps(times):
    return [after - before for before, after in pairwise(times)]


def test_every_edge_of_20000_steps_a_second_is_counted_and_timed_while_python_sleeps(probe):
    probe.begin("time.sleep_ms(56)\nprint(*told(0))")
    start_ns = probe.chip.now_ns
    for number in range(1000):
        probe.pulse(STEP0, start_ns + number * FASTEST_NS)
    assert gaps(numbers(probe.finish())) == [FASTEST_NS // wire.TICK_NS] * 999


def test_three_channels_at_20000_steps_a_second_lose_nothing_while_they_are_told(probe):
    probe.begin(
        "end = time.ticks_add(time.ticks_ms(), 260)\n"
        "counts = [0, 0, 0]\n"
        "while time.ticks_diff(end, time.ticks_ms()) > 0:\n"
        "    pins.mark()\n"
        "    for channel in range(3):\n"
        "        for word in words(pins.edges(channel, octets)[2]):\n"
        "            counts[channel] += word >> 22\n"
        "print(*counts, pins.lost())"
    )
    start_ns = probe.chip.now_ns
    for number in range(5000):
        for channel in range(3):
            probe.pulse(STEP0 + channel, start_ns + number * FASTEST_NS + channel * 10_000)
    assert numbers(probe.finish()) == [5000, 5000, 5000, 0]


SESSION = """
from hil.boards.serial.probe.session import Session
from protocol.framing import encode_frame
sent = bytearray()
def write(buffer, length):
    sent.extend(memoryview(buffer)[:length])
session = Session(pins, write)
payload = bytearray(16)
hello = wire.pack(wire.HELLO, wire.VERSION, wire.MAGIC)
payload[: len(hello)] = hello
frame = bytearray(32)
session.receive(frame, encode_frame(memoryview(payload), len(hello), frame))
"""
REPORT_FOR_60_MS = """
end = time.ticks_add(time.ticks_ms(), 60)
while time.ticks_diff(end, time.ticks_ms()) > 0:
    session.turn()
for at in range(0, len(sent), 512):
    print(sent[at : at + 512].hex())
"""


def messages(text):
    octets = bytes.fromhex("".join(text.split()))
    decoder, at, found = FrameDecoder(), 0, []
    while at < len(octets):
        at = decoder.feed(octets, at, len(octets))
        if decoder.length:
            found.append(wire.unpack(bytes(decoder.buffer[: decoder.length])))
    assert not decoder.bad_crc
    assert not decoder.bad_frames
    return found


def test_a_session_tells_all_edges_of_three_channels_at_20000_steps_a_second_and_its_horizon_keeps_up(probe):
    probe.go_on(SESSION)
    probe.begin(REPORT_FOR_60_MS)
    random, start_ns = Random(3), probe.chip.now_ns
    for number in range(1000):
        for channel in range(3):
            shift_ns = random.randrange(0, 9_000) if channel == 2 else 0
            probe.pulse(STEP0 + channel, start_ns + number * FASTEST_NS + channel * 15_000 + shift_ns)
    told = messages(probe.finish())
    assert told[0][:3] == (wire.WELCOME, wire.VERSION, 0x1F)
    counts = [sum(word >> 22 for m in told if m[:2] == (wire.EDGES, channel) for word in m[4]) for channel in range(3)]
    assert counts == [1000, 1000, 1000]
    horizons = [message[1] for message in told if message[0] == wire.HORIZON]
    assert max(gaps(horizons)) * wire.TICK_NS < 10 * NS_PER_MS
    assert not any(message[4] for message in told if message[0] == wire.HORIZON)


def test_irregular_edges_are_timed_to_one_tick(probe):
    random = Random(7)
    probe.begin("time.sleep_ms(30)\nprint(*told(1))")
    rose, at_ns = [], probe.chip.now_ns
    for _ in range(120):
        at_ns += random.randrange(20_000, 400_000)
        rose.append(probe.pulse(STEP0 + 1, at_ns))
    times = [ticks * wire.TICK_NS for ticks in numbers(probe.finish())]
    assert len(times) == 120
    offsets = [told - true for told, true in zip(times, rose, strict=True)]
    assert max(offsets) - min(offsets) <= wire.TICK_NS


def test_an_edge_after_a_pause_longer_than_a_word_comes_with_its_own_time(probe):
    # The last edge is made to lie long ago: a pause of 2.1 s would take the emulator a minute.
    probe.begin("pins._stamps._states[0][1] -= 1 << 23\ntime.sleep_ms(9)\nprint(*told(0))")
    first_ns = probe.pulse(STEP0, probe.chip.now_ns + 1000)
    second_ns = probe.pulse(STEP0, first_ns + NS_PER_MS)
    first, second = numbers(probe.finish())
    assert abs((second - first) * wire.TICK_NS - (second_ns - first_ns)) <= wire.TICK_NS


def test_edges_that_outrun_the_ring_are_reported_as_lost(probe):
    probe.begin("time.sleep_ms(115)\npins.mark()\npins.edges(0, octets)\nprint(pins.lost())")
    start_ns = probe.chip.now_ns
    for number in range(2200):
        probe.pulse(STEP0, start_ns + number * FASTEST_NS)
    assert probe.finish() == "1"


def test_a_line_is_timed_on_the_clock_of_the_edges(probe):
    probe.begin("time.sleep_ms(3)\nprint(*told(0), *pins.next_line())")
    at_ns = probe.chip.now_ns + NS_PER_MS
    probe.chip.run_until(at_ns)
    probe.chip.set_input(DIRECTION, True)
    probe.pulse(STEP0, at_ns)
    edge, line, lines = numbers(probe.finish())
    assert abs(line - edge) * wire.TICK_NS <= 30_000
    assert lines & wire.DIRECTION


@pytest.mark.parametrize("line", [wire.ESTOP, wire.DOOR])
def test_safe_falls_with_e_stop_and_door_and_the_fall_is_timed_to_a_tick(probe, line):
    probe.go_on(f"pins.drive(wire.DRIVEN, {HEALTHY})\ntime.sleep_ms(1)")
    assert probe.level(SAFE)
    told = probe.go_on(
        f"a = pins.drive({line}, 0)\npins.drive({line}, {line})\ntime.sleep_us(777)\n"
        f"b = pins.drive({line}, 0)\nprint(a, b)"
    )
    first, second = numbers(told)
    pin = ESTOP if line == wire.ESTOP else DOOR
    for asked_ns, fell_ns in zip(probe.falls(pin), probe.falls(SAFE), strict=True):
        assert 0 <= fell_ns - asked_ns <= SAFE_LIMIT_NS
    true_ns = probe.falls(SAFE)[1] - probe.falls(SAFE)[0]
    assert abs((second - first) * wire.TICK_NS - true_ns) <= wire.TICK_NS


def test_safe_falls_and_returns_with_the_valve_while_python_hangs(probe):
    probe.go_on(f"pins.drive(wire.DRIVEN, {wire.ESTOP | wire.DOOR})\ntime.sleep_ms(1)")
    assert probe.level(SAFE)
    probe.chip.hang()
    energised_ns = probe.chip.now_ns
    probe.chip.set_input(VALVE, True)
    probe.pico.run_for(NS_PER_MS)
    assert 0 < probe.falls(SAFE)[-1] - energised_ns <= SAFE_LIMIT_NS
    probe.chip.set_input(VALVE, False)
    probe.pico.run_for(NS_PER_MS)
    assert probe.level(SAFE)


def test_safe_is_what_the_reference_says_for_every_state_of_its_inputs(probe):
    for state in range(16):
        lines = (wire.ESTOP, wire.DOOR, wire.BUBBLE, wire.VALVE)
        levels = sum(line for bit, line in enumerate(lines) if state >> bit & 1)
        probe.chip.set_input(VALVE, bool(levels & wire.VALVE))
        probe.go_on(f"pins.drive(wire.DRIVEN, {levels & wire.DRIVEN})\ntime.sleep_us(20)")
        assert probe.level(SAFE) == wire.safe_level(levels), f"{state:04b}"


@pytest.mark.parametrize("edges", [1, 2], ids=["left high", "left low"])
def test_the_supply_falls_20_ms_after_the_last_edge_of_the_heartbeat(probe, edges):
    for number in range(edges):
        probe.chip.set_input(HEARTBEAT, number % 2 == 0)
        probe.pico.run_for(5 * NS_PER_MS)
    last_ns = probe.chip.now_ns - 5 * NS_PER_MS
    assert probe.level(SUPPLY)
    probe.pico.run_for(20 * NS_PER_MS)
    assert abs(probe.falls(SUPPLY)[-1] - last_ns - 20 * NS_PER_MS) < 20_000


def test_the_lines_it_drives_read_back_as_driven(probe):
    wanted = wire.ESTOP | wire.BUBBLE | wire.HOME | wire.FOOTSWITCH
    told = probe.go_on(f"pins.drive(wire.DRIVEN, {wanted})\ntime.sleep_us(20)\nprint(pins.lines())")
    assert int(told) == wanted
    assert not probe.level(DOOR)
    assert probe.level(BUBBLE)
