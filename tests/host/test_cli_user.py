"""``rig user``: who may sign in, which programs have tokens, which browsers are signed in."""

import json
import os
import pty
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from host import cli_user_acts
from host.access.gate import Gate
from host.access.store import Store
from host.cli import app
from host.errors import UsageError
from tests.host.access.conftest import PASSWORD, cheap
from tests.host.access.test_store import by_hand
from tests.host.loops import run

END_S = 60


@pytest.fixture(autouse=True)
def store_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A store of the test's own, which every command finds beside its ledger; hashes that cost little."""
    monkeypatch.setenv("NANORIG_LEDGER", str(tmp_path / "ledger.sqlite3"))
    monkeypatch.setattr("host.access.gate.Passwords", cheap)
    return tmp_path / "access.sqlite3"


def rig(*arguments: str, stdin: str = "") -> Any:
    return CliRunner().invoke(app, ["user", *arguments], input=stdin, catch_exceptions=False)


def answer_of(*arguments: str, stdin: str = "") -> tuple[int, dict[str, Any]]:
    """Return exit code and the one JSON object; anything else on stdout fails."""
    result = rig(*arguments, "--json", stdin=stdin)
    lines = result.stdout.splitlines()
    assert len(lines) == 1, result.output
    answer: dict[str, Any] = json.loads(lines[0])
    return result.exit_code, answer


@pytest.fixture
def lena() -> None:
    code, _ = answer_of("add", "lena", "--role", "supervisor", stdin=PASSWORD + "\n")
    assert code == 0


@pytest.mark.req("SEC-1")
def test_the_first_supervisor_is_made_by_whoever_may_write_the_store(store_file: Path) -> None:
    code, answer = answer_of("add", "ravi", "--role", "technician", stdin=PASSWORD)
    assert (code, answer["error"]["code"]) == (2, "usage")
    assert "first user has to be a supervisor" in answer["error"]["what"]
    code, answer = answer_of("add", "lena", "--role", "supervisor", "--role", "clinician", stdin=PASSWORD + "\n")
    assert code == 0
    assert answer["user"]["roles"] == ["clinician", "supervisor"]
    assert store_file.exists()
    code, answer = answer_of("audit")
    assert (code, answer["verified"]) == (0, True)
    assert answer["changes"][0]["operator"].startswith("local:")


@pytest.mark.usefixtures("lena")
def test_people_are_added_listed_changed_disabled_and_enabled() -> None:
    assert "ravi: technician; changed 20" in rig("add", "ravi", "--role", "technician", stdin=PASSWORD).stdout
    assert answer_of("add-role", "ravi", "clinician")[1]["user"]["roles"] == ["technician", "clinician"]
    assert answer_of("remove-role", "ravi", "technician")[1]["user"]["roles"] == ["clinician"]
    assert "ravi: clinician; DISABLED" in rig("disable", "ravi").stdout
    _, answer = answer_of("list")
    assert [(user["name"], user["disabled"]) for user in answer["users"]] == [("lena", False), ("ravi", True)]
    assert answer_of("enable", "ravi")[1]["user"]["disabled"] is False
    assert rig("list").stdout.count("\n") == 2
    assert answer_of("password", "ravi", stdin="ganz andere Worte 7")[0] == 0
    acts = [line.split()[3] for line in rig("audit").stdout.splitlines()]
    assert acts == ["add_user", "add_user", "add_role", "remove_role", "disable_user", "enable_user", "set_password"]


@pytest.mark.req("SEC-4")
@pytest.mark.usefixtures("lena")
def test_a_token_is_shown_once_and_revoked_by_its_id() -> None:
    code, answer = answer_of("token", "create", "loop", "--role", "automation", "--rig", "rig-1", "--days", "7")
    assert code == 0
    assert answer["token"]["rigs"] == ["rig-1"]
    secret, identity = answer["secret"], answer["token"]["id"]
    result = rig("token", "create", "bench-1", "--role", "bench")
    assert result.stdout.startswith("nanorig_token_")
    assert result.stdout.count("\n") == 1
    assert "not shown again" in result.stderr
    for words in (["token", "list"], ["token", "list", "--json"], ["audit"], ["audit", "--json"]):
        shown = rig(*words).output
        assert identity in shown
        assert secret not in shown
    assert "only rig-1; expires" in rig("token", "list").stdout
    assert answer_of("token", "revoke", identity)[1]["token"]["refusal"] == f"The token {identity} was revoked."
    assert "was revoked" in rig("token", "revoke", identity).stdout


@pytest.mark.req("SEC-3")
@pytest.mark.usefixtures("lena")
def test_sessions_are_listed_and_ended(store_file: Path) -> None:
    async def sign_in() -> str:
        async with await Store.open(store_file) as store, Gate(store, passwords=cheap()) as gate:
            return (await gate.sign_in("lena", PASSWORD, "192.0.2.1")).secret.reveal()

    secret = run(sign_in(), real_time=True)
    code, answer = answer_of("sessions", "lena")
    assert (code, answer["sessions"][0]["source"]) == (0, "192.0.2.1")
    shown = rig("sessions").output
    assert "lena from 192.0.2.1; since" in shown
    assert secret not in shown
    assert answer_of("revoke-sessions", "lena")[1]["sessions_ended"] == 1
    assert rig("revoke-sessions", "lena").stdout == "lena: 0 sessions ended\n"
    assert answer_of("sessions")[1]["sessions"] == []


@pytest.mark.req("SEC-5")
@pytest.mark.usefixtures("lena")
@pytest.mark.parametrize(
    ("words", "stdin", "exit_code", "code", "said"),
    [
        (["add", "Ravi K", "--role", "observer"], PASSWORD, 2, "usage", "'Ravi K' is not a name"),
        (["add", "ravi", "--role", "root"], PASSWORD, 2, "usage", "no role 'root'"),
        (["add", "ravi", "--role", "monitor"], PASSWORD, 2, "usage", "role of programs"),
        (["add", "ravi", "--role", "observer"], "", 2, "usage", "no password on stdin"),
        (["add", "ravi", "--role", "observer"], "short", 2, "usage", "fewer than 12"),
        (["add", "ravi", "--role", "observer"], "long " * 1000, 2, "usage", "longer than 256"),
        (["add", "lena", "--role", "observer"], PASSWORD, 3, "access_exists", "name lena is taken"),
        (["password", "ravi"], PASSWORD, 3, "access_missing", "no user ravi"),
        (["disable", "lena"], "", 3, "access_last_supervisor", "only supervisor"),
        (["add-role", "lena", "\x1b[31m"], "", 2, "usage", r"no role '\x1b[31m'"),
        (["token", "create", "lena", "--role", "bench"], "", 3, "access_exists", "lena is a user"),
        (["token", "create", "loop", "--role", "clinician"], "", 2, "usage", "cannot be a clinician"),
        (["token", "revoke", "zz"], "", 3, "access_missing", "no such token"),
        (["sessions", "ravi"], "", 3, "access_missing", "no user ravi"),
        (["list", "--store", "/nowhere/access.sqlite3"], "", 2, "access_store_missing", "no store of identities"),
    ],
)
def test_what_cannot_be_ends_with_what_is_wrong_and_changes_nothing(
    words: list[str], stdin: str, exit_code: int, code: str, said: str
) -> None:
    before = answer_of("audit")
    ended, answer = answer_of(*words, stdin=stdin)
    assert (ended, answer["error"]["code"]) == (exit_code, code)
    assert said in answer["error"]["what"]
    assert answer["error"]["todo"]
    assert answer_of("audit") == before
    result = rig(*words, stdin=stdin)
    assert result.exit_code == exit_code
    assert result.stderr.startswith("rig: ")


@pytest.mark.req("SEC-4")
def test_no_command_takes_a_password_as_an_argument() -> None:
    for words in (["add", "ravi", PASSWORD], ["password", "ravi", PASSWORD], ["add", "ravi", "--password", PASSWORD]):
        result = rig(*words, "--role", "observer") if words[0] == "add" else rig(*words)
        assert result.exit_code == 2
        assert "--password PASSWORD" not in result.output


@pytest.mark.usefixtures("lena")
def test_a_tampered_audit_ends_with_the_first_wrong_row(store_file: Path) -> None:
    by_hand(store_file, "DROP TRIGGER audit_is_never_changed")
    by_hand(store_file, "UPDATE audit SET body = replace(body, 'lena', 'lisa')")
    code, answer = answer_of("audit")
    assert (code, answer["verified"], answer["error"]["code"]) == (7, False, "tampered")
    result = rig("audit")
    assert result.exit_code == 7
    assert "Row 1 of the audit" in result.stderr


@pytest.mark.req("SEC-1")
def test_the_roles_are_shown_as_the_policy_has_them() -> None:
    code, answer = answer_of("roles")
    assert (code, set(answer["actions"]["stop"].values())) == (0, {"yes"})
    assert answer["actions"]["dose_agent"]["automation"] == "in a plan"
    assert "| `stop`: Stop a rig" in rig("roles").stdout


def test_a_password_that_was_mistyped_is_not_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.stdin, "isatty", lambda: True)
    typed = iter([PASSWORD, PASSWORD + "!"])
    monkeypatch.setattr("getpass.getpass", lambda prompt: next(typed))
    with pytest.raises(UsageError, match="differ"):
        cli_user_acts.asked_password("ravi")


@pytest.mark.req("SEC-4")
def test_a_terminal_shows_the_question_and_not_the_password(store_file: Path) -> None:
    terminal, theirs = pty.openpty()
    command = [sys.executable, "-m", "host", "user", "add", "lena", "--role", "supervisor"]
    process = subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True)
    os.close(theirs)
    shown = b""
    for question in (b"Password of lena:", b"Once more:"):
        while question not in shown:
            shown += os.read(terminal, 1024)
        os.write(terminal, PASSWORD.encode() + b"\n")
    with suppress(OSError):  # the other end is closed
        while more := os.read(terminal, 1024):
            shown += more
    os.close(terminal)
    assert process.wait(END_S) == 0
    assert b"lena: supervisor" in shown
    assert PASSWORD.encode() not in shown
    assert store_file.exists()


def test_the_command_works_as_a_process(store_file: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "host", "user", "add", "lena", "--role", "supervisor", "--json"],
        input=PASSWORD,
        capture_output=True,
        text=True,
        timeout=END_S,
        check=True,
    )
    assert json.loads(done.stdout)["user"]["name"] == "lena"
    assert done.stderr == ""
