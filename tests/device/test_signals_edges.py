"""Light and sound at the edges of their periods, over the wrap of the clock, and while a person tests them."""

import pytest

from device.signals import CYAN, RED, TEST_MS, YELLOW, Signals, lamp, sounds
from protocol import codes

pytestmark = pytest.mark.req("ALARM-3")
NONE, LOW, MEDIUM, HIGH = (codes.PRIORITY_NONE, codes.PRIORITY_LOW, codes.PRIORITY_MEDIUM, codes.PRIORITY_HIGH)
WRAP = 1 << 30
FLASH_MS = {MEDIUM: 1_660, HIGH: 500}
LIT_MS = {MEDIUM: 830, HIGH: 250}
BURST_MS = {LOW: 20_600, MEDIUM: 8_000, HIGH: 8_300}
PULSE_MS = {LOW: 200, MEDIUM: 200, HIGH: 150}


@pytest.fixture
def signals():
    return Signals()


def test_new_signals_are_dark_and_silent(signals):
    assert (signals.light, signals.sound) == (0, False)


@pytest.mark.parametrize("priority", [MEDIUM, HIGH])
def test_a_lamp_is_lit_for_its_time_and_not_a_millisecond_longer(priority):
    assert lamp(priority, LIT_MS[priority] - 1)
    assert not lamp(priority, LIT_MS[priority])


@pytest.mark.parametrize("priority", [MEDIUM, HIGH])
def test_a_late_tick_does_not_shift_the_flashing(signals, priority):
    signals.tick(0, priority, NONE)
    signals.tick(FLASH_MS[priority] + 7, priority, NONE)
    signals.tick(FLASH_MS[priority] + LIT_MS[priority] - 1, priority, NONE)
    assert signals.light
    signals.tick(FLASH_MS[priority] + LIT_MS[priority], priority, NONE)
    assert not signals.light


@pytest.mark.parametrize("priority", [LOW, MEDIUM, HIGH])
def test_a_late_tick_does_not_shift_the_bursts(signals, priority):
    signals.tick(0, NONE, priority)
    signals.tick(BURST_MS[priority] + 7, NONE, priority)
    signals.tick(BURST_MS[priority] + PULSE_MS[priority] - 1, NONE, priority)
    assert signals.sound
    signals.tick(BURST_MS[priority] + PULSE_MS[priority], NONE, priority)
    assert not signals.sound


@pytest.mark.parametrize("priority", [LOW, MEDIUM, HIGH])
def test_the_wrap_of_the_clock_is_no_event(signals, priority):
    for now_ms in (0, WRAP // 3, WRAP * 2 // 3):
        signals.tick(now_ms, priority, priority)
    for elapsed_ms in range(WRAP, WRAP + BURST_MS[priority], 10):
        signals.tick(elapsed_ms % WRAP, priority, priority)
        assert (signals.light, signals.sound) == (lamp(priority, elapsed_ms), sounds(priority, elapsed_ms))


def test_a_test_begins_when_it_is_asked_for_and_takes_its_time(signals):
    begun_ms = 5_000
    signals.test(begun_ms)
    for now_ms in range(begun_ms, begun_ms + TEST_MS, 10):
        signals.tick(now_ms, NONE, NONE)
        assert (signals.light, signals.sound) == (RED | YELLOW | CYAN, sounds(HIGH, now_ms - begun_ms))
    signals.tick(begun_ms + TEST_MS, NONE, NONE)
    assert (signals.light, signals.sound) == (0, False)
