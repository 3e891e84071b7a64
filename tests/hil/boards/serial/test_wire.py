"""Messages between bench and probe: there and back, and nothing accepted that is none."""

import pytest

from hil.boards.serial.probe import wire
from protocol import codes
from protocol.framing import MAX_PAYLOAD, encode_frame

EXAMPLES = [
    (wire.HELLO, wire.VERSION, wire.MAGIC),
    (wire.PING, 7),
    (wire.DRIVE, wire.DRIVEN, wire.ESTOP | wire.DOOR),
    (wire.ANALOGUE, 0, 32768, 65535),
    (wire.POWER, 1),
    (wire.RESET, 0),
    (wire.FLOW, b"012345678"),
    (wire.WELCOME, wire.VERSION, 0x3F, 0xFFFFFFFF, 0x3FFF, b"pico\0\0\0\0\0\0\0\0"),
    (wire.PONG, 65535, 0xFFFFFFFF),
    (wire.LINE, 1, 0x3FFF),
    (wire.HORIZON, 2, 3, 4, 5),
]


@pytest.mark.parametrize("message", EXAMPLES, ids=lambda message: str(message[0]))
def test_a_message_comes_back_as_it_was_sent(message):
    assert wire.unpack(wire.pack(*message)) == message


def test_there_is_an_example_of_every_message():
    assert {message[0] for message in EXAMPLES} == set(wire.FORMATS)


def test_edges_come_back_and_the_longest_message_fits_a_frame():
    words = [1 << 22 | 100] * wire.MAX_WORDS
    payload = wire.pack_edges(2, 5, 9, words)
    assert wire.unpack(payload) == (wire.EDGES, 2, 5, 9, tuple(words))
    assert len(payload) <= MAX_PAYLOAD


@pytest.mark.parametrize("payload", [b"", b"\x00", b"\xff" * 8, bytes([wire.PING]), bytes([wire.EDGES, 0, 0])])
def test_what_is_no_message_is_nothing(payload):
    assert wire.unpack(payload) is None


def test_a_hello_never_holds_the_octet_that_interrupts_a_program():
    payload = wire.pack(wire.HELLO, wire.VERSION, wire.MAGIC)
    source, frame = bytearray(128), bytearray(128)
    source[: len(payload)] = payload
    length = encode_frame(memoryview(source), len(payload), frame)
    assert 3 not in frame[:length]


def test_the_driven_lines_have_the_bits_that_the_device_tells_its_inputs_by():
    ours = (wire.ESTOP, wire.DOOR, wire.BUBBLE, wire.SAFE, wire.HOME, wire.FOOTSWITCH)
    theirs = (
        codes.INPUT_ESTOP_HEALTHY,
        codes.INPUT_DOOR_CLOSED,
        codes.INPUT_BUBBLE_CLEAR,
        codes.INPUT_SAFE,
        codes.INPUT_HOME,
        codes.INPUT_FOOTSWITCH,
    )
    assert ours == theirs


@pytest.mark.parametrize(
    ("lines", "safe"),
    [
        (wire.ESTOP | wire.DOOR | wire.BUBBLE | wire.VALVE, True),
        (wire.ESTOP | wire.DOOR, True),
        (wire.ESTOP | wire.DOOR | wire.VALVE, False),
        (wire.ESTOP | wire.BUBBLE, False),
        (wire.DOOR | wire.BUBBLE, False),
    ],
)
def test_safe_is_e_stop_and_door_and_no_bubble_or_a_released_valve(lines, safe):
    assert wire.safe_level(lines) == safe
