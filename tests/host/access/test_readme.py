"""The table of roles in the README is the policy's."""

from pathlib import Path

import pytest

from host.access import readme
from host.access.actions import Action

pytestmark = pytest.mark.req("SEC-1")


def test_the_readme_shows_the_policy() -> None:
    assert readme.main(["--check"]) == 0


def test_the_table_has_a_row_for_each_action() -> None:
    rows = readme.roles_text().splitlines()[2:]
    assert [row.split("`")[1] for row in rows] == [str(action) for action in Action]
    assert "| yes | yes | yes | yes | yes | yes | yes |" in rows[0]


def test_an_edited_table_is_found_and_written_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    copy = tmp_path / "README.md"
    text = readme.README.read_text("utf-8")
    copy.write_text(text.replace("| yes | yes | yes | yes | yes | yes | yes |", "| yes |"), "utf-8")
    monkeypatch.setattr(readme, "README", copy)
    assert readme.main(["--check"]) == 1
    assert "make docs" in capsys.readouterr().err
    assert readme.main([]) == 0
    assert copy.read_text("utf-8") == text


def test_a_readme_without_the_table_is_refused() -> None:
    with pytest.raises(ValueError, match="no table of roles"):
        readme.readme_text("# host\n")
