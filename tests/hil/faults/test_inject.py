"""Faults brought about on a bench: each is seen at the place where it strikes, and is gone after its end."""

import asyncio

import pytest

from hil.bench import Bench
from hil.faults import vocabulary as v
from hil.faults.inject import Injector
from hil.faults.records import ScheduleError
from hil.patient import at_the_tip
from protocol import codes

FOR_US = 200_000


@pytest.fixture
def bench():
    with Bench("twin") as built:
        built.run_for(0.3)
        yield built


def watched(bench, fault, look):
    """What ``look`` says in the middle of a fault, and after its end."""

    async def watch():
        injector = Injector(bench)
        now_us = bench.now_ns // 1000
        injector.plan([type(fault)(**{**vars(fault), "at_us": now_us + 1000})])
        await asyncio.sleep(0.1)
        during = look(bench)
        await asyncio.sleep(0.3)
        return during, look(bench)

    return bench.run(watch())


def pin(bit):
    return lambda bench: bool(bench.plant.inputs(bench.now_ns) & bit)


def refused(bench):
    """Whether any of some transfers to the thermometer is not acknowledged."""
    return any(bench.plant.i2c_read(0, 0x48, 2, bench.now_ns) is None for _ in range(20))


@pytest.mark.parametrize(
    ("fault", "look", "during", "after"),
    [
        (v.EmergencyStop(0, FOR_US), pin(codes.INPUT_ESTOP_HEALTHY), False, True),
        (v.DoorOpen(0, FOR_US), pin(codes.INPUT_DOOR_CLOSED), False, True),
        (v.Bubble(0, FOR_US), pin(codes.INPUT_BUBBLE_CLEAR), False, True),
        (v.FootSwitchHeld(0, FOR_US), pin(codes.INPUT_FOOTSWITCH), True, False),
        (v.SensorSilent(0, FOR_US, "estop"), pin(codes.INPUT_ESTOP_HEALTHY), False, True),
        (v.SensorSilent(0, FOR_US, "pressure"), lambda b: b.plant.adc(0, b.now_ns) == 0, True, False),
        (v.SensorJumping(0, FOR_US, "pressure", 500), lambda b: b.plant.adc(0, b.now_ns) > 20_000, True, False),
        (v.SensorDrifting(0, FOR_US, "pressure", 1000), lambda b: b.plant.adc(0, b.now_ns) > 9_000, True, False),
        (v.SensorStuck(0, FOR_US, "supply"), lambda b: len({b.plant.adc(2, b.now_ns) for _ in range(50)}), 1, None),
        (v.SupplyDip(0, FOR_US), lambda b: b.plant.adc(2, b.now_ns) == 0, True, False),
        (v.BusStuck(0, FOR_US, 0), lambda b: b.plant.buses.stuck(0), True, False),
        (v.BusNak(0, FOR_US, 0, 1000), refused, True, False),
        (v.BusCrc(0, FOR_US, 0, 1000), lambda b: b.board.executive.controller.flow.faulty, True, False),
        (v.Occlusion(0, FOR_US, 100, 0), lambda b: b.plant.line.occlusion, 1.0, 0.0),
        (v.MotorStalled(0, FOR_US, 2), lambda b: b.plant.syringes[2].stalled, True, False),
        (v.SyringeLoose(0, FOR_US, 2, 100, 0), lambda b: b.plant.syringes[2].clamped, False, True),
        (v.SyringeEmpty(0, FOR_US, 2), lambda b: b.plant.syringes[2].remaining_nl < 1, True, False),
        (v.SyringeExchanged(0, FOR_US, 2, 500, 0), lambda b: b.plant.syringes[2].remaining_nl, 500, 1_000_000),
        (v.PowerOff(0, FOR_US), lambda b: b.board.mcu.powered, False, True),
    ],
    ids=lambda value: value.KIND if isinstance(value, v.Fault) else "",
)
def test_a_fault_is_seen_while_it_lasts_and_gone_afterwards(bench, fault, look, during, after):
    seen, later = watched(bench, fault, look)
    assert seen == during
    assert after is None or later == after


def test_a_slow_occlusion_closes_little_by_little(bench):
    seen, later = watched(bench, v.Occlusion(0, FOR_US, 100, 200_000), lambda b: b.plant.line.occlusion)
    assert 0.2 < seen < 0.8
    assert later == 0


def test_of_two_overlapping_faults_the_last_to_end_ends_it(bench):
    async def watch():
        injector = Injector(bench)
        now_us = bench.now_ns // 1000
        injector.plan([v.DoorOpen(now_us, 100_000), v.DoorOpen(now_us + 50_000, 100_000)])
        opened = []
        for _ in range(4):
            await asyncio.sleep(0.045)
            opened.append(not pin(codes.INPUT_DOOR_CLOSED)(bench))
        return opened

    assert bench.run(watch()) == [True, True, True, False]


def test_a_cut_passes_exactly_so_many_octets_and_the_cable_is_whole_afterwards(bench):
    async def watch():
        injector = Injector(bench)
        injector.begin(v.LinkCut(0, FOR_US, "to_device", 5))
        transport = bench.transport()
        await transport.write(b"\0" * 8)
        with pytest.raises(Exception, match="unplugged"):
            await transport.write(b"\0")
        injector.mend()
        await bench.transport().write(b"\0")

    bench.run(watch())


def test_shares_of_faults_in_one_direction_add_up_and_leave_the_other_alone(bench):
    async def watch():
        injector = Injector(bench)
        injector.begin(v.LinkDrop(0, FOR_US, "to_device", 1000))
        injector.begin(v.LinkDelay(0, FOR_US, "both", 300, 40))
        to_device, to_host = (injector._direction(name, []) for name in ("to_device", "to_host"))
        injector.mend()
        return to_device, to_host

    to_device, to_host = bench.run(watch())
    assert (to_device.drop, to_device.delay, to_device.max_delay_s) == (1.0, 0.3, 0.04)
    assert (to_host.drop, to_host.delay) == (0.0, 0.3)


@pytest.mark.req("LEDGER-1")
@pytest.mark.parametrize("octets", [0, 1, 7, 15])
def test_power_lost_at_an_octet_of_the_fram_comes_back_and_the_device_starts(bench, octets):
    async def watch():
        injector = Injector(bench)
        now_us = bench.now_ns // 1000
        injector.plan([v.PowerOffAtFramOctet(now_us, 50_000, octets), v.PowerOff(now_us + 1000, 10_000)])
        await asyncio.sleep(0.03)
        lost = not injector.powered()
        await asyncio.sleep(0.3)
        return lost, injector

    lost, injector = bench.run(watch())
    assert lost
    assert [on for _, on in injector.power] == [False, True, False, True]
    assert not bench.board.executive.controller.journal.faulty


@pytest.mark.parametrize("kind", [v.FirmwareHang, v.FirmwareKilled, v.FirmwareReset])
def test_a_process_fault_ends_in_a_new_start(bench, kind):
    async def watch():
        boot = bench.board.executive.controller.boot
        Injector(bench).begin(kind(0))
        await asyncio.sleep(0.6)
        return boot

    assert bench.run(watch()) != bench.board.executive.controller.boot


def test_the_firmwares_process_is_really_killed_and_another_started():
    with Bench("vm") as bench:
        pid = bench.board.pid
        bench.run_for(0.1)

        async def watch():
            Injector(bench).begin(v.FirmwareKilled(0))
            await asyncio.sleep(0.6)

        bench.run(watch())
        assert bench.board.pid not in (None, pid)


def test_a_host_that_can_be_killed_is_told_when_to_come_back(bench):
    async def watch():
        away: list[float] = []
        Injector(bench, away.append).begin(v.HostKilled(0, 250_000))
        return away

    assert bench.run(watch()) == [0.25]


def test_mending_ends_everything_at_once_and_forgets_what_was_planned(bench):
    async def watch():
        injector = Injector(bench)
        injector.plan([v.EmergencyStop(0, 1_000_000), v.PowerOff(0, 1_000_000), v.DoorOpen(900_000, 1_000_000)])
        await asyncio.sleep(0.05)
        injector.mend()
        injector.mend()
        healthy = bench.plant.safe(bench.now_ns), injector.powered(), injector.active
        await asyncio.sleep(1)
        return healthy, bench.plant.safe(bench.now_ns)

    assert bench.run(watch()) == ((True, True, []), True)


def test_the_signs_of_a_patient_are_disturbed(bench):
    patient = at_the_tip(bench)

    async def watch():
        injector = Injector(bench)
        injector.begin(v.SamplesMissing(0, 2_500_000))
        await asyncio.sleep(2.5)
        missing = len(patient.samples)
        injector.mend()
        injector.begin(v.SampleClockOff(0, 2_000_000, 60_000))
        injector.begin(v.FlatLine(0, 2_000_000, "spo2"))
        injector.begin(v.ProbeOff(0, 1_000))
        injector.begin(v.MotionArtefact(0, 1_000))
        injector.begin(v.SampleClockStopped(0, 1_000))
        await asyncio.sleep(2)
        injector.mend()
        return missing

    assert bench.run(watch()) == 0
    assert patient.samples


def test_a_fault_of_a_patient_who_is_not_there_is_an_error_that_says_what_to_do(bench):
    async def watch():
        Injector(bench).begin(v.FlatLine(0, 1, "spo2"))

    with pytest.raises(ScheduleError, match="nobody lies at the tip"):
        bench.run(watch())
