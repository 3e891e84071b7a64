"""Acts of operator, monitor, clinician and technician on the whole firmware, and the person who confirms them."""

import pytest

from device.ceilings import LOOSEST
from protocol import codes, messages
from tests.device.device import FIRST, INTERVAL_MS, NONE, PRESSURE_LIMIT_AT, SECOND, Device
from tests.device.fakes import FakeBoard

AGENT = codes.CHANNEL_AGENT
COUNTER = codes.CHANNEL_COUNTER_AGENT
KEY = bytes(range(32))
NOT_IN_A_DOSE = [
    messages.CLOSE_TREATMENT,
    messages.OPEN_TREATMENT,
    messages.SET_CEILINGS,
    messages.SET_PRESSURE_LIMIT,
]


@pytest.fixture
def device():
    return Device().started()


@pytest.fixture
def agent(device):
    """A dose of agent that flows under permits."""
    device.confirm_alarms()
    device.order(channel=AGENT, volume=10_000)
    device.permit_every_ms = 400
    device.until(codes.DOSE_RUNNING)
    device.run(500)
    assert device.edges(AGENT) > 0
    return device


def open_treatment(device, treatment=b"treatm-2", row=LOOSEST, day=None, screening=codes.SCREENING_PASSED):
    fields = (treatment, device.provision.day if day is None else day, screening, 0, *row)
    return device.sign(codes.SLOT_CLINIC, messages.OPEN_TREATMENT, *fields)


def result(device, number, *values):
    device.request(number, *values)
    return device.answer(messages.RESULT)


@pytest.mark.req("MON-1", "PERMIT-3")
def test_a_hold_ends_flow_of_agent_at_once_with_the_valve_released(agent):
    assert agent.sign(codes.SLOT_MONITOR, messages.HOLD, agent.provision.treatment, codes.HOLD_HOLD)[1] == 0
    edges = agent.edges(AGENT)
    assert not agent.board.valve_patient
    agent.run(3_000)
    assert agent.edges(AGENT) == edges
    assert agent.controller.dose.cause == codes.CAUSE_MONITOR
    assert agent.permit()[1] == codes.REASON_HOLD


@pytest.mark.req("RESCUE-1")
def test_a_hold_leaves_a_rescue_alone(device):
    device.order(kind=codes.KIND_RESCUE, channel=COUNTER)
    device.press()
    device.run(300)
    edges = device.edges(COUNTER)
    device.sign(codes.SLOT_MONITOR, messages.HOLD, device.provision.treatment, codes.HOLD_HOLD)
    device.run(500)
    assert device.edges(COUNTER) > edges


def test_a_hold_for_another_treatment_is_refused(device):
    assert device.sign(codes.SLOT_MONITOR, messages.HOLD, b"another-", codes.HOLD_HOLD)[1] == codes.REASON_TREATMENT


@pytest.mark.req("RESCUE-2")
def test_the_dose_that_a_rescue_ends_is_told_as_soon_as_it_is_durable_and_flows_no_further(agent):
    agent.order(SECOND, kind=codes.KIND_RESCUE, channel=COUNTER)
    agent.run(500)
    agent.take()
    ended = [values for number, values in agent.said if number == messages.DOSE_STATE and values[0] == FIRST]
    assert ended[-1][1:4] == (codes.DOSE_PARTIAL, 0, codes.CAUSE_RESCUE)
    edges = agent.edges(AGENT)
    assert ended[-1][8] == edges
    agent.permit_every_ms = 0
    agent.press()
    agent.until(codes.DOSE_DELIVERED)
    assert agent.edges(AGENT) == edges


@pytest.mark.req("PERMIT-4")
def test_a_treatment_opens_when_a_person_confirms_and_not_before(device):
    device.sign(codes.SLOT_CLINIC, messages.CLOSE_TREATMENT, device.provision.treatment)
    assert device.controller.kept.treatment.is_open()
    device.press()
    assert not device.controller.kept.treatment.is_open()
    assert open_treatment(device)[1:4] == (codes.REASON_NONE, 0, 1)
    assert not device.controller.kept.treatment.is_open()
    device.run(11_000)
    device.press()
    assert not device.controller.kept.treatment.is_open()
    open_treatment(device)
    device.press()
    assert device.controller.kept.treatment.id == b"treatm-2"


@pytest.mark.parametrize("number", NOT_IN_A_DOSE)
def test_nothing_of_a_treatment_changes_while_a_dose_is_open(device, number):
    device.order(volume=10_000)
    if number == messages.OPEN_TREATMENT:
        answer = open_treatment(device)
    else:
        fields = {
            messages.CLOSE_TREATMENT: (device.provision.treatment,),
            messages.SET_CEILINGS: LOOSEST,
            messages.SET_PRESSURE_LIMIT: (14_000,),
        }
        answer = device.sign(codes.SLOT_CLINIC, number, *fields[number])
    assert answer[1] == codes.REASON_BUSY


def test_one_act_waits_for_a_person_at_a_time(device):
    device.sign(codes.SLOT_CLINIC, messages.SET_CEILINGS, *LOOSEST)
    closing = device.sign(codes.SLOT_CLINIC, messages.CLOSE_TREATMENT, device.provision.treatment)
    assert closing[1] == codes.REASON_PERSON_BUSY


@pytest.mark.req("DOSE-6")
def test_a_looser_plan_than_the_clinic_allows_is_refused_with_the_nearest(device):
    device.sign(codes.SLOT_CLINIC, messages.SET_CEILINGS, 5_000, *LOOSEST[1:])
    device.press()
    device.sign(codes.SLOT_CLINIC, messages.CLOSE_TREATMENT, device.provision.treatment)
    device.press()
    assert open_treatment(device)[1:3] == (codes.REASON_LOOSER, 5_000)


def limit_of(device):
    """The line pressure above which the device stops, by its STATUS and by its sensors."""
    told_pa = device.status()[PRESSURE_LIMIT_AT]
    assert told_pa == device.controller.kept.pressure_limit.pa
    return told_pa


@pytest.mark.req("FLOW-3", "PERMIT-4")
@pytest.mark.parametrize("limit_pa", [14_000, 138_000])
def test_the_pressure_limit_is_set_when_a_person_confirms_and_not_before(device, limit_pa):
    assert limit_of(device) == 69_000
    assert device.sign(codes.SLOT_CLINIC, messages.SET_PRESSURE_LIMIT, limit_pa)[1:4] == (codes.REASON_NONE, 0, 1)
    assert limit_of(device) == 69_000
    device.run(11_000)
    device.press()
    assert limit_of(device) == 69_000
    device.sign(codes.SLOT_CLINIC, messages.SET_PRESSURE_LIMIT, limit_pa)
    device.press()
    assert limit_of(device) == limit_pa


@pytest.mark.req("FLOW-3")
@pytest.mark.parametrize(
    ("limit_pa", "nearest"), [(0, 14_000), (13_999, 14_000), (138_001, 138_000), ((1 << 32) - 1, 138_000)]
)
def test_a_pressure_limit_that_no_rig_may_have_is_refused_with_the_nearest_and_changes_nothing(
    device, limit_pa, nearest
):
    answer = device.sign(codes.SLOT_CLINIC, messages.SET_PRESSURE_LIMIT, limit_pa)
    assert answer[1:4] == (codes.REASON_PRESSURE_LIMIT, nearest, 0)
    device.press()
    assert limit_of(device) == 69_000


@pytest.mark.req("FLOW-3")
def test_a_pressure_limit_is_not_confirmed_while_a_dose_has_begun_since_it_was_asked_for(device):
    device.sign(codes.SLOT_CLINIC, messages.SET_PRESSURE_LIMIT, 14_000)
    device.order(volume=10_000)
    device.press()
    assert limit_of(device) == 69_000


@pytest.mark.req("FLOW-3")
def test_a_dose_is_stopped_at_the_limit_that_was_set_and_at_no_lower_one(device):
    """At 9 uL/s the fake line has 18 kPa."""
    device.order(volume=20_000, rate=9_000)
    device.until(codes.DOSE_DELIVERED)
    device.sign(codes.SLOT_CLINIC, messages.SET_PRESSURE_LIMIT, 14_000)
    device.press()
    device.run(INTERVAL_MS)
    device.order(SECOND, volume=20_000, rate=9_000)
    device.until(codes.DOSE_PARTIAL)
    assert device.controller.latches.stop_cause == codes.CAUSE_PRESSURE


@pytest.mark.req("PERMIT-2")
@pytest.mark.parametrize(
    ("slot", "number", "fields"),
    [
        (codes.SLOT_MONITOR, messages.OPEN_TREATMENT, (b"treatm-2", 9_000, codes.SCREENING_PASSED, 0, *LOOSEST)),
        (codes.SLOT_MONITOR, messages.CLEAR_BY_CLINICIAN, ()),
        (codes.SLOT_CLINIC, messages.HOLD, (b"treatmnt", codes.HOLD_HOLD)),
        (codes.SLOT_STATUS, messages.SET_DATE, (9_000,)),
        (codes.SLOT_MONITOR, messages.SET_PRESSURE_LIMIT, (14_000,)),
    ],
)
def test_no_authority_speaks_for_another(device, slot, number, fields):
    assert device.sign(slot, number, *fields)[1] == codes.REASON_AUTHENTICATION


@pytest.mark.req("PERMIT-6")
def test_keys_and_serial_are_set_in_service_mode_only(device):
    assert result(device, messages.SET_KEY, codes.SLOT_MONITOR, 2, KEY)[1] == codes.REASON_SERVICE
    assert result(device, messages.SET_RIG, b"rig-0002")[1] == codes.REASON_SERVICE


def in_service(board=None):
    board = board or FakeBoard()
    board.supply = 0
    board.input_bits |= codes.INPUT_FOOTSWITCH
    device = Device(board)
    device.run(1_200)
    board.input_bits &= ~codes.INPUT_FOOTSWITCH
    device.hello()
    return device


@pytest.mark.req("PERMIT-6")
def test_in_service_mode_keys_and_serial_are_taken_and_kept_and_nothing_may_move():
    device = in_service()
    assert device.controller.device_state() == codes.DEVICE_SERVICE
    assert result(device, messages.SET_RIG, b"rig-0002")[1] == codes.REASON_NONE
    assert result(device, messages.SET_RIG, b"rig-0003")[1] == codes.REASON_RIG
    assert result(device, messages.SET_KEY, codes.SLOT_CLINIC, 1, KEY)[1] == codes.REASON_NONE
    assert result(device, messages.SET_KEY, codes.SLOT_CLINIC, 1, KEY[::-1])[1] == codes.REASON_REPLAYED
    device.board.supply = 47_662
    device.run(200)
    assert device.order(kind=codes.KIND_PRIME)[2] == codes.REASON_SERVICE
    assert device.board.heartbeat.fed == 0
    after = device.reboot()
    after.run(3_000)
    assert after.hello()[8] == b"rig-0002"
    assert after.controller.kept.keys.has(codes.SLOT_CLINIC)
    assert after.controller.device_state() == codes.DEVICE_READY


@pytest.mark.req("PERMIT-6")
@pytest.mark.parametrize(("supply", "released_ms"), [(47_662, 1_200), (0, 900)])
def test_service_mode_wants_the_supply_off_and_the_foot_switch_held_for_a_second(supply, released_ms):
    board = FakeBoard()
    board.supply = supply
    board.input_bits |= codes.INPUT_FOOTSWITCH
    device = Device(board)
    device.run(released_ms)
    board.input_bits &= ~codes.INPUT_FOOTSWITCH
    device.run(1_500 - released_ms)
    assert device.controller.device_state() != codes.DEVICE_SERVICE


@pytest.mark.req("ALARM-2")
def test_an_alarm_is_acknowledged_and_ends_with_its_cause(device):
    device.board.input_bits &= ~codes.INPUT_DOOR_CLOSED
    device.run(200)
    bit = 1 << (codes.ALARM_DOOR - 1)
    assert device.controller.alarms.latched & bit
    assert result(device, messages.ACKNOWLEDGE, bit)[1] == codes.REASON_NONE
    device.board.input_bits |= codes.INPUT_DOOR_CLOSED
    device.run(500)
    assert not device.controller.alarms.latched & bit
    assert result(device, messages.ACKNOWLEDGE, bit)[1] == codes.REASON_NO_ALARM


@pytest.mark.req("ALARM-3")
def test_an_audio_pause_ends_with_the_link(device):
    device.board.input_bits &= ~codes.INPUT_DOOR_CLOSED
    device.run(200)
    assert result(device, messages.PAUSE_AUDIO, 121)[1:3] == (codes.REASON_EXPIRY_TOO_FAR, 120)
    assert result(device, messages.PAUSE_AUDIO, 100)[1] == codes.REASON_NONE
    assert device.controller.alarms.audio_paused_s(device.now_ms) > 90
    device.run(2_000, ping=False)
    assert device.controller.alarms.audio_paused_s(device.now_ms) == 0


def test_the_signed_status_is_that_of_this_rig_and_comes_twice_a_second(device):
    device.take()
    device.run(5_000)
    statuses = [values for number, values in device.take() if number == messages.SIGNED_STATUS]
    assert len(statuses) == 10
    counters = [values[2] for values in statuses]
    assert counters == sorted(set(counters))
    for values in statuses:
        body = messages_body(values[:-1])
        assert device.provision.tag(codes.SLOT_STATUS, messages.SIGNED_STATUS, body) == values[-1]


def messages_body(values):
    buffer = bytearray(messages.SIZES[messages.SIGNED_STATUS])
    messages.encode_body(messages.SIGNED_STATUS, buffer, 0, *values, bytes(16))
    return bytes(buffer[:-16])


@pytest.mark.req("LEDGER-1")
def test_a_dose_that_ended_stands_in_the_journal_as_a_record(device):
    device.order()
    device.until(codes.DOSE_DELIVERED)
    device.run(1_000)
    device.request(messages.GET_RECORD, 1)
    record = device.answer(messages.RECORD)
    assert record[:3] == (codes.REASON_NONE, 1, 1)
    assert record[3][:8] == FIRST
    device.request(messages.GET_RECORD, 2)
    assert device.answer(messages.RECORD)[0] == codes.REASON_NO_RECORD


@pytest.mark.req("FLOW-9")
def test_what_happened_three_times_is_cleared_in_service_mode_only(device):
    device.controller.latches.keep_for_service()
    device.request(messages.CLEAR)
    assert device.answer(messages.STATUS)[6] == codes.REASON_SERVICE_ONLY
    device.run(500)
    after = device.reboot()
    after = in_service(after.board)
    after.request(messages.CLEAR)
    assert after.answer(messages.STATUS)[6] == codes.REASON_NONE
    after.press()
    assert after.controller.latches.stop_cause == codes.CAUSE_NONE


def test_a_calibration_run_that_was_weighed_corrects_the_steps_of_its_channel(device):
    device.order(kind=codes.KIND_CALIBRATE, volume=50_000, rate=10_000)
    device.until(codes.DOSE_DELIVERED)
    device.run(500)
    assert result(device, messages.SET_CALIBRATION, FIRST, 60_000)[1] == codes.REASON_NOT_CALIBRATED
    assert result(device, messages.SET_CALIBRATION, FIRST, 50_250)[1] == codes.REASON_NONE
    device.press()
    device.request(messages.GET_CALIBRATION, codes.CHANNEL_FLUSH)
    told = device.answer(messages.CALIBRATION)
    assert told[1] == pytest.approx(5_608_000 * 1.005, rel=1e-4)
    device.run(1_000)
    after = device.reboot().started()
    after.request(messages.GET_CALIBRATION, codes.CHANNEL_FLUSH)
    assert after.answer(messages.CALIBRATION) == told


def test_a_question_about_a_channel_that_is_not_there_is_refused(device):
    for number in (messages.GET_CARTRIDGE, messages.GET_CALIBRATION):
        device.request(number, 3)
        assert device.answer(messages.REFUSED)[:2] == (number, codes.REASON_CHANNEL)
    assert device.state(NONE)[1] == codes.DOSE_NOT_KNOWN
