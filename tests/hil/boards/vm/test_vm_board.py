"""The firmware in the real MicroPython VM, on the modelled peripherals."""

import time
from typing import Any

import pytest

from device.identity import firmware_hash
from device.limits import steps_of
from hil.boards.vm.process import HEAP_KIB
from hil.toolchain.micropython import MicroPythonMissingError, pico_like
from protocol import codes, messages, typed

GOAL_SIMULATED_S_PER_S = 5


def telemetry(bench: Any) -> typed.Telemetry:
    values = [values for number, values in bench.host.heard if number == messages.TELEMETRY]
    return typed.Telemetry.from_values(values[-1])


def test_it_is_micropython_that_answers_and_it_runs_these_sources(make_bench):
    welcome = make_bench().host.connect()
    assert welcome.implementation.rstrip(b"\0") == b"micropython"
    assert welcome.board.rstrip(b"\0") == b"vm"
    assert welcome.firmware == firmware_hash()
    assert welcome.schema == messages.schema_hash()


@pytest.mark.req("DOSE-8")
def test_a_dose_emits_exactly_the_steps_that_are_counted_at_the_pin(make_bench):
    bench = make_bench()
    bench.host.connect()
    assert bench.host.dose(1000).state == codes.DOSE_ACCEPTED
    outcome = bench.host.outcome()
    assert outcome.state == codes.DOSE_DELIVERED
    assert outcome.emitted_steps == bench.edges == steps_of(1000)


@pytest.mark.req("STOP-1", "STOP-7")
def test_no_edge_follows_a_stop_frame_and_emitted_is_exact(make_bench):
    bench = make_bench()
    bench.host.connect()
    bench.host.dose(5000)
    bench.host.run_for(2.0)
    bench.host.stop()
    outcome = bench.host.outcome()
    assert outcome.state == codes.DOSE_PARTIAL
    assert outcome.emitted_steps == bench.edges
    assert 0 < bench.edges < steps_of(5000)


def test_the_same_seed_gives_the_same_run_to_the_nanosecond(make_bench):
    digests = []
    for _ in range(2):
        bench = make_bench(seed=7)
        bench.host.connect()
        bench.host.dose(500)
        bench.host.outcome()
        digests.append((bench.recorder.digest(), bench.rig.weigh_nl(bench.board.now_ns)))
    assert digests[0] == digests[1]


def test_what_is_in_the_fram_outlives_the_power(make_bench):
    bench = make_bench()
    first = int.from_bytes(bench.host.connect().boot[:4], "little")
    bench.board.power_off()
    bench.board.run_until(bench.board.now_ns + 1_000_000_000)
    bench.board.power_on()
    bench.host.__init__(bench.board)
    assert int.from_bytes(bench.host.connect().boot[:4], "little") == first + 1


def test_without_power_there_is_no_process_and_no_edge(make_bench):
    bench = make_bench()
    bench.host.connect()
    bench.host.dose(5000)
    bench.host.run_for(1.0)
    bench.board.power_off()
    edges = bench.edges
    bench.board.run_until(bench.board.now_ns + 1_000_000_000)
    assert bench.board.pid is None
    assert bench.edges == edges > 0


@pytest.mark.req("STOP-5")
def test_a_hung_processor_ends_the_flow_with_the_grant_and_the_watchdog_restarts_it(make_bench):
    bench = make_bench()
    boot = bench.host.connect().boot
    bench.host.dose(5000)
    bench.host.run_for(1.0)
    hung_ns = bench.board.now_ns
    bench.board.hang()
    bench.board.run_until(hung_ns + 600_000_000)
    last_ns = bench.recorder.last_edge_ns(codes.CHANNEL_FLUSH)
    assert last_ns is not None
    assert hung_ns - 10_000_000 < last_ns <= hung_ns + 40_000_000
    bench.host.__init__(bench.board)
    assert bench.host.connect().boot != boot
    bench.host.run_for(0.2)
    assert telemetry(bench).stop_cause == codes.CAUSE_FAULT


def test_a_dose_goes_on_over_the_wrap_of_the_device_clock(make_bench):
    bench = make_bench(ticks_start_us=(1 << 30) - 2_000_000)
    bench.host.connect()
    bench.host.dose(3000)
    bench.host.run_for(4.0)
    assert telemetry(bench).uptime_ms > 1 << 20
    assert bench.host.outcome().emitted_steps == bench.edges == steps_of(3000)


def test_the_heap_is_bounded_and_does_not_fill(make_bench):
    bench = make_bench()
    bench.host.connect()
    bench.host.run_for(2.0)
    bench.host.dose(10_000, 2000)
    bench.host.outcome()
    free = [
        typed.LinkStats.from_values(values).heap_free
        for number, values in bench.host.heard
        if number == messages.LINK_STATS and values[-1]
    ]
    assert 0 < min(free) < HEAP_KIB * 1024
    assert free[-1] > free[0] - 4096


def test_a_dose_runs_at_least_five_times_as_fast_as_it_would_by_the_clock(make_bench):
    bench = make_bench()
    bench.host.connect()
    bench.host.dose(10_000)
    began_s, began_ns = time.perf_counter(), bench.board.now_ns
    bench.host.run_for(9.0)
    simulated_s = (bench.board.now_ns - began_ns) / 1e9
    assert simulated_s / (time.perf_counter() - began_s) > GOAL_SIMULATED_S_PER_S


def test_a_vm_with_numbers_as_wide_as_a_picos_gives_the_same_dose(make_bench):
    try:
        micropython = pico_like()
    except MicroPythonMissingError as error:
        pytest.skip(str(error))
    bench = make_bench(micropython=micropython)
    bench.host.connect()
    bench.host.dose(1000)
    assert bench.host.outcome().emitted_steps == bench.edges == steps_of(1000)


@pytest.mark.req("LEDGER-2")
@pytest.mark.parametrize("octets", [0, 1, 9, 15])
def test_power_that_vanishes_in_the_middle_of_a_write_leaves_what_was_written_before(make_bench, octets):
    bench = make_bench()
    first = int.from_bytes(bench.host.connect().boot[:4], "little")
    bench.board.power_off()
    bench.rig.fram.cut_power_after(octets)
    bench.board.power_on()
    assert bench.board.pid is None
    bench.board.power_on()
    bench.host.__init__(bench.board)
    assert int.from_bytes(bench.host.connect().boot[:4], "little") == first + 1
