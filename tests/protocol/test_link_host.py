"""The host's end of the link: repeats until answered, gives up in time, takes only what is meant for it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol import codes
from protocol.link import WINDOW
from protocol.link_events import Answer, Datagram, GaveUp, Refused, SchemaMismatch, SessionLost, Welcome
from protocol.link_host import GIVE_UP_MS, RENEW_MS, RENEW_REQUESTS, HostLink, LinkClosedError, WindowFullError
from protocol.messages import (
    CLEAR,
    DOSE_STATE,
    GET_DOSE,
    GET_STATUS,
    HELLO,
    PING,
    PONG,
    REFUSED,
    STATUS,
    STOP,
    WELCOME,
)
from protocol.round_trip import TIMEOUT_FIRST_MS
from tests.protocol.ends import (
    NONCE,
    OTHER_SCHEMA,
    SCHEMA,
    SESSION,
    ZERO,
    dose_state_values,
    due,
    frame,
    intact_payloads,
    open_host,
    sent,
    status_values,
    welcome_values,
)
from tests.protocol.frames import frame_of

ID = b"dose0001"


def kinds(events):
    return [type(event) for event in events]


def greeting() -> HostLink:
    link = HostLink(SCHEMA, NONCE)
    link.hello(0)
    link.poll(0)
    return link


# --- handshake


def test_a_hello_goes_out_behind_a_delimiter_with_session_zero_and_number_one():
    link = HostLink(SCHEMA, NONCE)
    link.hello(0)
    data = link.poll(0)
    assert data[:1] == b"\x00"
    assert sent(data) == [(HELLO, ZERO, 1, (NONCE, SCHEMA))]


def test_a_hello_is_repeated_until_the_welcome_comes():
    link = greeting()
    assert link.poll(TIMEOUT_FIRST_MS - 1) == b""
    assert sent(link.poll(TIMEOUT_FIRST_MS))[0][0] == HELLO
    (event,) = link.receive(frame(WELCOME, *welcome_values(NONCE, SESSION), seq=1), 300)
    assert isinstance(event, Welcome)
    assert event.values == welcome_values(NONCE, SESSION)
    assert link.is_open
    assert link.session == SESSION
    assert link.poll(10_000) == b""


@pytest.mark.parametrize(
    ("values", "session"),
    [
        (welcome_values(b"else", SESSION), SESSION),
        (welcome_values(NONCE, b"else"), SESSION),
        (welcome_values(NONCE, SESSION), b"else"),
    ],
)
def test_a_welcome_that_is_meant_for_another_is_not_taken(values, session):
    link = greeting()
    assert link.receive(frame(WELCOME, *values, session=session, seq=1), 5) == []
    assert not link.is_open


@pytest.mark.req("LINK-2")
def test_a_device_of_another_schema_is_a_mismatch_and_nothing_but_a_stop_can_be_sent():
    link = greeting()
    (event,) = link.receive(frame(REFUSED, HELLO, codes.REASON_SCHEMA, OTHER_SCHEMA, session=ZERO, seq=1), 5)
    assert isinstance(event, SchemaMismatch)
    assert event.schema == OTHER_SCHEMA
    with pytest.raises(LinkClosedError):
        link.request(GET_STATUS, now_ms=5)
    assert link.poll(10_000) == b""
    assert sent(link.stop(codes.CAUSE_OPERATOR))[0][0] == STOP


@pytest.mark.req("LINK-2")
def test_a_refused_hello_with_another_schema_is_a_mismatch_whatever_the_reason():
    events = greeting().receive(frame(REFUSED, HELLO, codes.REASON_MALFORMED, OTHER_SCHEMA, session=ZERO, seq=1), 5)
    assert kinds(events) == [SchemaMismatch]


@pytest.mark.req("LINK-2")
def test_a_welcome_with_another_schema_is_a_mismatch():
    link = greeting()
    events = link.receive(frame(WELCOME, *welcome_values(NONCE, SESSION, OTHER_SCHEMA), seq=1), 5)
    assert kinds(events) == [SchemaMismatch]
    assert not link.is_open


def test_a_refused_hello_closes_the_link():
    link = greeting()
    events = link.receive(frame(REFUSED, HELLO, codes.REASON_MALFORMED, SCHEMA, session=ZERO, seq=1), 5)
    assert kinds(events) == [Refused]
    assert not link.is_open


def test_a_hello_that_nobody_answers_is_given_up():
    link = greeting()
    (event,) = link.receive(b"", GIVE_UP_MS)
    assert isinstance(event, GaveUp)
    assert event.number == HELLO
    assert link.poll(GIVE_UP_MS) == b""
    assert link.receive(frame(WELCOME, *welcome_values(NONCE, SESSION), seq=1), GIVE_UP_MS + 1) == []


def test_a_link_greets_once():
    link = open_host()
    with pytest.raises(LinkClosedError):
        link.hello(5)


# --- requests


def test_before_the_session_nothing_can_be_asked():
    with pytest.raises(LinkClosedError):
        greeting().request(GET_STATUS, now_ms=0)


@pytest.mark.parametrize("number", [HELLO, PING, STOP, STATUS, 0x7E])
def test_only_requests_can_be_asked(number):
    with pytest.raises(ValueError, match="not a request"):
        open_host().request(number, now_ms=0)


def test_values_that_do_not_fit_leave_no_trace():
    link = open_host()
    with pytest.raises(Exception, match="expected 1"):
        link.request(GET_DOSE, now_ms=0)
    assert link.poll(0) == b""
    assert link.request(GET_STATUS, now_ms=0) == 1


@pytest.mark.req("LINK-3")
def test_a_request_is_repeated_octet_by_octet_until_answered():
    link = open_host()
    seq = link.request(GET_DOSE, ID, now_ms=10)
    first = link.poll(10)
    assert sent(first) == [(GET_DOSE, SESSION, seq, (ID,))]
    now = 10
    for repetition in range(1, 6):
        again = due(link, now)
        assert link.poll(again - 1) == b""
        assert link.poll(again) == first
        assert link.retransmissions == repetition
        now = again
    (event,) = link.receive(frame(DOSE_STATE, *dose_state_values(ID), seq=seq), now)
    assert isinstance(event, Answer)
    assert (event.seq, event.number, event.values[0]) == (seq, DOSE_STATE, ID)
    assert link.next_due_ms(now) is None


@pytest.mark.req("LINK-3")
def test_a_second_answer_is_not_told():
    link = open_host()
    seq = link.request(GET_STATUS, now_ms=0)
    answer = frame(STATUS, *status_values(), seq=seq)
    assert len(link.receive(answer + answer, 5)) == 1
    assert link.duplicates == 1


def test_answers_find_their_requests_in_any_order():
    link = open_host()
    seqs = [link.request(GET_DOSE, bytes([n]) * 8, now_ms=0) for n in range(5)]
    for n in (3, 0, 4, 1, 2):
        (event,) = link.receive(frame(DOSE_STATE, *dose_state_values(bytes([n]) * 8), seq=seqs[n]), 5)
        assert isinstance(event, Answer)
        assert (event.seq, event.values[0]) == (seqs[n], bytes([n]) * 8)


@pytest.mark.req("LINK-5")
@pytest.mark.parametrize("session", [ZERO, b"else"])
def test_an_answer_of_another_session_is_not_told(session):
    link = open_host()
    seq = link.request(GET_STATUS, now_ms=0)
    assert link.receive(frame(STATUS, *status_values(), session=session, seq=seq), 5) == []
    assert link.next_due_ms(5) is not None


@pytest.mark.req("LINK-3")
def test_a_request_is_given_up_in_time_and_told_once():
    link = open_host(give_up_ms=500)
    seq = link.request(CLEAR, now_ms=0)
    link.poll(0)
    assert link.receive(b"", 499) == []
    (event,) = link.receive(b"", 500)
    assert isinstance(event, GaveUp)
    assert (event.seq, event.number) == (seq, CLEAR)
    assert link.receive(b"", 501) == []
    assert link.poll(5000) == b""
    assert link.receive(frame(STATUS, *status_values(), seq=seq), 5001) == []


def test_an_answer_that_is_read_late_is_still_an_answer():
    link = open_host(give_up_ms=500)
    seq = link.request(CLEAR, now_ms=0)
    link.poll(0)
    assert kinds(link.receive(frame(STATUS, *status_values(), seq=seq), 9000)) == [Answer]


def test_what_poll_gave_up_is_told_by_the_next_receive_and_asks_for_it():
    link = open_host(give_up_ms=500)
    link.request(CLEAR, now_ms=0)
    assert link.poll(500) == b""
    assert link.next_due_ms(500) == 500
    assert kinds(link.receive(b"", 500)) == [GaveUp]


def test_a_refused_request_is_told_and_no_longer_sent():
    link = open_host()
    seq = link.request(CLEAR, now_ms=0)
    (event,) = link.receive(frame(REFUSED, CLEAR, codes.REASON_UNKNOWN_MESSAGE, SCHEMA, seq=seq), 5)
    assert isinstance(event, Refused)
    assert (event.seq, event.number, event.reason) == (seq, CLEAR, codes.REASON_UNKNOWN_MESSAGE)
    assert link.poll(5000) == b""
    assert link.is_open


def test_a_refusal_of_another_message_is_not_told():
    link = open_host()
    seq = link.request(CLEAR, now_ms=0)
    assert link.receive(frame(REFUSED, GET_DOSE, codes.REASON_MALFORMED, SCHEMA, seq=seq), 5) == []


@pytest.mark.req("LINK-5")
def test_a_lost_session_ends_the_link_and_its_requests_are_unknown_not_refused():
    link = open_host()
    seqs = [link.request(CLEAR, now_ms=0), link.request(GET_STATUS, now_ms=0)]
    events = link.receive(frame(REFUSED, CLEAR, codes.REASON_SESSION, SCHEMA, seq=seqs[0]), 5)
    assert kinds(events) == [SessionLost, GaveUp, GaveUp]
    assert [event.seq for event in events if isinstance(event, GaveUp)] == seqs
    assert link.poll(5000) == b""
    assert link.next_due_ms(5000) is None
    with pytest.raises(LinkClosedError):
        link.request(CLEAR, now_ms=5)


def test_a_refused_ping_tells_that_the_session_is_lost():
    link = open_host()
    assert kinds(link.receive(frame(REFUSED, PING, codes.REASON_SESSION, SCHEMA), 5)) == [SessionLost]


def test_a_refusal_meant_for_another_session_loses_nothing():
    link = open_host()
    assert link.receive(frame(REFUSED, PING, codes.REASON_SESSION, SCHEMA, session=b"else"), 5) == []
    assert link.is_open


def test_the_window_counts_from_the_oldest_open_request():
    link = open_host()
    seqs = [link.request(GET_STATUS, now_ms=0) for _ in range(WINDOW)]
    assert link.window_free == 0
    with pytest.raises(WindowFullError):
        link.request(GET_STATUS, now_ms=0)
    for seq in seqs[1:]:
        link.receive(frame(STATUS, *status_values(), seq=seq), 5)
    assert link.window_free == 0
    link.receive(frame(STATUS, *status_values(), seq=seqs[0]), 5)
    assert link.window_free == WINDOW


@pytest.mark.req("LINK-6")
def test_numbers_wrap_from_65535_to_1():
    link = open_host()
    link._seq = 65_533
    assert [link.request(GET_STATUS, now_ms=0) for _ in range(4)] == [65_534, 65_535, 1, 2]
    assert link.window_free == WINDOW - 4


@pytest.mark.req("LINK-6")
def test_a_session_wants_renewal_long_before_anything_wraps_half():
    link = open_host(now_ms=0)
    assert not link.needs_renewal(RENEW_MS - 1)
    assert link.needs_renewal(RENEW_MS)
    assert RENEW_MS * 2 <= 1 << 29
    link._seq = RENEW_REQUESTS
    assert link.needs_renewal(1)
    assert RENEW_REQUESTS * 2 <= 32_768
    assert not greeting().needs_renewal(RENEW_MS)


@pytest.mark.req("LINK-1")
@given(st.lists(st.binary(max_size=300), max_size=20))
def test_any_octets_are_survived(chunks):
    link = open_host()
    for data in chunks:
        assert link.receive(data, 5) == []
    seq = link.request(GET_STATUS, now_ms=5)
    assert kinds(link.receive(b"\x00" + frame(STATUS, *status_values(), seq=seq), 6)) == [Answer]


@pytest.mark.req("LINK-1")
@given(intact_payloads, st.integers(0, 3))
def test_intact_frames_of_any_content_are_survived(payloads, requests):
    link = open_host()
    for _ in range(requests):
        link.request(GET_STATUS, now_ms=0)
    answers = 0
    for data in payloads:
        answers += kinds(link.receive(frame_of(data), 5)).count(Answer)
        link.poll(5)
    assert answers <= requests
    assert link.next_due_ms(5) is None or link.is_open


def test_events_say_what_they_are():
    events = [Answer(3, STATUS, (1,)), Datagram(PONG, (2,)), GaveUp(4, CLEAR), Refused(5, CLEAR, 2, SCHEMA)]
    assert [repr(event) for event in events] == [
        "Answer(3, 0x84, (1,))",
        "Datagram(0x82, (2,))",
        "GaveUp(4, 0x07)",
        "Refused(5, 0x07, reason 2)",
    ]
    assert repr(SessionLost()) == "SessionLost"
    assert repr(Welcome((1,))) == "Welcome((1,))"
