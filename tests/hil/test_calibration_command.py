"""`rig calibrate` and `rig calibration` end to end: a person at a terminal, a scale under the waste, a foot switch."""

import asyncio
from collections.abc import Iterator

import pytest

from device.calibration import MIN_RUN_NL
from hil.bench import Bench
from hil.hosts import ready
from hil.realtime import RealTimeBench
from host.rig import Rig
from tests.hil.rig_command import Done, finish, run, start

RUN = ("flush", "--nl", str(MIN_RUN_NL), "--ul-s", "20")


@pytest.fixture(params=["twin", "vm"])
def bench(request: pytest.FixtureRequest) -> Iterator[RealTimeBench]:
    with RealTimeBench(lambda: Bench(request.param, 3)) as running:
        asyncio.run(_tell_the_date(running))
        yield running


async def _tell_the_date(bench: RealTimeBench) -> None:
    async with Rig.connect(bench.url) as rig:
        await ready(rig)
        issuer = bench.call(Bench.issuer)
        assert rig.welcome is not None
        issuer.meet(rig.welcome)
        await rig.set_date(issuer.set_date())


def weighed_with_the_foot(bench: RealTimeBench, weighed_nl: float, *options: str) -> Done:
    process = start("calibration", "weighed", "--nl", str(round(weighed_nl)), *options, "--json", "-p", bench.url)
    assert process.stderr is not None
    asked = process.stderr.readline()
    if "foot switch" in asked:
        bench.call(lambda it: it.press_footswitch(after_s=0.2))
    return finish(process)


def waste_nl(bench: RealTimeBench) -> float:
    return bench.call(Bench.weigh_waste_nl)


def test_a_technician_calibrates_a_channel_from_the_command_line(bench: RealTimeBench, tmp_path) -> None:
    ledger = tmp_path / "ledger.sqlite3"
    assert run("purge", "flush", "--ul", "2", "--ul-s", "5", "-p", bench.url, ledger=ledger).code == 0
    before_nl = waste_nl(bench)
    made = run("calibrate", *RUN, "--json", "-p", bench.url, ledger=ledger)
    assert made.code == 0, made.err
    assert made.json["dose"]["kind"] == "calibrate"
    weighed_nl = waste_nl(bench) - before_nl
    nonsense = weighed_with_the_foot(bench, weighed_nl * 1.05)
    assert nonsense.code == 3
    assert nonsense.json["error"]["code"] == "refused"
    done = weighed_with_the_foot(bench, weighed_nl, "--dose", made.json["dose"]["dose_id"])
    assert done.code == 0, done.err
    told = done.json["calibration"]
    assert told["channel"] == "flush"
    assert told["step_fl"] == pytest.approx(bench.call(lambda it: it.plant.parameters.step_nl) * 1e6, rel=0.003)
    assert told["made"] == "2026-01-01"
    shown = run("calibration", "show", "-c", "flush", "-p", bench.url)
    assert (shown.code, "good until 2027-01-01" in shown.out) == (0, True)
    assert bench.call(lambda it: it.plant.tip_nl) == 0
