"""What the probe tells, brought into the order in which it happened."""

import pytest

from hil.boards.base import BoardError
from hil.boards.serial.clock import ProbeClock
from hil.boards.serial.happenings import Happenings
from hil.boards.serial.probe import wire

TICK = wire.TICK_NS


class Log:
    def __init__(self, origin=0):
        self.entries: list[tuple] = []
        self.clock = ProbeClock(origin)
        self.happenings = Happenings(
            self.clock,
            lambda *edges: self.entries.append(("edges", *edges)),
            lambda *line: self.entries.append(("line", *line)),
        )

    def edges(self, channel, before, from_ticks, *runs):
        words = tuple(count << 22 | spacing for count, spacing in runs)
        self.happenings.edges((wire.EDGES, channel, before, from_ticks, words))


def test_a_run_is_handed_over_up_to_the_instant_and_no_further():
    log = Log()
    log.edges(2, 0, 1000, (10, 100))
    log.happenings.hand_over(1350 * TICK)
    assert log.entries == [("edges", 2, 1100 * TICK, 100 * TICK, 3)]
    log.happenings.hand_over(10_000 * TICK)
    assert log.entries[1:] == [("edges", 2, 1400 * TICK, 100 * TICK, 7)]


def test_a_line_that_changes_within_a_run_comes_between_its_edges():
    log = Log()
    log.edges(0, 0, 0, (4, 100))
    log.happenings.lines((wire.LINE, 250, wire.VALVE))
    log.happenings.hand_over(1000 * TICK)
    assert log.entries == [
        ("edges", 0, 100 * TICK, 100 * TICK, 2),
        ("line", 250 * TICK, wire.VALVE),
        ("edges", 0, 300 * TICK, 100 * TICK, 2),
    ]


def test_edges_of_two_channels_come_in_the_order_of_time():
    log = Log()
    log.edges(0, 0, 0, (2, 100))
    log.edges(1, 0, 50, (2, 100))
    log.happenings.hand_over(1000 * TICK)
    assert [(entry[1], entry[2] // TICK) for entry in log.entries] == [(0, 100), (1, 150), (0, 200), (1, 250)]


def test_an_edge_with_a_time_of_its_own_is_at_that_time():
    log = Log()
    log.edges(0, 0, 5000, (1, 0), (3, 40))
    log.happenings.hand_over(6000 * TICK)
    assert [(entry[2] // TICK, entry[4]) for entry in log.entries] == [(5000, 1), (5040, 3)]


def test_a_report_that_was_lost_is_noticed():
    log = Log()
    log.edges(0, 0, 0, (5, 100))
    with pytest.raises(BoardError, match="lost"):
        log.edges(0, 7, 700, (5, 100))


def test_time_goes_on_where_the_counter_wraps():
    log = Log(origin=0xFFFFFF00)
    assert log.clock.ns(0x00000100) == 512 * TICK
    log.clock.reached(0x00000100)
    assert log.clock.ns(0x00000200) == 768 * TICK
    assert log.clock.ns(0xFFFFFFF0) == 240 * TICK


def test_the_quickest_round_trip_decides_what_time_it_is_there():
    clock = ProbeClock(0)
    clock.pong(0, 8_000_000, 20_000)
    clock.pong(20_000_000, 20_400_000, 40_400)
    assert clock.uncertainty_ns == 200_000
    assert clock.at(20_200_000) == 20_200_000
    assert clock.earliest(20_200_000) == 20_000_000
