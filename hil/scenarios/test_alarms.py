"""Every alarm of the table, brought about by the plant and the people at it: shown, acted upon, and over again."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, nullcontext
from dataclasses import dataclass
from itertools import pairwise

import pytest

from device.alarm_table import (
    ACTION_END,
    ACTION_PAUSE,
    ACTION_PAUSE_AGENT,
    ACTION_STOP,
    LATCHES,
    ROWS,
)
from device.drivers import cartridge
from hil.bench import Bench
from hil.plant.mishaps import ADDRESS_CARTRIDGE, ADDRESS_FRAM, BUS_BOARD, BUS_CARTRIDGES
from hil.scenarios.judge import FLUSH, assert_volume_is_balanced
from hil.scenarios.raw_host import RawHost
from protocol import codes, messages, typed

AGENT = codes.CHANNEL_AGENT
BY_ALARM = {row[0]: row for row in ROWS}
NAMES = {number: name for name, number in codes.ALARMS}
STIRRED_S = 8.0
SEEN_S = 26.0
BETWEEN_DOSES_S = 11.0
LIT = {
    codes.PRIORITY_HIGH: (True, False, False),
    codes.PRIORITY_MEDIUM: (False, True, False),
    codes.PRIORITY_LOW: (False, False, True),
}
NOTHING, SALINE, SUSPENSION = "at rest", "saline flows", "agent flows"

Act = Callable[[Bench, RawHost], Awaitable[None]]


def bit_of(alarm: int) -> int:
    return 1 << (alarm - 1)


@dataclass(frozen=True)
class Case:
    """How an alarm is brought about, while what flows, and how its cause is taken away again."""

    alarm: int
    flows: str
    trip: Act
    mend: Act
    cause: int | None = None
    """What the dose reports, where that is not the cause of the row."""

    until_restart: bool = False
    """Whether what is judged at start is judged anew only then."""


def plant(name: str, *arguments: object) -> Act:
    """An act at the rig: a method of the plant."""

    async def act(bench: Bench, _: RawHost) -> None:
        getattr(bench.plant, name)(*arguments)

    return act


def silence(bus: int, address: int, silent: bool = True) -> Act:
    async def act(bench: Bench, _: RawHost) -> None:
        bench.plant.buses.silence(bus, address, silent)

    return act


async def break_the_safe_wire(bench: Bench, _: RawHost) -> None:
    """SAFE reads low at the controller, and nothing that pulls it low does."""
    inputs = bench.plant.inputs
    bench.plant.inputs = lambda now_ns: inputs(now_ns) & ~codes.INPUT_SAFE  # type: ignore[method-assign]


async def mend_the_safe_wire(bench: Bench, _: RawHost) -> None:
    del bench.plant.inputs


async def put_in_a_used_one(bench: Bench, _: RawHost) -> None:
    """A cartridge of which little is left, by its own memory."""
    bench.plant.remove_syringe(FLUSH)
    await asyncio.sleep(1.0)
    contents = bench.plant.cartridges[FLUSH].contents
    serial = bytes(contents[cartridge.SERIAL_AT :][: cartridge.SERIAL_OCTETS])
    left = cartridge.pack_left(serial, 90_000)
    for at in cartridge.LEFT_AT:
        contents[at : at + len(left)] = left
    bench.plant.exchange_syringe(FLUSH, 90_000.0)


async def be_silent(_: Bench, host: RawHost) -> None:
    host.pings = False


async def speak_again(_: Bench, host: RawHost) -> None:
    host.pings = True


async def hold(_: Bench, host: RawHost) -> None:
    assert (await host.hold()).reason == codes.REASON_NONE


async def clear_by_clinician(bench: Bench, host: RawHost) -> None:
    assert (await host.clear_by_clinician()).reason == codes.REASON_NONE
    bench.press_footswitch(after_s=0.1)


async def stop(_: Bench, host: RawHost) -> None:
    await host.stop()


async def clear(bench: Bench, host: RawHost) -> None:
    await host.clear()
    bench.press_footswitch(after_s=0.1)


FLUSH_MEMORY = ADDRESS_CARTRIDGE + FLUSH
CASES = (
    Case(codes.ALARM_EMERGENCY_STOP, SALINE, plant("press_estop"), plant("press_estop", False)),
    Case(codes.ALARM_DOOR, SALINE, plant("open_door"), plant("open_door", False)),
    Case(codes.ALARM_AIR, SALINE, plant("put_bubble"), plant("put_bubble", False)),
    Case(codes.ALARM_OCCLUSION_LIMIT, SALINE, plant("spoil", "pressure", "jumping", 75.0), plant("mend", "pressure")),
    Case(codes.ALARM_OCCLUSION_SLOPE, SALINE, plant("occlude", 1.0), plant("occlude", 0.0)),
    Case(codes.ALARM_FREE_FLOW, SALINE, plant("loosen", AGENT, 0.0, 20.0), plant("clamp", AGENT)),
    Case(codes.ALARM_REVERSE_FLOW, NOTHING, plant("loosen", AGENT, 0.0, -30.0), plant("clamp", AGENT)),
    Case(codes.ALARM_DEVIATION, SALINE, plant("spoil", "flow", "jumping", 250.0), plant("mend", "flow")),
    Case(codes.ALARM_LEAK, SALINE, plant("leak", 200.0), plant("leak", 0.0)),
    Case(codes.ALARM_STALL, SALINE, plant("stall", FLUSH), plant("stall", FLUSH, False)),
    Case(codes.ALARM_PRESSURE_SENSOR, SALINE, plant("spoil", "pressure", "silent"), plant("mend", "pressure")),
    Case(codes.ALARM_FLOW_SENSOR, SALINE, plant("spoil", "flow", "silent"), plant("mend", "flow")),
    Case(
        codes.ALARM_TEMPERATURE_SENSOR,
        SUSPENSION,
        plant("spoil", "temperature", "silent"),
        plant("mend", "temperature"),
    ),
    Case(codes.ALARM_DENSITY_SENSOR, SUSPENSION, plant("spoil", "density", "silent"), plant("mend", "density")),
    Case(codes.ALARM_SUPPLY, SALINE, plant("dip_supply"), plant("dip_supply", False)),
    Case(codes.ALARM_SAFE_LINE, SALINE, break_the_safe_wire, mend_the_safe_wire),
    Case(codes.ALARM_RESERVOIR_EMPTY, SALINE, plant("spoil", "home", "stuck", 1), plant("mend", "home")),
    Case(codes.ALARM_RESERVOIR_LOW, NOTHING, put_in_a_used_one, plant("remove_syringe", FLUSH)),
    Case(
        codes.ALARM_CARTRIDGE,
        SALINE,
        silence(BUS_CARTRIDGES, FLUSH_MEMORY),
        silence(BUS_CARTRIDGES, FLUSH_MEMORY, False),
    ),
    Case(
        codes.ALARM_TEMPERATURE,
        SUSPENSION,
        plant("spoil", "temperature", "jumping", 20.0),
        plant("mend", "temperature"),
    ),
    Case(codes.ALARM_DENSITY, SUSPENSION, plant("spoil", "density", "jumping", -0.3), plant("mend", "density")),
    Case(codes.ALARM_LINK_LOST, SALINE, be_silent, speak_again),
    Case(codes.ALARM_MONITOR_HOLD, SUSPENSION, hold, clear_by_clinician),
    Case(
        codes.ALARM_JOURNAL,
        SALINE,
        silence(BUS_BOARD, ADDRESS_FRAM),
        silence(BUS_BOARD, ADDRESS_FRAM, False),
        until_restart=True,
    ),
    Case(codes.ALARM_PERSON_STOP, SALINE, stop, clear, codes.CAUSE_OPERATOR),
)
TOLD_APART = {
    codes.ALARM_PERMIT_GONE,
    codes.ALARM_SELF_TEST,
    codes.ALARM_FAULT,
    codes.ALARM_UNRESOLVED,
    codes.ALARM_REPEATED,
}


async def prepare_agent(bench: Bench, host: RawHost) -> None:
    """Light and sound are confirmed by a person, the suspension is stirred."""
    assert (await host.request(typed.Result, messages.TEST_ALARMS)).reason == codes.REASON_NONE
    bench.press_footswitch(after_s=0.1)
    await asyncio.sleep(STIRRED_S)


async def flowing(host: RawHost, flows: str) -> bytes:
    """Start what the case wants to flow; return its id, empty for nothing."""
    if flows == NOTHING:
        return b""
    if flows == SALINE:
        dose_id = await host.start(60_000, 2_000)
    else:
        dose_id = await host.start(20_000, 500, channel=AGENT)
    await asyncio.sleep(2.0)
    return dose_id


def latched(alarm: int) -> Callable[[typed.Alarms], bool]:
    return lambda alarms: bool(alarms.latched & bit_of(alarm))


async def assert_acted_upon(host: RawHost, case: Case, dose_id: bytes) -> None:
    """Flow did what the row says, for the cause that it says."""
    action, cause = BY_ALARM[case.alarm][6], BY_ALARM[case.alarm][8]
    if case.cause is not None:
        action, cause = ACTION_STOP, case.cause
    if action in (ACTION_PAUSE, ACTION_PAUSE_AGENT):
        assert (await host.in_state(dose_id, codes.DOSE_PAUSED)).cause == cause
        return
    if dose_id:
        outcome = await host.ended(dose_id)
        assert (outcome.state, outcome.cause) == (codes.DOSE_PARTIAL, cause)
    assert (await host.status()).stop_cause == (cause if action > ACTION_END else codes.CAUSE_NONE)


async def assert_shown(bench: Bench, priority: int) -> None:
    """The lamp of the priority is lit and the buzzer sounds at some time of the next pattern, and no other lamp."""
    seen, heard = set(), False
    for _ in range(1_000):
        seen.add(bench.plant.light)
        heard = heard or bench.plant.buzzer
        await asyncio.sleep(0.01)
    assert LIT[priority] in seen
    assert seen <= {LIT[priority], (False, False, False)}
    assert heard or priority == codes.PRIORITY_LOW


def test_every_alarm_has_a_scenario() -> None:
    assert {case.alarm for case in CASES} | TOLD_APART == set(BY_ALARM)


@pytest.mark.only("twin")
@pytest.mark.req("ALARM-1", "ALARM-2", "ALARM-3")
@pytest.mark.parametrize("case", CASES, ids=lambda case: NAMES[case.alarm])
async def test_an_alarm_is_raised_acts_is_shown_and_ends_when_acknowledged_and_gone(
    bench: Bench, host: RawHost, case: Case
) -> None:
    if case.flows == SUSPENSION:
        await prepare_agent(bench, host)
    async with host.permitted() if case.flows == SUSPENSION else nullcontext():
        dose_id = await flowing(host, case.flows)
        assert not (await host.hear(typed.Alarms)).latched
        await case.trip(bench, host)
        told = await host.hear(typed.Alarms, latched(case.alarm), SEEN_S)
        await assert_acted_upon(host, case, dose_id)
    assert told.priority >= BY_ALARM[case.alarm][4]
    await case.mend(bench, host)
    await asyncio.sleep(6.0)
    told = await host.hear(typed.Alarms)
    if BY_ALARM[case.alarm][7] == LATCHES:
        assert told.latched & bit_of(case.alarm)
        await assert_shown(bench, told.priority)
        answer = await host.request(typed.Result, messages.ACKNOWLEDGE, told.latched)
        assert answer.reason == codes.REASON_NONE
        told = await host.hear(typed.Alarms)
    assert bool(told.latched & bit_of(case.alarm)) is case.until_restart
    assert_volume_is_balanced(bench)


async def stopped_by_air(bench: Bench, host: RawHost) -> None:
    """A dose that air stops; then the air is gone, the stop cleared and the alarm acknowledged."""
    dose_id = await host.start(10_000, 2_000)
    await asyncio.sleep(1.0)
    bench.plant.put_bubble()
    assert (await host.ended(dose_id)).cause == codes.CAUSE_AIR
    bench.plant.put_bubble(False)
    await asyncio.sleep(0.5)
    await host.request(typed.Result, messages.ACKNOWLEDGE, bit_of(codes.ALARM_AIR))


@asynccontextmanager
async def next_boot(bench: Bench, host: RawHost) -> AsyncIterator[RawHost]:
    """A host of the boot that follows when the controller's power is away for a moment."""
    await host.close()
    bench.power_off()
    await asyncio.sleep(0.1)
    bench.power_on()
    await asyncio.sleep(0.5)
    async with RawHost(bench.transport(), bench.seed + 1) as other:
        yield other


@pytest.mark.only("twin")
class TestAlarmsWithAHistory:
    """Alarms that more has to happen for than one thing."""

    @pytest.mark.req("ALARM-1", "PERMIT-3")
    async def test_a_permit_that_is_gone_for_long_is_an_alarm(self, bench: Bench, host: RawHost) -> None:
        await prepare_agent(bench, host)
        async with host.permitted() as service:
            dose_id = await flowing(host, SUSPENSION)
            service.withheld = True
            await host.hear(typed.Alarms, latched(codes.ALARM_PERMIT_GONE), SEEN_S)
        assert (await host.in_state(dose_id, codes.DOSE_PAUSED)).cause == codes.CAUSE_PERMIT

    @pytest.mark.req("ALARM-1", "ALARM-4")
    async def test_a_sensor_that_is_not_there_at_start_fails_the_self_test_and_passes_when_it_is(
        self, bench: Bench, host: RawHost
    ) -> None:
        bench.plant.spoil("flow", "silent")
        async with next_boot(bench, host) as other:
            await other.hear(typed.Alarms, latched(codes.ALARM_SELF_TEST), SEEN_S)
            assert (await other.status()).self_test & codes.SELF_TEST_FLOW
            refused = await other.send_order(other.order(1_000))
            assert refused.state == codes.DOSE_REFUSED
            bench.plant.mend("flow")
            await other.hear(typed.Alarms, lambda alarms: not latched(codes.ALARM_SELF_TEST)(alarms), SEEN_S)

    @pytest.mark.req("ALARM-1", "STOP-5", "STOP-9")
    async def test_a_processor_that_hung_is_an_alarm_of_the_next_boot(self, bench: Bench, host: RawHost) -> None:
        await flowing(host, SALINE)
        await host.close()
        bench.board.hang()
        await asyncio.sleep(1.5)
        async with RawHost(bench.transport(), bench.seed + 1) as other:
            await other.hear(typed.Alarms, latched(codes.ALARM_FAULT), SEEN_S)
            assert (await other.status()).stop_cause == codes.CAUSE_FAULT

    @pytest.mark.req("ALARM-1", "RESCUE-1")
    async def test_a_dose_that_lost_the_power_is_an_alarm_until_somebody_resolves_it(
        self, bench: Bench, host: RawHost
    ) -> None:
        dose_id = await flowing(host, SALINE)
        async with next_boot(bench, host) as other:
            await other.hear(typed.Alarms, latched(codes.ALARM_UNRESOLVED), SEEN_S)
            assert (await other.request(typed.Result, messages.RESOLVE, dose_id)).reason == codes.REASON_NONE
            bench.press_footswitch(after_s=0.1)
            await other.hear(typed.Alarms, lambda alarms: not latched(codes.ALARM_UNRESOLVED)(alarms), SEEN_S)

    @pytest.mark.req("ALARM-1", "FLOW-9")
    async def test_the_third_stop_by_the_same_alarm_leaves_the_rig_to_the_service(
        self, bench: Bench, host: RawHost
    ) -> None:
        for _ in range(2):
            await stopped_by_air(bench, host)
            await clear(bench, host)
            await asyncio.sleep(BETWEEN_DOSES_S)
            assert (await host.status()).stop_cause == codes.CAUSE_NONE
        await stopped_by_air(bench, host)
        await host.hear(typed.Alarms, latched(codes.ALARM_REPEATED), SEEN_S)
        assert (await host.clear()).reason == codes.REASON_SERVICE_ONLY
        async with next_boot(bench, host) as other:
            await other.hear(typed.Alarms, latched(codes.ALARM_REPEATED), SEEN_S)
            assert (await other.clear()).reason == codes.REASON_SERVICE_ONLY


@pytest.mark.only("twin")
@pytest.mark.req("ALARM-2", "ALARM-3")
async def test_a_healthy_rig_is_dark_and_silent_from_its_start_on(bench: Bench, host: RawHost) -> None:
    shown = []
    for _ in range(1_000):
        shown.append((bench.plant.light, bench.plant.buzzer))
        await asyncio.sleep(0.01)
    assert set(shown) == {((False, False, False), False)}
    assert (await host.hear(typed.Alarms)).latched == 0


@pytest.mark.only("twin")
@pytest.mark.req("ALARM-3")
async def test_a_pause_of_the_sound_ends_with_the_link_that_asked_for_it(bench: Bench, host: RawHost) -> None:
    bench.plant.press_estop()
    await host.hear(typed.Alarms, latched(codes.ALARM_EMERGENCY_STOP))
    assert (await host.request(typed.Result, messages.PAUSE_AUDIO, 120)).reason == codes.REASON_NONE
    await asyncio.sleep(0.1)
    assert not await heard(bench, 10.0)
    host.pings = False
    assert await heard(bench, 12.0)


async def heard(bench: Bench, duration_s: float) -> bool:
    """Whether the buzzer sounds within so many seconds."""
    sounded = False
    for _ in range(round(duration_s / 0.01)):
        sounded = sounded or bench.plant.buzzer
        await asyncio.sleep(0.01)
    return sounded


@pytest.mark.only("twin")
@pytest.mark.req("ALARM-3")
@pytest.mark.parametrize(
    ("trip", "lowest_hz", "highest_hz", "lamp"), [("press_estop", 1.4, 2.8, 0), ("open_door", 0.4, 0.8, 1)]
)
async def test_the_lamp_at_the_pin_flashes_as_often_as_its_priority_wants(
    bench: Bench, host: RawHost, trip: str, lowest_hz: float, highest_hz: float, lamp: int
) -> None:
    getattr(bench.plant, trip)()
    lit = []
    for _ in range(2_000):
        lit.append(bench.plant.light[lamp])
        await asyncio.sleep(0.01)
    rises = sum(1 for before, now in pairwise(lit) if now and not before)
    assert lowest_hz <= rises / 20 <= highest_hz
