"""The ``rig`` command: what it prints, where, and how it ends; against a device on a real pseudo terminal."""

import importlib.metadata
import json
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from host import stopping
from host.cli import app
from host.link import serial_port
from host.link.connection import LinkTimings
from tests.host.conftest import PortDevice
from tests.host.fake_device import LOTS, MAX_DOSE_NL, TREATMENT

pytestmark = pytest.mark.usefixtures("ledger_file")

Make = Callable[[str], PortDevice]
UL, RATE = ["--ul", "1"], ["--ul-s", "5"]


def rig(*arguments: str) -> Any:
    return CliRunner().invoke(app, list(arguments), catch_exceptions=False)


def answer_of(*arguments: str) -> tuple[int, dict[str, Any]]:
    """Return exit code and the one JSON object; anything else on stdout fails."""
    result = rig(*arguments, "--json")
    lines = result.stdout.splitlines()
    assert len(lines) == 1, result.output
    answer: dict[str, Any] = json.loads(lines[0])
    return result.exit_code, answer


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Wait less for what will not come."""
    monkeypatch.setattr(stopping.stop_shared, "__kwdefaults__", {"open_shared": None, "confirm_s": 0.3})
    monkeypatch.setattr("host.core.DEFAULT_TIMINGS", LinkTimings(handshake_ms=400))
    fields = {"timings": LinkTimings(handshake_ms=400)}
    original = __import__("host.core", fromlist=["LinkOptions"]).LinkOptions
    monkeypatch.setattr("host.rig.LinkOptions", lambda: original(**fields))


def test_help_documents_every_exit_code() -> None:
    for arguments in (["--help"], ["dose", "--help"], ["stop", "--help"], ["ledger", "--help"]):
        text = " ".join(rig(*arguments).output.replace("│", " ").split())
        for code in ("0 done", "2 usage", "3 refused", "4 rig unreachable", "6 outcome unknown", "7 ended differently"):
            assert code in text, arguments


def test_a_dose_ends_with_the_figures_and_zero(port_device: Make) -> None:
    device = port_device("good")
    result = rig("dose", *UL, *RATE, "--port", device.port)
    assert result.exit_code == 0
    assert "DELIVERED" in result.stdout
    code, answer = answer_of("dose", "--nl", "1000", "--nl-s", "5000", "--port", device.port)
    assert code == 0
    assert answer["dose"]["outcome"] == "delivered"
    assert answer["dose"]["asked_nl"] == 1000
    assert answer["dose"]["to_patient_nl"][0] <= answer["dose"]["emitted_nl"]
    assert answer["ledger"]["rows"] == 7
    assert device.facts()["executed"] == 2


def test_the_port_may_come_from_the_environment(port_device: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NANORIG_PORT", f"serial://{port_device('good').port}?baud=921600")
    code, answer = answer_of("status")
    assert code == 0
    assert answer["status"]["device_state"] == "ready"
    assert answer["status"]["max_dose_nl"] == MAX_DOSE_NL
    assert answer["telemetry"]["pressure_pa"] == 2000
    assert answer["link"]["bad_crc"] == 0


def test_status_shows_each_figure_with_unit_age_and_source(port_device: Make) -> None:
    result = rig("status", "-p", port_device("good").port)
    assert result.exit_code == 0
    assert "2.0 kPa (telemetry, 0." in result.stdout
    for text in (
        "alarms      none (alarms, ",
        TREATMENT.hex(),
        f"lot {LOTS[0].hex()}",
        "(cartridge, now)",
        "2021-11-26",
        "limit       14.5 kPa of line pressure, above it flow is stopped (status, now)",
        "stored      1.234 uL in the line as an occlusion ended the flow, the device's estimate (status, now)",
    ):
        assert text in result.stdout
    code, answer = answer_of("status", "-p", port_device("good").port)
    assert code == 0
    assert (answer["status"]["pressure_limit_pa"], answer["status"]["stored_nl"]) == (14_500, 1_234)
    assert answer["treatment"]["ceilings"]["agent_dose_nl"] == 2
    assert [row["channel"] for row in answer["cartridges"]] == ["agent", "counter_agent", "flush"]
    assert answer["alarms"]["latched"] == []


@pytest.mark.req("DOSE-4", "SEC-5")
def test_a_refused_dose_ends_with_three_and_the_nearest_value(port_device: Make) -> None:
    port = port_device("good").port
    code, answer = answer_of("dose", "--ul", "100.001", *RATE, "-p", port)
    assert code == 3
    assert answer["error"]["code"] == "refused"
    assert "100000 nL" in answer["error"]["todo"]
    result = rig("dose", *UL, "--ul-s", "21", "-p", port)
    assert result.exit_code == 3
    assert "20000 nL/s" in result.stderr


@pytest.mark.req("STOP-1", "STOP-10")
def test_stop_pause_resume_and_clear_say_what_came_of_it(port_device: Make) -> None:
    port = port_device("good").port
    code, answer = answer_of("stop", "-p", port)
    assert code == 0
    assert answer["recorded"]
    assert answer["stop"]["cause"] == "operator"
    assert answer["stop"]["device_latency_us"] == 123
    assert "was stopped already" in rig("stop", "-p", port).stdout
    assert answer_of("dose", *UL, *RATE, "-p", port)[0] == 3
    code, answer = answer_of("clear", "-p", port)
    assert (code, answer["device_state"]) == (0, "ready")
    for act in ("clear", "pause", "resume"):
        code, answer = answer_of(act, "-p", port)
        assert (code, answer["error"]["code"]) == (3, "refused")


@pytest.mark.req("SEC-5")
@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--ul", "-1", *RATE], "1 to 1000000 nL"),
        (["--ul", "0", *RATE], "1 to 1000000 nL"),
        (["--ul", "nan", *RATE], "not a finite number"),
        (["--ul", "inf", *RATE], "not a finite number"),
        (["--ul", "1e99", *RATE], "1 to 1000000 nL"),
        (["--ul", "1001", *RATE], "1 to 1000000 nL"),
        (["--ul", "0.0005", *RATE], "1 to 1000000 nL"),
        (["--ul", "1.0005", *RATE], "whole number of nL"),
        (["--nl", "1.5", *RATE], "whole number of nL"),
        (["--ul", "one", *RATE], "not a number"),
        (["--ul", "", *RATE], "not a number"),
        ([*UL, "--ul-s", "0"], "1 to 1000000 nL/s"),
        ([*UL, "--nl-s", "-3"], "1 to 1000000 nL/s"),
        ([*UL, *RATE, "--nl", "5"], "once"),
        ([*RATE], "once"),
        ([*UL], "once"),
        ([*UL, *RATE, "--channel", "tea"], "agent, counter_agent, flush"),
        ([*UL, *RATE, "--wish", "x"], "--wish"),
        ([*UL, *RATE, "-p", "nowhere"], "neither a path nor a URL"),
    ],
)
def test_a_request_without_sense_ends_with_two_and_names_the_bound(
    arguments: list[str], says: str, ledger_file: Path
) -> None:
    if "-p" not in arguments:
        arguments = [*arguments, "-p", "/dev/never-opened"]
    code, answer = answer_of("dose", *arguments)
    assert code == 2
    assert says in answer["error"]["what"] + answer["error"]["todo"]
    result = rig("dose", *arguments)
    assert result.exit_code == 2
    assert result.stdout == ""


@pytest.mark.req("LINK-2", "LINK-1", "SEC-5")
@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize(
    ("mode", "code"), [("other_schema", "schema"), ("silent", "silent"), ("garbage", "garbage"), ("repl", "garbage")]
)
def test_a_line_without_the_rig_ends_with_four_and_leaves_the_ledger_as_it_was(
    port_device: Make, mode: str, code: str, ledger_file: Path
) -> None:
    device = port_device(mode)
    exit_code, answer = answer_of("dose", *UL, *RATE, "-p", device.port)
    assert (exit_code, answer["error"]["code"]) == (4, code)
    assert answer["error"]["todo"]
    _, ledger = answer_of("ledger", "verify")
    assert (ledger["rows"], ledger["verified"]) == (1, True)
    result = rig("status", "-p", device.port)
    assert result.exit_code == 4
    assert result.stdout == ""
    assert result.stderr.startswith("rig: ")
    assert "\n  to do: " in result.stderr


@pytest.mark.req("STOP-10")
@pytest.mark.usefixtures("quick")
def test_a_stop_that_nobody_answers_is_loud(port_device: Make) -> None:
    result = rig("stop", "-p", port_device("silent").port)
    assert result.exit_code == 4
    assert "NOT CONFIRMED" in result.stderr
    assert "PRESS THE EMERGENCY STOP" in result.stderr


@pytest.mark.req("STOP-1", "LINK-2")
def test_a_stop_works_with_firmware_of_another_schema(port_device: Make) -> None:
    assert rig("stop", "-p", port_device("other_schema").port).exit_code == 0


def test_a_stop_without_a_port_says_that_nothing_was_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(serial_port, "serial_ports", list)
    result = rig("stop")
    assert result.exit_code == 4
    assert "NO STOP WAS SENT" in result.stderr
    result = rig("stop", "-p", "/dev/there-is-no-such-port")
    assert result.exit_code == 4
    assert "PRESS THE EMERGENCY STOP" in result.stderr


@pytest.mark.parametrize(
    ("ports", "code", "error"),
    [([], 4, "no_port"), (["/dev/a", "/dev/b"], 2, "many_ports"), (["/dev/a"], 4, "port_unknown")],
)
def test_a_port_is_found_when_there_is_just_one(
    monkeypatch: pytest.MonkeyPatch, ports: list[str], code: int, error: str
) -> None:
    monkeypatch.setattr(serial_port, "serial_ports", lambda: ports)
    exit_code, answer = answer_of("status")
    assert (exit_code, answer["error"]["code"]) == (code, error)


def test_a_ledger_that_cannot_be_had_refuses_the_dose_but_not_status_or_stop(port_device: Make, tmp_path: Path) -> None:
    device = port_device("good")
    (tmp_path / "file").write_bytes(b"not a ledger at all, but long enough to be looked at" * 20)
    ledger = ["--ledger", str(tmp_path / "file")]
    code, answer = answer_of("dose", *UL, *RATE, "-p", device.port, *ledger)
    assert (code, answer["error"]["code"]) == (2, "ledger_not_a_ledger")
    assert answer_of("status", "-p", device.port, *ledger)[0] == 0
    assert answer_of("stop", "-p", device.port)[0] == 0
    assert device.facts()["executed"] == 0


@pytest.mark.req("LEDGER-4")
def test_the_ledger_is_verified_and_shown(port_device: Make, ledger_file: Path) -> None:
    port = port_device("good").port
    rig("dose", *UL, *RATE, "-p", port)
    code, verdict = answer_of("ledger", "verify")
    assert (code, verdict["rows"], verdict["verified"], verdict["end_checked"]) == (0, 4, True, False)
    assert "cannot be found from the file alone" in rig("ledger", "verify").stdout
    head = verdict["head"]
    assert answer_of("ledger", "verify", str(ledger_file), "--expect-head", head, "--expect-rows", "4")[0] == 0
    code, answer = answer_of("ledger", "verify", "--expect-rows", "5")
    assert (code, answer["error"]["code"]) == (7, "head_differs")
    _, shown = answer_of("ledger", "show", "--limit", "2")
    assert [row["kind"] for row in shown["rows"]] == ["intent", "outcome"]
    assert len(rig("ledger", "show").stdout.splitlines()) == 4


@pytest.mark.req("LEDGER-4")
def test_a_tampered_ledger_ends_with_seven(ledger_file: Path, port_device: Make) -> None:
    rig("dose", *UL, *RATE, "-p", port_device("good").port)
    database = sqlite3.connect(ledger_file)
    database.execute("DROP TRIGGER rows_are_never_changed")
    database.execute("UPDATE entry SET body = replace(body, '1000', '1001') WHERE sequence = 2")
    database.commit()
    database.close()
    code, answer = answer_of("ledger", "verify")
    assert (code, answer["error"]["code"], answer["verified"]) == (7, "tampered", False)
    result = rig("ledger", "verify")
    assert result.exit_code == 7
    assert "row 2" in result.stdout


def test_a_ledger_that_is_not_there_is_a_usage_error(tmp_path: Path) -> None:
    for command in ("verify", "show"):
        code, answer = answer_of("ledger", command, str(tmp_path / "none"))
        assert (code, answer["error"]["code"]) == (2, "ledger_missing")


def point(name: str, target: str) -> importlib.metadata.EntryPoint:
    return importlib.metadata.EntryPoint(name, target, "nanorig.commands")


@pytest.fixture
def plugins(monkeypatch: pytest.MonkeyPatch) -> None:
    points = [
        point("hello", "tests.host.test_cli:hello"),
        point("group", "tests.host.test_cli:group"),
        point("broken", "tests.host.no_such_module:command"),
        point("stop", "tests.host.test_cli:hello"),
    ]
    monkeypatch.setattr("host.cli_plugins.entry_points", lambda **_: points)


def hello(name: str = "you") -> None:
    """Greet."""
    typer.echo(f"hello {name}")


group = typer.Typer()


@group.command()
def first() -> None:
    """Be first."""
    typer.echo("first")


@group.command()
def second() -> None:
    """Be second."""
    raise typer.Exit(7)


@pytest.mark.usefixtures("plugins")
def test_plug_ins_add_commands_and_groups_of_commands() -> None:
    assert rig("hello", "--name", "rig").stdout == "hello rig\n"
    assert rig("group", "first").stdout == "first\n"
    assert rig("group", "second").exit_code == 7
    assert "Greet." in rig("--help").output


@pytest.mark.req("STOP-1")
@pytest.mark.usefixtures("plugins")
def test_a_broken_plug_in_harms_no_other_command(port_device: Make) -> None:
    port = port_device("good").port
    assert rig("--help").exit_code == 0
    code, answer = answer_of("broken")
    assert (code, answer["error"]["code"]) == (2, "plugin")
    code, answer = answer_of("stop", "-p", port)
    assert (code, answer["stop"]["cause"]) == (0, "operator")
