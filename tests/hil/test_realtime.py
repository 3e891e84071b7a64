"""A bench by the wall clock behind a port: an even clock, a cable, a host that comes and goes."""

import asyncio
import os
import signal
import time
from collections.abc import Callable, Iterator

import pytest
import serial

from hil.bench import Bench
from hil.hosts import ready
from hil.pseudo_terminal import LINE_BAUD
from hil.realtime import RealTimeBench
from host.errors import RigError
from host.rig import Rig
from protocol import codes

SLACK_S = 0.05


@pytest.fixture(params=["twin", "vm"])
def bench(request: pytest.FixtureRequest) -> Iterator[RealTimeBench]:
    with RealTimeBench(lambda: Bench(request.param)) as running:
        yield running


def now_s(bench: RealTimeBench) -> float:
    return bench.call(lambda it: it.now_s)


def eventually(condition: Callable[[], bool], timeout_s: float = 5) -> None:
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_bench_time_follows_the_clock(bench: RealTimeBench) -> None:
    began, bench_began = time.monotonic(), now_s(bench)
    time.sleep(0.5)
    passed, bench_passed = time.monotonic() - began, now_s(bench) - bench_began
    assert abs(passed - bench_passed - bench.slipped_ns / 1e9) < SLACK_S


def test_a_late_machine_makes_bench_time_slip_and_never_run_ahead(bench: RealTimeBench) -> None:
    began, bench_began, slips = time.monotonic(), now_s(bench), bench.slips
    bench.call(lambda _: time.sleep(0.3))
    time.sleep(0.1)
    assert bench.slips > slips
    assert bench.slipped_ns >= 250_000_000
    assert now_s(bench) - bench_began < time.monotonic() - began - 0.25


def test_one_host_after_another_finds_the_same_rig(bench: RealTimeBench) -> None:
    async def boot() -> bytes:
        async with Rig.connect(bench.url) as rig:
            await rig.status()
            assert rig.welcome is not None
            return rig.welcome.boot

    assert asyncio.run(boot()) == asyncio.run(boot())


def test_a_dose_over_the_port_leaves_as_many_edges_as_it_reports(bench: RealTimeBench) -> None:
    async def dose() -> int:
        async with Rig.connect(bench.url) as rig:
            await ready(rig)
            outcome = await rig.dose(500, 5000)
            assert outcome.outcome == "delivered"
            return outcome.emitted_steps

    assert asyncio.run(dose()) == bench.call(lambda it: it.edge_count(codes.CHANNEL_FLUSH)) == 89


def test_a_client_rides_out_a_cable_that_is_pulled_and_put_in_again(bench: RealTimeBench) -> None:
    async def dose() -> int:
        async with Rig.connect(bench.url) as rig:
            await ready(rig)
            running = asyncio.create_task(rig.dose(2000, 1000))
            await asyncio.sleep(0.5)
            await asyncio.to_thread(bench.unplug)
            await asyncio.sleep(0.2)
            await asyncio.to_thread(bench.plug)
            outcome = await running
            assert outcome.outcome == "delivered"
            return outcome.emitted_steps

    assert asyncio.run(dose()) == bench.call(lambda it: it.edge_count(codes.CHANNEL_FLUSH)) == 356


def test_a_host_at_the_wrong_speed_gets_no_session(bench: RealTimeBench) -> None:
    async def connect() -> None:
        async with Rig.connect(f"serial://{bench.port.path}?baud=115200"):
            pass

    with pytest.raises(RigError, match="baud"):
        asyncio.run(connect())
    assert bench.port.garbled > 0


def test_what_a_call_raises_goes_to_the_caller_and_the_bench_runs_on(bench: RealTimeBench) -> None:
    def fail(_: Bench) -> None:
        raise ValueError("mine")

    with pytest.raises(ValueError, match="mine"):
        bench.call(fail)
    assert now_s(bench) > 0


def test_a_bench_that_cannot_be_built_says_why() -> None:
    bench = RealTimeBench(lambda: Bench("nothing"))
    with pytest.raises(Exception, match="no target"):
        bench.start()
    bench.close()


def test_the_end_of_the_firmwares_process_ends_the_bench_and_is_told() -> None:
    with RealTimeBench(lambda: Bench("vm")) as bench, serial.Serial(str(bench.port.path), LINE_BAUD) as host:
        os.kill(bench.call(lambda it: it.board.pid), signal.SIGKILL)
        eventually(lambda: bench.error is not None)
        assert "killed by signal 9" in str(bench.error)
        eventually(lambda: not bench.port.plugged)
        with pytest.raises(serial.SerialException):
            host.read(1)
        with pytest.raises(RuntimeError, match="ended"):
            bench.call(lambda it: it.now_s)


def test_closing_leaves_no_process_and_no_port() -> None:
    with RealTimeBench(lambda: Bench("vm")) as bench:
        pid, path = bench.call(lambda it: it.board.pid), bench.port.path
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
    assert not path.exists()
