"""The step program of the real firmware, on the emulated state machines, cycle by cycle."""

from bisect import bisect
from itertools import pairwise
from random import Random

import pytest

from hil.boards.rp2040.scripts import CONTINUED
from tests.hil.boards.rp2040.conftest import BOARD, SAFE

pytestmark = pytest.mark.rp2040

STEP_PIN = 3
MARK_PIN = 25
SAFE_LIMIT_NS = 10_000
WORDS = ((7, 37), (5, 50), (3, 20), (4, 23))


def gaps(times):
    return [after - before for before, after in pairwise(times)]


def words_script(words):
    return "".join(f"generator.put({steps}, {period})\n" for steps, period in words)


GENERATOR = BOARD + "generator = board.steps[1]\ngenerator.arm()\n"


@pytest.mark.req("DOSE-8")
def test_count_and_period_are_exact_within_words_and_from_word_to_word(pico):
    pico.run(GENERATOR + words_script(WORDS) + "time.sleep_ms(2)")
    expected = [period * 1000 for steps, period in WORDS for _ in range(steps)]
    assert gaps(pico.rises(STEP_PIN)) == expected[1:]


def test_slowest_and_fastest_period_are_exact(pico):
    pico.run(GENERATOR + words_script(((3, 1_048_575), (3, 20))) + "time.sleep(4)")
    assert gaps(pico.rises(STEP_PIN)) == [1_048_575_000] * 2 + [20_000] * 3


def test_the_longest_word_makes_all_its_steps(pico):
    pico.run(GENERATOR + words_script(((1023, 20),)) + "time.sleep_ms(22)")
    assert len(pico.rises(STEP_PIN)) == 1023


def test_a_pulse_is_high_for_four_microseconds(pico):
    pico.run(GENERATOR + "generator.put(1, 100)\ntime.sleep_ms(1)")
    rise, fall = (change.now_ns for change in pico.changes if change.pin == STEP_PIN)
    assert fall - rise == 4000


@pytest.mark.req("STOP-5")
def test_nothing_moves_without_further_words(pico):
    pico.run(GENERATOR + "generator.put(4, 100)\ntime.sleep_ms(50)\nprint(generator.completed(), generator.free())")
    assert len(pico.rises(STEP_PIN)) == 4
    assert pico.console.text.split() == ["1", "4"]


def test_completed_words_are_counted_each_once_in_order(pico):
    text = pico.run(
        GENERATOR
        + words_script(((2, 500), (2, 500), (2, 500), (2, 500)))
        + "counts = []\nfor _ in range(10):\n    time.sleep_us(500)\n"
        "    counts.append(generator.completed())\nprint(counts)"
    )
    counts = eval(text)
    assert sum(counts) == 4
    assert max(counts) == 1


@pytest.mark.req("DOSE-8")
def test_halt_tells_exactly_what_did_not_leave_the_pin_at_any_instant(pico):
    text = pico.run(
        GENERATOR + "from machine import Pin\n"
        "mark = Pin(25, Pin.OUT)\n"
        "for trial in range(300):\n"
        "    generator.arm()\n"
        "    mark(1); mark(0)\n"
        "    generator.put(7, 37); generator.put(5, 50); generator.put(3, 20)\n"
        "    if trial & 1: generator.put(4, 23)\n"
        "    time.sleep_us(trial * 3)\n"
        "    print(generator.halt())\n"
        "mark(1)\n"
    )
    rises, marks = pico.rises(STEP_PIN), pico.rises(MARK_PIN)
    partial = 0
    for trial, (left, (begin, end)) in enumerate(zip(map(int, text.split()), pairwise(marks), strict=True)):
        emitted = bisect(rises, end) - bisect(rises, begin)
        asked = 19 if trial & 1 else 15
        assert emitted + left == asked, f"trial {trial}"
        partial += 0 < emitted < asked
    assert partial > 100


@pytest.mark.req("STOP-2")
def test_safe_stops_the_edges_at_any_instant_and_nothing_moves_when_it_returns(board):
    random = Random(3)
    for trial in range(60):
        periods = random.choice((20, 21, 33, 100)), random.choice((20, 29, 280))
        board.chip.set_input(SAFE, True)
        board.changes.clear()
        board.send(
            CONTINUED
            + "generator = board.steps[1]\ngenerator.arm()\n"
            + words_script([(30, period) for period in periods])
            + "time.sleep_ms(12)\nprint(generator.dead(), generator.halt())"
        )
        while not board.rises(STEP_PIN):
            board.run_for(100_000)
            assert not board.finished, board.console.text
        board.run_for(random.randrange(1_000_000))
        cut_ns = board.now_ns
        board.chip.set_input(SAFE, False)
        board.run_for(1_000_000 + random.randrange(1000))
        board.chip.set_input(SAFE, True)
        dead, left = board.finish().split()
        rises = board.rises(STEP_PIN)
        assert rises[-1] <= cut_ns + SAFE_LIMIT_NS, f"trial {trial}"
        assert len(rises) + int(left) == 60
        assert dead == str(len(rises) < 60)


@pytest.mark.req("STOP-2")
def test_a_word_given_while_safe_is_low_moves_nothing(pico):
    pico.chip.set_input(SAFE, False)
    text = pico.run(GENERATOR + "generator.put(5, 20)\ntime.sleep_ms(1)\nprint(generator.dead(), generator.halt())")
    assert text == "True 5"
    assert pico.rises(STEP_PIN) == []


def test_a_dead_generator_moves_again_only_when_armed(pico):
    pico.chip.set_input(SAFE, False)
    pico.run(GENERATOR + "generator.put(5, 20)\ntime.sleep_ms(1)")
    pico.chip.set_input(SAFE, True)
    pico.go_on("generator.put(5, 20)\ntime.sleep_ms(1)")
    assert pico.rises(STEP_PIN) == []
    pico.go_on("generator.arm()\nprint(generator.dead())\ngenerator.put(5, 20)\ntime.sleep_ms(1)")
    assert len(pico.rises(STEP_PIN)) == 5


def test_channels_do_not_disturb_each_other(pico):
    pico.run(
        GENERATOR + "other = board.steps[2]\nother.arm()\ngenerator.put(20, 50)\nother.put(20, 31)\n"
        "time.sleep_us(300)\nother.halt()\ntime.sleep_ms(2)"
    )
    assert gaps(pico.rises(STEP_PIN)) == [50_000] * 19
    assert 0 < len(pico.rises(4)) < 20
