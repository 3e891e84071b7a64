"""The rest of the real board code: inputs, link, clocks, resets."""

import pytest

from hil.boards.rp2040.chip import Chip, read_image
from protocol import codes
from tests.hil.boards.rp2040.conftest import BOARD

pytestmark = pytest.mark.rp2040

INPUTS = {
    7: codes.INPUT_FOOTSWITCH,
    12: codes.INPUT_ESTOP_HEALTHY,
    13: codes.INPUT_DOOR_CLOSED,
    14: codes.INPUT_BUBBLE_CLEAR,
    15: codes.INPUT_SAFE,
    16: codes.INPUT_HOME,
}
OUTPUTS = (2, 3, 4, 5, 6, 17, 18, 19, 20, 21, 22)


@pytest.mark.parametrize(("pin", "bit"), INPUTS.items())
def test_each_input_has_its_bit(board, pin, bit):
    for other in INPUTS:
        board.chip.set_input(other, other == pin)
    assert board.go_on("print(board.inputs())") == str(bit)


@pytest.mark.req("STOP-6")
def test_building_the_board_raises_no_output(pico):
    pico.run("from device.boards.pico import PicoBoard\nboard = PicoBoard()")
    assert not [change for change in pico.changes if change.pin in OUTPUTS and change.level]


@pytest.mark.req("STOP-2")
def test_a_short_fall_of_safe_is_latched_until_it_is_cleared(board):
    assert board.go_on("board.clear_trip()\nprint(board.safe_tripped())") == "False"
    board.chip.set_input(15, False)
    board.run_for(200)
    board.chip.set_input(15, True)
    assert board.go_on("print(board.safe_tripped())\nboard.clear_trip()\nprint(board.safe_tripped())") == "True\nFalse"


def test_a_trip_cannot_be_cleared_while_safe_is_low(board):
    board.chip.set_input(15, False)
    assert board.go_on("board.clear_trip()\nprint(board.safe_tripped())") == "True"


def test_analogue_inputs_are_read_as_sixteen_bits(board):
    board.chip.on_adc_read = lambda channel: (0x1230, 0x4560, 0xFFF0)[channel]
    text = board.go_on("print(board.pressure_raw() >> 4, board.density_raw() >> 4, board.supply_raw())")
    assert text.split() == [str(0x123), str(0x456), "65535"]


def test_random_octets_come_from_the_ring_oscillator(bench_image):
    bits = []

    def random_bits(count):
        bits.append(count)
        return 1

    chip = Chip(read_image(bench_image), lambda *_: None, lambda *_: None, random_bits)
    chip.run_until(100_000_000)
    text = b"import os\nos.urandom(4)"
    chip.uart.send_to_device(len(text).to_bytes(4, "little") + text, 10_851)
    before = len(bits)
    chip.run_until(120_000_000)
    assert len(bits) - before >= 32


def test_a_read_takes_what_is_there_and_does_not_wait_for_more(board):
    script = (
        "import time\nbuffer = bytearray(256)\ntime.sleep_ms(5)\nt = time.ticks_us()\nn = board.link_readinto(buffer)\n"
        "t = time.ticks_diff(time.ticks_us(), t)\nprint(n, bytes(buffer[:n]), t < 400, board.link_readinto(buffer))"
    )
    board.send("#+\n" + script)
    board.run_for(14_000_000 // 4)
    board.chip.uart.send_to_device(b"some octets", 10_851)
    assert board.finish() == "11 b'some octets' True 0"


def test_a_write_never_waits_and_tells_how_much_it_took(pico):
    # What is written is the answer's line too, so the script's end is not waited for.
    pico.send(
        BOARD + "data = bytearray(1500)\nt = time.ticks_us()\n"
        "taken = [board.link_write(data, 1500) for _ in range(9)]\n"
        "print(taken[0], taken[1] > 400, max(taken[2:]) < 120, time.ticks_diff(time.ticks_us(), t) < 4000)\n"
    )
    pico.run_for(60_000_000)
    assert pico.console.text.strip() == "1500 True True True"


def test_clocks_wrap_at_two_to_the_thirtieth(board):
    assert board.go_on("print(board.ticks_us() < 1 << 30, board.ticks_ms() < 1 << 30)") == "True True"


def test_a_chip_that_does_not_answer_raises_within_the_bound(board):
    text = board.go_on(
        "t = time.ticks_us()\ntry:\n    board.i2c_writeto(1, 0x50, b'abc')\nexcept OSError:\n"
        "    print(time.ticks_diff(time.ticks_us(), t) < 2500)"
    )
    assert text == "True"


def test_idle_sleeps_far_from_the_tick_and_returns_at_once_near_to_it(board):
    text = board.go_on(
        "def spent(us):\n    board.link_readinto(bytearray(1))\n    t = time.ticks_us()\n"
        "    board.idle((t + us) & 0x3fffffff)\n    return time.ticks_diff(time.ticks_us(), t)\n"
        "print(spent(9000) > 300, spent(9000) <= 1200, spent(1000) < 100)"
    )
    assert text == "True True True"


@pytest.mark.req("STOP-5")
def test_a_hung_processor_is_reset_in_time_and_the_outputs_fall(board):
    board.go_on("board.set_valve(True)\nboard.watchdog_start(500)\nboard.watchdog_feed()")
    hung_ns = board.now_ns
    board.chip.hang()
    board.run_for(600_000_000)
    assert board.chip.resets == 1
    falls = [change.now_ns for change in board.changes if change.pin == 17 and not change.level]
    assert falls[-1] - hung_ns <= 500_000_000
    assert board.run("from device.boards.pico import PicoBoard\nprint(PicoBoard().reset_cause())") == "3"


def test_a_reset_that_was_asked_for_is_told_from_a_hang(board):
    board.send("import machine\nmachine.reset()")
    board.run_for(200_000_000)
    assert board.chip.resets == 1
    assert board.run("from device.boards.pico import PicoBoard\nprint(PicoBoard().reset_cause())") == "1"
