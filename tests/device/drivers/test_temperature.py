import pytest

from device.drivers.temperature import STUCK_CONVERSIONS, Thermometer
from tests.device.chips import BUS_BOARD, THERMOMETER, ChipBoard

pytestmark = pytest.mark.req("FLOW-8")
READ_NS = 250_000_000


@pytest.fixture
def board():
    return ChipBoard()


def read_for(board, sensor, seconds):
    for _ in range(round(seconds * 4)):
        board.now_ns += READ_NS
        sensor.read()
    return sensor


def awake(board):
    return read_for(board, Thermometer(board, BUS_BOARD), 3)


@pytest.mark.parametrize("celsius", [-10.0, 0.0, 21.5, 37.0, 84.0])
def test_the_chip_is_read_within_a_hundredth_of_a_degree(board, celsius):
    board.chips.celsius = lambda now_ns: celsius
    sensor = awake(board)
    assert not sensor.faulty
    assert abs(sensor.mdegc - celsius * 1000) <= 10


def test_before_the_first_conversion_it_is_faulty(board):
    sensor = Thermometer(board, BUS_BOARD)
    assert sensor.faulty
    for _ in range(3):
        sensor.read()
        assert sensor.faulty


def test_the_value_that_the_register_has_at_power_on_is_never_a_temperature(board):
    sensor = Thermometer(board, BUS_BOARD)
    sensor.read()
    sensor._take(0x8000)
    assert sensor.faulty


@pytest.mark.parametrize("celsius", [-20.1, 85.1, 120.0])
def test_what_no_liquid_is_at_is_a_fault_and_keeps_the_last_temperature(board, celsius):
    sensor = awake(board)
    before = sensor.mdegc
    board.chips.celsius = lambda now_ns: celsius
    read_for(board, sensor, 3)
    assert sensor.faulty
    assert sensor.mdegc == before


@pytest.mark.req("FLOW-7")
@pytest.mark.parametrize(("celsius", "in_range"), [(9.9, False), (10.1, True), (34.9, True), (35.1, False)])
def test_the_range_for_agent_is_10_to_35_degrees(board, celsius, in_range):
    board.chips.celsius = lambda now_ns: celsius
    assert awake(board).in_range is in_range


def test_a_chip_that_falls_silent_is_faulty_after_three_reads_and_believed_again_when_it_is_back(board):
    sensor = awake(board)
    board.chips.buses.silence(BUS_BOARD, THERMOMETER)
    faults = []
    for _ in range(4):
        board.now_ns += READ_NS
        sensor.read()
        faults.append(sensor.faulty)
    assert faults == [False, False, True, True]
    assert not sensor.in_range
    board.chips.buses.silence(BUS_BOARD, THERMOMETER, False)
    assert not read_for(board, sensor, 3).faulty


def test_a_chip_that_converts_no_more_is_faulty_within_four_seconds(board):
    sensor = awake(board)
    board.chips.thermometer.write(b"\x01\x04\x00", board.now_ns)  # mode: shutdown
    read_for(board, sensor, 2)
    assert not sensor.faulty
    assert read_for(board, sensor, 2).faulty


def test_the_same_temperature_for_two_minutes_is_a_stuck_chip(board):
    board.chips.celsius = lambda now_ns: 22.0
    sensor = Thermometer(board, BUS_BOARD)
    read_for(board, sensor, STUCK_CONVERSIONS - 5)
    assert not sensor.faulty
    assert read_for(board, sensor, 10).faulty
    board.chips.celsius = lambda now_ns: 22.1
    assert not read_for(board, sensor, 3).faulty


def test_another_chip_at_its_address_is_no_thermometer(board):
    board.chips.thermometer._registers[15] = 0x0118
    assert awake(board).faulty


def test_a_held_bus_costs_one_time_out_a_read_and_says_so(board):
    sensor = awake(board)
    board.chips.buses.hold(BUS_BOARD)
    for read in range(1, 10):
        sensor.read()
        assert sensor.held
        assert board.chips.time_outs == read
    board.chips.buses.hold(BUS_BOARD, False)
    sensor.read()
    assert not sensor.held


def test_a_chip_that_does_not_answer_is_not_a_held_bus(board):
    sensor = awake(board)
    board.chips.buses.silence(BUS_BOARD, THERMOMETER)
    sensor.read()
    assert not sensor.held
