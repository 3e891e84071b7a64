"""The file of identities: whom it opens to, what it is, its formats, and what was done to it by hand."""

import json
import os
import sqlite3
import stat
from pathlib import Path
from typing import Any

import pytest

from host.access.identity import Role
from host.access.records import DAY_MS
from host.access.store import Store, default_store
from host.access.store_file import MIGRATIONS
from host.errors import RigError
from tests.host.access.test_store import BOSS, KEPT, by_hand, with_lena
from tests.host.loops import real, run

pytestmark = pytest.mark.req("SEC-5")


async def fill(path: Path) -> None:
    async with await with_lena(await Store.open(path)) as store:
        await store.create_token(BOSS, "loop", Role.AUTOMATION, life_ms=DAY_MS, rigs=frozenset({"rig-1"}))
        await store.add_role(BOSS, "lena", Role.OBSERVER)


async def refused(path: Path, **options: Any) -> RigError:
    with pytest.raises(RigError) as caught:
        await Store.open(path, **options)
    assert caught.value.todo
    return caught.value


@pytest.mark.req("SEC-4")
@real
async def test_file_and_folder_are_for_their_owner_alone(path: Path) -> None:
    before = os.umask(0)
    try:
        async with await with_lena(await Store.open(path)):
            modes = {each.name: stat.S_IMODE(each.stat().st_mode) for each in path.parent.iterdir()}
    finally:
        os.umask(before)
    assert set(modes.values()) == {0o600}, modes
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


@pytest.mark.req("SEC-4")
@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o601, 0o660, 0o666])
@real
async def test_a_file_that_others_may_get_at_is_not_used(path: Path, mode: int) -> None:
    await fill(path)
    path.chmod(mode)
    error = await refused(path)
    assert error.code == "access_store_exposed"
    assert f"{mode:04o}" in error.what
    assert f"chmod 0600 {path}" in error.todo


@pytest.mark.req("SEC-4")
@real
async def test_a_folder_that_others_may_write_to_is_not_used(path: Path) -> None:
    await fill(path)
    path.parent.chmod(0o770)
    assert (await refused(path)).code == "access_store_exposed"
    path.parent.chmod(0o755)
    await (await Store.open(path)).close()


@real
async def test_a_store_that_is_not_there_is_made_only_on_request(path: Path) -> None:
    assert (await refused(path, create=False)).code == "access_store_missing"
    assert not path.parent.exists()


@real
async def test_a_file_of_another_kind_is_left_as_it_is(path: Path) -> None:
    path.parent.mkdir(parents=True, mode=0o700)
    path.write_bytes(b"these are not the names you are looking for" * 50)
    path.chmod(0o600)
    before = path.read_bytes()
    assert (await refused(path)).code == "access_not_a_store"
    assert path.read_bytes() == before
    path.unlink()
    by_hand(path, "CREATE TABLE other (x)")
    path.chmod(0o600)
    before = path.read_bytes()
    assert (await refused(path)).code == "access_not_a_store"
    assert path.read_bytes() == before


@real
async def test_a_folder_in_the_files_place_is_a_clear_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    assert (await refused(tmp_path / "file" / "access.sqlite3")).code == "access_store_failed"
    tmp_path.chmod(0o700)
    assert (await refused(tmp_path)).code in {"access_store_failed", "access_store_exposed"}


@real
async def test_a_newer_format_is_refused_unchanged(path: Path) -> None:
    await fill(path)
    by_hand(path, "PRAGMA user_version=2")
    error = await refused(path)
    assert error.code == "access_store_newer"
    assert "format 2" in error.what


@real
async def test_an_older_format_is_brought_to_the_present_one_with_all_that_is_in_it(path: Path, tmp_path: Path) -> None:
    await fill(path)
    next_one = tmp_path / "schema_2.sql"
    next_one.write_text("ALTER TABLE user ADD COLUMN phone TEXT;\nCREATE TABLE later (x TEXT) STRICT;\n")
    async with await Store.open(path, migrations=(*MIGRATIONS, next_one)) as store:
        assert [user.name for user in await store.users()] == ["lena"]
        assert await store.first_wrong_change() is None
    assert (await refused(path)).code == "access_store_newer"


@real
async def test_a_migration_that_fails_leaves_the_format_of_before(path: Path, tmp_path: Path) -> None:
    await fill(path)
    broken = tmp_path / "schema_2.sql"
    broken.write_text("CREATE TABLE later (x TEXT);\nALTER TABLE nothing ADD COLUMN y TEXT;\n")
    assert (await refused(path, migrations=(*MIGRATIONS, broken))).code == "access_store_failed"
    async with await Store.open(path) as store:
        assert [user.name for user in await store.users()] == ["lena"]
    database = sqlite3.connect(path)
    assert database.execute("SELECT count(*) FROM sqlite_master WHERE name = 'later'").fetchone() == (0,)
    database.close()


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE audit SET body = '{}' WHERE sequence = 2",
        "DELETE FROM audit WHERE sequence = 2",
        "DELETE FROM audit",
        "INSERT INTO audit (sequence, body, previous, hash) VALUES (2, '{}', 'x', 'y')",
        "INSERT INTO audit (sequence, body, previous, hash) VALUES (9, '{}', 'x', 'y')",
        "INSERT OR REPLACE INTO audit (sequence, body, previous, hash) VALUES (2, '{}', 'x', 'y')",
        "DELETE FROM user",
    ],
)
def test_statements_by_hand_against_audit_and_users_are_refused(path: Path, statement: str) -> None:
    run(fill(path), real_time=True)
    with pytest.raises(sqlite3.IntegrityError):
        by_hand(path, statement)


@pytest.mark.parametrize(
    ("statement", "wrong"),
    [
        ("UPDATE audit SET body = replace(body, 'local:root', 'local:eve') WHERE sequence = 2", 2),
        ("DELETE FROM audit WHERE sequence = 2", 2),
        ("DELETE FROM audit WHERE sequence = 1", 1),
        ("UPDATE audit SET sequence = 7 WHERE sequence = 3", 3),
        ("UPDATE audit SET previous = hash WHERE sequence = 1", 1),
        ("DELETE FROM audit WHERE sequence = 3", None),  # cut off at the end: said so, not seen
    ],
)
@real
async def test_the_first_row_of_the_audit_that_was_tampered_with_is_named(
    path: Path, statement: str, wrong: int | None
) -> None:
    await fill(path)
    by_hand(path, "DROP TRIGGER audit_is_never_changed")
    by_hand(path, "DROP TRIGGER audit_is_never_removed")
    by_hand(path, statement)
    async with await Store.open(path) as store:
        assert await store.first_wrong_change() == wrong


@pytest.mark.parametrize(
    ("statement", "said"),
    [
        ("UPDATE user SET roles = 'clinician,monitor'", "user 'lena': The role monitor stands alone"),
        ("UPDATE user SET roles = 'god'", "user 'lena': There is no role 'god'"),
        ("UPDATE user SET roles = ''", "user 'lena': There is no role ''"),
        ("UPDATE user SET roles = 'bench'", "user 'lena': bench is a role of programs"),
        ("UPDATE user SET name = 'le\x1bna'", "is not a name here"),
        ("UPDATE user SET created_ms = -1", "a time that never was"),
        ("UPDATE user SET changed_ms = 9223372036854775807", "a time that never was"),
    ],
)
@real
async def test_a_user_row_that_nobody_could_have_written_is_damage(path: Path, statement: str, said: str) -> None:
    await fill(path)
    by_hand(path, statement)
    async with await Store.open(path) as store:
        for work in (store.users, lambda: store.add_user(BOSS, "ravi", [Role.OBSERVER], KEPT)):
            with pytest.raises(RigError, match=said) as caught:
                await work()
            assert caught.value.code == "access_store_corrupt"


@pytest.mark.parametrize(
    ("statement", "said"),
    [
        ("UPDATE token SET role = 'supervisor'", "cannot be a supervisor"),
        ("UPDATE token SET rigs = '[]'", "names 0 rigs"),
        ("UPDATE token SET rigs = 'rig-1'", "list of rigs cannot be read"),
        ("UPDATE token SET rigs = '{\"rig-1\": 1}'", "list of rigs cannot be read"),
        ("UPDATE token SET expires_ms = 9223372036854775807", "a time that never was"),
    ],
)
@real
async def test_a_token_row_that_nobody_could_have_written_is_damage(path: Path, statement: str, said: str) -> None:
    await fill(path)
    by_hand(path, statement)
    async with await Store.open(path) as store:
        with pytest.raises(RigError, match=said) as caught:
            await store.tokens()
        assert caught.value.code == "access_store_corrupt"


@pytest.mark.parametrize("body", ["{}", "no json", json.dumps({"utc_ms": "x"}), json.dumps({"utc_ms": 2**62})])
@real
async def test_an_audit_that_cannot_be_read_is_damage(path: Path, body: str) -> None:
    await fill(path)
    by_hand(path, "DROP TRIGGER audit_is_never_changed")
    by_hand(path, "UPDATE audit SET body = ? WHERE sequence = 3", body)
    with pytest.raises(RigError) as caught:
        async with await Store.open(path) as store:
            await store.changes(10)
    assert caught.value.code in {"access_store_corrupt", "access_store_failed"}


@real
async def test_torn_pages_are_a_clear_error(path: Path) -> None:
    await fill(path)
    size = path.stat().st_size
    with path.open("r+b") as file:
        file.seek(4096)
        file.write(b"\xa5" * (size - 4096))
    assert (await refused(path)).code == "access_store_corrupt"


@real
async def test_a_page_that_opening_does_not_need_is_checked_too(path: Path) -> None:
    await fill(path)
    content = path.read_bytes()
    needle = content.index(KEPT.encode())
    page = needle - needle % 4096
    path.write_bytes(content[:page] + b"\xa5" * 64 + content[page + 64 :])
    assert (await refused(path)).code == "access_store_corrupt"


def test_the_store_lies_beside_the_ledger(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NANORIG_LEDGER", "/x/ledger.sqlite3")
    assert default_store() == Path("/x/access.sqlite3")
