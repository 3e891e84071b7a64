"""The product image on the bench: boot, dose, stop, hang, loss of power."""

import asyncio

import pytest

from hil.bench import Bench
from hil.boards.rp2040.profile import Profile
from hil.hosts import ready
from hil.plant.parameters import NS_PER_MS
from hil.pytest_plugin import seed

pytestmark = pytest.mark.rp2040

FLUSH = 2
STOP_LIMIT_NS = 5 * NS_PER_MS
SAFE_LIMIT_NS = 10_000
HANG_LIMIT_NS = 40 * NS_PER_MS
TICK_NS = 10 * NS_PER_MS
START_MS = 1_600
"""Power-on to the first answer: modules, FRAM, the image's CRC; a rig that never dosed takes the longest."""

SLICES = ("sense", "judge", "advance")


@pytest.fixture
def bench(request):
    """Whatever targets the run was asked for, these tests are about this one."""
    with Bench("rp2040", seed=seed(request.config)) as built:
        yield built


async def dosing(bench, rig, volume_nl=30_000, rate_nl_s=10_000):
    """Start a dose and wait until it flows."""
    await ready(rig)
    task = asyncio.ensure_future(rig.dose(volume_nl=volume_nl, rate_nl_s=rate_nl_s, channel="flush"))
    await asyncio.sleep(0.4)
    assert bench.edge_count(FLUSH) > 0
    return task


@pytest.mark.req("DOSE-8")
async def test_a_dose_emits_the_steps_it_reports_and_reaches_the_scale(bench, rig):
    await ready(rig)
    outcome = await rig.dose(volume_nl=3000, rate_nl_s=5000, channel="flush")
    assert outcome.outcome.value == "delivered"
    assert outcome.emitted_steps == bench.edge_count(FLUSH)
    low_nl, high_nl = outcome.to_patient_nl
    assert low_nl <= bench.weigh_nl() <= high_nl


@pytest.mark.req("STOP-2")
async def test_the_emergency_stop_ends_the_edges_within_ten_microseconds(bench, rig):
    task = await dosing(bench, rig)
    pressed_ns = bench.now_ns
    bench.plant.press_estop()
    await task
    assert bench.recorder.last_edge_ns(FLUSH) <= pressed_ns + SAFE_LIMIT_NS


@pytest.mark.req("STOP-3")
async def test_a_stop_ends_the_edges_within_half_of_its_bound(bench, rig):
    task = await dosing(bench, rig)
    begun_ns = bench.now_ns
    await rig.stop()
    await task
    assert bench.recorder.last_edge_ns(FLUSH) - begun_ns <= STOP_LIMIT_NS


@pytest.mark.req("STOP-5")
async def test_a_hung_processor_ends_all_flow_with_the_grant(bench):
    rig = await bench.connect()
    task = await dosing(bench, rig)
    hung_ns = bench.now_ns
    bench.board.hang()
    outcome = await task
    await rig.__aexit__(None, None, None)
    assert bench.recorder.last_edge_ns(FLUSH) - hung_ns <= HANG_LIMIT_NS
    assert bench.board.chip.resets == 1
    assert outcome.outcome.value != "delivered"


async def test_the_firmware_answers_soon_after_power_on(bench, rig):
    assert rig.welcome.uptime_ms < START_MS


def test_power_off_drops_every_output_and_power_on_boots_again(bench):
    bench.run_for(0.1)
    bench.power_cycle()
    bench.run_for(0.1)
    assert bench.board.chip.resets == 0
    assert bench.board.console.text == ""


@pytest.mark.req("LEDGER-1")
def test_power_lost_at_a_journal_octet_turns_the_controller_off(bench):
    bench.power_off()
    bench.plant.fram.cut_power_after(3)
    bench.power_on()
    bench.run_for(START_MS / 1000)
    assert bench.board.power_lost
    assert bench.board.chip is None


async def test_a_tick_leaves_half_of_its_period(bench, rig):
    task = await dosing(bench, rig, rate_nl_s=3000)
    chip = bench.board.chip
    profile = Profile(chip, bench.board.image.with_suffix(".elf"))
    profile.start()
    await asyncio.sleep(0.8)
    profile.stop()
    slices = [profile.functions[f"device_controller_Controller_{name}"] for name in SLICES]
    ticks = slices[0].calls
    assert ticks >= 75
    assert sum(function.total_ns for function in slices) / ticks < TICK_NS / 2
    assert max(function.worst_ns for function in slices) < STOP_LIMIT_NS
    await rig.stop()
    await task
