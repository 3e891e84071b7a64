"""The bench with the project's own firmware and host on the twin."""

import asyncio

import pytest

from hil.bench import Bench
from hil.faults import LinkFaults
from hil.plant import PlantParameters
from hil.virtual_time import LeakedTasksError
from protocol import codes

FLUSH = codes.CHANNEL_FLUSH


async def connect_and_dose(bench, volume_nl=2000, rate_nl_s=1000):
    rig = await bench.connect()
    try:
        await asyncio.sleep(1)
        return await rig.dose(volume_nl, rate_nl_s)
    finally:
        await rig.close()


def record(seed, **options):
    """Give one dose and return the digest of everything on the pins and the link."""
    with Bench("twin", seed, **options) as bench:
        outcome = bench.run(connect_and_dose(bench))
        assert outcome.outcome == "delivered"
        return bench.recorder.digest(), bench.weigh_nl()


def test_one_seed_gives_one_run_to_the_octet_and_the_nanosecond():
    assert record(7) == record(7)


def test_another_seed_gives_another_run():
    assert record(7)[0] != record(8)[0]


def test_a_dose_reaches_the_scale():
    with Bench("twin") as bench:
        outcome = bench.run(connect_and_dose(bench))
        bench.run_for(3.0)
        assert bench.edge_count(FLUSH) == outcome.emitted_steps
        low_nl, high_nl = outcome.to_patient_nl
        assert low_nl - 6 <= bench.weigh_nl() <= high_nl + 6
        assert abs(bench.plant.balance_error_nl) < 1e-6


@pytest.mark.req("STOP-2")
@pytest.mark.parametrize("fall_ms", [2000.0, 2001.234567, 2003.3, 2500.0005])
def test_nothing_leaves_the_pin_after_safe_has_fallen(fall_ms):
    with Bench("twin") as bench:
        fall_ns = round(fall_ms * 1_000_000)
        bench.plant.at(fall_ns, bench.plant.press_estop)
        bench.plant.at(fall_ns + 1_000_000, lambda: bench.plant.press_estop(False))
        outcome = bench.run(connect_and_dose(bench, 10_000))
        assert outcome.outcome == "partial"
        assert bench.recorder.last_edge_ns(FLUSH) - fall_ns <= 1000
        assert bench.edge_count(FLUSH) == outcome.emitted_steps > 0


@pytest.mark.req("STOP-5")
def test_a_hung_processor_stops_giving_liquid_and_is_reset():
    with Bench("twin") as bench:

        async def main():
            rig = await bench.connect()
            await asyncio.sleep(1)
            dose = asyncio.create_task(rig.dose(20_000, 1000))
            await asyncio.sleep(2)
            bench.board.hang()
            hung_ns = bench.now_ns
            await asyncio.sleep(2)
            dose.cancel()
            await asyncio.gather(dose, return_exceptions=True)
            await rig.close()
            return hung_ns

        hung_ns = bench.run(main())
        assert bench.recorder.last_edge_ns(FLUSH) - hung_ns <= 40_000_000
        assert not bench.plant.valve_patient
        assert bench.board.device_board.reset_cause() == 3


def test_a_bad_link_changes_nothing_about_the_dose():
    faults = LinkFaults(drop=0.05, duplicate=0.05, corrupt=0.05, reorder=0.05, delay=0.05, max_delay_s=0.05)
    with Bench("twin") as bench:
        bench.set_link_faults(faults, faults)
        outcome = bench.run(connect_and_dose(bench))
        assert bench.edge_count(FLUSH) == outcome.emitted_steps <= outcome.asked_steps


def test_parameters_reach_the_plant():
    with Bench("twin", parameters=PlantParameters(compliance_nl_kpa=50.0)) as bench:
        assert bench.plant.parameters.compliance_nl_kpa == 50.0


def test_a_bench_without_power_waits_for_it():
    with Bench("twin", power=False) as bench:
        bench.run_for(1.0)
        assert bench.board.executive is None
        bench.power_on()
        bench.run_for(1.0)
        assert bench.board.executive is not None


def test_the_foot_switch_is_let_go_by_itself():
    with Bench("twin") as bench:
        bench.press_footswitch(0.5, after_s=0.1)
        pressed = []
        for _ in range(10):
            pressed.append(bool(bench.plant.inputs(bench.now_ns) & codes.INPUT_FOOTSWITCH))
            bench.run_for(0.1)
        assert pressed == [False] + [True] * 5 + [False] * 4


def test_a_task_left_on_the_loop_is_an_error_at_the_end():
    bench = Bench("twin")

    left = []

    async def leave_behind():
        left.append(asyncio.create_task(asyncio.sleep(1000)))

    bench.loop.run_until_complete(leave_behind())
    with pytest.raises(LeakedTasksError, match="sleep"):
        bench.close()
    bench.close()
