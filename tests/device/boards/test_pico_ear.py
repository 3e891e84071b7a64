"""The ear hears what the link would act on, at once, and hands on every octet in order, whenever it is interrupted."""

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from device.boards.pico_ear import CALLS_A_TURN, CHUNK_OCTETS, RING_OCTETS
from protocol import codes, messages
from protocol.framing import MAX_PAYLOAD
from protocol.link import HEADER_SIZE
from tests.device.boards.line import Interrupted, Line
from tests.device.fakes import host_frame
from tests.protocol.frames import decode, frame_of

STOP = host_frame(messages.STOP, b"\xff" * 4, 0, codes.CAUSE_OPERATOR)
PING = host_frame(messages.PING, b"sess", 0, 7)


def stops_in(stream):
    """How many stops the link acts on in a stream."""
    payloads, _ = decode(stream)
    return sum(payload[0] == messages.STOP and len(payload) >= HEADER_SIZE for payload in payloads)


def heard(*pieces):
    """At how many of the pieces, as they arrive, the ear cuts the steps."""
    line = Line()
    cut = 0
    for piece in pieces:
        before = line.cuts
        line.uart.arrive(piece)
        assert line.read_all() == piece
        cut += line.cuts > before
    return cut


def cut_at(stream, cuts):
    edges = [0, *sorted(cut % (len(stream) + 1) for cut in cuts), len(stream)]
    return [stream[begin:end] for begin, end in pairwise(edges)]


STOP_PAYLOADS = st.builds(lambda rest: bytes([messages.STOP]) + rest, st.binary(max_size=MAX_PAYLOAD - 1))
FRAMES = st.one_of(st.just(STOP), STOP_PAYLOADS.map(frame_of), st.binary(min_size=1, max_size=40).map(frame_of))
PARTS = st.one_of(
    FRAMES,
    st.builds(lambda frame, at: frame[: at % len(frame)], FRAMES, st.integers(0, 200)),
    st.builds(
        lambda frame, bit: (int.from_bytes(frame, "big") ^ 1 << bit % (8 * len(frame))).to_bytes(len(frame), "big"),
        FRAMES,
        st.integers(0, 2000),
    ),
    st.binary(max_size=200),
    st.integers(0, 3).map(bytes),
    st.integers(100, 140).map(lambda count: b"\x0f" * count),
)
STREAMS = st.lists(PARTS, max_size=8).map(b"".join)


@pytest.mark.req("STOP-1", "STOP-3")
@given(st.lists(st.integers(0, len(STOP)), max_size=len(STOP)))
def test_a_stop_frame_in_any_pieces_is_heard_once(cuts):
    assert heard(*cut_at(STOP, cuts)) == 1


@pytest.mark.req("STOP-3")
@given(STREAMS, st.lists(st.integers(0, 1000), max_size=8))
def test_it_hears_exactly_the_stops_that_the_link_acts_on(stream, cuts):
    pieces = cut_at(stream, cuts)
    ends = [stops_in(b"".join(pieces[:count])) for count in range(len(pieces) + 1)]
    assert heard(*pieces) == sum(after > before for before, after in pairwise(ends))


@pytest.mark.req("STOP-3")
@pytest.mark.parametrize("length", range(1, MAX_PAYLOAD + 1))
def test_a_stop_of_any_length_is_heard_from_a_whole_header_on(length):
    frame = frame_of((bytes([messages.STOP]) + bytes(range(256)))[:length])
    assert heard(frame) == (1 if length >= HEADER_SIZE else 0)


@pytest.mark.req("LINK-1")
def test_a_stop_frame_with_one_flipped_bit_is_never_heard():
    for bit in range(8 * len(STOP)):
        flipped = bytearray(STOP)
        flipped[bit // 8] ^= 1 << bit % 8
        assert heard(bytes(flipped) + b"\x00") == 0, bit


def test_no_other_message_is_heard():
    for number in range(256):
        if number != messages.STOP:
            assert heard(frame_of(bytes([number]) + bytes(HEADER_SIZE))) == 0


def test_a_stop_is_heard_behind_another_frame_and_behind_garbage_that_has_ended():
    assert heard(PING + STOP) == 1
    assert heard(b"\x0f" * 300 + b"\x00" + STOP) == 1
    assert heard(STOP, STOP, STOP) == 3


@pytest.mark.req("STOP-3")
def test_a_stop_cuts_before_the_main_loop_reads_it():
    line = Line()
    line.uart.arrive(PING + STOP)
    assert line.cuts == 1
    assert line.ear.stop_pending()
    assert line.read() == PING + STOP


def test_a_stop_that_was_heard_is_told_once():
    line = Line()
    assert not line.ear.stop_heard()
    line.uart.arrive(STOP)
    assert line.ear.stop_heard()
    assert not line.ear.stop_heard()
    assert not line.ear.stop_pending()


@pytest.mark.req("STOP-3")
def test_without_interrupts_the_main_loop_hears_for_itself():
    line = Line()
    line.uart.trigger(0)
    line.uart.arrive(PING + STOP)
    assert line.cuts == 0
    assert line.read() == PING + STOP
    assert line.cuts == 1


def test_octets_come_out_in_the_order_of_the_line_round_the_ring_and_round_again():
    line = Line()
    stream = bytes(at % 251 for at in range(5 * RING_OCTETS))
    out = b""
    for begin in range(0, len(stream), 50):
        line.uart.arrive(stream[begin : begin + 50])
        out += line.read(47)
    assert out + line.read_all() == stream


def test_a_full_ring_leaves_the_rest_in_the_uart_and_calls_for_no_more_interrupts():
    line = Line(room=256)
    stream = bytes(at % 251 for at in range(RING_OCTETS + 256))
    for begin in range(0, len(stream), CHUNK_OCTETS):
        line.uart.arrive(stream[begin : begin + CHUNK_OCTETS])
    assert len(line.uart.ring) == 256
    assert line.uart.triggers == 0
    assert line.read_all(100) == stream
    assert line.uart.triggers != 0
    line.uart.arrive(b"\x00" + STOP)
    assert line.cuts == 1
    assert line.uart.lost == b""


def test_octets_that_come_one_by_one_do_not_keep_the_main_loop_from_its_work():
    line = Line()
    stream = bytes(at % 251 for at in range(3 * CALLS_A_TURN))
    for octet in stream[: 2 * CALLS_A_TURN]:
        line.uart.arrive(bytes([octet]))
    assert line.uart.triggers == 0
    out = line.read_all()
    assert line.uart.triggers != 0
    line.uart.arrive(stream[2 * CALLS_A_TURN :])
    assert out + line.read_all() == stream
    line.uart.arrive(b"\x00" + STOP)
    assert line.cuts == 1


def test_what_does_not_fit_is_lost_at_the_end_and_nothing_before_it():
    line = Line(room=256)
    stream = bytes(at % 251 for at in range(3 * RING_OCTETS))
    for begin in range(0, len(stream), CHUNK_OCTETS):
        line.uart.arrive(stream[begin : begin + CHUNK_OCTETS])
    assert line.read_all() + line.uart.lost == stream


@pytest.mark.req("STOP-3")
@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(1, 900), PARTS), max_size=8), st.integers(1, 300), st.integers(1, 6))
def test_an_interrupt_between_any_two_steps_of_the_main_loop_loses_and_doubles_nothing(arrivals, size, turns):
    line = Line()
    out = b""
    with Interrupted(line, arrivals) as interrupted:
        for _ in range(turns):
            out += line.read(size)
    left = b"".join(interrupted.left)
    line.uart.arrive(left)
    stream = b"".join(piece for _, piece in sorted(arrivals, key=lambda arrival: arrival[0]))
    assert out + line.read_all(size) == stream
    stops = stops_in(stream)
    assert min(stops, 1) <= line.cuts <= stops


@pytest.mark.parametrize("step", range(1, 600, 23))
def test_an_interrupt_overwrites_nothing_that_is_being_copied_out_of_a_full_ring(step):
    line = Line()
    stream = bytes(at % 251 for at in range(RING_OCTETS + 2 * CHUNK_OCTETS))
    for begin in range(0, RING_OCTETS, CHUNK_OCTETS):
        line.uart.arrive(stream[begin : begin + CHUNK_OCTETS])
    rest = stream[RING_OCTETS:]
    with Interrupted(line, [(step, rest[:CHUNK_OCTETS]), (step + 9, rest[CHUNK_OCTETS:])]) as interrupted:
        out = line.read(150)
    line.uart.arrive(b"".join(interrupted.left))
    assert out + line.read_all() == stream


@pytest.mark.req("STOP-3")
@given(st.integers(1, 60))
def test_a_stop_that_comes_while_it_is_asked_for_is_told_once(step):
    line = Line()
    with Interrupted(line, [(step, STOP)]) as interrupted:
        told = line.ear.stop_heard()
    line.uart.arrive(b"".join(interrupted.left))
    assert told + line.ear.stop_heard() == 1
