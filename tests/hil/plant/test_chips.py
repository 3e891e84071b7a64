"""The chips at register level."""

from random import Random

import pytest

from hil.plant.chips import ErrorCountdown, FlowChip, FramChip, PowerLost, crc8

FIRST_RESULT_NS = 12_000_000
START, STOP = b"\x36\x08", b"\x3f\xf9"


def make_flow_chip(flow_nl_s=1000.0, temperature_c=22.0, air=False, error_rate=0.0):
    errors = ErrorCountdown(error_rate, Random(1))
    return FlowChip(lambda now_ns: (flow_nl_s, temperature_c, air), FIRST_RESULT_NS, errors)


def measured(chip):
    assert chip.write(START, 0)
    answer = chip.read(9, FIRST_RESULT_NS)
    assert answer is not None
    return answer


def test_crc_is_that_of_the_data_sheet():
    assert crc8(b"\xbe\xef") == 0x92


def test_flow_chip_does_not_acknowledge_a_read_before_the_start_command():
    assert make_flow_chip().read(9, 10**9) is None


def test_flow_chip_does_not_acknowledge_a_read_before_its_first_result():
    chip = make_flow_chip()
    assert chip.write(START, 0)
    assert chip.read(9, FIRST_RESULT_NS - 1) is None
    assert chip.read(9, FIRST_RESULT_NS) is not None


def test_flow_chip_answers_three_words_with_their_crcs():
    answer = measured(make_flow_chip())
    assert len(answer) == 9
    for place in (0, 3, 6):
        assert answer[place + 2] == crc8(answer[place : place + 2])


def test_flow_is_scaled_by_ten_per_microlitre_a_minute():
    answer = measured(make_flow_chip(flow_nl_s=-1000.0))  # 60 uL/min
    assert int.from_bytes(answer[0:2], "big", signed=True) == -600


def test_temperature_is_scaled_by_two_hundred_per_degree():
    assert int.from_bytes(measured(make_flow_chip(temperature_c=22.5))[3:5], "big", signed=True) == 4500


def test_flags_tell_of_air_and_of_high_flow():
    assert measured(make_flow_chip())[6:8] == b"\x00\x00"
    assert measured(make_flow_chip(air=True))[6:8] == b"\x00\x01"
    assert measured(make_flow_chip(flow_nl_s=40_000.0))[6:8] == b"\x00\x02"


def test_flow_beyond_the_words_range_stays_at_its_end():
    assert measured(make_flow_chip(flow_nl_s=1e9))[0:2] == b"\x7f\xff"


def test_a_crc_is_wrong_when_asked():
    chip = make_flow_chip()
    measured(chip)
    chip.wrong_crcs = 1
    wrong, right = chip.read(9, FIRST_RESULT_NS), chip.read(9, FIRST_RESULT_NS)
    assert wrong is not None
    assert wrong[2] != crc8(wrong[0:2])
    assert wrong[5] == crc8(wrong[3:5])
    assert right is not None
    assert right[2] == crc8(right[0:2])


def test_crc_errors_strike_at_their_rate():
    chip = make_flow_chip(error_rate=0.01)
    chip.write(START, 0)
    wrong = 0
    for _ in range(10_000):
        answer = chip.read(3, FIRST_RESULT_NS)
        assert answer is not None
        wrong += answer[2] != crc8(answer[0:2])
    assert wrong == pytest.approx(100, abs=30)


def test_flow_chip_knows_only_the_stop_command_while_it_measures():
    chip = make_flow_chip()
    measured(chip)
    assert not chip.write(START, FIRST_RESULT_NS)
    assert chip.write(STOP, FIRST_RESULT_NS)
    assert chip.read(9, 2 * FIRST_RESULT_NS) is None
    assert chip.write(START, 2 * FIRST_RESULT_NS)


def test_flow_chip_forgets_its_start_when_the_power_goes():
    chip = make_flow_chip()
    measured(chip)
    chip.power_on()
    assert chip.read(9, 10**9) is None


def test_flow_chip_does_not_acknowledge_an_unknown_command():
    assert not make_flow_chip().write(b"\x12\x34", 0)


def test_flow_chip_tells_its_product_number():
    chip = make_flow_chip()
    assert chip.write(b"\x36\x7c", 0)
    assert chip.write(b"\xe1\x02", 0)
    answer = chip.read(18, 0)
    assert answer is not None
    assert answer[0:2] + answer[3:5] == b"\x07\x03\x02\x01"
    assert answer[2] == crc8(answer[0:2])


def test_a_longer_read_than_there_are_octets_reads_ones():
    chip = make_flow_chip()
    chip.write(START, 0)
    assert chip.read(11, FIRST_RESULT_NS)[9:] == b"\xff\xff"


def test_fram_reads_back_what_was_written():
    fram = FramChip()
    fram.write(b"\x12\x34nanobots", 0)
    fram.write(b"\x12\x34", 0)
    assert fram.read(8, 0) == b"nanobots"


def test_fram_goes_on_reading_where_it_stopped():
    fram = FramChip()
    fram.write(b"\x00\x00abcdef", 0)
    fram.write(b"\x00\x00", 0)
    assert (fram.read(2, 0), fram.read(3, 0)) == (b"ab", b"cde")


def test_fram_address_wraps_at_its_end():
    fram = FramChip()
    fram.write(b"\x7f\xffab", 0)
    assert (fram.contents[0x7FFF], fram.contents[0]) == (ord("a"), ord("b"))
    fram.write(b"\x7f\xff", 0)
    assert fram.read(2, 0) == b"ab"


def test_fram_ignores_the_address_bit_it_does_not_have():
    fram = FramChip()
    fram.write(b"\x80\x05x", 0)
    assert fram.contents[5] == ord("x")


def test_fram_keeps_its_contents_without_power():
    fram = FramChip()
    fram.write(b"\x00\x10abc", 0)
    fram.power_on()
    fram.write(b"\x00\x10", 0)
    assert fram.read(3, 0) == b"abc"


@pytest.mark.parametrize("octets", range(9))
def test_fram_keeps_exactly_the_octets_before_the_power_went(octets):
    fram = FramChip()
    fram.write(b"\x00\x00" + b"-" * 8, 0)
    fram.cut_power_after(octets)
    with pytest.raises(PowerLost):
        fram.write(b"\x00\x00" + b"nanobots", 0)
    assert bytes(fram.contents[:8]) == b"nanobots"[:octets] + b"-" * (8 - octets)


def test_fram_counts_octets_over_several_transfers_to_the_loss():
    fram = FramChip()
    fram.cut_power_after(3)
    fram.write(b"\x00\x00ab", 0)
    with pytest.raises(PowerLost):
        fram.write(b"\x00\x02cd", 0)
    assert bytes(fram.contents[:4]) == b"abc\x00"
    fram.write(b"\x00\x03d", 0)
    assert bytes(fram.contents[:4]) == b"abcd"
