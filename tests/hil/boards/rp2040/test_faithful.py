"""What the emulated Pico keeps and what it loses, what the line costs in time, and that one seed is one run."""

import asyncio
from itertools import pairwise

import pytest

from hil.bench import Bench
from hil.boards.line import OCTET_NS
from hil.boards.rp2040.scripts import ScriptedPico
from hil.hosts import ready
from hil.plant.parameters import NS_PER_MS

pytestmark = pytest.mark.rp2040

FLUSH = 2
START_S = 1.6
WRITE = """\
import vfs, rp2
flash = rp2.Flash()
vfs.VfsLfs2.mkfs(flash, progsize=256)
vfs.mount(vfs.VfsLfs2(flash, progsize=256), "/")
with open("/kept", "w") as file:
    file.write("what was written")
"""
READ = "print(open('/kept').read())"


def scripted(bench, text):
    """Run a script on a bench image that is on the bench; return what it printed."""
    bench.board.console.clear()
    bench.board.host_write(len(text).to_bytes(4, "little") + text.encode())
    bench.run_for(0.3)
    return bench.board.console.text.strip()


def test_what_is_in_the_flash_outlives_the_loss_of_power():
    with Bench("rp2040", variant="bench") as bench:
        bench.run_for(0.1)
        assert scripted(bench, WRITE) == ""
        bench.power_cycle()
        bench.run_for(0.1)
        assert scripted(bench, READ) == "what was written"


def test_power_cut_at_an_instant_ends_everything_at_the_pins_and_a_new_boot_begins():
    bench = Bench("rp2040", seed=4)

    async def run():
        rig = await bench.connect()
        await ready(rig)
        dose = asyncio.ensure_future(rig.dose(30_000, 20_000))
        await asyncio.sleep(0.3137)
        edges, cut_ns = bench.edge_count(FLUSH), bench.now_ns
        assert edges > 0
        bench.power_off()
        await asyncio.sleep(0.05)
        assert bench.edge_count(FLUSH) == edges
        assert bench.recorder.edge_times(FLUSH)[-1] <= cut_ns
        assert not bench.plant.valve_patient
        assert not bench.plant.motor_powered
        before = rig.welcome.boot
        bench.power_on()
        await asyncio.sleep(START_S + 1.0)
        assert rig.welcome.boot != before
        assert bench.edge_count(FLUSH) == edges
        dose.cancel()
        await asyncio.gather(dose, return_exceptions=True)
        await rig.close()

    with bench:
        bench.run(run())


@pytest.mark.req("LEDGER-1")
@pytest.mark.parametrize("octets", [1, 4, 7])
def test_power_cut_at_an_octet_of_a_journal_write_leaves_exactly_those_octets(octets):
    with Bench("rp2040", seed=2) as bench:
        bench.run_for(START_S)
        bench.power_off()
        before = bytes(bench.plant.fram.contents)
        bench.plant.fram.cut_power_after(octets)
        bench.power_on()
        bench.run_for(START_S)
        assert bench.board.power_lost
        written = [index for index, octet in enumerate(bench.plant.fram.contents) if octet != before[index]]
        assert len(written) <= octets
        assert bench.board.chip is None


class Timed(ScriptedPico):
    """An emulated Pico that takes scripts, and notes when each octet has left it."""

    def __init__(self, image):
        self.times = []
        super().__init__(image)

    def _octet(self, octet, now_ns):
        self.times.append(now_ns)
        super()._octet(octet, now_ns)


@pytest.fixture
def timed(bench_image):
    return Timed(bench_image)


def test_octets_leave_at_the_line_s_speed(timed):
    timed.send(
        "from device.boards.pico import PicoBoard\nboard = PicoBoard()\nboard.link_write(bytes(200), 200)\n"
        "import time\ntime.sleep_ms(20)"
    )
    timed.run_for(60 * NS_PER_MS)
    gaps = {after - before for before, after in pairwise(timed.times[:200])}
    assert max(gaps) - min(gaps) <= 100
    assert sum(gaps) / len(gaps) == pytest.approx(OCTET_NS, rel=0.003)


def test_octets_come_in_at_the_line_s_speed(board):
    board.send(
        "#+\nwhile not board._uart.any():\n    pass\nfirst = time.ticks_us()\n"
        "while board._uart.any() < 300:\n    pass\nprint(time.ticks_diff(time.ticks_us(), first))"
    )
    board.run_for(30 * NS_PER_MS)
    board.chip.uart.send_to_device(bytes(300), OCTET_NS)
    assert int(board.finish()) == pytest.approx(299 * OCTET_NS / 1000, abs=200)


def test_the_line_is_as_fast_as_the_firmware_set_it(board):
    assert board.chip.uart.octet_ns == pytest.approx(OCTET_NS, rel=0.003)


def run_of(seed):
    with Bench("rp2040", seed=seed) as bench:

        async def run():
            rig = await bench.connect()
            await ready(rig)
            dose = asyncio.ensure_future(rig.dose(5000, 8000))
            await asyncio.sleep(0.3)
            await rig.stop()
            await dose
            await rig.close()

        bench.run(run())
        return bench.recorder.digest(), bench.edge_count(FLUSH)


def test_one_seed_gives_one_hash_of_edges_and_frames_and_another_seed_another():
    first, again, other = run_of(7), run_of(7), run_of(8)
    assert first == again
    assert first[1] > 0
    assert first[0] != other[0]
