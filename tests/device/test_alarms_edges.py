"""Alarms before the first one, at the end of a pause of the sound, and what they ask of the repeats."""

from types import SimpleNamespace

import pytest

from device.alarms import Alarms
from device.signals import CYAN, RED, YELLOW
from protocol import codes

WRAP = 1 << 30
STALL, LEAK, DEVIATION, DOOR = codes.ALARM_STALL, codes.ALARM_LEAK, codes.ALARM_DEVIATION, codes.ALARM_DOOR
FORGET_TICKS = 6_000


def bit_of(alarm):
    return 1 << (alarm - 1)


@pytest.fixture
def alarms():
    return Alarms()


def test_a_new_rig_has_no_alarm(alarms):
    nothing = (alarms.present, alarms.latched, alarms.acknowledged, alarms.first, alarms.highest, alarms.priority)
    assert nothing == (0,) * 6
    assert (alarms.light, alarms.sound) == (0, False)


@pytest.mark.parametrize("now_ms", [0, 1, WRAP - 1])
def test_a_new_rig_has_its_sound_not_paused(alarms, now_ms):
    assert alarms.audio_paused_s(now_ms) == 0


def test_alarms_may_be_acknowledged_one_after_the_other(alarms):
    alarms.observe(bit_of(STALL) | bit_of(LEAK))
    alarms.acknowledge(bit_of(STALL))
    alarms.acknowledge(bit_of(LEAK))
    assert alarms.acknowledged == bit_of(STALL) | bit_of(LEAK)


def test_when_the_last_alarm_is_over_none_is_first_or_highest(alarms):
    alarms.observe(bit_of(STALL) | bit_of(LEAK))
    alarms.acknowledge(bit_of(STALL) | bit_of(LEAK))
    alarms.observe(0)
    assert (alarms.latched, alarms.first, alarms.highest, alarms.priority) == (0, 0, 0, codes.PRIORITY_NONE)


@pytest.mark.parametrize(
    ("paused_s", "passed_ms", "left_s"),
    [(1, 0, 1), (5, 0, 5), (5, 1, 5), (5, 4_000, 1), (5, 4_001, 1), (120, 998, 120), (120, 1_000, 119)],
)
def test_what_is_left_of_a_pause_is_told_in_seconds_rounded_up(alarms, paused_s, passed_ms, left_s):
    alarms.observe(bit_of(STALL))
    alarms.pause_audio(paused_s, 0)
    assert alarms.audio_paused_s(passed_ms) == left_s


def test_the_sound_is_back_in_the_millisecond_in_which_the_pause_ends(alarms):
    alarms.observe(bit_of(STALL))
    alarms.pause_audio(1, 0)
    alarms.tick(999)
    assert not alarms.sound
    alarms.tick(1_000)
    assert alarms.sound


def test_only_the_same_alarm_repeats(alarms):
    assert [alarms.flow_ended(alarm, 0) for alarm in (STALL, LEAK, DEVIATION)] == [False] * 3
    assert [alarms.flow_ended(DOOR, 0) for _ in range(4)] == [False] * 4
    assert [alarms.flow_ended(STALL, 0) for _ in range(2)] == [False, True]


def test_a_person_is_shown_every_lamp_and_hears_the_sound(alarms):
    alarms.test(5_000)
    assert alarms.tick(5_000)
    assert (alarms.light, alarms.sound) == (RED | YELLOW | CYAN, True)


def test_the_repeats_forget_once_a_minute(alarms):
    asked_ms: list[int] = []
    alarms.repeats = SimpleNamespace(forget_old=asked_ms.append)
    for tick in range(1, 2 * FORGET_TICKS + 1):
        alarms.tick(tick)
    assert asked_ms == [FORGET_TICKS, 2 * FORGET_TICKS]
