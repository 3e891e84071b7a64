"""Orders judged by the whole firmware: every reason, and that a refused order changes nothing."""

import pytest

from device import limits
from device.ceilings import LOOSEST
from protocol import codes, messages
from tests.device.device import FIRST, INTERVAL_MS, NONE, SECOND, Device
from tests.device.fakes import FakeBoard, pressure_raw

AGENT = codes.CHANNEL_AGENT
COUNTER = codes.CHANNEL_COUNTER_AGENT


@pytest.fixture
def device():
    return Device().started()


@pytest.fixture
def ready(device):
    """A rig at which a person has confirmed light and sound."""
    device.confirm_alarms()
    return device


def refused(answer, reason):
    assert answer[1:3] == (codes.DOSE_REFUSED, reason)


@pytest.mark.req("DOSE-1", "DOSE-4")
@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"boot": b"yesterda"}, codes.REASON_BOOT),
        ({"session": b"old-"}, codes.REASON_SESSION),
        ({"expires": 0}, codes.REASON_EXPIRED),
        ({"expires": 100_001}, codes.REASON_EXPIRY_TOO_FAR),
        ({"expires": 1 << 30}, codes.REASON_EXPIRY_TOO_FAR),
        ({"expires": 0xFFFFFFFF}, codes.REASON_EXPIRY_TOO_FAR),
        ({"kind": 0}, codes.REASON_KIND),
        ({"kind": 7}, codes.REASON_KIND),
        ({"kind": 255}, codes.REASON_KIND),
        ({"profile": 3}, codes.REASON_PROFILE),
        ({"end": 900}, codes.REASON_SEGMENT),
        ({"channel": 3}, codes.REASON_CHANNEL),
        ({"kind": codes.KIND_SCREENING}, codes.REASON_CHANNEL),
        ({"kind": codes.KIND_RESCUE}, codes.REASON_CHANNEL),
        ({"lot": b"lot-0000"}, codes.REASON_LOT),
        ({"treatment": NONE}, codes.REASON_TREATMENT),
        ({"kind": codes.KIND_PRIME, "treatment": b"treatmnt"}, codes.REASON_TREATMENT),
        ({"last": b"whenever"}, codes.REASON_LAST_DOSE),
        ({"volume": 0}, codes.REASON_VOLUME_LOW),
        ({"volume": 0xFFFFFFFF}, codes.REASON_VOLUME_HIGH),
        ({"rate": 0}, codes.REASON_RATE_LOW),
        ({"rate": 0xFFFFFFFF}, codes.REASON_RATE_HIGH),
    ],
)
def test_each_wrong_field_has_its_own_reason_and_changes_nothing(device, changes, reason):
    refused(device.order(**changes), reason)
    device.run(3_000)
    assert device.edges() == 0
    assert not device.board.valve_patient
    assert device.controller.journal.last_dose_id == NONE


def test_an_order_without_an_id_is_refused_and_not_remembered(device):
    refused(device.order(NONE), codes.REASON_ID)
    assert device.state(NONE)[1] == codes.DOSE_NOT_KNOWN


def test_a_refusal_says_what_was_asked_and_the_nearest_allowed_value(device):
    answer = device.order(volume=200_000)
    assert (answer[6], answer[15]) == (200_000, limits.MAX_DOSE_NL)


@pytest.mark.req("DOSE-2")
@pytest.mark.parametrize(
    "changes", [{}, {"volume": 9_000}, {"expires": 1}, {"boot": b"other---"}, {"session": b"oths"}]
)
def test_a_repeated_id_returns_what_is_stored_and_moves_nothing(device, changes):
    device.order()
    device.until(codes.DOSE_DELIVERED)
    device.run(100)
    before = device.edges()
    answer = device.order(**changes)
    device.run(INTERVAL_MS)
    assert (answer[1], answer[8]) == (codes.DOSE_DELIVERED, before)
    assert device.edges() == before


@pytest.mark.req("DOSE-2", "LEDGER-5")
def test_an_outcome_is_told_once_it_is_durable_and_not_before(device):
    device.order()
    device.until(codes.DOSE_DELIVERED)
    device.take()
    assert device.state()[1] == codes.DOSE_STOPPING
    assert device.status()[8] == codes.DOSE_STOPPING
    refused(device.order(SECOND), codes.REASON_BUSY)
    device.run(100)
    told = [values[1] for number, values in device.take() if number == messages.DOSE_STATE]
    assert told == [codes.DOSE_DELIVERED]
    assert device.state()[1] == codes.DOSE_DELIVERED


@pytest.mark.req("DOSE-2")
def test_an_id_of_an_earlier_boot_is_answered_from_the_journal_and_moves_nothing(device):
    device.order()
    device.until(codes.DOSE_DELIVERED)
    device.run(1_000)
    told = device.state()
    after = device.reboot().started()
    answer = after.order()
    after.run(INTERVAL_MS)
    assert answer[:15] == told[:15]
    assert after.edges() == 0


@pytest.mark.req("DOSE-2")
def test_a_refused_id_is_refused_again_though_it_would_be_allowed_now(device):
    device.board.input_bits &= ~codes.INPUT_BUBBLE_CLEAR
    device.run(50)
    refused(device.order(), codes.REASON_INTERLOCK)
    device.board.input_bits |= codes.INPUT_BUBBLE_CLEAR
    device.run(500)
    refused(device.order(), codes.REASON_INTERLOCK)


@pytest.mark.req("DOSE-3")
def test_an_order_that_does_not_know_of_the_last_dose_of_an_earlier_boot_is_refused(device):
    device.order()
    device.until(codes.DOSE_DELIVERED)
    device.run(1_000)
    after = device.reboot().started()
    after.run(INTERVAL_MS)
    refused(after.order(SECOND, last=NONE), codes.REASON_LAST_DOSE)
    assert after.order(b"dose-3--", last=FIRST)[1] == codes.DOSE_ACCEPTED


@pytest.mark.req("DOSE-7")
def test_a_second_dose_is_refused_and_not_queued(device):
    device.order()
    device.run(300)
    refused(device.order(SECOND), codes.REASON_BUSY)
    device.until(codes.DOSE_DELIVERED)
    device.run(INTERVAL_MS)
    assert device.edges() == limits.steps_of(2_000)


@pytest.mark.req("DOSE-9")
def test_the_next_dose_of_a_channel_waits_for_the_interval_and_is_told_how_long(device):
    device.order()
    device.until(codes.DOSE_DELIVERED)
    device.run(1_000)
    answer = device.order(SECOND)
    refused(answer, codes.REASON_INTERVAL)
    assert 8_500 <= answer[15] <= 9_000
    device.run(answer[15])
    assert device.order(b"dose-3--")[1] == codes.DOSE_ACCEPTED


@pytest.mark.req("DOSE-9")
def test_after_a_boot_every_journaled_dose_has_age_zero(device):
    device.order()
    device.until(codes.DOSE_DELIVERED)
    device.run(60_000)
    after = device.reboot()
    after.run(3_000)
    after.hello()
    refused(after.order(SECOND), codes.REASON_INTERVAL)


@pytest.mark.req("FLOW-4")
def test_no_dose_begins_while_the_line_still_holds_pressure(device):
    device.pressure_low = pressure_raw(5)
    device.run(2_000)
    refused(device.order(), codes.REASON_LINE_PRESSURE)
    device.pressure_low = pressure_raw(0)
    device.run(3_000)
    assert device.order(SECOND)[1] == codes.DOSE_ACCEPTED


@pytest.mark.req("PERMIT-5")
def test_waste_is_refused_while_the_valve_is_on_the_patient(device):
    device.order()
    device.run(500)
    refused(device.order(SECOND, kind=codes.KIND_PRIME), codes.REASON_VALVE)


@pytest.mark.req("PERMIT-5")
def test_waste_needs_no_permit_no_treatment_and_no_date(device):
    device = device.reboot()
    device.run(3_000)
    device.hello()
    device.run(INTERVAL_MS)
    assert device.order(kind=codes.KIND_PRIME, channel=AGENT)[1] == codes.DOSE_ACCEPTED
    device.until(codes.DOSE_DELIVERED)
    assert device.edges(AGENT) == limits.steps_of(2_000)


@pytest.mark.req("ALARM-4")
def test_no_agent_before_a_person_has_confirmed_light_and_sound(device):
    refused(device.order(channel=AGENT), codes.REASON_SELF_TEST)
    device.confirm_alarms()
    assert device.order(SECOND, channel=AGENT)[1] == codes.DOSE_ACCEPTED


@pytest.mark.req("DOSE-10")
def test_no_agent_without_a_date(ready):
    after = ready.reboot()
    after.run(3_000)
    after.hello()
    after.confirm_alarms()
    refused(after.order(channel=AGENT), codes.REASON_NO_DATE)


@pytest.mark.req("PERMIT-1", "DOSE-13")
@pytest.mark.parametrize("channel", [AGENT, COUNTER])
def test_agent_and_counter_agent_wait_for_their_permit_and_nothing_moves_before(ready, channel):
    assert ready.order(channel=channel)[1] == codes.DOSE_ACCEPTED
    ready.run(2_000)
    assert ready.edges(channel) == 0
    assert ready.permit()[1] == codes.REASON_NONE
    ready.permit_every_ms = 500
    ready.until(codes.DOSE_DELIVERED)
    assert ready.edges(channel) == limits.steps_of(2_000)


@pytest.mark.req("DOSE-13")
def test_flush_behind_agent_is_agent_and_wants_a_permit(ready):
    ready.order(channel=AGENT)
    ready.permit_every_ms = 500
    ready.until(codes.DOSE_DELIVERED)
    ready.permit_every_ms = 0
    ready.run(INTERVAL_MS)
    ready.order(SECOND, channel=codes.CHANNEL_FLUSH)
    ready.run(2_000)
    assert ready.edges(codes.CHANNEL_FLUSH) == 0
    ready.permit_every_ms = 500
    ready.until(codes.DOSE_DELIVERED)
    assert ready.edges(codes.CHANNEL_FLUSH) == limits.steps_of(2_000)


@pytest.mark.req("DOSE-6")
@pytest.mark.parametrize(
    ("index", "value", "changes", "reason"),
    [
        (0, 1_500, {"channel": AGENT}, codes.REASON_VOLUME_HIGH),
        (1, 900, {"channel": AGENT}, codes.REASON_RATE_HIGH),
        (2, 1_500, {"channel": AGENT}, codes.REASON_TOTAL_HIGH),
        (3, 1_500, {"channel": AGENT}, codes.REASON_WINDOW_HIGH),
        (5, 1_500, {"channel": COUNTER}, codes.REASON_VOLUME_HIGH),
        (6, 1_500, {"channel": COUNTER}, codes.REASON_TOTAL_HIGH),
        (7, 1_500, {}, codes.REASON_VOLUME_HIGH),
        (8, 1_500, {}, codes.REASON_TOTAL_HIGH),
        (0, 0, {"channel": AGENT}, codes.REASON_CEILING_UNSET),
        (5, 0, {"channel": COUNTER}, codes.REASON_CEILING_UNSET),
        (7, 0, {}, codes.REASON_CEILING_UNSET),
    ],
)
def test_every_ceiling_of_the_plan_holds(ready, index, value, changes, reason):
    row = list(LOOSEST)
    row[index] = value
    ready.sign(codes.SLOT_CLINIC, messages.CLOSE_TREATMENT, ready.provision.treatment)
    ready.press()
    fields = (b"treatm-2", ready.provision.day, codes.SCREENING_PASSED, 0, *row)
    assert ready.sign(codes.SLOT_CLINIC, messages.OPEN_TREATMENT, *fields)[1] == codes.REASON_NONE
    ready.press()
    answer = ready.order(treatment=b"treatm-2", **changes)
    refused(answer, reason)
    assert answer[15] <= value


def test_without_a_treatment_nothing_goes_to_a_patient(device):
    device.sign(codes.SLOT_CLINIC, messages.CLOSE_TREATMENT, device.provision.treatment)
    device.press()
    refused(device.order(), codes.REASON_NO_TREATMENT)


@pytest.mark.req("PERMIT-6")
def test_a_rig_without_keys_ceilings_and_treatment_doses_to_no_patient():
    bare = Device(FakeBoard())
    bare.run(3_000)
    bare.hello()
    assert bare.order()[1] == codes.DOSE_REFUSED
