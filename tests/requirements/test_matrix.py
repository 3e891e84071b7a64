"""The matrix judges claims: what it must refuse, and what it must show."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.requirements import matrix
from tests.requirements.catalogue import Catalogue, CatalogueError, load
from tests.requirements.matrix import summary, table, unproven

PROJECT = Path(__file__).resolve().parents[2] / "pyproject.toml"
GROUP = '[group.STOP]\ntitle = "stopping"\n'


def catalogue(tmp_path: Path, *entries: str) -> Catalogue:
    path = tmp_path / "requirements.toml"
    path.write_text(GROUP + "\n".join(entries))
    return load(path)


def entry(name: str, state: str, extra: str = "") -> str:
    return f'[requirement.{name}]\ntext = "Stops | at once."\ndevice = true\nstate = "{state}"\n{extra}'


def test_the_catalogue_that_ships_is_sound() -> None:
    assert len(load().requirements) == 78


@pytest.mark.parametrize("state", ["held", "part"])
def test_a_claim_without_a_test_is_unproven(tmp_path: Path, state: str) -> None:
    claims = catalogue(tmp_path, entry("STOP-1", state, 'missing = "half"' if state == "part" else ""))
    assert [each.id for each in unproven(claims, {})] == ["STOP-1"]
    assert unproven(claims, {"STOP-1": ["tests/test_stop.py::test_it"]}) == []


def test_an_open_requirement_needs_no_test(tmp_path: Path) -> None:
    assert unproven(catalogue(tmp_path, entry("STOP-1", "open")), {}) == []


def test_the_table_names_the_tests_and_what_is_missing(tmp_path: Path) -> None:
    claims = catalogue(tmp_path, entry("STOP-1", "part", 'missing = "the hung bus"'))
    row = table(claims, {"STOP-1": ["tests/test_stop.py::test_it"]}).splitlines()[-1]
    assert row == r"| STOP-1 | Stops \| at once. | yes | part: the hung bus | `tests/test_stop.py::test_it` |"


def test_the_summary_counts_by_state(tmp_path: Path) -> None:
    claims = catalogue(tmp_path, entry("STOP-1", "held"), entry("STOP-2", "open"), entry("STOP-3", "open"))
    assert summary(claims) == "3 requirements: 1 held, 0 part, 2 open."


@pytest.mark.parametrize(
    ("broken", "said"),
    [
        (entry("GO-1", "open"), "GO-1: there is no group GO"),
        (entry("STOP-1", "done"), "STOP-1: state 'done' is none of held, part, open"),
        (entry("STOP-1", "part"), "STOP-1: state part needs `missing`"),
        (entry("STOP-1", "held", 'missing = "half"'), "STOP-1: `missing` goes with state part, not held"),
        (entry("STOP-1", "open", 'sauce = "own"'), "STOP-1: .*sauce"),
        (entry("STOP-1", "open") + entry("STOP-1", "open"), "requirements.toml: "),
    ],
)
def test_a_catalogue_that_contradicts_itself_is_refused(tmp_path: Path, broken: str, said: str) -> None:
    with pytest.raises(CatalogueError, match=said):
        catalogue(tmp_path, broken)


def test_an_unproven_claim_fails_the_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(matrix, "load", lambda: catalogue(tmp_path, entry("STOP-1", "held")))
    monkeypatch.setattr(matrix, "collect", dict)
    monkeypatch.setattr(matrix, "TABLE", tmp_path / "build" / "requirements.md")
    assert matrix.main() == 1
    assert "STOP-1 is said to be held, and no test names it" in capsys.readouterr().err
    assert matrix.TABLE.exists()


def here(folder: Path) -> list[str]:
    """Give the arguments that run pytest as this project does, on another folder."""
    return ["-c", str(PROJECT), f"--rootdir={folder}", str(folder)]


def run_pytest(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "pytest", *here(folder), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_a_test_that_names_an_unknown_requirement_stops_the_run(tmp_path: Path) -> None:
    test = tmp_path / "test_it.py"
    test.write_text("import pytest\n\n@pytest.mark.req('STOP-2', 'STOP-99')\ndef test_it():\n    pass\n")
    done = run_pytest(tmp_path)
    assert done.returncode == pytest.ExitCode.USAGE_ERROR
    assert "no requirement is called 'STOP-99'" in done.stderr
    assert "test_it.py::test_it" in done.stderr


def test_what_a_test_names_is_found_once_whatever_its_parameters(tmp_path: Path) -> None:
    test = tmp_path / "test_it.py"
    test.write_text(
        "import pytest\n\n"
        "@pytest.mark.req('STOP-2')\n@pytest.mark.parametrize('n', [1, 2])\ndef test_it(n):\n    pass\n"
    )
    assert matrix.collect(here(tmp_path)) == {"STOP-2": ["test_it.py::test_it"]}


def test_the_same_seed_draws_the_same_examples(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    test = tmp_path / "test_it.py"
    test.write_text(
        "from hypothesis import given, strategies as st\n\n"
        "@given(st.integers())\ndef test_it(n):\n    print('drew', n)\n"
    )
    monkeypatch.setenv("NANORIG_SEED", "7")
    first, second = run_pytest(tmp_path, "-s"), run_pytest(tmp_path, "-s")
    drawn = [[line for line in run.stdout.splitlines() if line.startswith("drew")] for run in (first, second)]
    assert drawn[0] == drawn[1] != []
    assert "seed: 7 (NANORIG_SEED=7 repeats this run)" in first.stdout


def test_a_seed_that_is_no_number_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NANORIG_SEED", "lucky")
    done = run_pytest(tmp_path)
    assert done.returncode == pytest.ExitCode.USAGE_ERROR
    assert "NANORIG_SEED=lucky is not a whole number" in done.stderr
