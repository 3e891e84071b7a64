"""The device's end of the link: stops, pings, datagrams and how they leave."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol import codes
from protocol.link_device import ANSWER_SLOTS, DATAGRAM_SLOTS, DeviceLink
from protocol.messages import (
    DOSE_STATE,
    GET_STATUS,
    PING,
    PONG,
    REFUSED,
    STATUS,
    STOP,
    STOPPED,
    TELEMETRY,
)
from tests.protocol.ends import (
    SCHEMA,
    SESSION,
    ZERO,
    Device,
    dose_state_values,
    frame,
    payload,
    read,
    telemetry_values,
)
from tests.protocol.frames import decode, frame_of

ID = b"dose0001"


@pytest.mark.req("STOP-1")
def test_a_stop_needs_no_session():
    device = Device()
    device.hear(frame(STOP, codes.CAUSE_OPERATOR, session=ZERO))
    assert device.stops == [codes.CAUSE_OPERATOR]
    assert device.said()[0][:3] == (STOPPED, ZERO, 0)


@pytest.mark.req("STOP-1")
@given(st.binary(min_size=4, max_size=4), st.integers(0, 65_535))
def test_a_stop_looks_at_no_session_and_no_number(session, seq):
    device = Device().open()
    device.hear(frame(STOP, codes.CAUSE_DOOR, session=session, seq=seq))
    assert device.stops == [codes.CAUSE_DOOR]


@pytest.mark.req("STOP-1")
@given(st.binary(max_size=100))
def test_any_intact_frame_with_the_number_of_a_stop_stops(body):
    device = Device()
    device.hear(frame_of(bytes([STOP]) + bytes(6) + body))
    assert len(device.stops) == 1
    assert 0 < device.stops[0] < len(codes.CAUSES)


@pytest.mark.req("STOP-1")
def test_a_stop_is_acted_on_before_the_requests_that_came_first_and_with_full_queues():
    device = Device().open()
    while device.link._answers.put(bytearray(9), 9):
        pass
    requests = [frame(GET_STATUS, seq=seq) for seq in range(1, 12)]
    device.hear(*requests, frame(STOP, codes.CAUSE_OPERATOR), *requests)
    assert device.stops == [codes.CAUSE_OPERATOR]
    assert device.executed[1:] == []


@pytest.mark.req("STOP-1")
def test_a_stop_behind_noise_and_a_delimiter_is_found_octet_by_octet():
    device = Device()
    stream = b"\x55" * 300 + b"\x00" + frame(STOP, codes.CAUSE_OPERATOR)
    for at in range(len(stream)):
        assert device.stops == []
        device.hear(stream[at : at + 1])
    assert device.stops == [codes.CAUSE_OPERATOR]


@pytest.mark.req("STOP-1")
def test_every_stop_is_acted_on_and_answered():
    device = Device()
    device.hear(*[frame(STOP, codes.CAUSE_OPERATOR)] * 3)
    assert len(device.stops) == 3
    assert [row[0] for row in device.said()] == [STOPPED] * 3


@pytest.mark.req("STOP-1")
def test_the_report_of_a_stop_overtakes_telemetry():
    device = Device().open()
    for _ in range(3):
        device.link.datagram(TELEMETRY, *telemetry_values())
    device.hear(frame(STOP, codes.CAUSE_OPERATOR))
    assert [row[0] for row in device.said()] == [STOPPED, TELEMETRY, TELEMETRY, TELEMETRY]


def test_a_link_without_a_stop_handler_says_so():
    link = DeviceLink(SCHEMA, lambda: SESSION)
    data = frame(STOP, 1)
    with pytest.raises(RuntimeError, match="on_stop"):
        link.receive(data, len(data), 0)


# --- datagrams and output


def test_a_ping_is_answered_at_once_with_its_token_and_the_clock():
    device = Device().open()
    device.hear(frame(PING, 4711), now_ms=1234)
    assert device.said() == [(PONG, SESSION, 1, (4711, 1234))]


def test_a_ping_of_another_session_is_refused_and_does_not_count_as_heard():
    device = Device().open(now_ms=5)
    device.hear(frame(PING, 1, session=b"else", seq=0), now_ms=99)
    assert device.said() == [(REFUSED, b"else", 0, (PING, codes.REASON_SESSION, SCHEMA))]
    assert device.link.last_heard_ms == 5


def test_a_ping_of_wrong_length_is_counted_and_not_answered():
    device = Device().open()
    device.hear(frame_of(payload(PING, 1) + b"x"))
    assert device.said() == []
    assert device.link.bad_frames == 1


def test_any_frame_of_the_session_counts_as_heard():
    device = Device().open(now_ms=5)
    device.hear(frame(GET_STATUS, seq=1), now_ms=42)
    assert device.link.last_heard_ms == 42


@pytest.mark.req("LINK-3", "LINK-6")
def test_datagrams_carry_a_count_of_their_own_that_shows_what_was_dropped():
    device = Device().open()
    for _ in range(DATAGRAM_SLOTS + 3):
        device.link.datagram(TELEMETRY, *telemetry_values())
    assert device.link.dropped == 3
    assert [row[2] for row in device.said()] == list(range(1, DATAGRAM_SLOTS + 1))
    device.link.datagram(TELEMETRY, *telemetry_values())
    assert [row[2] for row in device.said()] == [DATAGRAM_SLOTS + 4]


def test_the_count_of_datagrams_wraps_from_65535_to_1_and_begins_anew_with_the_session():
    device = Device().open()
    device.link._datagram_seq = 65_534
    for _ in range(2):
        device.link.datagram(TELEMETRY, *telemetry_values())
    assert [row[2] for row in device.said()] == [65_535, 1]
    device.open(b"efgh")
    device.link.datagram(TELEMETRY, *telemetry_values())
    assert device.said()[0][1:3] == (b"SES2", 1)


def test_without_a_session_only_a_stop_is_reported():
    device = Device()
    device.link.datagram(TELEMETRY, *telemetry_values())
    device.link.unsolicited(DOSE_STATE, *dose_state_values(ID))
    assert not device.link.has_output()
    device.hear(frame(STOP, 1))
    assert device.link.has_output()


def test_what_nobody_asked_for_goes_first_with_number_zero():
    device = Device().open()
    device.link.datagram(TELEMETRY, *telemetry_values())
    device.link.unsolicited(DOSE_STATE, *dose_state_values(ID))
    assert [row[:3] for row in device.said()] == [(DOSE_STATE, SESSION, 0), (TELEMETRY, SESSION, 1)]


def test_answers_have_their_own_room_beside_datagrams():
    device = Device().open()
    for _ in range(50):
        device.link.datagram(TELEMETRY, *telemetry_values())
    device.hear(*[frame(GET_STATUS, seq=seq) for seq in range(1, ANSWER_SLOTS + 1)])
    device.execute()
    assert [row[0] for row in device.said()][:ANSWER_SLOTS] == [STATUS] * ANSWER_SLOTS


@given(st.lists(st.integers(0, 40), min_size=1, max_size=200))
def test_frames_leave_whole_and_in_order_however_little_the_line_takes(rooms):
    device = Device().open()
    device.link.datagram(TELEMETRY, *telemetry_values())
    device.hear(frame(GET_STATUS, seq=1))
    out = device.written(5)
    device.execute()
    device.hear(frame(STOP, 1))
    for room in rooms:
        out += device.written(room)
    out += device.written()
    assert [read(each)[0] for each in decode(out)[0]] == [TELEMETRY, STATUS, STOPPED]
    assert not device.link.has_output()
