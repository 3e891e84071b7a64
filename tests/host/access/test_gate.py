"""From passwords, tokens and sessions to identities."""

import asyncio
import logging
import threading
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

import pytest

from host.access.clock import utc_ms
from host.access.gate import MAX_HASHES_WAITING, NOTE_USE_EVERY_MS, STOP_ANSWER_S, Gate
from host.access.identity import Identity, Proof, Role
from host.access.passwords import Passwords
from host.access.records import DAY_MS, SESSION_IDLE_MS
from host.access.store import Store
from host.access.throttle import FREE_ATTEMPTS
from host.errors import RigError, UsageError
from tests.host.access.conftest import PASSWORD, Hands, cheap
from tests.host.access.test_store import by_hand
from tests.host.loops import real

pytestmark = pytest.mark.req("SEC-3")

BOSS = "local:root"
WRONG = "keins der Worte stimmt"


@asynccontextmanager
async def opened(hands: Hands, path: Path) -> AsyncIterator[tuple[Store, Gate]]:
    """A store with Lena and Ravi, and its gate."""
    async with await hands.store(path) as store, hands.gate(store) as gate:
        if not await store.users():
            await gate.add_user(BOSS, "lena", [Role.SUPERVISOR], PASSWORD)
            await gate.add_user("lena", "ravi", [Role.TECHNICIAN], PASSWORD)
        yield store, gate


async def refusal(work: Callable[[], Awaitable[object]]) -> RigError:
    with pytest.raises(RigError) as caught:
        await work()
    assert caught.value.todo
    return caught.value


@real
async def test_the_right_password_opens_a_session_whose_secret_tells_who_it_is(hands: Hands, path: Path) -> None:
    async with opened(hands, path) as (_, gate):
        session = await gate.sign_in("ravi", PASSWORD, "192.0.2.1")
        identity = await gate.by_session(session.secret.reveal())
        assert identity == Identity("ravi", frozenset({Role.TECHNICIAN}), Proof.SESSION, None, session.session.id)
    async with opened(hands, path) as (_, gate):  # the server restarts, the browser stays signed in
        assert await gate.by_session(session.secret.reveal()) == identity


@real
async def test_roles_count_as_they_are_now_not_as_at_sign_in(hands: Hands, path: Path) -> None:
    async with opened(hands, path) as (store, gate):
        secret = (await gate.sign_in("ravi", PASSWORD, "here")).secret.reveal()
        await store.add_role("lena", "ravi", Role.CLINICIAN)
        await store.remove_role("lena", "ravi", Role.TECHNICIAN)
        assert (await gate.by_session(secret)).roles == {Role.CLINICIAN}


@real
async def test_wrong_password_unknown_and_disabled_names_get_one_and_the_same_answer(hands: Hands, path: Path) -> None:
    async with opened(hands, path) as (store, gate):
        await store.disable("lena", "ravi")
        tried = [("lena", WRONG), ("nobody", PASSWORD), ("ravi", PASSWORD), ("", ""), ("x" * 10_000, "y" * 10_000)]
        answers = [await refusal(partial(gate.sign_in, name, word, name[:3] or "-")) for name, word in tried]
        assert {(answer.code, str(answer)) for answer in answers} == {
            ("access_unauthenticated", "Name or password is wrong, or the user is disabled. Try again.")
        }
        assert await store.sessions() == []


@real
async def test_every_wrong_sign_in_costs_one_whole_verification(
    hands: Hands, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[bool] = []
    fits = Passwords.fits

    def counting(passwords: Passwords, kept: str | None, password: str) -> bool:
        asked.append(kept is not None)
        return fits(passwords, kept, password)

    monkeypatch.setattr(Passwords, "fits", counting)
    async with opened(hands, path) as (_, gate):
        for name in ("lena", "nobody", "Not A Name"):
            await refusal(partial(gate.sign_in, name, WRONG, "here"))
    assert asked == [True, False, False]


@pytest.mark.req("SEC-1")
@real
async def test_passwords_are_slowed_down_and_who_is_signed_in_still_stops(hands: Hands, path: Path) -> None:
    async with opened(hands, path) as (store, gate):
        secret = (await gate.sign_in("ravi", PASSWORD, "console")).secret.reveal()
        token = (await store.create_token("lena", "loop", Role.AUTOMATION, life_ms=DAY_MS)).secret.reveal()
        for _ in range(FREE_ATTEMPTS):
            await refusal(lambda: gate.sign_in("ravi", WRONG, "console"))
        answer = await refusal(lambda: gate.sign_in("ravi", PASSWORD, "console"))
        assert (answer.code, "in 1 s" in answer.todo) == ("access_throttled", True)
        for _ in range(300):
            assert (await gate.for_stop(secret)).name == "ravi"
            assert (await gate.for_stop(token)).name == "loop"
        hands.go_on(1_000)
        await gate.sign_in("ravi", PASSWORD, "console")


@pytest.mark.req("SEC-1")
@real
async def test_a_token_or_session_never_waits_for_passwords_that_are_hashed(hands: Hands, path: Path) -> None:
    async with opened(hands, path) as (_, gate):
        secret = (await gate.sign_in("ravi", PASSWORD, "here")).secret.reveal()
        go_on = threading.Event()
        hashing = [asyncio.create_task(gate._hash(lambda: go_on.wait(10))) for _ in range(MAX_HASHES_WAITING)]
        await asyncio.sleep(0)
        assert (await gate.for_stop(secret)).name == "ravi"
        assert (await gate.by_session(secret)).name == "ravi"
        for work in (lambda: gate.sign_in("lena", PASSWORD, "x"), lambda: gate.set_password(BOSS, "lena", WRONG)):
            assert (await refusal(work)).code == "access_busy"
        go_on.set()
        await asyncio.gather(*hashing)
        await gate.sign_in("lena", PASSWORD, "x")


@pytest.mark.req("SEC-1")
@real
async def test_who_was_let_in_may_stop_while_the_store_does_not_answer(hands: Hands, path: Path) -> None:
    async with opened(hands, path) as (store, gate):
        known = (await gate.sign_in("ravi", PASSWORD, "here")).secret.reveal()
        fresh = (await gate.sign_in("lena", PASSWORD, "here")).secret.reveal()
        token = (await store.create_token("lena", "loop", Role.AUTOMATION, life_ms=DAY_MS)).secret.reveal()
        await gate.by_session(known)
        await gate.by_token(token)
        assert STOP_ANSWER_S <= 0.25
        go_on = threading.Event()
        stuck = asyncio.create_task(store._read(lambda _: go_on.wait(10)))
        assert (await gate.for_stop(known)).name == "ravi"
        assert (await gate.for_stop(token)).name == "loop"
        go_on.set()
        await stuck
        await store.close()
        assert (await gate.for_stop(known)).name == "ravi"
        for work in (lambda: gate.for_stop(fresh), lambda: gate.by_session(known), lambda: gate.for_stop("stranger")):
            assert (await refusal(work)).code in {"access_store_closed", "access_unauthenticated"}
        hands.go_on(SESSION_IDLE_MS)
        assert (await refusal(lambda: gate.for_stop(known))).code == "access_store_closed"


@real
async def test_who_was_shut_out_may_not_stop_when_the_store_says_so(hands: Hands, path: Path) -> None:
    async with opened(hands, path) as (store, gate):
        made = await store.create_token("lena", "loop", Role.AUTOMATION, life_ms=DAY_MS)
        await gate.by_token(made.secret.reveal())
        session = await gate.sign_in("ravi", PASSWORD, "here")
        await gate.by_session(session.secret.reveal())
        await store.revoke_token("lena", made.token.id)
        await store.end_session("lena", session.session.id)
        assert "was revoked" in (await refusal(lambda: gate.for_stop(made.secret.reveal()))).what
        assert "was ended" in (await refusal(lambda: gate.for_stop(session.secret.reveal()))).what
        await store.close()
        for secret in (made.secret.reveal(), session.secret.reveal()):
            assert (await refusal(partial(gate.for_stop, secret))).code == "access_store_closed"


@real
async def test_a_session_whose_user_is_disabled_opens_nothing_even_if_nobody_ended_it(hands: Hands, path: Path) -> None:
    async with opened(hands, path) as (_, gate):
        secret = (await gate.sign_in("ravi", PASSWORD, "here")).secret.reveal()
        by_hand(path, "UPDATE user SET disabled = 1 WHERE name = 'ravi'")
        assert "ravi is disabled" in (await refusal(lambda: gate.by_session(secret))).what


@real
async def test_many_requests_at_once_are_noted_as_one_use(
    hands: Hands, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    noted: list[str] = []

    async def touch(_: Store, reference: str) -> None:
        noted.append(reference)

    monkeypatch.setattr(Store, "touch_session", touch)
    async with opened(hands, path) as (_, gate):
        session = await gate.sign_in("ravi", PASSWORD, "here")
        hands.go_on(NOTE_USE_EVERY_MS)
        await asyncio.gather(*(gate.by_session(session.secret.reveal()) for _ in range(20)))
    assert noted == [session.session.id]


@real
async def test_a_token_opens_for_its_program_alone(hands: Hands, path: Path) -> None:
    async with opened(hands, path) as (store, gate):
        made = await store.create_token("lena", "loop", Role.AUTOMATION, life_ms=DAY_MS, rigs=frozenset({"rig-1"}))
        secret = made.secret.reveal()
        identity = Identity("loop", frozenset({Role.AUTOMATION}), Proof.TOKEN, frozenset({"rig-1"}), made.token.id)
        assert await gate.by_token(secret) == identity
        assert await gate.by_token(secret, name="loop") == identity
        for work in (
            lambda: gate.by_token(secret, name="other"),
            lambda: gate.by_token(secret, name=""),
            lambda: gate.by_token(secret[:-1] + ("A" if secret[-1] != "A" else "B")),
            lambda: gate.by_token(""),
            lambda: gate.by_token("nanorig_token_" + "é" * 43),
            lambda: gate.by_session(secret),
        ):
            assert "is not known here" in (await refusal(work)).what
        hands.go_on(DAY_MS)
        assert "has expired" in (await refusal(lambda: gate.by_token(secret))).what


@real
async def test_a_disabled_user_is_out_at_once_and_a_revoked_session_too(hands: Hands, path: Path) -> None:
    async with opened(hands, path) as (store, gate):
        ravis = (await gate.sign_in("ravi", PASSWORD, "here")).secret.reveal()
        lenas = await gate.sign_in("lena", PASSWORD, "here")
        await store.disable("lena", "ravi")
        await store.end_session("lena", lenas.session.id)
        for secret in (ravis, lenas.secret.reveal()):
            assert (await refusal(partial(gate.by_session, secret))).code == "access_unauthenticated"
        await store.enable("lena", "ravi")
        assert (await refusal(lambda: gate.by_session(ravis))).code == "access_unauthenticated"


@real
async def test_a_session_that_is_used_goes_on_and_its_use_is_noted_now_and_then(hands: Hands, path: Path) -> None:
    async with opened(hands, path) as (store, gate):
        secret = (await gate.sign_in("ravi", PASSWORD, "here")).secret.reveal()
        for _ in range(4):
            hands.go_on(SESSION_IDLE_MS - 1)
            await gate.by_session(secret)
            await asyncio.gather(*gate._noting.values())
        noted = (await store.sessions())[0].last_used_ms
        hands.go_on(NOTE_USE_EVERY_MS - 1)
        await gate.by_session(secret)
        assert not gate._noting
        assert (await store.sessions())[0].last_used_ms == noted
        hands.go_on(SESSION_IDLE_MS)
        assert "has expired" in (await refusal(lambda: gate.by_session(secret))).what


@real
async def test_an_outdated_hash_is_made_anew_at_sign_in_and_no_session_ends(hands: Hands, path: Path) -> None:
    async with opened(hands, path) as (store, gate):
        before = await gate.sign_in("ravi", PASSWORD, "here")
        kept = await store.password_of("ravi")
        async with Gate(store, passwords=cheap(time_cost=2), monotonic_ms=lambda: hands.monotonic_ms) as newer:
            await newer.sign_in("ravi", PASSWORD, "here")
            made_anew = await store.password_of("ravi")
            assert made_anew != kept
            await newer.sign_in("ravi", PASSWORD, "here")
            assert await store.password_of("ravi") == made_anew
        assert (await gate.by_session(before.secret.reveal())).name == "ravi"


@real
async def test_a_password_changed_while_the_old_one_is_checked_opens_nothing(
    hands: Hands, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with opened(hands, path) as (store, gate):
        checked, go_on = threading.Event(), threading.Event()
        fits = Passwords.fits

        def held(passwords: Passwords, kept: str | None, password: str) -> bool:
            checked.set()
            assert go_on.wait(10)
            return fits(passwords, kept, password)

        monkeypatch.setattr(Passwords, "fits", held)
        signing_in = asyncio.create_task(gate.sign_in("ravi", PASSWORD, "here"))
        while not checked.is_set():
            await asyncio.sleep(0)
        await store.set_password("lena", "ravi", cheap().make("ganz andere Worte 7"))
        go_on.set()
        with pytest.raises(RigError, match="changed just now"):
            await signing_in
        assert await store.sessions() == []


@real
async def test_ones_own_password_is_changed_with_the_present_one_only(hands: Hands, path: Path) -> None:
    async with opened(hands, path) as (store, gate):
        secret = (await gate.sign_in("ravi", PASSWORD, "here")).secret.reveal()
        identity = await gate.by_session(secret)
        await refusal(lambda: gate.change_own_password(identity, WRONG, "ganz andere Worte 7", "here"))
        with pytest.raises(UsageError, match="contains the name"):
            await gate.change_own_password(identity, PASSWORD, "ravi und sein Fahrrad", "here")
        assert await gate.by_session(secret) == identity
        await gate.change_own_password(identity, PASSWORD, "ganz andere Worte 7", "here")
        assert (await refusal(lambda: gate.by_session(secret))).code == "access_unauthenticated"
        await gate.sign_in("ravi", "ganz andere Worte 7", "here")
        assert (await store.changes(2))[0].operator == "ravi"


@real
async def test_a_damaged_hash_is_told_as_damage_and_counts_as_no_wrong_password(hands: Hands, path: Path) -> None:
    async with opened(hands, path) as (_, gate):
        by_hand(path, "UPDATE user SET password = 'plain' WHERE name = 'ravi'")
        for _ in range(FREE_ATTEMPTS + 2):
            assert (await refusal(lambda: gate.sign_in("ravi", PASSWORD, "here"))).code == "access_store_corrupt"


@real
async def test_a_use_that_cannot_be_noted_harms_nobody_and_is_logged(
    hands: Hands, path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with opened(hands, path) as (store, gate):
        secret = (await gate.sign_in("ravi", PASSWORD, "here")).secret.reveal()
        hands.go_on(NOTE_USE_EVERY_MS)
        await store._database._writer.close()
        with caplog.at_level(logging.WARNING):
            assert (await gate.by_session(secret)).name == "ravi"
            await asyncio.gather(*gate._noting.values())
        assert "could not be noted: access_store_closed" in caplog.text


@real
async def test_the_machines_own_clocks_serve_when_none_are_given(path: Path) -> None:
    async with await Store.open(path) as store, Gate(store, passwords=cheap()) as gate:
        before = utc_ms()
        user = await gate.add_user(BOSS, "lena", [Role.SUPERVISOR], PASSWORD)
        assert before <= user.created_ms <= store.clock.now_ms()
        assert (await gate.sign_in("lena", PASSWORD, "here")).identity.name == "lena"
