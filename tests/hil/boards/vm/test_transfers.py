"""What befalls the firmware's process while it waits for a bus."""

import pytest

from device.executive import WATCHDOG_MS
from hil.bench import Bench
from hil.boards.base import BoardError

US = 1000
INTO_THE_TRANSFER_NS = 100 * US  # the flow sensor is read in each tick, in 230 us


@pytest.fixture
def bench():
    try:
        bench = Bench("vm")
    except BoardError as error:
        pytest.skip(str(error))
    with bench:
        bench.run_for(0.5)
        yield bench


def in_the_next_transfer(bench, action):
    when_ns = bench.board._due_ns + INTO_THE_TRANSFER_NS
    bench.plant.at(when_ns, action)
    return when_ns


def test_power_that_goes_ends_the_process(bench):
    in_the_next_transfer(bench, bench.board.power_off)
    bench.run_for(0.1)
    assert bench.board.pid is None
    bench.power_on()
    bench.run_for(0.1)
    assert bench.board.pid is not None


def test_a_reset_starts_another_process_at_its_instant(bench):
    before = bench.board.pid
    when_ns = in_the_next_transfer(bench, bench.board.reset)
    bench.run_for(0.2)
    assert bench.board.pid not in (None, before)
    assert bench.board.mcu.boot_ns == when_ns


def test_a_hang_is_ended_by_the_watchdog(bench):
    before = bench.board.pid
    when_ns = in_the_next_transfer(bench, bench.board.hang)
    bench.run_for(0.4)
    assert bench.board.pid == before
    bench.run_for(0.3)
    assert bench.board.pid not in (None, before)
    assert bench.board.mcu.boot_ns == pytest.approx(when_ns + WATCHDOG_MS * 1000 * US, abs=10_000 * US)
