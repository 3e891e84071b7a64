"""A ledger of an older format: copied, then migrated in one step, its rows octet for octet what they were."""

import asyncio
import json
import sqlite3
import stat
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from host import ledger_queries, ledger_schema
from host.errors import RigError
from host.ledger import Ledger
from host.ledger_verify import verify
from tests.host.ledgers import FORMAT_1_HEAD, FORMAT_1_ROWS, contents, fill, make_format_1, tamper
from tests.host.loops import real

pytestmark = pytest.mark.req("LEDGER-4")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "ledger.sqlite3"
    make_format_1(path)
    return path


def version(path: Path) -> int:
    with closing(sqlite3.connect(path)) as database:
        return int(database.execute("PRAGMA user_version").fetchone()[0])


def shape(path: Path) -> list[tuple[str, str]]:
    with closing(sqlite3.connect(path)) as database:
        return database.execute("SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL ORDER BY name").fetchall()


def backup(path: Path) -> Path:
    return path.with_name(path.name + ".format-1.backup")


def test_a_ledger_of_format_1_still_verifies(path: Path) -> None:
    verdict = verify(path)
    assert (verdict.rows, verdict.head, verdict.findings) == (FORMAT_1_ROWS, FORMAT_1_HEAD, [])


def test_migrating_leaves_every_old_row_as_it_was_and_adds_one_that_tells(path: Path) -> None:
    old = contents(path)
    fill(path, 0)
    rows = contents(path)
    assert rows[:-1] == old
    note = json.loads(rows[-1][1])
    assert (note["text"], note["format"]) == ("ledger migrated from format 1 to 2", 2)
    assert verify(path).findings == []
    assert version(path) == 2


def test_a_migrated_ledger_has_the_same_shape_as_a_new_one(path: Path, tmp_path: Path) -> None:
    fill(path, 0)
    fill(tmp_path / "new", 0)
    assert shape(path) == shape(tmp_path / "new")


def test_a_copy_of_the_old_ledger_is_made_first_for_its_owner_only(path: Path) -> None:
    old = contents(path)
    fill(path, 1)
    assert contents(backup(path)) == old
    assert version(backup(path)) == 1
    assert stat.S_IMODE(backup(path).stat().st_mode) == 0o600
    assert verify(backup(path)).head == FORMAT_1_HEAD


def test_a_second_opening_migrates_nothing(path: Path) -> None:
    fill(path, 0)
    fill(path, 0)
    assert len(contents(path)) == FORMAT_1_ROWS + 1


@real
async def test_open_doses_are_the_same_before_and_after(path: Path) -> None:
    async with await Ledger.open(path) as ledger:
        found = await ledger.open_doses("chair 1", "", 10)
    assert [(fields["dose_id"][:2], unknown) for fields, unknown in found] == [("d3", True), ("d4", False)]


@pytest.mark.parametrize("failing", ["migrate", "insert"])
def test_a_migration_that_fails_half_way_did_not_happen(
    path: Path, failing: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    import host.ledger_opening as opening  # noqa: PLC0415

    original: Callable[..., object] = getattr(opening, failing)

    def fail(*args: object) -> object:
        original(*args)
        raise sqlite3.OperationalError("the disk went away")

    before = contents(path)
    with monkeypatch.context() as patch:
        patch.setattr(opening, failing, fail)
        with pytest.raises(RigError):
            fill(path, 0)
    assert (contents(path), version(path)) == (before, 1)
    fill(path, 0)
    assert verify(path).rows == FORMAT_1_ROWS + 1


def test_a_ledger_that_does_not_verify_is_not_migrated(path: Path) -> None:
    tamper(path, "UPDATE entry SET body = replace(body, '5000', '4000') WHERE sequence = 2")
    before = contents(path)
    with pytest.raises(RigError) as caught:
        fill(path, 0)
    assert caught.value.code == "ledger_corrupt"
    assert "row 2" in caught.value.what
    assert (contents(path), version(path)) == (before, 1)


def test_every_format_up_to_the_present_one_has_its_step() -> None:
    folder = Path(ledger_schema.__file__).parent
    steps = sorted(int(step.stem.rsplit("_", 1)[1]) for step in folder.glob("ledger_schema_*.sql"))
    assert steps == list(range(1, ledger_schema.SCHEMA_VERSION + 1))


QUESTIONS = {name: text for name, text in vars(ledger_queries).items() if isinstance(text, str) and "SELECT" in text}


@pytest.mark.parametrize("name", QUESTIONS)
def test_every_question_is_answered_without_reading_every_row(tmp_path: Path, name: str) -> None:
    fill(tmp_path / "ledger", 0)
    question = QUESTIONS[name].format("?")
    with closing(sqlite3.connect(tmp_path / "ledger")) as database:
        plan = [row[3] for row in database.execute(f"EXPLAIN QUERY PLAN {question}", ["x"] * question.count("?"))]
    assert not [step for step in plan if step.startswith("SCAN entry") and "USING INDEX" not in step], plan


def test_a_file_that_claims_format_0_is_not_a_ledger(path: Path) -> None:
    with closing(sqlite3.connect(path)) as database:
        database.execute("PRAGMA user_version=0")
    with pytest.raises(RigError) as caught:
        asyncio.run(Ledger.open(path))
    assert caught.value.code == "ledger_not_a_ledger"
