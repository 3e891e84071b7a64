"""Backups and exports of a ledger, by the command, also while a program holds it."""

import asyncio
import csv
import json
import stat
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from host.cli import app
from host.head_file import HeadFile
from host.ledger import Ledger
from host.ledger_export import COLUMNS, cells
from host.ledger_key import key_file
from host.ledger_verify import verify
from tests.host.ledgers import contents, fill, make_format_1, tamper
from tests.host.loops import real

pytestmark = pytest.mark.req("LEDGER-4")


def rig(*arguments: str | Path) -> Any:
    return CliRunner().invoke(app, [str(each) for each in arguments], catch_exceptions=False)


def told(*arguments: str | Path) -> tuple[int, dict[str, Any]]:
    result = rig(*arguments, "--json")
    return result.exit_code, json.loads(result.stdout)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "ledger.sqlite3"
    make_format_1(path)
    fill(path, 2)
    return path


def test_a_backup_is_the_whole_ledger_for_its_owner_only(path: Path, tmp_path: Path) -> None:
    target = tmp_path / "copies" / "backup"
    target.parent.mkdir()
    code, answer = told("ledger", "backup", path, "--to", target)
    assert (code, answer["rows"], answer["head"]) == (0, 14, verify(path).head)
    assert contents(target) == contents(path)
    assert stat.S_IMODE(target.stat().st_mode) == 0o600
    assert [each.name for each in target.parent.iterdir()] == ["backup"]


def test_a_backup_without_a_name_is_beside_the_ledger_with_its_time(path: Path) -> None:
    code, answer = told("ledger", "backup", path)
    assert code == 0
    assert Path(answer["backup"]).parent == path.parent
    assert verify(Path(answer["backup"])).verified


def test_an_older_backup_is_not_replaced(path: Path, tmp_path: Path) -> None:
    (tmp_path / "backup").write_text("precious")
    for command in (["backup"], ["export"]):
        code, answer = told("ledger", *command, path, "--to", tmp_path / "backup")
        assert (code, answer["error"]["code"]) == (2, "usage")
    assert (tmp_path / "backup").read_text() == "precious"


def test_a_folder_that_is_not_there_is_named(path: Path, tmp_path: Path) -> None:
    code, answer = told("ledger", "backup", path, "--to", tmp_path / "nowhere" / "backup")
    assert code == 2
    assert "nowhere" in answer["error"]["what"]


def test_a_ledger_that_does_not_verify_becomes_neither_backup_nor_export(path: Path, tmp_path: Path) -> None:
    tamper(path, "UPDATE entry SET body = replace(body, '5000', '4000') WHERE sequence = 2")
    before = sorted(tmp_path.iterdir())
    for command in ("backup", "export"):
        code, answer = told("ledger", command, path, "--to", tmp_path / "target")
        assert (code, answer["error"]["code"]) == (7, "tampered")
        assert "row 2" in answer["error"]["what"]
    assert sorted(tmp_path.iterdir()) == before


@real
async def test_a_backup_of_a_ledger_in_use_has_every_row_so_far(tmp_path: Path) -> None:
    async with await Ledger.open(tmp_path / "l") as ledger:
        for number in range(30):
            row = await ledger.append("note", {"text": "x" * 2000})
            if number % 10 == 9:
                target = tmp_path / f"backup {number}"
                result = await asyncio.to_thread(rig, "ledger", "backup", tmp_path / "l", "--to", target)
                assert result.exit_code == 0
                assert (verify(target).rows, verify(target).head) == (row.sequence, row.hash)


def test_a_ledger_goes_on_from_its_backup_with_a_new_key(path: Path, tmp_path: Path) -> None:
    rig("ledger", "backup", path, "--to", tmp_path / "backup")
    fill(tmp_path / "backup", 1)
    assert verify(tmp_path / "backup").verified
    assert "a new one" in json.loads(contents(tmp_path / "backup")[14][1])["text"]


def test_csv_has_a_line_a_row_with_units_in_the_names(path: Path) -> None:
    rows = list(csv.DictReader(StringIO(rig("ledger", "export", path).stdout)))
    assert len(rows) == 14
    assert (rows[2]["kind"], rows[2]["outcome"], rows[2]["emitted_nl"]) == ("outcome", "delivered", "5000")
    assert (rows[2]["to_patient_min_nl"], rows[2]["to_patient_max_nl"]) == ("4990", "5000")
    assert rows[1]["treatment"] == ""


def test_json_lines_have_every_field_of_every_row(path: Path, tmp_path: Path) -> None:
    assert told("ledger", "export", path, "--format", "jsonl", "--to", tmp_path / "out")[1]["rows"] == 14
    rows = [json.loads(line) for line in (tmp_path / "out").read_text().splitlines()]
    assert rows == [{"sequence": sequence, **json.loads(body)} for sequence, body, _, _ in contents(path)]
    assert stat.S_IMODE((tmp_path / "out").stat().st_mode) == 0o600


@pytest.mark.req("SEC-5")
def test_no_export_and_no_backup_has_the_signing_key(path: Path, tmp_path: Path) -> None:
    secret = key_file(path).read_bytes()
    rig("ledger", "backup", path, "--to", tmp_path / "backup")
    outputs = [(tmp_path / "backup").read_bytes()]
    outputs += [rig("ledger", "export", path, "--format", form).stdout.encode() for form in ("csv", "jsonl")]
    for output in outputs:
        assert secret not in output
        assert secret.hex().encode() not in output


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@x", "\t=1"])
def test_no_text_is_a_formula_to_a_spreadsheet(text: str) -> None:
    assert cells(1, {"kind": "note", "text": text})["text"] == "'" + text


def test_numbers_below_zero_stay_numbers() -> None:
    assert cells(1, {"asked_nl": -5})["asked_nl"] == -5


def test_what_has_no_column_is_not_lost() -> None:
    row = cells(3, {"kind": "note", "later": [1], "to_patient_nl": None, "confirmed": True})
    assert (row["other"], row["confirmed"], row["sequence"]) == ('{"later": [1]}', "true", 3)
    assert set(row) <= set(COLUMNS)


def test_rows_on_stdout_are_not_one_json_object(path: Path) -> None:
    code, answer = told("ledger", "export", path)
    assert (code, answer["error"]["code"]) == (2, "usage")


@real
async def test_verify_by_command_finds_truncation_with_the_head_file_only(tmp_path: Path) -> None:
    path, heads = tmp_path / "l", tmp_path / "heads"
    async with await Ledger.open(path, witnesses=[HeadFile(heads)]) as ledger:
        await ledger.append("note", {"text": ""})
    good = rig("ledger", "verify", path, "--head", heads)
    assert good.exit_code == 0
    assert "the newest of them binds rows 1 to 2" in good.stdout
    tamper(path, "DELETE FROM entry WHERE sequence = 2")
    assert "cannot be found from the file alone" in rig("ledger", "verify", path).stdout
    code, answer = told("ledger", "verify", path, "--head", heads)
    assert (code, answer["error"]["code"]) == (7, "head_differs")
    assert "rows 2 to 2 are missing" in answer["error"]["what"]


def test_a_head_file_that_is_not_there_is_named(path: Path, tmp_path: Path) -> None:
    code, answer = told("ledger", "verify", path, "--head", tmp_path / "nothing")
    assert (code, answer["error"]["code"]) == (2, "usage")
    assert "nothing" in answer["error"]["what"]


@real
async def test_a_ledger_in_use_can_be_verified_and_shown_by_command(tmp_path: Path) -> None:
    async with await Ledger.open(tmp_path / "l") as ledger:
        await ledger.append("note", {"text": "now"})
        assert (await asyncio.to_thread(rig, "ledger", "verify", tmp_path / "l")).exit_code == 0
        assert "now" in (await asyncio.to_thread(rig, "ledger", "show", tmp_path / "l")).stdout
