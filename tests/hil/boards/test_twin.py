"""The twin's time and life, with a small firmware of the test's own."""

import pytest

from hil.bench import Bench
from hil.boards.base import BoardError
from hil.boards.line import OCTET_NS
from protocol import codes

MS = 1_000_000
TICK_US = 10_000


class Ticker:
    """Notes when it ticks and what it receives; answers each octet with the next one."""

    def __init__(self, board):
        self.board = board
        self.next_tick_us = board.ticks_us()
        self.ticks = []
        self.received = []
        self.trips = []
        self.buffer = bytearray(64)
        board.watchdog_start(500)

    def turn(self):
        board = self.board
        count = board.link_readinto(self.buffer)
        if count:
            self.received.append((board._mcu.now_ns, bytes(self.buffer[:count])))
            board.link_write(bytes((octet + 1) & 0xFF for octet in self.buffer[:count]), count)
        if board.safe_tripped():
            self.trips.append(board._mcu.now_ns)
            board.clear_trip()
        if (self.next_tick_us - board.ticks_us()) & 0x3FFFFFFF in range(1, 1 << 29):
            return count == 0
        self.ticks.append(board._mcu.now_ns)
        self.next_tick_us = (self.next_tick_us + TICK_US) & 0x3FFFFFFF
        board.watchdog_feed()
        return False


@pytest.fixture
def bench():
    with Bench("twin", executive=Ticker) as bench:
        yield bench


@pytest.fixture
def firmware(bench):
    return bench.board.executive


def test_ticks_come_at_their_exact_time(bench, firmware):
    bench.run_for(0.1)
    assert firmware.ticks == [tick * 10 * MS for tick in range(10)]


def test_time_ends_where_it_was_asked_to(bench):
    bench.run_until_ns(12_345_678)
    assert bench.now_ns == 12_345_678 == bench.plant.now_ns


def test_a_frame_wakes_the_firmware_when_its_last_octet_is_there(bench, firmware):
    bench.run_until_ns(3 * MS)
    bench.board.host_write(b"ab\0")
    bench.run_for(0.005)
    assert firmware.received == [(3 * MS + 3 * OCTET_NS, b"ab\0")]


def test_run_until_stops_where_the_host_has_something_to_read(bench):
    bench.board.host_write(b"a\xff")
    bench.board.run_until(100 * MS)
    assert bench.now_ns == 4 * OCTET_NS
    assert bench.board.host_read() == b"b\0"


def test_run_until_does_not_move_while_octets_wait_for_the_host(bench):
    bench.board.host_write(b"\xff")
    bench.board.run_until(100 * MS)
    now_ns = bench.now_ns
    bench.board.run_until(100 * MS)
    assert bench.now_ns == now_ns
    bench.board.host_read()
    bench.board.run_until(100 * MS)
    assert bench.now_ns == 100 * MS


def test_an_input_that_changes_wakes_the_firmware_at_once(bench, firmware):
    bench.plant.at(1_234_567, bench.plant.press_estop)
    bench.plant.at(1_244_567, lambda: bench.plant.press_estop(False))
    bench.run_for(0.005)
    assert firmware.trips[0] == 1_234_567


def test_the_device_clock_wraps():
    with Bench("twin", executive=Ticker, ticks_start_us=(1 << 30) - 25_000) as bench:
        bench.run_for(0.1)
        assert bench.board.executive.ticks == [tick * 10 * MS for tick in range(10)]
        assert bench.board.device_board.ticks_us() == 75_000


def test_milliseconds_and_microseconds_wrap_apart():
    with Bench("twin", executive=Ticker, ticks_start_us=(1 << 30) * 3 + 5000) as bench:
        assert bench.board.device_board.ticks_us() == 5000
        assert bench.board.device_board.ticks_ms() == ((1 << 30) * 3 + 5000) // 1000


def test_a_firmware_that_hangs_is_reset_by_the_watchdog(bench, firmware):
    bench.run_for(0.1)
    last_ns = firmware.ticks[-1]
    bench.board.hang()
    bench.run_for(0.6)
    restarted = bench.board.executive
    assert restarted is not firmware
    assert restarted.ticks[0] == last_ns + 500 * MS
    assert restarted.board.reset_cause() == 3
    assert restarted.ticks[0] == bench.board.mcu.boot_ns


def test_a_board_without_power_does_nothing(bench, firmware):
    bench.run_for(0.05)
    bench.power_off()
    bench.run_for(10.0)
    assert len(firmware.ticks) == 5


def test_a_power_cycle_starts_the_firmware_anew(bench, firmware):
    bench.run_for(0.05)
    bench.power_cycle(0.3)
    bench.run_for(0.05)
    assert bench.board.executive is not firmware
    assert bench.board.executive.ticks[0] == 350 * MS
    assert bench.board.executive.board.reset_cause() == 0
    assert bench.board.device_board.ticks_us() == 50_000


def test_a_pulled_reset_pin_is_told_as_the_cause(bench):
    bench.run_for(0.05)
    bench.board.reset()
    assert bench.board.device_board.reset_cause() == 1


def test_random_octets_come_from_the_seed_and_differ_between_boots():
    def draws(seed):
        with Bench("twin", seed, executive=Ticker) as bench:
            first = bench.board.device_board.random(8)
            bench.power_cycle()
            return first, bench.board.device_board.random(8)

    assert draws(1) == draws(1)
    assert draws(1) != draws(2)
    assert draws(1)[0] != draws(1)[1]


def test_a_chip_that_does_not_answer_raises_oserror(bench):
    board = bench.board.device_board
    with pytest.raises(OSError, match="5"):
        board.i2c_readfrom_into(0, 0x08, bytearray(9))
    with pytest.raises(OSError, match="5"):
        board.i2c_writeto(1, 0x57, b"x")


def test_the_memory_of_a_chip_is_read_back(bench):
    board = bench.board.device_board
    board.i2c_writeto_mem(0, 0x50, 0x1234, b"nanobots")
    buffer = bytearray(8)
    board.i2c_readfrom_mem_into(0, 0x50, 0x1234, memoryview(buffer))
    assert buffer == b"nanobots"


@pytest.mark.parametrize("octets", [0, 1, 7, 8])
def test_power_may_go_after_any_octet_of_the_journal(octets):
    class Writer(Ticker):
        def turn(self):
            if self.board.reset_cause() == 0 and len(self.ticks) == 3:
                try:
                    self.board.i2c_writeto_mem(0, 0x50, 0, b"nanobots")
                except Exception as error:  # no firmware may survive the loss of its power
                    raise AssertionError from error
            return super().turn()

    with Bench("twin", executive=Writer, provisioned=False) as bench:
        bench.plant.fram.cut_power_after(octets)
        bench.run_for(0.1)
        assert bench.board.executive is None
        assert bytes(bench.plant.fram.contents[:8]) == b"nanobots"[:octets] + bytes(8 - octets)


def test_a_firmware_that_never_rests_is_told_so():
    class Restless(Ticker):
        def turn(self):
            return False

    with Bench("twin", executive=Restless) as bench, pytest.raises(BoardError, match="without coming to rest"):
        bench.run_for(0.1)


def test_outputs_reach_the_rig(bench):
    board = bench.board.device_board
    board.set_light(True, False, False)
    board.set_buzzer(True)
    board.set_stirrer(True)
    assert bench.plant.light == (True, False, False)
    assert bench.plant.buzzer


def test_the_analogue_inputs_are_those_of_the_rig(bench):
    board = bench.board.device_board
    assert board.pressure_raw() == pytest.approx(6553, abs=400)
    assert board.supply_raw() == pytest.approx(65535 * 12 / 16.5, abs=200)
    assert board.density_raw() > 60_000
    assert board.inputs() & codes.INPUT_SAFE


def test_an_unknown_target_is_an_error():
    with pytest.raises(BoardError, match="choose from twin, vm, rp2040"):
        Bench("pico")
