"""The ``rig`` commands around a treatment: kinds of doses, signed files, alarms, unknown doses."""

from collections.abc import Callable
from pathlib import Path

import pytest

from protocol import messages, typed
from tests.host.conftest import PortDevice
from tests.host.fake_device import PRESSURE_LIMIT_PA, TREATMENT
from tests.host.test_cli import RATE, UL, answer_of, rig

pytestmark = pytest.mark.usefixtures("ledger_file")

Make = Callable[[str], PortDevice]


@pytest.mark.req("RESCUE-4", "PERMIT-5")
@pytest.mark.parametrize(
    ("words", "kind", "channel"),
    [
        (["rescue"], "rescue", "counter_agent"),
        (["prime", "agent"], "prime", "agent"),
        (["purge", "flush"], "purge", "flush"),
        (["calibrate", "counter_agent"], "calibrate", "counter_agent"),
        (["dose", "--kind", "screening", "-c", "agent"], "screening", "agent"),
        (["dose", "--end-ul-s", "4"], "dose", "flush"),
    ],
)
def test_every_kind_of_dose_has_its_command(port_device: Make, words: list[str], kind: str, channel: str) -> None:
    code, answer = answer_of(*words, *UL, *RATE, "-p", port_device("good").port)
    assert code == 0
    assert (answer["dose"]["kind"], answer["dose"]["channel"]) == (kind, channel)


def test_agent_without_a_permit_is_refused_and_says_why(port_device: Make) -> None:
    result = rig("dose", "-c", "agent", *UL, *RATE, "-p", port_device("good").port)
    assert result.exit_code == 3
    assert "permit" in result.stderr


@pytest.mark.parametrize("form", ["octets", "digits"])
def test_a_signed_file_is_handed_on(port_device: Make, tmp_path: Path, form: str) -> None:
    signed = bytes(messages.SIZES[messages.SET_DATE])
    file = tmp_path / "date"
    file.write_bytes(signed if form == "octets" else signed.hex().encode())
    code, answer = answer_of("treatment", "date", str(file), "-p", port_device("good").port)
    assert (code, answer["done"], answer["treatment"]["id"]) == (0, "set_date", TREATMENT.hex())


def test_an_act_that_nobody_confirmed_ends_with_three(port_device: Make, tmp_path: Path) -> None:
    file = tmp_path / "close"
    file.write_bytes(bytes(messages.SIZES[messages.CLOSE_TREATMENT]))
    code, answer = answer_of("treatment", "close", str(file), "-p", port_device("good").port)
    assert (code, answer["error"]["code"]) == (3, "not_confirmed")


@pytest.mark.req("FLOW-3")
def test_a_pressure_limit_is_done_when_the_rig_shows_it(port_device: Make, tmp_path: Path) -> None:
    port = port_device("good").port
    file = tmp_path / "limit"
    file.write_bytes(typed.SetPressureLimit(bytes(8), 1, PRESSURE_LIMIT_PA, bytes(16)).body())
    code, answer = answer_of("treatment", "pressure-limit", str(file), "-p", port)
    assert (code, answer["done"], answer["pressure_limit_pa"]) == (0, "set_pressure_limit", PRESSURE_LIMIT_PA)
    assert "14.5 kPa of line pressure" in rig("treatment", "pressure-limit", str(file), "-p", port).stdout
    file.write_bytes(typed.SetPressureLimit(bytes(8), 2, PRESSURE_LIMIT_PA + 1, bytes(16)).body())
    code, answer = answer_of("treatment", "pressure-limit", str(file), "-p", port)
    assert (code, answer["error"]["code"]) == (3, "not_confirmed")


@pytest.mark.req("SEC-5")
@pytest.mark.parametrize("data", [b"", b"something else", b"00" * 5000])
def test_a_file_that_holds_something_else_is_a_usage_error(port_device: Make, tmp_path: Path, data: bytes) -> None:
    file = tmp_path / "file"
    file.write_bytes(data)
    result = rig("treatment", "open", str(file), "-p", port_device("good").port)
    assert result.exit_code == 2
    assert str(file) in result.stderr
    assert rig("treatment", "open", str(tmp_path / "none"), "-p", "/dev/null").exit_code == 2


def test_the_treatment_is_shown_in_words(port_device: Make) -> None:
    result = rig("treatment", "show", "-p", port_device("good").port)
    assert result.exit_code == 0
    assert TREATMENT.hex() in result.stdout
    assert "screening passed" in result.stdout


def test_alarms_are_acknowledged_and_the_sound_is_paused(port_device: Make) -> None:
    port = port_device("good").port
    assert answer_of("ack", "door", "air", "-p", port)[1]["acknowledged"] == ["door", "air"]
    assert "no alarm waits" in rig("ack", "-p", port).stdout
    assert answer_of("quiet", "30", "-p", port)[1]["audio_paused_s"] == 30
    assert rig("quiet", "121", "-p", port).exit_code == 2
    result = rig("ack", "tea", "-p", port)
    assert result.exit_code == 2
    assert "emergency_stop" in result.stderr


def test_light_and_sound_are_confirmed_at_the_foot_switch(port_device: Make) -> None:
    result = rig("test-alarms", "-p", port_device("good").port)
    assert result.exit_code == 0, result.stderr
    assert "press the foot switch" in result.stderr
    assert "confirmed until the next start" in result.stdout


def test_an_unknown_dose_is_closed_in_a_persons_name_only(port_device: Make) -> None:
    port = port_device("good").port
    assert answer_of("resolve", "11" * 8, "--person", "Dr. Okafor", "-p", port)[1]["closed_by"] == "Dr. Okafor"
    assert rig("resolve", "tea", "--person", "Dr. Okafor", "-p", port).exit_code == 2
    assert rig("resolve", "11" * 8, "--person", " ", "-p", port).exit_code == 2
    assert rig("resolve", "11" * 8, "-p", port).exit_code == 2


@pytest.mark.req("LEDGER-6")
def test_what_disagrees_is_in_the_status_until_a_named_person_acknowledges_it(port_device: Make) -> None:
    device = port_device("good")
    for _ in range(2):  # the second connect compares what the first one ordered
        assert answer_of("dose", *UL, *RATE, "-p", device.port)[0] == 0
    device.tell("boot")
    device.facts()  # it has booted
    _, told = answer_of("status", "-p", device.port)
    (one,) = told["disagreements"]
    assert (one["problem"], told["not_compared"]) == ("backwards", None)
    shown = rig("status", "-p", device.port).stdout
    assert f"DISAGREES   ledger row {one['row']}" in shown
    refused = rig("dose", "-c", "agent", *UL, *RATE, "-p", device.port)
    assert (refused.exit_code, f"rig ledger acknowledge {one['row']}" in refused.stderr) == (3, True)
    wrong = answer_of("ledger", "acknowledge", "999", "--person", "Dr. Okafor", "-p", device.port)
    assert (wrong[0], str(one["row"]) in wrong[1]["error"]["todo"]) == (2, True)
    code, done = answer_of("ledger", "acknowledge", str(one["row"]), "--person", "Dr. Okafor", "-p", device.port)
    assert (code, done["acknowledged_by"], done["acknowledged"]) == (0, "Dr. Okafor", [one])
    assert answer_of("status", "-p", device.port)[1]["disagreements"] == []
    assert "acknowledged by Dr. Okafor" not in rig("status", "-p", device.port).stdout
    assert answer_of("ledger", "verify")[0] == 0
