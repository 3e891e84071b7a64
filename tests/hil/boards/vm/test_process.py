"""The end of the firmware's process is seen, whatever it is, and told with what the firmware printed."""

import os
import signal

import pytest

from hil.boards.base import BoardError

SECOND_NS = 1_000_000_000


def test_an_exception_is_reported_with_its_traceback(make_bench):
    with pytest.raises(BoardError, match=r"(?s)exited with code 1.*Traceback.*MemoryError"):
        make_bench(heap_kib=96)


def test_a_killed_process_is_reported(make_bench):
    bench = make_bench()
    os.kill(bench.board.pid, signal.SIGKILL)
    with pytest.raises(BoardError, match="killed by signal 9"):
        bench.board.run_until(SECOND_NS)


def test_a_process_that_hangs_is_reported_after_the_time_out(make_bench):
    bench = make_bench(hang_timeout_s=0.2)
    os.kill(bench.board.pid, signal.SIGSTOP)
    with pytest.raises(BoardError, match=r"hangs: no call within 0\.2 s"):
        bench.board.run_until(SECOND_NS)


def test_after_the_end_of_its_process_the_board_is_without_firmware_until_it_is_powered_again(make_bench):
    bench = make_bench()
    os.kill(bench.board.pid, signal.SIGKILL)
    with pytest.raises(BoardError):
        bench.board.run_until(SECOND_NS)
    assert bench.board.pid is None
    bench.board.power_off()
    bench.board.power_on()
    assert bench.host.connect().boot


def test_no_process_outlives_its_board(make_bench):
    bench = make_bench()
    pid = bench.board.pid
    bench.board.close()
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
