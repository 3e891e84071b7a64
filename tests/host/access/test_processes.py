"""Several processes with one store: a service that runs, commands beside it, and one that is killed."""

import subprocess
import sys
from pathlib import Path

import pytest

from host.access.identity import Role
from host.access.records import DAY_MS
from host.access.store import Store
from host.errors import RigError
from tests.host.access.conftest import PASSWORD, Hands
from tests.host.access.test_gate import opened
from tests.host.loops import real, run

pytestmark = pytest.mark.req("SEC-3")

COUNT = 25
END_S = 60


def start(path: Path, name: str, count: int) -> "subprocess.Popen[str]":
    command = [sys.executable, "-m", "tests.host.access.store_user", str(path), name, str(count)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def test_processes_that_make_and_change_a_store_at_once_lose_nothing(path: Path) -> None:
    names = ["anna", "bert", "cleo"]
    running = [start(path, name, COUNT) for name in names]
    said = [process.communicate(timeout=END_S) for process in running]
    assert [error for _, error in said if error] == []
    assert sorted(out.split()[0] for out, _ in said) == ["access_exists", "access_exists", "first"]

    async def look() -> None:
        async with await Store.open(path) as store:
            assert {user.name for user in await store.users()} == {*names, "both"}
            assert {token.id for token in await store.tokens()} == {word for out, _ in said for word in out.split()[1:]}
            assert len(await store.changes(1_000)) == len(names) * (COUNT + 1) + 1
            assert await store.first_wrong_change() is None

    run(look(), real_time=True)


def test_what_was_told_as_made_is_there_after_a_kill_and_nothing_by_half(path: Path) -> None:
    process = start(path, "anna", 1_000_000)
    assert process.stdout is not None
    told = [process.stdout.readline().strip() for _ in range(10)][1:]
    process.kill()
    process.communicate(timeout=END_S)

    async def look() -> None:
        async with await Store.open(path) as store:
            made = [token.id for token in await store.tokens()]
            assert set(told) <= set(made)
            recorded = [c.detail["token"] for c in await store.changes(100_000) if c.act == "create_token"]
            assert sorted(recorded) == sorted(made)
            assert await store.first_wrong_change() is None

    run(look(), real_time=True)


@real
async def test_what_a_command_revokes_the_running_service_refuses_at_once(hands: Hands, path: Path) -> None:
    async with opened(hands, path) as (_, gate):
        secret = (await gate.sign_in("ravi", PASSWORD, "here")).secret.reveal()
        async with await hands.store(path) as beside:
            made = await beside.create_token("lena", "loop", Role.AUTOMATION, life_ms=DAY_MS)
            assert (await gate.by_token(made.secret.reveal())).name == "loop"
            assert (await gate.by_session(secret)).name == "ravi"
            await beside.revoke_token("lena", made.token.id)
            await beside.end_sessions("lena", "ravi")
        for work in (lambda: gate.by_token(made.secret.reveal()), lambda: gate.by_session(secret)):
            with pytest.raises(RigError) as caught:
                await work()
            assert caught.value.code == "access_unauthenticated"
