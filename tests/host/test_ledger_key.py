"""The key of the heads: made once, for its owner only; a lost one is replaced, and a row says so."""

import asyncio
import json
import stat
from pathlib import Path

import pytest

from host.ledger import Ledger
from host.ledger_key import key_file, load_or_make
from host.ledger_verify import verify
from tests.host.ledgers import contents, fill

pytestmark = pytest.mark.req("LEDGER-4")


def keys(path: Path) -> list[str]:
    return [fields["head_key"] for _, body, _, _ in contents(path) if "head_key" in (fields := json.loads(body))]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "ledger.sqlite3"
    fill(path, 1)
    return path


def test_the_key_is_only_for_its_owner_and_its_public_part_is_in_the_first_row(path: Path) -> None:
    assert stat.S_IMODE(key_file(path).stat().st_mode) == 0o600
    assert keys(path) == [load_or_make(path).public_hex]
    assert "head_key" in json.loads(contents(path)[0][1])


def test_the_secret_is_nowhere_in_the_ledger(path: Path) -> None:
    secret = key_file(path).read_bytes()
    assert secret not in path.read_bytes()
    assert secret.hex() not in path.read_text(encoding="latin-1")


def test_opening_again_keeps_the_key(path: Path) -> None:
    fill(path, 1)
    assert len(keys(path)) == 1


def test_a_lost_key_is_replaced_and_a_row_says_so(path: Path) -> None:
    key_file(path).unlink()
    fill(path, 0)
    assert len(set(keys(path))) == 2
    assert "a new one" in json.loads(contents(path)[-1][1])["text"]
    assert verify(path).verified


def test_a_file_that_is_no_key_is_kept_and_replaced(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    key_file(path).write_bytes(b"torn")
    fill(path, 0)
    assert key_file(path).with_name("ledger.sqlite3.key.unreadable").read_bytes() == b"torn"
    assert len(set(keys(path))) == 2
    assert "no key" in caplog.text


def test_a_key_that_others_could_read_is_closed_to_them_and_told(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    key_file(path).chmod(0o644)
    fill(path, 0)
    assert stat.S_IMODE(key_file(path).stat().st_mode) == 0o600
    assert "could be read by others" in caplog.text
    assert key_file(path).read_bytes().hex() not in caplog.text


def test_a_ledger_that_is_held_keeps_its_key(path: Path) -> None:
    async def both() -> None:
        async with await Ledger.open(path):
            before = key_file(path).read_bytes()
            with pytest.raises(Exception, match="held by another"):
                await Ledger.open(path)
            assert key_file(path).read_bytes() == before

    asyncio.run(both())
