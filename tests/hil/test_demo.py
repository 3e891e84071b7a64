"""`rig demo`: one real-time dose, judged by the plant; it must be able to say that something is wrong."""

from dataclasses import replace
from pathlib import Path

import pytest

from device.identity import firmware_hash
from hil.demo_result import EXIT_DIFFERENT, EXIT_JUDGED_WRONG, Authority, Measurement, Plan, Result, Stop, Totals, judge
from host.records import OutcomeKind
from host.reports import DeviceIdentity, Outcome
from tests.hil.rig_command import run

QUICK = ("--volume-ul", "1.5", "--rate-ul-s", "2")


@pytest.mark.req("DOSE-8", "LEDGER-4")
@pytest.mark.parametrize("runs_on", ["vm", "twin"])
def test_a_dose_in_real_time_is_delivered_and_the_plant_agrees(runs_on: str) -> None:
    done = run("demo", "--json", "--target", runs_on, *QUICK)
    assert done.code == 0, done.err
    result = done.json
    dose, firmware = result["dose"], result["firmware"]
    assert result["target"] == runs_on
    assert firmware["implementation"] == ("micropython" if runs_on == "vm" else "cpython")
    assert firmware["hash"] == firmware_hash().hex()
    assert firmware["version"]
    assert (dose["outcome"], dose["asked_nl"]) == ("delivered", 1500)
    assert dose["emitted_steps"] == result["edges_counted"] == 267
    assert dose["to_patient_nl"][0] - 6 <= dose["weighed_nl"] <= dose["to_patient_nl"][1] + 6
    assert result["stops"] == []
    assert result["ledger"] == {"rows": 4, "verified": True}
    assert abs(result["balance_error_nl"]) < 1
    permits, treatment = result["permits"], result["treatment"]
    assert permits["granted"] > 0
    assert permits["signed_statuses_verified"] > 0
    assert permits["refused"] == {}
    assert permits["signed_statuses_distrusted"] == 0
    assert "simulated" in permits["issuer"]
    assert treatment["agent_through_the_tip_nl"] <= treatment["agent_nl"] + 6


@pytest.mark.req("STOP-1", "STOP-10", "DOSE-8")
@pytest.mark.parametrize("runs_on", ["vm", "twin"])
def test_a_dose_stopped_in_its_middle_is_partial_to_the_step(runs_on: str) -> None:
    done = run("demo", "--json", "--target", runs_on, "--stop-after-ul", "0.5", *QUICK)
    assert done.code == 0, done.err
    result = done.json
    dose = result["dose"]
    assert (dose["outcome"], dose["cause"]) == ("partial", "operator")
    assert 500 <= dose["emitted_nl"] < 1500
    assert dose["emitted_steps"] == result["edges_counted"]
    assert dose["to_patient_nl"][0] - 6 <= dose["weighed_nl"] <= dose["to_patient_nl"][1] + 6
    (stop,) = result["stops"]
    assert stop["cause"] == "operator"
    assert 0 <= stop["latency_us"] <= 10_000
    assert result["ledger"]["verified"]


def test_without_a_terminal_it_prints_plain_lines_with_units_and_sources() -> None:
    done = run("demo", *QUICK)
    assert done.code == 0, done.err
    assert "\x1b" not in done.out
    for text in (
        "run by MicroPython v1.",
        "simulated",
        "running",
        "uL/s",
        "kPa",
        "scale at the tip",
        "verified",
        "permits",
    ):
        assert text in done.out


def test_the_ledger_is_kept_where_it_is_asked_for(tmp_path: Path) -> None:
    file = tmp_path / "ledger.sqlite3"
    assert run("demo", "--target", "twin", "--ledger", str(file), "--volume-ul", "0.5").code == 0
    verified = run("ledger", "verify", str(file), "--json")
    assert verified.code == 0
    assert verified.json["rows"] == 4


@pytest.mark.parametrize(
    "arguments",
    [
        ("--volume-ul", "nothing"),
        ("--volume-ul", "-1"),
        ("--rate-ul-s", "0"),
        ("--stop-after-ul", "20"),
        ("--target", "paper"),
    ],
)
def test_what_makes_no_sense_is_refused_as_usage(arguments: tuple[str, str]) -> None:
    done = run("demo", *arguments)
    assert done.code == 2
    assert done.err


def test_a_dose_beyond_a_ceiling_is_refused_and_reported_as_different_from_the_request() -> None:
    done = run("demo", "--json", "--target", "twin", "--volume-ul", "200")
    assert done.code == EXIT_DIFFERENT
    assert done.json["dose"]["outcome"] == "refused"
    assert done.json["dose"]["reason"] == "volume_high"
    assert done.json["edges_counted"] == 0


OUTCOME = Outcome(
    dose_id="00" * 8,
    outcome=OutcomeKind.PARTIAL,
    kind="dose",
    channel="agent",
    lot="11" * 8,
    treatment="22" * 8,
    asked_nl=1000,
    asked_steps=178,
    emitted_steps=100,
    emitted_nl=560,
    to_patient_nl=(400, 570),
    waste_nl=(0, 100),
    reason="none",
    cause="operator",
    nearest=0,
    detail="",
    recorded=True,
)
IDENTITY = DeviceIdentity("vm", "micropython", "1.25.0", "00" * 8, "00" * 8, "00" * 8, "00" * 4, 10, "33" * 8)
RIGHT = Result(
    plan=Plan("vm", 1000, 1000, 500, 1),
    identity=IDENTITY,
    outcome=OUTCOME,
    stops=[Stop("operator", 0, 0, 1000)],
    measured=Measurement(100, 500.0, 0.0, [0], 3.0, 300.0),
    authority=Authority(3, {}, 0, 4, 0),
    totals=Totals("22" * 8, 570, 0, 0, 570, 11_000),
    ledger_rows=4,
    ledger_verified=True,
    slips=0,
    slipped_ms=0.0,
)


def judged(result: Result) -> Result:
    return replace(result, problems=judge(result))


def test_the_judge_has_nothing_against_a_right_result() -> None:
    assert judged(RIGHT).problems == []
    assert judged(RIGHT).exit_code == 0


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"measured": replace(RIGHT.measured, edges=101)}, "101"),
        ({"measured": replace(RIGHT.measured, edges=99)}, "99"),
        ({"measured": replace(RIGHT.measured, weighed_nl=577.0)}, "scale"),
        ({"measured": replace(RIGHT.measured, weighed_nl=393.0)}, "scale"),
        ({"measured": replace(RIGHT.measured, balance_error_nl=2.0)}, "plant"),
        ({"ledger_verified": False}, "ledger"),
        ({"authority": replace(RIGHT.authority, granted=0)}, "permit"),
        ({"authority": replace(RIGHT.authority, distrusted=1)}, "believed"),
        ({"totals": replace(RIGHT.totals, agent_nl=200)}, "counts"),
        ({"stops": []}, "stop"),
    ],
)
def test_the_judge_finds_each_thing_that_can_be_wrong(wrong: dict[str, object], says: str) -> None:
    result = judged(replace(RIGHT, **wrong))
    assert len(result.problems) == 1
    assert says in result.problems[0]
    assert result.exit_code == EXIT_JUDGED_WRONG


def test_a_dose_that_ended_differently_has_its_own_exit_code() -> None:
    assert judged(replace(RIGHT, plan=replace(RIGHT.plan, stop_after_nl=None))).exit_code == EXIT_DIFFERENT
