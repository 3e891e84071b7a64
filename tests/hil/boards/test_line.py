"""The UART line."""

from hypothesis import given
from hypothesis import strategies as st

from hil.boards.line import NEVER_NS, OCTET_NS, UartLine


def test_an_octet_takes_ten_bits_at_921600_baud():
    assert abs(OCTET_NS - 10 / 921_600 * 1e9) < 0.5


def test_octets_arrive_one_after_the_other():
    line = UartLine()
    line.send(b"abc", 1000)
    assert line.take(1000 + OCTET_NS - 1) == b""
    assert line.take(1000 + OCTET_NS) == b"a"
    assert line.take(1000 + 3 * OCTET_NS) == b"bc"
    assert line.take(10**9) == b""


def test_octets_wait_for_those_before_them():
    line = UartLine()
    line.send(b"ab", 0)
    line.send(b"c", 1)
    assert line.take(3 * OCTET_NS - 1) == b"ab"
    assert line.take(3 * OCTET_NS) == b"c"
    assert line.free_ns == 3 * OCTET_NS


def test_it_is_worth_looking_when_a_delimiter_or_the_last_octet_arrives():
    line = UartLine()
    line.send(b"ab\0cd", 0)
    assert line.wake_ns == 3 * OCTET_NS
    line.take(line.wake_ns)
    assert line.wake_ns == 5 * OCTET_NS
    line.take(line.wake_ns)
    assert line.wake_ns == NEVER_NS


def test_it_is_worth_looking_after_many_octets_without_a_delimiter():
    line = UartLine()
    line.send(b"x" * 1000, 0)
    assert line.wake_ns == 64 * OCTET_NS


def test_what_has_not_arrived_is_lost_when_the_sender_goes():
    line = UartLine()
    line.send(b"abc", 0)
    line.cut(2 * OCTET_NS)
    assert line.wake_ns == 2 * OCTET_NS
    assert line.take(10**9) == b"ab"
    assert line.in_flight(0) == 2


def test_octets_in_flight_are_counted():
    line = UartLine()
    line.send(b"abc", 0)
    assert line.in_flight(0) == 3
    assert line.in_flight(OCTET_NS) == 2
    assert line.in_flight(3 * OCTET_NS) == 0


@given(st.lists(st.tuples(st.binary(max_size=20), st.integers(0, 30 * OCTET_NS)), max_size=20))
def test_every_octet_arrives_once_in_order_and_never_early(sends):
    line = UartLine()
    now_ns, sent, received = 0, b"", b""
    earliest_ns: list[int] = []
    for data, wait_ns in sends:
        line.send(data, now_ns)
        for _ in data:
            earliest_ns.append(max(now_ns, earliest_ns[-1] if earliest_ns else 0) + OCTET_NS)
        sent += data
        now_ns += wait_ns
        received += line.take(now_ns)
        assert len(received) == sum(instant <= now_ns for instant in earliest_ns)
    while line.wake_ns != NEVER_NS:
        received += line.take(line.wake_ns)
    assert received == sent
