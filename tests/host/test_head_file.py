"""The head file: only ever longer, and a line that a crash cut short harms no other."""

import stat
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from host.head_file import HeadFile
from host.ledger_heads import Head, SignedHead, parse, sign

pytestmark = pytest.mark.req("LEDGER-4")

KEY = Ed25519PrivateKey.from_private_bytes(bytes(32))


def head(rows: int, ledger: str = "l") -> SignedHead:
    return sign(Head(ledger, rows, f"hash {rows}", "2026-01-01T00:00:00.000000Z"), KEY)


def test_each_head_is_a_line_after_the_others(tmp_path: Path) -> None:
    file = HeadFile(tmp_path / "folder" / "heads")
    for rows in (1, 2, 3):
        file.keep(head(rows))
    lines = file.path.read_text().splitlines()
    assert [parse(line) for line in lines] == [head(1), head(2), head(3)]
    assert stat.S_IMODE(file.path.stat().st_mode) == 0o600


def test_the_same_head_again_is_not_a_second_line(tmp_path: Path) -> None:
    file = HeadFile(tmp_path / "heads")
    file.keep(head(1))
    HeadFile(tmp_path / "heads").keep(head(1))
    assert len(file.path.read_text().splitlines()) == 1


def test_the_newest_head_of_a_ledger_is_found_among_others(tmp_path: Path) -> None:
    file = HeadFile(tmp_path / "heads")
    assert file.newest("l") is None
    for each in (head(1), head(2), head(9, "other")):
        file.keep(each)
    assert file.newest("l") == head(2)
    assert file.newest("third") is None


@pytest.mark.parametrize("cut", [1, 40, 200])
def test_a_line_that_was_cut_short_ends_where_the_next_begins(tmp_path: Path, cut: int) -> None:
    file = HeadFile(tmp_path / "heads")
    file.keep(head(1))
    file.keep(head(2))
    octets = file.path.read_bytes()
    file.path.write_bytes(octets[:-cut])
    assert file.newest("l") == (head(2) if cut == 1 else head(1))
    file.keep(head(3))
    assert parse(file.path.read_text().splitlines()[-1]) == head(3)
    assert file.newest("l") == head(3)


def test_a_place_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OSError, match="file"):
        HeadFile(tmp_path / "file" / "heads").keep(head(1))
