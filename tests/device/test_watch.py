"""Supervision, suspension and self-test as parts of the whole firmware."""

import pytest

from protocol import codes
from tests.device.device import STORED_AT, Device
from tests.device.fakes import pressure_raw

AGENT = codes.CHANNEL_AGENT


@pytest.fixture
def device():
    return Device().started()


@pytest.mark.req("FLOW-1")
def test_flow_that_nobody_ordered_stops_the_rig_and_makes_the_line_unknown(device):
    device.flows = False
    device.run(4_000)
    device.board.flow_ul_min_x10 = 1_200
    device.run(1_000)
    assert device.controller.latches.stop_cause == codes.CAUSE_FREE_FLOW
    assert device.controller.agent_in_line_nl() > 0


@pytest.mark.req("FLOW-2")
def test_steps_without_flow_stop_the_rig(device):
    device.flows = False
    device.order(volume=20_000, rate=2_000)
    device.run(4_000)
    assert device.controller.latches.stop_cause in (codes.CAUSE_STALL, codes.CAUSE_LEAK)
    assert device.edges() * 5.608 < 5_000


@pytest.mark.req("FLOW-4")
@pytest.mark.parametrize("cause", [codes.CAUSE_PRESSURE, codes.CAUSE_OCCLUSION])
def test_what_the_line_stores_when_an_occlusion_stops_the_flow_is_told(device, cause):
    """The fake line keeps nothing: what it stores by its pressure is 50 nL for each kPa at least."""
    device.order(volume=50_000, rate=5_000)
    device.run(1_500)
    assert device.status()[STORED_AT] == 0
    device.pressure_low = pressure_raw(80 if cause == codes.CAUSE_PRESSURE else 60)
    device.flows = cause == codes.CAUSE_PRESSURE
    if not device.flows:
        device.board.flow_ul_min_x10 = 0
        device.board.pressure = device.pressure_low
    keep_stored = device.controller.latches.keep_stored
    kept = []

    def look_and_keep(stored_nl):
        kept.append((stored_nl, device.controller.supervision.stored_nl, device.board.valve_patient))
        keep_stored(stored_nl)

    device.controller.latches.keep_stored = look_and_keep
    device.until(codes.DOSE_PARTIAL)
    told = device.status()
    assert told[2] == cause
    assert kept == [(told[STORED_AT], told[STORED_AT], True)]
    assert 50 * 20 < told[STORED_AT] <= 1_000 * 80


@pytest.mark.req("FLOW-4")
@pytest.mark.parametrize("flowing", [False, True])
def test_a_stop_without_an_occlusion_or_without_flow_tells_of_nothing_stored(device, flowing):
    device.order(volume=20_000, rate=5_000)
    device.run(1_500)
    if not flowing:
        device.until(codes.DOSE_DELIVERED)
        device.pressure_low = pressure_raw(30)
        device.run(500)
    assert device.controller.supervision.stored_nl > 0
    device.stop(codes.CAUSE_OPERATOR if flowing else codes.CAUSE_PRESSURE)
    assert device.status()[2] == (codes.CAUSE_OPERATOR if flowing else codes.CAUSE_PRESSURE)
    assert device.status()[STORED_AT] == 0


@pytest.mark.req("DOSE-11")
def test_the_agent_is_stirred_after_a_start_and_not_dosed_before_it_is_suspended(device):
    assert device.board.stirrer
    device.request_alarm_test()
    assert device.order(channel=AGENT)[2] == codes.REASON_DENSITY


@pytest.mark.req("DOSE-11")
def test_agent_that_turns_thin_in_mid_dose_is_paused(device):
    device.confirm_alarms()
    device.order(channel=AGENT, volume=20_000)
    device.permit_every_ms = 400
    device.until(codes.DOSE_RUNNING)
    device.board.density = 30_000
    device.run(2_000)
    assert device.controller.dose.state in (codes.DOSE_PAUSING, codes.DOSE_PAUSED)
    assert device.controller.dose.cause in (codes.CAUSE_DENSITY, codes.CAUSE_SENSOR)
    assert not device.board.valve_patient


def test_the_device_is_starting_until_everything_has_shown_that_it_works():
    device = Device()
    device.run(200)
    assert device.controller.device_state() == codes.DEVICE_STARTING
    device.run(3_000)
    assert device.controller.device_state() == codes.DEVICE_READY
