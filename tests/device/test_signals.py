import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from device.signals import CYAN, RED, TEST_MS, YELLOW, Signals, lamp, sounds
from protocol import codes

pytestmark = pytest.mark.req("ALARM-3")
TICK_MS = 10
NONE, LOW, MEDIUM, HIGH = (codes.PRIORITY_NONE, codes.PRIORITY_LOW, codes.PRIORITY_MEDIUM, codes.PRIORITY_HIGH)
PRIORITIES = (LOW, MEDIUM, HIGH)
LAMP = {LOW: CYAN, MEDIUM: YELLOW, HIGH: RED}
# IEC 60601-1-8: flashing in Hz and share lit; pulses in a burst, their length and the pause between bursts in ms.
FLASHING = {MEDIUM: (0.4, 0.8), HIGH: (1.4, 2.8)}
LIT_SHARE = (0.2, 0.6)
PULSES = {LOW: 2, MEDIUM: 3, HIGH: 10}
PULSE_MS = {LOW: (125, 250), MEDIUM: (125, 250), HIGH: (75, 200)}
BETWEEN_BURSTS_MS = {LOW: (15_000, 60_000), MEDIUM: (2_500, 30_000), HIGH: (2_500, 15_000)}


def shown(visible, audible, duration_ms, begin_ms=0, signals=None):
    """What lamps and buzzer do, tick by tick: (light, sound)."""
    signals = signals or Signals()
    history = []
    for elapsed_ms in range(0, duration_ms, TICK_MS):
        before = (signals.light, signals.sound)
        changed = signals.tick(begin_ms + elapsed_ms & 0x3FFFFFFF, visible, audible)
        assert changed is ((signals.light, signals.sound) != before)
        history.append((signals.light, signals.sound))
    return history


def spans(levels):
    """Lengths in ms of the spans of equal level: [(level, ms)]."""
    found: list[list] = []
    for level in levels:
        if found and found[-1][0] == level:
            found[-1][1] += TICK_MS
        else:
            found.append([level, TICK_MS])
    return [tuple(span) for span in found]


@pytest.mark.parametrize("priority", [MEDIUM, HIGH])
def test_the_lamp_of_a_priority_flashes_as_often_as_it_has_to(priority):
    lit = [light for light, _ in shown(priority, NONE, 60_000)]
    assert set(lit) == {0, LAMP[priority]}
    rises = sum(1 for before, now in itertools.pairwise(lit) if not before and now)
    lowest_hz, highest_hz = FLASHING[priority]
    assert lowest_hz <= rises / 60 <= highest_hz
    assert LIT_SHARE[0] <= sum(map(bool, lit)) / len(lit) <= LIT_SHARE[1]


@pytest.mark.parametrize("priority", [MEDIUM, HIGH])
def test_every_single_period_lies_within_the_bounds(priority):
    edges = spans([light for light, _ in shown(priority, NONE, 30_000)])[1:-1]
    lowest_hz, highest_hz = FLASHING[priority]
    for (_, first_ms), (_, second_ms) in itertools.pairwise(edges):
        assert 1000 / highest_hz <= first_ms + second_ms <= 1000 / lowest_hz


def test_the_lamp_of_a_low_priority_is_steady():
    assert {light for light, _ in shown(LOW, NONE, 60_000)} == {CYAN}


@pytest.mark.parametrize("priority", PRIORITIES)
def test_a_burst_has_the_pulses_of_its_priority_and_comes_again_after_a_pause(priority):
    sounds_heard = spans([sound for _, sound in shown(NONE, priority, 90_000)])
    pulses = [ms for sound, ms in sounds_heard if sound]
    assert all(PULSE_MS[priority][0] <= ms <= PULSE_MS[priority][1] for ms in pulses[:-1])
    pauses = [ms for sound, ms in sounds_heard[:-1] if not sound]
    between = [index for index, ms in enumerate(pauses) if ms >= 2_500]
    assert between[0] == PULSES[priority] - 1
    assert [later - earlier for earlier, later in itertools.pairwise(between)] == [PULSES[priority]] * (
        len(between) - 1
    )
    shortest, longest = BETWEEN_BURSTS_MS[priority]
    assert all(shortest <= pauses[index] <= longest for index in between)


def test_a_high_burst_is_three_and_two_pulses_and_the_same_again():
    pauses = [ms for sound, ms in spans([sound for _, sound in shown(NONE, HIGH, 4_000)]) if not sound][:9]
    gap_ms, pulse_ms = 100, 150
    assert pauses == [gap_ms, gap_ms, 2 * gap_ms + pulse_ms, gap_ms, 500, gap_ms, gap_ms, 2 * gap_ms + pulse_ms, gap_ms]
    assert 50 <= gap_ms <= 125
    assert 350 <= pauses[4] <= 1_300


def test_an_urgent_alarm_is_heard_more_often_than_a_less_urgent_one():
    heard = [sum(sound for _, sound in shown(NONE, priority, 120_000)) for priority in (NONE, *PRIORITIES)]
    assert heard[0] == 0
    assert heard == sorted(set(heard))


@pytest.mark.parametrize("priority", PRIORITIES)
def test_an_alarm_is_seen_and_heard_in_the_tick_in_which_it_comes(priority):
    signals = Signals()
    shown(NONE, NONE, 12_340, signals=signals)
    assert signals.tick(12_340, priority, priority)
    assert (signals.light, signals.sound) == (LAMP[priority], True)


@pytest.mark.parametrize("priority", PRIORITIES)
def test_an_alarm_that_ends_is_dark_and_silent_in_the_same_tick(priority):
    signals = Signals()
    signals.tick(0, priority, priority)
    assert signals.tick(10, NONE, NONE)
    assert (signals.light, signals.sound) == (0, False)


def test_a_higher_priority_begins_with_its_lamp_lit_and_its_first_pulse():
    signals = Signals()
    shown(MEDIUM, MEDIUM, 1_200, signals=signals)
    assert (signals.light, signals.sound) == (0, False)
    signals.tick(1_200, HIGH, HIGH)
    assert (signals.light, signals.sound) == (RED, True)


@pytest.mark.parametrize("priority", PRIORITIES)
def test_the_board_is_told_only_of_what_changes(priority):
    signals = Signals()
    told = sum(signals.tick(now_ms, priority, NONE) for now_ms in range(0, 60_000, TICK_MS))
    assert told == {LOW: 1, MEDIUM: 73, HIGH: 240}[priority]


@pytest.mark.parametrize("priority", [MEDIUM, HIGH])
def test_the_wrap_of_the_clock_is_no_event(priority):
    begin_ms = (1 << 30) - 20_000
    assert shown(priority, priority, 40_000, begin_ms) == shown(priority, priority, 40_000)


@pytest.mark.req("ALARM-4")
def test_the_test_lights_every_lamp_and_sounds_the_high_alarm_for_its_time():
    signals = Signals()
    signals.test(0)
    history = shown(NONE, NONE, TEST_MS + 1_000, signals=signals)
    during, after = history[: TEST_MS // TICK_MS], history[TEST_MS // TICK_MS :]
    assert {light for light, _ in during} == {RED | YELLOW | CYAN}
    assert [sound for _, sound in during] == [sound for _, sound in shown(NONE, HIGH, TEST_MS)]
    assert set(after) == {(0, False)}


@pytest.mark.req("ALARM-4")
def test_after_the_test_an_alarm_that_stands_is_shown_from_its_beginning():
    signals = Signals()
    signals.test(0)
    shown(HIGH, HIGH, TEST_MS, signals=signals)
    signals.tick(TEST_MS, HIGH, HIGH)
    assert (signals.light, signals.sound) == (RED, True)


@given(st.sampled_from(PRIORITIES), st.integers(0, 1 << 29))
def test_lamp_and_sound_depend_on_the_phase_alone(priority, phase_ms):
    assert lamp(priority, phase_ms) in (0, LAMP[priority])
    period_ms = {LOW: 20_600, MEDIUM: 8_000, HIGH: 8_300}[priority]
    assert sounds(priority, phase_ms) is sounds(priority, phase_ms + period_ms)


@given(
    st.lists(st.tuples(st.sampled_from((NONE, *PRIORITIES)), st.sampled_from((NONE, *PRIORITIES)), st.integers(1, 99)))
)
def test_only_the_lamp_of_the_priority_is_ever_lit(phases):
    signals = Signals()
    now_ms = 0
    for visible, audible, ticks in phases:
        for _ in range(ticks):
            signals.tick(now_ms, visible, audible)
            assert signals.light in (0, LAMP.get(visible, 0))
            assert not signals.sound or audible
            now_ms += TICK_MS
