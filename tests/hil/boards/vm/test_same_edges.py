"""Twin and vm run the same sources on the same peripherals: the same edges, to the nanosecond."""

import asyncio

import pytest

from hil.bench import Bench
from hil.boards.base import BoardError
from protocol import codes


def edges_of_a_dose(target, disturb=lambda plant: None):
    try:
        bench = Bench(target, 3)
    except BoardError as error:
        pytest.skip(str(error))
    with bench:

        async def main():
            await asyncio.sleep(1)
            disturb(bench.plant)
            rig = await bench.connect()
            try:
                return await rig.dose(3000, 700)
            finally:
                await rig.close()

        outcome = bench.run(main())
        runs = [(run.first_ns, run.period_ns, run.count) for run in bench.edges(codes.CHANNEL_FLUSH)]
        return outcome.outcome, runs


@pytest.mark.parametrize(
    "disturb",
    [
        pytest.param(lambda plant: None, id="undisturbed"),
        pytest.param(lambda plant: plant.insert_air(200.0, 400.0), id="a bubble under way"),
        pytest.param(lambda plant: plant.at(plant.now_ns + 1_512_345_678, plant.press_estop), id="emergency stop"),
        pytest.param(lambda plant: plant.at(plant.now_ns + 1_500_100_000, lambda: plant.buses.hold(0)), id="stuck bus"),
    ],
)
def test_one_dose_gives_the_same_edges_on_both(disturb):
    twin, vm = (edges_of_a_dose(target, disturb) for target in ("twin", "vm"))
    assert twin[1]
    assert twin == vm
