import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from device.alarm_table import ALARMS, FOLLOWS, PRIORITY, ROWS
from device.alarms import MAX_AUDIO_PAUSE_S, Alarms
from device.interlocks import Interlocks
from device.signals import CYAN, RED, YELLOW
from protocol import codes
from tests.device.fakes import HEALTHY_INPUTS

TICK_MS = 10
LAMPS = {codes.PRIORITY_LOW: CYAN, codes.PRIORITY_MEDIUM: YELLOW, codes.PRIORITY_HIGH: RED}
LATCHING = [row[0] for row in ROWS if row[7] != FOLLOWS]


def bit_of(alarm):
    return 1 << (alarm - 1)


class Rig:
    """Interlocks and alarms as a tick joins them, in the situation in which the row counts."""

    def __init__(self, scope=1):
        self.situation = scope | 1
        self.interlocks = Interlocks()
        self.alarms = Alarms()
        self.now_ms = 0
        self.tick(0)

    def tick(self, conditions, ticks=1):
        for _ in range(ticks):
            self.interlocks.observe(HEALTHY_INPUTS, conditions)
            self.interlocks.trip(self.situation)
            self.alarms.observe(self.interlocks.tripped)
            self.alarms.tick(self.now_ms)
            self.now_ms += TICK_MS


@pytest.mark.req("ALARM-1")
@pytest.mark.parametrize("row", ROWS, ids=[name for name, _ in codes.ALARMS])
class TestEveryRow:
    def test_one_tick_less_than_its_debounce_is_no_alarm_and_at_the_bound_it_is(self, row):
        alarm, scope, trip, *_ = row
        rig = Rig(scope)
        rig.tick(bit_of(alarm), trip - 1)
        assert rig.alarms.latched == 0
        rig.tick(0)
        rig.tick(bit_of(alarm), trip)
        assert rig.alarms.latched == bit_of(alarm)
        assert (rig.alarms.first, rig.alarms.highest, rig.alarms.priority) == (alarm, alarm, row[4])
        assert rig.alarms.light == LAMPS[row[4]]
        assert rig.alarms.sound

    def test_it_counts_as_gone_after_its_ticks_and_not_one_before(self, row):
        alarm, scope, trip, clear, *_ = row
        rig = Rig(scope)
        rig.tick(bit_of(alarm), trip)
        rig.tick(0, clear - 1)
        assert rig.alarms.present == bit_of(alarm)
        rig.tick(bit_of(alarm))
        rig.tick(0, clear - 1)
        assert rig.alarms.present == bit_of(alarm)
        rig.tick(0)
        assert rig.alarms.present == 0

    @pytest.mark.req("ALARM-2")
    def test_it_is_over_when_acknowledged_and_gone_or_with_its_state_where_it_follows_one(self, row):
        alarm, scope, trip, clear, *_, latching, _ = row
        rig = Rig(scope)
        rig.tick(bit_of(alarm), trip)
        rig.tick(0, clear)
        assert rig.alarms.latched == (0 if latching == FOLLOWS else bit_of(alarm))
        if latching != FOLLOWS:
            assert rig.alarms.acknowledge(bit_of(alarm)) == codes.REASON_NONE
        assert rig.alarms.latched == 0
        rig.tick(0)
        assert rig.alarms.light == 0
        assert not rig.alarms.sound

    @pytest.mark.req("ALARM-2")
    def test_acknowledged_under_its_cause_it_stays_lit_and_falls_silent(self, row):
        alarm, scope, trip, clear, *_ = row
        rig = Rig(scope)
        rig.tick(bit_of(alarm), trip)
        assert rig.alarms.acknowledge(bit_of(alarm)) == codes.REASON_NONE
        rig.tick(bit_of(alarm))
        assert (rig.alarms.latched, rig.alarms.acknowledged) == (bit_of(alarm), bit_of(alarm))
        assert rig.alarms.light == LAMPS[row[4]]
        assert not rig.alarms.sound
        rig.tick(0, clear)
        assert rig.alarms.latched == rig.alarms.acknowledged == 0

    @pytest.mark.req("ALARM-2")
    def test_what_comes_again_after_it_was_acknowledged_is_to_be_acknowledged_again(self, row):
        alarm, scope, trip, clear, *_ = row
        rig = Rig(scope)
        rig.tick(bit_of(alarm), trip)
        rig.alarms.acknowledge(bit_of(alarm))
        rig.tick(0, clear)
        rig.tick(bit_of(alarm), trip)
        assert rig.alarms.acknowledged == 0
        assert rig.alarms.latched == bit_of(alarm)
        assert rig.alarms.sound

    def test_out_of_its_scope_it_is_none(self, row):
        alarm, scope, *_ = row
        rig = Rig()
        rig.tick(bit_of(alarm), 255)
        assert rig.alarms.latched == (bit_of(alarm) if scope == 1 else 0)


@pytest.fixture
def alarms():
    return Alarms()


HIGH, OTHER_HIGH = codes.ALARM_AIR, codes.ALARM_LEAK
MEDIUM, OTHER_MEDIUM = codes.ALARM_DOOR, codes.ALARM_SUPPLY
LOW = codes.ALARM_DENSITY_SENSOR


def bits(*alarms):
    return sum(bit_of(alarm) for alarm in alarms)


@pytest.mark.req("ALARM-2")
class TestOrder:
    def test_the_first_stays_the_first_and_the_highest_is_shown(self, alarms):
        alarms.observe(bits(LOW))
        alarms.observe(bits(LOW, MEDIUM))
        alarms.observe(bits(LOW, MEDIUM, HIGH))
        assert (alarms.first, alarms.highest, alarms.priority) == (LOW, HIGH, codes.PRIORITY_HIGH)

    def test_of_two_equal_ones_the_earlier_is_shown(self, alarms):
        alarms.observe(bits(OTHER_MEDIUM))
        alarms.observe(bits(OTHER_MEDIUM, MEDIUM))
        assert alarms.highest == OTHER_MEDIUM

    def test_when_the_first_is_over_the_next_is_the_first(self, alarms):
        alarms.observe(bits(OTHER_MEDIUM))
        alarms.observe(bits(HIGH, OTHER_MEDIUM))
        alarms.observe(bits(HIGH, OTHER_MEDIUM, MEDIUM))
        alarms.observe(0)
        alarms.acknowledge(bits(OTHER_MEDIUM))
        assert alarms.first == HIGH
        alarms.acknowledge(bits(HIGH))
        assert (alarms.first, alarms.highest) == (MEDIUM, MEDIUM)

    def test_one_that_comes_back_before_it_is_over_keeps_its_place(self, alarms):
        alarms.observe(bits(MEDIUM))
        alarms.observe(bits(OTHER_MEDIUM))
        alarms.observe(bits(OTHER_MEDIUM, MEDIUM))
        assert alarms.first == MEDIUM

    def test_an_acknowledged_one_is_still_shown_and_the_highest_unacknowledged_is_heard(self, alarms):
        alarms.observe(bits(HIGH, MEDIUM))
        alarms.acknowledge(bits(HIGH))
        alarms.tick(0)
        assert (alarms.highest, alarms.light) == (HIGH, RED)
        # The third pulse of the medium burst begins after 800 ms, where the high one is silent.
        alarms.tick(800)
        assert alarms.sound


@pytest.mark.req("ALARM-2")
class TestLatching:
    def test_an_alarm_that_happened_at_an_instant_stays_until_acknowledged(self, alarms):
        alarms.raise_(codes.ALARM_FREE_FLOW)
        for present in (0, bits(MEDIUM), 0):
            alarms.observe(present)
        assert alarms.latched & bits(codes.ALARM_FREE_FLOW)
        assert alarms.acknowledge(bits(codes.ALARM_FREE_FLOW)) == codes.REASON_NONE
        assert not alarms.latched & bits(codes.ALARM_FREE_FLOW)

    def test_one_that_happens_again_while_acknowledged_is_to_be_acknowledged_again(self, alarms):
        alarms.observe(bits(HIGH))
        alarms.acknowledge(bits(HIGH))
        alarms.raise_(HIGH)
        assert alarms.acknowledged == 0

    @pytest.mark.parametrize("wrong", [0, bits(MEDIUM), bits(HIGH, MEDIUM), 1 << 30])
    def test_acknowledging_what_is_no_alarm_is_refused_and_changes_nothing(self, alarms, wrong):
        alarms.observe(bits(HIGH))
        assert alarms.acknowledge(wrong) == codes.REASON_NO_ALARM
        assert (alarms.latched, alarms.acknowledged) == (bits(HIGH), 0)


@pytest.mark.req("ALARM-3")
class TestAudioPause:
    def heard(self, alarms, begin_ms, end_ms):
        """Whether anything is heard within a span, in which the high alarm is seen all the time."""
        heard, lit = False, set()
        for now_ms in range(begin_ms, end_ms, TICK_MS):
            alarms.tick(now_ms)
            heard = heard or alarms.sound
            lit.add(alarms.light)
        assert lit == {0, RED}
        return heard

    @pytest.fixture
    def sounding(self, alarms):
        alarms.observe(bits(HIGH))
        assert self.heard(alarms, 0, 1_000)
        return alarms

    def test_it_silences_the_sound_and_not_the_light_and_ends_by_itself(self, sounding):
        assert sounding.pause_audio(30, 1_000) == codes.REASON_NONE
        assert not self.heard(sounding, 1_000, 31_000)
        assert sounding.priority == codes.PRIORITY_HIGH
        assert sounding.audio_paused_s(30_001) == 1
        assert self.heard(sounding, 31_000, 40_000)
        assert sounding.audio_paused_s(40_000) == 0

    def test_two_minutes_are_the_longest(self, sounding):
        assert sounding.pause_audio(MAX_AUDIO_PAUSE_S + 1, 1_000) == codes.REASON_EXPIRY_TOO_FAR
        assert self.heard(sounding, 1_000, 11_000)
        assert sounding.pause_audio(MAX_AUDIO_PAUSE_S, 11_000) == codes.REASON_NONE
        assert not self.heard(sounding, 11_000, 131_000)
        assert self.heard(sounding, 131_000, 141_000)

    def test_nothing_ends_it(self, sounding):
        sounding.pause_audio(120, 1_000)
        assert sounding.pause_audio(0, 2_000) == codes.REASON_NONE
        assert self.heard(sounding, 2_000, 12_000)

    def test_the_loss_of_the_link_that_asked_for_it_ends_it_at_once(self, sounding):
        sounding.pause_audio(120, 1_000)
        sounding.link_lost()
        assert self.heard(sounding, 2_000, 12_000)

    def test_a_new_alarm_is_heard_and_an_old_one_that_comes_back_is_not(self, sounding):
        sounding.pause_audio(120, 1_000)
        sounding.observe(0)
        sounding.observe(bits(HIGH))
        assert not self.heard(sounding, 1_000, 11_000)
        sounding.observe(bits(HIGH, LOW))
        assert self.heard(sounding, 11_000, 21_000)

    def test_without_an_alarm_there_is_nothing_to_pause(self, alarms):
        assert alarms.pause_audio(10, 0) == codes.REASON_NO_ALARM
        assert alarms.pause_audio(0, 0) == codes.REASON_NONE

    def test_it_ends_on_time_across_the_wrap_of_the_clock(self, alarms):
        alarms.observe(bits(HIGH))
        begin_ms = (1 << 30) - 5_000
        alarms.pause_audio(10, begin_ms)
        alarms.tick(4_990)
        assert alarms.audio_paused_s(4_990) == 1
        alarms.tick(5_000)
        assert alarms.audio_paused_s(5_000) == 0


@pytest.mark.req("FLOW-9")
class TestRepeats:
    def test_the_third_stop_by_the_same_alarm_in_ten_minutes_is_an_alarm_of_its_own(self, alarms):
        assert not alarms.flow_ended(codes.ALARM_AIR, 0)
        assert not alarms.flow_ended(codes.ALARM_AIR, 300_000)
        assert alarms.flow_ended(codes.ALARM_AIR, 600_000)
        assert alarms.latched == bits(codes.ALARM_REPEATED)

    def test_old_stops_are_forgotten_in_time_whatever_happens_meanwhile(self, alarms):
        for stop in range(2):
            alarms.flow_ended(codes.ALARM_AIR, stop)
        # Twelve days later the clock has wrapped and reads the same.
        for now_ms in range(0, 1 << 30, 6_000_000):
            for _ in range(6_000):
                alarms.tick(now_ms)
            if now_ms > 60_000_000:
                break
        assert not alarms.flow_ended(codes.ALARM_AIR, 2)


class AlarmHistory(RuleBasedStateMachine):
    """Whatever comes and goes: nothing that nobody acknowledged is lost, and what is told fits together."""

    def __init__(self):
        super().__init__()
        self.alarms = Alarms()
        self.unknown = set()  # latching alarms that came, or came again, and that nobody has acknowledged since
        self.present = 0
        self.now_ms = 0

    @rule(present=st.integers(0, (1 << ALARMS) - 1))
    def conditions_change(self, present):
        came = present & ~self.present
        self.unknown |= {alarm for alarm in LATCHING if came & bit_of(alarm)}
        self.present = present
        self.alarms.observe(present)

    @rule(alarm=st.integers(1, ALARMS))
    def an_alarm_happens(self, alarm):
        self.alarms.raise_(alarm)
        if alarm in LATCHING:
            self.unknown.add(alarm)

    @rule(asked=st.integers(0, (1 << ALARMS) - 1))
    def somebody_acknowledges(self, asked):
        asked &= self.alarms.latched
        if self.alarms.acknowledge(asked) == codes.REASON_NONE:
            self.unknown -= {alarm for alarm in LATCHING if asked & bit_of(alarm)}

    @rule(duration_s=st.integers(0, 121))
    def somebody_pauses_the_sound(self, duration_s):
        self.alarms.pause_audio(duration_s, self.now_ms)

    @rule(ticks=st.integers(1, 50))
    def time_passes(self, ticks):
        for _ in range(ticks):
            self.now_ms += TICK_MS
            self.alarms.tick(self.now_ms)

    @invariant()
    def no_unacknowledged_alarm_is_lost(self):
        assert all(self.alarms.latched & bit_of(alarm) for alarm in self.unknown)
        assert not any(self.alarms.acknowledged & bit_of(alarm) for alarm in self.unknown)

    @invariant()
    def what_stands_is_latched_and_only_what_is_latched_is_acknowledged(self):
        assert not self.present & ~self.alarms.latched
        assert not self.alarms.acknowledged & ~self.alarms.latched
        assert not self.alarms.latched & self.alarms.acknowledged & ~self.present

    @invariant()
    def the_highest_is_the_highest(self):
        latched = [alarm for alarm in range(1, ALARMS + 1) if self.alarms.latched & bit_of(alarm)]
        assert (self.alarms.first in latched) if latched else self.alarms.first == 0
        assert self.alarms.priority == max((PRIORITY[alarm - 1] for alarm in latched), default=0)
        assert (self.alarms.highest in latched) if latched else self.alarms.highest == 0


TestAlarmHistory = pytest.mark.req("ALARM-2")(AlarmHistory.TestCase)


@given(st.lists(st.integers(0, (1 << ALARMS) - 1), max_size=20))
def test_the_same_conditions_told_twice_are_told_once(phases):
    once, twice = Alarms(), Alarms()
    for present in phases:
        once.observe(present)
        twice.observe(present)
        twice.observe(present)
        assert (once.latched, once.first, once.highest) == (twice.latched, twice.first, twice.highest)
