"""Which acts the journal has to hear of, and that a hold that stopped nothing never turns into a stop."""

import pytest

from device.latches import Latches
from protocol import codes

DOOR, MONITOR, REPEATED = codes.CAUSE_DOOR, codes.CAUSE_MONITOR, codes.CAUSE_REPEATED


@pytest.fixture
def latches():
    return Latches()


def test_new_latches_keep_nothing_and_have_nothing_to_say(latches):
    assert (latches.stop_cause, latches.machine_cause, latches.hold_cause) == (0, 0, 0)
    assert (latches.service_only, latches.dirty) == (False, False)
    assert latches.stored_nl == 0
    assert latches.pack() == bytes(9)


@pytest.mark.req("STOP-1")
@pytest.mark.parametrize("stopped", [False, True], ids=["held only", "held and stopped by the machine"])
def test_a_hold_does_not_become_a_stop_when_the_machines_is_cleared(latches, stopped):
    latches.hold(MONITOR)
    if stopped:
        latches.stop(DOOR)
    latches.clear_machine()
    assert (latches.stop_cause, latches.hold_cause) == (0, MONITOR)


@pytest.mark.req("STOP-1")
def test_a_hold_after_a_patients_stop_was_cleared_stops_nothing(latches):
    latches.stop(MONITOR)
    latches.clear_patient()
    latches.hold(MONITOR)
    latches.clear_machine()
    assert latches.stop_cause == 0


def test_a_hold_is_worth_writing_down(latches):
    latches.hold(MONITOR)
    assert latches.dirty
    assert latches.pack() == bytes((0, 0, MONITOR, 0, 0, 0, 0, 0, 0))


@pytest.mark.req("FLOW-4")
def test_what_the_line_stored_is_written_down_and_comes_back_until_the_machines_stop_is_cleared(latches):
    latches.keep_stored(0)
    assert not latches.dirty
    latches.keep_stored(0x01234)
    assert latches.dirty
    latches.stop(codes.CAUSE_OCCLUSION)
    latches.stop(MONITOR)
    cause = codes.CAUSE_OCCLUSION
    assert latches.pack() == bytes((cause, cause, MONITOR, 1, 0, 0x34, 0x12, 0, 0))
    after = Latches()
    after.unpack(latches.pack())
    assert after.stored_nl == 0x01234
    after.clear_patient()
    assert after.stored_nl == 0x01234
    after.clear_machine()
    assert after.stored_nl == 0
    assert after.dirty


def test_latches_that_an_earlier_firmware_kept_are_taken(latches):
    latches.unpack(bytes((DOOR, DOOR, MONITOR, 1, 1)))
    assert (latches.stop_cause, latches.machine_cause, latches.hold_cause) == (DOOR, DOOR, MONITOR)
    assert (latches.service_only, latches.stored_nl) == (True, 0)


@pytest.mark.req("FLOW-9")
def test_a_stop_for_service_is_a_stop_that_is_written_down_and_comes_back(latches):
    latches.keep_for_service()
    assert (latches.stop_cause, latches.machine_cause) == (REPEATED, REPEATED)
    after = Latches()
    after.unpack(latches.pack())
    assert after.service_only


def test_that_only_service_may_clear_a_stop_is_worth_writing_down(latches):
    latches.stop(REPEATED)
    latches.pack()
    latches.keep_for_service()
    assert latches.dirty
    latches.pack()
    latches.keep_for_service()
    assert not latches.dirty


@pytest.mark.req("STOP-1")
@pytest.mark.parametrize(
    "act",
    [
        lambda latches: latches.stop(codes.CAUSE_OPERATOR),
        lambda latches: latches.stop(MONITOR),
        lambda latches: latches.hold(MONITOR),
        lambda latches: latches.keep_for_service(),
        lambda latches: latches.keep_stored(5),
    ],
    ids=["machine", "patient", "hold", "service", "stored"],
)
def test_what_is_latched_after_a_clear_is_no_clear(latches, act):
    latches.stop(DOOR)
    latches.clear_machine()
    assert latches.cleared
    act(latches)
    assert (latches.dirty, latches.cleared) == (True, False)


@pytest.mark.req("STOP-1")
def test_what_is_cleared_after_a_stop_is_a_clear(latches):
    assert not latches.cleared
    latches.stop(MONITOR)
    assert not latches.cleared
    latches.clear_patient()
    assert (latches.dirty, latches.cleared) == (True, True)


@pytest.mark.req("FLOW-9")
def test_a_stop_that_only_service_may_clear_from_now_on_is_no_clear(latches):
    latches.stop(REPEATED)
    latches.clear_patient()
    latches.keep_for_service()
    assert not latches.cleared
