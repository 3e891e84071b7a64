"""What a rig is asked for besides saline: permits, kinds of doses, treatments, cartridges, alarms, service."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from host.errors import RigError
from host.profiles import Piece, Profile
from host.records import OutcomeKind
from host.rig import Rig
from protocol import codes, messages, typed
from tests.host.fake_device import LOTS, RIG, TREATMENT
from tests.host.loops import virtual
from tests.host.world import World, world

ID = b"12345678"

RELAYS: list[tuple[Callable[[Rig, bytes], Awaitable[Any]], int]] = [
    (Rig.permit, messages.PERMIT),
    (Rig.hold, messages.HOLD),
    (Rig.open_treatment, messages.OPEN_TREATMENT),
    (Rig.close_treatment, messages.CLOSE_TREATMENT),
    (Rig.set_ceilings, messages.SET_CEILINGS),
    (Rig.set_pressure_limit, messages.SET_PRESSURE_LIMIT),
    (Rig.set_date, messages.SET_DATE),
    (Rig.clear_by_clinician, messages.CLEAR_BY_CLINICIAN),
]


def name(row: tuple[Callable[..., Any], int]) -> str:
    return row[0].__name__


@pytest.mark.req("PERMIT-2")
@pytest.mark.parametrize("row", RELAYS, ids=name)
@virtual
async def test_what_others_signed_arrives_as_it_was_signed(
    tmp_path: Path, row: tuple[Callable[[Rig, bytes], Awaitable[Any]], int]
) -> None:
    relay, number = row
    signed = bytes(range(100))[: messages.SIZES[number]]
    async with world(tmp_path) as here:
        await relay(here.rig, signed)
        ((got, values),) = here.device.asked
    buffer = bytearray(200)
    end = messages.encode_body(number, buffer, 0, *values)
    assert (got, bytes(buffer[:end])) == (number, signed)


@pytest.mark.req("SEC-5")
@pytest.mark.parametrize("row", RELAYS, ids=name)
@virtual
async def test_a_signed_message_of_another_length_is_a_usage_error_and_not_sent(
    tmp_path: Path, row: tuple[Callable[[Rig, bytes], Awaitable[Any]], int]
) -> None:
    async with world(tmp_path) as here:
        with pytest.raises(RigError) as caught:
            await row[0](here.rig, b"short")
        assert caught.value.exit_code == 2
        assert here.device.asked == []


@pytest.mark.req("DOSE-4", "PERMIT-1")
@pytest.mark.parametrize("reason", [number for _, number in codes.REASONS[1:]])
@virtual
async def test_a_refusal_names_its_reason_says_what_to_do_and_the_nearest_value(tmp_path: Path, reason: int) -> None:
    async with world(tmp_path) as here:
        here.device.refuse[messages.PERMIT] = (reason, 2000)
        with pytest.raises(RigError) as caught:
            await here.rig.permit(bytes(messages.SIZES[messages.PERMIT]))
    assert (caught.value.code, caught.value.exit_code) == ("refused", 3)
    assert caught.value.reason == {number: text for text, number in codes.REASONS}[reason]
    assert caught.value.nearest == 2000
    assert "2000" in caught.value.todo


@virtual
async def test_what_needs_a_person_says_so(tmp_path: Path) -> None:
    async with world(tmp_path) as here:
        assert (await here.rig.open_treatment(bytes(messages.SIZES[messages.OPEN_TREATMENT]))).person_awaited
        assert not (await here.rig.set_date(bytes(messages.SIZES[messages.SET_DATE]))).person_awaited


ACTS: list[tuple[Callable[[Rig], Awaitable[Any]], int, tuple[int | bytes, ...]]] = [
    (lambda rig: rig.resolve(ID), messages.RESOLVE, (ID,)),
    (lambda rig: rig.acknowledge(5), messages.ACKNOWLEDGE, (5,)),
    (lambda rig: rig.pause_audio(90), messages.PAUSE_AUDIO, (90,)),
    (lambda rig: rig.test_alarms(), messages.TEST_ALARMS, ()),
    (lambda rig: rig.set_calibration(ID, 9000), messages.SET_CALIBRATION, (ID, 9000)),
    (lambda rig: rig.set_key("clinic", 2, b"k" * 32), messages.SET_KEY, (codes.SLOT_CLINIC, 2, b"k" * 32)),
    (lambda rig: rig.set_rig(ID), messages.SET_RIG, (ID,)),
]


@pytest.mark.parametrize(("act", "number", "values"), ACTS, ids=[str(row[1]) for row in ACTS])
@virtual
async def test_an_act_is_asked_for_and_answered(
    tmp_path: Path, act: Callable[[Rig], Awaitable[Any]], number: int, values: tuple[int | bytes, ...]
) -> None:
    async with world(tmp_path) as here:
        await act(here.rig)
        assert here.device.asked == [(number, values)]
        here.device.refuse[number] = (codes.REASON_SERVICE, 0)
        with pytest.raises(RigError) as caught:
            await act(here.rig)
        assert caught.value.reason == "service"


WITHOUT_SENSE: list[Callable[[Rig], Awaitable[Any]]] = [
    lambda rig: rig.resolve(b"short"),
    lambda rig: rig.acknowledge(0),
    lambda rig: rig.acknowledge(1 << 30),
    lambda rig: rig.pause_audio(121),
    lambda rig: rig.set_calibration(ID, 0),
    lambda rig: rig.set_key("clinic", 1, b"short"),
    lambda rig: rig.set_key("master", 1, bytes(32)),
    lambda rig: rig.set_rig(bytes(9)),
    lambda rig: rig.cartridge("tea"),
    lambda rig: rig.record(-1),
    lambda rig: rig.dose(1000, 1000, kind="gift"),
    lambda rig: rig.dose(1000, 1000, "agent", kind="rescue"),
    lambda rig: rig.dose(1000, 1000, "flush", kind="screening"),
    lambda rig: rig.dose(1000, 1000, lot=b"short"),
    lambda rig: rig.dose(1000, 1000, treatment=b"short"),
    lambda rig: rig.dose(1000, 1000, profile=Profile(further=(Piece(1000, 100, 100),))),
    lambda rig: rig.dose(1000, 1000, profile=Profile(further=(Piece(100, 100, 70_000),))),
    lambda rig: rig.dose(1000, 1000, profile=Profile(further=(Piece(1, 1, 1),) * 4)),
    lambda rig: rig.dose(1000, 1000, profile=Profile(0)),
    lambda rig: rig.close_unknown(ID, "  "),
]


@pytest.mark.req("SEC-5")
@pytest.mark.parametrize("act", WITHOUT_SENSE, ids=range(len(WITHOUT_SENSE)))
@virtual
async def test_an_act_without_sense_is_a_usage_error_and_not_sent(
    tmp_path: Path, act: Callable[[Rig], Awaitable[Any]]
) -> None:
    async with world(tmp_path) as here:
        with pytest.raises(RigError) as caught:
            await act(here.rig)
        assert caught.value.exit_code == 2
        assert (here.device.asked, here.device.orders) == ([], [])


@virtual
async def test_treatment_cartridges_calibration_and_records_are_told(tmp_path: Path) -> None:
    async with world(tmp_path) as here:
        assert (await here.rig.treatment()).treatment == TREATMENT
        assert (await here.rig.cartridge("counter_agent")).lot == LOTS[codes.CHANNEL_COUNTER_AGENT]
        assert (await here.rig.get_calibration("flush")).step_fl == 5_607_800
        await here.rig.dose(1000, 1000)
        assert (await here.rig.record(1)).octets == here.device.journal[1]
        with pytest.raises(RigError) as caught:
            await here.rig.record(7)
        assert caught.value.reason == "no_record"


@pytest.mark.req("PERMIT-7", "ALARM-2")
@virtual
async def test_signed_status_and_alarms_are_readings_with_their_age(tmp_path: Path) -> None:
    async with world(tmp_path) as here:
        assert (here.rig.signed_status, here.rig.alarms) == (None, None)
        here.device.latched = 1
        await here.rig.wait_for(lambda message: isinstance(message, typed.Alarms))
        await here.until(lambda: here.rig.alarms is not None and here.rig.alarms.age_s > 0.3)
        alarms, status = here.rig.alarms, here.rig.signed_status
        assert alarms is not None
        assert status is not None
        assert (alarms.source, alarms.message.highest) == ("Alarms", codes.ALARM_EMERGENCY_STOP)
        assert (status.source, status.message.rig) == ("SignedStatus", RIG)
        assert status.message.body()[:8] == RIG


@pytest.mark.req("DOSE-1", "DOSE-10", "GOV-3")
@virtual
async def test_an_order_names_kind_lot_and_treatment_and_so_does_every_row(tmp_path: Path) -> None:
    async with world(tmp_path) as here:
        here.device.permits = 1
        outcome = await here.rig.dose(2000, 1000, "agent")
    (order,) = here.device.orders
    assert (order.kind, order.lot, order.treatment) == (codes.KIND_DOSE, LOTS[0], TREATMENT)
    assert (outcome.kind, outcome.lot, outcome.treatment) == ("dose", LOTS[0].hex(), TREATMENT.hex())
    for row in here.rows("intent", "outcome"):
        assert (row["order_kind"], row["lot"], row["treatment"]) == ("dose", LOTS[0].hex(), TREATMENT.hex())
        assert row["cartridge"] == b"serial00".hex()
        assert row["serial"] == RIG.hex()


@virtual
async def test_a_lot_and_a_treatment_that_are_given_go_as_they_are(tmp_path: Path) -> None:
    async with world(tmp_path) as here:
        outcome = await here.rig.dose(2000, 1000, lot=b"otherlot", treatment=b"othertre")
        assert (outcome.outcome, outcome.reason) == (OutcomeKind.REFUSED, "treatment")
        assert (here.device.orders[0].lot, here.device.orders[0].treatment) == (b"otherlot", b"othertre")


@virtual
async def test_a_treatment_opened_since_the_connect_is_named_only_once_it_was_looked_at(tmp_path: Path) -> None:
    async with world(tmp_path) as here:
        here.device.treatment = b"treat002"
        assert (await here.rig.dose(2000, 1000)).reason == "treatment"
        await here.rig.treatment()
        assert (await here.rig.dose(2000, 1000)).outcome is OutcomeKind.DELIVERED


KINDS: list[tuple[Callable[[Rig], Awaitable[Any]], int, int, bytes]] = [
    (lambda rig: rig.rescue(2000, 2000), codes.KIND_RESCUE, codes.CHANNEL_COUNTER_AGENT, TREATMENT),
    (lambda rig: rig.screening(2000, 2000), codes.KIND_SCREENING, codes.CHANNEL_AGENT, TREATMENT),
    (lambda rig: rig.prime(2000, 2000, "agent"), codes.KIND_PRIME, codes.CHANNEL_AGENT, bytes(8)),
    (lambda rig: rig.purge(2000, 2000, "flush"), codes.KIND_PURGE, codes.CHANNEL_FLUSH, bytes(8)),
    (lambda rig: rig.calibrate(2000, 2000, "flush"), codes.KIND_CALIBRATE, codes.CHANNEL_FLUSH, bytes(8)),
]


@pytest.mark.req("DOSE-1", "PERMIT-5", "RESCUE-4")
@pytest.mark.parametrize(("act", "kind", "channel", "treatment"), KINDS, ids=[str(row[1]) for row in KINDS])
@virtual
async def test_every_kind_has_its_channel_and_only_those_to_a_patient_a_treatment(
    tmp_path: Path, act: Callable[[Rig], Awaitable[Any]], kind: int, channel: int, treatment: bytes
) -> None:
    async with world(tmp_path) as here:
        assert (await act(here.rig)).outcome is OutcomeKind.DELIVERED
        (order,) = here.device.orders
    assert (order.kind, order.channel, order.treatment) == (kind, channel, treatment)


@virtual
async def test_a_rate_profile_goes_on_the_wire_and_into_the_ledger(tmp_path: Path) -> None:
    async with world(tmp_path) as here:
        await here.rig.dose(3000, 1000, profile=Profile(2000))
        await here.rig.dose(3000, 1000, profile=Profile(2000, (Piece(1000, 2000, 500), Piece(500, 500, 500))))
        ramp, pieces = here.device.orders
    assert (ramp.profile, ramp.rate_end_nl_s, ramp.segments) == (codes.PROFILE_RAMP, 2000, bytes(24))
    assert (pieces.profile, pieces.rate_end_nl_s) == (codes.PROFILE_SEGMENTS, 2000)
    assert pieces.segments[:8] == (1000).to_bytes(4, "little") + (2000).to_bytes(2, "little") + (500).to_bytes(
        2, "little"
    )
    intent = here.rows("intent")[1]
    assert (intent["profile"], intent["segments"]) == ("segments", pieces.segments.hex())


async def lose_power_in_a_dose(here: World) -> Any:
    """Let a device with a journal lose its power in a dose, and return the outcome."""
    here.device.remember = True
    dose = asyncio.create_task(here.rig.dose(12_500, 1000))
    await here.flowing()
    here.device.boot()
    return await dose


@pytest.mark.req("LEDGER-3", "LEDGER-5")
@virtual
async def test_a_dose_that_not_even_the_rig_knows_ends_unknown_with_its_interval_and_stays_open(tmp_path: Path) -> None:
    async with world(tmp_path) as here:
        outcome = await lose_power_in_a_dose(here)
        truth = here.device.last
        assert outcome.outcome is OutcomeKind.UNKNOWN
        assert outcome.emitted_steps == truth.emitted_steps
        assert outcome.to_patient_nl[1] == truth.emitted_nl < 12_500
        assert "power" in outcome.detail
        with pytest.raises(RigError) as caught:
            await here.rig.dose(1000, 1000, "agent")
        assert caught.value.code == "unknown_open"
        assert (await here.rig.rescue(2000, 2000)).outcome is OutcomeKind.DELIVERED
    assert here.rows("resolution") == []


@pytest.mark.req("LEDGER-3")
@virtual
async def test_a_named_person_closes_what_the_rig_does_not_know_and_its_figures_stay(tmp_path: Path) -> None:
    async with world(tmp_path) as here:
        outcome = await lose_power_in_a_dose(here)
        await here.rig.close_unknown(bytes.fromhex(outcome.dose_id), "Dr. Okafor")
        here.device.permits = 1
        assert (await here.rig.dose(1000, 1000, "agent")).outcome is OutcomeKind.DELIVERED
    unknown, *_ = here.rows("outcome")
    (resolution,) = here.rows("resolution")
    assert (resolution["resolved_by"], resolution["outcome"]) == ("Dr. Okafor", "unknown")
    assert resolution["to_patient_nl"] == unknown["to_patient_nl"]
