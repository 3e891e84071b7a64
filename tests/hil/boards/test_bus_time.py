"""I2C transfers take their true time, during which everything but the processor goes on."""

from contextlib import suppress
from random import Random

import pytest

from hil.bench import Bench
from hil.boards.mcu import I2C_TIMEOUT_NS, AbandonedError, Mcu
from hil.plant import PlantParameters, SimulatedRig
from hil.plant.chips import ErrorCountdown
from hil.recorder import Recorder
from protocol import codes
from tests.hil.boards.test_twin import Ticker

MS = 1_000_000
BIT_NS = 2500
FLUSH = codes.CHANNEL_FLUSH
FRAM, FLOW, CARTRIDGE, NOBODY = 0x50, 0x08, 0x50, 0x57


@pytest.fixture
def rig():
    return SimulatedRig(PlantParameters(stick_slip_nl=0.0, i2c_error_rate=0.0))


@pytest.fixture
def mcu(rig):
    mcu = Mcu(rig, Recorder())
    mcu.power_on()
    return mcu


def spent_ns(mcu, transfer):
    before_ns = mcu.now_ns
    transfer()
    return mcu.now_ns - before_ns


def test_a_write_takes_start_address_octets_with_their_acknowledges_and_stop(mcu):
    assert spent_ns(mcu, lambda: mcu.i2c_write(0, FRAM, b"\x00\x00" + bytes(8))) == (1 + 9 * 11 + 1) * BIT_NS


def test_a_read_takes_start_address_octets_and_stop(mcu):
    assert spent_ns(mcu, lambda: mcu.i2c_read(0, FRAM, 9)) == (1 + 9 * 10 + 1) * BIT_NS


def test_a_read_behind_a_memory_address_saves_one_stop():
    with Bench("twin", executive=Ticker) as bench:
        before_ns = bench.now_ns
        bench.board.device_board.i2c_readfrom_mem_into(0, FRAM, 0, bytearray(16))
        assert bench.now_ns - before_ns == (1 + 9 * 3 + 1 + 9 * 17 + 1) * BIT_NS


def test_nobody_at_the_address_ends_the_transfer_behind_it(mcu):
    assert spent_ns(mcu, lambda: mcu.i2c_write(0, NOBODY, bytes(100))) == (1 + 9 + 1) * BIT_NS
    assert spent_ns(mcu, lambda: mcu.i2c_read(0, NOBODY, 100)) == (1 + 9 + 1) * BIT_NS
    assert mcu.i2c_error() == 5


def test_a_bus_that_is_held_costs_two_milliseconds(mcu, rig):
    rig.buses.hold(0)
    assert spent_ns(mcu, lambda: mcu.i2c_read(0, FRAM, 1)) == I2C_TIMEOUT_NS == 2 * MS
    assert mcu.i2c_error() == 110


def test_the_other_bus_goes_on(mcu, rig):
    rig.buses.hold(1)
    assert mcu.i2c_read(0, FRAM, 1) is not None


def test_a_cartridge_that_writes_its_page_does_not_acknowledge_its_address(mcu):
    assert mcu.i2c_write(1, CARTRIDGE, b"\x00nanobots")
    assert spent_ns(mcu, lambda: mcu.i2c_write(1, CARTRIDGE, b"\x00nanobots")) == (1 + 9 + 1) * BIT_NS
    mcu.advance(mcu.now_ns + 5 * MS)
    assert mcu.i2c_write(1, CARTRIDGE, b"\x00", stop=False)
    assert mcu.i2c_read(1, CARTRIDGE, 8) == b"nanobots"


def test_a_storm_of_refusals_ends_with_its_cause(mcu, rig):
    rig.buses.disturb(0, ErrorCountdown(0.5, Random(1)))
    refused = sum(mcu.i2c_read(0, FRAM, 1) is None for _ in range(200))
    assert 60 < refused < 180
    rig.buses.disturb(0, None)
    assert all(mcu.i2c_read(0, FRAM, 1) is not None for _ in range(100))


def test_steps_and_heartbeat_go_on_while_the_processor_waits(rig):
    recorder = Recorder()
    mcu = Mcu(rig, recorder)
    mcu.power_on()
    mcu.steps[FLUSH].arm()
    mcu.steps[FLUSH].put(100, 50)
    mcu.heartbeat.feed()
    rig.buses.hold(0)
    mcu.i2c_read(0, FRAM, 1)
    assert recorder.edge_count(FLUSH) == 2 * MS // 50_000
    assert rig.motor_powered


def test_octets_that_come_meanwhile_are_received(mcu, rig):
    rig.buses.hold(0)
    mcu.host_write(b"stop\0")
    mcu.i2c_read(0, FRAM, 1)
    assert mcu.link_read(100) == b"stop\0"


def test_what_is_read_is_what_was_there_when_the_address_had_gone_out(mcu, rig):
    rig.at(mcu.now_ns + (1 + 9 + 5) * BIT_NS, lambda: rig.fram.contents.__setitem__(0, 7))
    assert mcu.i2c_read(0, FRAM, 1) == b"\x00"
    mcu.i2c_write(0, FRAM, b"\x00\x00", stop=False)
    assert mcu.i2c_read(0, FRAM, 1) == b"\x07"


def test_power_that_goes_in_a_transfer_ends_what_runs(mcu, rig):
    rig.at(mcu.now_ns + 100_000, mcu.power_off)
    with pytest.raises(AbandonedError):
        mcu.i2c_read(0, FRAM, 100)


class Reader(Ticker):
    """Reads the flow sensor in each tick and notes when it has done."""

    def __init__(self, board):
        super().__init__(board)
        self.done = []

    def turn(self):
        count = len(self.ticks)
        idle = super().turn()
        if len(self.ticks) > count:
            with suppress(OSError):
                self.board.i2c_readfrom_into(0, FRAM, bytearray(9))
            self.done.append(self.board._mcu.now_ns)
        return idle


def test_the_next_tick_comes_at_its_time_whatever_the_last_one_took():
    with Bench("twin", executive=Reader) as bench:
        bench.run_for(0.1)
        firmware = bench.board.executive
        assert firmware.ticks == [tick * 10 * MS for tick in range(10)]
        assert firmware.done == [tick * 10 * MS + 92 * BIT_NS for tick in range(10)]


def test_time_asked_for_may_end_in_a_transfer_and_is_overrun_by_what_is_left_of_it():
    with Bench("twin", executive=Reader) as bench:
        bench.run_until_ns(20 * MS + 1)
        assert bench.now_ns == 20 * MS + 92 * BIT_NS
        assert bench.plant.now_ns == bench.now_ns


@pytest.mark.parametrize("what", ["power_off", "reset", "hang"])
def test_a_processor_that_loses_its_life_in_a_transfer_does_not_end_its_turn(what):
    with Bench("twin", executive=Reader) as bench:
        firmware = bench.board.executive
        bench.plant.at(30 * MS + 50_000, getattr(bench.board, what))
        bench.run_for(0.1)
        assert len(firmware.ticks) == 4
        assert len(firmware.done) == 3
        assert bench.now_ns == 100 * MS
        if what == "reset":
            assert bench.board.executive.ticks[0] == 30 * MS + 50_000
        else:
            assert bench.board.executive is (None if what == "power_off" else firmware)


def test_a_reset_in_a_boot_begins_another_boot():
    class Slow(Reader):
        def __init__(self, board):
            super().__init__(board)
            board.i2c_readfrom_into(0, FRAM, bytearray(100))

    with Bench("twin", power=False, executive=Slow) as bench:
        bench.plant.at(1 * MS, bench.board.reset)
        bench.power_on()
        bench.run_for(0.05)
        assert bench.board.device_board.reset_cause() == 1
        assert bench.board.mcu.boot_ns == 1 * MS
