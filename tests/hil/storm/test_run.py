"""One schedule: the same run every time, with an end that a person would expect."""

import pytest

from hil.faults import acts
from hil.faults import vocabulary as v
from hil.faults.generate import generate
from hil.faults.schedule import Schedule
from hil.storm.run import run_schedule


def schedule(*records, host="client", length_us=4_000_000, target="twin"):
    found = [record for record in records if isinstance(record, acts.Act)]
    faults = [record for record in records if isinstance(record, v.Fault)]
    return Schedule(target, 5, host, length_us, tuple(found), tuple(faults))


@pytest.mark.parametrize("number", range(6))
def test_the_same_schedule_gives_the_same_edges_and_frames(number):
    one, other = (run_schedule(generate("twin", 21, number)) for _ in range(2))
    assert one.digest == other.digest
    assert one.edges == other.edges


def test_a_quiet_day_breaks_no_promise_and_moves_liquid():
    run = run_schedule(schedule(acts.Dose(700_000, 2000, 2000)))
    assert run.violations == []
    assert run.edges > 2000 * 1000 // 5608


@pytest.mark.req("LEDGER-5", "LINK-5")
@pytest.mark.parametrize(
    "fault",
    [
        v.HostKilled(1_200_000, 900_000),
        v.PowerOff(1_200_000, 300_000),
        v.FirmwareReset(1_200_000),
        v.FirmwareHang(1_200_000),
    ],
    ids=lambda fault: fault.KIND,
)
def test_killed_in_the_middle_of_a_dose_both_sides_come_to_terms_and_nothing_starts_by_itself(fault):
    assert run_schedule(schedule(acts.Dose(700_000, 3000, 2000), fault)).violations == []


@pytest.mark.req("DOSE-2", "DOSE-4")
def test_an_order_that_is_said_again_in_every_form_runs_once():
    forms = ("frame", "order", "adopted")
    repeats = [
        acts.Repeat(at_us, 0, form) for at_us, form in zip(range(900_000, 6_000_000, 350_000), forms * 5, strict=False)
    ]
    reset = v.FirmwareReset(5_000_000)
    run = run_schedule(schedule(acts.Dose(700_000, 500, 2000), *repeats, reset, host="raw", length_us=7_000_000))
    assert run.violations == []
    assert run.edges == 2 * (500 * 1000 // 5608)  # this dose, and the one after the storm


@pytest.mark.req("FLOW-8")
@pytest.mark.parametrize("fault", [v.FirmwareReset(1_000_000), v.BusStuck(1_000_000, 500_000, 0)])
def test_after_a_reset_or_a_stuck_bus_the_flow_sensor_measures_again(fault):
    assert run_schedule(schedule(fault)).violations == []


def test_a_schedule_runs_on_the_vm_too():
    run = run_schedule(schedule(acts.Dose(700_000, 500, 2000), v.FirmwareKilled(1_500_000), target="vm"))
    assert run.violations == []


def test_faults_of_a_patient_bring_a_patient():
    assert run_schedule(schedule(v.FlatLine(500_000, 100_000, "spo2"))).violations == []
