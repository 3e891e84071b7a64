"""The controller's peripherals on the rig."""

from random import Random

import pytest

from hil.boards.line import NEVER_NS, OCTET_NS
from hil.boards.mcu import RECEIVE_RING, RESET_POWER_ON, RESET_WATCHDOG, TRANSMIT_BUFFER, Mcu
from hil.plant import PlantParameters, SimulatedRig
from hil.plant.parameters import NOMINAL_STEP_NL
from hil.recorder import TO_DEVICE, TO_HOST, Recorder
from protocol import codes

MS = 1_000_000
FLUSH = codes.CHANNEL_FLUSH


@pytest.fixture
def rig():
    return SimulatedRig(PlantParameters(stick_slip_nl=0.0, i2c_error_rate=0.0))


@pytest.fixture
def recorder():
    return Recorder()


@pytest.fixture
def mcu(rig, recorder):
    mcu = Mcu(rig, recorder)
    mcu.power_on()
    mcu.set_direction(True)
    return mcu


def keep_fed(mcu, until_ns):
    """Run with a heartbeat that is fed every 10 ms."""
    while mcu.now_ns < until_ns:
        mcu.heartbeat.feed()
        mcu.advance(min(until_ns, mcu.now_ns + 10 * MS))


def test_steps_are_recorded_and_move_the_plunger(mcu, rig, recorder):
    mcu.steps[FLUSH].arm()
    keep_fed(mcu, 20 * MS)
    mcu.steps[FLUSH].put(100, 1000)
    keep_fed(mcu, 200 * MS)
    assert recorder.edge_count(FLUSH) == 100
    assert rig.syringes[FLUSH].plunger_nl == pytest.approx(100 * NOMINAL_STEP_NL)
    assert recorder.last_edge_ns(FLUSH) == 20 * MS + 100 * MS - 5000


def test_a_processor_that_hangs_leaves_the_words_and_the_heartbeat_to_run_out(mcu, rig, recorder):
    mcu.steps[FLUSH].arm()
    keep_fed(mcu, 20 * MS)
    mcu.set_valve(True)
    mcu.steps[FLUSH].put(40, 1000)
    mcu.heartbeat.feed()
    mcu.advance(5000 * MS)
    assert recorder.edge_count(FLUSH) == 40
    assert recorder.last_edge_ns(FLUSH) <= 60 * MS
    assert not rig.motor_powered
    assert not rig.valve_patient
    assert rig.heartbeat.last_edge_ns <= 60 * MS


def test_safe_cuts_the_steps_at_any_instant_without_the_processor(rig, recorder):
    random = Random(1)
    for _ in range(200):
        rig = SimulatedRig()
        recorder = Recorder()
        mcu = Mcu(rig, recorder)
        mcu.power_on()
        mcu.steps[FLUSH].arm()
        for _ in range(4):
            mcu.steps[FLUSH].put(50, 280)
        fall_ns = random.randrange(60 * MS)
        rig.at(fall_ns, rig.press_estop)
        rig.at(fall_ns + random.randrange(10_000, 30 * MS), lambda rig=rig: rig.press_estop(False))
        mcu.advance(200 * MS)
        last_ns = recorder.last_edge_ns(FLUSH)
        assert last_ns is None or last_ns - fall_ns <= 1000
        dead = mcu.steps[FLUSH].dead()
        assert recorder.edge_count(FLUSH) + mcu.steps[FLUSH].halt() == (200 if dead else recorder.edge_count(FLUSH))


def test_a_trip_is_latched_until_it_is_cleared(mcu, rig):
    assert not mcu.safe_tripped()
    rig.at(5 * MS, rig.press_estop)
    rig.at(5 * MS + 1000, lambda: rig.press_estop(False))
    mcu.advance(10 * MS)
    assert mcu.inputs() & codes.INPUT_SAFE
    assert mcu.safe_tripped()
    mcu.clear_trip()
    assert not mcu.safe_tripped()


def test_a_trip_cannot_be_cleared_away_while_safe_is_low(mcu, rig):
    rig.press_estop()
    mcu.clear_trip()
    assert mcu.safe_tripped()
    rig.press_estop(False)
    assert not mcu.safe_tripped()


def test_edges_of_two_channels_reach_the_rig_in_the_order_of_time(mcu, rig, recorder):
    for channel in (0, 2):
        mcu.steps[channel].arm()
        mcu.steps[channel].put(20, 1000 + channel)
    keep_fed(mcu, 100 * MS)
    assert recorder.edge_count(0) == recorder.edge_count(2) == 20
    assert [run.count for run in recorder.edges] == [20, 20]


def test_edges_of_two_channels_are_handed_over_one_by_one(mcu, rig, monkeypatch):
    handed = []
    monkeypatch.setattr(rig, "step_edges", lambda channel, first_ns, period_ns, count: handed.append(first_ns))
    for channel in (0, 2):
        mcu.steps[channel].arm()
        mcu.steps[channel].put(20, 1000 + channel)
    keep_fed(mcu, 100 * MS)
    assert len(handed) == 40
    assert handed == sorted(handed)


def test_octets_reach_the_device_at_the_lines_speed(mcu, recorder):
    mcu.host_write(b"ab\0")
    mcu.advance(2 * OCTET_NS)
    assert mcu.link_read(100) == b"ab"
    mcu.advance(3 * OCTET_NS)
    assert mcu.link_read(100) == b"\0"
    assert [(frame.now_ns, frame.direction, frame.data) for frame in recorder.frames] == [
        (3 * OCTET_NS, TO_DEVICE, b"ab\0")
    ]


def test_frames_in_one_write_are_recorded_each_at_its_own_end(mcu, recorder):
    mcu.host_write(b"ab\0c\0")
    assert [(frame.now_ns, frame.data) for frame in recorder.frames] == [
        (3 * OCTET_NS, b"ab\0"),
        (5 * OCTET_NS, b"c\0"),
    ]


def test_octets_reach_the_host_at_the_lines_speed(mcu, recorder):
    assert mcu.link_write(b"ab\0") == 3
    mcu.advance(2 * OCTET_NS)
    assert mcu.host_read() == b"ab"
    mcu.advance(3 * OCTET_NS)
    assert mcu.host_read() == b"\0"
    assert [(frame.now_ns, frame.direction) for frame in recorder.frames] == [(3 * OCTET_NS, TO_HOST)]


def test_the_transmit_buffer_takes_what_fits(mcu):
    assert mcu.link_write(b"x" * 5000) == TRANSMIT_BUFFER
    assert mcu.link_write(b"x") == 0
    mcu.advance(OCTET_NS)
    assert mcu.link_write(b"xx") == 1


def test_octets_that_nobody_reads_overflow_the_ring_and_are_counted(mcu):
    mcu.host_write(b"x" * (RECEIVE_RING + 10))
    mcu.advance(1000 * MS)
    assert mcu.link_read(10_000) == b"x" * RECEIVE_RING
    assert mcu.receive_overflow == 10


def test_power_loss_ends_everything_at_once(mcu, rig, recorder):
    mcu.steps[FLUSH].arm()
    keep_fed(mcu, 20 * MS)
    mcu.set_valve(True)
    mcu.steps[FLUSH].put(1000, 1000)
    mcu.link_write(b"x" * 100)
    mcu.advance(40 * MS)
    count = recorder.edge_count(FLUSH)
    mcu.power_off()
    mcu.advance(1000 * MS)
    assert recorder.edge_count(FLUSH) == count
    assert not rig.valve_patient


def test_octets_that_have_not_left_are_lost_with_the_power(mcu):
    mcu.link_write(b"x" * 100)
    mcu.advance(10 * OCTET_NS)
    mcu.power_off()
    mcu.advance(100 * MS)
    assert mcu.host_read() == b"x" * 10


def test_octets_that_nobody_read_are_lost_with_a_reset(mcu):
    mcu.host_write(b"lost")
    mcu.advance(1 * MS)
    mcu.reset(RESET_WATCHDOG)
    assert mcu.link_read(100) == b""


def test_the_watchdog_stands_still_until_it_is_started_again(mcu):
    mcu.watchdog_start(500)
    assert mcu.watchdog_ns == 500 * MS
    mcu.power_off()
    mcu.power_on()
    mcu.watchdog_feed()
    assert mcu.watchdog_ns == NEVER_NS


def test_octets_are_lost_on_a_device_without_power(mcu):
    mcu.power_off()
    mcu.host_write(b"lost")
    mcu.advance(1 * MS)
    mcu.power_on()
    mcu.advance(2 * MS)
    assert mcu.link_read(100) == b""
    assert mcu.reset_cause == RESET_POWER_ON


def test_a_reset_releases_the_outputs(mcu, rig, recorder):
    mcu.steps[FLUSH].arm()
    keep_fed(mcu, 50 * MS)
    mcu.set_valve(True)
    mcu.set_light(True, True, True)
    mcu.steps[FLUSH].put(1000, 1000)
    mcu.advance(60 * MS)
    count = recorder.edge_count(FLUSH)
    mcu.reset(RESET_WATCHDOG)
    mcu.advance(1000 * MS)
    assert recorder.edge_count(FLUSH) == count
    assert rig.light == (False, False, False)
    assert mcu.reset_cause == RESET_WATCHDOG


def test_a_bus_that_is_held_times_out_and_a_missing_chip_does_not_acknowledge(mcu, rig):
    assert mcu.i2c_error() == 5
    rig.buses.hold(0)
    assert mcu.i2c_read(0, 0x50, 1) is None
    assert mcu.i2c_error() == 110


def test_inputs_wake_the_firmware_at_their_instant(mcu, rig):
    rig.at(7 * MS, rig.press_footswitch)
    assert mcu.next_wake_ns() == 7 * MS
    mcu.advance(7 * MS)
    assert mcu.inputs() & codes.INPUT_FOOTSWITCH
