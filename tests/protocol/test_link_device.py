"""The device's end of the link: stops at once, requests once, answers as often as they are asked for."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol import codes
from protocol.link_device import REQUEST_SLOTS
from protocol.messages import (
    CLEAR,
    DOSE_ORDER,
    GET_DOSE,
    GET_STATUS,
    HELLO,
    REFUSED,
    SIZES,
    STATUS,
    WELCOME,
)
from tests.protocol.ends import (
    NONCE,
    OTHER_SCHEMA,
    SCHEMA,
    SESSION,
    ZERO,
    Device,
    frame,
    intact_payloads,
    payload,
    status_values,
)
from tests.protocol.frames import frame_of

ID = b"dose0001"
hello = frame(HELLO, NONCE, SCHEMA, session=ZERO, seq=1)


def order(seq: int, dose_id: bytes = ID) -> bytes:
    rest = (bytes(8), b"boot0001", SESSION, 5000, 1, 2, 0, bytes(8), 12_500, 1000, 1000, bytes(24), bytes(8))
    return frame(DOSE_ORDER, dose_id, *rest, seq=seq)


# --- handshake


def test_a_hello_opens_a_session_and_is_answered_with_a_welcome():
    device = Device()
    device.hear(hello, now_ms=5)
    assert device.execute() == [(HELLO, NONCE, SCHEMA)]
    assert device.link.session_open
    assert device.link.session == SESSION
    assert device.link.last_heard_ms == 5
    ((number, session, seq, values),) = device.said()
    assert (number, session, seq, values[:2]) == (WELCOME, SESSION, 1, (NONCE, SESSION))


@pytest.mark.req("LINK-3")
def test_a_repeated_hello_gets_the_same_welcome_and_changes_nothing():
    device = Device().open()
    device.hear(frame(GET_DOSE, ID, seq=1))
    device.execute()
    device.said()
    device.hear(hello)
    assert device.execute() == []
    assert device.said()[0][:3] == (WELCOME, SESSION, 1)
    device.hear(frame(GET_DOSE, ID, seq=1))
    assert device.execute() == []


@pytest.mark.req("LINK-2")
def test_a_hello_of_another_schema_is_refused_with_the_own_one_and_opens_nothing():
    device = Device()
    device.hear(frame(HELLO, NONCE, OTHER_SCHEMA, session=ZERO, seq=1), order(1))
    assert device.execute() == []
    assert not device.link.session_open
    assert device.said() == [
        (REFUSED, ZERO, 1, (HELLO, codes.REASON_SCHEMA, SCHEMA)),
        (REFUSED, SESSION, 1, (DOSE_ORDER, codes.REASON_SESSION, SCHEMA)),
    ]


@pytest.mark.req("LINK-2")
def test_a_hello_of_another_length_is_refused_with_the_own_schema():
    device = Device()
    device.hear(frame_of(payload(HELLO, NONCE, SCHEMA, session=ZERO, seq=1) + b"more"))
    assert device.execute() == []
    assert device.said() == [(REFUSED, ZERO, 1, (HELLO, codes.REASON_MALFORMED, SCHEMA))]


def test_a_hello_of_another_schema_leaves_the_open_session_as_it_is():
    device = Device().open()
    device.hear(frame(HELLO, b"efgh", OTHER_SCHEMA, session=ZERO, seq=1))
    assert device.execute() == []
    assert device.link.session == SESSION


@pytest.mark.req("LINK-5")
def test_nothing_of_an_old_session_is_executed_after_a_new_hello():
    device = Device().open()
    device.hear(frame(HELLO, b"efgh", SCHEMA, session=ZERO, seq=1), order(1))
    assert [number for number, *_ in device.execute()] == [HELLO]
    assert [number for number, *_ in device.said()] == [WELCOME, REFUSED]


@pytest.mark.req("LINK-5")
def test_no_answer_of_an_old_session_is_given_in_a_new_one():
    device = Device().open()
    device.hear(frame(GET_DOSE, ID, seq=1))
    device.execute()
    device.open(b"efgh")
    device.hear(frame(GET_DOSE, b"dose0002", session=b"SES2", seq=1))
    assert device.execute() == [(GET_DOSE, b"dose0002")]
    assert device.said()[0][3][0] == b"dose0002"


@pytest.mark.parametrize("stuck", [ZERO, SESSION])
def test_a_stuck_source_of_nonces_still_gives_another_session_than_the_last(stuck):
    device = Device((SESSION, *[stuck] * 20)).open()
    for nonce in (b"h002", b"h003", b"h004"):
        last = device.link.session
        device.link.close_session()
        device.open(nonce)
        assert device.link.session not in (ZERO, last)


@pytest.mark.req("LINK-5")
def test_a_closed_session_refuses_everything_and_a_new_hello_opens_another():
    device = Device().open()
    device.link.close_session()
    device.hear(frame(GET_DOSE, ID, seq=1), frame(GET_DOSE, ID, session=ZERO, seq=1))
    assert device.execute() == []
    assert [values[1] for *_, values in device.said()] == [codes.REASON_SESSION] * 2
    device.open()
    assert device.link.session == b"SES2"


# --- requests


@pytest.mark.req("LINK-3", "DOSE-2")
def test_a_repeated_order_is_executed_once_and_answered_each_time_with_the_same_octets():
    device = Device().open()
    device.hear(order(1))
    assert [number for number, *_ in device.execute()] == [DOSE_ORDER]
    first = device.written()
    for _ in range(20):
        device.hear(order(1))
        assert device.execute() == []
        assert device.written() == first
    assert device.link.duplicates == 20


@pytest.mark.req("DOSE-2")
def test_an_order_doubled_in_the_queue_is_executed_once():
    device = Device().open()
    device.hear(order(1), order(1), order(1))
    assert len(device.execute()) == 1
    assert len(device.said()) == 3


def test_a_request_overtaken_by_a_later_one_is_still_executed():
    device = Device().open()
    device.hear(frame(GET_DOSE, b"dose0002", seq=2), frame(GET_DOSE, ID, seq=1))
    assert device.execute() == [(GET_DOSE, b"dose0002"), (GET_DOSE, ID)]


def test_a_request_older_than_the_window_is_dropped_and_counted():
    device = Device().open()
    device.hear(frame(GET_STATUS, seq=9), frame(GET_STATUS, seq=1))
    assert len(device.execute()) == 1
    assert device.link.dropped == 1
    device.hear(frame(GET_STATUS, seq=2))
    assert len(device.execute()) == 1


@pytest.mark.req("LINK-3")
@pytest.mark.parametrize("begin", [1, 65_530, 32_760])
def test_numbers_run_through_their_wrap(begin):
    device = Device().open()
    device.link._cache._newest = begin - 1
    for count in range(20):
        seq = (begin + count - 1) % 65_535 + 1
        device.hear(frame(GET_STATUS, seq=seq), frame(GET_STATUS, seq=seq))
        assert len(device.execute()) == 1
        assert [row[:3] for row in device.said()] == [(STATUS, SESSION, seq)] * 2


def test_a_request_with_number_zero_is_no_request():
    device = Device().open()
    device.hear(frame(GET_STATUS, seq=0))
    assert device.execute() == []
    assert device.said() == []
    assert device.link.bad_frames == 1


def test_a_malformed_body_is_refused_again_and_again_from_the_store():
    device = Device().open()
    bad = frame_of(payload(GET_DOSE, ID, seq=1) + b"x")
    device.hear(bad, bad)
    assert device.execute() == []
    assert device.said() == [(REFUSED, SESSION, 1, (GET_DOSE, codes.REASON_MALFORMED, SCHEMA))] * 2
    assert device.link.duplicates == 1


@pytest.mark.parametrize("number", sorted(set(range(0x80)) - set(SIZES)))
def test_an_unknown_number_is_refused(number):
    device = Device().open()
    device.hear(frame_of(bytes([number]) + SESSION + b"\x01\x00"))
    assert device.execute() == []
    assert device.said() == [(REFUSED, SESSION, 1, (number, codes.REASON_UNKNOWN_MESSAGE, SCHEMA))]


def test_the_own_voice_is_never_answered():
    device = Device().open()
    device.hear(*[frame_of(bytes([number]) + SESSION + b"\x01\x00more") for number in range(0x80, 0x100)])
    assert device.execute() == []
    assert device.said() == []
    assert device.link.bad_frames == 128


@pytest.mark.req("LINK-1")
def test_what_finds_no_room_is_dropped_and_counted_and_the_next_is_taken():
    device = Device().open()
    device.hear(*[frame(GET_STATUS, seq=seq) for seq in range(1, 13)])
    assert len(device.execute()) == REQUEST_SLOTS
    assert device.link.dropped == 12 - REQUEST_SLOTS
    device.said()
    device.hear(*[frame(GET_STATUS, seq=seq) for seq in range(1, 13)])
    assert device.execute() == []
    device.hear(frame(GET_STATUS, seq=9))
    assert len(device.execute()) == 1


def test_a_payload_shorter_than_a_header_is_counted():
    device = Device()
    device.hear(frame_of(b"\x0f12345"))
    assert device.link.bad_frames == 1
    assert device.stops == []


def test_an_answer_without_a_request_is_a_fault():
    device = Device().open()
    with pytest.raises(RuntimeError, match="no request"):
        device.link.answer(STATUS, *status_values())
    device.hear(frame(GET_STATUS, seq=1))
    device.execute()
    with pytest.raises(RuntimeError, match="no request"):
        device.link.answer(STATUS, *status_values())


@pytest.mark.req("LINK-6")
def test_what_comes_in_is_counted():
    device = Device().open()
    flipped = bytearray(frame(GET_STATUS, seq=1))
    flipped[-3] ^= 1
    device.hear(bytes(flipped), frame(GET_STATUS, seq=1), b"\x09\x01\x00", frame(GET_STATUS, seq=1))
    device.execute()
    link = device.link
    assert (link.frames_in, link.bad_crc, link.bad_frames, link.duplicates) == (3, 1, 1, 1)


@pytest.mark.req("LINK-1")
@given(st.lists(st.tuples(st.binary(max_size=300), st.integers(0, 400)), max_size=20))
def test_any_octets_are_survived_and_stop_nothing(chunks):
    device = Device().open()
    for data, length in chunks:
        device.link.receive(data, length, 0)
        device.execute()
    device.hear(b"\x00", frame(CLEAR, seq=1))
    assert device.execute() == [(CLEAR,)]


@pytest.mark.req("LINK-1")
@given(intact_payloads)
def test_intact_frames_of_any_content_are_survived(payloads):
    sessions = (bytes([count + 1, 1, 1, 1]) for count in range(1000))
    device = Device(sessions).open()
    for data in payloads:
        device.hear(frame_of(data), frame_of(data[:1] + device.link.session + data[5:]))
        device.execute()
        device.written()
        assert not device.link.has_output()
