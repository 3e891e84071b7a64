"""The heartbeat of the real firmware on the emulated state machine: counted words, nothing without them."""

from itertools import pairwise

import pytest

pytestmark = pytest.mark.rp2040

HEARTBEAT = 6
EDGE_NS = 5_000_000
OUTSTANDING_NS = 20_000_000
ONE_SHOT_NS = 20_000_000


def edges(pico):
    return [change.now_ns for change in pico.changes if change.pin == HEARTBEAT]


@pytest.mark.req("STOP-5")
def test_it_ends_with_its_counted_words(board):
    board.go_on("board.heartbeat.feed()\nprint(time.ticks_us())")
    board.run_for(100_000_000)
    times = edges(board)
    assert len(times) == 2
    assert times[-1] - times[0] <= OUTSTANDING_NS
    assert {after - before for before, after in pairwise(times)} == {EDGE_NS}


def test_fed_by_every_tick_it_never_pauses(board):
    board.go_on("for _ in range(30):\n    board.heartbeat.feed()\n    time.sleep_ms(10)")
    board.run_for(100_000_000)
    times = edges(board)
    assert max(after - before for before, after in pairwise(times)) < ONE_SHOT_NS // 2
    assert times[-1] - times[0] > 290_000_000


@pytest.mark.req("STOP-5")
def test_feeding_often_never_leaves_more_than_20_ms(board):
    board.go_on("for _ in range(200):\n    board.heartbeat.feed()\n    time.sleep_us(300)")
    ended_ns = board.now_ns
    board.run_for(200_000_000)
    assert edges(board)[-1] - ended_ns <= OUTSTANDING_NS


@pytest.mark.req("STOP-6")
def test_stopped_it_lets_no_further_edge_out(board):
    board.go_on("board.heartbeat.feed()\ntime.sleep_ms(12)\nboard.heartbeat.stop()\nt = time.ticks_us()")
    count = len(edges(board))
    board.run_for(100_000_000)
    assert len(edges(board)) == count


def test_it_runs_again_when_fed_after_a_stop(board):
    board.go_on("board.heartbeat.feed()\nboard.heartbeat.stop()\nboard.heartbeat.feed()")
    board.run_for(100_000_000)
    assert len(edges(board)) == 2
