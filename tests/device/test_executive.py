"""Controller, wire and executive together on a fake board, spoken to in frames."""

import pytest

from device.conditions import LINK_LOST_MS
from device.limits import MAX_DOSE_NL, steps_of
from protocol import codes, messages
from tests.device.device import FIRST, Device
from tests.device.fakes import HEALTHY_INPUTS, FakeBoard, host_frame, pressure_raw


@pytest.fixture
def device():
    return Device().started()


@pytest.fixture
def dosing(device):
    device.order()
    device.run(500)
    assert device.controller.device_state() == codes.DEVICE_DOSING
    assert device.edges() > 0
    return device


def test_a_dose_ordered_in_frames_is_delivered_to_the_step(device):
    assert device.order()[1] == codes.DOSE_ACCEPTED
    device.run(4_000)
    state = device.request(messages.GET_DOSE, FIRST) and device.answer(messages.DOSE_STATE)
    assert state[1] == codes.DOSE_DELIVERED
    assert state[8] == device.edges() == steps_of(2_000)
    assert not device.board.valve_patient


def test_welcome_names_boot_session_firmware_and_python(device):
    welcome = device.hello()
    assert welcome[0] == b"host"
    assert welcome[2] == device.controller.boot
    assert welcome[3] == messages.schema_hash()
    assert welcome[5].rstrip(b"\x00") == b"cpython"
    assert welcome[7].rstrip(b"\x00") == b"fake"


@pytest.mark.req("STOP-1")
def test_a_stop_is_acted_on_in_the_turn_that_receives_it_ahead_of_orders_in_front_of_it(dosing):
    dosing.board.received += host_frame(messages.GET_STATUS, dosing.session, 90) * 5
    dosing.stop()
    edges = dosing.edges()
    assert dosing.controller.latches.stop_cause == codes.CAUSE_OPERATOR
    assert not dosing.board.valve_patient
    dosing.run(1_000)
    assert dosing.edges() == edges


@pytest.mark.req("STOP-3")
def test_steps_that_a_stop_has_cut_already_are_never_left_without_a_latched_stop(dosing):
    dosing.board.heard = True
    dosing.board.received += b"octets in front of the stop"
    dosing.turns(1)
    assert dosing.controller.latches.stop_cause == codes.CAUSE_OPERATOR
    assert not dosing.board.steps[2].armed


@pytest.mark.req("STOP-3")
def test_a_stop_that_was_heard_and_read_keeps_the_cause_of_its_frame(dosing):
    dosing.board.heard = True
    dosing.stop(codes.CAUSE_LINK_LOST)
    assert dosing.controller.latches.stop_cause == codes.CAUSE_LINK_LOST
    assert not dosing.board.heard


@pytest.mark.req("STOP-1")
def test_a_rescue_whose_steps_were_cut_does_not_stand_still_without_a_stop_of_its_own(dosing):
    dosing.controller.latches.stop(codes.CAUSE_MONITOR)
    dosing.board.heard = True
    dosing.board.received += b"octets in front of the stop"
    dosing.turns(1)
    assert dosing.controller.latches.machine_cause == codes.CAUSE_OPERATOR


@pytest.mark.req("STOP-1")
def test_a_stop_needs_no_session_and_latches_before_anybody_said_hello():
    device = Device()
    device.stop()
    device.run(100)
    assert device.controller.device_state() == codes.DEVICE_STOPPED
    assert any(number == messages.STOPPED for number, _ in device.take())


@pytest.mark.req("STOP-1")
def test_the_first_cause_stays_however_often_a_stop_is_repeated(dosing):
    for cause in (codes.CAUSE_LINK_LOST, codes.CAUSE_OPERATOR, 0, 255):
        dosing.stop(cause)
    assert dosing.controller.latches.stop_cause == codes.CAUSE_LINK_LOST


@pytest.mark.req("STOP-6")
def test_a_stop_ends_the_heartbeat_and_nothing_feeds_it_again(dosing):
    stops = dosing.board.heartbeat.stops
    dosing.stop()
    fed = dosing.board.heartbeat.fed
    dosing.run(1_000)
    assert dosing.board.heartbeat.stops > stops
    assert dosing.board.heartbeat.fed == fed


def test_the_heartbeat_is_fed_only_while_a_dose_may_flow(device):
    assert device.board.heartbeat.fed == 0
    device.order()
    device.run(100)
    device.run(400)
    assert device.board.heartbeat.fed >= 9


@pytest.mark.req("PERMIT-4", "STOP-1")
def test_a_stop_is_cleared_by_a_person_and_by_nothing_else(dosing):
    dosing.stop()
    dosing.run(100)
    dosing.request(messages.CLEAR)
    dosing.run(200)
    assert dosing.controller.latches.stop_cause == codes.CAUSE_OPERATOR
    dosing.press()
    assert dosing.controller.latches.stop_cause == codes.CAUSE_NONE
    assert dosing.controller.device_state() == codes.DEVICE_READY


@pytest.mark.req("STOP-1")
def test_a_stop_is_not_cleared_while_its_cause_stands(device):
    device.board.input_bits &= ~codes.INPUT_ESTOP_HEALTHY
    device.run(50)
    assert device.controller.latches.stop_cause == codes.CAUSE_EMERGENCY_STOP
    device.request(messages.CLEAR)
    assert device.answer(messages.STATUS)[6] == codes.REASON_CAUSE_STANDS
    device.press()
    assert device.controller.latches.stop_cause == codes.CAUSE_EMERGENCY_STOP


def test_a_cause_that_comes_back_before_the_person_acts_keeps_the_stop(dosing):
    dosing.stop()
    dosing.run(100)
    dosing.request(messages.CLEAR)
    dosing.run(20)
    dosing.board.input_bits = HEALTHY_INPUTS & ~codes.INPUT_DOOR_CLOSED
    dosing.press()
    assert dosing.controller.device_state() == codes.DEVICE_STOPPED
    assert dosing.controller.latches.stop_cause == codes.CAUSE_OPERATOR


def test_clearing_what_is_not_stopped_is_refused(device):
    device.request(messages.CLEAR)
    assert device.answer(messages.STATUS)[6] == codes.REASON_NOT_STOPPED


@pytest.mark.parametrize(
    ("bit", "cause"),
    [
        (codes.INPUT_ESTOP_HEALTHY, codes.CAUSE_EMERGENCY_STOP),
        (codes.INPUT_DOOR_CLOSED, codes.CAUSE_DOOR),
        (codes.INPUT_BUBBLE_CLEAR, codes.CAUSE_AIR),
        (codes.INPUT_SAFE, codes.CAUSE_SAFE_LINE),
    ],
)
def test_a_safe_line_that_fell_between_two_ticks_stops_with_the_cause_that_pulled_it(dosing, bit, cause):
    dosing.board.tripped = True
    dosing.board.input_bits &= ~bit
    dosing.turns(1)
    assert dosing.controller.latches.stop_cause == cause
    assert dosing.controller.dose.state == codes.DOSE_STOPPING


@pytest.mark.req("FLOW-3")
def test_too_much_pressure_in_mid_dose_stops_and_says_why(dosing):
    dosing.pressure_low = pressure_raw(120)
    dosing.run(200)
    assert dosing.controller.latches.stop_cause == codes.CAUSE_PRESSURE
    assert any(values[0] == codes.CAUSE_PRESSURE for number, values in dosing.take() if number == messages.STOPPED)


@pytest.mark.req("FLOW-8")
def test_a_sensor_that_fails_in_mid_dose_stops_it(dosing):
    dosing.board.flow_silent = True
    dosing.run(300)
    assert dosing.controller.latches.stop_cause == codes.CAUSE_SENSOR


@pytest.mark.req("LINK-4")
def test_without_a_valid_frame_flow_ends_within_a_second_and_a_half(device):
    device.order(volume=20_000)
    device.run(500)
    device.board.received += host_frame(messages.PING, device.session, 0, 1)
    device.turns(1)
    heard_us = device.board.us
    device.run(3_000, ping=False)
    assert device.controller.dose.cause == codes.CAUSE_LINK_LOST
    device.edges()
    assert device.board.steps[2].edges_us[-1] - heard_us <= 1_500_000
    assert device.board.steps[2].edges_us[-1] - heard_us >= (LINK_LOST_MS - 50) * 1000


@pytest.mark.req("LINK-4")
def test_noise_on_the_line_is_not_a_sign_of_life(device):
    device.order(volume=20_000)
    for _ in range(30):
        device.run(100, ping=False)
        device.board.received += b"noise\x00" * 4
    assert device.controller.dose.cause == codes.CAUSE_LINK_LOST


@pytest.mark.req("PERMIT-4", "LINK-5")
def test_a_paused_dose_is_resumed_by_a_person_only(device):
    device.order(volume=5_000)
    device.run(500)
    device.request(messages.PAUSE, FIRST)
    device.run(1_500)
    assert device.controller.device_state() == codes.DEVICE_PAUSED
    edges = device.edges()
    device.request(messages.RESUME, FIRST)
    device.run(500)
    assert device.edges() == edges
    device.press()
    device.run(8_000)
    assert device.controller.dose.state == codes.DOSE_DELIVERED
    assert device.edges() == steps_of(5_000)


@pytest.mark.parametrize("number", [messages.PAUSE, messages.RESUME])
def test_pausing_and_resuming_another_dose_is_refused(dosing, number):
    dosing.request(number, b"other---")
    expected = codes.REASON_NOT_RUNNING if number == messages.PAUSE else codes.REASON_NOT_PAUSED
    assert dosing.answer(messages.DOSE_STATE)[2] == expected
    assert dosing.controller.dose.state == codes.DOSE_RUNNING


def test_telemetry_comes_ten_times_a_second_and_statistics_once(device):
    # A run ends before a tick: so does the one that is listened to, and holds 500 of them.
    device.run(20)
    device.take()
    device.run(5_000)
    numbers = [number for number, _ in device.take()]
    assert numbers.count(messages.TELEMETRY) == 50
    assert numbers.count(messages.LINK_STATS) == 5


@pytest.mark.parametrize("rate_nl_s", [50, 500, 20_000])
def test_what_takes_long_and_comes_by_the_clock_shares_no_tick_with_a_grant(device, rate_nl_s):
    controller = device.controller
    done: dict[object, set[int]] = {}

    def noted(owner, name, what=None):
        function = getattr(owner, name)

        def note(*values):
            done.setdefault(what or values[0], set()).add(controller.ticks)
            return function(*values)

        setattr(owner, name, note)

    noted(controller.pump, "_give", "grant")
    noted(controller.sensors.temperature, "read", "temperature")
    noted(controller.cartridges, "poll", "cartridges")
    noted(controller.watch, "_stir", "watch")
    noted(controller.kept.keys, "tag", "signing")
    noted(device.executive.link, "datagram")
    device.order(volume=2 * rate_nl_s, rate=rate_nl_s)
    device.run(2_000)
    grants = done.pop("grant")
    # The first one comes when the valve is in its place.
    grants.remove(min(grants))
    assert len(grants) > 10
    told = (messages.TELEMETRY, messages.SIGNED_STATUS, messages.ALARMS, messages.LINK_STATS)
    for what in (*told, "signing", "temperature", "cartridges", "watch"):
        assert done[what]
        assert not done[what] & grants, what


def test_every_change_of_a_dose_is_told_without_being_asked(device):
    device.order()
    device.take()
    device.run(5_000)
    states = [values[1] for number, values in device.take() if number == messages.DOSE_STATE]
    assert states == [codes.DOSE_ACCEPTED, codes.DOSE_RUNNING, codes.DOSE_SETTLING, codes.DOSE_DELIVERED]


def test_status_tells_the_ceilings(device):
    device.request(messages.GET_STATUS)
    status = device.answer(messages.STATUS)
    assert status[1] == codes.DEVICE_READY
    assert status[16] == MAX_DOSE_NL


@pytest.mark.req("STOP-9")
def test_an_exception_ends_all_flow_and_is_told_by_the_next_boot(dosing):
    dosing.executive.fail()
    edges = dosing.edges()
    assert not dosing.board.valve_patient
    after = dosing.reboot()
    after.run(200)
    assert after.controller.latches.stop_cause == codes.CAUSE_FAULT
    assert dosing.edges() == edges


@pytest.mark.req("STOP-5", "STOP-9")
def test_after_a_watchdog_reset_the_rig_is_stopped_until_a_person_clears_it():
    device = Device()
    device.board.cause_of_reset = 3
    device = device.reboot()
    device.board.cause_of_reset = 3
    device = Device(device.board).started()
    assert device.order()[2] == codes.REASON_STOPPED


def test_a_rig_whose_memory_fails_its_check_takes_no_order():
    board = FakeBoard()
    board.fram_silent = True
    device = Device(board)
    device.run(200)
    device.hello()
    device.run(6_000)
    assert device.order()[2] == codes.REASON_SELF_TEST


def test_the_watchdog_is_fed_once_a_tick(device):
    fed, ticks = device.board.watchdog_fed, device.controller.ticks
    device.run(1_000)
    assert device.board.watchdog_fed - fed == device.controller.ticks - ticks == pytest.approx(100, abs=1)


def test_missed_ticks_are_counted_as_late_and_not_made_up(device):
    ticks = device.controller.ticks
    device.board.us += 300_000
    device.run(100)
    assert device.executive.stats.late == 1
    assert device.controller.ticks - ticks <= 12


def test_at_start_the_valve_is_released_and_the_direction_is_forward():
    device = Device()
    assert device.board.forward is True
    assert not device.board.valve_patient
