"""A ledger that is opened is compared with what its witnesses keep."""

from pathlib import Path

import pytest

from host.errors import RigError
from host.head_file import HeadFile
from host.ledger import Ledger
from tests.host.ledgers import EACH_ROW, KeptHeads, fill, tamper
from tests.host.loops import real

pytestmark = pytest.mark.req("LEDGER-4")


@pytest.fixture
def paths(tmp_path: Path) -> tuple[Path, Path]:
    path, heads = tmp_path / "ledger.sqlite3", tmp_path / "elsewhere" / "heads"
    fill(path, 5, heads)
    return path, heads


def test_a_ledger_that_fits_its_heads_goes_on(paths: tuple[Path, Path]) -> None:
    fill(paths[0], 2, paths[1])
    assert len(paths[1].read_text().splitlines()) >= 2


@pytest.mark.parametrize(
    ("change", "what"),
    [
        ("DELETE FROM entry WHERE sequence = 6", "Row 6 of the ledger .* is missing"),
        ("DELETE FROM entry WHERE sequence > 2", "Row 6 of the ledger .* is missing"),
    ],
)
def test_a_ledger_that_is_shorter_than_its_head_takes_no_rows(paths: tuple[Path, Path], change: str, what: str) -> None:
    tamper(paths[0], change)
    with pytest.raises(RigError, match=what) as caught:
        fill(paths[0], 1, paths[1])
    assert caught.value.code == "ledger_corrupt"


def test_a_ledger_cut_and_grown_again_takes_no_rows(paths: tuple[Path, Path]) -> None:
    tamper(paths[0], "DELETE FROM entry WHERE sequence > 3")
    fill(paths[0], 8)
    with pytest.raises(RigError, match=r"Row 6 of the ledger .* is not the row that was signed"):
        fill(paths[0], 1, paths[1])


def test_a_ledger_refused_for_its_head_is_given_back(paths: tuple[Path, Path]) -> None:
    tamper(paths[0], "DELETE FROM entry WHERE sequence = 6")
    with pytest.raises(RigError):
        fill(paths[0], 1, paths[1])
    fill(paths[0], 1)


def test_a_head_that_somebody_else_signed_is_told_and_stops_nothing(
    paths: tuple[Path, Path], caplog: pytest.LogCaptureFixture
) -> None:
    text = paths[1].read_text()
    paths[1].write_text(text.replace('"rows":6', '"rows":7'))
    fill(paths[0], 1, paths[1])
    assert "not signed by this ledger" in caplog.text


@real
async def test_a_witness_that_is_away_stops_nothing(tmp_path: Path) -> None:
    witness = KeptHeads()
    witness.failing = True
    async with await Ledger.open(tmp_path / "l", witnesses=[witness], limits=EACH_ROW) as ledger:
        row = await ledger.append("note", {"text": "goes on"})
        assert await ledger.head() == (2, row.hash)
    assert ledger.witnessed()[0].kept_rows == 0
    assert "away" in ledger.witnessed()[0].error


@real
async def test_every_witness_gets_the_last_head(tmp_path: Path) -> None:
    witness, file = KeptHeads(), HeadFile(tmp_path / "heads")
    async with await Ledger.open(tmp_path / "l", witnesses=[witness, file]) as ledger:
        for _ in range(40):
            row = await ledger.append("note", {"text": ""})
    assert witness.heads[-1].head.hash == row.hash
    assert [report.kept_rows for report in ledger.witnessed()] == [41, 41]


@real
async def test_without_witnesses_nothing_is_handed_over(tmp_path: Path) -> None:
    async with await Ledger.open(tmp_path / "l") as ledger:
        assert ledger.witnessed() == []
