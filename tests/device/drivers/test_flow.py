import pytest
from hypothesis import given
from hypothesis import strategies as st

from device.drivers.flow import CRC8, STUCK_READS, FlowSensor
from tests.device.fakes import FakeBoard, crc8

RETRY_READS = 4


@pytest.fixture
def board():
    return FakeBoard()


def started(board):
    sensor = FlowSensor(board, 0)
    sensor.read()
    sensor.read()
    return sensor


@given(st.binary(min_size=2, max_size=2))
def test_the_checksum_is_that_of_the_data_sheet(word):
    assert CRC8[CRC8[0xFF ^ word[0]] ^ word[1]] == crc8(word)


def test_the_data_sheet_example_beef_has_checksum_92():
    assert CRC8[CRC8[0xFF ^ 0xBE] ^ 0xEF] == 0x92


@pytest.mark.parametrize("ul_min", [0, 1, 60, 600, 2000, -60, -2000])
def test_flow_is_given_in_nl_s_with_its_sign(board, ul_min):
    board.flow_ul_min_x10 = ul_min * 10
    assert abs(started(board).flow_nl_s - ul_min * 1000 / 60) <= 1


def test_temperature_is_given_in_thousandths_of_a_degree(board):
    assert started(board).temperature_mdegc == 22_000


def test_air_is_the_flag_of_the_sensor(board):
    board.flow_air = True
    assert started(board).air


@pytest.mark.req("FLOW-8")
def test_a_sensor_that_falls_silent_is_faulty_after_three_reads_and_is_started_again(board):
    sensor = started(board)
    board.flow_silent = True
    faults = []
    for _ in range(4):
        sensor.read()
        faults.append(sensor.faulty)
    assert faults == [False, False, True, True]
    board.flow_silent = False
    for _ in range(2 * RETRY_READS):
        sensor.read()
    assert not sensor.faulty


@pytest.mark.req("FLOW-8")
def test_a_faulty_sensor_is_asked_every_fourth_time(board):
    sensor = started(board)
    board.flow_silent = True
    for _ in range(3):
        sensor.read()
    assert sensor.faulty
    asked = []

    def refuse(bus, address, buffer):
        asked.append(address)
        raise OSError(5)

    board.i2c_writeto = board.i2c_readfrom_into = refuse
    for _ in range(10 * RETRY_READS):
        sensor.read()
    assert len(asked) == 10


@pytest.mark.req("FLOW-8")
def test_the_same_flow_for_a_second_is_a_stuck_sensor_until_it_moves_again(board):
    board.flicker = lambda sensor: 0
    board.flow_ul_min_x10 = 600
    sensor = FlowSensor(board, 0)
    sensor.read()
    for _ in range(STUCK_READS - 1):
        sensor.read()
    assert not sensor.faulty
    sensor.read()
    assert sensor.faulty
    board.flow_ul_min_x10 = 601
    sensor.read()
    assert not sensor.faulty


@pytest.mark.req("FLOW-8")
@pytest.mark.parametrize(("flow", "temperature"), [(32767, 4400), (-32768, 4400), (0, 17_001), (0, -4_001)])
def test_what_no_liquid_in_the_rig_can_read_is_a_fault_and_keeps_the_last_flow(board, flow, temperature):
    board.flow_ul_min_x10 = 600
    sensor = started(board)

    def absurd(bus, address, buffer):
        for index, word in enumerate((flow & 0xFFFF, temperature & 0xFFFF, 0)):
            octets = word.to_bytes(2, "big")
            buffer[index * 3 : index * 3 + 3] = octets + bytes([crc8(octets)])

    board.i2c_readfrom_into = absurd
    sensor.read()
    assert sensor.faulty
    assert sensor.flow_nl_s == 1000


@pytest.mark.req("FLOW-8")
@pytest.mark.parametrize(("error", "held"), [(5, False), (110, True)])
def test_only_a_time_out_says_that_the_bus_is_held(board, error, held):
    sensor = started(board)

    def fail(bus, address, buffer):
        raise OSError(error)

    board.i2c_readfrom_into = fail
    sensor.read()
    assert sensor.held is held


@pytest.mark.req("FLOW-8")
def test_a_sensor_that_measures_since_before_a_reset_is_stopped_and_started_anew(board):
    commands: list[bytes] = []

    def take(bus, address, buffer):
        measuring = commands and commands[-1] != b"\x3f\xf9"
        if measuring and buffer != b"\x3f\xf9":
            commands.append(b"refused")
            raise OSError(5)
        commands.append(bytes(buffer))

    commands.append(b"\x36\x08")
    board.i2c_writeto = take
    sensor = FlowSensor(board, 0)
    for _ in range(4 * RETRY_READS):
        sensor.read()
    assert commands[1:] == [b"refused", b"\x3f\xf9", b"\x36\x08"]
    assert not sensor.faulty


@pytest.mark.req("FLOW-8")
@given(st.integers(0, 8), st.integers(1, 255))
def test_a_corrupt_octet_is_never_taken_for_a_reading(index, flip):
    board = FakeBoard()
    board.flow_ul_min_x10 = 600
    sensor = started(board)
    intact = board.i2c_readfrom_into

    def corrupt(bus, address, buffer):
        intact(bus, address, buffer)
        buffer[index] ^= flip

    board.flow_ul_min_x10 = 1234
    board.i2c_readfrom_into = corrupt  # type: ignore[method-assign]
    sensor.read()
    assert sensor.flow_nl_s == 1000
    sensor.read()
    sensor.read()
    assert sensor.faulty


def test_a_sensor_that_was_never_read_is_faulty(board):
    assert FlowSensor(board, 0).faulty


def test_while_the_first_result_is_not_ready_the_sensor_is_asked_again(board):
    sensor = FlowSensor(board, 0)
    sensor.read()
    board.flow_silent = True
    for _ in range(8):
        sensor.read()
    board.flow_silent = False
    sensor.read()
    assert not sensor.faulty
