"""What outlives the power: every act is done, the power is taken away and given back, and the rig still knows."""

import pytest

from device.ceilings import LOOSEST
from device.journal_cells import CELL_KEY, CELL_PRESSURE_LIMIT, CELL_STOP, CELL_USE, SIZES
from device.kept import Kept
from device.latches import Latches
from protocol import codes, messages
from tests.device.device import FIRST, INTERVAL_MS, NONE, PRESSURE_LIMIT_AT, SECOND, STORED_AT, Device
from tests.device.fakes import NO_PRESSURE_RAW, FakeBoard, pressure_raw
from tests.device.journal_rig import LoggedFram, begun

AGENT = codes.CHANNEL_AGENT


@pytest.fixture
def device():
    return Device().started()


def reborn(device: Device) -> Device:
    device.run(1_000)
    return device.reboot().started()


def treatment(device: Device) -> tuple:
    device.request(messages.GET_TREATMENT)
    return device.answer(messages.TREATMENT)


@pytest.mark.req("STOP-1", "STOP-9")
@pytest.mark.parametrize("cause", [codes.CAUSE_OPERATOR, codes.CAUSE_CLINICIAN])
def test_a_latched_stop_survives(device, cause):
    device.stop(cause)
    after = reborn(device)
    assert after.status()[2] == cause
    assert after.order()[2] == codes.REASON_STOPPED


@pytest.mark.req("STOP-1")
def test_a_stop_is_written_at_once_and_that_it_was_cleared_when_all_else_is_durable():
    journal = begun(LoggedFram())
    kept = Kept(FakeBoard(), journal)
    latches = kept.latches

    def in_fram() -> int:
        told = Latches()
        told.unpack(journal.load(CELL_STOP) or b"")
        return told.stop_cause

    assert journal.store(CELL_KEY, bytes(40))
    latches.stop(codes.CAUSE_DOOR)
    kept.step()
    journal.step()
    assert in_fram() == codes.CAUSE_DOOR
    latches.clear_machine()
    while not journal.idle():
        kept.step()
        assert in_fram() == codes.CAUSE_DOOR
        journal.step()
    assert latches.dirty
    kept.step()
    assert journal.flush()
    assert in_fram() == codes.CAUSE_NONE
    assert not latches.dirty


@pytest.mark.req("LEDGER-1", "RESCUE-1")
def test_what_no_dose_has_changed_is_stored_anew_while_the_journal_still_has_what_came_after(device):
    journal = device.controller.journal
    counter = CELL_USE + codes.CHANNEL_COUNTER_AGENT
    for number in range(1, 66):
        stored = journal.includes(counter)
        device.order(number.to_bytes(8, "little"), kind=codes.KIND_PRIME, volume=100, rate=5_000)
        device.run(3_500)
        assert journal.newest == number
    assert stored == 0
    assert journal.includes(counter) == 65


@pytest.mark.req("STOP-1")
def test_a_stop_after_a_clear_that_is_not_written_yet_is_written_at_once():
    journal = begun(LoggedFram())
    kept = Kept(FakeBoard(), journal)
    kept.latches.stop(codes.CAUSE_DOOR)
    kept.step()
    assert journal.flush()
    assert journal.store(CELL_KEY, bytes(40))
    kept.latches.clear_machine()
    kept.step()
    kept.latches.stop(codes.CAUSE_OPERATOR)
    kept.step()
    journal.step()
    told = Latches()
    told.unpack(journal.load(CELL_STOP))
    assert told.stop_cause == codes.CAUSE_OPERATOR


@pytest.mark.req("FLOW-4")
def test_what_the_line_stored_at_a_stop_survives_with_the_stop_and_is_cleared_with_it(device):
    device.order(volume=20_000, rate=2_000)
    device.run(1_500)
    device.pressure_low = pressure_raw(80)
    device.until(codes.DOSE_PARTIAL)
    device.pressure_low = NO_PRESSURE_RAW
    stored_nl = device.status()[STORED_AT]
    assert stored_nl > 0
    after = reborn(device)
    assert after.status()[STORED_AT] == stored_nl
    after.request(messages.CLEAR)
    assert after.answer(messages.STATUS)[STORED_AT] == stored_nl
    after.press()
    assert (after.status()[2], after.status()[STORED_AT]) == (codes.CAUSE_NONE, 0)


@pytest.mark.req("MON-1")
def test_a_hold_survives(device):
    device.sign(codes.SLOT_MONITOR, messages.HOLD, device.provision.treatment, codes.HOLD_HOLD)
    after = reborn(device)
    assert after.status()[9] == codes.CAUSE_MONITOR
    after.confirm_alarms()
    assert after.order(channel=AGENT)[2] == codes.REASON_HOLD


def test_a_treatment_its_plan_and_its_totals_survive(device):
    device.order()
    device.until(codes.DOSE_DELIVERED)
    told = treatment(device)
    assert told[0] == device.provision.treatment
    assert told[16] > 2_000
    after = treatment(reborn(device))
    assert after[:1] + after[2:16] == told[:1] + told[2:16]
    assert after[16] == told[16]


def test_a_closed_treatment_stays_closed(device):
    device.sign(codes.SLOT_CLINIC, messages.CLOSE_TREATMENT, device.provision.treatment)
    device.press()
    assert treatment(reborn(device))[0] == NONE


@pytest.mark.req("DOSE-6")
def test_the_clinics_ceilings_survive(device):
    row = (1_000, *LOOSEST[1:])
    device.sign(codes.SLOT_CLINIC, messages.SET_CEILINGS, *row)
    device.press()
    assert treatment(reborn(device))[5] == 1_000


@pytest.mark.req("FLOW-3")
@pytest.mark.parametrize("limit_pa", [14_000, 138_000])
def test_the_pressure_limit_survives(device, limit_pa):
    assert device.status()[PRESSURE_LIMIT_AT] == 69_000
    device.sign(codes.SLOT_CLINIC, messages.SET_PRESSURE_LIMIT, limit_pa)
    device.press()
    assert reborn(device).status()[PRESSURE_LIMIT_AT] == limit_pa


@pytest.mark.req("FLOW-3")
def test_a_pressure_limit_that_cannot_be_read_any_more_is_69_kpa_and_nothing_is_dosed(device):
    device.sign(codes.SLOT_CLINIC, messages.SET_PRESSURE_LIMIT, 138_000)
    device.press()
    device.run(1_000)
    size = SIZES[CELL_PRESSURE_LIMIT] + 14
    first = sum(2 * (size + 14) for size in SIZES[:CELL_PRESSURE_LIMIT])
    for copy in range(2):
        assert device.board.fram[first + copy * size + 10 :][:4] == (138_000).to_bytes(4, "little")
        device.board.fram[first + copy * size + 10] ^= 1
    after = device.reboot().started()
    assert after.status()[PRESSURE_LIMIT_AT] == 69_000
    assert after.order()[1] == codes.DOSE_REFUSED


@pytest.mark.req("DOSE-10")
def test_the_date_does_not_survive(device):
    assert treatment(device)[1] == device.provision.day
    after = device.reboot()
    after.run(3_000)
    after.hello()
    assert treatment(after)[1] == 0


@pytest.mark.req("DOSE-13")
def test_what_stands_in_the_line_survives(device):
    device.confirm_alarms()
    device.order(channel=AGENT, volume=5_000)
    device.permit_every_ms = 500
    device.until(codes.DOSE_DELIVERED)
    device.permit_every_ms = 0
    told = treatment(device)[18]
    assert told >= 5_000
    assert treatment(reborn(device))[18] == told


@pytest.mark.req("LEDGER-1", "LEDGER-2")
def test_an_unknown_dose_counts_in_full_once_however_often_the_power_goes(device):
    device.order()
    device.run(700)
    after = device.reboot().started()
    told = after.state(FIRST)
    assert told[1] == codes.DOSE_UNKNOWN
    counted = treatment(after)[16]
    assert counted == told[12] > 0
    for _ in range(3):
        after = after.reboot().started()
        assert treatment(after)[16] == counted
        assert after.status()[10] == FIRST


@pytest.mark.req("RESCUE-1")
def test_an_unknown_dose_blocks_agent_until_it_is_resolved_by_a_person_for_good(device):
    device.order()
    device.run(700)
    after = device.reboot().started()
    after.confirm_alarms()
    after.run(INTERVAL_MS)
    assert after.order(SECOND, channel=AGENT)[2] == codes.REASON_UNRESOLVED
    after.request(messages.RESOLVE, SECOND)
    assert after.answer(messages.RESULT)[1] == codes.REASON_ID
    after.request(messages.RESOLVE, FIRST)
    assert after.answer(messages.RESULT)[3] == 1
    after.press()
    assert after.order(b"dose-3--", channel=AGENT)[1] == codes.DOSE_ACCEPTED
    after.until(codes.DOSE_PARTIAL)
    assert reborn(after).status()[10] == NONE


def test_what_was_used_of_a_cartridge_survives_though_its_memory_was_not_written(device):
    device.request(messages.GET_CARTRIDGE, 2)
    before = device.answer(messages.CARTRIDGE)[7]
    memory = bytes(device.board.chips.cartridges[2].contents)
    device.order(volume=10_000, rate=10_000)
    device.until(codes.DOSE_DELIVERED)
    device.run(1_000)
    device.board.chips.cartridges[2].contents[:] = memory
    after = device.reboot().started()
    after.request(messages.GET_CARTRIDGE, 2)
    assert after.answer(messages.CARTRIDGE)[7] <= before - 10_000
