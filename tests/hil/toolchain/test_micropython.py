"""Finding MicroPython: which one is taken, and what is said when there is none."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from hil.toolchain import micropython
from hil.toolchain.debian import FetchError
from hil.toolchain.micropython import MicroPythonMissingError, find_or_fetch, pico_like, probe

FakeMaker = Callable[[str], Path]


@pytest.fixture
def fake(tmp_path: Path) -> FakeMaker:
    """Make a `micropython` that names the version asked for."""

    def make(version: str) -> Path:
        program = tmp_path / "bin" / "micropython"
        program.parent.mkdir()
        program.write_text(f"#!/bin/sh\necho '3.4.0; MicroPython v{version} on 2025-01-01'\n")
        program.chmod(0o755)
        return program

    return make


@pytest.fixture
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> list[Path]:
        raise FetchError("missing: a mirror")

    monkeypatch.setattr(micropython, "fetch_binary", refuse)
    monkeypatch.setattr(micropython, "fetch_source", refuse)


def evaluate(command: list[str], expression: str) -> str:
    done = subprocess.run([*command, "-c", f"print({expression})"], capture_output=True, text=True, check=True)
    return done.stdout.strip()


def test_the_one_found_is_recent_enough_and_runs() -> None:
    found = find_or_fetch()
    assert found.version >= (1, 25)
    assert evaluate(found.command, "6 * 7") == "42"


def test_the_variable_comes_first(fake: FakeMaker, monkeypatch: pytest.MonkeyPatch) -> None:
    program = fake("1.26.1")
    monkeypatch.setenv("MICROPYTHON", str(program))
    found = find_or_fetch()
    assert (found.command, found.version) == ([str(program)], (1, 26, 1))


def test_the_variable_may_hold_arguments(fake: FakeMaker, monkeypatch: pytest.MonkeyPatch) -> None:
    program = fake("1.26.1")
    monkeypatch.setenv("MICROPYTHON", f"{program} -X heapsize=192k")
    assert find_or_fetch().command == [str(program), "-X", "heapsize=192k"]


def test_a_variable_that_names_something_else_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MICROPYTHON", sys.executable)
    with pytest.raises(MicroPythonMissingError, match="does not run MicroPython"):
        find_or_fetch()


def test_a_variable_that_names_an_old_one_is_an_error(fake: FakeMaker, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MICROPYTHON", str(fake("1.24.1")))
    with pytest.raises(MicroPythonMissingError, match=r"is MicroPython v1\.24\.1 .*; 1\.25 or newer is needed"):
        find_or_fetch()


def test_one_on_the_path_is_taken(fake: FakeMaker, monkeypatch: pytest.MonkeyPatch) -> None:
    program = fake("1.25.0")
    monkeypatch.delenv("MICROPYTHON", raising=False)
    monkeypatch.setenv("PATH", str(program.parent), prepend=":")
    assert find_or_fetch().command == [str(program)]


@pytest.mark.usefixtures("no_network")
def test_an_old_one_on_the_path_is_passed_over(
    fake: FakeMaker, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    program = fake("1.19.1")
    monkeypatch.delenv("MICROPYTHON", raising=False)
    monkeypatch.setenv("PATH", str(program.parent), prepend=":")
    with pytest.raises(MicroPythonMissingError, match=r"could not be fetched(.|\n)*missing: a mirror"):
        find_or_fetch(cache=tmp_path)


@pytest.mark.usefixtures("no_network")
def test_a_failed_fetch_leaves_nothing_behind(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("MICROPYTHON", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(MicroPythonMissingError):
        find_or_fetch(cache=tmp_path / "cache")
    assert not (tmp_path / "cache").exists()


def test_what_is_not_there_is_no_micropython() -> None:
    assert probe(["/nowhere/micropython"]) is None


def test_the_pico_like_one_has_a_picos_floats_and_ticks() -> None:
    try:
        built = pico_like()
    except MicroPythonMissingError as error:
        pytest.skip(str(error))
    assert evaluate(built.command, "1 + 1e-9 == 1") == "True"
    assert evaluate(built.command, "__import__('time').ticks_diff(1, (1 << 30) - 1)") == "2"
    assert evaluate(built.command, "__import__('time').ticks_add((1 << 30) - 1, 2)") == "1"


def test_without_a_compiler_the_pico_like_one_is_missing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(MicroPythonMissingError, match=r"missing: gcc and make(.|\n)*apt-get install"):
        pico_like(cache=tmp_path)


def test_the_command_line_prints_command_and_version(
    fake: FakeMaker, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    program = fake("1.25.0")
    monkeypatch.setenv("MICROPYTHON", str(program))
    assert micropython.main([]) == 0
    assert capsys.readouterr().out == f"{program}\nMicroPython v1.25.0 on 2025-01-01\n"


def test_the_command_line_fails_plainly(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("MICROPYTHON", sys.executable)
    assert micropython.main([]) == 1
    assert "to do:" in capsys.readouterr().err
