"""The store of identities on a real disk: users, tokens, sessions, and the audit of every change."""

import asyncio
import sqlite3
import threading
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from host.access.database import MAX_WAITING
from host.access.identity import Proof, Role
from host.access.records import DAY_MS, SESSION_IDLE_MS, SESSION_LIFE_MS
from host.access.secret_text import SESSION_PREFIX, TOKEN_PREFIX, SecretText, digest_of
from host.access.sessions import KEEP_ENDED_MS, MAX_SESSIONS_OF_ONE
from host.access.store import Store
from host.errors import RigError, UsageError
from tests.host.access.conftest import START_MS, Hands
from tests.host.loops import real

pytestmark = pytest.mark.req("SEC-3")

BOSS, KEPT = "local:root", "$argon2id$kept"
Change = Callable[[Store], Awaitable[object]]


async def with_lena(store: Store) -> Store:
    await store.add_user(BOSS, "lena", [Role.SUPERVISOR, Role.CLINICIAN], KEPT)
    return store


async def acts(store: Store) -> list[tuple[str, str, str]]:
    return [(change.operator, change.act, change.subject) for change in await store.changes(100)]


def by_hand(path: Path, statement: str, *values: Any) -> None:
    database = sqlite3.connect(path, isolation_level=None)
    try:
        database.execute(statement, values)
    finally:
        database.close()


@real
async def test_users_come_back_as_they_were_added(hands: Hands, path: Path) -> None:
    async with await with_lena(await hands.store(path)) as store:
        hands.go_on(1_000)
        await store.add_user("lena", "ravi", [Role.TECHNICIAN], KEPT)
    async with await hands.store(path) as store:
        lena, ravi = await store.users()
        assert (lena.name, lena.roles, lena.disabled) == ("lena", {Role.SUPERVISOR, Role.CLINICIAN}, False)
        assert (ravi.name, ravi.created_ms) == ("ravi", START_MS + 1_000)
        assert await acts(store) == [(BOSS, "add_user", "lena"), ("lena", "add_user", "ravi")]
        assert await store.first_wrong_change() is None


@pytest.mark.req("SEC-5")
@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda store: store.add_user(BOSS, "lena", [Role.OBSERVER], KEPT), "name lena is taken"),
        (lambda store: store.add_user(BOSS, "loop", [Role.OBSERVER], KEPT), "name loop is taken"),
        (lambda store: store.add_user(BOSS, "Lena K", [Role.OBSERVER], KEPT), "not a name"),
        (lambda store: store.add_user(BOSS, "ravi", [], KEPT), "without a role"),
        (lambda store: store.add_user(BOSS, "ravi", [Role.MONITOR], KEPT), "role of programs"),
        (lambda store: store.add_user("", "ravi", [Role.OBSERVER], KEPT), "no name that can be recorded"),
        (lambda store: store.add_user("a\nb", "ravi", [Role.OBSERVER], KEPT), "no name that can be recorded"),
        (lambda store: store.add_user("x" * 65, "ravi", [Role.OBSERVER], KEPT), "no name that can be recorded"),
        (lambda store: store.add_role(BOSS, "lena", Role.MONITOR), "stands alone"),
        (lambda store: store.add_role(BOSS, "nobody", Role.OBSERVER), "no user nobody"),
        (lambda store: store.remove_role(BOSS, "lena", Role.SUPERVISOR), "only supervisor"),
        (lambda store: store.disable(BOSS, "lena"), "only supervisor"),
        (lambda store: store.enable(BOSS, "nobody"), "no user nobody"),
        (lambda store: store.set_password(BOSS, "nobody", KEPT), "no user nobody"),
        (lambda store: store.sessions("nobody"), "no user nobody"),
        (lambda store: store.end_sessions(BOSS, "nobody"), "no user nobody"),
        (lambda store: store.end_session(BOSS, "00000000"), "no such session"),
        (lambda store: store.revoke_token(BOSS, "00000000"), "no such token"),
        (lambda store: store.create_token(BOSS, "lena", Role.BENCH, life_ms=DAY_MS), "lena is a user"),
        (lambda store: store.create_token(BOSS, "loop", Role.BENCH, life_ms=DAY_MS), "is a automation already"),
        (lambda store: store.create_token(BOSS, "p", Role.SUPERVISOR, life_ms=DAY_MS), "a person who decides"),
        (lambda store: store.create_token(BOSS, "p", Role.BENCH, life_ms=0), "cannot live for 0 ms"),
        (lambda store: store.create_token(BOSS, "p", Role.BENCH, life_ms=367 * DAY_MS), "cannot live for"),
        (lambda store: store.create_token(BOSS, "p", Role.BENCH, life_ms=DAY_MS, rigs=frozenset()), "names 0 rigs"),
        (
            lambda store: store.create_token(BOSS, "p", Role.BENCH, life_ms=DAY_MS, rigs=frozenset({"a b"})),
            "not the name",
        ),
        (lambda store: store.open_session("nobody", SecretText(KEPT), "here"), "changed just now"),
        (lambda store: store.open_session("lena", SecretText("another"), "here"), "changed just now"),
    ],
)
@real
async def test_what_cannot_be_is_refused_and_changes_nothing(
    hands: Hands, path: Path, change: Change, said: str
) -> None:
    async with await with_lena(await hands.store(path)) as store:
        await store.create_token(BOSS, "loop", Role.AUTOMATION, life_ms=DAY_MS)
        before = (await store.users(), await store.tokens(), await store.sessions(), await acts(store))
        with pytest.raises(RigError, match=said) as caught:
            await change(store)
        assert caught.value.todo
        assert (await store.users(), await store.tokens(), await store.sessions(), await acts(store)) == before


@pytest.mark.req("SEC-1")
@real
async def test_the_first_user_has_to_be_a_supervisor(hands: Hands, path: Path) -> None:
    async with await hands.store(path) as store:
        with pytest.raises(UsageError, match="first user has to be a supervisor"):
            await store.add_user(BOSS, "ravi", [Role.TECHNICIAN], KEPT)
        assert await store.users() == []


@pytest.mark.req("SEC-1")
@real
async def test_a_supervisor_may_go_when_another_can_sign_in(hands: Hands, path: Path) -> None:
    async with await with_lena(await hands.store(path)) as store:
        await store.add_user(BOSS, "ravi", [Role.TECHNICIAN], KEPT)
        await store.add_role(BOSS, "ravi", Role.SUPERVISOR)
        await store.disable("ravi", "lena")
        with pytest.raises(RigError, match="ravi is the only supervisor"):
            await store.remove_role("ravi", "ravi", Role.SUPERVISOR)
        await store.enable("ravi", "lena")
        await store.remove_role("lena", "ravi", Role.SUPERVISOR)
        assert [act for _, act, _ in await acts(store)][2:] == [
            "add_role",
            "disable_user",
            "enable_user",
            "remove_role",
        ]


@real
async def test_what_changes_nothing_is_not_in_the_audit(hands: Hands, path: Path) -> None:
    async with await with_lena(await hands.store(path)) as store:
        await store.add_role(BOSS, "lena", Role.CLINICIAN)
        await store.remove_role(BOSS, "lena", Role.OBSERVER)
        await store.enable(BOSS, "lena")
        made = await store.create_token(BOSS, "loop", Role.BENCH, life_ms=DAY_MS)
        await store.revoke_token(BOSS, made.token.id)
        await store.revoke_token(BOSS, made.token.id)
        assert [act for _, act, _ in await acts(store)] == ["add_user", "create_token", "revoke_token"]


@pytest.mark.req("SEC-4")
@real
async def test_of_a_token_only_its_digest_is_kept(hands: Hands, path: Path) -> None:
    async with await with_lena(await hands.store(path)) as store:
        made = await store.create_token("lena", "loop", Role.AUTOMATION, life_ms=DAY_MS, rigs=frozenset({"rig-1"}))
        digest = digest_of(made.secret.reveal(), TOKEN_PREFIX)
        assert digest is not None
        token = await store.token_by(digest)
        assert token == made.token
        assert token.identity().rigs == {"rig-1"}
        assert await store.token_by("0" * 64) is None
    everything = b"".join(each.read_bytes() for each in path.parent.iterdir())
    assert digest.encode() in everything
    assert made.secret.reveal().encode() not in everything


@real
async def test_a_token_opens_until_it_expires_or_is_revoked(hands: Hands, path: Path) -> None:
    async with await with_lena(await hands.store(path)) as store:
        first = (await store.create_token(BOSS, "loop", Role.AUTOMATION, life_ms=DAY_MS)).token
        assert first.refusal(START_MS + DAY_MS - 1) == ""
        assert "has expired" in first.refusal(START_MS + DAY_MS)
        second = (await store.create_token(BOSS, "loop", Role.AUTOMATION, life_ms=DAY_MS)).token
        assert "was revoked" in (await store.revoke_token(BOSS, second.id)).refusal(START_MS)
        assert [token.refusal(START_MS) == "" for token in await store.tokens()].count(True) == 1


@real
async def test_a_session_ends_when_idle_when_its_life_is_over_and_when_ended(hands: Hands, path: Path) -> None:
    async with await with_lena(await hands.store(path)) as store:
        opened = await store.open_session("lena", SecretText(KEPT), "192.0.2.1")
        assert opened.identity.proof is Proof.SESSION
        hands.go_on(SESSION_IDLE_MS - 1)
        assert await store.sessions() == [opened.session]
        await store.touch_session(opened.session.id)
        hands.go_on(SESSION_IDLE_MS - 1)
        assert len(await store.sessions("lena")) == 1
        hands.go_on(1)
        assert await store.sessions() == []
        again = await store.open_session("lena", SecretText(KEPT), "192.0.2.1")
        for _ in range(SESSION_LIFE_MS // SESSION_IDLE_MS * 2):
            hands.go_on(SESSION_IDLE_MS // 2)
            await store.touch_session(again.session.id)
        assert await store.sessions() == []


@pytest.mark.parametrize(
    "change",
    [
        lambda store, session: store.end_session(BOSS, session),
        lambda store, _: store.end_sessions(BOSS, "ravi"),
        lambda store, _: store.disable(BOSS, "ravi"),
        lambda store, _: store.set_password(BOSS, "ravi", "new"),
    ],
    ids=["ended", "all ended", "disabled", "password changed"],
)
@real
async def test_a_session_is_over_at_once_when(hands: Hands, path: Path, change: Any) -> None:
    async with await with_lena(await hands.store(path)) as store:
        await store.add_user(BOSS, "ravi", [Role.TECHNICIAN], KEPT)
        session = await store.open_session("ravi", SecretText(KEPT), "here")
        other = await store.open_session("lena", SecretText(KEPT), "there")
        await change(store, session.session.id)
        assert [each.id for each in await store.sessions()] == [other.session.id]
        digest = digest_of(session.secret.reveal(), SESSION_PREFIX)
        assert digest is not None
        found = await store.session_by(digest)
        assert found is not None
        assert "was ended" in found[0].refusal(hands.utc_ms)
        await store.touch_session(session.session.id)
        assert len(await store.sessions()) == 1


@real
async def test_one_session_too_many_ends_the_one_used_longest_ago(hands: Hands, path: Path) -> None:
    async with await with_lena(await hands.store(path)) as store:
        opened = []
        for _ in range(MAX_SESSIONS_OF_ONE):
            hands.go_on(1_000)
            opened.append((await store.open_session("lena", SecretText(KEPT), "here")).session.id)
        hands.go_on(1_000)
        await store.touch_session(opened[0])
        last = (await store.open_session("lena", SecretText(KEPT), "here")).session.id
        assert {each.id for each in await store.sessions()} == {opened[0], *opened[2:], last}


@real
async def test_ended_sessions_are_forgotten_after_a_month_the_audit_is_not(hands: Hands, path: Path) -> None:
    async with await with_lena(await hands.store(path)) as store:
        old = await store.open_session("lena", SecretText(KEPT), "here")
        hands.go_on(KEEP_ENDED_MS + SESSION_LIFE_MS + 1)
        await store.open_session("lena", SecretText(KEPT), "here")
        digest = digest_of(old.secret.reveal(), SESSION_PREFIX)
        assert digest is not None
        assert await store.session_by(digest) is None
        assert [act for _, act, _ in await acts(store)].count("sign_in") == 2


@real
async def test_a_clock_set_back_revives_nothing_not_even_after_a_restart(hands: Hands, path: Path) -> None:
    async with await with_lena(await hands.store(path)) as store:
        token = (await store.create_token(BOSS, "loop", Role.AUTOMATION, life_ms=DAY_MS)).token
        hands.go_on(DAY_MS)
        await store.add_role(BOSS, "lena", Role.OBSERVER)
        hands.utc_ms -= 30 * DAY_MS
        assert token.refusal(store.clock.now_ms()) != ""
    hands.monotonic_ms = 0
    async with await hands.store(path) as store:
        assert token.refusal(store.clock.now_ms()) != ""
        await store.remove_role(BOSS, "lena", Role.OBSERVER)
        times = [change.utc_ms for change in await store.changes(100)]
        assert times == sorted(times)


@real
async def test_a_password_kept_anew_does_not_undo_a_change_made_meanwhile(hands: Hands, path: Path) -> None:
    async with await with_lena(await hands.store(path)) as store:
        assert await store.rehash("lena", SecretText(KEPT), "newer")
        assert not await store.rehash("lena", SecretText(KEPT), "late")
        assert await store.password_of("lena") == SecretText("newer")
        assert await store.password_of("nobody") is None


@real
async def test_a_cancelled_caller_does_not_cut_a_transaction(hands: Hands, path: Path) -> None:
    async with await with_lena(await hands.store(path)) as store:
        gate, entered = threading.Event(), threading.Event()

        def hold(_: sqlite3.Connection) -> None:
            entered.set()
            assert gate.wait(10)

        holder = asyncio.create_task(store._write(hold))
        while not entered.is_set():
            await asyncio.sleep(0)
        task = asyncio.create_task(store.add_role(BOSS, "lena", Role.OBSERVER))
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert [user.name for user in await store.users()] == ["lena"]  # reading does not wait for the writer
        gate.set()
        await holder
        await store.touch_token("none")  # in the queue behind it
        assert (await acts(store))[-1] == (BOSS, "add_role", "lena")


@real
async def test_the_queue_is_bounded_and_what_is_urgent_still_gets_in(hands: Hands, path: Path) -> None:
    async with await with_lena(await hands.store(path)) as store:
        gate = threading.Event()
        tasks = [asyncio.create_task(store._read(lambda _: gate.wait(10))) for _ in range(MAX_WAITING)]
        await asyncio.sleep(0)
        with pytest.raises(RigError) as caught:
            await store.token_by("0" * 64)
        assert caught.value.code == "access_busy"
        urgent = asyncio.create_task(store.token_by("0" * 64, urgent=True))
        gate.set()
        assert await urgent is None
        await asyncio.gather(*tasks)
        assert await store.token_by("0" * 64) is None


@real
async def test_a_closed_store_says_so(hands: Hands, path: Path) -> None:
    store = await with_lena(await hands.store(path))
    await store.close()
    await store.close()
    for work in (store.users, lambda: store.disable(BOSS, "lena")):
        with pytest.raises(RigError) as caught:
            await work()
        assert caught.value.code == "access_store_closed"
