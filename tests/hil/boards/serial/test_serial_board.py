"""The serial board's own side, in real time, on a stand-in: no Pico has taken part in these tests."""

import asyncio

import pytest

from hil.bench import Bench
from hil.boards.base import BoardError
from hil.boards.serial.capabilities import chosen, missing
from hil.boards.serial.probe import wire
from hil.boards.serial.stand_in import CHIPS
from hil.pseudo_terminal import PseudoTerminal
from hil.scenarios.judge import FLUSH, assert_weighed, safe_falls_ns, weigh_nl
from hil.scenarios.raw_host import RawHost
from protocol import codes

MAX_LAG_NS = 100_000_000


def on(bench, act):
    async def scenario():
        host = RawHost(bench.transport(), bench.seed)
        await host.__aenter__()
        try:
            await host.unlatched(bench.press_footswitch)
            await host.ready()
            return await act(host)
        finally:
            await host.close()

    return bench.run(scenario())


def test_a_dose_is_counted_by_the_probe_and_weighed_by_a_plant_that_follows_its_edges(serial_bench):
    async def dose(host):
        outcome = await host.ended(await host.start(500, 5000))
        assert outcome.state == codes.DOSE_DELIVERED
        assert outcome.emitted_steps == serial_bench.edge_count(FLUSH) > 0
        assert_weighed(await weigh_nl(serial_bench), outcome.patient_min_nl, outcome.patient_max_nl)

    on(serial_bench, dose)


def test_the_plants_pressure_reaches_the_device_through_the_probe(serial_bench):
    async def dose(host):
        dose_id = await host.start(5_000, 10_000)
        await host.in_state(dose_id, codes.DOSE_SETTLING)
        assert host.telemetry().pressure_pa > 1000
        await host.ended(dose_id)

    on(serial_bench, dose)


def test_an_input_counts_from_the_instant_at_which_it_is_on_the_wire(serial_bench):
    falls_ns = safe_falls_ns(serial_bench)

    async def press(host):
        asked_ns = serial_bench.now_ns
        serial_bench.plant.press_estop()
        assert not falls_ns
        await asyncio.sleep(0.2)
        assert asked_ns < falls_ns[0] < asked_ns + MAX_LAG_NS
        assert (await host.status()).stop_cause == codes.CAUSE_EMERGENCY_STOP

    on(serial_bench, press)


def test_a_device_that_loses_its_supply_starts_anew(serial_bench):
    async def boot(host):
        return host.welcome.boot

    before = on(serial_bench, boot)
    serial_bench.power_cycle(0.05)
    assert on(serial_bench, boot) != before


def test_a_host_sees_nothing_of_the_device_before_the_plant_does(serial_bench):
    async def dose(host):
        dose_id = await host.start(2_000, 10_000)
        for _ in range(10):
            state = await host.get_dose(dose_id)
            assert state.emitted_steps <= serial_bench.edge_count(FLUSH)
            await asyncio.sleep(0.01)
        await host.ended(dose_id)

    on(serial_bench, dose)


def test_without_a_probe_there_is_the_link_and_nothing_else(stand_in):
    with Bench("serial", board_url=stand_in.board_url) as bench:
        assert bench.board.capabilities == frozenset()
        with pytest.raises(BoardError, match="power"):
            bench.power_off()
        bench.run_for(0.02)
        assert bench.now_s >= 0.02


def test_a_port_that_is_not_there_is_named():
    with pytest.raises(BoardError, match=r"--board-url.*|/dev/nowhere"):
        Bench("serial", board_url="serial:///dev/nowhere")


@pytest.mark.parametrize("url", ["", "nonsense", "tcp://host:1", "/etc/hostname"])
def test_a_port_that_makes_no_sense_is_refused(url):
    with pytest.raises(BoardError, match="--board-url"):
        Bench("serial", board_url=url)


def test_a_silent_probe_is_told_from_one_that_answers_nonsense(stand_in):
    port = PseudoTerminal()
    try:
        with pytest.raises(BoardError, match="does not answer"):
            Bench("serial", board_url=stand_in.board_url, probe_url=str(port.path))
    finally:
        port.close()


def test_the_device_on_the_probes_option_is_noticed(stand_in):
    port = PseudoTerminal()
    try:
        with pytest.raises(BoardError, match="is it the probe"):
            Bench("serial", board_url=str(port.path), probe_url=stand_in.board_url)
    finally:
        port.close()


def test_a_probe_of_another_version_is_refused_by_both_numbers(stand_in, monkeypatch):
    real = wire.pack

    def older(number, *values):
        return real(number, 9, *values[1:]) if number == wire.WELCOME else real(number, *values)

    monkeypatch.setattr(wire, "pack", older)
    with pytest.raises(BoardError, match=r"version 9 .* speaks 1"):
        Bench("serial", board_url=stand_in.board_url, probe_url=stand_in.probe_url)


def test_a_probe_that_falls_silent_ends_the_run(stand_in):
    bench = Bench("serial", board_url=stand_in.board_url, probe_url=stand_in.probe_url, capabilities=CHIPS)
    with bench:
        stand_in.call(lambda _: stand_in.probe_port.unplug())
        try:
            with pytest.raises(BoardError, match="probe"):
                bench.run_for(3)
        finally:
            stand_in.call(lambda _: stand_in.probe_port.plug())


def test_capabilities_are_added_and_taken_away_by_name():
    assert chosen(("edges", "safe"), "i2c-fram,-safe") == {"edges", "i2c-fram"}
    assert missing(("safe", "edges"), ("edges",)) == ["safe"]
    with pytest.raises(BoardError, match="no capability 'edgs'"):
        chosen((), "edgs")
