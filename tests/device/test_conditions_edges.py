"""What sensors and rules have found becomes the bits of the alarm table, each alone and all together."""

from types import SimpleNamespace

import pytest

from device import interlocks
from device.conditions import LINK_LOST_MS, Conditions
from protocol import codes
from tests.device.fakes import HEALTHY_INPUTS

AGENT, FLUSH = codes.CHANNEL_AGENT, codes.CHANNEL_FLUSH
NOW = 100_000
LOOKS_AT = 6


class Rig:
    """A controller with nothing the matter; a test changes its parts and asks for the conditions."""

    def __init__(self):
        self.lost: list[bool] = []
        self.unknown: list[bool] = []
        self.fresh: list[bool] = []
        self.asked: list[tuple[int, bool]] = []
        self.untested = False
        self.opened: list[int] = []
        self.part = SimpleNamespace(
            ticks=0,
            now_ms=NOW,
            last_heard_ms=NOW,
            sensors=SimpleNamespace(conditions=0),
            cartridges=SimpleNamespace(conditions=self.of_cartridges, all=[self.cartridge(each) for each in range(3)]),
            alarms=SimpleNamespace(link_lost=lambda: self.lost.append(True)),
            kept=SimpleNamespace(
                unresolved=b"",
                line_unknown=lambda: self.unknown.append(True),
                account=SimpleNamespace(play=SimpleNamespace(opened=self.opened.append, opened_all=self.open_all)),
            ),
            inputs=HEALTHY_INPUTS,
            latches=SimpleNamespace(stop_cause=0, machine_cause=0, hold_cause=0, service_only=False),
            journal=SimpleNamespace(faulty=False),
            selftest=SimpleNamespace(alarms=lambda: self.untested),
            suspension=SimpleNamespace(failed=False, ready=True, exchanged=lambda: self.fresh.append(True)),
            dose=SimpleNamespace(
                kind=codes.KIND_DOSE, channel=AGENT, moves_agent=True, to_patient=True, state=0, cause=0
            ),
        )
        self.conditions = Conditions(self.part)

    @staticmethod
    def cartridge(channel):
        return SimpleNamespace(channel=channel, exchanged=False)

    def open_all(self):
        self.opened += [0, 1, 2]

    def of_cartridges(self, moving, to_patient):
        self.asked.append((moving, to_patient))
        return 0

    def now(self, moving=-1):
        """The conditions, looked for anew."""
        self.conditions.look_again()
        return self.conditions.now(moving)


@pytest.fixture
def rig():
    return Rig()


def suspension_failed(rig):
    rig.part.suspension.failed = True


def journal_faulty(rig):
    rig.part.journal.faulty = True


def held(rig):
    rig.part.latches.hold_cause = codes.CAUSE_MONITOR


def untested(rig):
    rig.untested = True


def unresolved(rig):
    rig.part.kept.unresolved = b"DOSE-001"


def stopped_by_a_person(rig):
    rig.part.latches.stop_cause = codes.CAUSE_CONSENT


def fault(rig):
    rig.part.latches.machine_cause = codes.CAUSE_FAULT


def for_service(rig):
    rig.part.latches.service_only = True


def without_permit(rig):
    rig.part.dose.state, rig.part.dose.cause = codes.DOSE_PAUSED, codes.CAUSE_PERMIT


SLOW = {
    suspension_failed: interlocks.DENSITY,
    journal_faulty: interlocks.JOURNAL,
    held: interlocks.MONITOR_HOLD,
    untested: interlocks.SELF_TEST,
    unresolved: interlocks.UNRESOLVED,
    stopped_by_a_person: interlocks.PERSON_STOP,
    fault: interlocks.FAULT,
    for_service: interlocks.REPEATED,
    without_permit: interlocks.PERMIT_GONE,
}


def test_with_nothing_the_matter_no_condition_stands(rig):
    assert rig.now() == 0
    assert rig.now(moving=AGENT) == 0


@pytest.mark.parametrize("happens", SLOW, ids=lambda each: each.__name__)
def test_what_is_the_matter_is_its_condition(rig, happens):
    happens(rig)
    assert rig.now() == SLOW[happens]


def test_everything_the_matter_stands_together(rig):
    expected = 0
    for happens, bit in SLOW.items():
        happens(rig)
        expected |= bit
        assert rig.now() == expected


@pytest.mark.parametrize("cause", [codes.CAUSE_OPERATOR, codes.CAUSE_CLINICIAN, codes.CAUSE_CONSENT])
def test_the_stops_of_persons_are_told_apart_from_the_others(rig, cause):
    rig.part.latches.stop_cause = codes.CAUSE_DOOR
    assert rig.now() == 0
    rig.part.latches.stop_cause = cause
    assert rig.now() == interlocks.PERSON_STOP


@pytest.mark.parametrize(
    ("state", "cause"), [(codes.DOSE_PAUSED, codes.CAUSE_OPERATOR), (codes.DOSE_RUNNING, codes.CAUSE_PERMIT)]
)
def test_a_permit_is_gone_only_for_a_dose_that_waits_for_one(rig, state, cause):
    rig.part.dose.state, rig.part.dose.cause = state, cause
    assert rig.now() == 0


def test_what_is_slow_is_looked_at_first_then_every_tenth_tick_and_when_it_is_asked_for(rig):
    journal_faulty(rig)
    assert rig.conditions.now(-1) == interlocks.JOURNAL
    rig.part.journal.faulty = False
    seen = []
    for tick in range(1, 30):
        rig.part.ticks = tick
        seen.append(rig.conditions.now(-1))
        if tick == LOOKS_AT:
            journal_faulty(rig)
        if tick == LOOKS_AT + 10:
            rig.part.journal.faulty = False
    quiet, stands = 0, interlocks.JOURNAL
    assert seen == [stands] * 5 + [quiet] * 10 + [stands] * 10 + [quiet] * 4
    journal_faulty(rig)
    assert rig.conditions.now(-1) == quiet
    rig.conditions.look_again()
    assert rig.conditions.now(-1) == stands


def test_sensors_and_cartridges_are_heard_at_every_tick(rig):
    rig.now()
    rig.part.sensors.conditions = interlocks.PRESSURE
    rig.part.dose.to_patient = False
    assert rig.conditions.now(FLUSH) == interlocks.PRESSURE
    assert rig.asked[-1] == (FLUSH, False)


@pytest.mark.req("LINK-4")
@pytest.mark.parametrize("moving", [0, 1, 2])
def test_a_lost_link_is_a_condition_of_flow_on_any_channel_to_the_millisecond(rig, moving):
    rig.part.last_heard_ms = NOW - LINK_LOST_MS + 1
    assert rig.now(moving) == 0
    rig.part.last_heard_ms = NOW - LINK_LOST_MS
    assert rig.now(moving) == interlocks.LINK_LOST
    assert rig.now() == 0


@pytest.mark.req("RESCUE-1")
def test_a_rescue_needs_neither_host_nor_suspension(rig):
    rig.part.dose.kind = codes.KIND_RESCUE
    rig.part.last_heard_ms = NOW - LINK_LOST_MS
    rig.part.suspension.ready = False
    assert rig.now(codes.CHANNEL_COUNTER_AGENT) == 0


@pytest.mark.req("DOSE-11")
@pytest.mark.parametrize(
    ("moves_agent", "channel", "ready", "stands"),
    [
        (True, AGENT, False, interlocks.DENSITY),
        (True, AGENT, True, 0),
        (True, FLUSH, False, 0),
        (False, AGENT, False, 0),
        (False, FLUSH, False, 0),
    ],
)
def test_agent_that_is_not_stirred_is_a_condition_of_its_own_flow_only(rig, moves_agent, channel, ready, stands):
    rig.part.dose.moves_agent, rig.part.dose.channel, rig.part.suspension.ready = moves_agent, channel, ready
    assert rig.now(channel) == stands
    rig.part.last_heard_ms = NOW - LINK_LOST_MS
    assert rig.now(channel) == stands | interlocks.LINK_LOST


def test_a_silence_of_days_stays_a_silence_and_ends_a_pause_of_the_sound(rig):
    rig.part.last_heard_ms = NOW - 10 * LINK_LOST_MS
    rig.now()
    assert rig.part.last_heard_ms == NOW - LINK_LOST_MS
    assert rig.lost == [True]
    rig.part.last_heard_ms = NOW
    rig.now()
    assert rig.lost == [True]


@pytest.mark.req("DOSE-11")
@pytest.mark.parametrize("channel", range(3))
def test_an_exchange_makes_the_line_unknown_once_and_agent_of_unknown_age(rig, channel):
    rig.now()
    assert (rig.unknown, rig.fresh) == ([], [])
    rig.part.cartridges.all[channel].exchanged = True
    for _ in range(3):
        rig.now()
    assert (rig.unknown, rig.opened) == ([True], [channel])
    assert rig.fresh == ([True] if channel == AGENT else [])


def test_every_further_exchange_is_noticed_and_one_that_was_purged_may_come_again(rig):
    for channel in range(3):
        rig.part.cartridges.all[channel].exchanged = True
        rig.now()
    assert (len(rig.unknown), len(rig.fresh)) == (3, 1)
    rig.part.cartridges.all[AGENT].exchanged = False
    rig.now()
    rig.part.cartridges.all[AGENT].exchanged = True
    rig.now()
    assert (len(rig.unknown), len(rig.fresh)) == (4, 2)


def test_two_cartridges_exchanged_at_once_are_each_remembered(rig):
    rig.part.cartridges.all[0].exchanged = rig.part.cartridges.all[2].exchanged = True
    rig.now()
    rig.now()
    assert (len(rig.unknown), len(rig.fresh)) == (1, 1)


def test_each_pump_that_is_opened_has_the_play_of_its_screw_open(rig):
    for channel in range(3):
        rig.part.cartridges.all[channel].exchanged = True
        rig.now()
    assert rig.opened == [0, 1, 2]


def test_an_open_door_opens_every_play_and_a_closed_one_none(rig):
    rig.now()
    assert rig.opened == []
    rig.part.inputs &= ~codes.INPUT_DOOR_CLOSED
    rig.now()
    assert rig.opened == [0, 1, 2]
