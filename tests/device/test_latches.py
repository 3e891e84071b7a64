import pytest
from hypothesis import given
from hypothesis import strategies as st

from device.latches import OCTETS, Latches, is_patient_cause
from protocol import codes

PATIENT = [codes.CAUSE_MONITOR, codes.CAUSE_CLINICIAN, codes.CAUSE_CONSENT]
CAUSES = st.sampled_from([number for _, number in codes.CAUSES if number])


@pytest.fixture
def latches():
    return Latches()


@pytest.mark.req("STOP-1")
def test_the_first_cause_of_a_stop_stays(latches):
    latches.stop(codes.CAUSE_DOOR)
    latches.stop(codes.CAUSE_OPERATOR)
    latches.stop(codes.CAUSE_MONITOR)
    assert latches.stop_cause == codes.CAUSE_DOOR


@pytest.mark.req("STOP-1")
@pytest.mark.parametrize("cause", PATIENT)
def test_a_patients_stop_is_not_cleared_with_the_machines(latches, cause):
    latches.stop(codes.CAUSE_DOOR)
    latches.stop(cause)
    latches.clear_machine()
    assert (latches.stop_cause, latches.machine_cause, latches.hold_cause) == (cause, 0, cause)
    latches.clear_patient()
    assert (latches.stop_cause, latches.hold_cause) == (0, 0)


@pytest.mark.req("STOP-1")
def test_a_machines_stop_is_not_cleared_with_the_patients(latches):
    latches.stop(codes.CAUSE_MONITOR)
    latches.stop(codes.CAUSE_DOOR)
    latches.clear_patient()
    assert latches.stop_cause == codes.CAUSE_DOOR


def test_a_hold_keeps_the_agent_and_stops_nothing(latches):
    latches.hold(codes.CAUSE_MONITOR)
    assert (latches.stop_cause, latches.hold_cause) == (0, codes.CAUSE_MONITOR)


@pytest.mark.req("FLOW-9")
def test_a_stop_for_service_is_forgotten_when_it_is_cleared(latches):
    latches.keep_for_service()
    assert latches.service_only
    latches.clear_machine()
    assert not latches.service_only


def test_only_what_changed_is_dirty(latches):
    latches.stop(codes.CAUSE_DOOR)
    assert latches.dirty
    latches.pack()
    latches.stop(codes.CAUSE_DOOR)
    assert not latches.dirty


@given(st.lists(st.tuples(st.sampled_from(["stop", "hold", "clear_machine", "clear_patient"]), CAUSES), max_size=8))
def test_what_is_packed_is_what_comes_back_and_a_stop_has_a_cause_of_its_kind(acts):
    latches = Latches()
    for act, cause in acts:
        if act == "stop" or (act == "hold" and is_patient_cause(cause)):
            getattr(latches, act)(cause)
        elif act.startswith("clear"):
            getattr(latches, act)()
    octets = latches.pack()
    after = Latches()
    after.unpack(octets)
    assert len(octets) == OCTETS
    assert after.pack() == octets
    assert latches.stop_cause in (0, latches.machine_cause, latches.hold_cause)
    assert bool(latches.stop_cause) >= bool(latches.machine_cause)
