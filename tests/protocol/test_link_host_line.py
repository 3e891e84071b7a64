"""The host's end of the link: time-outs, stops, pings and datagrams."""

from itertools import pairwise

import pytest

from protocol import codes
from protocol.link_events import Datagram
from protocol.link_host import HostLink
from protocol.messages import (
    DOSE_STATE,
    GET_DOSE,
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
    NONCE,
    SCHEMA,
    SESSION,
    dose_state_values,
    due,
    frame,
    open_host,
    sent,
    status_values,
    stopped_values,
    telemetry_values,
)

ID = b"dose0001"


def greeting() -> HostLink:
    link = HostLink(SCHEMA, NONCE)
    link.hello(0)
    link.poll(0)
    return link


def test_the_time_out_follows_the_line():
    link = open_host()
    for count in range(50):
        now = 1000 * (count + 1)
        seq = link.request(GET_STATUS, now_ms=now)
        link.poll(now)
        link.receive(frame(STATUS, *status_values(), seq=seq), now + 30)
    assert 25_000 < link.round_trip_us <= 30_000
    link.request(GET_STATUS, now_ms=100_000)
    link.poll(100_000)
    assert 100_030 < due(link, 100_000) <= 100_060


def test_a_repeated_request_is_not_measured():
    link = open_host()
    before = link.round_trip_us
    seq = link.request(GET_STATUS, now_ms=0)
    link.poll(0)
    link.poll(1000)
    link.receive(frame(STATUS, *status_values(), seq=seq), 1001)
    assert link.round_trip_us == before


def test_repetitions_come_ever_more_rarely_but_once_a_second_at_least():
    link = open_host(give_up_ms=60_000)
    link.request(GET_STATUS, now_ms=0)
    times = []
    now = 0
    while link.poll(now):
        times.append(now)
        now = due(link, now)
        if now >= 60_000:
            break
    waits = [after - before for before, after in pairwise(times)]
    assert waits == sorted(waits)
    assert waits[0] <= 100
    assert waits[-1] == 1000


# --- stop, pings, datagrams


@pytest.mark.req("STOP-1")
def test_a_stop_can_be_sent_in_every_state():
    lost = open_host()
    lost.receive(frame(REFUSED, PING, codes.REASON_SESSION, SCHEMA), 5)
    for link in (HostLink(SCHEMA, NONCE), greeting(), open_host(), lost):
        data = link.stop(codes.CAUSE_OPERATOR)
        assert data[:1] == b"\x00"
        ((number, _, seq, values),) = sent(data)
        assert (number, seq, values) == (STOP, 0, (codes.CAUSE_OPERATOR,))


@pytest.mark.req("STOP-1")
def test_the_report_of_a_stop_is_told_in_every_state():
    report = frame(STOPPED, *stopped_values(codes.CAUSE_DOOR), session=b"else")
    for link in (HostLink(SCHEMA, NONCE), greeting(), open_host()):
        (event,) = link.receive(report, 5)
        assert isinstance(event, Datagram)
        assert (event.number, event.values[0]) == (STOPPED, codes.CAUSE_DOOR)


@pytest.mark.req("LINK-6")
def test_a_pong_measures_the_round_trip():
    link = open_host()
    link.ping(100)
    ((number, session, seq, (token,)),) = sent(link.poll(100))
    assert (number, session, seq) == (PING, SESSION, 0)
    before = link.round_trip_us
    link.receive(frame(PONG, token, 55, seq=1), 140)
    assert link.round_trip_us > before
    after = link.round_trip_us
    link.receive(frame(PONG, token, 55, seq=2), 9000)
    assert link.round_trip_us == after


def test_a_ping_is_due_at_once_and_never_repeated():
    link = open_host()
    assert link.next_due_ms(5) is None
    link.ping(5)
    assert link.next_due_ms(5) == 5
    assert len(sent(link.poll(5))) == 1
    assert link.poll(60_000) == b""


def test_a_ping_without_a_session_is_not_sent():
    link = greeting()
    link.ping(5)
    assert link.poll(5) == b""


def telemetry(seq):
    return frame(TELEMETRY, *telemetry_values(), seq=seq)


@pytest.mark.req("LINK-3", "LINK-6")
def test_missing_datagrams_are_counted_and_late_ones_dropped():
    link = open_host()
    for seq in (1, 2, 5, 4, 5, 6, 9):
        link.receive(telemetry(seq), 5)
    assert (link.gaps, link.late) == (4, 2)


@pytest.mark.req("LINK-6")
def test_gaps_are_counted_across_the_wrap():
    link = open_host()
    link._datagram_seq = 65_532
    told = [len(link.receive(telemetry(seq), 5)) for seq in (65_533, 65_535, 2, 65_534, 3)]
    assert told == [1, 1, 1, 0, 1]
    assert (link.gaps, link.late) == (2, 1)


def test_a_dose_that_changed_its_state_is_told_as_a_datagram_outside_the_count():
    link = open_host()
    link.request(GET_DOSE, ID, now_ms=0)
    (event,) = link.receive(frame(DOSE_STATE, *dose_state_values(ID), seq=0), 5)
    assert isinstance(event, Datagram)
    assert link.gaps == 0
    assert link.next_due_ms(5) is not None


def test_a_datagram_of_another_session_is_not_told():
    link = open_host()
    assert link.receive(frame(TELEMETRY, *telemetry_values(), session=b"else", seq=1), 5) == []
    assert greeting().receive(frame(TELEMETRY, *telemetry_values(), seq=1), 5) == []


def test_the_own_voice_is_not_heard():
    link = open_host()
    assert link.receive(frame(GET_STATUS, seq=1) + frame(STOP, 1), 5) == []
    assert link.bad_frames == 2
